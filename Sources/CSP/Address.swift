import Octets

/// What an address names. Source: protocol/session.md §1.6.
public enum AddressKind: UInt8, Sendable {
    /// `wv:user@domain`, or `wv:+digits@domain` for a mobile number.
    case user
    /// `wv:user/name@domain`: a contact list or a private group of that user.
    case resource
    /// `wv:/group@domain`.
    case publicGroup
}

/// An address in the form that is compared and stored: with schema and domain, ASCII letters in lower case.
public struct Address: Sendable {
    /// Octets of the longest address that is accepted; the strictest receiver takes 50, our own users keep to it.
    public static var byteCountMax: Int { 100 }

    /// What is named.
    public let kind: AddressKind

    /// True when the domain is the one of this server.
    public let isLocal: Bool

    @usableFromInline let canonicalText: InlineBytes<100>

    /// `wv:alice@home.test`.
    public var canonical: Span<UInt8> {
        @_transparent
        @_lifetime(borrow self)
        get { canonicalText.span }
    }

    /// Reads an address as clients write it: the schema and the domain may be missing, letters have any case.
    ///
    /// - Returns: nil when the text is no address: empty or too long, a character that addresses do not have, more than
    ///   one `@` or `/`, a `+` that does not begin a mobile number.
    /// - Source: protocol/session.md §1.6.
    public init?(_ text: Span<UInt8>, homeDomain: Span<UInt8>) {
        var rest = text.trimmed()
        if rest.count >= 3, rest.extracting(0..<3).equalsIgnoringCase("wv:") { rest = rest.extracting(3..<rest.count) }
        let at = rest.firstIndex(of: 0x40)
        let local = rest.extracting(0..<(at ?? rest.count))
        var domain = homeDomain
        if let at { domain = rest.extracting((at + 1)..<rest.count) }
        let slash = local.firstIndex(of: 0x2F)
        guard Address.isName(local, slash: slash), Address.isDomain(domain) else { return nil }
        switch slash {
        case nil: kind = .user
        case 0: kind = .publicGroup
        default: kind = .resource
        }
        isLocal = domain.equalsIgnoringCase(homeDomain)
        var canonical = InlineBytes<100>()
        guard canonical.append("wv:"), canonical.appendLowercased(local), canonical.append(0x40),
            canonical.appendLowercased(domain)
        else { return nil }
        canonicalText = canonical
    }

    private static func isName(_ local: Span<UInt8>, slash: Int?) -> Bool {
        guard local.count > 0, slash != local.count - 1 else { return false }
        for index in local.indices {
            let octet = local[index]
            guard octet > 0x20, octet < 0x7F else { return false }
            if octet == 0x2F, index != slash { return false }
            if octet == 0x2B, index > 0 || local.count == 1 { return false }
        }
        if local[0] == 0x2B {
            for index in 1..<local.count where !local[index].isASCIIDigit { return false }
        }
        return true
    }

    private static func isDomain(_ domain: Span<UInt8>) -> Bool {
        guard domain.count > 0 else { return false }
        for index in domain.indices {
            let octet = domain[index]
            guard octet.isASCIILetter || octet.isASCIIDigit || octet == 0x2D || octet == 0x2E || octet == 0x5F else {
                return false
            }
        }
        return true
    }
}

extension InlineBytes {
    /// Adds `octets` with ASCII letters in lower case; false, and nothing added, when there is no room.
    mutating func appendLowercased(_ octets: Span<UInt8>) -> Bool {
        guard octets.count <= capacity - count else { return false }
        for index in octets.indices { _ = append(octets[index].asciiLowercased) }
        return true
    }
}
