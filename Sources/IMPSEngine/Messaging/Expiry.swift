import CSP
import Octets
import Wire

/// Messages that nobody fetched in time.
///
/// Messages are stored in the order of arrival, so those with the lifetime of the mailbox expire from the front; only a
/// message that may live shorter has an entry of its own in the index by time.
extension Mailboxes where Port: ~Copyable {
    /// Takes an expired message out of a mailbox and tells the sender (542).
    @inline(never)
    mutating func expire(
        _ sequence: UInt64, of user: UInt32, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard let entry = records.mailboxEntry(user, sequence) else { return }
        if entry.isHandedOver, let header = records.messageHeader(sequence), header.wantsReport,
            !records.isExpired(header, turn.wall)
        {
            return
        }
        if entry.confirmationCount == 0, !entry.isHandedOver {
            counters.expired += 1
            report(.messageExpired, about: sequence, to: user, &sessions, &records, turn.wall)
            if turn.journal.begin(.expired, turn.now, turn.wall) {
                records.logUser(user, &turn)
                turn.journal.text("msg", MessageID.text(sequence).span)
                turn.journal.end()
            }
        }
        removeEntry(sequence, of: user, &records)
    }

    /// Sees to it that a message is looked at when it expires.
    @inline(never)
    mutating func scheduleExpiry(
        _ header: MessageHeader, _ sequence: UInt64, of user: UInt32, _ records: inout Records<Port>,
        _ turn: borrowing Turn
    ) {
        guard let expiry = header.expiry(lifetime: records.settings.lifetimeSeconds) else { return }
        if header.validity > 0 {
            records.scratch.removeAll()
            records.store.put(Key.expiry(at: expiry, user, sequence).span, records.scratch)
        }
        scheduleExpirySweep(at: expiry, turn)
    }

    /// Turns a wall time into a moment of the monotonic clock, at most a day ahead: the wall clock may be set until then.
    mutating func scheduleExpirySweep(at seconds: UInt64, _ turn: borrowing Turn) {
        guard turn.wall.isTrusted else { return }
        let wait = min(86_400, max(1, seconds - min(seconds, turn.wall.secondsSince1970)))
        deadline.schedule(at: turn.now.adding(seconds: wait))
    }

    mutating func expireShortLived(_ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn)
    {
        while let first = firstShortLived(records) {
            guard first.expiry <= turn.wall.secondsSince1970 else {
                scheduleExpirySweep(at: first.expiry, turn)
                return
            }
            expire(first.sequence, of: first.user, &sessions, &records, &turn)
            records.store.delete(Key.expiry(at: first.expiry, first.user, first.sequence).span)
        }
    }

    /// The entry of the index by time that comes first.
    private func firstShortLived(_ records: borrowing Records<Port>) -> (
        expiry: UInt64, user: UInt32, sequence: UInt64
    )? {
        let first = Key.kind(RecordKind.expiry)
        guard let entry = records.store.entry(atOrAfter: first.span), entry.key.count == 21,
            entry.key[0] == RecordKind.expiry
        else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<21))
        return (reader.integer(), reader.integer(), reader.integer())
    }

    /// From the front of the messages and reports, as long as they are too old.
    mutating func expireOldest(_ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn) {
        var sequence: UInt64 = 0
        while let next = records.messageNumber(after: sequence) {
            sequence = next
            let isDone = expireReport(next, &records, &turn) ?? expireMessage(next, &sessions, &records, &turn)
            if isDone { return }
        }
    }

    /// True when the message is not old enough, and so none after it is.
    private mutating func expireMessage(
        _ sequence: UInt64, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) -> Bool {
        guard var header = records.messageHeader(sequence) else { return false }
        guard header.sent > 0 else {
            // It came while the clock was wrong: its life begins now.
            header.sent = turn.wall.secondsSince1970
            header.isSentGuessed = true
            restamp(sequence, header, &records, turn)
            return false
        }
        guard records.isExpired(header, turn.wall) else {
            if let expiry = header.expiry(lifetime: records.settings.lifetimeSeconds) {
                scheduleExpirySweep(at: expiry, turn)
            }
            // A question has the place of the entry that it was made from, which may be older than its time.
            return header.campaign == 0
        }
        for index in 0..<header.recipientCount {
            expire(sequence, of: header.recipients[index], &sessions, &records, &turn)
        }
        return false
    }

    /// The same for a report; nil when it is none. Reports of an unknown time go with the next session of their owner.
    private mutating func expireReport(_ sequence: UInt64, _ records: inout Records<Port>, _ turn: inout Turn) -> Bool?
    {
        guard let report = records.storedReport(sequence) else { return nil }
        guard report.time > 0 else { return false }
        guard report.time + records.settings.lifetimeSeconds <= turn.wall.secondsSince1970 else {
            scheduleExpirySweep(at: report.time + records.settings.lifetimeSeconds, turn)
            return true
        }
        removeEntry(sequence, of: report.owner, &records)
        return false
    }

    /// Writes a header of the same size over the one of a stored message.
    private mutating func restamp(
        _ sequence: UInt64, _ header: MessageHeader, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        records.scratch.removeAll()
        header.write(into: &records.scratch)
        Records<Port>.append(
            Key.message(sequence, piece: 0), in: records.store, skipping: header.byteCount, to: &records.scratch)
        records.store.put(Key.message(sequence, piece: 0).span, records.scratch)
        if header.validity > 0 {
            for index in 0..<header.recipientCount {
                scheduleExpiry(header, sequence, of: header.recipients[index], &records, turn)
            }
        }
    }
}

extension Records where Port: ~Copyable {
    /// Whether a message may not be delivered any more.
    func isExpired(_ header: MessageHeader, _ wall: WallTime) -> Bool {
        guard wall.isTrusted, let expiry = header.expiry(lifetime: settings.lifetimeSeconds) else { return false }
        return expiry <= wall.secondsSince1970
    }

    /// The number of the first stored message or report after `sequence`.
    func messageNumber(after sequence: UInt64) -> UInt64? {
        let key = Key.message(sequence + 1, piece: 0)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 10, entry.key[0] == RecordKind.message
        else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<9))
        return reader.integer(UInt64.self)
    }
}
