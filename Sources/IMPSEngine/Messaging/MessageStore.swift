import CSP
import Octets
import Wire

/// Messages in pieces: the first has the header, and none is larger than a leaf of the store takes.
extension Engine where Port: ~Copyable {
    /// Keeps a message under a sequence number.
    mutating func storeMessage(_ header: MessageHeader, _ sequence: UInt64, _ content: MessageContent) {
        shares.add(header.share, of: header.senderNumber)
        var content = content
        scratch.removeAll()
        header.write(into: &scratch)
        content.take(Int(Limits.valueByteCountMax) - scratch.count, into: &scratch)
        store.put(Key.message(sequence, piece: 0).span, scratch)
        var piece: UInt8 = 0
        while !content.isAtEnd {
            scratch.removeAll()
            content.take(Int(Limits.valueByteCountMax), into: &scratch)
            piece += 1
            store.put(Key.message(sequence, piece: piece).span, scratch)
        }
    }

    /// The header of a message; nil when it is gone or a report.
    func messageHeader(_ sequence: UInt64) -> MessageHeader? {
        let key = Key.message(sequence, piece: 0)
        guard let piece = store.value(for: key.span) else { return nil }
        return MessageHeader(piece)
    }

    /// Writes ContentData with the content of a message.
    func writeContent(_ sequence: UInt64, _ header: MessageHeader, into writer: inout Writer) {
        writer.openText(.contentData)
        var written = 0
        var piece: UInt8 = 0
        while true {
            let key = Key.message(sequence, piece: piece)
            guard let value = store.value(for: key.span) else { break }
            let content = piece == 0 ? value.extracting(header.byteCount..<value.count) : value
            writer.appendText(content)
            written += content.count
            guard written < Int(header.contentByteCount), piece < .max else { break }
            piece += 1
        }
        writer.closeText(.contentData)
    }

    /// Takes a message away when no mailbox has it any more.
    ///
    /// - Parameter user: Whose entry was just removed.
    mutating func removeMessage(_ sequence: UInt64, after user: UInt32) {
        guard let header = messageHeader(sequence) else { return }
        if header.validity > 0, let expiry = header.expiry(lifetime: settings.lifetimeSeconds) {
            store.delete(Key.expiry(at: expiry, user, sequence).span)
        }
        for index in 0..<header.recipientCount
        where header.recipients[index] != user && mailboxEntry(header.recipients[index], sequence) != nil {
            return
        }
        shares.remove(header.share, of: header.senderNumber)
        var piece: UInt8 = 0
        while store.delete(Key.message(sequence, piece: piece).span), piece < .max { piece += 1 }
    }

    /// Counts how much of the store each sender has.
    mutating func countShares() {
        shares.removeAll()
        var sequence: UInt64 = 0
        while let next = messageNumber(after: sequence) {
            sequence = next
            if let header = messageHeader(next) { shares.add(header.share, of: header.senderNumber) }
        }
    }

    /// Whether a sender may have one more message in the store: a quarter of it at most, and when it is nearly full, a small
    /// one if he has no other.
    func hasStoreRoom(byteCount: UInt32, from sender: UInt32) -> Bool {
        let own = shares.byteCount(of: sender)
        guard own + UInt64(byteCount) <= store.byteCountMax / 4 else { return false }
        return store.hasRoom || store.hasReserve && own == 0 && byteCount <= 4096
    }

    // MARK: MessageID

    /// The MessageID of a message: its sequence number in decimal with a letter in front.
    func messageID(_ sequence: UInt64) -> InlineBytes<24> {
        var text = InlineBytes<24>()
        _ = text.append(0x6D)
        _ = text.append(Decimal.digits(of: sequence).span)
        return text
    }

    /// The message that a MessageID names; nil when it is none of ours.
    func sequence(ofMessageID text: Span<UInt8>) -> UInt64? {
        guard text.count > 1, text[0].asciiLowercased == 0x6D else { return nil }
        return Decimal.parse(text.extracting(1..<text.count))
    }

    /// The message with the MessageID in a child of `element`, if it waits for the user of the session.
    ///
    /// - Throws: 402 without MessageID, 426 for one that is not in the user's mailbox.
    func ownMessage(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16
    ) throws(Refusal) -> UInt64 {
        guard let id = document.first(.messageID, in: element) else {
            throw Refusal(.badParameter, "MessageID missing")
        }
        guard let sequence = ownMessage(document.word(of: id), in: slot) else { throw Refusal(.invalidMessageID) }
        return sequence
    }

    /// The message with a MessageID, if it waits for the user of the session and is not held back from it: what a session
    /// may not see it can neither fetch nor confirm, refuse or pass on.
    func ownMessage(_ id: Span<UInt8>, in slot: UInt16) -> UInt64? {
        guard let sequence = sequence(ofMessageID: id),
            mailboxEntry(sessions[slot].user, sequence)?.kind == .message,
            !sessions[slot].isRestricted && mayReceive(slot) || isFromSystem(sequence)
        else { return nil }
        return sequence
    }

    // MARK: MessageInfo

    /// MessageInfo of a message for one recipient. Source: protocol/primitives.md §6.1, §6.2 rule 5.
    func writeMessageInfo(
        _ sequence: UInt64, _ header: MessageHeader, recipient: Span<UInt8>, into writer: inout Writer
    ) {
        writer.open(.messageInfo)
        writer.text(.messageID, messageID(sequence).span)
        writer.text(.contentType, header.contentType.span)
        writer.text(.contentEncoding, header.isBase64 ? "BASE64" : "None")
        writer.integer(.contentSize, UInt64(header.contentByteCount))
        writeUser(.recipient, recipient, into: &writer)
        writeUser(.sender, header.sender.span, into: &writer)
        if header.sent > 0, !header.isSentGuessed { writer.time(.dateTime, header.sent) }
        if header.validity > 0 { writer.integer(.validity, UInt64(header.validity)) }
        writer.close(.messageInfo)
    }

    /// Recipient or Sender with one user.
    func writeUser(_ tag: Tag, _ address: Span<UInt8>, into writer: inout Writer) {
        writer.open(tag)
        writer.open(.user)
        writer.text(.userID, address)
        writer.close(.user)
        writer.close(tag)
    }
}
