import CSP
import Octets
import Wire

/// Server transactions: what waits for a session goes out with its polls and is watched until it is answered.
///
/// The TransactionID of a server transaction is the number of the mailbox entry. So a second delivery has the id of the
/// first one, also after a restart, and clients that drop what they had already do so.
///
/// Source: protocol/transport.md §3.
extension Engine where Port: ~Copyable {
    // MARK: What to send

    /// Whether more than what was sent waits for a session: the Poll flag.
    mutating func hasMore(in slot: UInt16, _ now: Instant) -> Bool {
        if !sessions[slot].isOpen { return false }
        if sessions[slot].closing != 0 { return true }
        guard sessions[slot].isReady, sessions[slot].mayHaveMore else { return false }
        return redelivery(in: slot, now) != nil || newEntry(in: slot) != nil
    }

    /// Writes the next server transaction of a session; false when there is none to send now.
    mutating func sendNext(
        in slot: UInt16, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) -> Bool {
        if sessions[slot].closing != 0 {
            sendDisconnect(in: slot, &turn, &envelope, into: &writer)
            return true
        }
        guard sessions[slot].isReady, sessions[slot].mayHaveMore else { return false }
        while let sequence = nextEntry(in: slot, turn.now) {
            let mark = writer.mark
            if send(sequence, in: slot, &turn, &envelope, into: &writer) { return true }
            writer.rewind(to: mark)
        }
        return false
    }

    /// Adds server transactions to a message for a client that agreed to more than one in it, and only those that fit in
    /// any case: what would have to be cut short goes in a message of its own.
    ///
    /// - Source: protocol/transport.md §3.2, rule 4, and §4.
    mutating func sendMore(
        in slot: UInt16, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        while sessions[slot].isOpen, sessions[slot].closing == 0, sessions[slot].isReady, sessions[slot].mayHaveMore,
            envelope.transactionCount < sessions[slot].capabilities.multiTransPerMessage,
            let next = nextEntry(in: slot, turn.now), let entry = mailboxEntry(sessions[slot].user, next),
            writer.output.freeCapacity > byteCountMax(of: entry)
        {
            let mark = writer.mark
            let before = envelope
            // One that is over is gone now, and the next one is looked at in its turn.
            if !send(next, in: slot, &turn, &envelope, into: &writer) {
                writer.rewind(to: mark)
                envelope = before
            }
        }
    }

    /// More octets than an entry takes in a message, every character escaped, with the end of the message. A System
    /// Message, with options that may be long, goes in a message of its own.
    private func byteCountMax(of entry: MailboxEntry) -> Int {
        entry.kind == .service ? .max : 6 * Int(entry.byteCount) + 4096
    }

    /// The entry to send now: one that was not answered in time, else the next one that was never sent; nil when as many
    /// are open as the client keeps, or nothing waits.
    private mutating func nextEntry(in slot: UInt16, _ now: Instant) -> UInt64? {
        var open: UInt8 = 0
        for index in 0..<Int(Limits.outstandingCountMax) {
            let outstanding = sessions[slot].outstanding[index]
            if outstanding.sequence != 0, !isOverdue(outstanding, now) { open += 1 }
        }
        guard open < sessions[slot].capabilities.multiTrans else { return nil }
        return redelivery(in: slot, now) ?? newEntry(in: slot)
    }

    private func isOverdue(_ outstanding: Outstanding, _ now: Instant) -> Bool {
        now.seconds &- outstanding.sentAt >= settings.guardSeconds
    }

    /// The oldest entry that was sent, not answered within the guard time, and not sent often enough yet.
    private func redelivery(in slot: UInt16, _ now: Instant) -> UInt64? {
        var oldest: UInt64?
        for index in 0..<Int(Limits.outstandingCountMax) {
            let outstanding = sessions[slot].outstanding[index]
            guard outstanding.sequence != 0, isOverdue(outstanding, now),
                outstanding.deliveries < settings.deliveriesMax
            else { continue }
            oldest = min(oldest ?? .max, outstanding.sequence)
        }
        return oldest
    }

