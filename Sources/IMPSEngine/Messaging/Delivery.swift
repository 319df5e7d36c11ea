import CSP
import Octets
import Wire

/// What the server says by itself in a session.
private enum ServerTransaction {
    /// The session is over.
    case disconnect
    /// An entry of the mailbox, by its number.
    case entry(UInt64)
    /// What changed of those whom the session watches.
    case presence
}

/// Server transactions: what waits for a session goes out with its polls and is watched until it is answered.
///
/// The TransactionID of a server transaction is the number of the mailbox entry. So a second delivery has the id of the
/// first one, also after a restart, and clients that drop what they had already do so.
///
/// Source: protocol/transport.md §3.
extension Mailboxes where Port: ~Copyable {
    // MARK: What to send

    /// What a session gets next, the one place for the order: the end of the session before all else, then what lies in
    /// the mailbox, questions, messages and reports alike in the order of arrival; then, once, the newest of presence. nil
    /// when nothing may go now. Presence waits for room in the client's window; what lies in the mailbox does not wait for
    /// the answer to presence.
    private func next(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ now: Instant
    ) -> ServerTransaction? {
        guard sessions[slot].isOpen else { return nil }
        if sessions[slot].closing != 0 { return .disconnect }
        guard sessions[slot].isReady else { return nil }
        if sessions[slot].delivery.mayHaveMore, let entry = nextEntry(in: slot, &sessions, records, now) {
            return .entry(entry)
        }
        if sessions.hasPresence(slot, records, now), sessions.hasWindow(slot, records.settings, now) {
            return .presence
        }
        return nil
    }

    /// Whether a poll would bring something now: the Poll flag. What waits behind a full window comes with the answer
    /// that the client owes; a poll for it would be wasted. Source: CL-13.
    func hasMore(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ now: Instant
    ) -> Bool {
        next(in: slot, &sessions, records, now) != nil
    }

    /// Writes the next server transaction of a session; false when there is none to send now.
    mutating func sendNext(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) -> Bool {
        while let transaction = next(in: slot, &sessions, records, turn.now) {
            switch transaction {
            case .disconnect:
                sendDisconnect(in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer)
                return true
            case .entry(let sequence):
                let mark = writer.mark
                if send(sequence, in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer) {
                    return true
                }
                writer.rewind(to: mark)
            case .presence:
                if sessions.sendPresence(in: slot, &records, turn.now, &envelope, into: &writer) { return true }
            }
        }
        return false
    }

