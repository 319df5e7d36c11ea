import CLibC
import CUV
import IMPSEngine
import Octets
import TLS
import Wire

/// The way of a request: octets arrive, the request is handled, its answer is held until the turn is durable.
extension Server {
    // MARK: Reading

    mutating func startReading(_ index: Int) {
        unsafe uv_read_start(
            uv_shim_stream(handles + index),
            { handle, _, buffer in
                guard let handle = unsafe handle else { return }
                let server = unsafe Server.of(handle.pointee.loop)
                let free = unsafe server.pointee.arrivalStorage(Server.index(handle.pointee.data))
                unsafe Server.lend(free, buffer)
            },
            { stream, count, _ in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.arrived(Server.index(stream.pointee.data), Int(count))
            })
    }

    /// Tells libuv where what it reads shall land.
    static func lend(_ free: UnsafeMutableBufferPointer<UInt8>, _ buffer: UnsafeMutablePointer<uv_buf_t>?) {
        let base = unsafe UnsafeMutableRawPointer(free.baseAddress)?.assumingMemoryBound(to: CChar.self)
        unsafe buffer?.pointee = unsafe uv_buf_t(base: base, len: free.count)
    }

    /// Where the next octets from the network shall land.
    private mutating func arrivalStorage(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
        guard connections[index].tls != TLSConnections.none else { return unsafe storage(index) }
        sealedArrival.removeAll()
        return unsafe sealedArrival.freeStorage()
    }

    /// Where the next octets of a request shall land.
    mutating func storage(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
        let buffer = connections[index].buffer
        arrival.removeAll()
        arrivesBehindRest = false
        if buffer != BufferPool.none {
            // With a small rest of what came before, as much is read at once as without.
            guard connections[index].phase == .reading, !admin.isAnswering(index),
                buffers[buffer].capacity == BufferSizes.smallByteCount
            else { return unsafe buffers[buffer].freeStorage() }
            arrival.append(copy: buffers[buffer], 0..<buffers[buffer].count)
            arrivesBehindRest = true
            return unsafe arrival.freeStorage()
        }
        let free = unsafe arrival.freeStorage()
        // What cannot be handled yet has to lie in a buffer: no more of it is read than fits into a small one.
        guard connections[index].phase != .reading || admin.isAnswering(index) else { return unsafe free }
        return unsafe UnsafeMutableBufferPointer(rebasing: free[..<min(free.count, BufferSizes.smallByteCount)])
    }

    private mutating func arrived(_ index: Int, _ count: Int) {
        beginTurn()
        guard count >= 0 else {
            // A full buffer is our own doing.
            if count == Int(UV_EOF.rawValue) { ended(index) } else if count != Int(UV_ENOBUFS.rawValue) { close(index) }
            return
        }
        guard count > 0 else { return }
        if connections[index].phase == .draining { return drain(index, count) }
        if connections[index].tls != TLSConnections.none {
            sealedArrived(index, count)
        } else {
            octetsArrived(index, count)
        }
    }

    /// So many octets of a request came to where they shall land.
    mutating func octetsArrived(_ index: Int, _ count: Int) {
        let buffer = connections[index].buffer
        if arrivesBehindRest {
            arrivesBehindRest = false
            returnBuffer(index)
            arrival.advance(by: count)
        } else if buffer == BufferPool.none {
            arrival.advance(by: count)
        } else {
            buffers[buffer].advance(by: count)
        }
        switch connections[index].phase {
        case .reading where admin.isAnswering(index): keepForLater(index)
        case .reading: process(index)
        case .held, .awaiting, .writing: keepForLater(index)
        case .free, .draining, .closing: break
        }
    }

    /// The client has closed its side. What it is owed goes out first.
    mutating func ended(_ index: Int) {
        connections[index].hasEnded = true
        switch connections[index].phase {
        case .held, .awaiting, .writing: break
        case .reading where connections[index].isParked: break
        case .reading where connections[index].isWaiting: break
        case .reading, .draining, .free, .closing: close(index)
        }
    }

    /// Has a connection looked at again in the next turn, without hearing from its client.
    mutating func wait(_ index: Int) {
        guard !connections[index].isWaiting else { return }
        connections[index].isWaiting = true
        waiting[waitingCount] = UInt16(index)
        waitingCount += 1
    }

    /// A client that sends its next request before it has the answer: the octets wait in a borrowed buffer.
    private mutating func keepForLater(_ index: Int) {
        connections[index].isPipelining = true
        if connections[index].buffer == BufferPool.none {
            guard borrowBuffer(index, from: 0) else { return }
        }
        if buffers[connections[index].buffer].freeCapacity == 0 { pause(index) }
    }

    /// Reads no more until an answer is gone.
    mutating func pause(_ index: Int) {
        connections[index].isPaused = true
        unsafe uv_read_stop(uv_shim_stream(handles + index))
    }

