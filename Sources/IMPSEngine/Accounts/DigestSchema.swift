import Digests
import Octets

/// The ways to answer a challenge. Source: protocol/session.md §3.4.
enum DigestSchema: UInt8 {
    case sha = 1
    case md5 = 2
    case md4 = 3
    /// The password in clear.
    case pwd = 4

    init?(_ word: Span<UInt8>) {
        if word.equalsIgnoringCase("SHA") {
            self = .sha
        } else if word.equalsIgnoringCase("MD5") {
            self = .md5
        } else if word.equalsIgnoringCase("MD4") {
            self = .md4
        } else if word.equalsIgnoringCase("PWD") {
            self = .pwd
        } else {
            return nil
        }
    }

    var name: StaticString {
        switch self {
        case .sha: return "SHA"
        case .md5: return "MD5"
        case .md4: return "MD4"
        case .pwd: return "PWD"
        }
    }

    /// The hash function; nil for PWD.
    var algorithm: DigestAlgorithm? {
        switch self {
        case .sha: return .sha1
        case .md5: return .md5
        case .md4: return .md4
        case .pwd: return nil
        }
    }
}
