import CSP
import Octets
import Wire

/// What waits for a user, in the order of arrival. One queue serves the sessions that are open and those to come.
///
/// Source: protocol/system-message.md §6.1, §6.4; protocol/transport.md §3.
extension Records where Port: ~Copyable {
    // MARK: Totals

    func totals(of user: UInt32) -> MailboxTotals {
        let key = Key.mailbox(user)
        guard let record = store.value(for: key.span) else { return MailboxTotals() }
        return MailboxTotals(record) ?? MailboxTotals()
    }

    mutating func storeTotals(_ totals: MailboxTotals, of user: UInt32) {
        let key = Key.mailbox(user)
        if totals.count == 0, totals.lingering == 0 {
            store.delete(key.span)
            return
        }
        scratch.removeAll()
        totals.write(into: &scratch)
        store.put(key.span, scratch)
    }

    /// Computes the totals of a mailbox from its entries.
    mutating func recount(_ user: UInt32) {
        var totals = MailboxTotals()
        var sequence: UInt64 = 0
        while let next = entryNumber(after: sequence, of: user) {
            sequence = next
            if let entry = mailboxEntry(user, next) { totals.add(entry) }
        }
        storeTotals(totals, of: user)
    }

    /// Whether a mailbox takes one more entry.
    ///
    /// - Parameter sender: Who has nothing in a full mailbox finds a quarter more room there: nobody can fill it for others.
    func hasMailboxRoom(_ user: UInt32, byteCount: UInt32, from sender: UInt32? = nil) -> Bool {
        let totals = totals(of: user)
        let count = UInt64(totals.count)
        let byteCount = totals.byteCount + UInt64(byteCount)
        let most = UInt64(settings.offlineMessagesMax)
        let mostBytes = UInt64(settings.offlineByteCountMax)
        if count < most, byteCount <= mostBytes { return true }
        guard let sender, count < most + max(1, most / 4), byteCount <= mostBytes + mostBytes / 4 else { return false }
        return !hasEntry(from: sender, in: user)
    }

    /// Whether something of a sender waits in a mailbox, as far as a thousand entries tell.
    private func hasEntry(from sender: UInt32, in user: UInt32) -> Bool {
        var sequence: UInt64 = 0
        for _ in 0..<1000 {
            guard let next = entryNumber(after: sequence, of: user) else { return false }
            sequence = next
            if let entry = mailboxEntry(user, next), entry.sender == sender, entry.confirmationCount == 0 {
                return true
            }
        }
        return true
    }

    // MARK: Entries

    func mailboxEntry(_ user: UInt32, _ sequence: UInt64) -> MailboxEntry? {
        let key = Key.mailboxEntry(user, sequence)
        guard let record = store.value(for: key.span) else { return nil }
        return MailboxEntry(record)
    }

    /// Gives an entry that nobody confirmed yet another content.
    mutating func changeEntry(_ sequence: UInt64, of user: UInt32, to entry: MailboxEntry) {
        guard let former = mailboxEntry(user, sequence) else { return }
        var totals = totals(of: user)
        totals.remove(former)
        totals.add(entry)
        storeTotals(totals, of: user)
        storeEntry(entry, sequence, of: user)
    }

    /// Messages in a mailbox that are not sent by themselves.
    func quietCount(_ user: UInt32) -> Int {
        var count = 0
        var sequence: UInt64 = 0
        while let next = entryNumber(after: sequence, of: user) {
            sequence = next
            if let entry = mailboxEntry(user, next), entry.isQuiet { count += 1 }
        }
        return count
    }

    /// Who is asked or told in an entry, and of whom; nil when it is none of this kind.
    @inline(never)
    func people(_ sequence: UInt64, _ kind: ItemKind) -> (user: UInt32, other: UInt32)? {
        let key = Key.message(sequence, piece: 0)
        guard let record = store.value(for: key.span) else { return nil }
        var reader = RecordReader(record)
        guard reader.integer(UInt8.self) == kind.rawValue else { return nil }
        let user: UInt32 = reader.integer()
        let other: UInt32 = reader.integer()
        return reader.isBroken ? nil : (user, other)
    }

    mutating func storeEntry(_ entry: MailboxEntry, _ sequence: UInt64, of user: UInt32) {
        scratch.removeAll()
        entry.write(into: &scratch)
        store.put(Key.mailboxEntry(user, sequence).span, scratch)
    }

    /// The number of the entry that follows `sequence` in a mailbox; nil at the end.
    func entryNumber(after sequence: UInt64, of user: UInt32) -> UInt64? {
        let key = Key.mailboxEntry(user, sequence + 1)
        guard let entry = store.entry(atOrAfter: key.span) else { return nil }
        return sequenceNumber(entry.key, of: user)
    }

    /// The number of the entry before `sequence` in a mailbox; nil at the beginning.
    func entryNumber(before sequence: UInt64, of user: UInt32) -> UInt64? {
        let key = Key.mailboxEntry(user, sequence)
        guard let entry = store.entry(before: key.span) else { return nil }
        return sequenceNumber(entry.key, of: user)
    }

    private func sequenceNumber(_ key: Span<UInt8>, of user: UInt32) -> UInt64? {
        guard key.count == 13, key[0] == RecordKind.mailbox else { return nil }
        var reader = RecordReader(key.extracting(1..<13))
        guard reader.integer(UInt32.self) == user else { return nil }
        return reader.integer(UInt64.self)
    }
}

