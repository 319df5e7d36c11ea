import Octets

/// A line of a file in the syntax of OpenWrt's UCI.
public enum UCIStatement: Sendable {
    /// `config type 'name'`; the name may be missing.
    case section
    /// `option key 'value'`.
    case option
    /// `list key 'value'`.
    case list
}

/// Why a line cannot be read.
public enum UCIError: Error {
    /// A line begins with something else than `config`, `option`, `list` or `package`.
    case unknownStatement
    /// A word is missing.
    case wordMissing
    /// A quoted word does not end.
    case quoteNotClosed
    /// Something follows the last word.
    case trailingWords
    /// A word is longer than 2100 octets.
    case wordTooLong
    /// An option stands before the first section.
    case optionOutsideSection
}

extension UCIError {
    /// What is wrong and what would be right.
    public var explanation: StaticString {
        switch self {
        case .unknownStatement: return "expected config, option or list"
        case .wordMissing: return "a word is missing: option key 'value'"
        case .quoteNotClosed: return "a quote is not closed"
        case .trailingWords: return "too many words; put a value with spaces into quotes"
        case .wordTooLong: return "a word is longer than 2100 octets"
        case .optionOutsideSection: return "an option needs a section before it: config imps 'main'"
        }
    }
}

/// Reads a file as OpenWrt's `uci` does.
///
/// Words are bare, in quotes, or a mixture. A value in quotes may go on over several lines; a backslash takes the next
/// octet as it is, outside single quotes, and at the end of a line joins it with the next one; `;` ends a statement; what
/// follows a bare `#`, also inside a word, is a comment; an option without a value, or with an empty one, is not set.
public struct UCIReader: ~Escapable {
    private var cursor: Cursor
    private var hasSection = false
    private var currentLine: UInt64 = 1

    /// The number of the line in which the last statement began, from 1.
    public private(set) var line: UInt64 = 1

    /// The type of a section, the key of an option.
    public private(set) var word = InlineBytes<64>()
    /// The name of a section, the value of an option.
    public private(set) var value = InlineBytes<2100>()

    /// A reader before the first line of `text`.
    @_lifetime(copy text)
    public init(_ text: Span<UInt8>) {
        cursor = Cursor(text)
    }

    /// Reads the next statement that says something; nil at the end.
    ///
    /// After an error the next call goes on with the next line.
    public mutating func next() throws(UCIError) -> UCIStatement? {
        while true {
            skipSpace(andLines: true)
            guard let first = cursor.peek else { return nil }
            line = currentLine
            if first == 0x23 {
                skipLine()
                continue
            }
            let statement = cursor.take(while: { !$0.isASCIIWhitespace })
            do throws(UCIError) {
                if statement.equals("package") || statement.equals("p") {
                    _ = try readWord()
                    try finish()
                } else if let statement = try read(statement) {
                    return statement
                }
            } catch {
                skipLine()
                throw error
            }
        }
    }

    /// nil for an option that says nothing.
    private mutating func read(_ statement: Span<UInt8>) throws(UCIError) -> UCIStatement? {
        let isSection = statement.equals("config") || statement.equals("c")
        let isOption = statement.equals("option") || statement.equals("o")
        guard isSection || isOption || statement.equals("list") || statement.equals("l") else {
            throw .unknownStatement
        }
        guard isSection || hasSection else { throw .optionOutsideSection }
        let first = try readWord()
        guard let word = InlineBytes<64>(first.span) else { throw .wordTooLong }
        guard word.count > 0 else { throw .wordMissing }
        self.word = word
        value = try readWord()
        try finish()
        if isSection {
            hasSection = true
            return .section
        }
        if isOption { return value.isEmpty ? nil : .option }
        return .list
    }

    /// Nothing but the end of the statement may follow.
    private mutating func finish() throws(UCIError) {
        let rest = try readWord()
        guard rest.isEmpty else { throw .trailingWords }
    }

    private mutating func skipSpace(andLines skipsLines: Bool = false) {
        while let octet = cursor.peek, octet == 0x0A ? skipsLines : octet.isASCIIWhitespace || octet &- 0x0B < 2 {
            if octet == 0x0A { currentLine += 1 }
            _ = cursor.next()
        }
    }

    private mutating func skipLine() {
        _ = cursor.take(while: { $0 != 0x0A })
    }

    /// The next word of the statement; empty at its end.
    private mutating func readWord() throws(UCIError) -> InlineBytes<2100> {
        var word = InlineBytes<2100>()
        skipSpace()
        if cursor.skip(0x3B) { return word }
        repeat {
            guard let octet = cursor.peek, octet != 0x0A, octet != 0x3B else { break }
            if octet == 0x23 {
                skipLine()
                break
            }
            _ = cursor.next()
            if octet == 0x22 || octet == 0x27 {
                try readQuoted(octet, into: &word)
            } else if octet != 0x5C {
                guard word.append(octet) else { throw .wordTooLong }
            } else if let escaped = nextEscaped() {
                guard word.append(escaped) else { throw .wordTooLong }
            }
        } while cursor.peek.map { !$0.isASCIIWhitespace } ?? false
        return word
    }

    private mutating func readQuoted(_ quote: UInt8, into word: inout InlineBytes<2100>) throws(UCIError) {
        while let octet = cursor.next() {
            if octet == quote { return }
            if octet == 0x5C, quote == 0x22 {
                if let escaped = nextEscaped(), !word.append(escaped) { throw .wordTooLong }
                continue
            }
            if octet == 0x0A { currentLine += 1 }
            guard word.append(octet) else { throw .wordTooLong }
        }
        throw .quoteNotClosed
    }

    /// What follows a backslash; nil for the end of a line, which is left out.
    private mutating func nextEscaped() -> UInt8? {
        guard cursor.peek == 0x0A || cursor.rest.starts(with: "\r\n") else { return cursor.next() }
        _ = cursor.skip(0x0D)
        _ = cursor.next()
        currentLine += 1
        return nil
    }
}