    private mutating func drain(_ index: Int, _ count: Int) {
        returnBuffer(index)
        connections[index].drained += count
        if connections[index].drained > 1 << 20 { close(index) }
    }

    /// Reads on in the octets of a connection that waits for a request, and handles all requests that are whole.
    ///
    /// Those that lie one behind the other are handled in one turn, as far as there is room for their answers and others
    /// are not kept waiting; what is left of the octets is moved once.
    mutating func process(_ index: Int) {
        if let refusal = connections[index].refusal { return refuse(index, refusal) }
        let wasIdle = connections[index].reader.isIdle || connections[index].beginsAnew
        let wasInBody = connections[index].reader.isInBody && !connections[index].beginsAnew
        connections[index].beginsAnew = false
        var runStart = 0
        var count = 0
        while true {
            switch advance(index) {
            case .complete:
                // Somebody else's answer may have needed its room.
                guard dispatch(index) else { return }
                if count == 0 { runStart = held[heldCount - 1].start }
                count += 1
                let end = connections[index].reader.endIndex
                guard mayGoOn(index, behind: end, count, runStart) else {
                    return keepRest(index, from: end, RequestReader())
                }
                if !hasRoomForReply {
                    // The turn is full: it ends here, and what is left begins the next one.
                    finishTurn()
                    beginTurn()
                    if connections[index].phase == .writing { keepRest(index, from: end, RequestReader()) }
                    guard connections[index].phase == .reading else { return }
                    count = 0
                }
                connections[index].reader = RequestReader(at: end)
            case .incomplete:
                guard count > 0 else { return awaitRest(index, wasIdle: wasIdle, wasInBody: wasInBody) }
                // It goes on when the answers before it are out.
                let reader = connections[index].reader
                connections[index].beginsAnew = true
                return keepRest(index, from: reader.startIndex, reader.atFront)
            case .refused(let status):
                guard count > 0 else { return refuse(index, status) }
                connections[index].refusal = status
                return keepRest(index, from: connections[index].reader.startIndex, RequestReader())
            }
        }
    }

    private mutating func advance(_ index: Int) -> RequestProgress {
        let buffer = connections[index].buffer
        let limits = connections[index].isAdmin ? sizes.adminLimits : sizes.limits
        if buffer == BufferPool.none { return connections[index].reader.advance(&arrival, limits) }
        return connections[index].reader.advance(&buffers[buffer], limits)
    }

    /// Whether another request of a connection may be handled in this turn: one behind an answer that is in the clear, for
    /// what is sealed has less room; and not many, for others wait.
    private func mayGoOn(_ index: Int, behind end: Int, _ count: Int, _ runStart: Int) -> Bool {
        let buffer = connections[index].buffer
        let octetCount = buffer == BufferPool.none ? arrival.count : buffers[buffer].count
        return end < octetCount && count < Server.runCountMax && heldOctets.count - runStart < Server.runByteCountMax
            && !connections[index].closesAfterReply && !connections[index].isAdmin
            && connections[index].tls == TLSConnections.none && sizes.relays == 0
    }

    /// Requests of one connection that are handled in one turn at most.
    private static var runCountMax: Int { 64 }
    /// Octets of their answers, without the last.
    static var runByteCountMax: Int { 24_576 }

    var hasRoomForReply: Bool {
        heldCount < held.count && heldOctets.freeCapacity >= sizes.replyByteCountMax + ResponseHead.byteCountMax
    }

    /// Waits for what is missing of a request.
    private mutating func awaitRest(_ index: Int, wasIdle: Bool, wasInBody: Bool) {
        guard !connections[index].hasEnded else { return close(index) }
        if wasIdle { connections[index].startedAt = turn.now }
        guard makeRoom(index) else { return }
        if connections[index].reader.isInBody, !wasInBody {
            connections[index].deadline = turn.now.adding(seconds: settings.bodyTimeout)
            sayContinue(index)
        } else if wasIdle {
            connections[index].deadline = turn.now.adding(seconds: settings.headerTimeout)
        }
    }

    /// Sees to it that the rest of a request has a place to come to; without one it is refused.
    private mutating func makeRoom(_ index: Int) -> Bool {
        let buffer = connections[index].buffer
        let count = buffer == BufferPool.none ? arrival.count : buffers[buffer].count
        let needed = connections[index].reader.byteCountNeeded(has: count)
        if buffer == BufferPool.none { return borrowBuffer(index, from: 0, for: needed) }
        if needed <= buffers[buffer].capacity { return true }
        guard needed <= sizes.largeBufferByteCount else {
            refuse(index, .contentTooLarge)
            return false
        }
        guard makeFree(index, needed), let larger = buffers.exchange(buffer, for: needed, &pools) else {
            refuseWithoutBuffer(index)
            return false
        }
        connections[index].buffer = larger
        return true
    }

