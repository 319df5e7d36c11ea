import CSP
import Octets
import Wire

/// The MessageID of a message: its sequence number in decimal with a letter in front.
enum MessageID {
    /// The MessageID of the message with a sequence number.
    static func text(_ sequence: UInt64) -> InlineBytes<24> {
        var text = InlineBytes<24>()
        _ = text.append(UInt8(ascii: "m"))
        _ = text.append(Decimal.digits(of: sequence).span)
        return text
    }

    /// The sequence number of the message that a MessageID names; nil when it is none of ours.
    static func sequence(_ text: Span<UInt8>) -> UInt64? {
        guard text.count > 1, text[0].asciiLowercased == UInt8(ascii: "m") else { return nil }
        return Decimal.parse(text.extracting(1..<text.count))
    }
}

extension Writer {
    /// MessageInfo of a message for one recipient. Source: protocol/primitives.md §6.1, §6.2 rule 5.
    mutating func messageInfo(_ sequence: UInt64, _ header: MessageHeader, recipient: Span<UInt8>) {
        open(.messageInfo)
        text(.messageID, MessageID.text(sequence).span)
        text(.contentType, header.contentType.span)
        text(.contentEncoding, header.isBase64 ? "BASE64" : "None")
        integer(.contentSize, UInt64(header.contentByteCount))
        user(.recipient, recipient)
        user(.sender, header.sender.span)
        if header.shownTime > 0 { time(.dateTime, header.shownTime) }
        if header.validity > 0 { integer(.validity, UInt64(header.validity)) }
        close(.messageInfo)
    }

    /// Recipient or Sender with one user.
    mutating func user(_ tag: Tag, _ address: Span<UInt8>) {
        open(tag)
        open(.user)
        text(.userID, address)
        close(.user)
        close(tag)
    }
}
