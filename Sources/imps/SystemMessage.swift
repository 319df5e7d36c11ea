import CLibC
import CSP
import Octets
import Transport
import Wire

/// A System Message that may or has to be answered. Source: protocol/system-message.md §3.2.
struct Question: BitwiseCopyable {
    var id = InlineBytes<48>()
    var isRequired = false
    /// A key that came by another way has to go with the answer.
    var needsKey = false
    var options = InlineArray<16, UInt16>(repeating: 0)
    var optionCount = 0

    /// What the operator calls the message: what stands before the first point.
    func isNamed(_ name: Span<UInt8>) -> Bool {
        let end = id.span.firstIndex(of: 0x2E) ?? id.count
        return id.span.extracting(0..<end).equals(name)
    }

    /// The option with an identifier.
    func option(_ word: Span<UInt8>) -> UInt16? {
        guard let number = Decimal.parse(word.trimmed()) else { return nil }
        for index in 0..<optionCount where UInt64(options[index]) == number { return options[index] }
        return nil
    }

    /// `1, 2 or 3`
    func writeChoices(into text: inout FixedBytes) {
        for index in 0..<optionCount {
            if index > 0 { text.append(index + 1 == optionCount ? " or " : ", ") }
            text.append(decimal: UInt64(options[index]))
        }
    }
}

/// What to answer to a message.
struct Answer: BitwiseCopyable {
    var id = InlineBytes<48>()
    var option: UInt16 = 0
    var key = InlineBytes<16>()
}

/// The answers that go with one request.
struct Answers: BitwiseCopyable {
    private var items = InlineArray<16, Answer>(repeating: Answer())
    private(set) var count = 0

    subscript(index: Int) -> Answer { items[index] }

    mutating func append(_ answer: Answer) {
        guard count < items.count else { return }
        items[count] = answer
        count += 1
    }
}

extension Session {
    /// The SystemMessage elements of the answer or server transaction in the document, one after the other.
    var firstSystemMessage: Document.Element? {
        guard let primitive, let list = document.first(.systemMessageList, in: primitive) else { return nil }
        return document.first(.systemMessage, in: list)
    }

    /// What a SystemMessage asks; nil without an identifier.
    func question(_ element: Document.Element) -> Question? {
        guard let id = document.word(.systemMessageID, in: element), let copy = InlineBytes<48>(id) else { return nil }
        var question = Question()
        question.id = copy
        question.isRequired = document.flag(.requiresResponse, in: element) ?? false
        question.needsKey = document.first(.verificationMechanism, in: element) != nil
        var next = document.first(.answerOptions, in: element).flatMap { document.first(.answerOption, in: $0) }
        while let option = next, question.optionCount < question.options.count {
            next = document.next(after: option)
            guard let number = document.integer(.answerOptionID, in: option), number <= UInt64(UInt16.max) else {
                continue
            }
            question.options[question.optionCount] = UInt16(number)
            question.optionCount += 1
        }
        return question
    }

    /// Adds a SystemMessage as people read it: the text in lines that fit the terminal, then the options.
    func write(_ element: Document.Element, columns: Int, into text: inout FixedBytes) {
        if let body = document.first(.systemMessageText, in: element) {
            text.append(wrapped: document.text(of: body), columns: columns, indent: "   ")
        }
        if let mechanism = document.word(.verificationMechanism, in: element) {
            text.append("\n   (the answer needs the key that came by ")
            text.append(printable: mechanism, lineBreak: " ")
            text.append(")")
        }
        if let leadIn = document.first(.answerOptionsText, in: element) {
            text.append("\n   ")
            text.append(wrapped: document.text(of: leadIn), columns: columns, indent: "   ")
        }
        var next = document.first(.answerOptions, in: element).flatMap { document.first(.answerOption, in: $0) }
        while let option = next {
            next = document.next(after: option)
            text.append("\n     ")
            text.append(decimal: document.integer(.answerOptionID, in: option) ?? 0)
            text.append("  ")
            if let words = document.first(.answerOptionText, in: option) {
                text.append(wrapped: document.text(of: words), columns: columns, indent: "        ")
            }
        }
    }

    /// Seconds after which a login that was denied may be tried again; nil when the server does not say.
    var tryAgainSeconds: UInt64? {
        guard let primitive else { return nil }
        return document.integer(.tryAgainTimeout, in: primitive)
    }
}

extension FixedBytes {
    /// Adds words in lines of at most `columns` characters; all but the first line begin with `indent`.
    mutating func append(wrapped words: Span<UInt8>, columns: Int, indent: StaticString) {
        var column = indent.utf8CodeUnitCount
        var start = 0
        var isFirst = true
        while start < words.count {
            if words[start] == 0x0A {
                append("\n")
                append(indent)
                column = indent.utf8CodeUnitCount
                isFirst = true
                start += 1
                continue
            }
            if words[start].isASCIIWhitespace {
                start += 1
                continue
            }
            var end = start
            var width = 0
            while end < words.count, !words[end].isASCIIWhitespace {
                if words[end] & 0xC0 != 0x80 { width += 1 }
                end += 1
            }
            if !isFirst {
                if column + width + 1 > columns {
                    append("\n")
                    append(indent)
                    column = indent.utf8CodeUnitCount
                } else {
                    append(0x20)
                    column += 1
                }
            }
            append(printable: words.extracting(start..<end), lineBreak: " ")
            column += width
            isFirst = false
            start = end
        }
    }
}

// MARK: - Choosing

extension Options {
    /// What the command line says about a message; nil when it says nothing.
    func preset(_ question: Question) -> Answer? {
        for index in 0..<presetCount where question.isNamed(presets[index].name.span) {
            return Answer(id: question.id, option: presets[index].option, key: presets[index].key)
        }
        guard question.optionCount > 0 else { return nil }
        switch systemMessages {
        case .accept: return Answer(id: question.id, option: question.options[0])
        case .decline: return Answer(id: question.id, option: question.options[question.optionCount - 1])
        case .ask, .fail: return nil
        }
    }
}

/// Asks on the terminal; nil when there is nobody to ask, or no answer.
func ask(_ question: Question) -> Answer? {
    guard isatty(0) != 0, question.optionCount > 0 else { return nil }
    var line = Memory.buffer(256)
    while true {
        line.removeAll()
        line.append("Your choice (")
        question.writeChoices(into: &line)
        line.append(question.isRequired ? "): " : "; return for none): ")
        Terminal.print(line.span)
        guard let word: InlineBytes<64> = Terminal.readLine() else { return nil }
        if word.span.trimmed().count == 0, !question.isRequired { return nil }
        guard let option = question.option(word.span) else { continue }
        var answer = Answer(id: question.id, option: option)
        if question.needsKey {
            Terminal.print("Key: ")
            guard let key: InlineBytes<16> = Terminal.readLine() else { return nil }
            answer.key = key
        }
        return answer
    }
}
