import CLibC
import Files
import CUV
import IMPSEngine
import Octets
import TLS

/// Listeners: binding, accepting, and turning away what is too much.
extension Server {
    // MARK: Binding

    /// Four addresses, the same by TLS, and the operator's page.
    static var listenerCount: Int { 9 }
    /// The one of the operator's page.
    static var adminListener: Int { 8 }

    /// Whether what comes by a listener is sealed.
    private func isSealed(_ listener: Int) -> Bool {
        listener == Server.adminListener ? settings.adminHasTLS : listener >= 4
    }

    /// Binds every address; one that is not there yet is tried again later, because at boot the order is not ours.
    mutating func bindListeners() throws(StartError) {
        boundPort = settings.port
        cirPort = settings.cirPort
        cirTLSPort = settings.cirTLSPort
        tlsPort = settings.tlsPort
        adminPort = settings.adminPort
        for index in 0..<Server.listenerCount where isToBeBound(index) {
            let code = bind(index)
            if code == UV_EADDRINUSE.rawValue { throw .addressInUse }
            guard code == 0 || code == UV_EADDRNOTAVAIL.rawValue else { throw .failed(code) }
        }
        sayReady()
    }

    mutating func bindAgain() {
        bindsAt = nil
        for index in 0..<Server.listenerCount where isToBeBound(index) { _ = bind(index) }
        sayReady()
    }

    /// Whether a listener is to be made now: one that libuv has not let go yet has to wait.
    private func isToBeBound(_ index: Int) -> Bool { isWanted(index) && closingListeners[index] == 0 }

    /// Whether there is to be a listener that there is not; the upper half are those for TLS, which needs a certificate.
    private func isWanted(_ index: Int) -> Bool {
        guard !isBound[index] else { return false }
        if index == Server.adminListener { return settings.hasAdmin && (!settings.adminHasTLS || tls.isReady) }
        guard index % 4 < settings.listenCount else { return false }
        return index < 4 ? !settings.isTLSOnly : settings.hasTLS && tls.isReady
    }

    private mutating func sayReady() {
        var waits = false
        for index in 0..<Server.listenerCount where isWanted(index) { waits = true }
        if waits { bindsAt = turn.now.adding(seconds: 2) }
        // Without a certificate there may be nothing to listen on; the operator's door is open, to put that right.
        guard !saidReady, anyIsBound || settings.isTLSOnly && !tls.isReady else { return }
        saidReady = true
        watchdog.ready()
        if turn.journal.begin(.ready, turn.now, turn.wall) {
            turn.journal.number("port", settings.isTLSOnly ? 0 : UInt64(boundPort))
            if settings.hasChannels, !settings.isTLSOnly { turn.journal.number("cir_port", UInt64(cirPort)) }
            if settings.hasTLS, tls.isReady { turn.journal.number("tls_port", UInt64(tlsPort)) }
            if settings.hasSealedChannels, tls.isReady { turn.journal.number("cir_tls_port", UInt64(cirTLSPort)) }
            if settings.hasAdmin { turn.journal.number("admin_port", UInt64(adminPort)) }
            turn.journal.end()
        }
    }

    private var anyIsBound: Bool {
        for index in 0..<Server.adminListener where isBound[index] { return true }
        return false
    }

    /// Binds one address and listens; 0, or libuv's code.
    private mutating func bind(_ index: Int) -> Int32 {
        let listener = unsafe listeners + index
        unsafe uv_tcp_init(loop, listener)
        unsafe listener.pointee.data = Server.data(index)
        let isAdmin = index == Server.adminListener
        let address = isAdmin ? settings.adminAddress : settings.listen[index % 4]
        let flags = isAdmin ? 0 : Server.bindFlags(settings, address.span)
        let port = isAdmin ? adminPort : index < 4 ? boundPort : tlsPort
        var code = unsafe Server.withAddress(address.span, port) { unsafe uv_tcp_bind(listener, $0, flags) }
        if code == 0 {
            code = unsafe uv_listen(uv_shim_stream(listener), 511) { stream, status in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.connectionArrived(Server.index(stream.pointee.data), status)
            }
        }
        let isListening = code == 0
        if isListening, !isAdmin { code = bindChannels(index) }
        if code == 0 {
            isBound[index] = true
            let given = unsafe Server.port(of: listener)
            if isAdmin {
                adminPort = given
            } else if index < 4 {
                boundPort = given
            } else {
                tlsPort = given
            }
        } else {
            unsafe closeListener(listener, index)
        }
        if code != 0, turn.journal.begin(.listen, turn.now, turn.wall) {
            turn.journal.text("address", address.span)
            turn.journal.number("port", UInt64(!isListening ? port : index < 4 ? cirPort : cirTLSPort))
            unsafe turn.journal.text("why", Server.text(of: uv_err_name(code)).span)
            turn.journal.word("next", code == UV_EADDRNOTAVAIL.rawValue ? "retry" : "stop")
            turn.journal.end()
        }
        return code
    }

