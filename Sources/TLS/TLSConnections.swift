import CMbedTLS
import Octets

/// Connections by TLS 1.2, of peers that came to us and of those that we went to.
///
/// Octets go through one pipe: what came from a peer is lent for one call, and what is to be sent to it lies in `output`
/// afterwards. Nothing here knows of sockets. A connection has buffers only while a handshake or a record is under way.
@safe
public struct TLSConnections: ~Copyable {
    private let pipe = UnsafeMutablePointer<Pipe>.allocate(capacity: 1)
    private let connections: UnsafeMutablePointer<mbedtls_ssl_context>
    private let rests: UnsafeMutablePointer<tls_shim_rest>
    private var server = ServerConfiguration()
    private var client = ClientConfiguration()
    private var free: Slab<UInt16>
    private var freeCount: Int
    private var pairs: BufferPairs
    /// The buffers that a connection has, by its place.
    private var pairOf: Slab<UInt16>
    /// Octets of a handshake that wait for its turn, by its place.
    private var keptCounts: Slab<UInt16>
    /// Places for connections.
    public let count: Int

    /// No place; places are numbered from 1.
    public static var none: UInt16 { 0 }

    /// Octets that a connection takes while nothing is under way on it.
    public static var connectionByteCount: Int { 6144 }

    /// Of so many connections, this many may have a handshake or a record under way at once.
    public static func busyCount(of count: Int) -> Int { min(count, max(4, count / 4)) }

    /// Octets that connections share: the certificate, tickets, and a moment's needs.
    public static var sharedByteCount: Int { 65_536 }

    /// Octets that a handshake or a record takes while it is under way: its buffers, and what is reckoned with.
    public static var busyByteCount: Int { BufferPairs.byteCount + handshakeByteCount }

    private static var handshakeByteCount: Int { 12_288 }

    /// How many connections so many octets are enough for.
    public static func count(for byteCount: Int) -> Int {
        max(0, byteCount - sharedByteCount) * 4 / (4 * connectionByteCount + busyByteCount)
    }

    /// Octets that sealing adds to so many, in records of 4 KB: 29 to each, with something for an alert.
    public static func sealedByteCount(_ count: Int) -> Int { count + (count / 4096 + 2) * 64 + 256 }

    /// - Parameters:
    ///   - count: Connections at once.
    ///   - memory: As many octets as all of them take, for good.
    ///   - output: Where what is to be sent is left.
    public init(count: Int, memory: (Int) -> Slab<UInt8>, output: consuming FixedBytes) {
        self.count = count
        unsafe pipe.initialize(to: Pipe(output: output))
        unsafe connections = .allocate(capacity: max(1, count))
        unsafe rests = .allocate(capacity: max(1, count))
        unsafe rests.initialize(repeating: tls_shim_rest(), count: max(1, count))
        free = TLSConnections.places(count)
        freeCount = count
        pairOf = TLSConnections.places(count)
        keptCounts = TLSConnections.places(count)
        for index in 0..<count {
            pairOf[index] = BufferPairs.none
            keptCounts[index] = 0
        }
        let busyCount = TLSConnections.busyCount(of: count)
        pairs = BufferPairs(count: busyCount, memory: memory(busyCount * BufferPairs.byteCount))
        guard count > 0 else { return }
        TLSConnections.lend(
            memory(
                count * TLSConnections.connectionByteCount + busyCount * TLSConnections.handshakeByteCount
                    + TLSConnections.sharedByteCount))
    }

    /// The numbers of free places, the one to be taken first at the end.
    static func places(_ count: Int) -> Slab<UInt16> {
        let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: max(1, count))
        for index in 0..<max(1, count) { unsafe (memory + index).initialize(to: UInt16(max(1, count) - index)) }
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

    // MARK: Certificate

    /// There is a certificate to show.
    public var isReady: Bool { server.isReady }

    /// Takes a certificate and its key, in PEM with a zero octet behind each; what was used before stays when they are not
    /// taken. Connections that are open go on; one whose handshake is not done is to be closed.
    public mutating func use(certificate: borrowing FixedBytes, key: borrowing FixedBytes) throws(TLSError) {
        try server.use(certificate: certificate.span, key: key.span)
    }

    /// Until when the certificate is good, in seconds since 1970.
    public var validTo: UInt64 { server.identity.validTo }

    /// What people compare: the SHA-256 of the certificate.
    public var fingerprint: Fingerprint { server.identity.fingerprint }

    // MARK: Connections

    private func connection(_ place: UInt16) -> UnsafeMutablePointer<mbedtls_ssl_context> {
        invariant(place > 0 && Int(place) <= count, "IM067 a place for TLS")
        return unsafe connections + Int(place) - 1
    }

    /// Connections that are open.
    public var openCount: Int { count - freeCount }

    /// Connections with a handshake or a record under way.
    public var busyCount: Int { TLSConnections.busyCount(of: count) - pairs.freeCount }

    /// Whether one that begins finds a place and buffers.
    public var hasRoom: Bool { freeCount > 0 && pairs.freeCount > 0 }

    /// Whether a step of a connection finds buffers.
    public func hasBuffers(_ place: UInt16) -> Bool {
        pairs.freeCount > 0 || pairOf[Int(place) - 1] != BufferPairs.none
    }

    /// Whether a handshake or a record is under way, which takes buffers.
    public func isBusy(_ place: UInt16) -> Bool { pairOf[Int(place) - 1] != BufferPairs.none }

    /// Begins a connection with a peer that came to us; nil when there is no place, no buffer or no memory.
    public mutating func open() -> UInt16? { unsafe begin(server.configuration, host: Span()) }

