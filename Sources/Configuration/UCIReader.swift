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
    /// A quoted word does not end in its line.
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

/// Reads a UCI file line by line.
public struct UCIReader: ~Escapable {
    private var cursor: Cursor
    private var hasSection = false

    /// The number of the line that was read last, from 1.
    public private(set) var line: UInt64 = 0

    /// The type of a section, the key of an option.
    public private(set) var word = InlineBytes<64>()
    /// The name of a section, the value of an option.
    public private(set) var value = InlineBytes<2100>()

    /// A reader before the first line of `text`.
    @_lifetime(copy text)
    public init(_ text: Span<UInt8>) {
        cursor = Cursor(text)
    }

    /// Reads the next line that says something; nil at the end.
    ///
    /// After an error the next call goes on with the next line.
    public mutating func next() throws(UCIError) -> UCIStatement? {
        while !cursor.isAtEnd {
            line += 1
            let text = cursor.take(while: { $0 != 0x0A })
            _ = cursor.next()
            var rest = Cursor(text.trimmed())
            guard let first = rest.peek, first != 0x23 else { continue }
            let statement = try readWord(&rest)
            if statement.span.equals("package") { continue }
            return try read(statement, &rest)
        }
        return nil
    }

    private mutating func read(
        _ statement: InlineBytes<2100>, _ rest: inout Cursor
    ) throws(UCIError) -> UCIStatement {
        let first = try readWord(&rest)
        guard let word = InlineBytes<64>(first.span) else { throw .wordTooLong }
        self.word = word
        if statement.span.equals("config") {
            guard word.count > 0 else { throw .wordMissing }
            value = try readWord(&rest)
            try finish(rest)
            hasSection = true
            return .section
        }
        let isOption = statement.span.equals("option")
        guard isOption || statement.span.equals("list") else { throw .unknownStatement }
        guard hasSection else { throw .optionOutsideSection }
        guard word.count > 0, !rest.isAtEnd else { throw .wordMissing }
        value = try readWord(&rest)
        try finish(rest)
        return isOption ? .option : .list
    }

    private func finish(_ rest: borrowing Cursor) throws(UCIError) {
        guard let next = rest.peek else { return }
        // What follows a value may be a comment.
        guard next == 0x23 else { throw .trailingWords }
    }

    /// One word: bare, in quotes, or a mixture; a backslash takes the next character as it is, outside single quotes.
    private func readWord(_ rest: inout Cursor) throws(UCIError) -> InlineBytes<2100> {
        var word = InlineBytes<2100>()
        var quote: UInt8?
        while let octet = rest.peek {
            if let open = quote {
                _ = rest.next()
                if octet == open {
                    quote = nil
                    continue
                }
                if octet == 0x5C, open == 0x22, let escaped = rest.next() {
                    guard word.append(escaped) else { throw .wordTooLong }
                    continue
                }
                guard word.append(octet) else { throw .wordTooLong }
                continue
            }
            if octet.isASCIIWhitespace { break }
            _ = rest.next()
            if octet == 0x22 || octet == 0x27 {
                quote = octet
            } else if octet == 0x5C, let escaped = rest.next() {
                guard word.append(escaped) else { throw .wordTooLong }
            } else {
                guard word.append(octet) else { throw .wordTooLong }
            }
        }
        guard quote == nil else { throw .quoteNotClosed }
        while let octet = rest.peek, octet.isASCIIWhitespace { _ = rest.next() }
        return word
    }
}