    /// Gives back a handle that does not listen; until libuv has let it go, the address is left alone.
    mutating func closeListener(_ listener: UnsafeMutablePointer<uv_tcp_t>, _ index: Int) {
        closingListeners[index] += 1
        unsafe uv_close(uv_shim_handle(listener)) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.closingListeners[Server.index(handle.pointee.data)] -= 1
        }
    }

    /// Why an address cannot be listened on; nil when it can, as far as its words tell.
    public static func refusal(ofAddress address: Span<UInt8>) -> StaticString? {
        // A link that is not there yet may come.
        let zone = address.firstIndex(of: 0x25)
        let namesLink = zone.map { $0 + 1 < address.count } ?? false
        let code = unsafe withAddress(address, 1) {
            unsafe namesLink || zone == nil && uv_shim_is_listenable($0) != 0 ? 0 : UV_EADDRNOTAVAIL.rawValue
        }
        if code == 0 { return nil }
        guard code == UV_EADDRNOTAVAIL.rawValue else {
            return "a numeric address without a port, 192.168.1.1 or ::1; names are not looked up"
        }
        return "an address that begins with fe80 names its interface: fe80::1%br-lan"
    }

    /// With an IPv4 address beside it, one of IPv6 is for IPv6 alone: so 0.0.0.0 and :: go together.
    static func bindFlags(_ settings: ServerSettings, _ address: Span<UInt8>) -> UInt32 {
        guard address.firstIndex(of: 0x3A) != nil else { return 0 }
        for index in 0..<settings.listenCount where settings.listen[index].span.firstIndex(of: 0x3A) == nil {
            return UInt32(UV_TCP_IPV6ONLY.rawValue)
        }
        return 0
    }

    static func withAddress(
        _ address: Span<UInt8>, _ port: UInt16, _ body: (UnsafePointer<sockaddr>?) -> Int32
    ) -> Int32 {
        let isVersion6 = address.firstIndex(of: 0x3A) != nil
        return unsafe File.withPath(address) { text in
            var storage = sockaddr_storage()
            return unsafe withUnsafeMutablePointer(to: &storage) { storage in
                let raw = UnsafeMutableRawPointer(storage)
                let code =
                    unsafe isVersion6
                    ? uv_ip6_addr(text, Int32(port), raw.assumingMemoryBound(to: sockaddr_in6.self))
                    : uv_ip4_addr(text, Int32(port), raw.assumingMemoryBound(to: sockaddr_in.self))
                guard code == 0 else { return code }
                return unsafe body(raw.assumingMemoryBound(to: sockaddr.self))
            }
        }
    }

    static func port(of listener: UnsafeMutablePointer<uv_tcp_t>) -> UInt16 {
        var storage = sockaddr_storage()
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { storage in
            let raw = UnsafeMutableRawPointer(storage)
            guard unsafe uv_tcp_getsockname(listener, raw.assumingMemoryBound(to: sockaddr.self), &size) == 0 else {
                return 0
            }
            // The port has the same place for both families.
            return unsafe UInt16(bigEndian: raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port)
        }
    }

    // MARK: Accepting

    private mutating func connectionArrived(_ listener: Int, _ status: Int32) {
        beginTurn()
        guard status == 0 else { return logAcceptFailure(status) }
        accept(listener)
    }

    /// Tells why a connection that waits could not be taken, with libuv's code.
    mutating func logAcceptFailure(_ status: Int32) {
        guard turn.journal.begin(.accept, turn.now, turn.wall) else { return }
        unsafe turn.journal.text("why", Server.text(of: uv_err_name(status)).span)
        turn.journal.end()
    }

    /// Takes the connection that waits at a listener. Without any place left it stays there, and libuv stops asking the
    /// system for more until it is taken: so nothing spins.
    private mutating func accept(_ listener: Int) {
        guard let index = connections.open() else {
            isWaitingForRoom[listener] = true
            return
        }
        isWaitingForRoom[listener] = false
        let handle = unsafe handles + index
        unsafe uv_tcp_init(loop, handle)
        unsafe handle.pointee.data = Server.data(index)
        pools[poolPlaces.connections].take()
        guard unsafe uv_accept(uv_shim_stream(listeners + listener), uv_shim_stream(handle)) == 0 else {
            close(index)
            return
        }
        unsafe uv_tcp_nodelay(handle, 1)
        let network = unsafe Server.peer(of: handle, isNetwork: true)
        let count = connections.name(
            index,
            Client(
                address: unsafe Server.peer(of: handle, isNetwork: false), network: network,
                local: unsafe Server.local(of: handle), port: isSealed(listener) ? tlsPort : boundPort,
                isSealed: isSealed(listener),
                cirPort: callPort(listener)))
        guard connections.isPlace(index), count <= settings.connectionsOfAddressMax else {
            isSealed(listener) ? shedSealed(index) : shed(index)
            return
        }
        connections[index].isAdmin = listener == Server.adminListener
        connections[index].phase = .reading
        connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
        guard !isSealed(listener) || openSealed(index) else { return }
        startReading(index)
    }

    /// Where a client of a listener may keep a connection to be called: by TLS when it came so, for what it says there is
    /// the number of its session.
    private func callPort(_ listener: Int) -> UInt16 {
        if listener == Server.adminListener { return 0 }
        if listener < 4 { return settings.hasChannels ? cirPort : 0 }
        return settings.hasSealedChannels ? cirTLSPort : 0
    }

    /// Tells a connection that it is one too many.
    private mutating func shed(_ index: Int) {
        pools[poolPlaces.connections].refused += 1
        if turn.journal.begin(.connLimit, turn.now, turn.wall) {
            logAddress(index)
            turn.journal.number("open", UInt64(connections.openCount))
            turn.journal.end()
        }
        startReading(index)
        refuse(index, .serviceUnavailable)
    }

    /// Adds the address of a connection to a record.
    mutating func logAddress(_ index: Int) {
        let client = connections[index].client
        turn.journal.text("ip", client.address.span)
    }

    /// Takes what waited for room, now that there is some.
    mutating func acceptWaiting() {
        for listener in 0..<Server.listenerCount where isWaitingForRoom[listener] { accept(listener) }
    }

    /// The address of a client, or what all addresses of one IPv6 household have.
    static func peer(of handle: UnsafeMutablePointer<uv_tcp_t>, isNetwork: Bool) -> InlineBytes<46> {
        unsafe name(isNetwork: isNetwork) { unsafe uv_tcp_getpeername(handle, $0, $1) }
    }

    /// The address of ours that a client came to.
    private static func local(of handle: UnsafeMutablePointer<uv_tcp_t>) -> InlineBytes<46> {
        unsafe name(isNetwork: false) { unsafe uv_tcp_getsockname(handle, $0, $1) }
    }

    /// The text of an address that libuv tells.
    ///
    /// - Parameter isNetwork: Whether the last 64 bits of an address of IPv6 are left out: whoever has one has all of them.
    private static func name(
        isNetwork: Bool, _ tell: (UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Int32>?) -> Int32
    ) -> InlineBytes<46> {
        var storage = sockaddr_storage()
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        var text = InlineArray<46, CChar>(repeating: 0)
        var span = text.mutableSpan
        unsafe withUnsafeMutablePointer(to: &storage) { storage in
            let address = unsafe UnsafeMutableRawPointer(storage).assumingMemoryBound(to: sockaddr.self)
            unsafe span.withUnsafeMutableBufferPointer { buffer in
                guard unsafe tell(address, &size) == 0 else { return }
                if isNetwork { unsafe clearHost(of: storage) }
                _ = unsafe uv_ip_name(address, buffer.baseAddress, buffer.count)
            }
        }
        var address = InlineBytes<46>()
        for index in text.indices where text[index] != 0 { _ = address.append(UInt8(bitPattern: text[index])) }
        // One of IPv4 that came to a socket of IPv6.
        let isMapped = address.span.starts(with: "::ffff:") && address.span.firstIndex(of: 0x2E) != nil
        return isMapped ? InlineBytes(address.span.extracting(7..<address.count)) ?? address : address
    }

    /// Takes the last 64 bits away from an address of IPv6 that does not stand for one of IPv4.
    private static func clearHost(of storage: UnsafeMutablePointer<sockaddr_storage>) {
        guard unsafe Int32(storage.pointee.ss_family) == AF_INET6 else { return }
        let address = unsafe UnsafeMutableRawPointer(storage).assumingMemoryBound(to: sockaddr_in6.self)
        unsafe withUnsafeMutableBytes(of: &address.pointee.sin6_addr) { octets in
            let isMapped = unsafe octets[0..<10].allSatisfy { $0 == 0 } && octets[10] == 0xFF && octets[11] == 0xFF
            if !isMapped { for index in 8..<16 { unsafe octets[index] = 0 } }
        }
    }

    // MARK: Places in libuv's handles

    static func data(_ index: Int) -> UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: index + 1)
    }

    static func index(_ data: UnsafeMutableRawPointer?) -> Int { Int(bitPattern: data) - 1 }

    /// A copy of a C string.
    static func text(of pointer: UnsafePointer<CChar>?) -> InlineBytes<64> {
        var text = InlineBytes<64>()
        guard var next = unsafe pointer else { return text }
        while unsafe next.pointee != 0, unsafe text.append(UInt8(bitPattern: next.pointee)) { unsafe next += 1 }
        return text
    }
}
