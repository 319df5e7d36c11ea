import IMPSEngine
import Octets

/// The place for the one command that comes by the operator's page at a time, and for what it says.
struct AdminSeat: ~Copyable {
    /// Octets of a command.
    private static var lineByteCount: Int { 8192 }
    /// Octets of a part of what it says.
    static var outputByteCount: Int { 16_384 }
    /// What all of it takes.
    static var byteCount: Int { lineByteCount + outputByteCount }
    private static var nobody: Int { -1 }

    var command: ControlCommand
    var output: FixedBytes
    /// More comes behind what is being sent.
    private(set) var hasMore = false
    /// The connection that it goes to.
    private var connection = AdminSeat.nobody

    init(isUsed: Bool) {
        command = ControlCommand(line: Memory.buffer(isUsed ? AdminSeat.lineByteCount : 0))
        output = Memory.buffer(isUsed ? AdminSeat.outputByteCount : 0)
    }

    /// Whether the answer on a connection goes on.
    func isAnswering(_ index: Int) -> Bool { hasMore && connection == index }

    /// Prepares for a command.
    private mutating func begin() {
        command.reset()
        output.removeAll()
    }

    /// Notes whether more comes for a connection.
    mutating func go(on index: Int, hasMore: Bool) {
        self.hasMore = hasMore
        connection = hasMore ? index : AdminSeat.nobody
        if !hasMore { command.reset() }
    }

    /// Forgets the command: nobody is there to hear more.
    mutating func free() { go(on: AdminSeat.nobody, hasMore: false) }

    /// Takes the first line of a body; false when it is too long.
    mutating func take(_ octets: borrowing FixedBytes, _ body: Range<Int>) -> Bool {
        begin()
        let end = octets.span(body).firstIndex(of: 0x0A) ?? body.count
        guard end <= command.line.freeCapacity else { return false }
        command.line.append(copy: octets, body.lowerBound..<body.lowerBound + end)
        return true
    }

    /// Takes a command of ours.
    mutating func take(_ line: StaticString) {
        begin()
        command.line.append(line)
    }
}

/// The operator's page: its files, the commands that it sends, and the figures for who gathers them.
///
/// Everything but the password comes by the ways that others use: the connection, TLS, the reader and the held answers are
/// those of clients, and a command is what `impsctl` would send.
extension Server {
    private enum AdminRequest {
        case refused(HTTPStatus)
        case page(Page, isKnown: Bool)
        case command
        case figures
    }

    /// Answers a whole request to the operator's page.
    mutating func answerAdmin(_ index: Int) -> Answer {
        let reader = connections[index].reader
        let buffer = connections[index].buffer
        let client = connections[index].client
        let request =
            buffer == BufferPool.none
            ? Server.adminRequest(arrival, reader, client, handler, &turn)
            : Server.adminRequest(buffers, buffer, reader, client, handler, &turn)
        var answer = Answer()
        switch request {
        case .refused(let status): answer.status = status
        case .page(let page, let isKnown):
            answer.page = page
            answer.contentType = InlineBytes(prefix: page.contentType.octets)
            if isKnown { answer.status = .notModified }
        case .command, .figures:
            if admin.hasMore {
                answer.status = .serviceUnavailable
            } else if case .figures = request {
                admin.take("metrics")
                doAdmin(index, &answer)
            } else if buffer == BufferPool.none
                ? admin.take(arrival, reader.bodyRange) : Server.take(buffers, buffer, reader.bodyRange, &admin)
            {
                doAdmin(index, &answer)
            } else {
                answer.status = .contentTooLarge
            }
        }
        return answer
    }

    /// What a request asks for, if whoever sent it knows the password.
    private static func adminRequest(
        _ octets: borrowing FixedBytes, _ reader: RequestReader, _ client: Client, _ handler: RequestHandler,
        _ turn: inout Turn
    ) -> AdminRequest {
        let status = handler.admitsAdmin(octets.span(reader.authorization), client, &turn)
        guard status == .ok else { return .refused(status) }
        guard !reader.isCut else { return .refused(.contentTooLarge) }
        let path = octets.span(reader.path)
        guard reader.page != nil else {
            return reader.callKey == nil && path.equals("/admin/command") ? .command : .refused(.notFound)
        }
        if path.equals("/metrics") { return .figures }
        guard let page = Page(adminPath: path) else { return .refused(.notFound) }
        return .page(page, isKnown: page.isKnown(octets.span(reader.knownTag)))
    }

    private static func adminRequest(
        _ buffers: borrowing BufferPool, _ buffer: UInt16, _ reader: RequestReader, _ client: Client,
        _ handler: RequestHandler, _ turn: inout Turn
    ) -> AdminRequest {
        adminRequest(buffers[buffer], reader, client, handler, &turn)
    }

    private static func take(
        _ buffers: borrowing BufferPool, _ buffer: UInt16, _ body: Range<Int>, _ admin: inout AdminSeat
    ) -> Bool {
        admin.take(buffers[buffer], body)
    }

    /// Does the command, or the next part of it; a change is durable before it is told.
    private mutating func doAdmin(_ index: Int, _ answer: inout Answer) {
        turn.entropy = Clock.entropy()
        admin.output.removeAll()
        let progress = Server.answer(&admin, handler, pools, &turn)
        admin.go(on: index, hasMore: progress == .more)
        if let error = commit() {
            revokeHeld(error)
            admin.free()
            admin.output.removeAll()
            admin.output.append(error.refusal)
        }
        answer.isOfAdmin = true
        answer.contentType = InlineBytes(prefix: ("text/plain; version=0.0.4; charset=utf-8" as StaticString).octets)
        // Only its end tells how long it is.
        if admin.hasMore { connections[index].closesAfterReply = true }
    }

    private static func answer(
        _ admin: inout AdminSeat, _ handler: RequestHandler, _ pools: borrowing PoolTable, _ turn: inout Turn
    ) -> ControlProgress {
        guard admin.command.isForPage else {
            admin.output.append("error usage the page does not do that; impsctl does\n")
            return .done
        }
        return handler.control(&admin.command, pools, &turn, into: &admin.output)
    }

    /// Holds the next part of what a command says.
    mutating func goOnWithAdmin(_ index: Int) {
        guard heldCount < held.count, heldOctets.freeCapacity >= AdminSeat.outputByteCount else {
            wait(index)
            return
        }
        var answer = Answer()
        doAdmin(index, &answer)
        var reply = HeldReply()
        reply.connection = UInt16(index)
        reply.start = heldOctets.count
        reply.bodyStart = reply.start
        heldOctets.append(copy: admin.output, 0..<admin.output.count)
        reply.end = heldOctets.count
        held[heldCount] = reply
        heldCount += 1
        connections[index].phase = .held
    }
}
