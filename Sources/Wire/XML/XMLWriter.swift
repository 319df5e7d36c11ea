import Octets

/// The XML back end: no declaration, no document type, no white space between elements, as the clients do.
extension Writer {
    mutating func openXML(_ tag: Tag) { openXML(tag, namespace: namespace(of: tag)) }

    mutating func openXML(_ tag: Tag, namespace: StaticString?) {
        appendStart(of: tag, namespace)
        output.append(0x3E)
    }

    private mutating func appendStart(of tag: Tag, _ namespace: StaticString?) {
        output.append(0x3C)
        output.append(tag.name)
        if let namespace {
            output.append(" xmlns=\"")
            output.append(namespace)
            output.append(0x22)
        }
    }

    mutating func closeXML(_ tag: Tag) {
        output.append("</")
        output.append(tag.name)
        output.append(0x3E)
    }

    mutating func emptyXML(_ tag: Tag) {
        appendStart(of: tag, namespace(of: tag))
        output.append("/>")
    }

    /// Text with `&`, `<`, `>` and a lone carriage return escaped. What XML cannot say becomes U+FFFD.
    mutating func appendXML(text: Span<UInt8>) {
        var start = 0
        for index in text.indices {
            let octet = text[index]
            if octet >= 0x20, octet != 0x26, octet != 0x3C, octet != 0x3E { continue }
            if octet == 0x09 || octet == 0x0A { continue }
            output.append(text.extracting(start..<index))
            start = index + 1
            switch octet {
            case 0x26: output.append("&amp;")
            case 0x3C: output.append("&lt;")
            case 0x3E: output.append("&gt;")
            case 0x0D: output.append("&#13;")
            default: output.append("\u{FFFD}")
            }
        }
        output.append(text.extracting(start..<text.count))
    }

    private func namespace(of tag: Tag) -> StaticString? {
        if tag == .wvCSPMessage { return version.sessionNamespace }
        if tag == .transactionContent { return version.transactionNamespace }
        if tag == .presenceSubList { return version.presenceNamespace }
        return nil
    }
}
