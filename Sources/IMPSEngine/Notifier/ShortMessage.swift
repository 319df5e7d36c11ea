import Octets

/// A short message by the interface of Kannel's `sendsms`, which other gateways speak too: all of it in the address of a GET.
extension NotifySection {
    func writeShortMessage(_ facts: borrowing NotificationFacts, into query: inout FixedBytes) {
        writeSender(to: facts.number.span, into: &query)
        // What the alphabet of short messages does not have goes in 16 bits, 70 characters in a part instead of 160.
        query.append(ShortMessage.isInAlphabet(facts.text.span) ? "&coding=0" : "&coding=2")
        query.append("&charset=UTF-8&")
        query.parameter("text", facts.text.span)
    }

    /// Who sends it, and to whom.
    func writeSender(to number: Span<UInt8>, into query: inout FixedBytes) {
        if !username.isEmpty {
            query.parameter("username", username.span)
            query.append(0x26)
            query.parameter("password", password.span)
            query.append(0x26)
        }
        if !from.isEmpty {
            query.parameter("from", from.span)
            query.append(0x26)
        }
        query.parameter("to", number)
    }
}

/// What short messages are made of.
enum ShortMessage {
    /// The default alphabet; the place of a character is its number. Source: 3GPP TS 23.038 §6.2.1.
    static var alphabet: StaticString {
        """
        @£$¥èéùìòÇ\u{0A}Øø\u{0D}ÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1B}ÆæßÉ !"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
        ¿abcdefghijklmnopqrstuvwxyzäöñüà
        """
    }

    /// Characters that take two septets: an escape and a second one. Source: 3GPP TS 23.038 §6.2.1.1.
    static var extensions: StaticString { "^{}\\[~]|€" }

    static func isInAlphabet(_ text: Span<UInt8>) -> Bool {
        var index = 0
        while index < text.count {
            guard let (scalar, byteCount) = UTF8.scalar(in: text, at: index), scalar != 0x1B,
                place(of: scalar, in: alphabet) != nil || place(of: scalar, in: extensions) != nil
            else { return false }
            index += byteCount
        }
        return true
    }

    /// Which of the characters of a list it is, from 0.
    static func place(of scalar: UInt32, in list: StaticString) -> Int? {
        let octets = list.octets
        var index = 0
        var place = 0
        while index < octets.count, let (candidate, byteCount) = UTF8.scalar(in: octets, at: index) {
            if candidate == scalar { return place }
            index += byteCount
            place += 1
        }
        return nil
    }
}