    /// Moves what arrived, from `start` on, to a borrowed buffer; without one the request is refused.
    ///
    /// - Parameter byteCount: Octets that it has to hold; nil for what is there and more of it.
    private mutating func borrowBuffer(_ index: Int, from start: Int, for byteCount: Int? = nil) -> Bool {
        guard let buffer = takeBuffer(index, for: byteCount ?? arrival.count - start) else {
            refuseWithoutBuffer(index)
            return false
        }
        connections[index].buffer = buffer
        buffers[buffer].append(copy: arrival, start..<arrival.count)
        return true
    }

    mutating func refuseWithoutBuffer(_ index: Int) {
        if turn.journal.begin(.noBuffer, turn.now, turn.wall) {
            logAddress(index)
            turn.journal.end()
        }
        if connections[index].phase == .reading { refuse(index, .serviceUnavailable) } else { close(index) }
    }

    mutating func takeBuffer(_ index: Int, for byteCount: Int) -> UInt16? {
        guard makeFree(index, byteCount) else { return nil }
        return buffers.take(for: byteCount, &pools)
    }

    mutating func returnBuffer(_ index: Int) {
        if connections[index].buffer != BufferPool.none { buffers.give(connections[index].buffer, &pools) }
        connections[index].buffer = BufferPool.none
    }

    private mutating func sayContinue(_ index: Int) {
        guard connections[index].reader.expectsContinue, !connections[index].saidContinue else { return }
        connections[index].saidContinue = true
        scratch.removeAll()
        scratch.append("HTTP/1.1 100 Continue\r\n\r\n")
        sayAside(index)
    }

    // MARK: Handling

    /// Handles a whole request and holds its answer; false when its connection is gone.
    private mutating func dispatch(_ index: Int) -> Bool {
        if !hasRoomForReply {
            finishTurn()
            beginTurn()
            guard connections[index].phase == .reading else { return false }
        }
        if turn.entropy.isSpent { turn.entropy = Clock.entropy() }
        let reader = connections[index].reader
        connections[index].closesAfterReply = !reader.keepsAlive
        let buffer = connections[index].buffer
        let client = connections[index].client
        var answer =
            connections[index].isAdmin
            ? answerAdmin(index)
            : buffer == BufferPool.none
                ? Server.answer(arrival, reader, client, handler, &turn)
                : Server.answer(buffers, buffer, reader, client, handler, &turn)
        if answer.isLater { return keepUntilThereIsRoom(index) }
        if answer.hasCredentials { wipeRequest(index) }
        if let relay = answer.relay, awaitReply(index, relay, &answer) { return false }
        hold(index, answer, needsKeepAliveField: reader.needsKeepAliveField, isHead: reader.isHead)
        return true
    }

    /// Overwrites the request that was handled, and what is left of it where it arrived in pieces.
    private mutating func wipeRequest(_ index: Int) {
        let request = connections[index].reader.startIndex..<connections[index].reader.endIndex
        let buffer = connections[index].buffer
        guard buffer != BufferPool.none else { return arrival.wipe(request) }
        buffers[buffer].wipe(request)
        arrival.wipeAll()
    }

    /// Waits for an answer that comes from elsewhere; false, with the refusal, when that is not possible.
    private mutating func awaitReply(_ index: Int, _ relay: Int, _ answer: inout Answer) -> Bool {
        guard deferReply(index, relay, answer.contentType) else {
            answer.hasMessage = handler.cancelRelay(relay, &turn).isMessage
            if !answer.hasMessage {
                answer.status = .serviceUnavailable
                answer.contentType = InlineBytes()
            }
            return false
        }
        keepRest(index, from: connections[index].reader.endIndex, RequestReader())
        return true
    }

    /// Keeps a whole request until there is a place for it.
    private mutating func keepUntilThereIsRoom(_ index: Int) -> Bool {
        // It is read to its end, chunks and all, and not once more.
        let reader = connections[index].reader
        keepRest(index, from: reader.startIndex, reader.atFront)
        arrival.wipeAll()
        guard connections[index].phase == .reading else { return false }
        if !connections[index].isPaused { pause(index) }
        park(index)
        return false
    }

    /// What is sent for a request.
    struct Answer {
        var status = HTTPStatus.ok
        var contentType = InlineBytes<100>()
        var hasMessage = false
        var isDurable = false
        var page: Page?
        /// What the operator's command says.
        var isOfAdmin = false
        /// It comes from elsewhere, as that of this relay.
        var relay: Int?
        /// Nothing was done; the request has to wait.
        var isLater = false
        /// The request is to be overwritten.
        var hasCredentials = false
    }