    /// Adds server transactions to a message for a client that agreed to more than one in it, and only those that fit in
    /// any case: what would have to be cut short goes in a message of its own.
    ///
    /// - Source: protocol/transport.md §3.2, rule 4, and §4.
    mutating func sendMore(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        while sessions[slot].isOpen,
            envelope.transactionCount < sessions[slot].capabilities.multiTransPerMessage,
            case .entry(let next) = next(in: slot, &sessions, records, turn.now),
            let entry = records.mailboxEntry(sessions[slot].user, next),
            writer.output.freeCapacity > byteCountMax(of: entry)
        {
            let mark = writer.mark
            let before = envelope
            // One that is over is gone now, and the next one is looked at in its turn.
            if !send(next, in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer) {
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

    /// The next entry of the mailbox: what was never sent goes first, in the order of arrival; what was not answered takes
    /// the room that is left. nil when the client keeps as many open as it can, or nothing waits.
    ///
    /// - Source: CL-10; protocol/transport.md §3.2, §3.3.
    private func nextEntry(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ now: Instant
    ) -> UInt64? {
        let hasRoom = sessions.hasWindow(slot, records.settings, now)
        guard hasRoom else { return nil }
        if let sequence = newEntry(in: slot, &sessions, records) { return sequence }
        var last: UInt64 = 0
        while let repeated = sessions.dueAgain(slot, after: last, records.settings, now) {
            last = repeated
            // What was sent before a question closed the session waits for the answer too.
            guard let entry = records.mailboxEntry(sessions[slot].user, repeated),
                isHeld(entry, repeated, in: slot, sessions)
            else { return repeated }
        }
        return nil
    }

    /// The first entry after what was sent that this session should get.
    private func newEntry(in slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>)
        -> UInt64?
    {
        let user = sessions[slot].user
        let session = sessions[slot].number
        var sequence = max(sessions[slot].delivery.sentUpTo, sessions[slot].delivery.passedBy)
        var meetsOutstanding = false
        while let next = records.entryNumber(after: sequence, of: user) {
            sequence = next
            guard let entry = records.mailboxEntry(user, next) else { continue }
            // What another session confirmed is for the sessions that were there when it came.
            let isRead = entry.confirmationCount > 0 && (session > next || entry.isConfirmed(by: session))
            if !isRead, !isHeld(entry, next, in: slot, sessions) {
                if sessions.outstanding(of: next, in: slot) == nil { return next }
                meetsOutstanding = true
            }
            // What stays back is not looked at with each poll, however much it is.
            if !meetsOutstanding { sessions[slot].delivery.passedBy = next }
        }
        sessions[slot].delivery.mayHaveMore = sessions.hasOutstanding(slot)
        return nil
    }

    /// Whether an entry stays where it is as far as a session goes: until a question is answered, because the user wants
    /// it so, or because his level has no messages.
    private func isHeld(
        _ entry: MailboxEntry, _ sequence: UInt64, in slot: UInt16, _ sessions: borrowing Sessions<Port>
    ) -> Bool {
        if entry.isQuiet { return true }
        if entry.kind == .presenceAuth {
            return sessions[slot].access.isRestricted || !sessions.isAgreed(.presenceAuthUser, in: slot)
        }
        if entry.kind == .notification {
            return sessions[slot].access.isRestricted || !sessions[slot].presence.isNotified
        }
        let holds = sessions[slot].access.holdsMail && sequence < sessions[slot].number
        guard sessions[slot].access.isRestricted || holds || !mayReceive(slot, sessions) else { return false }
        switch entry.kind {
        case .service, .presenceAuth, .notification: return false
        case .report: return sessions[slot].access.isRestricted
        case .message: return entry.isOfPerson
        }
    }

    /// Whether the level of a session has messages at all.
    func mayReceive(_ slot: UInt16, _ sessions: borrowing Sessions<Port>) -> Bool {
        !sessions[slot].access.level.intersection(.below(.imReceiveFunc)).isEmpty
    }

    // MARK: What was sent

    /// Remembers that an entry is on its way; the oldest one that nobody answers makes room, and waits for the next session.
    private mutating func noteSent(
        _ sequence: UInt64, as form: SentForm, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        sessions[slot].delivery.sentUpTo = max(sessions[slot].delivery.sentUpTo, sequence)
        let evicted = sessions.noteSent(sequence, as: form, in: slot, turn.now)
        if let evicted { noteInVain(evicted, in: slot, &sessions, systemMessages, &records, &turn) }
    }

    // MARK: Sending

    /// Writes one entry as a transaction; false when it is gone or cannot be sent to this session.
    private mutating func send(
        _ sequence: UInt64, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        _ envelope: inout Envelope, into writer: inout Writer
    ) -> Bool {
        let user = sessions[slot].user
        envelope.openTransaction(.request, id: sessions[slot].transactionID(sequence).span, into: &writer)
        guard let form = write(sequence, in: slot, &sessions, systemMessages, &records, &turn, into: &writer) else {
            removeEntry(sequence, of: user, &records)
            sessions.forget(sequence, in: slot)
            return false
        }
        noteSent(sequence, as: form, in: slot, &sessions, systemMessages, &records, &turn)
        envelope.closeTransaction(into: &writer)
        return true
    }

    /// Writes the primitive of an entry; nil when there is nothing to send any more.
    private mutating func write(
        _ sequence: UInt64, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into writer: inout Writer
    ) -> SentForm? {
        let user = sessions[slot].user
        guard var kind = records.mailboxEntry(user, sequence)?.kind else { return nil }
        if kind == .service, sessions[slot].access.asksByMessage,
            systemMessages.turnIntoMessage(sequence, in: slot, sessions, &self, &records, turn)
        {
            kind = .message
        }
        switch kind {
        case .message:
            guard let header = records.messageHeader(sequence), !records.isExpired(header, turn.wall) else {
                expire(sequence, of: user, &sessions, &records, &turn)
                return nil
            }
            guard !systemMessages.isOverAsked(sequence, of: user, records, turn.wall) else { return nil }
            return sendMessage(sequence, header, in: slot, sessions, records, into: &writer)
        case .report: return sendReport(sequence, in: slot, sessions, records, into: &writer) ? .deliveryReport : nil
        case .service:
            let mark = writer.mark
            guard systemMessages.sendService(sequence, in: slot, sessions, &records, turn, into: &writer) else {
                return nil
            }
            // What is too large for the client's parser it fetches as a message.
            guard writer.isOverflowed || writer.output.freeCapacity <= Limits.envelopeEndByteCount else {
                return .systemMessage
            }
            writer.rewind(to: mark)
            guard systemMessages.turnIntoMessage(sequence, in: slot, sessions, &self, &records, turn),
                let header = records.messageHeader(sequence)
            else { return nil }
            return sendMessage(sequence, header, in: slot, sessions, records, into: &writer)
        case .presenceAuth: return records.writePresenceAuth(sequence, into: &writer) ? .presenceAuth : nil
        case .notification: return records.writeNotification(sequence, into: &writer) ? .notification : nil
        }
    }

    /// NewMessage, or MessageNotification for a session that wants to fetch messages or cannot take this one.
    ///
    /// - Source: protocol/primitives.md §6.2, rule 4.
    @inline(never)
    private func sendMessage(
        _ sequence: UInt64, _ header: MessageHeader, in slot: UInt16, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) -> SentForm {
        let recipient = records.account(of: sessions[slot].user)?.display ?? InlineBytes<100>()
        let mark = writer.mark
        if isPushed(header, in: slot, sessions, records) {
            writer.open(.newMessage)
            writer.messageInfo(sequence, header, recipient: recipient.span)
            records.writeContent(sequence, header, into: &writer)
            writer.close(.newMessage)
            // Room for the end of the envelope has to stay too.
            if !writer.isOverflowed, writer.output.freeCapacity > Limits.envelopeEndByteCount { return .newMessage }
            writer.rewind(to: mark)
        }
        writer.open(.messageNotification)
        writer.messageInfo(sequence, header, recipient: recipient.span)
        writer.close(.messageNotification)
        return .messageNotification
    }

    /// Whether a session gets a message itself, as far as what was agreed goes.
    private func isPushed(
        _ header: MessageHeader, in slot: UInt16, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>
    ) -> Bool {
        sessions[slot].delivery.method == .push
            && header.contentByteCount <= sessions[slot].capabilities.acceptedContentLength
            && sessions.accepts(header.contentType.span, in: slot, records)
    }

    /// Disconnect is complete when it is sent: A closes at once and never answers. Source: protocol/transport.md §3.3.
    private mutating func sendDisconnect(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        let code = StatusCode(rawValue: sessions[slot].closing) ?? .forcedLogout
        let why = sessions[slot].closingReason.words
        let id = sessions[slot].transactionID(records.takeSequence())
        envelope.openTransaction(.request, id: id.span, into: &writer)
        writer.open(.disconnect)
        writer.result(code, why)
        writer.close(.disconnect)
        envelope.closeTransaction(into: &writer)
        sessions.endSession(slot, .disconnected, &self, systemMessages, &records, &turn)
    }

    // MARK: Answers of the client

    /// A client closes a server transaction. What names none of ours is ignored.
    ///
    /// - Source: protocol/session.md §1.4, protocol/transport.md §3.2, rule 3; CL-31.
    mutating func responseArrived(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard let element = request.element, sessions[slot].closing == 0 else { return }
        if document.tag(of: element) == .messageDelivered {
            if let id = document.first(.messageID, in: element),
                let sequence = MessageID.sequence(document.word(of: id))
            {
                noteConfirms(slot, &sessions, &records)
                if wasSent(sequence, to: slot, sessions, records) {
                    confirm(sequence, in: slot, &sessions, systemMessages, &records, &turn)
                }
            }
        }
        guard let id = request.transactionID,
            let sequence = sessions[slot].transactionNumber(document.word(of: id)),
            wasSent(sequence, to: slot, sessions, records),
            let entry = records.mailboxEntry(sessions[slot].user, sequence)
        else { return }
        let form = form(of: sequence, entry, in: slot, sessions, records)
        sessions[slot].delivery.answered.noteAnswer(to: form)
        let isSuccess = isSuccess(document, element)
        switch form {
        // Any other answer than MessageDelivered, a Status for a MessageNotification above all, means that the client
        // knows of the message. It waits until it is fetched, or for the next session.
        // Whether somebody may see the user is asked until he says so, in each of his sessions once.
        case .messageNotification, .fetched, .presenceAuth: sessions.forget(sequence, in: slot)
        case .newMessage where isSuccess && document.tag(of: element) == .status:
            noteConfirms(slot, &sessions, &records)
            confirm(sequence, in: slot, &sessions, systemMessages, &records, &turn)
        case .newMessage: sessions.forget(sequence, in: slot)
        case .deliveryReport, .notification:
            sessions.forget(sequence, in: slot)
            removeEntry(sequence, of: sessions[slot].user, &records)
        case .systemMessage where isSuccess:
            sessions.forget(sequence, in: slot)
            systemMessages.serviceShown(sequence, in: slot, &sessions, &self, &records, turn)
        // Nobody was shown what the client does not know.
        case .systemMessage: systemMessages.askByMessage(instead: sequence, in: slot, &sessions, &self, &records, turn)
        }
    }

    /// Whether an entry went out to a session, so that its client can have anything to say about it. What went out before
    /// the engine started is not remembered one by one: then what is not held back counts.
    @inline(never)
    func wasSent(
        _ sequence: UInt64, to slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>
    ) -> Bool {
        if sessions.outstanding(of: sequence, in: slot) != nil { return true }
        guard sequence <= max(sessions[slot].delivery.sentUpTo, sessions[slot].delivery.resumedAt) else { return false }
        guard let entry = records.mailboxEntry(sessions[slot].user, sequence) else { return true }
        return !isHeld(entry, sequence, in: slot, sessions)
    }

    /// How an entry was sent that a client answers; after a restart, how it would be.
    private func form(
        of sequence: UInt64, _ entry: MailboxEntry, in slot: UInt16, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>
    ) -> SentForm {
        if let outstanding = sessions.outstanding(of: sequence, in: slot) { return outstanding.form }
        switch entry.kind {
        case .message:
            guard let header = records.messageHeader(sequence) else { return .messageNotification }
            return isPushed(header, in: slot, sessions, records) ? .newMessage : .messageNotification
        case .report: return .deliveryReport
        case .service: return .systemMessage
        case .presenceAuth: return .presenceAuth
        case .notification: return .notification
        }
    }

    /// Whether an answer says that all is well; one without a code does.
    private func isSuccess(_ document: borrowing Document, _ element: Document.Element) -> Bool {
        guard let result = document.first(.result, in: element), let code = document.integer(.code, in: result) else {
            return true
        }
        return code < 400
    }
}
