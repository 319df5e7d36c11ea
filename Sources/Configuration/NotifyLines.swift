import IMPSEngine
import Octets

/// A `notify` section. It is only looked at here; the engine gets it at the start.
struct NotifyLines {
    private(set) var isOpen = false
    private var line: UInt64 = 0
    private var name = InlineBytes<64>()
    private var section = NotifySection()

    mutating func begin(_ reader: borrowing UCIReader) {
        isOpen = true
        line = reader.line
        let value = reader.value
        name = InlineBytes(prefix: value.span)
        section = NotifySection()
    }

    mutating func take(_ reader: borrowing UCIReader, _ diagnostics: inout Diagnostics) {
        let key = reader.word
        let value = reader.value
        guard let words = section.take(key.span, value.span) else { return }
        if words.octets.equals("unknown key") {
            diagnostics.unknownKey(
                line: reader.line, isError: true, name.span, key.span, of: NotifySection.keys)
        } else {
            diagnostics.error(line: reader.line, name.span, key.span, words)
        }
    }

    mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
        guard isOpen else { return }
        isOpen = false
        var words = section.finish(name: name.span)
        configuration.notifySectionCount += 1
        if configuration.notifySectionCount > EngineMemory.notifySectionCount {
            words = "more than 4 notify sections"
        }
        if !section.modem.device.isEmpty {
            if !configuration.modemPath.isEmpty { words = words ?? "one modem is all there can be" }
            configuration.modemPath = section.modem.device
        }
        if let words { diagnostics.error(line: line, .constant("notify"), name.span, words) }
        if section.isSealed { configuration.hasAuthorities = true }
    }
}
