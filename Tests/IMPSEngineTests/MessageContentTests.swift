import Octets
import Testing

@testable import IMPSEngine

/// Content on its way into the store. Source: protocol/primitives.md §6.2, rule 13.
@Suite struct MessageContentTests {
    /// The content in pieces of a length.
    private func pieces(_ text: String, _ length: Int, isEscaped: Bool) -> (text: String, byteCount: Int) {
        let octets = Array(text.utf8)
        var content = MessageContent(octets.span, isEscaped: isEscaped)
        let byteCount = content.byteCount
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
        defer { memory.deallocate() }
        memory.initialize(repeating: 0, count: 64)
        var buffer = FixedBytes(Slab(lent: memory, count: 64))
        var result: [UInt8] = []
        while !content.isAtEnd {
            buffer.removeAll()
            content.take(length, into: &buffer)
            #expect((1...length).contains(buffer.count))
            for index in 0..<buffer.count { result.append(buffer[index]) }
        }
        return (String(decoding: result, as: Swift.UTF8.self), byteCount)
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("&lt;b&gt;&amp;&quot;&apos;", "<b>&\"'"), ("&amp;lt;", "&lt;"), ("&am", "&am"),
        ("&", "&"), ("&&lt", "&&lt"), ("&unknown;&#65;", "&unknown;&#65;"), ("x&lt;", "x<"),
    ])
    func referencesBecomeWhatTheyStandFor(text: String, expected: String) {
        for length in 1...12 {
            let escaped = pieces(text, length, isEscaped: true)
            #expect(escaped.text == expected)
            #expect(escaped.byteCount == expected.utf8.count)
            #expect(pieces(text, length, isEscaped: false) == (text, text.utf8.count))
        }
    }
}
