/// Why a server that we went to is not believed.
public enum Distrust: Error, Equatable, BitwiseCopyable, Sendable {
    /// There is no file with authorities, or it cannot be read.
    case noAuthorities
    /// Nobody whom we trust has signed its certificate.
    case unknownIssuer
    /// Its certificate has ended.
    case expired
    /// Its certificate is not good yet, or the clock is wrong.
    case notYetValid
    /// The certificate is for another name.
    case wrongName
    /// The certificate is not for servers.
    case wrongUse
    /// It is not the certificate that was pinned.
    case wrongPin
    /// The certificate is signed in a way that is not safe any more, or its key is too short.
    case weak
    /// There is something else about the certificate, or it could not be read.
    case other

    /// What is wrong and what would be right, for the log.
    public var explanation: StaticString {
        switch self {
        case .noAuthorities: return "no certificates to trust; ca_file names them"
        case .unknownIssuer: return "nobody in ca_file signed its certificate"
        case .expired: return "its certificate has ended"
        case .notYetValid: return "its certificate is not good yet, or the clock is wrong"
        case .wrongName: return "its certificate is for another name"
        case .wrongUse: return "its certificate is not for servers"
        case .wrongPin: return "it has another certificate than the one that is pinned"
        case .weak: return "its certificate or key is too weak"
        case .other: return "its certificate cannot be used"
        }
    }
}
