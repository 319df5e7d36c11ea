import CSP
import Octets
import Wire

/// PresenceNotification-Request: tells a session of those it watches, each with all that it may see of them.
///
/// Source: protocol/primitives.md §4.2, rules 3, 6 and 7.
extension Sessions where Port: ~Copyable {
    /// People in one notification.
    private var notificationCountMax: Int { 32 }

    /// Whether a notification may go out now: there is something to tell, and the client answered the last one or had its
    /// time for it.
    func hasPresence(_ slot: UInt16, _ records: borrowing Records<Port>, _ now: Instant) -> Bool {
        guard table[slot].presence.waits, !table[slot].access.isRestricted,
            isAgreed(.subscribePresenceRequest, in: slot)
        else { return false }
        if table[slot].presence.inFlight != 0 { return isOverdue(slot, records, now) }
        return table[slot].presence.isSweeping || marks.hasUnsent(table[slot].presence)
    }

    private func isOverdue(_ slot: UInt16, _ records: borrowing Records<Port>, _ now: Instant) -> Bool {
        table[slot].presence.sentAt.adding(seconds: UInt64(records.settings.guardSeconds)) <= now
    }

    /// Writes the next notification of a session; false when there is nothing to tell after all.
    mutating func sendPresence(
        in slot: UInt16, _ records: inout Records<Port>, _ now: Instant, _ envelope: inout Envelope,
        into writer: inout Writer
    ) -> Bool {
        if table[slot].presence.inFlight != 0 { recallPresence(slot, records) }
        let start = writer.mark
        let before = envelope
        let number = records.takeSequence()
        envelope.openTransaction(.request, id: Decimal.digits(of: number).span, into: &writer)
        writer.open(.presenceNotificationRequest)
        table[slot].presence.toldBefore = table[slot].presence.told
        table[slot].presence.sweptInFlight = table[slot].presence.isSweeping
        var count = 0
        var isFull = false
        while count < notificationCountMax, !isFull, let user = marks.takeUnsent(table[slot].presence) {
            isFull = !writePresence(of: user, for: slot, isFirst: count == 0, records, into: &writer, &count)
            if isFull { marks.recall(user, table[slot].presence) }
        }
        while count < notificationCountMax, !isFull, table[slot].presence.isSweeping {
            let place = table[slot].presence.told
            guard let user = records.watched(slot, table[slot].user, after: &table[slot].presence.told) else {
                table[slot].presence.isSweeping = false
                guard table[slot].presence.sweepsAgain else { break }
                table[slot].presence.sweepsAgain = false
                table[slot].presence.beginSweep()
                break
            }
            isFull = !writePresence(of: user, for: slot, isFirst: count == 0, records, into: &writer, &count)
            if isFull { table[slot].presence.told = place }
        }
        guard count > 0 else {
            writer.rewind(to: start)
            envelope = before
            marks.removeSent(&table[slot].presence)
            return false
        }
        writer.close(.presenceNotificationRequest)
        envelope.closeTransaction(into: &writer)
        table[slot].presence.inFlight = number
        table[slot].presence.sentAt = now
        return true
    }

    /// Writes the presence of one user for a session; false when it does not fit, and goes with the next notification.
    private func writePresence(
        of user: UInt32, for slot: UInt16, isFirst: Bool, _ records: borrowing Records<Port>, into writer: inout Writer,
        _ count: inout Int
    ) -> Bool {
        let watcher = table[slot].user
        let wanted = records.subscriptions(of: slot, watcher, to: user)
        guard !wanted.isEmpty else { return true }
        let permitted = records.permission(of: watcher, for: user)
        let isOnline = isOnline(user, records)
        let remote = remotes.person(user)
        let mark = writer.mark
        guard records.writePresence(of: user, wanted, permitted, isOnline: isOnline, remote, into: &writer) else {
            return true
        }
        if !writer.isOverflowed, writer.output.freeCapacity > Limits.envelopeEndByteCount {
            count += 1
            return true
        }
        writer.rewind(to: mark)
        guard isFirst else { return false }
        // More than the client's parser takes: whether he is there, and in which mood, is what fits.
        let least = PresenceAttributes(.onlineStatus).union(PresenceAttributes(.userAvailability))
        guard
            records.writePresence(
                of: user, wanted.intersection(least), permitted, isOnline: isOnline, remote, into: &writer),
            !writer.isOverflowed, writer.output.freeCapacity > Limits.envelopeEndByteCount
        else {
            writer.rewind(to: mark)
            return true
        }
        count += 1
        return true
    }

    // MARK: Answers

    /// A client answers a transaction; true when it was its last notification.
    mutating func presenceAnswered(_ number: UInt64, in slot: UInt16) -> Bool {
        guard number != 0, table[slot].presence.inFlight == number else { return false }
        table[slot].presence.inFlight = 0
        table[slot].presence.tries = 0
        marks.removeSent(&table[slot].presence)
        return true
    }

    /// A notification was not answered: what it told is told again; a client that never answers gets each of them once
    /// more at most as often as a message.
    private mutating func recallPresence(_ slot: UInt16, _ records: borrowing Records<Port>) {
        table[slot].presence.inFlight = 0
        table[slot].presence.tries += table[slot].presence.tries < .max ? 1 : 0
        guard table[slot].presence.tries < records.settings.deliveriesMax else {
            table[slot].presence.tries = 0
            marks.removeSent(&table[slot].presence)
            return
        }
        marks.recall(table[slot].presence)
        guard table[slot].presence.sweptInFlight else { return }
        table[slot].presence.isSweeping = true
        table[slot].presence.told = table[slot].presence.toldBefore
    }
}
