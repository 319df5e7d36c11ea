import IMPSEngine
import Octets
import Transport

/// Where commands come from: one that is written already, or the rows of a file, of which some hundred make a command.
struct CommandSource: ~Copyable {
    /// The rows that could not be read are counted there.
    private(set) var rows: RowReader?
    private var command = Memory.buffer(ControlCommand.lineByteCountMax)
    private var isRehearsal = false
    private var progress = Progress("rows")

    /// One command.
    init(_ command: borrowing FixedBytes) {
        self.command.append(copy: command, 0..<command.count)
    }

    /// Rows.
    init(_ rows: consuming RowReader, isRehearsal: Bool) {
        self.rows = consume rows
        self.isRehearsal = isRehearsal
    }

    /// It is the command `check`, for which the store is looked through too.
    var checks: Bool { command.span.equals("check\n") }

    /// Writes the next command into a buffer of `ControlCommand.lineByteCountMax` octets; false when there is none.
    ///
    /// - Parameter printer: Knows how many rows are done.
    mutating func next(into line: inout FixedBytes, _ printer: borrowing Printer) -> Bool {
        guard rows != nil else {
            line.append(copy: command, 0..<command.count)
            command.removeAll()
            return line.count > 0
        }
        progress.show(printer.addedCount + printer.refusedCount, of: nil)
        line.append("import")
        if isRehearsal { line.append(" check") }
        let start = line.count
        while line.count < 24_000, rows?.next(into: &line) == true {}
        if line.count == start {
            progress.end()
            return false
        }
        line.append(0x0A)
        return true
    }
}
