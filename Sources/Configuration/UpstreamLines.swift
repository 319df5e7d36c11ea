import IMPSEngine
import Octets

/// An `upstream` section. It is only looked at here; the engine gets it at the start.
struct UpstreamLines {
    private(set) var isOpen = false
    private var line: UInt64 = 0
    private var name = InlineBytes<64>()
    private var section = Upstream()

    mutating func begin(_ reader: borrowing UCIReader) {
        isOpen = true
        line = reader.line
        let value = reader.value
        name = InlineBytes(prefix: value.span)
        section = Upstream()
    }

    mutating func take(_ reader: borrowing UCIReader, _ diagnostics: inout Diagnostics) {
        let key = reader.word
        let value = reader.value
        guard let words = section.take(key.span, value.span) else { return }
        if words.octets.equals("unknown key") {
            diagnostics.unknownKey(line: reader.line, isError: true, name.span, key.span, of: Upstream.keys)
        } else {
            diagnostics.error(line: reader.line, name.span, key.span, words)
        }
    }

    mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
        guard isOpen else { return }
        isOpen = false
        var words = section.finish(name: name.span)
        configuration.upstreamCount += 1
        if configuration.upstreamCount > EngineMemory.upstreamCount { words = "more than 4 upstream sections" }
        if let words { diagnostics.error(line: line, .constant("upstream"), name.span, words) }
        if section.isSealed { configuration.hasAuthorities = true }
    }
}
