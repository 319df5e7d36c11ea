import CLibC
import CUV
import Files
import IMPSEngine
import Octets
import TLS

/// The way of a request of ours: a name is looked up, a connection made, perhaps by TLS to somebody whom we believe, the
/// request sent, and one answer read.
extension Server {
    // MARK: The operator's question

    /// `reach URL [SHA-256]`: whether the engine reaches somebody, as it would with a request of its own.
    mutating func reach(_ index: Int) {
        guard let (target, pin) = Server.target(of: control.connections[index].command.line) else {
            control.connections[index].output.removeAll()
            control.connections[index].output.append(
                "error usage reach http://HOST/ or https://HOST/, and perhaps the SHA-256 of its certificate\n")
            return writeControl(index)
        }
        let owner = OutgoingOwner.control(index, control.connections[index].number)
        var result = OutgoingResult()
        result.failure = .busy
        if !buffers.isShort(for: Server.reachByteCount), let buffer = buffers.take(for: Server.reachByteCount, &pools) {
            buffers[buffer].write(reaching: target)
            result.failure = beginOutgoing(target, pin: pin, owner, buffer)
            if result.failure == nil { return }
            buffers.give(buffer, &pools)
        }
        outgoingEnded(index, result)
    }

    /// Octets of the request that an address is asked with, at most.
    private static var reachByteCount: Int { 800 }

    private static func target(of line: borrowing FixedBytes) -> (Target, Fingerprint?)? {
        let words = line.span(6..<line.count)
        let end = words.firstIndex(of: 0x20) ?? words.count
        guard let target = Target(words.extracting(0..<end)) else { return nil }
        guard end < words.count else { return (target, nil) }
        return Fingerprint(words.extracting(end + 1..<words.count)).map { (target, $0) }
    }

    private mutating func outgoingEnded(_ index: Int, _ result: OutgoingResult) {
        control.connections[index].output.removeAll()
        Server.write(result, into: &control.connections[index].output)
        writeControl(index)
    }

    private static func write(_ result: OutgoingResult, into output: inout FixedBytes) {
        if result.failure == nil {
            output.field("status", UInt64(result.status))
            output.field("bytes", UInt64(result.byteCount))
        }
        if !result.address.isEmpty { output.field("address", result.address.span) }
        if let fingerprint = result.fingerprint {
            output.field("sha256", fingerprint.text.span)
        }
        output.field("ms", result.milliseconds)
        output.endRecord()
        guard let failure = result.failure else { return output.append("ok\n") }
        output.append("error not-reached ")
        output.append(failure.explanation)
        output.append(0x0A)
    }

    // MARK: Beginning

    /// Makes the requests that the handler wants to be made now.
    mutating func makeOrders() {
        var isChanged = false
        while outgoing.freeCount > Outgoing.keptCount, handler.hasOrders(turn.wall) {
            guard let order = handler.nextOrder(&turn) else { break }
            isChanged = true
            if let modemOrder = order.modem {
                guard modem.isFree else {
                    handler.cancelOrder(order.number, turn)
                    break
                }
                modem.parts.removeAll()
                handler.writeOrder(into: &modem.parts)
                if let failure = beginModem(modemOrder, number: order.number) {
                    handler.modemEnded(order.number, failure, &turn)
                }
                continue
            }
            guard !buffers.isShort(for: order.byteCount), let buffer = buffers.take(for: order.byteCount, &pools) else {
                // Its time comes when there is a buffer.
                handler.cancelOrder(order.number, turn)
                break
            }
            handler.writeOrder(into: &buffers[buffer])
            guard let failure = beginOutgoing(order.target, pin: order.pin, .order(order.number), buffer) else {
                continue
            }
            wipeAndGive(buffer)
            var result = OutgoingResult()
            result.failure = failure
            handler.orderEnded(order.number, result, scratch, body: 0..<0, &turn)
        }
        // Some end at once.
        if isChanged { _ = commit() }
    }

    /// Begins a request, which lies in a borrowed buffer.
    ///
    /// - Returns: why that is not possible; nil when the result comes by itself.
    private mutating func beginOutgoing(
        _ target: Target, pin: Fingerprint?, _ owner: OutgoingOwner, _ request: UInt16
    ) -> OutgoingFailure? {
        if target.isSealed, !settings.hasOutgoingTLS { return .noTLS }
        var free: Int?
        for index in 0..<Outgoing.ownCount where outgoing.requests[index].phase == .free { free = free ?? index }
        guard let index = free else { return .busy }
        outgoing.requests[index] = OutgoingRequest()
        outgoing.requests[index].request = request
        outgoing.requests[index].answer = BufferPool.none
        outgoing.requests[index].target = target
        outgoing.requests[index].pin = pin
        outgoing.requests[index].owner = owner
        outgoing.requests[index].began = turn.now
        lookUp(index)
        return nil
    }

