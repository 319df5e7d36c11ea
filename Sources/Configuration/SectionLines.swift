import IMPSEngine
import Octets

/// The section of a kind that lines belong to now. It is only looked at here; the engine gets it at the start.
struct SectionLines<Section: ConfiguredSection> {
    private(set) var isOpen = false
    private var line: UInt64 = 0
    private var name = InlineBytes<64>()
    fileprivate var section = Section()

    mutating func begin(_ reader: borrowing UCIReader) {
        isOpen = true
        line = reader.line
        let value = reader.value
        name = InlineBytes(prefix: value.span)
        section = Section()
    }

    mutating func take(_ reader: borrowing UCIReader, _ diagnostics: inout Diagnostics) {
        let key = reader.word
        let value = reader.value
        guard let words = section.take(key.span, value.span) else { return }
        if words.octets.equals("unknown key") {
            diagnostics.unknownKey(line: reader.line, isError: true, name.span, key.span, of: Section.keys)
        } else {
            diagnostics.error(line: reader.line, name.span, key.span, words)
        }
    }

    /// Ends the section; false when none was open.
    fileprivate mutating func end() -> Bool {
        defer { isOpen = false }
        return isOpen
    }

    /// Tells what is wrong with the section: `words`, or what it says itself.
    fileprivate func tell(_ words: StaticString?, _ type: StaticString, _ diagnostics: inout Diagnostics) {
        guard let words = words ?? section.finish(name: name.span) else { return }
        diagnostics.error(line: line, type.octets, name.span, words)
    }
}

extension SectionLines where Section == NotifySection {
    mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
        guard end() else { return }
        var words: StaticString?
        configuration.notifySectionCount += 1
        if configuration.notifySectionCount > EngineMemory.notifySectionCount { words = "more than 4 notify sections" }
        if !section.modem.device.isEmpty {
            if !configuration.modemPath.isEmpty { words = words ?? "one modem is all there can be" }
            configuration.modemPath = section.modem.device
        }
        tell(words, "notify", &diagnostics)
        if section.isSealed { configuration.hasAuthorities = true }
    }
}

extension SectionLines where Section == Upstream {
    mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
        guard end() else { return }
        configuration.upstreamCount += 1
        var words: StaticString?
        if configuration.upstreamCount > EngineMemory.upstreamCount { words = "more than 4 upstream sections" }
        if section.isXMPP {
            if configuration.hasXMPP { words = words ?? "one XMPP server is all there can be" }
            configuration.hasXMPP = true
        }
        tell(words, "upstream", &diagnostics)
        if section.isSealed { configuration.hasAuthorities = true }
    }
}
