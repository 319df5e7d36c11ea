import CLibC
import CMbedTLS
import Octets

/// The server's side of TLS 1.2: places for connections, the certificate, and tickets with which peers come back.
///
/// Octets go through one pipe: what came from a peer is lent for one call, and what is to be sent to it lies in `output`
/// afterwards. Nothing here knows of sockets.
///
/// Only ECDHE with AES-GCM or ChaCha20-Poly1305: what was recorded cannot be read with a key that is stolen later.
@safe
public struct TLSServer: ~Copyable {
    private let pipe = UnsafeMutablePointer<Pipe>.allocate(capacity: 1)
    private let configuration = UnsafeMutablePointer<mbedtls_ssl_config>.allocate(capacity: 1)
    private let tickets = UnsafeMutablePointer<mbedtls_ssl_ticket_context>.allocate(capacity: 1)
    private let connections: UnsafeMutablePointer<mbedtls_ssl_context>
    private let identity = Identity()
    private var places: Slab<UInt16>
    private var freeCount: Int
    private var isConfigured = false
    /// There is a certificate to show.
    public private(set) var isReady = false
    /// Places for connections.
    public let count: Int

    /// No place; places are numbered from 1.
    public static var none: UInt16 { 0 }

    /// Octets of memory that a connection takes while it is open, its buffers above all.
    public static var connectionByteCount: Int { 24_576 }

    /// Octets that connections share: the certificate, and what handshakes take for a moment.
    public static var sharedByteCount: Int { 65_536 }

    /// Octets that sealing adds to so many, in records of 4 KB: 29 to each, with something for an alert.
    public static func sealedByteCount(_ count: Int) -> Int { count + (count / 4096 + 2) * 64 + 256 }

    /// - Parameters:
    ///   - count: Connections at once.
    ///   - memory: What the library takes from, where it was compiled so.
    ///   - output: Where what is to be sent is left.
    public init(count: Int, memory: consuming Slab<UInt8>, output: consuming FixedBytes) {
        self.count = count
        unsafe pipe.initialize(to: Pipe(output: output))
        unsafe connections = .allocate(capacity: max(1, count))
        places = TLSServer.lent(count)
        for index in 0..<count { places[index] = UInt16(count - index) }
        freeCount = count
        TLSServer.lend(memory)
        unsafe mbedtls_ssl_config_init(configuration)
        unsafe mbedtls_ssl_ticket_init(tickets)
    }

