import CSP
import Octets
import Wire

/// What time alone does: sessions end, messages expire.
///
/// Messages are stored in the order of arrival, so those with the lifetime of the mailbox expire from the front; only a
/// message that may live shorter has an entry of its own in the index by time.
extension Engine where Port: ~Copyable {
    /// Does what is due; the shell calls it at `deadline`, and whenever the wall clock begins to be trusted.
    public mutating func timePassed(_ turn: inout Turn) {
        nextSweep = nil
        expireSessions(&turn)
        expirePendingLogins(&turn)
        expireAnswers(&turn)
        tellRefused(&turn)
        watchDates(turn)
        if turn.wall.isTrusted {
            expireShortLived(&turn)
            expireOldest(&turn)
        }
    }

    /// Makes sure that `timePassed` is called at `time` at the latest.
    mutating func scheduleSweep(at time: Instant) {
        if nextSweep.map({ time < $0 }) ?? true { nextSweep = time }
    }

    private mutating func expireSessions(_ turn: inout Turn) {
        for slot in 0..<sessions.end {
            guard sessions[slot].isOpen else { continue }
            if sessions[slot].expiresAt <= turn.now {
                endSession(slot, .expired, &turn)
            } else {
                // Polls move the end on without telling; so this may be early, and then it is looked at again.
                scheduleSweep(at: sessions[slot].expiresAt)
                callAgain(slot, turn.now)
            }
        }
    }

    // MARK: Messages

    /// Whether a message may not be delivered any more.
    func isExpired(_ header: MessageHeader, _ wall: WallTime) -> Bool {
        guard wall.isTrusted, let expiry = header.expiry(lifetime: settings.lifetimeSeconds) else { return false }
        return expiry <= wall.secondsSince1970
    }

    /// Takes an expired message out of a mailbox and tells the sender (542).
    mutating func expire(_ sequence: UInt64, of user: UInt32, _ turn: inout Turn) {
        guard let entry = mailboxEntry(user, sequence) else { return }
        if entry.confirmationCount == 0 {
            counters.messagesExpired += 1
            report(.messageExpired, about: sequence, to: user, turn.wall)
            if turn.journal.begin(.expired, turn.now, turn.wall) {
                logUser(user, &turn)
                turn.journal.text("msg", messageID(sequence).span)
                turn.journal.end()
            }
        }
        removeEntry(sequence, of: user)
    }

    /// Sees to it that a message is looked at when it expires.
    mutating func scheduleExpiry(_ header: MessageHeader, _ sequence: UInt64, of user: UInt32, _ turn: borrowing Turn) {
        guard let expiry = header.expiry(lifetime: settings.lifetimeSeconds) else { return }
        if header.validity > 0 {
            scratch.removeAll()
            store.put(Key.expiry(at: expiry, user, sequence).span, scratch)
        }
        scheduleExpirySweep(at: expiry, turn)
    }

    /// Turns a wall time into a moment of the monotonic clock, at most a day ahead: the wall clock may be set until then.
    private mutating func scheduleExpirySweep(at seconds: UInt64, _ turn: borrowing Turn) {
        guard turn.wall.isTrusted else { return }
        let wait = min(86_400, max(1, seconds - min(seconds, turn.wall.secondsSince1970)))
        scheduleSweep(at: turn.now.adding(seconds: wait))
    }

    private mutating func expireShortLived(_ turn: inout Turn) {
        while let first = firstShortLived() {
            guard first.expiry <= turn.wall.secondsSince1970 else {
                scheduleExpirySweep(at: first.expiry, turn)
                return
            }
            expire(first.sequence, of: first.user, &turn)
            store.delete(Key.expiry(at: first.expiry, first.user, first.sequence).span)
        }
    }

    /// The entry of the index by time that comes first.
    private func firstShortLived() -> (expiry: UInt64, user: UInt32, sequence: UInt64)? {
        let first = Key.kind(0x58)
        guard let entry = store.entry(atOrAfter: first.span), entry.key.count == 21, entry.key[0] == 0x58 else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<21))
        return (reader.integer(), reader.integer(), reader.integer())
    }

    /// From the front of the messages and reports, as long as they are too old.
    private mutating func expireOldest(_ turn: inout Turn) {
        var sequence: UInt64 = 0
        while let next = messageNumber(after: sequence) {
            sequence = next
            let isDone = expireReport(next, &turn) ?? expireMessage(next, &turn)
            if isDone { return }
        }
    }

    /// True when the message is not old enough, and so none after it is.
    private mutating func expireMessage(_ sequence: UInt64, _ turn: inout Turn) -> Bool {
        guard var header = messageHeader(sequence) else { return false }
        guard header.sent > 0 else {
            // It came while the clock was wrong: its life begins now.
            header.sent = turn.wall.secondsSince1970
            header.isSentGuessed = true
            restamp(sequence, header, turn)
            return false
        }
        guard isExpired(header, turn.wall) else {
            if let expiry = header.expiry(lifetime: settings.lifetimeSeconds) { scheduleExpirySweep(at: expiry, turn) }
            // A question has the place of the entry that it was made from, which may be older than its time.
            return header.campaign == 0
        }
        for index in 0..<header.recipientCount { expire(sequence, of: header.recipients[index], &turn) }
        return false
    }

    /// The same for a report; nil when it is none. Reports of an unknown time go with the next session of their owner.
    private mutating func expireReport(_ sequence: UInt64, _ turn: inout Turn) -> Bool? {
        guard let report = storedReport(sequence) else { return nil }
        guard report.time > 0 else { return false }
        guard report.time + settings.lifetimeSeconds <= turn.wall.secondsSince1970 else {
            scheduleExpirySweep(at: report.time + settings.lifetimeSeconds, turn)
            return true
        }
        removeEntry(sequence, of: report.owner)
        return false
    }

    /// The number of the first stored message or report after `sequence`.
    func messageNumber(after sequence: UInt64) -> UInt64? {
        let key = Key.message(sequence + 1, piece: 0)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 10, entry.key[0] == 0x4D else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<9))
        return reader.integer(UInt64.self)
    }

    /// Writes a header of the same size over the one of a stored message.
    private mutating func restamp(_ sequence: UInt64, _ header: MessageHeader, _ turn: borrowing Turn) {
        scratch.removeAll()
        header.write(into: &scratch)
        Engine.append(Key.message(sequence, piece: 0), in: store, skipping: header.byteCount, to: &scratch)
        store.put(Key.message(sequence, piece: 0).span, scratch)
        if header.validity > 0 {
            for index in 0..<header.recipientCount {
                scheduleExpiry(header, sequence, of: header.recipients[index], turn)
            }
        }
    }
}
