import Octets

/// What a template stands for in one notification.
struct NotificationFacts {
    /// What this notification is known by, however often it is tried.
    var id = InlineBytes<24>()
    /// The oldest message that waits: its MessageID.
    var message = InlineBytes<24>()
    /// Who it is for, and his number; empty without one.
    var user = InlineBytes<100>()
    var number = InlineBytes<100>()
    /// Where he is told by UnifiedPush and the like; empty for no place of his own.
    var pushURL = InlineBytes<200>()
    /// Who wrote it.
    var sender = InlineBytes<100>()
    /// How many wait.
    var count: UInt64 = 0
    var link = InlineBytes<480>()
    var text = InlineBytes<480>()
    /// Seconds since 1970; 0 for an unknown time.
    var time: UInt64 = 0
}

/// Texts in which `%sender` and the like stand for what they name.
enum Template {
    /// The words, known by their first letters.
    private static func word(_ letter: UInt8) -> StaticString? {
        switch letter {
        case UInt8(ascii: "s"): return "sender"
        case UInt8(ascii: "u"): return "user"
        case UInt8(ascii: "c"): return "count"
        case UInt8(ascii: "l"): return "link"
        case UInt8(ascii: "n"): return "number"
        case UInt8(ascii: "m"): return "message"
        default: return nil
        }
    }

    /// The letter of the word behind a percent sign at `index`; nil when none of them stands there.
    private static func letter(in text: Span<UInt8>, at index: Int) -> UInt8? {
        guard index + 1 < text.count, let word = word(text[index + 1]),
            text.extracting(index + 1..<text.count).starts(with: word)
        else { return nil }
        return text[index + 1]
    }

    /// Whether a text has a word.
    static func uses(_ letter: UInt8, _ text: Span<UInt8>) -> Bool {
        for index in text.indices where text[index] == UInt8(ascii: "%") && self.letter(in: text, at: index) == letter {
            return true
        }
        return false
    }

    /// Whether a text has only words of which the letters are allowed; `%%` is a percent sign, and so is one before two
    /// hexadecimal digits, as in addresses.
    static func isValid(_ text: Span<UInt8>, _ letters: StaticString) -> Bool {
        var index = 0
        while index < text.count {
            defer { index += 1 }
            guard text[index] == UInt8(ascii: "%") else { continue }
            if index + 1 < text.count, text[index + 1] == UInt8(ascii: "%") {
                index += 1
            } else if let letter = letter(in: text, at: index) {
                guard letters.octets.firstIndex(of: letter) != nil else { return false }
            } else if !isEscape(text, index) {
                return false
            }
        }
        return true
    }

    private static func isEscape(_ text: Span<UInt8>, _ index: Int) -> Bool {
        index + 2 < text.count && Hexadecimal.value(text[index + 1]) != nil && Hexadecimal.value(text[index + 2]) != nil
    }

    /// A text with everything filled in.
    ///
    /// - Parameter isURL: What is filled in is escaped for an address, and a percent sign stays as it is.
    /// - Returns: as much as there is room for, up to a whole character.
    static func fill(
        _ text: Span<UInt8>, with facts: borrowing NotificationFacts, isURL: Bool = false
    ) -> InlineBytes<480> {
        var result = InlineBytes<480>()
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "%") else {
                _ = result.append(text[index])
                index += 1
                continue
            }
            if let letter = letter(in: text, at: index), let word = word(letter) {
                fill(letter, with: facts, isURL, into: &result)
                index += 1 + word.utf8CodeUnitCount
            } else {
                _ = result.append(text[index])
                index += !isURL && index + 1 < text.count && text[index + 1] == UInt8(ascii: "%") ? 2 : 1
            }
        }
        let count = UTF8.prefixByteCount(of: result.span.trimmed(), most: 480)
        return InlineBytes(result.span.trimmed().extracting(0..<count)) ?? InlineBytes()
    }

    private static func fill(
        _ letter: UInt8, with facts: borrowing NotificationFacts, _ isURL: Bool, into result: inout InlineBytes<480>
    ) {
        let count = Decimal.digits(of: facts.count)
        switch letter {
        case UInt8(ascii: "s"): add(facts.sender.span, isURL: isURL, to: &result)
        case UInt8(ascii: "u"): add(facts.user.span, isURL: isURL, to: &result)
        case UInt8(ascii: "n"): add(facts.number.span, isURL: isURL, to: &result)
        case UInt8(ascii: "m"): add(facts.message.span, isURL: isURL, to: &result)
        case UInt8(ascii: "l"): add(facts.link.span, isURL: isURL, to: &result)
        default: add(count.span, isURL: isURL, to: &result)
        }
    }

    /// Adds what fills a word in; for an address it is escaped.
    @inline(never)
    static func add(_ octets: Span<UInt8>, isURL: Bool, to result: inout InlineBytes<480>) {
        for index in octets.indices {
            if !isURL || octets[index].isUnreserved {
                _ = result.append(octets[index])
            } else {
                let escape = octets[index].percentEscape
                _ = result.append(escape.span)
            }
        }
    }
}

extension UInt8 {
    /// Whether it stands for itself in every part of an address. Source: RFC 3986 §2.3.
    var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x2D, 0x2E, 0x5F, 0x7E:
            return true
        default: return false
        }
    }

    /// The octet as addresses have what does not stand for itself.
    var percentEscape: InlineBytes<3> {
        let digits: StaticString = "0123456789ABCDEF"
        var escape = InlineBytes<3>()
        _ = escape.append(UInt8(ascii: "%"))
        _ = escape.append(digits.octets[Int(self >> 4)])
        _ = escape.append(digits.octets[Int(self & 15)])
        return escape
    }
}

extension FixedBytes {
    /// Adds `key=value` of a query, the value escaped.
    mutating func parameter(_ key: StaticString, _ value: Span<UInt8>) {
        append(key)
        append(0x3D)
        for index in value.indices {
            if value[index].isUnreserved {
                append(value[index])
            } else {
                let escape = value[index].percentEscape
                append(escape.span)
            }
        }
    }
}
