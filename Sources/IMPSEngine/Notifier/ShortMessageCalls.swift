import Octets

/// Short messages that call clients which are logged in and asleep, by the sections that tell others who are not.
///
/// Source: protocol/transport.md §6.3, §6.5.
extension Notifier where Port: ~Copyable {
    /// The next client to be called; nil when there is none, or nothing to call it by now.
    mutating func nextCall(
        _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ now: Instant,
        into text: inout FixedBytes
    ) -> NotificationOrder? {
        guard sessions.shortMessageCalls.count > 0, let place = freePlace else { return nil }
        while let call = sessions.nextShortMessage(records, now, into: &text) {
            // What does not fit beside the port into one calls nobody; cookies of the field are a third as long.
            guard let number = records.profile(call.user, .number),
                call.isPush ? text.count <= 133 : ShortMessageParts(text.span).fits(152)
            else { continue }
            guard let section = sectionForCalls(now) else {
                sessions.callLater(call, at: now.adding(seconds: Limits.shortMessageSeconds))
                continue
            }
            underWay[place].isUsed = true
            underWay[place].user = call.user
            underWay[place].section = section
            underWay[place].bearer = sections[section].bearer ?? .sms
            underWay[place].call = call
            var message = InlineBytes<200>()
            _ = message.append(text.span)
            text.removeAll()
            var order = sections[section].order(calling: number.span, call, message.span, into: &text)
            order.place = place
            return order
        }
        return nil
    }

    private func sectionForCalls(_ now: Instant) -> Int? {
        for index in 0..<sectionCount where sections[index].sendsShortMessages && pauses[index].until <= now {
            if sections[index].bearer != .modem || !isModemBusy { return index }
        }
        return nil
    }

    /// What became of a call; false when the request was none.
    mutating func callEnded(
        _ place: Int, _ outcome: NotificationOutcome, body: Span<UInt8>, _ sessions: inout Sessions<Port>,
        _ turn: inout Turn
    ) -> Bool {
        guard underWay.indices.contains(place), underWay[place].isUsed, let call = underWay[place].call else {
            return false
        }
        let order = underWay[place]
        underWay[place] = UnderWay()
        var why: StaticString = "the other side refused it"
        var isFinal = false
        switch outcome {
        case .sent: return true
        case .answered(let status):
            pauses[order.section] = Pause()
            if order.bearer.isTaken(status, body) { return true }
            isFinal = (400..<500).contains(status) && status != 408 && status != 429
        case .refused:
            why = "the modem refused it"
            isFinal = true
        case .failed(let words, let isDown):
            why = words
            if isDown { pause(order.section, turn.now) }
        }
        sessions.callFailed(call, isFinal: isFinal, turn.now)
        if turn.journal.begin(.cirFail, turn.now, turn.wall) {
            turn.journal.number("slot", UInt64(call.slot))
            turn.journal.sentence("why", why)
            turn.journal.end()
        }
        return true
    }

    /// A call was not sent, for want of something that comes back by itself; false when the request was none.
    mutating func cancelCall(_ place: Int, _ sessions: inout Sessions<Port>, _ now: Instant) -> Bool {
        guard let call = underWay[place].call else { return false }
        underWay[place] = UnderWay()
        sessions.callLater(call, at: now.adding(seconds: 1))
        return true
    }
}

extension NotifySection {
    /// Whether it can send what is for a port, and not for people.
    var sendsShortMessages: Bool { bearer == .sms || bearer == .modem && !modem.isText }

    /// Writes a request for a short message to the port of an application.
    func order(
        calling number: Span<UInt8>, _ call: ShortMessageCall, _ message: Span<UInt8>, into text: inout FixedBytes
    ) -> NotificationOrder {
        var order = NotificationOrder()
        order.pin = pin
        order.url = url
        // The length of the header, the element for ports of 16 bits, to 2948 from 9200 for pushes, 3716 both ways for calls.
        // Source: 3GPP TS 23.040 §9.2.3.24.4, protocol/transport.md §6.3, §6.5.
        let header: InlineArray<7, UInt8> =
            call.isPush ? [6, 5, 4, 0x0B, 0x84, 0x23, 0xF0] : [6, 5, 4, 0x0E, 0x84, 0x0E, 0x84]
        guard bearer == .modem else {
            text.append(url.span.firstIndex(of: UInt8(ascii: "?")) == nil ? "?" : "&")
            writeSender(to: number, into: &text)
            text.append(call.isPush ? "&coding=1&" : "&coding=0&")
            text.parameter("udh", header.span)
            text.append(0x26)
            text.parameter("text", message)
            order.query = 0..<text.count
            return order
        }
        order.modem = modem
        if call.isPush {
            ShortMessageParts(octets: message).write(to: number, header: header.span, into: &text)
        } else {
            ShortMessageParts(message).write(to: number, header: header.span, into: &text)
        }
        return order
    }
}