    mutating func lookUp(_ index: Int) {
        outgoing.requests[index].phase = .resolving
        hurry(index)
        let target = outgoing.requests[index].target
        var numeric = sockaddr_storage()
        let code = unsafe Server.withAddress(target.host.span, target.port) { address in
            unsafe Server.copy(address, to: &numeric)
            return 0
        }
        if code == 0 {
            outgoing.requests[index].addresses[0] = numeric
            outgoing.requests[index].addressCount = 1
            return connectNext(index)
        }
        let lookup = unsafe outgoing.lookups + index
        unsafe lookup.pointee.data = Server.data(index)
        let begun = unsafe File.withPath(target.host.span) { name in
            unsafe uv_shim_look_up(
                loop, lookup,
                { lookup, status, list in
                    guard let lookup = unsafe lookup else { return }
                    let server = unsafe Server.of(lookup.pointee.loop)
                    unsafe server.pointee.lookedUp(Server.index(lookup.pointee.data), status, list)
                    unsafe uv_freeaddrinfo(list)
                }, name)
        }
        if begun != 0 {
            outgoing.requests[index].phase = .connecting
            failOutgoing(index, .noName)
        }
    }

    private mutating func lookedUp(_ index: Int, _ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        beginTurn()
        guard outgoing.requests[index].phase == .resolving else { return freeOutgoing(index) }
        outgoing.requests[index].phase = .connecting
        var next = unsafe list
        let port = outgoing.requests[index].target.port
        while status == 0, let entry = unsafe next, outgoing.requests[index].addressCount < 4 {
            let place = outgoing.requests[index].addressCount
            unsafe Server.copy(entry.pointee.ai_addr, to: &outgoing.requests[index].addresses[place])
            Server.setPort(port, of: &outgoing.requests[index].addresses[place])
            outgoing.requests[index].addressCount += 1
            unsafe next = entry.pointee.ai_next
        }
        guard outgoing.requests[index].addressCount > 0 else { return failOutgoing(index, .noName) }
        connectNext(index)
    }

    /// Begins the time for a name, a connection, a handshake; what a client waits for has one for everything.
    private mutating func hurry(_ index: Int) {
        if isRelay(index) { return }
        outgoing.requests[index].deadline = turn.now.adding(seconds: Outgoing.connectSeconds)
    }

    private static func copy(_ address: UnsafePointer<sockaddr>?, to storage: inout sockaddr_storage) {
        guard let address = unsafe address else { return }
        let size =
            unsafe Int32(address.pointee.sa_family) == AF_INET6
            ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
    }

    private static func setPort(_ port: UInt16, of storage: inout sockaddr_storage) {
        // It has the same place for both families.
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
    }

    // MARK: Connecting

    private mutating func connectNext(_ index: Int) {
        let place = outgoing.requests[index].nextAddress
        outgoing.requests[index].phase = .connecting
        outgoing.requests[index].triesNext = false
        outgoing.requests[index].nextAddress = place + 1
        hurry(index)
        let handle = unsafe outgoing.handles + index
        unsafe uv_tcp_init(loop, handle)
        unsafe handle.pointee.data = Server.data(index)
        var address = outgoing.requests[index].addresses[place]
        outgoing.requests[index].result.address = Server.text(of: &address)
        let code = unsafe withUnsafePointer(to: &address) { address in
            unsafe uv_tcp_connect(
                outgoing.connects + index, handle, UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
            ) { connect, status in
                guard let connect = unsafe connect, let stream = unsafe connect.pointee.handle else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.outgoingConnected(Server.index(stream.pointee.data), status)
            }
        }
        if code != 0 { outgoingConnected(index, code) }
    }

