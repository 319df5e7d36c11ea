import CLibC
import Files
import CSP
import Octets
import Transport
import Wire

/// What a server transaction brought.
enum Arrival {
    /// A message with its content, or the announcement of one.
    case message(IncomingMessage)
    /// What became of a message that was sent.
    case report(messageID: InlineBytes<64>, recipient: InlineBytes<100>, code: UInt64)
    /// A System Message, in the document of the session.
    case systemMessage
    /// How others are, in the document of the session.
    case presence
    /// Somebody wants to see how the user is.
    case permission(InlineBytes<100>)
    /// The server ends the session.
    case disconnect
    /// Nothing for the user.
    case other
}

/// Who is told of what arrives.
protocol ArrivalHandler: ~Copyable {
    /// Shows what arrived; the document of the session still holds it.
    mutating func show(_ arrival: Arrival, in session: borrowing Session)
}

/// The envelope of a message; its text is read from the document.
struct IncomingMessage {
    var messageID = InlineBytes<64>()
    var sender = InlineBytes<100>()
    var contentType = InlineBytes<64>()
    /// `20261121T023109Z`, as the server tells it; empty when it does not.
    var dateTime = InlineBytes<20>()
    var isBase64 = false
    var contentSize: UInt64 = 0
    /// The content has to be fetched.
    var isAnnouncement = false
    /// The ContentData element.
    var content: Document.Element?

    /// True when the content can be shown as text.
    var isText: Bool { !isBase64 && contentType.span.starts(with: "text/") || contentType.isEmpty }
}

extension Session {
    /// What the server transaction in the document is. Source: protocol/primitives.md §6.2.
    func arrival() -> Arrival {
        guard let primitive else { return .other }
        switch document.tag(of: primitive) {
        case .newMessage, .getMessageResponse: return message(primitive, isAnnouncement: false)
        case .messageNotification: return message(primitive, isAnnouncement: true)
        case .deliveryReportRequest: return report(primitive)
        case .systemMessageRequest: return .systemMessage
        case .presenceNotificationRequest: return .presence
        case .presenceAuthRequest:
            guard let id = document.word(.userID, in: primitive) else { return .other }
            return .permission(InlineBytes(prefix: id))
        case .disconnect: return .disconnect
        default: return .other
        }
    }

    private func message(_ primitive: Document.Element, isAnnouncement: Bool) -> Arrival {
        guard let info = document.first(.messageInfo, in: primitive),
            let id = document.word(.messageID, in: info), let messageID = InlineBytes<64>(id)
        else { return .other }
        var message = IncomingMessage()
        message.messageID = messageID
        message.sender = userID(.sender, in: info)
        if let type = document.word(.contentType, in: info) {
            message.contentType = InlineBytes(type) ?? InlineBytes()
        }
        if let time = document.word(.dateTime, in: info) { message.dateTime = InlineBytes(time) ?? InlineBytes() }
        if let encoding = document.word(.contentEncoding, in: info) {
            message.isBase64 = encoding.equalsIgnoringCase("BASE64")
        }
        message.contentSize = document.integer(.contentSize, in: info) ?? 0
        message.isAnnouncement = isAnnouncement
        message.content = document.first(.contentData, in: primitive)
        return .message(message)
    }

    private func report(_ primitive: Document.Element) -> Arrival {
        guard let info = document.first(.messageInfo, in: primitive),
            let id = document.word(.messageID, in: info), let messageID = InlineBytes<64>(id)
        else { return .other }
        var code: UInt64 = 200
        if let result = document.first(.result, in: primitive) { code = document.integer(.code, in: result) ?? 200 }
        return .report(messageID: messageID, recipient: userID(.recipient, in: info), code: code)
    }

    private func userID(_ role: Tag, in info: Document.Element) -> InlineBytes<100> {
        guard let element = document.first(role, in: info), let user = document.first(.user, in: element),
            let id = document.word(.userID, in: user)
        else { return InlineBytes() }
        return InlineBytes(id) ?? InlineBytes()
    }

    /// Adds the text of a message, with nothing in it that could command a terminal.
    ///
    /// - Parameter lineBreak: What stands for the end of a line.
    func write(_ message: IncomingMessage, lineBreak: StaticString, into text: inout FixedBytes) {
        guard message.isText, let content = message.content else {
            text.append("[")
            text.append(printable: message.contentType.span, lineBreak: " ")
            text.append(", ")
            text.append(decimal: message.contentSize)
            text.append(" octets]")
            return
        }
        text.append(printable: document.text(of: content), lineBreak: lineBreak)
    }

    /// The message that a GetMessage-Response in the document holds; nil when it holds none.
    func fetchedMessage() -> IncomingMessage? {
        guard case .message(let message) = arrival() else { return nil }
        return message
    }

    /// The MessageID in the answer to a SendMessage-Request; empty when it has none.
    var sentMessageID: InlineBytes<64> {
        guard let primitive, let id = document.word(.messageID, in: primitive) else { return InlineBytes() }
        return InlineBytes(id) ?? InlineBytes()
    }
}

extension FixedBytes {
    /// Adds UTF-8 text without control characters and without those that reorder what is shown.
    mutating func append(printable text: Span<UInt8>, lineBreak: StaticString) {
        var index = 0
        while index < text.count {
            guard let scalar = UTF8.scalar(in: text, at: index) else {
                append("?")
                index += 1
                continue
            }
            switch scalar.value {
            case 0x0A: append(lineBreak)
            case 0x09: append(" ")
            case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: break
            default: append(scalar: scalar.value)
            }
            index += scalar.byteCount
        }
    }

    /// Adds the local time of `20261121T023109Z` as `02:31`, with the day in front when it was not today; now when empty.
    mutating func append(localTime text: Span<UInt8>) {
        let seconds = text.isEmpty ? libc_seconds_since_1970() : CivilTime.seconds(ofBasic: text)
        guard let seconds else { return }
        var line = InlineArray<32, CChar>(repeating: 0)
        var span = line.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe libc_local_time(seconds, buffer.baseAddress, UInt(buffer.count))
        }
        for index in 0..<Int(count) { append(UInt8(bitPattern: line[index])) }
    }
}
