import Files
import IMPSEngine
import Octets
import Setup
import Transport

/// The rows of a file, as words of an import: CSV with a heading that names the columns, an array of flat objects in JSON,
/// or lines of a name and a password.
///
/// - Source: RFC 4180, RFC 8259.
struct RowReader: ~Copyable {
    private enum Form {
        case list, csv, json
    }

    /// What ends a value.
    private enum End {
        case value, row, file
    }

    /// The columns that an import knows; what else a file has is left out.
    private static let columns: StaticString =
        "user password kind owner list display_name nickname msisdn first_name last_name email offline_sender_policy searchable notify push_url language"
    private var reader: LineReader
    private var form: Form
    private let kind: InlineBytes<32>
    /// An octet that was looked at.
    private var held: UInt8?
    /// The names of the columns, each behind a line feed, with one at the end.
    private var heading = Memory.buffer(1024)
    /// What is between values: a comma, or a semicolon as some spreadsheets have it; nil before the first one.
    private var separator: UInt8?
    private var value = InlineBytes<200>()
    /// The value is longer.
    private var isCut = false
    private var key = InlineBytes<64>()
    private var rowNumber: UInt64 = 0
    /// The array in JSON is at its end, or broken: nobody knows what would follow.
    private var isOver = false
    /// The file names a column that an import knows.
    private(set) var isReadable = false
    /// Rows that could not be read.
    private(set) var brokenCount: UInt64 = 0

    init(_ path: Span<UInt8>, isList: Bool, kind: InlineBytes<32>) throws(File.Failure) {
        reader = try LineReader(path)
        self.kind = kind
        form = isList ? .list : .csv
        isReadable = isList
        guard !isList else { return }
        skipWhiteSpace()
        // The mark with which some programs begin a file.
        while let octet = peek(), octet >= 0x80 { _ = take() }
        skipWhiteSpace()
        if peek() == UInt8(ascii: "[") {
            form = .json
            isReadable = true
            _ = take()
        } else {
            readHeading()
        }
    }

    /// Adds the next row to a command; false when there is none.
    mutating func next(into command: inout FixedBytes) -> Bool {
        while true {
            let mark = command.count
            var isBroken = false
            switch form {
            case .list: guard readLine(&isBroken, into: &command) else { return false }
            case .csv: guard readRecord(&isBroken, into: &command) else { return false }
            case .json: guard readObject(&isBroken, into: &command) else { return false }
            }
            if !isBroken, command.count > mark {
                command.field("row", rowNumber)
                command.append(" .")
                return true
            }
            command.truncate(to: mark)
            if isBroken { tellBroken() }
        }
    }

    // MARK: A name and a password

    private mutating func readLine(_ isBroken: inout Bool, into command: inout FixedBytes) -> Bool {
        guard let line = reader.next() else { return false }
        rowNumber = reader.lineNumber
        if line.isEmpty || line.span[0] == UInt8(ascii: "#") { return true }
        var end = 0
        while end < line.count, !line.span[end].isASCIIWhitespace { end += 1 }
        let password = line.span.extracting(end..<line.count).trimmed()
        isBroken = reader.isCut || password.count == 0
        append(.constant("user"), line.span.extracting(0..<end), to: &command)
        append(.constant("password"), password, to: &command)
        append(.constant("kind"), kind.span, to: &command)
        return true
    }

    /// Adds a value, when it is one of a column that an import knows.
    @inline(never)
    private func append(_ name: Span<UInt8>, _ value: Span<UInt8>, to command: inout FixedBytes) {
        guard value.count > 0, name.place(among: RowReader.columns) != nil else { return }
        command.field(name, value)
    }

    // MARK: CSV

    /// Reads the names of the columns.
    private mutating func readHeading() {
        var end = End.value
        while end == .value {
            end = readField()
            heading.append(0x0A)
            heading.append(value.span)
            if value.span.place(among: RowReader.columns) != nil { isReadable = true }
        }
        heading.append(0x0A)
    }

    private mutating func readRecord(_ isBroken: inout Bool, into command: inout FixedBytes) -> Bool {
        guard peek() != nil else { return false }
        rowNumber += 1
        var end = End.value
        var start = 1
        while end == .value {
            end = readField()
            if isCut { isBroken = true }
            guard let nameEnd = heading.span.firstIndex(of: 0x0A, from: start) else {
                // More values than columns.
                isBroken = isBroken || value.count > 0
                continue
            }
            append(heading.span(start..<nameEnd), value.span, to: &command)
            start = nameEnd + 1
        }
        return true
    }

