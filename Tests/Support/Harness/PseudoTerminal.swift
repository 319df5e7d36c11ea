import Foundation

/// A program on a terminal of its own, as a user has it before him.
public final class PseudoTerminal: @unchecked Sendable {
    private let master: Int32
    private let columns: Int
    private let rows: Int
    private var child: Child
    /// Everything that was shown so far.
    public var text: String { String(decoding: shown, as: UTF8.self) }
    /// A character may come in two pieces.
    private var shown: [UInt8] = []

    /// Starts one of the programs on a terminal with lines of `columns` characters.
    ///
    /// - Parameter input: A file that it reads instead of what is typed.
    public init(
        _ name: String, _ arguments: [String], columns: Int = 80, rows: Int = 24, input: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.columns = columns
        self.rows = rows
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var isLocked: Int32 = 0
        var number: UInt32 = 0
        // TIOCSPTLCK and TIOCGPTN, which the C library's functions for it call.
        guard master >= 0, ioctl(master, 0x4004_5431, &isLocked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw HarnessError("no pseudo terminal")
        }
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        let slave = "/dev/pts/\(number)"
        child = try Child(
            Programs.command(name, arguments), input: input ?? slave, output: slave, errors: slave,
            environment: environment)
    }

    deinit {
        Foundation.kill(child.id, SIGKILL)
        _ = child.wait()
        close(master)
    }

    /// What stands in the rows of the screen now.
    public func pane() -> String {
        while read() {}
        var screen = Screen(columns: columns, rows: rows)
        return screen.showing(text)
    }

    /// Types a line.
    public func type(_ line: String) { press(line + "\n") }

    /// Presses keys, which the terminal sends as these characters.
    public func press(_ keys: String) {
        let octets = Array(keys.utf8)
        _ = write(master, octets, octets.count)
    }

    /// Waits until words are shown after what was awaited before.
    public func await(_ words: String, seconds: Double = 15) throws {
        let end = Date().addingTimeInterval(seconds * Programs.slowness)
        while Date() < end {
            let text = text
            let start = text.utf8.index(text.startIndex, offsetBy: min(awaitedCount, text.utf8.count))
            if let range = text.range(of: words, range: start..<text.endIndex) {
                awaitedCount = text.utf8.distance(from: text.startIndex, to: range.upperBound)
                return
            }
            read()
        }
        throw HarnessError("waited in vain for \(words) on the terminal:\n\(text)")
    }

    private var awaitedCount = 0

    /// Takes what is shown next; false when nothing comes.
    @discardableResult
    private func read() -> Bool {
        var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, 50) > 0 else { return false }
        var octets = [UInt8](repeating: 0, count: 4096)
        let count = Foundation.read(master, &octets, octets.count)
        if count > 0 { shown += octets[0..<count] }
        return count > 0
    }

    /// Waits for the end of the program; its exit code.
    public func awaitEnd() -> Int32 {
        read()
        return child.wait()
    }
}
