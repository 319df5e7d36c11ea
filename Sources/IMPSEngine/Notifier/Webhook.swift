import Digests
import Octets

/// A request to somebody's server that tells who is to be told what.
extension NotifySection {
    func writeHook(_ facts: borrowing NotificationFacts, into body: inout FixedBytes) {
        guard form != .ntfy else { return body.append(facts.text.span) }
        body.append("{\"event\":\"message-waiting\"")
        body.member("id", facts.id.span)
        body.member("user", facts.user.span)
        if !facts.number.isEmpty { body.member("number", facts.number.span) }
        body.member("sender", facts.sender.span)
        body.append(",\"waiting\":")
        body.append(decimal: facts.count)
        body.append(",\"time\":")
        body.append(decimal: facts.time)
        body.member("text", facts.text.span)
        if !facts.link.isEmpty { body.member("link", facts.link.span) }
        body.append("}")
    }

    /// - Parameter body: Where in `text` the body is, which is signed.
    func writeHookFields(_ facts: borrowing NotificationFacts, body: Range<Int>, into text: inout FixedBytes) {
        switch form {
        case .json: text.append("Content-Type: application/json\r\n")
        case .unifiedPush: text.append("Content-Type: application/json\r\nTTL: 86400\r\nUrgency: normal\r\n")
        case .ntfy:
            text.append("Content-Type: text/plain; charset=utf-8\r\nTitle: IMPS\r\n")
            if !facts.link.isEmpty {
                text.append("Click: ")
                text.append(facts.link.span)
                text.append("\r\n")
            }
        }
        // The same for each try, so that who got one twice knows it.
        text.append("Idempotency-Key: ")
        text.append(facts.id.span)
        text.append("\r\n")
        if !secret.isEmpty {
            let signature = DigestAlgorithm.sha256.hmac(text.span(body), key: secret.span)
            text.append("X-Impsd-Signature: sha256=")
            text.append(hexadecimal: signature.span)
            text.append("\r\n")
        }
        writeAuthorization(into: &text)
    }

    /// A name with its password; a password without a name is a token.
    func writeAuthorization(into fields: inout FixedBytes) {
        guard !password.isEmpty else { return }
        if username.isEmpty {
            fields.append("Authorization: Bearer ")
            fields.append(password.span)
        } else {
            var pair = InlineBytes<200>()
            _ = pair.append(username.span)
            _ = pair.append(0x3A)
            _ = pair.append(password.span)
            fields.append("Authorization: Basic ")
            Base64.encode(pair.span, into: &fields)
        }
        fields.append("\r\n")
    }
}

extension FixedBytes {
    /// Adds a member of an object that is not the first, with a text as its value.
    fileprivate mutating func member(_ name: StaticString, _ value: Span<UInt8>) {
        append(",\"")
        append(name)
        append("\":\"")
        for index in value.indices {
            switch value[index] {
            case 0x22, 0x5C:
                append(0x5C)
                append(value[index])
            case 0..<0x20: append(0x20)
            default: append(value[index])
            }
        }
        append(0x22)
    }
}
