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
        case .held, .writing: keepForLater(index)
        case .free, .draining, .closing: break
        }
    }

    /// The client has closed its side. What it is owed goes out first.
    mutating func ended(_ index: Int) {
        connections[index].hasEnded = true
        switch connections[index].phase {
        case .held, .writing: break
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
            && connections[index].tls == TLSConnections.none
    }

    /// Requests of one connection that are handled in one turn at most.
    private static var runCountMax: Int { 64 }
    /// Octets of their answers, without the last.
    static var runByteCountMax: Int { 24_576 }

    private var hasRoomForReply: Bool {
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

    private mutating func refuseWithoutBuffer(_ index: Int) {
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
        let answer =
            connections[index].isAdmin
            ? answerAdmin(index)
            : buffer == BufferPool.none
                ? Server.answer(arrival, reader, client, handler, &turn)
                : Server.answer(buffers, buffer, reader, client, handler, &turn)
        hold(index, answer, needsKeepAliveField: reader.needsKeepAliveField, isHead: reader.isHead)
        return true
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
        switch handled.reply {
        case .message: answer.hasMessage = true
        case .empty: break
        case .malformed, .unsupported:
            answer.status = handled.reply == .unsupported ? .unsupportedMediaType : .badRequest
            if reader.isCut { answer.status = .contentTooLarge }
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

    private static func logRefusal(_ status: HTTPStatus, _ client: Client, _ turn: inout Turn) {
        guard turn.journal.begin(.httpRefused, turn.now, turn.wall) else { return }
        turn.journal.number("status", UInt64(status.rawValue))
        turn.journal.text("ip", client.address.span)
        turn.journal.sentence("why", status.why)
        turn.journal.end()
    }

    /// Puts an answer behind the others of this turn.
    private mutating func hold(_ index: Int, _ answer: Answer, needsKeepAliveField: Bool, isHead: Bool) {
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

    // MARK: Answering

    /// Sends a held answer, because its turn is durable.
    mutating func release(_ reply: HeldReply) {
        let index = Int(reply.connection)
        guard connections[index].phase == .held else { return }
        var range = reply.start..<reply.end
        let isSealed = connections[index].tls != TLSConnections.none
        if isSealed {
            guard sealHeld(index, range) else { return close(index) }
            range = 0..<tls.output.count
        }
        let sent = isSealed ? tryWrite(index, tls.output, range) : tryWrite(index, heldOctets, range)
        if sent == range.count {
            answerSent(index)
        } else if sent >= 0 || sent == Int(UV_EAGAIN.rawValue) {
            writeRest(index, range.lowerBound + max(0, sent)..<range.upperBound)
        } else {
            close(index)
        }
    }

    /// Writes what the socket takes at once; the number of octets, or libuv's code.
    func tryWrite(_ index: Int, _ octets: borrowing FixedBytes, _ range: Range<Int>) -> Int {
        unsafe octets.span(range).withUnsafeBufferPointer { unsafe tryWrite(index, $0) }
    }

    private func tryWrite(_ index: Int, _ octets: UnsafeBufferPointer<UInt8>) -> Int {
        var buffer = unsafe Server.buffer(octets)
        return unsafe Int(uv_try_write(uv_shim_stream(handles + index), &buffer, 1))
    }

    static func buffer(_ octets: UnsafeBufferPointer<UInt8>) -> uv_buf_t {
        // libuv only reads from it.
        let start = unsafe UnsafeMutableRawPointer(mutating: octets.baseAddress)
        return unsafe uv_buf_t(base: start?.assumingMemoryBound(to: CChar.self), len: octets.count)
    }

    /// A client that reads slowly: the rest of its answer, sealed or held, waits in a borrowed buffer.
    private mutating func writeRest(_ index: Int, _ range: Range<Int>) {
        guard let output = takeBuffer(index, for: range.count) else {
            refuseWithoutBuffer(index)
            return
        }
        connections[index].output = output
        connections[index].phase = .writing
        connections[index].deadline = turn.now.adding(seconds: settings.bodyTimeout)
        connections[index].startedAt = turn.now
        if connections[index].tls != TLSConnections.none {
            buffers[output].append(copy: tls.output, range)
        } else {
            buffers[output].append(copy: heldOctets, range)
        }
        let code = unsafe buffers[output].span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            let write = unsafe writes + index
            return unsafe uv_write(write, uv_shim_stream(handles + index), &buffer, 1) { request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.writeEnded(Server.index(stream.pointee.data), status)
            }
        }
        if code != 0 { close(index) }
    }

    mutating func returnOutput(_ index: Int) {
        if connections[index].output != BufferPool.none { buffers.give(connections[index].output, &pools) }
        connections[index].output = BufferPool.none
    }

    private mutating func writeEnded(_ index: Int, _ status: Int32) {
        returnOutput(index)
        guard connections[index].phase == .writing else { return }
        beginTurn()
        if status == 0 { answerSent(index) } else { close(index) }
    }

    /// The answer is with the system: on to the next request, or to the end.
    private mutating func answerSent(_ index: Int) {
        if admin.isAnswering(index) {
            connections[index].phase = .reading
            connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
            wait(index)
            return
        }
        if connections[index].hasEnded,
            connections[index].closesAfterReply || connections[index].buffer == BufferPool.none
        {
            close(index)
            return
        }
        if connections[index].closesAfterReply {
            shutDown(index)
            return
        }
        connections[index].phase = .reading
        connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
        if connections[index].buffer != BufferPool.none { wait(index) }
        readOn(index)
    }

    /// Answers what cannot be served, and ends the connection.
    mutating func refuse(_ index: Int, _ status: HTTPStatus) {
        if connections[index].phase == .reading { Server.logRefusal(status, connections[index].client, &turn) }
        var head = ResponseHead(status, contentLength: 0)
        head.closes = true
        scratch.removeAll()
        head.write(contentType: Span(), into: &scratch)
        sayAside(index)
        shutDown(index)
    }

    mutating func readOn(_ index: Int) {
        guard connections[index].isPaused, !connections[index].hasEnded else { return }
        // What is sealed and waits is read first, when nothing else is under way.
        if connections[index].tls != TLSConnections.none, connections[index].phase == .reading { return }
        connections[index].isPaused = false
        startReading(index)
    }
}
