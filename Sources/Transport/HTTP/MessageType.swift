import CSP
import Octets
import Wire

/// The content types of messages. Source: protocol/transport.md §1.1.
public enum MessageType {
    /// Octets of the longest content type that is sent back as it came.
    public static var byteCountMax: Int { 100 }

    /// The syntax of a body: by its type in any spelling, else by its first octets; nil when it is none of ours.
    public static func syntax(contentType: Span<UInt8>, body: Span<UInt8>) -> Syntax? {
        let type = ContentType.essence(contentType)
        if type.equalsIgnoringCase("application/vnd.wv.csp.xml")
            || type.equalsIgnoringCase("application/vnd.wv.csp+xml")
            || type.equalsIgnoringCase("application/xml") || type.equalsIgnoringCase("text/xml")
        {
            return .xml
        }
        if type.equalsIgnoringCase("application/vnd.wv.csp.wbxml")
            || type.equalsIgnoringCase("application/vnd.wv.csp+wbxml")
        {
            return .wbxml
        }
        if body.count > 0, (0x01...0x03).contains(body[0]) { return .wbxml }
        let text = body.trimmed()
        return text.starts(with: "<") || text.starts(with: "\u{FEFF}") ? .xml : nil
    }

    /// The type of a syntax and version.
    public static func name(_ syntax: Syntax, _ version: Version) -> StaticString {
        switch syntax {
        case .xml: return version == .v1_3 ? "application/vnd.wv.csp+xml" : "application/vnd.wv.csp.xml"
        case .wbxml: return version == .v1_3 ? "application/vnd.wv.csp+wbxml" : "application/vnd.wv.csp.wbxml"
        }
    }

    /// The type to answer with: that of the request, or the one of the version when the request's is not known.
    ///
    /// A charset other than UTF-8 is not repeated, because the answer is in UTF-8.
    public static func answer(
        to contentType: Span<UInt8>, _ syntax: Syntax, version: Version
    ) -> InlineBytes<100> {
        var type = InlineBytes<100>()
        let essence = ContentType.essence(contentType)
        let isKnown = MessageType.syntax(contentType: contentType, body: Span()) != nil
        guard isKnown, contentType.count <= byteCountMax else {
            _ = type.append(name(syntax, version))
            return type
        }
        _ = type.append(saysOtherCharset(contentType) ? essence : contentType)
        return type
    }

    private static func saysOtherCharset(_ contentType: Span<UInt8>) -> Bool {
        var start = 0
        while let index = contentType.firstIndex(of: 0x3B, from: start) {
            let end = contentType.firstIndex(of: 0x3B, from: index + 1) ?? contentType.count
            let parameter = contentType.extracting(index + 1..<end).trimmed()
            if parameter.count > 8, parameter.extracting(0..<8).equalsIgnoringCase("charset=") {
                let value = parameter.extracting(8..<parameter.count)
                return !value.equalsIgnoringCase("utf-8") && !value.equalsIgnoringCase("\"utf-8\"")
            }
            start = index + 1
        }
        return false
    }
}