    private static func text(of address: inout sockaddr_storage) -> InlineBytes<46> {
        var text = InlineArray<46, CChar>(repeating: 0)
        var span = text.mutableSpan
        unsafe withUnsafePointer(to: &address) { address in
            unsafe span.withUnsafeMutableBufferPointer {
                _ = unsafe uv_ip_name(
                    UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self), $0.baseAddress, $0.count)
            }
        }
        var result = InlineBytes<46>()
        for index in text.indices where text[index] != 0 { _ = result.append(UInt8(bitPattern: text[index])) }
        return result
    }

    private mutating func outgoingConnected(_ index: Int, _ status: Int32) {
        beginTurn()
        guard outgoing.requests[index].phase == .connecting, !outgoing.requests[index].triesNext else { return }
        guard status == 0 else {
            guard outgoing.requests[index].nextAddress < outgoing.requests[index].addressCount else {
                return failOutgoing(index, .unreachable(status))
            }
            outgoing.requests[index].triesNext = true
            return closeOutgoingHandle(index)
        }
        hurry(index)
        if index == outgoing.streamPlace { return streamConnected(index) }
        guard outgoing.requests[index].target.isSealed else { return sendOutgoing(index) }
        outgoing.requests[index].phase = .shaking
        if !tls.hasRoom { makeSealedRoom(forBuffers: tls.openCount < tls.count, over: 0) }
        let host = outgoing.requests[index].target.host
        guard let place = tls.open(to: host.span) else {
            return failOutgoing(index, .busy)
        }
        pools[poolPlaces.tls].take()
        outgoing.requests[index].tls = place
        sealedArrival.removeAll()
        unsealOutgoing(index)
        if outgoing.requests[index].phase == .shaking { readOutgoing(index) }
    }

    // MARK: Sending

    /// Sends the request, sealed where it goes by TLS, and awaits the answer.
    mutating func sendOutgoing(_ index: Int) {
        if !isRelay(index) {
            // What becomes of a notification stands at the beginning of an answer.
            let byteCount = isOrder(index) ? BufferSizes.smallByteCount : BufferSizes.mediumByteCount
            guard let answer = buffers.take(for: byteCount, &pools) else { return failOutgoing(index, .busy) }
            outgoing.requests[index].answer = answer
        }
        let isSealed = outgoing.requests[index].target.isSealed
        if isSealed, !sealOutgoing(index) { return failOutgoing(index, .busy) }
        outgoing.requests[index].phase = .answering
        if !isRelay(index) {
            outgoing.requests[index].deadline = turn.now.adding(
                seconds: isOrder(index) ? Outgoing.orderSeconds : Outgoing.answerSeconds)
        }
        let octets = isSealed ? outgoing.requests[index].sealed : outgoing.requests[index].request
        let code = write(index, octets)
        guard code == 0 else {
            if !triesAgain(index) { failOutgoing(index, .unreachable(code)) }
            return
        }
        if !isSealed, !outgoing.requests[index].isReused { readOutgoing(index) }
    }

    /// Writes a buffer, what the socket takes of it at once and the rest later; libuv's code, 0 when all is well.
    private mutating func write(_ index: Int, _ octets: UInt16) -> Int32 {
        let sent = unsafe buffers[octets].span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Int(uv_try_write(uv_shim_stream(outgoing.handles + index), &buffer, 1))
        }
        guard sent >= 0 || sent == Int(UV_EAGAIN.rawValue) else { return Int32(sent) }
        let rest = max(0, sent)..<buffers[octets].count
        guard !rest.isEmpty else { return 0 }
        outgoing.requests[index].isWriting = true
        return unsafe buffers[octets].span(rest).withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe uv_write(
                outgoing.writes + index, uv_shim_stream(outgoing.handles + index), &buffer, 1
            ) { request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.outgoingWritten(Server.index(stream.pointee.data), status)
            }
        }
    }

    private mutating func outgoingWritten(_ index: Int, _ status: Int32) {
        outgoing.requests[index].isWriting = false
        guard status != 0, status != UV_ECANCELED.rawValue else { return }
        beginTurn()
        if outgoing.isUnderWay(index), !triesAgain(index) { failOutgoing(index, .unreachable(status)) }
    }

    /// Seals the request. The plain one stays where somebody waits for its answer: it may have to go out once more.
    private mutating func sealOutgoing(_ index: Int) -> Bool {
        let place = outgoing.requests[index].tls
        let plain = outgoing.requests[index].request
        makeBuffers(place)
        tls.output.removeAll()
        let isSealed = tls.write(place, buffers[plain], 0..<buffers[plain].count)
        guard isSealed, let sealed = buffers.take(for: tls.output.count, &pools) else { return false }
        buffers[sealed].append(copy: tls.output, 0..<tls.output.count)
        outgoing.requests[index].sealed = sealed
        guard !isRelay(index) else { return true }
        wipeAndGive(plain)
        outgoing.requests[index].request = BufferPool.none
        return true
    }

    // MARK: Ending

    @inline(never)
    mutating func failOutgoing(_ index: Int, _ failure: OutgoingFailure) {
        outgoing.requests[index].result.failure = failure
        // The handler tells of those.
        if isRelay(index) || index == outgoing.streamPlace { return endOutgoing(index) }
        let target = outgoing.requests[index].target
        if turn.journal.begin(.outgoingFail, turn.now, turn.wall) {
            turn.journal.text("host", target.host.span, countMax: 60)
            turn.journal.number("port", UInt64(target.port))
            turn.journal.sentence("why", failure.explanation)
            if failure.code > 0 { turn.journal.number("code", failure.code) }
            turn.journal.end()
        }
        endOutgoing(index)
    }

    /// Tells who wanted to know, and gives everything back.
    mutating func endOutgoing(_ index: Int) {
        outgoing.requests[index].result.milliseconds =
            turn.now.milliseconds - outgoing.requests[index].began.milliseconds
        let result = outgoing.requests[index].result
        switch outgoing.requests[index].owner {
        case .none: dropOutgoing(index)
        case .relay: endRelay(index, result)
        case .stream:
            dropOutgoing(index)
            streamEnded(result.failure?.explanation ?? "")
        case .control(let place, let number):
            dropOutgoing(index)
            if control.connections[place].isOpen, control.connections[place].number == number {
                outgoingEnded(place, result)
            }
        case .order(let number):
            let answer = outgoing.requests[index].answer
            if result.failure == nil, answer != BufferPool.none {
                let body = outgoing.requests[index].reader.bodyRange
                handler.orderEnded(number, result, buffers[answer], body: body, &turn)
            } else {
                handler.orderEnded(number, result, scratch, body: 0..<0, &turn)
            }
            dropOutgoing(index)
        }
    }

    /// Gives everything back, and tells nobody.
    @inline(never)
    mutating func dropOutgoing(_ index: Int) {
        let wasResolving = outgoing.requests[index].phase == .resolving
        closeTLS(index)
        outgoing.requests[index].phase = .closing
        if wasResolving {
            // The thread that looks names up may be at it; then it comes back with what nobody wants any more.
            unsafe uv_cancel(UnsafeMutableRawPointer(outgoing.lookups + index).assumingMemoryBound(to: uv_req_t.self))
        } else {
            closeOutgoingHandle(index)
        }
    }

    @inline(never)
    mutating func closeTLS(_ index: Int) {
        guard outgoing.requests[index].tls != TLSConnections.none else { return }
        tls.close(outgoing.requests[index].tls)
        outgoing.requests[index].tls = TLSConnections.none
        pools[poolPlaces.tls].give()
    }

    @inline(never)
    mutating func closeOutgoingHandle(_ index: Int) {
        let handle = unsafe uv_shim_handle(outgoing.handles + index)
        guard outgoing.requests[index].nextAddress > 0 else { return freeOutgoing(index) }
        guard unsafe uv_is_closing(handle) == 0 else { return }
        unsafe uv_close(handle) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.outgoingClosed(Server.index(handle.pointee.data))
        }
    }

    private mutating func outgoingClosed(_ index: Int) {
        beginTurn()
        outgoing.requests[index].isWriting = false
        switch outgoing.requests[index].phase {
        case .connecting: connectNext(index)
        case .reopening: reopen(index)
        case .free, .resolving, .shaking, .answering, .closing, .queued, .idle, .streaming: freeOutgoing(index)
        }
    }

    /// The buffers were libuv's until now.
    private mutating func freeOutgoing(_ index: Int) {
        wipeAndGive(outgoing.requests[index].request)
        wipeAndGive(outgoing.requests[index].answer)
        wipeAndGive(outgoing.requests[index].sealed)
        outgoing.requests[index] = OutgoingRequest()
    }

    @inline(never)
    mutating func wipeAndGive(_ buffer: UInt16) {
        guard buffer != BufferPool.none else { return }
        buffers[buffer].wipe()
        buffers.give(buffer, &pools)
    }

    /// Ends what has waited long enough.
    mutating func cutLateOutgoing() {
        for index in outgoing.relayPlaces
        where outgoing.requests[index].phase == .idle && outgoing.requests[index].deadline <= turn.now {
            dropOutgoing(index)
        }
        for index in 0..<outgoing.count
        where outgoing.isUnderWay(index) && outgoing.requests[index].deadline <= turn.now {
            // Somebody who does not answer at one of his addresses may do so at another.
            if outgoing.requests[index].phase == .connecting, !outgoing.requests[index].triesNext,
                outgoing.requests[index].nextAddress < outgoing.requests[index].addressCount
            {
                outgoing.requests[index].triesNext = true
                outgoing.requests[index].deadline = turn.now.adding(seconds: Outgoing.connectSeconds)
                closeOutgoingHandle(index)
            } else {
                failOutgoing(index, .timeout)
            }
        }
    }

    /// Forgets what an operator wanted to know who is gone.
    mutating func cancelOutgoing(control: Int) {
        for index in 0..<Outgoing.ownCount where outgoing.isUnderWay(index) {
            guard case .control(control, self.control.connections[control].number) = outgoing.requests[index].owner
            else { continue }
            dropOutgoing(index)
        }
    }
}

extension FixedBytes {
    /// Writes the request that an address is asked with.
    fileprivate mutating func write(reaching target: Target) {
        append("GET ")
        append(target.path.span)
        append(" HTTP/1.1\r\nHost: ")
        target.writeHost(into: &self)
        append("\r\nUser-Agent: impsd\r\nConnection: close\r\n\r\n")
    }
}
