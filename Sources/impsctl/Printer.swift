import CLibC
import IMPSEngine
import Octets
import Transport

/// Shows the answer of the engine: for people, or for machines.
struct Printer: ~Copyable {
    private enum Form {
        /// Each record in a line of its own, as the engine sends it.
        case lines
        /// The fields of each record in lines of 79 columns.
        case fields
        case json, csv
        /// Records below each other, which are kept until there are enough of them.
        case table
        case status
        /// Nothing but who was refused; the rest is counted.
        case tally
    }

    private let form: Form
    private var output: Output
    private var table: Table
    private var records = Records()
    private let width: Int
    /// What is imported are lines of a name and a password.
    private let isOfLines: Bool
    /// The line that is coming in.
    private var line = Memory.buffer(16_384)
    /// The text of the record that is shown.
    private var text = Memory.buffer(65_536)
    private var recordCount = 0
    /// Accounts that were taken, and that were not.
    private(set) var addedCount: UInt64 = 0
    private(set) var refusedCount: UInt64 = 0
    private var code = ExitCode.inputOutput

    /// - Parameter descriptor: Where the output goes.
    @inline(never)
    init(_ options: borrowing Options, to descriptor: Int32) {
        output = Output(to: descriptor)
        width = Int(libc_columns(descriptor))
        isOfLines = options.word(0, is: "user")
        table = Table(width: width)
        let isTable = table.takeColumns(of: options)
        if options.word(0, is: "import") || isOfLines && options.word(1, is: "add") {
            form = .tally
        } else if options.word(0, is: "dump") {
            form = .lines
        } else if options.isJSON {
            form = .json
            output.take("[")
        } else if options.isCSV {
            form = .csv
        } else if options.isRaw {
            form = options.word(1, is: "journal") ? .lines : .fields
        } else if isTable {
            form = .table
        } else {
            form = options.word(0, is: "status") ? .status : .fields
        }
    }

    /// Takes the next part of the answer.
    mutating func take(_ part: Span<UInt8>) {
        for index in part.indices {
            if part[index] == 0x0A {
                endLine()
            } else {
                line.append(part[index])
            }
        }
        if form != .table, form != .status { output.flush() }
    }

    /// Ends the output and says how the command went.
    mutating func finish() -> ExitCode {
        if form == .json { output.take(recordCount > 0 ? "\n]\n" : "]\n") }
        if form == .table || form == .status { showRecords() }
        output.flush()
        if output.isLost {
            Terminal.printError("impsctl: the output cannot be written\n")
            return .inputOutput
        }
        if code == .inputOutput { Terminal.printError("impsctl: the answer is cut off\n") }
        return code
    }

    private mutating func endLine() {
        if line.span.equals("ok") {
            code = .success
        } else if line.span.starts(with: "error ") {
            code = .failure
            if form == .table || form == .status { showRecords() }
            output.flush()
            Terminal.printError("impsctl: ")
            Terminal.printError(line.span.extracting(6..<line.count))
            Terminal.printError("\n")
        } else {
            show()
            recordCount += 1
        }
        line.removeAll()
    }

    private mutating func show() {
        text.removeAll()
        switch form {
        case .lines:
            text.append(copy: line, 0..<line.count)
            text.append(0x0A)
        case .fields: writeFields()
        case .tally: return count()
        case .json: writeJSON()
        case .csv: writeCSV()
        case .table, .status:
            if !records.append(line) {
                showRecords()
                _ = records.append(line)
            }
            return
        }
        output.take(text)
    }

    /// Adds up how many were taken, and says who was not.
    private mutating func count() {
        records.removeAll()
        _ = records.append(line)
        if let taken = records.number("added", in: 0..<line.count) {
            addedCount += taken
            refusedCount += records.number("refused", in: 0..<line.count) ?? 0
            return
        }
        text.append(isOfLines ? "impsctl: line " : "impsctl: row ")
        records.write("row", in: 0..<line.count, into: &text)
        text.append(", ")
        records.write("user", in: 0..<line.count, into: &text)
        text.append(": ")
        records.write("why", in: 0..<line.count, into: &text)
        text.append(0x0A)
        Terminal.printError(text.span)
    }

