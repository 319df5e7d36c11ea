import CLibC
import Octets
import Transport

/// The line that the user types: with editing on a terminal, line by line from anything else.
///
/// It takes one row of the terminal, whose text moves sideways, so that what arrives meanwhile is printed above it.
struct LineEditor: ~Copyable {
    enum Event {
        case none
        /// A line is complete in `line`.
        case line
        /// The word before the cursor is to be completed.
        case tab
        /// The user or the input has come to an end.
        case end
    }

    /// What was typed so far, UTF-8.
    private(set) var line = Memory.buffer(4000)
    let isTerminal: Bool
    /// Octets of the line before the cursor.
    private var cursor = 0
    /// Octets of the line to the left of what is shown.
    private var left = 0
    private var keys = KeyReader()
    private var history = History()
    private var output = Memory.buffer(65_536)

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
            let event = isTerminal ? perform(keys.take(octet)) : takePlain(octet)
            if case .none = event { continue }
            return event
        }
        return .none
    }

    private mutating func takePlain(_ octet: UInt8) -> Event {
        if octet == 0x0A { return .line }
        if octet >= 0x20 || octet == 0x09 { line.append(octet) }
        return .none
    }

    private mutating func perform(_ key: Key) -> Event {
        switch key {
        case .none: break
        case .text(let character): insert(character.span)
        case .enter: return .line
        case .tab: return .tab
        case .interrupt: return .end
        case .deleteOrEnd:
            if line.count == 0 { return .end }
            remove(cursor..<next(cursor))
        case .left: cursor = previous(cursor)
        case .right: cursor = next(cursor)
        case .wordLeft: cursor = wordStart(cursor)
        case .wordRight: cursor = wordEnd(cursor)
        case .home: cursor = 0
        case .end: cursor = line.count
        case .up: show(history.older(than: line))
        case .down: show(history.newer())
        case .backspace: remove(previous(cursor)..<cursor)
        case .delete: remove(cursor..<next(cursor))
        case .removeWord: remove(wordStart(cursor)..<cursor)
        case .removeToStart: remove(0..<cursor)
        case .removeToEnd: remove(cursor..<line.count)
        case .redraw: Terminal.print("\u{1B}[H\u{1B}[2J")
        }
        return .none
    }

    // MARK: The text

    /// Puts text where the cursor is, unless there is no room for all of it.
    private mutating func insert(_ text: Span<UInt8>) {
        guard line.freeCapacity >= text.count else { return }
        let rest = line.count - cursor
        line.append(text)
        output.removeAll()
        output.append(copy: line, cursor..<cursor + rest)
        line.truncate(to: cursor)
        line.append(text)
        line.append(copy: output, 0..<rest)
        cursor += text.count
    }

    private mutating func remove(_ range: Range<Int>) {
        output.removeAll()
        output.append(copy: line, range.upperBound..<line.count)
        line.truncate(to: range.lowerBound)
        line.append(copy: output, 0..<output.count)
        cursor = range.lowerBound
    }

    private mutating func show(_ text: InlineBytes<1000>?) {
        guard let text else { return }
        line.removeAll()
        line.append(text.span)
        cursor = line.count
    }

    /// Where the character after a place ends.
    private func next(_ place: Int) -> Int {
        place < line.count ? place + Cells.character(in: line.span, at: place).byteCount : place
    }

    /// Where the character before a place begins.
    private func previous(_ place: Int) -> Int {
        var start = 0
        var end = 0
        while end < place {
            start = end
            end = next(end)
        }
        return start
    }

    private func wordStart(_ place: Int) -> Int {
        var start = place
        while start > 0, line[start - 1] == 0x20 { start -= 1 }
        while start > 0, line[start - 1] != 0x20 { start -= 1 }
        return start
    }

    private func wordEnd(_ place: Int) -> Int {
        var end = place
        while end < line.count, line[end] == 0x20 { end += 1 }
        while end < line.count, line[end] != 0x20 { end += 1 }
        return end
    }

    /// Forgets the line.
    mutating func clear() {
        line.removeAll()
        cursor = 0
        history.leave()
    }

    /// Keeps the line for the keys up and down.
    mutating func remember() {
        if isTerminal { history.add(line) }
    }

    // MARK: Completion

    /// The word before the cursor, and whether it is the first of the line.
    var wordToComplete: (word: InlineBytes<120>, isFirst: Bool) {
        let start = wordStart(cursor)
        let isInWord = start < cursor && line[cursor - 1] != 0x20
        let word = isInWord ? InlineBytes<120>(line.span(start..<cursor)) ?? InlineBytes() : InlineBytes()
        return (word, isInWord ? start == 0 : cursor == 0)
    }

    /// Completes the word before the cursor to what all words that begin so have in common, or lists them.
    ///
    /// - Parameters:
    ///   - words: Those that may be meant, a space after each.
    ///   - list: Takes what is listed.
    mutating func complete(from words: borrowing FixedBytes, listing list: inout FixedBytes) {
        let word = wordToComplete.word
        var common = InlineBytes<120>()
        var count = 0
        list.removeAll()
        var start = 0
        while start < words.count {
            let end = words.span.firstIndex(of: 0x20, from: start) ?? words.count
            let candidate = words.span(start..<end)
            start = end + 1
            guard candidate.count > word.count,
                candidate.extracting(0..<word.count).equalsIgnoringCase(word.span)
            else { continue }
            count += 1
            if list.count > 0 { list.append("  ") }
            list.append(candidate)
            common = count == 1 ? InlineBytes(prefix: candidate) : LineEditor.common(common, candidate)
        }
        guard count > 0 else { return Terminal.print("\u{7}") }
        if common.count > word.count {
            remove(cursor - word.count..<cursor)
            insert(common.span)
        } else if count > 1 {
            print(list)
        }
        if count == 1 { insert(.constant(" ")) }
    }

    private static func common(_ first: InlineBytes<120>, _ second: Span<UInt8>) -> InlineBytes<120> {
        var count = 0
        while count < min(first.count, second.count), first.span[count] == second[count] { count += 1 }
        return InlineBytes(prefix: second.extracting(0..<count))
    }

    // MARK: The terminal

    /// Columns of the terminal.
    var columns: Int { max(20, Int(libc_columns(1))) }

    /// Prints lines above the one that is being typed, broken between words.
    ///
    /// - Parameter indent: Where a line that was broken goes on.
    mutating func print(_ text: borrowing FixedBytes, indent: Int = 3) {
        guard isTerminal else {
            Terminal.print(text.span)
            Terminal.print("\n")
            return
        }
        output.removeAll()
        output.append("\r\u{1B}[K")
        wrap(text, indent)
        output.append("\n")
        Terminal.print(output.span)
    }

    private mutating func wrap(_ text: borrowing FixedBytes, _ indent: Int) {
        var column = 0
        var index = 0
        while index < text.count {
            // A word with the spaces before it, up to the end of its line.
            var end = index
            var width = 0
            while end < text.count, text[end] == 0x20 {
                end += 1
                width += 1
            }
            let start = end
            while end < text.count, text[end] != 0x20, text[end] != 0x0A {
                let character = Cells.character(in: text.span, at: end)
                end += character.byteCount
                width += character.columns
            }
            if column + width > columns, column > indent, end > start {
                output.append("\n")
                for _ in 0..<indent { output.append(0x20) }
                output.append(copy: text, start..<end)
                column = indent + width - (start - index)
            } else {
                output.append(copy: text, index..<end)
                column += width
            }
            if end < text.count, text[end] == 0x0A {
                output.append(0x0A)
                column = 0
                end += 1
            }
            index = end
        }
    }

    /// Shows the prompt, and behind it the part of the line in which the cursor is.
    mutating func draw(prompt: Span<UInt8>) {
        guard isTerminal else { return }
        let promptColumns = Cells.columns(of: prompt)
        // The last column stays empty: there a terminal would go on in the next row.
        let room = max(8, columns - promptColumns - 1)
        left = min(left, cursor)
        // A character may be gone that began here.
        left = previous(next(left))
        while Cells.columns(of: line.span(left..<cursor)) > room { left = next(left) }
        while left > 0, Cells.columns(of: line.span(previous(left)..<line.count)) <= room { left = previous(left) }
        output.removeAll()
        output.append("\r\u{1B}[K")
        output.append(prompt)
        var end = left
        var column = 0
        while end < line.count {
            let character = Cells.character(in: line.span, at: end)
            guard column + character.columns <= room else { break }
            column += character.columns
            end += character.byteCount
        }
        output.append(copy: line, left..<end)
        output.append("\r")
        let place = promptColumns + Cells.columns(of: line.span(left..<cursor))
        if place > 0 {
            output.append("\u{1B}[")
            output.append(decimal: UInt64(place))
            output.append("C")
        }
        Terminal.print(output.span)
    }
}
