import CMbedTLS
import Octets

/// Why a certificate and its key cannot be used, or TLS not at all.
public enum TLSError: Error {
    /// There is no certificate in the file; the code is the library's.
    case certificate(Int32)
    /// There is no key in the file, or one that is locked by a password; the code is the library's.
    case key(Int32)
    /// The key is of another certificate.
    case mismatch
    /// The certificate with those that prove it is longer than it can be sent.
    case tooLong
    /// The library refuses, for want of memory above all; the code is its.
    case failed(Int32)

    /// What is wrong and what would be right, for the log.
    public var explanation: StaticString {
        switch self {
        case .certificate: return "no certificate in PEM, or one that is cut"
        case .key: return "no key in PEM, or one that is cut or has a password"
        case .mismatch: return "the key is of another certificate"
        case .tooLong: return "with those that prove it, it is longer than 4 KB; leave the last ones out"
        case .failed: return "no memory for TLS; raise mem_kb, or lower tls_connections"
        }
    }

    /// The code of the library without its sign; 0 for none.
    public var code: UInt64 {
        switch self {
        case .certificate(let code), .key(let code), .failed(let code): return UInt64(code.magnitude)
        case .mismatch, .tooLong: return 0
        }
    }
}
