import Octets
import Transport

/// A column of a table for people.
struct Column: BitwiseCopyable {
    enum Source: BitwiseCopyable {
        /// What a record says under a key.
        case key(StaticString)
        /// How a session is: what is out of the ordinary before its level.
        case sessionState
        /// Whom a message is for.
        case audience
        /// Whether a message has to be answered.
        case demand
        /// When the last thing happened with a message.
        case lastTime
        /// What somebody wrote that was no answer.
        case words
        /// The option that was chosen, and how it is known.
        case answer
    }

    var title: StaticString
    var source: Source
    /// Numbers stand at the right.
    var isNumber = false
    /// It is left out first where there is no room; 0 for what is always there.
    var rank: UInt8 = 0

    init(_ title: StaticString, _ source: Source, isNumber: Bool = false, rank: UInt8 = 0) {
        self.title = title
        self.source = source
        self.isNumber = isNumber
        self.rank = rank
    }

    init(_ title: StaticString, _ key: StaticString, isNumber: Bool = false, rank: UInt8 = 0) {
        self.init(title, .key(key), isNumber: isNumber, rank: rank)
    }
}

/// Records below each other, aligned, in the columns that the terminal has.
struct Table: ~Copyable {
    private var columns = InlineArray<10, Column>(repeating: Column("", ""))
    private var columnCount = 0
    private var widths = InlineArray<10, Int>(repeating: 0)
    private var hasHead = false
    private let width: Int
    private var cell = Memory.buffer(1024)
    private var line = Memory.buffer(4096)

    /// - Parameter width: Columns of the terminal.
    init(width: Int) {
        self.width = width
    }

    /// Takes the columns of a command's answer; false when it is none that makes a table.
    mutating func takeColumns(of options: borrowing Options) -> Bool {
        if options.word(0, is: "user"), options.word(1, is: "list") {
            add(Column("User", "user"))
            add(Column("Sessions", "sessions", isNumber: true))
            add(Column("Waiting", "waiting", isNumber: true))
            add(Column("Size", "waiting_bytes", isNumber: true, rank: 1))
            add(Column("Kind", "kind", rank: 3))
            add(Column("Since", "created", rank: 2))
        } else if options.word(0, is: "sessions") {
            add(Column("State", .sessionState))
            add(Column("User", "user"))
            add(Column("Version", "version", rank: 4))
            add(Column("Idle", "idle_s", isNumber: true))
            add(Column("Called", "call", rank: 2))
            add(Column("Confirms", "confirms", rank: 5))
            add(Column("Client", "agent", rank: 1))
        } else if options.word(0, is: "contacts"), options.word(1, is: "list") {
            add(Column("Owner", "owner", rank: 2))
            add(Column("List", "list"))
            add(Column("Contact", "user"))
            add(Column("Nickname", "nickname"))
            add(Column("Default", "default", rank: 1))
        } else if options.word(0, is: "presence") {
            add(Column("User", "user", rank: 1))
            add(Column("Attribute", "attribute"))
            add(Column("Valid", "valid", rank: 2))
            add(Column("Value", "value"))
        } else if options.word(0, is: "watchers") {
            add(Column("Watcher", "watcher"))
            add(Column("State", "state"))
            add(Column("May see", "attributes", isNumber: true, rank: 1))
        } else if options.word(0, is: "notifications") {
            add(Column("State", "state"))
            add(Column("User", "user"))
            add(Column("By", "by", rank: 2))
            add(Column("Why", "why", rank: 1))
            add(Column("Tries", "tries", isNumber: true, rank: 4))
            add(Column("Code", "code", isNumber: true, rank: 5))
            add(Column("Due", "due", rank: 3))
            add(Column("When", "at"))
        } else if options.word(0, is: "accounting") {
            addAccounting()
        } else if options.word(0, is: "sysmsg"), options.word(1, is: "list") {
            add(Column("Name", "name"))
            add(Column("State", "state"))
            add(Column("Kind", "kind", rank: 2))
            add(Column("Answer", .demand, rank: 1))
            add(Column("For", .audience, rank: 3))
            add(Column("Until", "until", rank: 4))
        } else if options.word(0, is: "sysmsg"), options.word(1, is: "results") {
            add(Column("State", "state"))
            add(Column("User", "user"))
            add(Column("Option", .answer, rank: 1))
            add(Column("Generation", "generation", isNumber: true, rank: 3))
            add(Column("When", .lastTime, rank: 2))
        } else if options.word(0, is: "sysmsg"), options.word(1, is: "journal") {
            add(Column("No", "n", isNumber: true))
            add(Column("When", "at", rank: 2))
            add(Column("Event", "event"))
            add(Column("User", "user"))
            add(Column("Option", .answer, rank: 1))
            add(Column("Client", "client", rank: 3))
            add(Column("Address", "ip", rank: 4))
            add(Column("Words", .words, rank: 5))
        } else {
            return false
        }
        return true
    }

    private mutating func addAccounting() {
        add(Column("User", "user"))
        add(Column("At", "upstream", rank: 2))
        add(Column("Began", "began", rank: 1))
        add(Column("Ended", "ended"))
        add(Column("Asked", "asked", rank: 4))
        add(Column("Level", "level", rank: 3))
        add(Column("Transactions", "transactions", isNumber: true))
        add(Column("End", "end", rank: 5))
    }

