/// The word that somebody meant who wrote another one.
public enum NearestWord {
    private static var lengthMax: Int { 32 }

    /// The nearest of some words, when it is near enough to be meant: a letter too many, too few, another one or two
    /// exchanged, twice at most and less often than half of its letters; or when it begins with what was written.
    ///
    /// - Parameter words: With a space between each two.
    public static func of(_ word: Span<UInt8>, in words: StaticString) -> InlineBytes<32>? {
        guard word.count > 0, word.count <= lengthMax else { return nil }
        let all = words.octets
        var best: InlineBytes<32>?
        var least = 3
        var start = 0
        while start < all.count {
            let end = all.firstIndex(of: 0x20, from: start) ?? all.count
            let candidate = all.extracting(start..<end)
            start = end + 1
            var distance = distance(word, candidate)
            if distance > 1, word.count >= 3, candidate.starts(with: word) { distance = 1 }
            guard distance < least, 2 * distance < candidate.count else { continue }
            least = distance
            best = InlineBytes(candidate)
        }
        return best
    }

    /// How many letters have to be added, taken away, changed or exchanged with the next one.
    static func distance(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
        guard second.count <= lengthMax else { return .max }
        // Three rows of the table: two before this one, because an exchange looks back as far.
        var older = InlineArray<33, Int>(repeating: 0)
        var old = InlineArray<33, Int>(repeating: 0)
        for column in 0...second.count { old[column] = column }
        var row = old
        for index in first.indices {
            row[0] = index + 1
            for column in 1...max(1, second.count) where column <= second.count {
                let isSame = first[index].asciiLowercased == second[column - 1].asciiLowercased
                row[column] = min(old[column] + 1, min(row[column - 1] + 1, old[column - 1] + (isSame ? 0 : 1)))
                if index > 0, column > 1, first[index].asciiLowercased == second[column - 2].asciiLowercased,
                    first[index - 1].asciiLowercased == second[column - 1].asciiLowercased
                {
                    row[column] = min(row[column], older[column - 2] + 1)
                }
            }
            older = old
            old = row
        }
        return old[second.count]
    }
}