    /// Begins a connection with a server that we went to; nil when there is no place, no buffer or no memory.
    ///
    /// - Parameter host: The name in the address, which a server with many certificates goes by.
    public mutating func open(to host: Span<UInt8>) -> UInt16? {
        do throws(TLSError) { try client.configure() } catch { return nil }
        return unsafe begin(client.configuration, host: host)
    }

    private mutating func begin(
        _ configuration: UnsafeMutablePointer<mbedtls_ssl_config>, host: Span<UInt8>
    ) -> UInt16? {
        guard hasRoom else { return nil }
        let place = free[freeCount - 1]
        let ssl = unsafe connection(place)
        unsafe mbedtls_ssl_init(ssl)
        var code = unsafe mbedtls_ssl_setup(ssl, configuration)
        if code == 0, host.count > 0 { code = unsafe Trust.withName(host) { unsafe tls_shim_name_server(ssl, $0) } }
        guard code == 0 else {
            unsafe mbedtls_ssl_free(ssl)
            return nil
        }
        unsafe Pipe.connect(ssl, to: pipe)
        freeCount -= 1
        // The library's own buffers give way to ours.
        let rest = unsafe rests + Int(place) - 1
        unsafe tls_shim_take_buffers(ssl, rest)
        let own = unsafe rest.pointee
        _ = wake(place)
        unsafe withUnsafePointer(to: own) { unsafe tls_shim_free_buffers($0) }
        return place
    }

    /// Sees to it that a connection has buffers; false when there are none.
    private mutating func wake(_ place: UInt16) -> Bool {
        guard pairOf[Int(place) - 1] == BufferPairs.none else { return true }
        guard let pair = pairs.take() else { return false }
        pairOf[Int(place) - 1] = pair
        let start = unsafe pairs.start(pair)
        unsafe tls_shim_give_buffers(
            connection(place), rests + Int(place) - 1, start, start + tls_shim_in_count())
        return true
    }

    /// Takes the buffers of a connection when nothing is under way.
    private mutating func rest(_ place: UInt16) {
        if unsafe tls_shim_can_rest(connection(place)) != 0 { takeBuffers(place) }
    }

    private mutating func takeBuffers(_ place: UInt16) {
        guard pairOf[Int(place) - 1] != BufferPairs.none else { return }
        unsafe tls_shim_take_buffers(connection(place), rests + Int(place) - 1)
        pairs.give(pairOf[Int(place) - 1])
        pairOf[Int(place) - 1] = BufferPairs.none
    }

    /// Gives a place back, without a word to the peer.
    public mutating func close(_ place: UInt16) {
        // They are not the library's to free.
        takeBuffers(place)
        keptCounts[Int(place) - 1] = 0
        unsafe mbedtls_ssl_free(connection(place))
        free[freeCount] = place
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

    /// Keeps what came for a handshake until its turn, where nothing is put together before; false when it is too much.
    public mutating func keep(_ place: UInt16, _ octets: borrowing FixedBytes) -> Bool {
        guard isBusy(place), octets.count <= tls_shim_out_count(), unsafe connection(place).pointee.out_left == 0 else {
            return false
        }
        let target = unsafe pairs.start(pairOf[Int(place) - 1]) + tls_shim_in_count()
        for index in 0..<octets.count { unsafe target[index] = octets[index] }
        keptCounts[Int(place) - 1] = UInt16(octets.count)
        return true
    }

    /// Whether a handshake waits for its turn.
    public func waits(_ place: UInt16) -> Bool { keptCounts[Int(place) - 1] > 0 }

    /// Puts what was kept where it came to first.
    public mutating func takeKept(_ place: UInt16, into octets: inout FixedBytes) {
        let source = unsafe pairs.start(pairOf[Int(place) - 1]) + tls_shim_in_count()
        octets.removeAll()
        for index in 0..<Int(keptCounts[Int(place) - 1]) { unsafe octets.append(source[index]) }
        keptCounts[Int(place) - 1] = 0
    }

    /// Looks whether the server on the other side is the one that we went to, once the handshake is done.
    ///
    /// - Parameters:
    ///   - host: The name or address in its URL.
    ///   - authorities: A file in PEM with the certificates that we trust.
    ///   - pin: The SHA-256 of its certificate, which counts instead of all that.
    public func verify(
        _ place: UInt16, host: Span<UInt8>, authorities: Span<UInt8>, pin: Fingerprint?
    ) throws(Distrust) {
        guard let chain = unsafe mbedtls_ssl_get_peer_cert(connection(place)) else { throw .other }
        try unsafe Trust.verify(chain, host: host, authorities: authorities, pin: pin)
    }

    /// The SHA-256 of the certificate that the other side showed; nil when it showed none.
    public func peerFingerprint(_ place: UInt16) -> Fingerprint? {
        guard let chain = unsafe mbedtls_ssl_get_peer_cert(connection(place)) else { return nil }
        return unsafe Trust.fingerprint(of: chain)
    }

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
        defer { rest(place) }
        return unsafe outcome(mbedtls_ssl_handshake(connection(place)))
    }

    /// Reads what a peer said.
    @unsafe
    public mutating func read(_ place: UInt16, into target: UnsafeMutableBufferPointer<UInt8>) -> Outcome {
        guard wake(place) else { return .failed(MBEDTLS_ERR_SSL_ALLOC_FAILED) }
        defer { rest(place) }
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
        guard wake(place) else { return false }
        defer { rest(place) }
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
        guard isOpen(place), wake(place) else { return }
        _ = unsafe mbedtls_ssl_close_notify(connection(place))
        rest(place)
    }

    /// What is to be sent.
    public var output: FixedBytes {
        _read { yield unsafe pipe.pointee.output }
        _modify { yield unsafe &pipe.pointee.output }
    }
}