    private static func lent(_ count: Int) -> Slab<UInt16> {
        let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: max(1, count))
        unsafe memory.initialize(repeating: 0, count: max(1, count))
        return unsafe Slab(lent: memory, count: count)
    }

    /// From now on the library takes all from here. What it took before, the vault's above all, it must not give back.
    private static func lend(_ memory: consuming Slab<UInt8>) {
        var memory = memory
        var span = memory.mutableSpan(0..<memory.count)
        unsafe span.withUnsafeMutableBufferPointer { octets in
            if octets.count > 0 { _ = unsafe tls_shim_lend(octets.baseAddress, octets.count) }
        }
    }

    private mutating func configure() throws(TLSError) {
        guard !isConfigured else { return }
        let configuration = unsafe configuration
        let code = unsafe mbedtls_ssl_config_defaults(
            configuration, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT)
        guard code == 0 else { throw .failed(code) }
        unsafe mbedtls_ssl_conf_rng(configuration, TLSServer.random, nil)
        unsafe mbedtls_ssl_conf_min_version(configuration, 3, 3)
        unsafe mbedtls_ssl_conf_max_version(configuration, 3, 3)
        unsafe mbedtls_ssl_conf_ciphersuites(
            configuration,
            TLSServer.constants([
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0, 0,
            ]))
        unsafe mbedtls_ssl_conf_curves(
            configuration,
            TLSServer.constants([
                MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE,
            ]))
        unsafe mbedtls_ssl_conf_alpn_protocols(configuration, TLSServer.protocols())
        // The key of tickets turns over by itself, twice in their life.
        let isSet = unsafe mbedtls_ssl_ticket_setup(
            tickets, TLSServer.random, nil, MBEDTLS_CIPHER_AES_256_GCM, 86_400)
        guard isSet == 0 else { throw .failed(isSet) }
        unsafe mbedtls_ssl_conf_session_tickets_cb(
            configuration, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, tickets)
        isConfigured = true
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
    private static let random: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
        _, target, count in
        var done = 0
        while done < count {
            let got = unsafe getrandom(target?.advanced(by: done), count - done, 0)
            if got > 0 { done += got } else if got < 0, libc_errno() != EINTR { return MBEDTLS_ERR_SSL_INTERNAL_ERROR }
        }
        return 0
    }

    // MARK: Certificate

    /// Takes a certificate and its key, in PEM with a zero octet behind each; what was used before stays when they are not
    /// taken. Connections that are open go on; one whose handshake is not done is to be closed.
    public mutating func use(certificate: borrowing FixedBytes, key: borrowing FixedBytes) throws(TLSError) {
        try configure()
        let other = try Identity(certificate: certificate.span, key: key.span)
        identity.exchange(with: other)
        guard !isReady else { return }
        let code = unsafe mbedtls_ssl_conf_own_cert(configuration, identity.certificate, identity.key)
        guard code == 0 else { throw .failed(code) }
        isReady = true
    }

    /// Until when the certificate is good, in seconds since 1970.
    public var validTo: UInt64 { identity.validTo }

    /// What people compare: the SHA-256 of the certificate.
    public var fingerprint: InlineArray<32, UInt8> { identity.fingerprint }

    // MARK: Connections

    private func connection(_ place: UInt16) -> UnsafeMutablePointer<mbedtls_ssl_context> {
        invariant(place > 0 && Int(place) <= count, "IM067 a place for TLS")
        return unsafe connections + Int(place) - 1
    }

    /// Connections that are open.
    public var openCount: Int { count - freeCount }

    /// Begins a connection; nil when there is no place or no memory.
    public mutating func open() -> UInt16? {
        guard freeCount > 0 else { return nil }
        let place = places[freeCount - 1]
        let ssl = unsafe connection(place)
        unsafe mbedtls_ssl_init(ssl)
        guard unsafe mbedtls_ssl_setup(ssl, configuration) == 0 else {
            unsafe mbedtls_ssl_free(ssl)
            return nil
        }
        unsafe Pipe.connect(ssl, to: pipe)
        freeCount -= 1
        return place
    }

    /// Gives a place back, without a word to the peer.
    public mutating func close(_ place: UInt16) {
        unsafe mbedtls_ssl_free(connection(place))
        places[freeCount] = place
        freeCount += 1
    }

    /// Whether octets were taken that nobody read yet.
    public func hasUnread(_ place: UInt16) -> Bool { unsafe mbedtls_ssl_check_pending(connection(place)) != 0 }

    /// Whether the handshake is done.
    public func isOpen(_ place: UInt16) -> Bool {
        unsafe connection(place).pointee.state == Int32(MBEDTLS_SSL_HANDSHAKE_OVER.rawValue)
    }

    /// Lends what came from a peer. The buffer is not to be changed until `takeBack`.
    public mutating func lend(_ octets: borrowing FixedBytes) {
        unsafe octets.span.withUnsafeBufferPointer { unsafe pipe.pointee.lend($0) }
    }

    /// Ends the loan.
    ///
    /// - Returns: How many octets were not read.
    public mutating func takeBack() -> Int { unsafe pipe.pointee.takeBack() }

    /// What became of a step.
    public enum Outcome: Sendable {
        /// The handshake is done, or so many octets were read.
        case done(Int)
        /// More octets of the peer are needed.
        case waits
        /// The peer says that it is through.
        case ended
        /// It cannot go on; the code is the library's.
        case failed(Int32)
    }

    /// Goes on with a handshake as far as the lent octets lead.
    public mutating func shakeHands(_ place: UInt16) -> Outcome {
        unsafe outcome(mbedtls_ssl_handshake(connection(place)))
    }

    /// Reads what a peer said.
    @unsafe
    public mutating func read(_ place: UInt16, into target: UnsafeMutableBufferPointer<UInt8>) -> Outcome {
        let code = unsafe mbedtls_ssl_read(connection(place), target.baseAddress, target.count)
        return code == 0 ? .ended : outcome(code)
    }

    private func outcome(_ code: Int32) -> Outcome {
        if code >= 0 { return .done(Int(code)) }
        if code == MBEDTLS_ERR_SSL_WANT_READ { return .waits }
        if code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || code == MBEDTLS_ERR_SSL_CONN_EOF { return .ended }
        return .failed(code)
    }

    /// Adds octets, sealed, to the output; false when that is not possible any more.
    public mutating func write(_ place: UInt16, _ octets: borrowing FixedBytes, _ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            let code = unsafe octets.span(start..<range.upperBound).withUnsafeBufferPointer {
                unsafe mbedtls_ssl_write(connection(place), $0.baseAddress, $0.count)
            }
            guard code > 0 else { return false }
            start += Int(code)
        }
        return true
    }

    /// Adds to the output that nothing more will be said.
    public mutating func end(_ place: UInt16) {
        if isOpen(place) { _ = unsafe mbedtls_ssl_close_notify(connection(place)) }
    }

    /// What is to be sent.
    public var output: FixedBytes {
        _read { yield unsafe pipe.pointee.output }
        _modify { yield unsafe &pipe.pointee.output }
    }
}
