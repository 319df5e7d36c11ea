import Octets

/// A version of the protocol. The root namespace of a document says which. Source: protocol/session.md §1.2.
public enum Version: UInt8, BitwiseCopyable, Sendable, Comparable {
    /// CSP 1.1.
    case v1_1 = 1
    /// CSP 1.2.
    case v1_2 = 2
    /// CSP 1.3.
    case v1_3 = 3

    /// The version as people write it.
    public var name: StaticString {
        switch self {
        case .v1_1: return "1.1"
        case .v1_2: return "1.2"
        case .v1_3: return "1.3"
        }
    }

    /// The namespace of WV-CSP-Message.
    public var sessionNamespace: StaticString {
        switch self {
        case .v1_1: return "http://www.wireless-village.org/CSP1.1"
        case .v1_2: return "http://www.openmobilealliance.org/DTD/WV-CSP1.2"
        case .v1_3: return "http://www.openmobilealliance.org/DTD/IMPS-CSP1.3"
        }
    }

    /// The namespace of TransactionContent.
    public var transactionNamespace: StaticString {
        switch self {
        case .v1_1: return "http://www.wireless-village.org/TRC1.1"
        case .v1_2: return "http://www.openmobilealliance.org/DTD/WV-TRC1.2"
        case .v1_3: return "http://www.openmobilealliance.org/DTD/IMPS-TRC1.3"
        }
    }

    /// The namespace of PresenceSubList.
    public var presenceNamespace: StaticString {
        switch self {
        case .v1_1: return "http://www.wireless-village.org/PA1.1"
        case .v1_2: return "http://www.openmobilealliance.org/DTD/WV-PA1.2"
        case .v1_3: return "http://www.openmobilealliance.org/DTD/IMPS-PA1.3"
        }
    }

    /// The version with this namespace on its root; nil when it is none of ours.
    public init?(sessionNamespace: Span<UInt8>) {
        if sessionNamespace.equals(Version.v1_1.sessionNamespace) {
            self = .v1_1
            return
        }
        if sessionNamespace.equals(Version.v1_2.sessionNamespace) {
            self = .v1_2
            return
        }
        if sessionNamespace.equals(Version.v1_3.sessionNamespace) {
            self = .v1_3
            return
        }
        // Somebody always writes it in another way.
        let namespace = sessionNamespace.trimmed()
        if namespace.equalsIgnoringCase(Version.v1_1.sessionNamespace) {
            self = .v1_1
        } else if namespace.equalsIgnoringCase(Version.v1_2.sessionNamespace) {
            self = .v1_2
        } else if namespace.equalsIgnoringCase(Version.v1_3.sessionNamespace) {
            self = .v1_3
        } else {
            return nil
        }
    }

    /// The version of ours that comes nearest to a namespace we do not know, for the answer 505: the one before a
    /// higher number, the first one after a lower number, and 1.2 when there is no number at all.
    public init(nearestTo namespace: Span<UInt8>) {
        let text = namespace.trimmed()
        guard text.count >= 3, text[text.count - 2] == 0x2E, text[text.count - 3].isASCIIDigit,
            text[text.count - 1].isASCIIDigit
        else {
            self = .v1_2
            return
        }
        let major = text[text.count - 3] & 0x0F
        let minor = text[text.count - 1] & 0x0F
        if major < 1 || major == 1 && minor <= 1 {
            self = .v1_1
        } else if major == 1, minor == 2 {
            self = .v1_2
        } else {
            self = .v1_3
        }
    }

    /// Earlier versions come first.
    public static func < (first: Version, second: Version) -> Bool { first.rawValue < second.rawValue }
}