    /// The first entry after what was sent that this session should get.
    private mutating func newEntry(in slot: UInt16) -> UInt64? {
        let user = sessions[slot].user
        let session = sessions[slot].number
        var sequence = sessions[slot].sentUpTo
        while let next = entryNumber(after: sequence, of: user) {
            sequence = next
            guard let entry = mailboxEntry(user, next) else { continue }
            // What another session confirmed is for the sessions that were there when it came.
            let isRead = entry.confirmationCount > 0 && (session > next || entry.isConfirmed(by: session))
            if !isRead, !isHeld(entry, next, in: slot), !isOutstanding(next, in: slot) { return next }
        }
        sessions[slot].mayHaveMore = hasOutstanding(in: slot)
        return nil
    }

    /// Whether an entry stays where it is as far as a session goes: until a question is answered, because the user wants
    /// it so, or because his level has no messages.
    private func isHeld(_ entry: MailboxEntry, _ sequence: UInt64, in slot: UInt16) -> Bool {
        if entry.isQuiet { return true }
        let holds = sessions[slot].holdsMail && sequence < sessions[slot].number
        guard sessions[slot].isRestricted || holds || !mayReceive(slot) else { return false }
        switch entry.kind {
        case .service: return false
        case .report: return sessions[slot].isRestricted
        case .message: return !isFromSystem(sequence)
        }
    }

    /// Whether the level of a session has messages at all.
    func mayReceive(_ slot: UInt16) -> Bool {
        !sessions[slot].level.intersection(.below(.imReceiveFunc)).isEmpty
    }

    private func isOutstanding(_ sequence: UInt64, in slot: UInt16) -> Bool {
        for index in 0..<Int(Limits.outstandingCountMax) where sessions[slot].outstanding[index].sequence == sequence {
            return true
        }
        return false
    }

    private func hasOutstanding(in slot: UInt16) -> Bool {
        for index in 0..<Int(Limits.outstandingCountMax) where sessions[slot].outstanding[index].sequence != 0 {
            return true
        }
        return false
    }

    // MARK: What was sent

    /// Remembers that an entry is on its way; the oldest one that nobody answers makes room.
    private mutating func noteSent(_ sequence: UInt64, in slot: UInt16, _ now: Instant) {
        sessions[slot].sentUpTo = max(sessions[slot].sentUpTo, sequence)
        var place = 0
        for index in 0..<Int(Limits.outstandingCountMax) {
            let outstanding = sessions[slot].outstanding[index]
            if outstanding.sequence == sequence {
                place = index
                break
            }
            if outstanding.sequence < sessions[slot].outstanding[place].sequence { place = index }
        }
        if sessions[slot].outstanding[place].sequence != sequence {
            sessions[slot].outstanding[place] = Outstanding(sequence: sequence)
        }
        sessions[slot].outstanding[place].sentAt = now.seconds
        if sessions[slot].outstanding[place].deliveries < .max { sessions[slot].outstanding[place].deliveries += 1 }
    }

    mutating func forgetOutstanding(_ sequence: UInt64, in slot: UInt16) {
        for index in 0..<Int(Limits.outstandingCountMax) where sessions[slot].outstanding[index].sequence == sequence {
            sessions[slot].outstanding[index] = Outstanding()
        }
    }

    // MARK: Sending

