import CMbedTLS
import Octets

/// Whom we believe that he is the one we went to: whoever has the certificate that was pinned; else whoever has one for the
/// name in the address, that is good now and was signed by somebody in a file.
struct Trust {
    /// Looks at what a server showed.
    @unsafe
    static func verify(
        _ chain: UnsafePointer<mbedtls_x509_crt>, host: Span<UInt8>, authorities path: Span<UInt8>, pin: Fingerprint?
    ) throws(Distrust) {
        if let pin {
            guard unsafe fingerprint(of: chain) == pin else { throw .wrongPin }
            return
        }
        let authorities = try unsafe Authorities(of: chain, in: path)
        guard authorities.count > 0 else { throw .unknownIssuer }
        let certificates = unsafe authorities.certificates
        var flags: UInt32 = 0
        _ = unsafe withName(host) { name in
            // The library looks at names only; addresses are what a device's own certificate has.
            let address = unsafe tls_shim_names_address(chain, name)
            // It changes nothing of it.
            let code = unsafe mbedtls_x509_crt_verify(
                UnsafeMutablePointer(mutating: chain), certificates, nil, address < 0 ? name : nil, &flags, nil, nil)
            if address == 0 { flags |= UInt32(MBEDTLS_X509_BADCERT_CN_MISMATCH) }
            if unsafe tls_shim_may_serve(chain) == 0 { flags |= UInt32(MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) }
            return code
        }
        if let distrust = distrust(flags) { throw distrust }
    }

    /// The first of what is wrong, in the order in which it would be put right.
    private static func distrust(_ flags: UInt32) -> Distrust? {
        func has(_ flag: Int32) -> Bool { flags & UInt32(flag) != 0 }
        if flags == 0 { return nil }
        if has(MBEDTLS_X509_BADCERT_NOT_TRUSTED) { return .unknownIssuer }
        if has(MBEDTLS_X509_BADCERT_EXPIRED) { return .expired }
        if has(MBEDTLS_X509_BADCERT_FUTURE) { return .notYetValid }
        if has(MBEDTLS_X509_BADCERT_CN_MISMATCH) { return .wrongName }
        if has(MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) { return .wrongUse }
        let isWeak =
            has(MBEDTLS_X509_BADCERT_BAD_MD) || has(MBEDTLS_X509_BADCERT_BAD_PK) || has(MBEDTLS_X509_BADCERT_BAD_KEY)
        return isWeak ? .weak : .other
    }

    /// What people compare: the SHA-256 of a certificate.
    @unsafe
    static func fingerprint(of certificate: UnsafePointer<mbedtls_x509_crt>) -> Fingerprint {
        var digest = InlineArray<32, UInt8>(repeating: 0)
        var span = digest.mutableSpan
        _ = unsafe span.withUnsafeMutableBufferPointer {
            unsafe mbedtls_md(
                mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate.pointee.raw.p, certificate.pointee.raw.len,
                $0.baseAddress)
        }
        return Fingerprint(digest)
    }

    /// A name with the zero at its end that the library wants.
    static func withName(_ name: Span<UInt8>, _ body: (UnsafePointer<CChar>?) -> Int32) -> Int32 {
        var text = InlineArray<256, CChar>(repeating: 0)
        for index in 0..<min(name.count, 255) { text[index] = CChar(bitPattern: name[index]) }
        return unsafe text.span.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
