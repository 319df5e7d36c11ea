import Files
import IMPSEngine
import Octets
import Transport

/// Shows the answer of the engine: for people, or as JSON for machines.
struct Printer: ~Copyable {
    private let isJSON: Bool
    private let isCSV: Bool
    private let isRaw: Bool
    private let descriptor: Int32
    private var isLost = false
    /// The line that is coming in.
    private var line = Memory.buffer(16_384)
    private var output = Memory.buffer(65_536)
    private var recordCount = 0
    private var code = ExitCode.inputOutput

    /// - Parameter descriptor: Where the output goes.
    init(_ options: borrowing Options, to descriptor: Int32) {
        self.descriptor = descriptor
        isJSON = options.isJSON
        isCSV = options.isCSV
        isRaw = options.word(0, is: "dump")
        if isJSON, !isRaw { output.append("[") }
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
        flush()
    }

    /// Ends the output and says how the command went.
    mutating func finish() -> ExitCode {
        if isJSON, !isRaw { output.append(recordCount > 0 ? "\n]\n" : "]\n") }
        flush()
        if isLost {
            Terminal.printError("impsctl: the output cannot be written\n")
            return .inputOutput
        }
        if code == .inputOutput { Terminal.printError("impsctl: the answer is cut off\n") }
        return code
    }

    private mutating func flush() {
        do throws(File.Failure) {
            try File.write(descriptor, output.span)
        } catch {
            isLost = true
        }
        output.removeAll()
    }

    private mutating func endLine() {
        if output.freeCapacity < 40_000 { flush() }
        if line.span.equals("ok") {
            code = .success
        } else if line.span.starts(with: "error ") {
            code = .failure
            Terminal.printError("impsctl: ")
            Terminal.printError(line.span.extracting(6..<line.count))
            Terminal.printError("\n")
        } else if isRaw {
            output.append(copy: line, 0..<line.count)
            output.append(0x0A)
        } else {
            if isJSON {
                writeJSON()
            } else if isCSV {
                writeCSV()
            } else {
                writeText()
            }
            recordCount += 1
        }
        line.removeAll()
    }

    // MARK: For people

    /// The fields in lines of 79 columns; what a record is about goes without its key.
    private mutating func writeText() {
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
                    output.append("\n  ")
                    column = 2
                } else {
                    output.append("  ")
                    column += 2
                }
            }
            appendUnescaped(valueStart..<end)
            column += count
            isFirst = false
            start = end + 1
        }
        output.append(0x0A)
    }

    private func isSubject(_ key: Span<UInt8>) -> Bool {
        key.equals("user") || key.equals("client") || key.equals("pool") || key.equals("record") || key.equals("level")
    }

    private mutating func appendUnescaped(_ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            var octet = line[index]
            var length = 1
            if octet == 0x5C, index + 3 < range.upperBound, let high = Hexadecimal.value(line[index + 2]),
                let low = Hexadecimal.value(line[index + 3])
            {
                octet = high << 4 | low
                length = 4
            }
            // Control characters stay as they were escaped: they may not reach the terminal.
            if octet >= 0x20, octet != 0x7F {
                output.append(octet)
            } else {
                output.append(copy: line, index..<index + length)
            }
            index += length
        }
    }

    // MARK: For machines

    private mutating func writeJSON() {
        output.append(recordCount > 0 ? ",\n  {" : "\n  {")
        var start = 0
        while start < line.count {
            let end = line.span.firstIndex(of: 0x20, from: start) ?? line.count
            let equals = line.span.firstIndex(of: 0x3D, from: start) ?? end
            if start > 0 { output.append(", ") }
            output.append(0x22)
            output.append(copy: line, start..<equals)
            output.append("\": ")
            let value = min(end, equals + 1)..<end
            if Decimal.parse(line.span(value)) != nil {
                output.append(copy: line, value)
            } else {
                output.append(0x22)
                appendJSON(value)
                output.append(0x22)
            }
            start = end + 1
        }
        output.append("}")
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
            if start > 0 { output.append(0x2C) }
            if values { appendCSV(min(end, equals + 1)..<end) } else { output.append(copy: line, start..<equals) }
            start = end + 1
        }
        output.append(0x0A)
    }

    /// A value, in quotes when it has what would end it.
    private mutating func appendCSV(_ range: Range<Int>) {
        var isQuoted = false
        for index in range where line[index] == 0x2C || line[index] == 0x22 || line[index] == 0x5C { isQuoted = true }
        guard isQuoted else {
            output.append(copy: line, range)
            return
        }
        output.append(0x22)
        var index = range.lowerBound
        while index < range.upperBound {
            let octet = unescaped(&index, before: range.upperBound)
            if octet == 0x22 { output.append(0x22) }
            output.append(octet)
        }
        output.append(0x22)
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
                output.append(0x5C)
                output.append(octet)
            } else if octet < 0x20 || octet == 0x7F {
                output.append("\\u00")
                output.append(Hexadecimal.digit(octet >> 4))
                output.append(Hexadecimal.digit(octet))
            } else {
                output.append(octet)
            }
        }
    }
}
