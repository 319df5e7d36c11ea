import Octets

/// A Service Indication by the Push Access Protocol: a text with a link, which a handset shows as soon as it comes.
///
/// - Source: WAP-164 (PAP), WAP-167 (Service Indication).
extension NotifySection {
    /// What parts the message, at the beginning of a line; texts have no lines.
    private static var boundary: StaticString { "=_impsd" }

    func writePush(_ facts: borrowing NotificationFacts, into body: inout FixedBytes) {
        body.append("--")
        body.append(NotifySection.boundary)
        body.append("\r\nContent-Type: application/xml\r\n\r\n")
        body.append("<?xml version=\"1.0\"?>\r\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" ")
        body.append("\"http://www.wapforum.org/DTD/pap_1.0.dtd\">\r\n<pap><push-message push-id=\"")
        // The same for each try, so that who got one twice knows it.
        body.append(xml: facts.id.span)
        body.append("\"><address address-value=\"WAPPUSH=")
        body.append(xml: facts.number.span)
        body.append("/TYPE=PLMN@impsd\"/><quality-of-service delivery-method=\"unconfirmed\"")
        body.append(" network-required=\"true\" network=\"GSM\" bearer-required=\"true\" bearer=\"SMS\"/>")
        body.append("</push-message></pap>\r\n--")
        body.append(NotifySection.boundary)
        body.append("\r\nContent-Type: text/vnd.wap.si\r\nX-Wap-Application-Id: x-wap-application:wml.ua\r\n\r\n")
        body.append("<?xml version=\"1.0\"?>\r\n<!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" ")
        body.append("\"http://www.wapforum.org/DTD/si.dtd\">\r\n<si><indication")
        if !facts.link.isEmpty {
            body.append(" href=\"")
            body.append(xml: facts.link.span)
            body.append(0x22)
        }
        body.append(" si-id=\"")
        body.append(xml: facts.message.span)
        body.append("\" action=\"signal-high\">")
        body.append(xml: facts.text.span)
        body.append("</indication></si>\r\n--")
        body.append(NotifySection.boundary)
        body.append("--\r\n")
    }

    func writePushFields(into fields: inout FixedBytes) {
        fields.append("Content-Type: multipart/related; boundary=\"")
        fields.append(NotifySection.boundary)
        fields.append("\"; type=\"application/xml\"\r\n")
        writeAuthorization(into: &fields)
    }

    /// The code of a gateway's answer, 1000 to 9999; nil when it has none. Kannel has a blank before the equals sign.
    static func pushCode(_ body: Span<UInt8>) -> UInt16? {
        let key: StaticString = " code"
        var index = 0
        while index + key.utf8CodeUnitCount < body.count {
            defer { index += 1 }
            guard body.extracting(index..<body.count).starts(with: key) else { continue }
            var start = index + key.utf8CodeUnitCount
            while start < body.count, body[start] == 0x20 || body[start] == 0x3D || body[start] == 0x22 { start += 1 }
            guard start + 4 < body.count, body[start + 4] == 0x22 else { continue }
            return Decimal.parse(body.extracting(start..<start + 4)).map { UInt16($0) }
        }
        return nil
    }
}

extension FixedBytes {
    /// Adds a text as XML has it, in an attribute too.
    mutating func append(xml text: Span<UInt8>) {
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "<"): append("&lt;")
            case UInt8(ascii: ">"): append("&gt;")
            case UInt8(ascii: "&"): append("&amp;")
            case UInt8(ascii: "\""): append("&quot;")
            case 0..<0x20: append(0x20)
            default: append(text[index])
            }
        }
    }
}
