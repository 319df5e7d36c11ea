import CLibC
import CUV
import Files
import IMPSEngine
import Octets
import TLS

/// Calling clients: connections that they keep (STCP) and datagrams (SUDP). Source: protocol/transport.md §6.
extension Server {
    /// Seconds for the first line.
    private static var greetingSeconds: UInt64 { 30 }
    /// Seconds between two lines: clients say PING every 15 or 20 minutes.
    private static var idleSeconds: UInt64 { 1800 }
    /// Connections of which nobody knows yet whose they are.
    private static var greetingsMax: Int { 64 }

    /// What a connection to be called on costs.
    public static func channelPool(_ sizes: ServerSizes) -> Pool {
        let octets = unsafe MemoryLayout<uv_tcp_t>.stride + MemoryLayout<Channel>.stride + 4
        return Pool("channels", count: sizes.channels, byteCount: octets, isCounted: true)
    }

    // MARK: Listening

    /// Listens for them at an address; 0, or libuv's code.
    mutating func bindChannels(_ index: Int) -> Int32 {
        guard index < 4 ? settings.hasChannels : settings.hasSealedChannels else { return 0 }
        let listener = unsafe channelListeners + index
        unsafe uv_tcp_init(loop, listener)
        unsafe listener.pointee.data = Server.data(index)
        let address = settings.listen[index % 4]
        let port = index < 4 ? cirPort : cirTLSPort
        var code = unsafe Server.withAddress(address.span, port) {
            unsafe uv_tcp_bind(listener, $0, Server.bindFlags(settings, address.span))
        }
        if code == 0 {
            code = unsafe uv_listen(uv_shim_stream(listener), 511) { stream, status in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.channelArrived(Server.index(stream.pointee.data), status)
            }
        }
        if code != 0 {
            unsafe closeListener(listener, index)
        } else if index < 4 {
            cirPort = unsafe Server.port(of: listener)
        } else {
            cirTLSPort = unsafe Server.port(of: listener)
        }
        return code
    }

    private mutating func channelArrived(_ listener: Int, _ status: Int32) {
        beginTurn()
        guard status == 0 else { return logAcceptFailure(status) }
        acceptChannel(listener)
    }

    private mutating func acceptChannel(_ listener: Int) {
        guard freeChannelCount > 0 else {
            isWaitingForChannel[listener] = true
            pools[poolPlaces.channels].refused += 1
            cutMostSilent(isSealed: false)
            return
        }
        isWaitingForChannel[listener] = false
        freeChannelCount -= 1
        let index = Int(freeChannels[freeChannelCount])
        let handle = unsafe channelHandles + index
        unsafe uv_tcp_init(loop, handle)
        unsafe handle.pointee.data = Server.data(index)
        channels[index] = Channel()
        channels[index].phase = .greeting
        channels[index].deadline = turn.now.adding(seconds: Server.greetingSeconds)
        pools[poolPlaces.channels].take()
        channelCount += 1
        greetingCount += 1
        guard unsafe uv_accept(uv_shim_stream(channelListeners + listener), uv_shim_stream(handle)) == 0 else {
            return closeChannel(index)
        }
        if greetingCount > Server.greetingsMax { cutMostSilent(isSealed: false) }
        unsafe uv_tcp_nodelay(handle, 1)
        guard listener < 4 || openSealedChannel(index) else { return }
        startReadingChannel(index)
    }

    mutating func startReadingChannel(_ index: Int) {
        unsafe uv_read_start(
            uv_shim_stream(channelHandles + index),
            { handle, _, buffer in
                guard let handle = unsafe handle else { return }
                let server = unsafe Server.of(handle.pointee.loop)
                let free = unsafe server.pointee.channelStorage(Server.index(handle.pointee.data))
                unsafe Server.lend(free, buffer)
            },
            { stream, count, _ in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.channelArrived(Server.index(stream.pointee.data), Int(count))
            })
    }

    /// Where the next octets shall land; they are looked at in the same callback.
    private mutating func channelStorage(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
        if channels[index].tls != TLSConnections.none {
            sealedArrival.removeAll()
            return unsafe sealedArrival.freeStorage()
        }
        arrival.removeAll()
        return unsafe arrival.freeStorage()
    }

    private mutating func channelArrived(_ index: Int, _ count: Int) {
        beginTurn()
        guard count >= 0 else { return closeChannel(index) }
        if channels[index].tls != TLSConnections.none {
            sealedChannelArrived(index, count)
        } else {
            channelOctetsArrived(index, count)
        }
    }

    /// Who has said nothing for the longest time makes room: those that have not greeted first, for clients greet at once.
    ///
    /// - Parameter isSealed: Whether it has to be one by TLS.
    mutating func cutMostSilent(isSealed: Bool) {
        var silent: Int?
        for index in 0..<channels.count where channels[index].phase == .greeting || channels[index].phase == .open {
            if isSealed, channels[index].tls == TLSConnections.none { continue }
            if silent.map({ channels[index].deadline < channels[$0].deadline }) ?? true { silent = index }
        }
        if let silent { closeChannel(silent) }
    }

    // MARK: Lines

    /// So many octets of lines came to where they land.
    mutating func channelOctetsArrived(_ index: Int, _ count: Int) {
        arrival.advance(by: count)
        for offset in 0..<count {
            guard channels[index].phase == .greeting || channels[index].phase == .open else { return }
            let octet = arrival[offset]
            if octet == 0x0A {
                lineArrived(index)
            } else if !channels[index].line.append(octet) {
                return closeChannel(index)
            }
        }
    }

