import IMPSEngine
import Octets

/// The `page` section: the page for browsers, and links to it.
struct PageSection {
    private(set) var isOpen = false
    private var line: UInt64 = 0

    static var keys: StaticString { "enabled link_hours links url" }

    mutating func begin(_ reader: borrowing UCIReader) {
        isOpen = true
        line = reader.line
    }

    mutating func take(
        _ reader: borrowing UCIReader, _ configuration: inout Configuration, _ diagnostics: inout Diagnostics
    ) {
        let key = reader.word
        let value = reader.value
        if key.span.equals("enabled") {
            guard let isOn = Bool(word: value.span) else {
                return refuse(reader.line, key.span, "0 or 1", &diagnostics)
            }
            configuration.hasPage = isOn
        } else if key.span.equals("links") {
            guard let isOn = Bool(word: value.span) else {
                return refuse(reader.line, key.span, "0 or 1", &diagnostics)
            }
            configuration.hasLinks = isOn
        } else if key.span.equals("link_hours") {
            guard let hours = Decimal.parse(value.span), (1...720).contains(hours) else {
                return refuse(reader.line, key.span, "1 to 720 hours", &diagnostics)
            }
            configuration.engine.linkSeconds = hours * 3600
        } else if key.span.equals("url") {
            guard value.count < 128, let url = InlineBytes<128>(value.span), let host = PageSection.host(of: url.span)
            else {
                return refuse(
                    reader.line, key.span, "http:// or https://, a name, and perhaps a port and /, at most 127 octets",
                    &diagnostics)
            }
            configuration.pageHost = host
            configuration.engine.pageURL = url
            if url.span[url.count - 1] != 0x2F { _ = configuration.engine.pageURL.append(0x2F) }
        } else {
            diagnostics.unknownKey(
                line: reader.line, isError: false, .constant("page"), key.span, of: PageSection.keys)
        }
    }

    mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
        guard isOpen else { return }
        isOpen = false
        if !configuration.hasPage || !configuration.hasLinks { configuration.engine.pageURL = InlineBytes() }
    }

    /// The name in an address that has no path of its own: what a link begins with is all there is.
    private static func host(of url: Span<UInt8>) -> InlineBytes<128>? {
        let start = url.starts(with: "https://") ? 8 : url.starts(with: "http://") ? 7 : url.count
        let end = url.firstIndex(of: 0x2F, from: start) ?? url.count
        guard start < end, end >= url.count - 1 else { return nil }
        let place = url.extracting(start..<end)
        for index in place.indices where !(0x21..<0x7F).contains(place[index]) || place[index] == 0x40 { return nil }
        if place[0] == 0x5B { return InlineBytes(place.extracting(0..<(place.firstIndex(of: 0x5D) ?? 0))) }
        return InlineBytes(place.extracting(0..<(place.firstIndex(of: 0x3A) ?? place.count)))
    }

    private func refuse(
        _ line: UInt64, _ key: Span<UInt8>, _ words: StaticString, _ diagnostics: inout Diagnostics
    ) {
        diagnostics.error(line: line, .constant("page"), key, words)
    }
}