    /// Shows what was kept.
    private mutating func showRecords() {
        guard records.count > 0 else { return }
        if form == .status {
            var status = Status()
            status.write(records, width: width, into: &output)
        } else {
            table.write(records, into: &output)
        }
        records.removeAll()
    }

    // MARK: For people

    /// The fields in lines of 79 columns; what a record is about goes without its key.
    private mutating func writeFields() {
        var start = 0
        var column = 0
        var isFirst = true
        while start < line.count {
            let end = line.span.firstIndex(of: 0x20, from: start) ?? line.count
            let equals = line.span.firstIndex(of: 0x3D, from: start) ?? start
            let valueStart = isFirst && isSubject(line.span(start..<equals)) ? equals + 1 : start
            let count = end - valueStart
            if !isFirst {
                if column + count + 2 > 79 {
                    text.append("\n  ")
                    column = 2
                } else {
                    text.append("  ")
                    column += 2
                }
            }
            text.append(readable: line, valueStart..<end)
            column += count
            isFirst = false
            start = end + 1
        }
        text.append(0x0A)
    }

    private func isSubject(_ key: Span<UInt8>) -> Bool {
        key.equals("user") || key.equals("client") || key.equals("pool") || key.equals("record") || key.equals("level")
    }

    // MARK: For machines

    private mutating func writeJSON() {
        text.append(recordCount > 0 ? ",\n  {" : "\n  {")
        var start = 0
        while start < line.count {
            let end = line.span.firstIndex(of: 0x20, from: start) ?? line.count
            let equals = line.span.firstIndex(of: 0x3D, from: start) ?? end
            if start > 0 { text.append(", ") }
            text.append(0x22)
            text.append(copy: line, start..<equals)
            text.append("\": ")
            let value = min(end, equals + 1)..<end
            if Decimal.parse(line.span(value)) != nil {
                text.append(copy: line, value)
            } else {
                text.append(0x22)
                appendJSON(value)
                text.append(0x22)
            }
            start = end + 1
        }
        text.append("}")
    }

    /// A line of values between commas, below a line with the keys of the first record. Source: RFC 4180.
    private mutating func writeCSV() {
        if recordCount == 0 { writeCSV(values: false) }
        writeCSV(values: true)
    }

    private mutating func writeCSV(values: Bool) {
        var start = 0
        while start < line.count {
            let end = line.span.firstIndex(of: 0x20, from: start) ?? line.count
            let equals = line.span.firstIndex(of: 0x3D, from: start) ?? end
            if start > 0 { text.append(0x2C) }
            if values { appendCSV(min(end, equals + 1)..<end) } else { text.append(copy: line, start..<equals) }
            start = end + 1
        }
        text.append(0x0A)
    }

    /// A value, in quotes when it has what would end it.
    private mutating func appendCSV(_ range: Range<Int>) {
        var isQuoted = false
        for index in range where line[index] == 0x2C || line[index] == 0x22 || line[index] == 0x5C { isQuoted = true }
        guard isQuoted else {
            text.append(copy: line, range)
            return
        }
        text.append(0x22)
        var index = range.lowerBound
        while index < range.upperBound {
            let octet = unescaped(&index, before: range.upperBound)
            if octet == 0x22 { text.append(0x22) }
            text.append(octet)
        }
        text.append(0x22)
    }

    /// The octet that stands at a place of the line, which moves on.
    private func unescaped(_ index: inout Int, before end: Int) -> UInt8 {
        let octet = line[index]
        index += 1
        guard octet == 0x5C, index + 2 < end, let high = Hexadecimal.value(line[index + 1]),
            let low = Hexadecimal.value(line[index + 2])
        else { return octet }
        index += 3
        return high << 4 | low
    }

    private mutating func appendJSON(_ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            let octet = unescaped(&index, before: range.upperBound)
            if octet == 0x22 || octet == 0x5C {
                text.append(0x5C)
                text.append(octet)
            } else if octet < 0x20 || octet == 0x7F {
                text.append("\\u00")
                text.append(Hexadecimal.digit(octet >> 4))
                text.append(Hexadecimal.digit(octet))
            } else {
                text.append(octet)
            }
        }
    }
}