    private mutating func lineArrived(_ index: Int) {
        let text = channels[index].line
        channels[index].line = InlineBytes()
        let line = text.span.trimmed()
        let isHello = line.count > 5 && line[4] == 0x20 && line.extracting(0..<4).equalsIgnoringCase("HELO")
        if isHello {
            greet(index, line.extracting(5..<line.count).trimmed())
        } else if line.equalsIgnoringCase("PING"), channels[index].phase == .open {
            channels[index].deadline = turn.now.adding(seconds: Server.idleSeconds)
            say(index, "OK\r\n")
        } else if line.count > 0 {
            closeChannel(index)
        }
    }

    /// A second connection of a session takes the place of the first one.
    private mutating func greet(_ index: Int, _ id: Span<UInt8>) {
        guard let session = handler.openChannel(id, turn.now) else { return closeChannel(index) }
        if channels[index].phase == .greeting { greetingCount -= 1 }
        let own = channels[index].slot
        if own != Channel.none, own != session.slot {
            channelOfSession[Int(own)] = Channel.none
            handler.closeChannel(own, channels[index].session)
        }
        channels[index].phase = .open
        channels[index].slot = session.slot
        channels[index].session = session.number
        channels[index].deadline = turn.now.adding(seconds: Server.idleSeconds)
        let former = channelOfSession[Int(session.slot)]
        channelOfSession[Int(session.slot)] = UInt16(index)
        if former != Channel.none, Int(former) != index { closeChannel(Int(former)) }
        say(index, "OK\r\n")
    }

    /// One line in one segment. Who does not even take that is gone, or will be back.
    private mutating func say(_ index: Int, _ words: StaticString) {
        scratch.removeAll()
        scratch.append(words)
        sayScratch(index)
    }

    private mutating func sayScratch(_ index: Int) {
        let isSaid =
            channels[index].tls != TLSConnections.none
            ? sealScratch(index) : tryWriteChannel(index, scratch) == scratch.count
        if !isSaid { closeChannel(index) }
    }

    /// Writes what the socket takes at once; the number of octets, or libuv's code.
    func tryWriteChannel(_ index: Int, _ octets: borrowing FixedBytes) -> Int {
        unsafe octets.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Int(uv_try_write(uv_shim_stream(channelHandles + index), &buffer, 1))
        }
    }

    // MARK: Ending

    mutating func closeChannel(_ index: Int) {
        guard unsafe uv_is_closing(uv_shim_handle(channelHandles + index)) == 0 else { return }
        if channels[index].phase == .greeting { greetingCount -= 1 }
        let slot = channels[index].slot
        if slot != Channel.none, channelOfSession[Int(slot)] == UInt16(index) {
            channelOfSession[Int(slot)] = Channel.none
            handler.closeChannel(slot, channels[index].session)
        }
        channels[index].phase = .closing
        closeSealedChannel(index)
        unsafe uv_close(uv_shim_handle(channelHandles + index)) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.channelClosed(Server.index(handle.pointee.data))
        }
    }

    private mutating func channelClosed(_ index: Int) {
        channels[index] = Channel()
        freeChannels[freeChannelCount] = UInt16(index)
        freeChannelCount += 1
        channelCount -= 1
        pools[poolPlaces.channels].give()
        for listener in 0..<8 where isWaitingForChannel[listener] { acceptChannel(listener) }
    }

    /// Cuts those on which nothing was heard, or too late.
    mutating func cutLateChannels() {
        for index in 0..<channels.count where channels[index].deadline <= turn.now {
            if channels[index].phase == .greeting || channels[index].phase == .open { closeChannel(index) }
        }
    }

    /// Cuts those whose session is over.
    private mutating func cutOrphans() {
        for index in 0..<channels.count where channels[index].phase == .open {
            if !handler.hasSession(channels[index].slot, channels[index].session) { closeChannel(index) }
        }
    }

    /// Tells the handler again which sessions have one: it read its state anew.
    private mutating func keepChannels() {
        for index in 0..<channels.count where channels[index].phase == .open {
            handler.keepChannel(channels[index].slot, channels[index].session)
        }
    }

    // MARK: Calling

    /// Calls those for whom the turn brought something, now that it is durable.
    mutating func sendCalls() {
        let ended = handler.endedSessionCount
        if ended != endedSessionCount {
            endedSessionCount = ended
            if channelCount > 0 { cutOrphans() }
        }
        let reloads = handler.reloadCount
        if reloads != reloadCount {
            reloadCount = reloads
            if channelCount > 0 { keepChannels() }
        }
        while let call = handler.nextCall(turn.now, into: &scratch) {
            switch call.way {
            case .channel:
                let index = channelOfSession[Int(call.slot)]
                guard index != Channel.none, channels[Int(index)].phase == .open else { continue }
                scratch.append("\r\n")
                sayScratch(Int(index))
            case .datagram(let address, let port):
                sendDatagram(address.span, port)
            }
        }
    }

    /// Nobody hears of it when it is lost; it is sent again until the client polls.
    private mutating func sendDatagram(_ address: Span<UInt8>, _ port: UInt16) {
        let isVersion6 = address.firstIndex(of: 0x3A) != nil
        let handle = unsafe datagrams + (isVersion6 ? 1 : 0)
        let code = unsafe scratch.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Server.withAddress(address, port) { unsafe uv_udp_try_send(handle, &buffer, 1, $0) }
        }
        guard code < 0, turn.journal.begin(.cirFail, turn.now, turn.wall) else { return }
        turn.journal.text("ip", address)
        turn.journal.number("port", UInt64(port))
        unsafe turn.journal.text("why", Server.text(of: uv_err_name(code)).span)
        turn.journal.end()
    }
}
