import Octets

/// The content of a message on its way into the store.
struct MessageContent: ~Escapable {
    private let text: Span<UInt8>
    private let isEscaped: Bool
    private var index = 0
    /// Octets that the store keeps.
    let byteCount: Int

    /// - Parameter isEscaped: The text has XML's references, and what they stand for is kept. [S] escapes once too often.
    @_lifetime(copy text)
    init(_ text: Span<UInt8>, isEscaped: Bool = false) {
        self.text = text
        self.isEscaped = isEscaped
        var count = text.count
        if isEscaped {
            count = 0
            var place = 0
            while place < text.count {
                _ = MessageContent.octet(of: text, at: &place)
                count += 1
            }
        }
        byteCount = count
    }

    /// True when everything was taken.
    var isAtEnd: Bool { index == text.count }

    /// Moves octets to the end of `buffer`, `countMax` at most.
    mutating func take(_ countMax: Int, into buffer: inout FixedBytes) {
        guard isEscaped else {
            let count = min(countMax, text.count - index)
            buffer.append(text.extracting(index..<index + count))
            index += count
            return
        }
        var count = 0
        while index < text.count, count < countMax {
            buffer.append(MessageContent.octet(of: text, at: &index))
            count += 1
        }
    }

    /// The octet at a place, or the one that the reference there stands for, and moves on.
    private static func octet(of text: Span<UInt8>, at place: inout Int) -> UInt8 {
        let octet = text[place]
        if octet == 0x26 {
            let rest = text.extracting(place..<text.count)
            let names: InlineArray<5, StaticString> = ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;"]
            let octets: InlineArray<5, UInt8> = [0x3C, 0x3E, 0x26, 0x22, 0x27]
            for index in names.indices where rest.starts(with: names[index]) {
                place += names[index].utf8CodeUnitCount
                return octets[index]
            }
        }
        place += 1
        return octet
    }
}
