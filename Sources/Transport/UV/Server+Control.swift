import CLibC
import Files
import CUV
import IMPSEngine
import Octets

/// A connection to the control socket and its command.
struct ControlConnection: ~Copyable {
    /// What a command needs, and what it gets when it does not fit.
    var command: ControlCommand
    var output: FixedBytes
    var isOpen = false
    /// Which connection at this place it is.
    var number: UInt64 = 0
    /// The command is complete; its answer is on its way.
    var isAnswering = false
    /// More of the answer comes after what is being sent.
    var hasMore = false
    /// Its line lies in the large room.
    var hasLongLine = false
    /// Its end of the connection is closed: nothing more comes from there.
    var hasEnded = false
    /// When something was read from it, or taken by it, last.
    var movedAt = Instant(milliseconds: 0)
    /// It had not moved for a moment when the engine looked last. What it said meanwhile is read before the next look, so
    /// that an engine that was busy itself takes nobody for stuck.
    var isSuspect = false

    init(line: consuming FixedBytes, output: consuming FixedBytes) {
        command = ControlCommand(line: line)
        self.output = output
    }
}

/// The control socket: a few commands at once, from whoever may open the socket, which is its owner only. None waits for
/// another: long answers are given out in parts, and who does not send or take his gives way.
@safe
public struct ControlServer: ~Copyable {
    /// Commands at once.
    static var count: Int { 4 }
    /// Octets of one part of an answer; a record of the longest dump has to fit.
    static var outputByteCount: Int { 16_384 }
    /// Octets of a command; a longer one takes the only large room there is.
    static var lineByteCount: Int { 1024 }

    let listener = UnsafeMutablePointer<uv_pipe_t>.allocate(capacity: 1)
    let pipes = UnsafeMutablePointer<uv_pipe_t>.allocate(capacity: ControlServer.count)
    let writes = UnsafeMutablePointer<uv_write_t>.allocate(capacity: ControlServer.count)
    var connections: Slab<ControlConnection>
    /// For the line of one command that is long.
    var longLine = Memory.buffer(ControlCommand.lineByteCountMax)
    var isLongLineTaken = false
    /// Another connection waits at the listener until one is closed.
    var isWaited = false
    /// When late ones are looked for next.
    var sweepsAt: Instant?

    init() {
        let place = UnsafeMutablePointer<ControlConnection>.allocate(capacity: ControlServer.count)
        for index in 0..<ControlServer.count {
            let connection = ControlConnection(
                line: Memory.buffer(ControlServer.lineByteCount), output: Memory.buffer(ControlServer.outputByteCount))
            unsafe (place + index).initialize(to: connection)
        }
        connections = unsafe Slab(lent: place, count: ControlServer.count)
    }

    /// Gives a connection the large room, with what it has read so far.
    mutating func lendLongLine(_ index: Int) {
        let count = connections[index].command.line.count
        for place in 0..<count { longLine.append(connections[index].command.line[place]) }
        ControlServer.exchange(&longLine, &connections[index])
        connections[index].hasLongLine = true
        isLongLineTaken = true
    }

    /// Forgets a command, and takes the large room back.
    mutating func reset(_ index: Int) {
        connections[index].isOpen = false
        connections[index].number += 1
        connections[index].command.reset()
        guard connections[index].hasLongLine else { return }
        ControlServer.exchange(&longLine, &connections[index])
        connections[index].command.reset()
        connections[index].hasLongLine = false
        isLongLineTaken = false
    }

    private static func exchange(_ room: inout FixedBytes, _ connection: inout ControlConnection) {
        swap(&room, &connection.command.line)
    }

    /// What the connections need, and their share of the large room.
    public static var pool: Pool {
        let room = outputByteCount + lineByteCount + ControlCommand.lineByteCountMax / count
        return Pool("control", count: count, byteCount: unsafe room + MemoryLayout<uv_pipe_t>.stride)
    }
}

extension Server {
    // MARK: Connecting