    /// Writes one entry as a transaction; false when it is gone or cannot be sent to this session.
    private mutating func send(
        _ sequence: UInt64, in slot: UInt16, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) -> Bool {
        let user = sessions[slot].user
        guard var entry = mailboxEntry(user, sequence) else {
            forgetOutstanding(sequence, in: slot)
            sessions[slot].sentUpTo = max(sessions[slot].sentUpTo, sequence)
            return false
        }
        if entry.kind == .service, sessions[slot].asksByMessage, turnIntoMessage(sequence, turn) {
            entry.kind = .message
        }
        noteSent(sequence, in: slot, turn.now)
        envelope.openTransaction(.request, id: Decimal.digits(of: sequence).span, into: &writer)
        switch entry.kind {
        case .message:
            guard let header = messageHeader(sequence), !isExpired(header, turn.wall) else {
                expire(sequence, of: user, &turn)
                forgetOutstanding(sequence, in: slot)
                return false
            }
            guard !isOverAsked(sequence, of: user, turn.wall) else {
                removeEntry(sequence, of: user)
                forgetOutstanding(sequence, in: slot)
                return false
            }
            sendMessage(sequence, header, in: slot, into: &writer)
        case .report:
            guard sendReport(sequence, in: slot, into: &writer) else {
                removeEntry(sequence, of: user)
                forgetOutstanding(sequence, in: slot)
                return false
            }
        case .service:
            let mark = writer.mark
            guard sendService(sequence, turn, into: &writer) else {
                removeEntry(sequence, of: user)
                forgetOutstanding(sequence, in: slot)
                return false
            }
            // What is too large for the client's parser it fetches as a message.
            if writer.isOverflowed || writer.output.freeCapacity <= envelopeEndByteCount {
                writer.rewind(to: mark)
                guard turnIntoMessage(sequence, turn), let header = messageHeader(sequence) else { return false }
                sendMessage(sequence, header, in: slot, into: &writer)
            }
        }
        envelope.closeTransaction(into: &writer)
        return true
    }

    /// NewMessage, or MessageNotification for a session that wants to fetch messages or cannot take this one.
    ///
    /// - Source: protocol/primitives.md §6.2, rule 4.
    private func sendMessage(_ sequence: UInt64, _ header: MessageHeader, in slot: UInt16, into writer: inout Writer) {
        let recipient = account(of: sessions[slot].user)?.display ?? InlineBytes<100>()
        let mark = writer.mark
        if sessions[slot].deliveryMethod == .push,
            header.contentByteCount <= sessions[slot].capabilities.acceptedContentLength,
            accepts(header.contentType.span, in: slot)
        {
            writer.open(.newMessage)
            writeMessageInfo(sequence, header, recipient: recipient.span, into: &writer)
            writeContent(sequence, header, into: &writer)
            writer.close(.newMessage)
            // Room for the end of the envelope has to stay too.
            if !writer.isOverflowed, writer.output.freeCapacity > envelopeEndByteCount { return }
            writer.rewind(to: mark)
        }
        writer.open(.messageNotification)
        writeMessageInfo(sequence, header, recipient: recipient.span, into: &writer)
        writer.close(.messageNotification)
    }

    /// Octets that the end of a message needs after its last primitive.
    var envelopeEndByteCount: Int { 100 }

    /// Disconnect is complete when it is sent: A closes at once and never answers. Source: protocol/transport.md §3.3.
    private mutating func sendDisconnect(
        in slot: UInt16, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        let code = StatusCode(rawValue: sessions[slot].closing) ?? .forcedLogout
        let why = sessions[slot].closingReason.words
        envelope.openTransaction(.request, id: Decimal.digits(of: takeSequence()).span, into: &writer)
        writer.open(.disconnect)
        writer.result(code, why)
        writer.close(.disconnect)
        envelope.closeTransaction(into: &writer)
        endSession(slot, .disconnected, &turn)
    }

    // MARK: Answers of the client

    /// A client closes a server transaction. What names none of ours is ignored.
    ///
    /// - Source: protocol/session.md §1.4, protocol/transport.md §3.2, rule 3.
    mutating func responseArrived(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ turn: inout Turn
    ) {
        guard let element = request.element, sessions[slot].closing == 0 else { return }
        if document.tag(of: element) == .messageDelivered {
            if let id = document.first(.messageID, in: element),
                let sequence = sequence(ofMessageID: document.word(of: id))
            {
                confirm(sequence, in: slot, &turn)
            }
        }
        guard let id = request.transactionID, let sequence = Decimal.parse(document.word(of: id)),
            let entry = mailboxEntry(sessions[slot].user, sequence)
        else { return }
        forgetOutstanding(sequence, in: slot)
        switch entry.kind {
        case .message:
            // Any other answer than MessageDelivered, a Status for a MessageNotification above all, means that the
            // client knows of the message. It waits until it is fetched, or for the next session.
            break
        case .report: removeEntry(sequence, of: sessions[slot].user)
        case .service: serviceShown(sequence, sessions[slot].user, turn.wall)
        }
    }
}