extension Mailboxes where Port: ~Copyable {
    /// Has a user asked or told about somebody, in his sessions.
    @inline(never)
    func enqueue(
        _ kind: ItemKind, about other: UInt32, _ sequence: UInt64, for user: UInt32, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>
    ) {
        records.scratch.removeAll()
        records.scratch.append(kind.rawValue)
        records.scratch.append(bigEndian: user)
        records.scratch.append(bigEndian: other)
        records.store.put(Key.message(sequence, piece: 0).span, records.scratch)
        enqueue(MailboxEntry(kind: kind, byteCount: 0, sender: other), sequence, for: user, &sessions, &records)
    }

    /// Puts an entry into a mailbox and lets the user's sessions know.
    @inline(never)
    func enqueue(
        _ entry: MailboxEntry, _ sequence: UInt64, for user: UInt32, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>
    ) {
        if entry.counts {
            var totals = records.totals(of: user)
            totals.add(entry)
            records.storeTotals(totals, of: user)
        }
        records.storeEntry(entry, sequence, of: user)
        if user.isRemoteUser {
            if let address = records.address(of: user) {
                records.send(OutboxEntry(.message, from: entry.sender, to: address, message: sequence))
            }
            return
        }
        var slot = sessions.first(of: user)
        if slot == nil, entry.kind == .message { records.awaitNotification(of: user, about: sequence) }
        while let current = slot {
            sessions[current].delivery.mayHaveMore = true
            sessions.call(current)
            slot = sessions.next(after: current)
        }
    }

    /// Takes an entry away and, with the last one of it, the message itself.
    mutating func removeEntry(_ sequence: UInt64, of user: UInt32, _ records: inout Records<Port>) {
        guard let entry = records.mailboxEntry(user, sequence) else {
            // One that cannot be read goes too.
            records.store.delete(Key.mailboxEntry(user, sequence).span)
            return
        }
        var totals = records.totals(of: user)
        totals.remove(entry)
        records.store.delete(Key.mailboxEntry(user, sequence).span)
        records.storeTotals(totals, of: user)
        switch entry.kind {
        case .message: removeMessage(sequence, after: user, &records)
        case .report, .service, .presenceAuth, .notification: records.store.delete(Key.message(sequence, piece: 0).span)
        }
    }

    // MARK: Confirmation

    /// A session has got a message: the sender is told the first time, and it goes when no other session waits for it.
    ///
    /// - Parameter isAssumed: Nobody said so, and nobody is told.
    /// - Source: protocol/primitives.md §6.2, rules 7, 9 and 11.
    mutating func confirm(
        _ sequence: UInt64, in slot: UInt16, isAssumed: Bool = false, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let user = sessions[slot].user
        sessions.forget(sequence, in: slot)
        guard let entry = records.mailboxEntry(user, sequence), entry.kind == .message else { return }
        guard !entry.isConfirmed(by: sessions[slot].number) else { return }
        if !isAssumed { systemMessages.questionShown(sequence, in: slot, sessions, &records, turn) }
        if entry.confirmationCount == 0 {
            counters.delivered += 1
            if !isAssumed { report(.success, about: sequence, to: user, &sessions, &records, turn.wall) }
        }
        var confirmed = entry
        confirmed.confirmations[entry.confirmationCount] = sessions[slot].number
        confirmed.confirmationCount += 1
        var totals = records.totals(of: user)
        totals.remove(entry)
        totals.add(confirmed)
        let isBounded =
            confirmed.confirmationCount < MailboxEntry.confirmationCountMax
            && totals.lingering <= records.settings.offlineMessagesMax
        if !isBounded || !isAwaited(confirmed, sequence, of: user, sessions, turn.now) {
            return removeEntry(sequence, of: user, &records)
        }
        records.storeTotals(totals, of: user)
        records.storeEntry(confirmed, sequence, of: user)
    }

    /// Whether another session of the user still has to get an entry that one session confirmed.
    ///
    /// Sessions that came after the message do not: somebody has read it already. Nor do those that have been silent for
    /// long: a phone that was switched off may not keep messages for an hour.
    private func isAwaited(
        _ entry: MailboxEntry, _ sequence: UInt64, of user: UInt32, _ sessions: borrowing Sessions<Port>, _ now: Instant
    ) -> Bool {
        var slot = sessions.first(of: user)
        while let current = slot {
            let session = sessions[current].number
            if sessions[current].closing == 0, session < sequence, !entry.isConfirmed(by: session),
                sessions[current].lastSeen.adding(seconds: 300) > now
            {
                return true
            }
            slot = sessions.next(after: current)
        }
        return false
    }

    /// Lets go of what only waited for a session that ends now.
    mutating func releaseMailbox(
        of slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let user = sessions[slot].user
        guard records.totals(of: user).lingering > 0 else { return }
        var sequence: UInt64 = 0
        while let next = records.entryNumber(after: sequence, of: user) {
            sequence = next
            guard let entry = records.mailboxEntry(user, next), entry.confirmationCount > 0 else { continue }
            if !isAwaited(entry, next, of: user, sessions, turn.now) { removeEntry(next, of: user, &records) }
        }
    }

    /// Empties a mailbox, because its user is deleted.
    mutating func removeMailbox(of user: UInt32, _ records: inout Records<Port>) {
        while let next = records.entryNumber(after: 0, of: user) { removeEntry(next, of: user, &records) }
        records.store.delete(Key.mailbox(user).span)
    }
}