    /// Lets the handler answer a request whose octets are in `octets`.
    private static func answer(
        _ octets: borrowing FixedBytes, _ reader: RequestReader, _ client: Client, _ handler: RequestHandler,
        _ turn: inout Turn
    ) -> Answer {
        let contentType = octets.span(reader.contentType)
        var answer = Answer()
        if let key = reader.callKey {
            answer.status =
                handler.waits(callKey: octets.span(key), turn.now).map { $0 ? .ok : .noContent } ?? .notFound
            return answer
        }
        if let path = reader.page {
            guard let page = Page(path: octets.span(path)) else {
                answer.status = .notFound
                return answer
            }
            answer.page = page
            answer.contentType = InlineBytes(prefix: page.contentType.octets)
            if page.isKnown(octets.span(reader.knownTag)) { answer.status = .notModified }
            return answer
        }
        guard let syntax = MessageType.syntax(contentType: contentType, body: octets.span(reader.bodyRange)) else {
            answer.status = .unsupportedMediaType
            logRefusal(answer.status, client, &turn)
            return answer
        }
        let handled = handler.handle(
            octets, body: reader.bodyRange, isCut: reader.isCut, syntax, client, agent: reader.userAgent, &turn)
        answer.contentType = MessageType.answer(to: contentType, syntax, version: handled.version)
        answer.isDurable = handled.isDurable
        answer.hasCredentials = handled.hasCredentials
        switch handled.reply {
        case .message: answer.hasMessage = true
        case .empty: break
        case .later: answer.isLater = true
        case .deferred(let relay):
            answer.relay = relay
        case .malformed:
            answer.status = reader.isCut ? .contentTooLarge : .badRequest
            answer.contentType = InlineBytes()
        case .unsupported:
            answer.status = reader.isCut ? .contentTooLarge : .unsupportedMediaType
            answer.contentType = InlineBytes()
        }
        if reader.isCut { logRefusal(.contentTooLarge, client, &turn) }
        return answer
    }

    private static func answer(
        _ buffers: borrowing BufferPool, _ buffer: UInt16, _ reader: RequestReader, _ client: Client,
        _ handler: RequestHandler, _ turn: inout Turn
    ) -> Answer {
        answer(buffers[buffer], reader, client, handler, &turn)
    }

    static func logRefusal(_ status: HTTPStatus, _ client: Client, _ turn: inout Turn) {
        guard turn.journal.begin(.httpRefused, turn.now, turn.wall) else { return }
        turn.journal.number("status", UInt64(status.rawValue))
        turn.journal.text("ip", client.address.span)
        turn.journal.sentence("why", status.why)
        turn.journal.end()
    }

    /// Puts an answer behind the others of this turn.
    @inline(never)
    mutating func hold(_ index: Int, _ answer: Answer, needsKeepAliveField: Bool, isHead: Bool) {
        var reply = HeldReply()
        reply.connection = UInt16(index)
        reply.start = heldOctets.count
        reply.isDurable = answer.isDurable
        let byteCount =
            answer.hasMessage
            ? handler.replyByteCount : answer.isOfAdmin ? admin.output.count : answer.page?.byteCount ?? 0
        var head = ResponseHead(answer.status, contentLength: byteCount)
        head.page = answer.page
        head.isPrivate = answer.isOfAdmin
        head.isStream = answer.isOfAdmin && admin.hasMore
        head.closes = connections[index].closesAfterReply
        head.needsKeepAliveField = needsKeepAliveField
        head.write(contentType: answer.contentType.span, into: &heldOctets)
        reply.bodyStart = heldOctets.count
        if answer.hasMessage { handler.appendReply(to: &heldOctets) }
        if answer.isOfAdmin, !isHead { heldOctets.append(copy: admin.output, 0..<admin.output.count) }
        if answer.status == .ok, !isHead { answer.page?.write(into: &heldOctets) }
        reply.end = heldOctets.count
        held[heldCount] = reply
        heldCount += 1
        connections[index].phase = .held
        connections[index].parkedUntil = nil
        // More than fits is read at once when this is answered.
        let isPlain = connections[index].tls == TLSConnections.none
        if isPlain, connections[index].isPipelining, !connections[index].isPaused { pause(index) }
    }

    /// Keeps what came behind the request that is handled, and is ready for the next one.
    ///
    /// - Parameter reader: How far that is read.
    private mutating func keepRest(_ index: Int, from end: Int, _ reader: RequestReader) {
        connections[index].reader = reader
        connections[index].saidContinue = false
        let buffer = connections[index].buffer
        if buffer == BufferPool.none {
            if end < arrival.count { _ = borrowBuffer(index, from: end) }
        } else if end < buffers[buffer].count {
            buffers[buffer].removeFirst(end)
        } else {
            returnBuffer(index)
        }
    }
}