    private mutating func add(_ column: Column) {
        guard columnCount < columns.count else { return }
        columns[columnCount] = column
        columnCount += 1
    }

    /// Writes records; what comes later has the widths of the first ones.
    mutating func write(_ records: borrowing Records, into output: inout Output) {
        measure(records)
        if !hasHead {
            writeHead()
            hasHead = true
            output.take(line)
        }
        var record = records.next(after: -1)
        while let current = record {
            line.removeAll()
            for index in 0..<columnCount where widths[index] >= 0 {
                cell.removeAll()
                Table.write(columns[index].source, of: records, current, into: &cell)
                place(index)
            }
            end()
            output.take(line)
            record = records.next(after: current.upperBound)
        }
    }

    // MARK: Widths

    private mutating func measure(_ records: borrowing Records) {
        guard !hasHead else { return }
        for index in 0..<columnCount where widths[index] >= 0 {
            widths[index] = max(widths[index], columns[index].title.utf8CodeUnitCount)
            var record = records.next(after: -1)
            while let current = record {
                cell.removeAll()
                Table.write(columns[index].source, of: records, current, into: &cell)
                widths[index] = max(widths[index], Cells.columns(of: cell.span))
                record = records.next(after: current.upperBound)
            }
        }
        // What matters least goes where there is no room for all.
        while total > width, let last = leastOfAll { widths[last] = -1 }
        // Then the widest gives way, which is a name.
        while total > width, widths[widest] > 8 { widths[widest] -= 1 }
    }

    private var total: Int {
        var total = -2
        for index in 0..<columnCount where widths[index] >= 0 { total += widths[index] + 2 }
        return total
    }

    private var leastOfAll: Int? {
        var least: Int?
        for index in 0..<columnCount where widths[index] >= 0 && columns[index].rank > 0 {
            if least.map({ columns[index].rank > columns[$0].rank }) ?? true { least = index }
        }
        return least
    }

    // MARK: Lines

    private mutating func writeHead() {
        line.removeAll()
        for index in 0..<columnCount where widths[index] >= 0 {
            cell.removeAll()
            cell.append(columns[index].title)
            place(index)
        }
        end()
    }

    /// Adds the cell to the line, as much of it as there is room for.
    private mutating func place(_ index: Int) {
        shorten(to: widths[index])
        let room = max(0, widths[index] - Cells.columns(of: cell.span))
        if columns[index].isNumber { pad(room) }
        line.append(copy: cell, 0..<cell.count)
        pad(columns[index].isNumber ? 2 : room + 2)
    }

    private mutating func shorten(to width: Int) {
        guard Cells.columns(of: cell.span) > width else { return }
        var end = 0
        var column = 0
        while end < cell.count {
            let character = Cells.character(in: cell.span, at: end)
            guard column + character.columns < width else { break }
            column += character.columns
            end += character.byteCount
        }
        cell.truncate(to: end)
        cell.append("\u{2026}")
    }

    private var widest: Int {
        var widest = 0
        for index in 0..<columnCount where widths[index] > widths[widest] { widest = index }
        return widest
    }

    private mutating func pad(_ count: Int) {
        for _ in 0..<count { line.append(0x20) }
    }

    private mutating func end() {
        while line.count > 0, line[line.count - 1] == 0x20 { line.truncate(to: line.count - 1) }
        line.append(0x0A)
    }

    // MARK: Cells

    private static func write(
        _ source: Column.Source, of records: borrowing Records, _ record: Range<Int>, into cell: inout FixedBytes
    ) {
        switch source {
        case .key(let key): Quantity.write(key.octets, records.value(key, in: record), into: &cell)
        case .sessionState:
            if records.number("closing", in: record) ?? 0 > 0 {
                cell.append("ending")
            } else if records.number("asked", in: record) ?? 0 > 0 {
                cell.append("asked")
            } else {
                cell.append(readable: records.value("level", in: record))
            }
        case .audience:
            cell.append(readable: records.value("audience", in: record))
            guard !records.value("of", in: record).isEmpty else { return }
            cell.append(0x3A)
            cell.append(readable: records.value("of", in: record))
        case .demand:
            let isRequired = records.number("required", in: record) ?? 0 > 0
            let blocks = records.number("blocking", in: record) ?? 0 > 0
            cell.append(isRequired && blocks ? "blocks" : isRequired ? "required" : "optional")
        case .lastTime:
            let state = records.value("state", in: record)
            let key: StaticString =
                state.equals("answered") || state.equals("denied")
                ? "answered" : state.equals("shown") ? "shown" : "sent"
            Quantity.date(records.number(key, in: record) ?? 0, into: &cell)
        case .words:
            guard records.value("event", in: record).equals("not-understood") else { return }
            cell.append(readable: records.value("words", in: record))
        case .answer:
            let option = records.number("option", in: record) ?? 0
            guard option > 0 else { return cell.append("-") }
            cell.append(decimal: option)
            if records.number("verified", in: record) ?? 0 > 0 { cell.append(", verified") }
            if records.number("by_operator", in: record) ?? 0 > 0 { cell.append(", by operator") }
        }
    }
}
