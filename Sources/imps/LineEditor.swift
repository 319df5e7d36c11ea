import CLibC
import Octets
import Transport

/// The line that the user types: with editing on a terminal, line by line from anything else.
struct LineEditor: ~Copyable {
    enum Event {
        case none
        /// A line is complete in `line`.
        case line
        /// The user or the input has come to an end.
        case end
    }

    /// What was typed so far, UTF-8.
    private(set) var line = Memory.buffer(4000)
    private let isTerminal: Bool
    private var escape = Escape.none
    private var output = Memory.buffer(8192)

    /// Where in a sequence of a function key the input is.
    private enum Escape {
        case none
        case begun
        case inside
    }

    init() {
        isTerminal = isatty(0) != 0 && isatty(1) != 0
        if isTerminal { _ = libc_set_raw(0, 1) }
    }

    deinit {
        if isTerminal { _ = libc_set_raw(0, 0) }
    }

    /// Takes what can be read without waiting, up to the end of a line.
    mutating func read() -> Event {
        while libc_wait_readable(0, -1, 0) > 0 {
            var octet: UInt8 = 0
            guard unsafe CLibC.read(0, &octet, 1) == 1 else { return .end }
            let event = take(octet)
            if case .none = event { continue }
            return event
        }
        return .none
    }

    private mutating func take(_ octet: UInt8) -> Event {
        switch escape {
        case .begun:
            escape = octet == 0x5B || octet == 0x4F ? .inside : .none
            return .none
        case .inside:
            if octet >= 0x40 { escape = .none }
            return .none
        case .none: break
        }
        switch octet {
        case 0x0A, 0x0D: return .line
        case 0x1B where isTerminal: escape = .begun
        case 0x03, 0x04:
            guard isTerminal else { break }
            if octet == 0x03 || line.count == 0 { return .end }
        case 0x08, 0x7F: removeLast()
        case 0x15: line.removeAll()
        case 0x17: removeWord()
        case 0x20...: line.append(octet)
        default: break
        }
        return .none
    }

    private mutating func removeLast() {
        guard line.count > 0 else { return }
        var count = line.count - 1
        while count > 0, line[count] & 0xC0 == 0x80 { count -= 1 }
        line.truncate(to: count)
    }

    private mutating func removeWord() {
        while line.count > 0, line[line.count - 1] == 0x20 { removeLast() }
        while line.count > 0, line[line.count - 1] != 0x20 { removeLast() }
    }

    /// Forgets the line.
    mutating func clear() { line.removeAll() }

    /// Prints a line above the one that is being typed.
    mutating func print(_ text: borrowing FixedBytes) {
        if isTerminal { Terminal.print("\r\u{1B}[K") }
        Terminal.print(text.span)
        Terminal.print("\n")
    }

    /// Shows the prompt and as much of the end of the line as fits behind it.
    mutating func draw(prompt: Span<UInt8>) {
        guard isTerminal else { return }
        output.removeAll()
        output.append("\r\u{1B}[K")
        output.append(prompt)
        let room = max(8, Int(libc_columns(1)) - prompt.count - 1)
        var start = line.count
        var characterCount = 0
        while start > 0, characterCount < room {
            start -= 1
            if line[start] & 0xC0 != 0x80 { characterCount += 1 }
        }
        output.append(copy: line, start..<line.count)
        Terminal.print(output.span)
    }
}
