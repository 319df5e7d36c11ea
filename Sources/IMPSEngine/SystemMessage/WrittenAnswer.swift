import Octets

/// What somebody writes as an answer, reduced to what it says: words in lower case between single spaces, without
/// punctuation.
///
/// An answer is the number of an option, its words, or both, and nothing else but punctuation and thanks: whoever asks a
/// question back has agreed to nothing. Source: protocol/system-message.md §4.6.
struct WrittenAnswer {
    private(set) var words = InlineBytes<280>()

    /// nil for a text that is too long for an answer, or not UTF-8.
    init?(_ text: Span<UInt8>) {
        var index = 0
        var isApart = false
        while index < text.count {
            guard let (scalar, byteCount) = UTF8.scalar(in: text, at: index) else { return nil }
            index += byteCount
            guard !UTF8.separatesWords(scalar) else {
                isApart = true
                continue
            }
            if isApart, !words.isEmpty, !words.append(0x20) { return nil }
            isApart = false
            guard words.append(scalar: UTF8.lowercased(scalar)) else { return nil }
        }
    }

    private init(words: Span<UInt8>) {
        self.words = InlineBytes(prefix: words)
    }

    /// Whether it says the words of an option.
    func says(_ option: CampaignOption) -> Bool {
        guard let other = WrittenAnswer(option.text.span), !other.words.isEmpty else { return false }
        return words.span.equals(other.words.span)
    }

    /// Whether it is the number of an option, alone or before its words.
    func numbers(_ option: CampaignOption) -> Bool {
        let end = words.span.firstIndex(of: 0x20) ?? words.count
        guard Decimal.parse(words.span.extracting(0..<end)) == UInt64(option.id) else { return false }
        return end == words.count || WrittenAnswer(words: words.span.extracting(end + 1..<words.count)).says(option)
    }

    /// The same without thanks at one end; nil when there are none.
    var withoutThanks: WrittenAnswer? {
        without("thank you") ?? without("thanks") ?? without("thx") ?? without("please")
    }

    private func without(_ thanks: StaticString) -> WrittenAnswer? {
        let count = thanks.utf8CodeUnitCount
        let text = words.span
        guard text.count > count else { return nil }
        let rest = text.count - count
        if text[rest - 1] == 0x20, text.extracting(rest..<text.count).equals(thanks) {
            return WrittenAnswer(words: text.extracting(0..<rest - 1))
        }
        guard text.starts(with: thanks), text[count] == 0x20 else { return nil }
        return WrittenAnswer(words: text.extracting(count + 1..<text.count))
    }
}

extension Records where Port: ~Copyable {
    /// The option that a text names; nil for none, and for more than one.
    func chosenOption(_ text: Span<UInt8>, _ campaign: Campaign) -> CampaignOption? {
        var answer = WrittenAnswer(text)
        while let current = answer {
            if let option = option(named: current, campaign) { return option }
            answer = current.withoutThanks
        }
        return nil
    }

    private func option(named answer: WrittenAnswer, _ campaign: Campaign) -> CampaignOption? {
        var found: CampaignOption?
        var count = 0
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            if answer.numbers(option) { return option }
            guard answer.says(option) else { continue }
            found = option
            count += 1
        }
        return count == 1 ? found : nil
    }
}
