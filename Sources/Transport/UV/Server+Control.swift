import CLibC
import Files
import CUV
import IMPSEngine
import Octets

/// The control socket: one command at a time, from whoever may open the socket, which is its owner only.
@safe
struct ControlServer: ~Copyable {
    /// Octets of one part of an answer.
    static var outputByteCount: Int { 32_768 }

    let listener = UnsafeMutablePointer<uv_pipe_t>.allocate(capacity: 1)
    let pipe = UnsafeMutablePointer<uv_pipe_t>.allocate(capacity: 1)
    let write = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    var command = ControlCommand(line: Memory.buffer(ControlCommand.lineByteCountMax))
    var output = Memory.buffer(ControlServer.outputByteCount)
    /// The pipe has a connection.
    var isOpen = false
    /// Another connection waits at the listener until this one is closed.
    var isWaited = false
    /// More of the answer comes after what is being sent.
    var hasMore = false
    /// The command is complete; its answer is on its way.
    var isAnswering = false
}

extension Server {
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
            code = unsafe uv_listen(uv_shim_stream(listener), 4) { stream, status in
                guard let stream = unsafe stream, status == 0 else { return }
                unsafe Server.of(stream.pointee.loop).pointee.controlArrived()
            }
        }
        guard code == 0 else { throw .control(code) }
    }

    private mutating func controlArrived() {
        guard !control.isOpen else {
            control.isWaited = true
            return
        }
        control.isWaited = false
        control.isOpen = true
        control.isAnswering = false
        control.command.reset()
        unsafe uv_pipe_init(loop, control.pipe, 0)
        guard unsafe uv_accept(uv_shim_stream(control.listener), uv_shim_stream(control.pipe)) == 0 else {
            closeControl()
            return
        }
        unsafe uv_read_start(
            uv_shim_stream(control.pipe),
            { handle, _, buffer in
                guard let handle = unsafe handle, let buffer = unsafe buffer else { return }
                let server = unsafe Server.of(handle.pointee.loop)
                let free = unsafe server.pointee.control.command.line.freeStorage()
                unsafe buffer.pointee.base = unsafe UnsafeMutableRawPointer(free.baseAddress)?
                    .assumingMemoryBound(to: CChar.self)
                unsafe buffer.pointee.len = free.count
            },
            { stream, count, _ in
                guard let stream = unsafe stream else { return }
                unsafe Server.of(stream.pointee.loop).pointee.controlOctetsArrived(Int(count))
            })
    }

    private mutating func controlOctetsArrived(_ count: Int) {
        guard count >= 0 else {
            closeControl()
            return
        }
        control.command.line.advance(by: count)
        guard !control.isAnswering, let end = control.command.line.span.firstIndex(of: 0x0A) else { return }
        control.command.line.truncate(to: end)
        control.isAnswering = true
        answerControl()
    }

    /// Does the command, or the next part of it, and sends what it says; a change is durable before.
    private mutating func answerControl() {
        beginTurn()
        turn.entropy = Clock.entropy()
        control.output.removeAll()
        let progress = handler.control(&control.command, pools, &turn, into: &control.output)
        control.hasMore = progress == .more
        if let error = handler.commit(&turn) {
            revokeHeld(error)
            control.output.removeAll()
            control.output.append("error store-full the change was not kept; free room or raise db_kb\n")
            control.hasMore = false
        }
        let code = unsafe control.output.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe uv_write(control.write, uv_shim_stream(control.pipe), &buffer, 1) { request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                unsafe Server.of(stream.pointee.loop).pointee.controlPartSent(status)
            }
        }
        if code != 0 { closeControl() }
        if handler.wantsEnd {
            stopSignal = SIGTERM
            unsafe uv_stop(loop)
        }
    }

    private mutating func controlPartSent(_ status: Int32) {
        if status == 0, control.hasMore { answerControl() } else { closeControl() }
    }

    private mutating func closeControl() {
        guard control.isOpen, unsafe uv_is_closing(uv_shim_handle(control.pipe)) == 0 else { return }
        unsafe uv_close(uv_shim_handle(control.pipe)) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.control.isOpen = false
            unsafe server.pointee.control.command.reset()
            if unsafe server.pointee.control.isWaited { unsafe server.pointee.controlArrived() }
        }
    }
}
