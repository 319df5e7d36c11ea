import CMbedTLS

/// What the server's side of a handshake goes by: suites, the certificate, and tickets with which peers come back.
///
/// Only TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305: what was recorded cannot be read with a key that is stolen later.
@safe
struct ServerConfiguration: ~Copyable {
    let configuration = UnsafeMutablePointer<mbedtls_ssl_config>.allocate(capacity: 1)
    private let tickets = UnsafeMutablePointer<mbedtls_ssl_ticket_context>.allocate(capacity: 1)
    let identity = Identity()
    private var isConfigured = false
    /// There is a certificate to show.
    private(set) var isReady = false

    init() {
        unsafe mbedtls_ssl_config_init(configuration)
        unsafe mbedtls_ssl_ticket_init(tickets)
    }

    private mutating func configure() throws(TLSError) {
        guard !isConfigured else { return }
        try unsafe Suites.configure(configuration, MBEDTLS_SSL_IS_SERVER)
        // The key of tickets turns over by itself, twice in their life.
        let code = unsafe mbedtls_ssl_ticket_setup(
            tickets, Suites.random, nil, MBEDTLS_CIPHER_AES_256_GCM, 86_400)
        guard code == 0 else { throw .failed(code) }
        unsafe mbedtls_ssl_conf_session_tickets_cb(
            configuration, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, tickets)
        isConfigured = true
    }

    /// Takes a certificate and its key, in PEM with a zero octet behind each; what was used before stays when they are not
    /// taken.
    mutating func use(certificate: Span<UInt8>, key: Span<UInt8>) throws(TLSError) {
        try configure()
        let other = try Identity(certificate: certificate, key: key)
        guard unsafe tls_shim_fits(other.certificate) != 0 else { throw .tooLong }
        identity.exchange(with: other)
        guard !isReady else { return }
        let code = unsafe mbedtls_ssl_conf_own_cert(configuration, identity.certificate, identity.key)
        guard code == 0 else { throw .failed(code) }
        isReady = true
    }
}
