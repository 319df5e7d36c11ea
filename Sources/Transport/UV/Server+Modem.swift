import CLibC
import CUV
import Files
import IMPSEngine
import Octets

/// The modem on a serial line: one order at a time, its device open only as long as that takes.
@safe
struct Modem: ~Copyable {
    let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
    /// What is sent, part by part.
    var parts = Memory.buffer(Modem.partsByteCount)
    /// What is said next, and how much of it the line has taken.
    var output = Memory.buffer(Modem.outputByteCount)
    var sent = 0
    var dialogue: ModemDialogue?
    var number: UInt64 = 0
    var descriptor: Int32 = -1
    var deadline = Instant(milliseconds: 0)
    /// libuv still has the handle.
    var isClosing = false
    /// The card refused its PIN: one more try may lock it, so there is none before the next start.
    var isLocked = false

    static var partsByteCount: Int { 4096 }
    static var outputByteCount: Int { 512 }

    static var pool: Pool {
        let octets = unsafe MemoryLayout<uv_poll_t>.stride
        return Pool("modem", count: 1, byteCount: partsByteCount + outputByteCount + octets)
    }

    /// Another order may begin.
    var isFree: Bool { dialogue == nil && !isClosing }
}

extension Server {
    /// Begins an order, whose parts lie in the modem's buffer; why that is not possible, or nil.
    mutating func beginModem(_ order: ModemOrder, number: UInt64) -> ModemFailure? {
        guard !modem.isLocked || order.cardPIN.isEmpty else { return .card }
        let descriptor = unsafe File.withPath(order.device.span) { unsafe libc_open_serial($0, order.baud) }
        guard descriptor >= 0 else { return .noDevice(libc_errno()) }
        unsafe uv_poll_init(loop, modem.handle, descriptor)
        modem.descriptor = descriptor
        modem.number = number
        modem.output.removeAll()
        modem.sent = 0
        var dialogue = ModemDialogue(order)
        _ = dialogue.call(into: &modem.output)
        modem.dialogue = dialogue
        modem.deadline = turn.now.adding(seconds: dialogue.patience)
        sayToModem()
        return nil
    }

    /// Says what is to be said, as far as the line takes it, and listens.
    private mutating func sayToModem() {
        if modem.sent < modem.output.count {
            let range = modem.sent..<modem.output.count
            let count = unsafe modem.output.span(range).withUnsafeBufferPointer {
                unsafe write(modem.descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 { modem.sent += count }
        }
        let events =
            modem.sent < modem.output.count ? UV_READABLE.rawValue | UV_WRITABLE.rawValue : UV_READABLE.rawValue
        unsafe uv_poll_start(modem.handle, Int32(events)) { handle, status, events in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.modemMoved(status, events)
        }
    }

    private mutating func modemMoved(_ status: Int32, _ events: Int32) {
        beginTurn()
        guard modem.dialogue != nil else { return }
        guard status == 0 else { return endModem(.noDevice(-status)) }
        if events & Int32(UV_READABLE.rawValue) != 0, !hearModem() { return }
        sayToModem()
    }

    /// Reads what is there; false when the order has ended with it.
    private mutating func hearModem() -> Bool {
        var octets = InlineArray<256, UInt8>(repeating: 0)
        var span = octets.mutableSpan
        let descriptor = modem.descriptor
        let count = unsafe span.withUnsafeMutableBufferPointer {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        guard count > 0 else {
            if count < 0, libc_errno() == EAGAIN { return true }
            endModem(.noDevice(count < 0 ? libc_errno() : 0))
            return false
        }
        for index in 0..<count {
            guard var dialogue = modem.dialogue else { return false }
            if modem.sent == modem.output.count {
                modem.output.removeAll()
                modem.sent = 0
            }
            let before = modem.output.count
            let progress = dialogue.take(octets[index], modem.parts, into: &modem.output)
            if modem.output.count != before { modem.deadline = turn.now.adding(seconds: dialogue.patience) }
            let saidPIN = modem.dialogue?.saysPIN ?? false
            modem.dialogue = dialogue
            switch progress {
            case .waits: continue
            case .done: endModem(nil)
            case .failed(let failure):
                if saidPIN { modem.isLocked = true }
                endModem(failure)
            }
            return false
        }
        return true
    }

    private mutating func endModem(_ failure: ModemFailure?) {
        let number = modem.number
        modem.dialogue = nil
        modem.isClosing = true
        modem.parts.wipe()
        modem.output.wipe()
        unsafe uv_poll_stop(modem.handle)
        unsafe uv_close(uv_shim_handle(modem.handle)) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.modemClosed()
        }
        handler.modemEnded(number, failure, &turn)
    }

    private mutating func modemClosed() {
        File.close(modem.descriptor)
        modem.descriptor = -1
        modem.isClosing = false
        beginTurn()
    }

    /// A modem that says nothing is called again, or given up.
    mutating func hurryModem() {
        guard var dialogue = modem.dialogue else { return }
        modem.output.removeAll()
        modem.sent = 0
        guard dialogue.call(into: &modem.output) else {
            if dialogue.saysPIN { modem.isLocked = true }
            return endModem(.silent)
        }
        modem.dialogue = dialogue
        modem.deadline = turn.now.adding(seconds: dialogue.patience)
        sayToModem()
    }
}