    /// Reads a value, in quotes or not.
    private mutating func readField() -> End {
        clear()
        if peek() == UInt8(ascii: "\"") {
            _ = take()
            while true {
                guard let octet = take() else {
                    isCut = true
                    return .file
                }
                if octet == UInt8(ascii: "\"") {
                    guard peek() == octet else { break }
                    _ = take()
                }
                add(octet)
            }
        }
        while let octet = take() {
            if separator == nil, octet == UInt8(ascii: ",") || octet == UInt8(ascii: ";") { separator = octet }
            if octet == separator { return .value }
            if octet == 0x0A { return .row }
            if octet != 0x0D { add(octet) }
        }
        return .file
    }

    // MARK: JSON

    private mutating func readObject(_ isBroken: inout Bool, into command: inout FixedBytes) -> Bool {
        skip(UInt8(ascii: ","))
        guard !isOver else { return false }
        let octet = take()
        isOver = true
        if octet == UInt8(ascii: "]") { return false }
        rowNumber += 1
        isBroken = true
        guard octet == UInt8(ascii: "{") else { return true }
        skipWhiteSpace()
        while peek() != UInt8(ascii: "}") {
            guard readString() else { return true }
            key = InlineBytes(prefix: value.span)
            skipWhiteSpace()
            guard take() == UInt8(ascii: ":") else { return true }
            skipWhiteSpace()
            guard readValue() else { return true }
            if isCut { return true }
            let name = key
            append(name.span, value.span, to: &command)
            skip(UInt8(ascii: ","))
            guard peek() != nil else { return true }
        }
        _ = take()
        isBroken = false
        isOver = false
        return true
    }

    private mutating func readValue() -> Bool {
        if peek() == UInt8(ascii: "\"") { return readString() }
        clear()
        while let octet = peek(),
            octet.isASCIILetter || octet.isASCIIDigit || octet == 0x2B || octet == 0x2D || octet == 0x2E
        {
            add(octet)
            _ = take()
        }
        if value.span.equals("null") { clear() }
        return true
    }

    private mutating func readString() -> Bool {
        guard take() == UInt8(ascii: "\"") else { return false }
        clear()
        while let octet = take() {
            if octet == UInt8(ascii: "\"") { return true }
            guard octet == UInt8(ascii: "\\") else {
                add(octet)
                continue
            }
            guard readEscape() else { return false }
        }
        return false
    }

    private mutating func readEscape() -> Bool {
        guard let octet = take() else { return false }
        switch octet {
        case UInt8(ascii: "u"):
            guard var scalar = readHexadecimal() else { return false }
            if scalar & 0xF800 == 0xD800 {
                guard take() == UInt8(ascii: "\\"), take() == UInt8(ascii: "u"), let low = readHexadecimal(),
                    let whole = UTF8.scalar(high: scalar, low: low)
                else { return false }
                scalar = whole
            }
            if !value.append(scalar: scalar) { isCut = true }
        case UInt8(ascii: "n"): add(0x0A)
        case UInt8(ascii: "r"): add(0x0D)
        case UInt8(ascii: "t"): add(0x09)
        case UInt8(ascii: "b"), UInt8(ascii: "f"): add(0x20)
        default: add(octet)
        }
        return true
    }

    private mutating func readHexadecimal() -> UInt32? {
        var scalar: UInt32 = 0
        for _ in 0..<4 {
            guard let octet = take(), let digit = Hexadecimal.value(octet) else { return nil }
            scalar = scalar << 4 | UInt32(digit)
        }
        return scalar
    }

    // MARK: Octets

    private mutating func clear() {
        value = InlineBytes()
        isCut = false
    }

    private mutating func add(_ octet: UInt8) {
        if !value.append(octet) { isCut = true }
    }

    @inline(never)
    private mutating func take() -> UInt8? {
        guard let octet = held else { return reader.nextOctet() }
        held = nil
        return octet
    }

    @inline(never)
    private mutating func peek() -> UInt8? {
        if held == nil { held = reader.nextOctet() }
        return held
    }

    private mutating func skipWhiteSpace() {
        while let octet = peek(), octet.isASCIIWhitespace { _ = take() }
    }

    /// White space, and the octet when it is there, and white space behind it.
    private mutating func skip(_ octet: UInt8) {
        skipWhiteSpace()
        guard peek() == octet else { return }
        _ = take()
        skipWhiteSpace()
    }

    private mutating func tellBroken() {
        brokenCount += 1
        var text = Memory.buffer(160)
        text.append(form == .list ? "impsctl: line " : "impsctl: row ")
        text.append(decimal: rowNumber)
        switch form {
        case .list: text.append(": expected a name and a password\n")
        case .csv: text.append(": more values than columns, or one of more than 200 octets, or open quotes\n")
        case .json: text.append(": expected an object of texts of at most 200 octets; what follows is left out\n")
        }
        Terminal.printError(text.span)
    }
}
