import CLibC
import IMPSEngine
import Octets
import Transport

/// How far long work is, in one line of a terminal; nothing when standard error is none.
struct Progress: ~Copyable {
    private let what: StaticString
    private let isTerminal = isatty(2) != 0
    private var text = Memory.buffer(160)
    private let clock = Clock()
    private var shownAt: Instant?

    init(_ what: StaticString) {
        self.what = what
    }

    /// - Parameters:
    ///   - done: What is done.
    ///   - share: How much of all that is, in hundredths; nil when nobody knows.
    mutating func show(_ done: UInt64, of share: UInt64?) {
        let now = clock.now
        if let shownAt, now.milliseconds < shownAt.milliseconds + 100 { return }
        guard isTerminal else { return }
        shownAt = now
        write(done, share)
    }

    private mutating func write(_ done: UInt64, _ share: UInt64?) {
        text.removeAll()
        text.append("\r")
        text.append(decimal: done)
        text.append(0x20)
        text.append(what)
        if let share {
            text.append(", ")
            text.append(decimal: share)
            text.append(" %")
        }
        text.append("\u{1B}[K")
        Terminal.printError(text.span)
    }

    /// Clears the line.
    mutating func end() {
        if shownAt != nil { Terminal.printError("\r\u{1B}[K") }
    }
}
