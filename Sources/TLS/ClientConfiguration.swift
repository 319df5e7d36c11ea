import CMbedTLS

/// What our side of a handshake goes by when we go to a server. Who it is, is looked at when the handshake is done.
@safe
struct ClientConfiguration: ~Copyable {
    let configuration = UnsafeMutablePointer<mbedtls_ssl_config>.allocate(capacity: 1)
    private var isConfigured = false

    init() { unsafe mbedtls_ssl_config_init(configuration) }

    mutating func configure() throws(TLSError) {
        guard !isConfigured else { return }
        try unsafe Suites.configure(configuration, MBEDTLS_SSL_IS_CLIENT)
        // A file with all authorities of the world is larger than our memory: `Trust` reads it bit by bit.
        unsafe mbedtls_ssl_conf_authmode(configuration, MBEDTLS_SSL_VERIFY_NONE)
        isConfigured = true
    }
}
