import CMbedTLS
import Octets

/// The hash functions that a login may use. Source: protocol/session.md §3.4.
public enum DigestAlgorithm: UInt8, Sendable {
    /// 16 octets; only where mbedTLS was built with it.
    case md4
    /// 16 octets.
    case md5
    /// 20 octets.
    case sha1
    /// 32 octets; for our own use, no schema names it.
    case sha256

    private var type: mbedtls_md_type_t {
        switch self {
        case .md4: return MBEDTLS_MD_MD4
        case .md5: return MBEDTLS_MD_MD5
        case .sha1: return MBEDTLS_MD_SHA1
        case .sha256: return MBEDTLS_MD_SHA256
        }
    }

    /// True when mbedTLS offers the function.
    public var isAvailable: Bool { unsafe mbedtls_md_info_from_type(type) != nil }

    /// The hash of `octets`; empty when the function is not available.
    public func digest(_ octets: Span<UInt8>) -> InlineBytes<32> {
        var output = InlineArray<32, UInt8>(repeating: 0)
        guard let info = unsafe mbedtls_md_info_from_type(type) else { return InlineBytes() }
        var span = output.mutableSpan
        let code = unsafe octets.withUnsafeBufferPointer { input in
            unsafe span.withUnsafeMutableBufferPointer { result in
                unsafe mbedtls_md(info, input.baseAddress, input.count, result.baseAddress)
            }
        }
        guard code == 0 else { return InlineBytes() }
        let size = unsafe Int(mbedtls_md_get_size(info))
        return InlineBytes(output.span.extracting(0..<size)) ?? InlineBytes()
    }

    /// The keyed hash (HMAC) of `octets`; empty when the function is not available.
    public func hmac(_ octets: Span<UInt8>, key: Span<UInt8>) -> InlineBytes<32> {
        var output = InlineArray<32, UInt8>(repeating: 0)
        guard let info = unsafe mbedtls_md_info_from_type(type) else { return InlineBytes() }
        var span = output.mutableSpan
        let code = unsafe octets.withUnsafeBufferPointer { input in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe span.withUnsafeMutableBufferPointer { result in
                    unsafe mbedtls_md_hmac(
                        info, key.baseAddress, key.count, input.baseAddress, input.count, result.baseAddress)
                }
            }
        }
        guard code == 0 else { return InlineBytes() }
        let size = unsafe Int(mbedtls_md_get_size(info))
        return InlineBytes(output.span.extracting(0..<size)) ?? InlineBytes()
    }
}

/// True when both are equal; takes the same time whatever the difference.
public func equalsInConstantTime(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Bool {
    guard first.count == second.count else { return false }
    var difference: UInt8 = 0
    for index in first.indices { difference |= first[index] ^ second[index] }
    return difference == 0
}