    mutating func startControl() throws(StartError) {
        unsafe uv_pipe_init(loop, control.listener, 0)
        let path = settings.controlPath
        let listener = unsafe control.listener
        // The store's lock made sure that no other engine uses the socket: what lies there is left over.
        var code = unsafe File.withPath(path.span) { text in
            unsafe unlink(text)
            let code = unsafe uv_pipe_bind(listener, text)
            // Nobody can connect before it listens, so there is no moment at which it is open to others.
            if code == 0 { unsafe chmod(text, 0o600) }
            return code
        }
        if code == 0 {
            code = unsafe uv_listen(uv_shim_stream(listener), 16) { stream, status in
                guard let stream = unsafe stream, status == 0 else { return }
                unsafe Server.of(stream.pointee.loop).pointee.controlArrived()
            }
        }
        guard code == 0 else { throw .control(code) }
    }

    private mutating func controlArrived() {
        beginTurn()
        guard let index = freeControl() else {
            // Taken when another one is closed; the timer looks for one that is stuck.
            control.isWaited = true
            return
        }
        control.isWaited = false
        let pipe = unsafe control.pipes + index
        unsafe uv_pipe_init(loop, pipe, 0)
        unsafe pipe.pointee.data = Server.data(index)
        control.connections[index].isOpen = true
        control.connections[index].isAnswering = false
        control.connections[index].hasEnded = false
        noteControlMoved(index)
        guard unsafe uv_accept(uv_shim_stream(control.listener), uv_shim_stream(pipe)) == 0 else {
            closeControl(index)
            return
        }
        unsafe uv_read_start(
            uv_shim_stream(pipe),
            { handle, _, buffer in
                guard let handle = unsafe handle else { return }
                let server = unsafe Server.of(handle.pointee.loop)
                let free = unsafe server.pointee.roomOfControl(Server.index(handle.pointee.data))
                unsafe Server.lend(free, buffer)
            },
            { stream, count, _ in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.controlOctetsArrived(Int(count), Server.index(stream.pointee.data))
            })
    }

    private func freeControl() -> Int? {
        for index in 0..<ControlServer.count where !control.connections[index].isOpen { return index }
        return nil
    }

    private mutating func noteControlMoved(_ index: Int) {
        control.connections[index].movedAt = turn.now
        control.connections[index].isSuspect = false
    }

    /// Where others wait, the one that moved longest ago gives way, unless all of them are at work.
    private mutating func cutStuckControl() {
        var longest: Int?
        for index in 0..<ControlServer.count where control.connections[index].isSuspect {
            if longest.map({ control.connections[index].movedAt < control.connections[$0].movedAt }) ?? true {
                longest = index
            }
        }
        if let longest { return cutControl(longest, "others waited") }
        for index in 0..<ControlServer.count {
            let movedAt = control.connections[index].movedAt.milliseconds
            control.connections[index].isSuspect = movedAt + Server.controlPatience <= turn.now.milliseconds
        }
    }

    /// Milliseconds without a move after which a connection gives way to one that waits.
    private static var controlPatience: UInt64 { 30 }

    // MARK: Commands

    /// The room for what arrives; the line moves into the large room when its own is full.
    private mutating func roomOfControl(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
        let isFull = control.connections[index].command.line.count == ControlServer.lineByteCount
        if isFull, !control.connections[index].hasLongLine, !control.isLongLineTaken { control.lendLongLine(index) }
        return unsafe control.connections[index].command.line.freeStorage()
    }

    private mutating func controlOctetsArrived(_ count: Int, _ index: Int) {
        beginTurn()
        if count == Int(UV_ENOBUFS.rawValue), !control.connections[index].isAnswering {
            let isLong = control.connections[index].hasLongLine
            return refuseControl(
                index,
                isLong ? "error usage the command is too long\n" : "error busy another long command is on its way\n")
        }
        guard count >= 0 else {
            // Who closes his end after the command still wants the answer; writing it tells when nobody is there.
            unsafe uv_read_stop(uv_shim_stream(control.pipes + index))
            if control.connections[index].isAnswering, count == Int(UV_EOF.rawValue) {
                control.connections[index].hasEnded = true
            } else {
                closeControl(index)
            }
            return
        }
        noteControlMoved(index)
        // After the command nobody says anything.
        guard !control.connections[index].isAnswering else { return }
        control.connections[index].command.line.advance(by: count)
        guard let end = control.connections[index].command.line.span.firstIndex(of: 0x0A) else { return }
        control.connections[index].command.line.truncate(to: end)
        control.connections[index].isAnswering = true
        answerControl(index)
    }

