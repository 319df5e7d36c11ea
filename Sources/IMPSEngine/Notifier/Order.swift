import Octets

/// The request of each bearer, and what its answer means.
extension NotifySection {
    /// Writes a request.
    func order(_ facts: borrowing NotificationFacts, into text: inout FixedBytes) -> NotificationOrder {
        var order = NotificationOrder()
        order.pin = pin
        order.url = url
        switch bearer {
        case .sms, nil:
            text.append(url.span.firstIndex(of: UInt8(ascii: "?")) == nil ? "?" : "&")
            writeShortMessage(facts, into: &text)
            order.query = 0..<text.count
        case .wapPush:
            order.isPost = true
            writePush(facts, into: &text)
            order.body = 0..<text.count
            writePushFields(into: &text)
            order.fields = order.body.upperBound..<text.count
        case .modem:
            order.modem = modem
            writeMessages(facts, into: &text)
        case .webhook:
            order.isPost = true
            // Who has a place of his own for what he is told is told there.
            order.url =
                facts.pushURL.isEmpty
                ? Template.fill(url.span, with: facts, isURL: true)
                : InlineBytes(prefix: facts.pushURL.span)
            writeHook(facts, into: &text)
            order.body = 0..<text.count
            writeHookFields(facts, body: order.body, into: &text)
            order.fields = order.body.upperBound..<text.count
        }
        return order
    }

    private func writeMessages(_ facts: borrowing NotificationFacts, into text: inout FixedBytes) {
        guard modem.isText else {
            let reference = UInt8(truncatingIfNeeded: Hash64(facts.id.span).value)
            return ShortMessageParts(facts.text.span).write(to: facts.number.span, reference: reference, into: &text)
        }
        // What is not in ASCII is written otherwise by each modem.
        text.append(facts.number.span)
        text.append(0x09)
        var count = 0
        var index = 0
        while index < facts.text.count, count < 160,
            let (scalar, byteCount) = UTF8.scalar(in: facts.text.span, at: index)
        {
            text.append(scalar < 0x7F ? UInt8(scalar) : UInt8(ascii: "?"))
            index += byteCount
            count += 1
        }
        text.append(0x0A)
    }
}

extension Bearer {
    /// Whether the other side has taken what it was told to send on.
    func isTaken(_ status: Int, _ body: Span<UInt8>) -> Bool {
        guard (200..<300).contains(status) else { return false }
        // A push gateway answers 202 for what it refuses, too.
        guard self == .wapPush else { return true }
        let code = code(status, body)
        // 2007: it had this one before.
        return (1000..<2000).contains(code) || code == 2007
    }

    /// The number that says what became of it.
    func code(_ status: Int, _ body: Span<UInt8>) -> UInt16 {
        if self == .wapPush, let code = NotifySection.pushCode(body) { return code }
        return UInt16(clamping: status)
    }
}
