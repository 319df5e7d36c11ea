import CSP
import Octets
import Wire

/// Messages in pieces: the first has the header, and none is larger than a leaf of the store takes.
extension Mailboxes where Port: ~Copyable {
    /// Keeps a message under a sequence number.
    mutating func storeMessage(
        _ header: MessageHeader, _ sequence: UInt64, _ content: MessageContent, _ records: inout Records<Port>
    ) {
        shares.add(header.share, of: header.senderNumber)
        var content = content
        records.scratch.removeAll()
        header.write(into: &records.scratch)
        content.take(Int(Limits.valueByteCountMax) - records.scratch.count, into: &records.scratch)
        records.store.put(Key.message(sequence, piece: 0).span, records.scratch)
        var piece: UInt8 = 0
        while !content.isAtEnd {
            records.scratch.removeAll()
            content.take(Int(Limits.valueByteCountMax), into: &records.scratch)
            piece += 1
            records.store.put(Key.message(sequence, piece: piece).span, records.scratch)
        }
    }

    /// Takes a message away when no mailbox has it any more.
    ///
    /// - Parameter user: Whose entry was just removed.
    mutating func removeMessage(_ sequence: UInt64, after user: UInt32, _ records: inout Records<Port>) {
        guard let header = records.messageHeader(sequence) else { return }
        if header.validity > 0, let expiry = header.expiry(lifetime: records.settings.lifetimeSeconds) {
            records.store.delete(Key.expiry(at: expiry, user, sequence).span)
        }
        for index in 0..<header.recipientCount
        where header.recipients[index] != user && records.mailboxEntry(header.recipients[index], sequence) != nil {
            return
        }
        shares.remove(header.share, of: header.senderNumber)
        var piece: UInt8 = 0
        while records.store.delete(Key.message(sequence, piece: piece).span), piece < .max { piece += 1 }
    }

    /// Becomes what the store says. A turn that was not kept changes little of the shares, and they take long to count: so
    /// that is done a minute later, once for all such turns.
    mutating func reload(_ records: borrowing Records<Port>, isFirst: Bool, _ now: Instant) {
        if isFirst { return countShares(records) }
        if sharesAt == nil { sharesAt = now.adding(seconds: 60) }
        if let sharesAt { deadline.schedule(at: sharesAt) }
    }

    /// Counts the shares anew, when it is time.
    mutating func countSharesAgain(_ records: borrowing Records<Port>, _ now: Instant) {
        guard let sharesAt else { return }
        guard sharesAt <= now else { return deadline.schedule(at: sharesAt) }
        self.sharesAt = nil
        countShares(records)
    }

    /// Counts how much of the store each sender has.
    mutating func countShares(_ records: borrowing Records<Port>) {
        shares.removeAll()
        var sequence: UInt64 = 0
        while let next = records.messageNumber(after: sequence) {
            sequence = next
            if let header = records.messageHeader(next) { shares.add(header.share, of: header.senderNumber) }
        }
    }

    /// Whether a sender may have one more message in the store: a quarter of it at most, and when it is nearly full, a small
    /// one if he has no other.
    func hasStoreRoom(byteCount: UInt32, from sender: UInt32, _ records: borrowing Records<Port>) -> Bool {
        let own = shares.byteCount(of: sender)
        guard own + UInt64(byteCount) <= records.store.byteCountMax / 4 else { return false }
        return records.store.hasRoom || records.store.hasReserve && own == 0 && byteCount <= 4096
    }

    // MARK: MessageID

    /// The message with the MessageID in a child of `element`, if it waits for the user of the session.
    ///
    /// - Throws: 402 without MessageID, 426 for one that is not in the user's mailbox.
    func ownMessage(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>
    ) throws(Refusal) -> UInt64 {
        guard let id = document.first(.messageID, in: element) else {
            throw Refusal(.badParameter, "MessageID missing")
        }
        guard let sequence = ownMessage(document.word(of: id), in: slot, sessions, records) else {
            throw Refusal(.invalidMessageID)
        }
        return sequence
    }

    /// The message with a MessageID, if it waits for the user of the session and is not held back from it: what a session
    /// may not see it can neither fetch nor confirm, refuse or pass on.
    func ownMessage(
        _ id: Span<UInt8>, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>
    ) -> UInt64? {
        guard let sequence = MessageID.sequence(id),
            let entry = records.mailboxEntry(sessions[slot].user, sequence), entry.kind == .message,
            !entry.isOfPerson || !sessions[slot].access.isRestricted && mayReceive(slot, sessions)
        else { return nil }
        return sequence
    }
}

extension Records where Port: ~Copyable {
    /// Keeps a System Message on its way under a sequence number.
    mutating func store(_ message: ServiceMessage, _ sequence: UInt64) {
        scratch.removeAll()
        message.write(into: &scratch)
        store.put(Key.message(sequence, piece: 0).span, scratch)
    }

    /// The header of a message; nil when it is gone or a report.
    func messageHeader(_ sequence: UInt64) -> MessageHeader? {
        let key = Key.message(sequence, piece: 0)
        guard let piece = store.value(for: key.span) else { return nil }
        return MessageHeader(piece)
    }

    /// Whether the sender of a message wants to know what becomes of it.
    func wantsReport(_ sequence: UInt64) -> Bool {
        guard let piece = store.value(for: Key.message(sequence, piece: 0).span) else { return false }
        return MessageHeader.wantsReport(piece)
    }

    /// Writes ContentData with the content of a message.
    func writeContent(_ sequence: UInt64, _ header: MessageHeader, into writer: inout Writer) {
        writer.openText(.contentData)
        writeText(sequence, header, into: &writer)
        writer.closeText(.contentData)
    }

    /// Writes the content of a message as a piece of text.
    @inline(never)
    func writeText(_ sequence: UInt64, _ header: MessageHeader, into writer: inout Writer) {
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
    }
}
