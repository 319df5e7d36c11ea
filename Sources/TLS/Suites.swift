import CLibC
import CMbedTLS

/// What both sides speak: TLS 1.2, ECDHE with AES-GCM or ChaCha20-Poly1305, HTTP/1.1 above it.
enum Suites {
    /// Sets a configuration up for one side.
    @unsafe
    static func configure(
        _ configuration: UnsafeMutablePointer<mbedtls_ssl_config>, _ side: Int32
    ) throws(TLSError) {
        let code = unsafe mbedtls_ssl_config_defaults(
            configuration, side, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT)
        guard code == 0 else { throw .failed(code) }
        unsafe mbedtls_ssl_conf_rng(configuration, random, nil)
        unsafe mbedtls_ssl_conf_min_version(configuration, 3, 3)
        unsafe mbedtls_ssl_conf_max_version(configuration, 3, 3)
        unsafe mbedtls_ssl_conf_ciphersuites(
            configuration,
            // ChaCha20 first: without instructions for AES, which nothing here uses on a board, it takes a third, and
            // looks nothing up in tables.
            constants([
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0, 0,
            ]))
        unsafe mbedtls_ssl_conf_curves(
            configuration,
            constants([
                MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE,
            ]))
        unsafe mbedtls_ssl_conf_alpn_protocols(configuration, protocols())
    }

    /// Constants that live as long as the process.
    private static func constants<let count: Int, Value: BitwiseCopyable>(
        _ values: InlineArray<count, Value>
    ) -> UnsafePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: count)
        for index in 0..<count { unsafe (memory + index).initialize(to: values[index]) }
        return unsafe UnsafePointer(memory)
    }

    private static func protocols() -> UnsafeMutablePointer<UnsafePointer<CChar>?> {
        let name: StaticString = "http/1.1"
        let list = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: 2)
        unsafe list.initialize(to: UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
        unsafe (list + 1).initialize(to: nil)
        return unsafe list
    }

    /// The system's generator.
    static let random: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
        _, target, count in
        var done = 0
        while done < count {
            let got = unsafe getrandom(target?.advanced(by: done), count - done, 0)
            if got > 0 { done += got } else if got < 0, libc_errno() != EINTR { return MBEDTLS_ERR_SSL_INTERNAL_ERROR }
        }
        return 0
    }
}