    private mutating func refuseControl(_ index: Int, _ words: StaticString) {
        // There is no room for what else it says.
        unsafe uv_read_stop(uv_shim_stream(control.pipes + index))
        control.connections[index].isAnswering = true
        control.connections[index].hasMore = false
        control.connections[index].output.removeAll()
        control.connections[index].output.append(words)
        writeControl(index)
    }

    /// Does the command, or the next part of it, and sends what it says; a change is durable before.
    private mutating func answerControl(_ index: Int) {
        beginTurn()
        turn.entropy = Clock.entropy()
        control.connections[index].output.removeAll()
        if control.connections[index].command.line.span.starts(with: "reach ") {
            control.connections[index].hasMore = false
            return reach(index)
        }
        let progress = Server.answer(&control.connections[index], handler, pools, &turn)
        control.connections[index].hasMore = progress == .more
        if let error = commit() {
            revokeHeld(error)
            control.connections[index].output.removeAll()
            control.connections[index].output.append(error.refusal)
            control.connections[index].hasMore = false
        }
        writeControl(index)
    }

    private static func answer(
        _ connection: inout ControlConnection, _ handler: RequestHandler, _ pools: borrowing PoolTable,
        _ turn: inout Turn
    ) -> ControlProgress {
        handler.control(&connection.command, pools, &turn, into: &connection.output)
    }

    mutating func writeControl(_ index: Int) {
        noteControlMoved(index)
        let pipe = unsafe control.pipes + index
        let write = unsafe control.writes + index
        let code = unsafe control.connections[index].output.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe uv_write(write, uv_shim_stream(pipe), &buffer, 1) { request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.controlPartSent(status, Server.index(stream.pointee.data))
            }
        }
        if code != 0 { closeControl(index) }
    }

    private mutating func controlPartSent(_ status: Int32, _ index: Int) {
        guard control.connections[index].isOpen else { return }
        if status == 0, control.connections[index].hasMore { answerControl(index) } else { closeControl(index) }
    }

    // MARK: Ending

    /// Ends who has not sent a command, or not taken an answer, in time.
    mutating func cutLateControl() {
        control.sweepsAt = nil
        if control.isWaited { cutStuckControl() }
        for index in 0..<ControlServer.count where control.connections[index].isOpen {
            let isAnswering = control.connections[index].isAnswering
            let seconds = isAnswering ? settings.bodyTimeout : settings.headerTimeout
            guard control.connections[index].movedAt.adding(seconds: seconds) <= turn.now else { continue }
            cutControl(index, isAnswering ? "the answer was not read" : "no command came")
        }
    }

    /// When late ones are to be looked for; nil when there is none.
    mutating func nextControlSweep() -> Instant? {
        var isAny = false
        for index in 0..<ControlServer.count where control.connections[index].isOpen { isAny = true }
        guard isAny else { return nil }
        let wait = control.isWaited ? Server.controlPatience : 1000
        let sweep = Instant(milliseconds: turn.now.milliseconds + wait)
        control.sweepsAt = min(control.sweepsAt ?? sweep, sweep)
        return control.sweepsAt
    }

    private mutating func cutControl(_ index: Int, _ why: StaticString) {
        if turn.journal.begin(.controlCut, turn.now, turn.wall) {
            turn.journal.sentence("why", why)
            turn.journal.end()
        }
        closeControl(index)
    }

    private mutating func closeControl(_ index: Int) {
        let pipe = unsafe control.pipes + index
        guard control.connections[index].isOpen, unsafe uv_is_closing(uv_shim_handle(pipe)) == 0 else { return }
        cancelOutgoing(control: index)
        unsafe uv_close(uv_shim_handle(pipe)) { handle in
            guard let handle = unsafe handle else { return }
            unsafe Server.of(handle.pointee.loop).pointee.controlClosed(Server.index(handle.pointee.data))
        }
    }

    private mutating func controlClosed(_ index: Int) {
        control.reset(index)
        if control.isWaited { controlArrived() }
    }
}
