import CSP
import Octets
import Wire

/// What becomes of server transactions that a client does not answer. Source: CL-10, CL-11, CL-31.
///
/// A message waits until a client confirms it. A client of which nobody ever saw a confirmation cannot, though: there a
/// message was delivered when it went out `deliveriesMax` times, and when that was so for some messages, with its next
/// request. A report or a notification is worth no more than that to anybody.
extension Mailboxes where Port: ~Copyable {
    /// Looks at what the client of a session left unanswered; called with each of its messages.
    mutating func settleUnanswered(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard sessions.hasOutstanding(slot) else { return }
        for place in 0..<OutstandingTable.capacity {
            let outstanding = sessions.outstanding(at: place, in: slot)
            guard outstanding.sequence != 0 else { continue }
            if outstanding.form == .newMessage, sentIsDelivered(in: slot, sessions) {
                sessions[slot].quirks.contains(.sentIsDelivered)
                    ? confirm(outstanding.sequence, in: slot, &sessions, systemMessages, &records, &turn)
                    : assumeDelivered(outstanding.sequence, in: slot, &sessions, systemMessages, &records, &turn)
                continue
            }
            guard !outstanding.wasInVain, outstanding.form != .fetched,
                outstanding.isOverdue(turn.now, guardSeconds: records.settings.guardSeconds)
            else {
                continue
            }
            sessions.noteInVain(at: place, in: slot)
            switch outstanding.form {
            case .newMessage, .deliveryReport, .notification:
                countInVain(outstanding, in: slot, &sessions, systemMessages, &records, &turn)
            case .systemMessage:
                systemMessages.askByMessage(instead: outstanding.sequence, in: slot, &sessions, &self, &records, turn)
            case .messageNotification, .fetched, .presenceAuth: break
            }
        }
    }

    /// A delivery that nobody will answer any more: its session ends, or others need its place.
    mutating func noteInVain(
        _ outstanding: Outstanding, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard outstanding.sequence != 0, !outstanding.wasInVain else { return }
        switch outstanding.form {
        case .newMessage, .deliveryReport, .notification:
            countInVain(outstanding, in: slot, &sessions, systemMessages, &records, &turn)
        case .systemMessage, .messageNotification, .fetched, .presenceAuth: break
        }
    }

    /// The same for all that a session has under way.
    mutating func noteAllInVain(
        in slot: UInt16, _ sessions: inout Sessions<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        for place in 0..<OutstandingTable.capacity {
            noteInVain(sessions.outstanding(at: place, in: slot), in: slot, &sessions, systemMessages, &records, &turn)
        }
    }

    /// Counts a delivery in vain of all sessions together; the last one counts as a delivery.
    @inline(never)
    private mutating func countInVain(
        _ outstanding: Outstanding, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let user = sessions[slot].user
        guard !isKnownToConfirm(slot, &sessions, records), var entry = records.mailboxEntry(user, outstanding.sequence)
        else { return }
        entry.deliveries += entry.deliveries < .max ? 1 : 0
        records.storeEntry(entry, outstanding.sequence, of: user)
        guard entry.deliveries >= records.settings.deliveriesMax else { return }
        if entry.kind != .message {
            sessions.forget(outstanding.sequence, in: slot)
            removeEntry(outstanding.sequence, of: user, &records)
        } else {
            assumeDelivered(outstanding.sequence, in: slot, &sessions, systemMessages, &records, &turn)
        }
    }

    private mutating func assumeDelivered(
        _ sequence: UInt64, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        if turn.journal.begin(.unconfirmed, turn.now, turn.wall) {
            records.logUser(sessions[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            turn.journal.text("msg", MessageID.text(sequence).span)
            turn.journal.end()
        }
        confirm(sequence, in: slot, isAssumed: true, &sessions, systemMessages, &records, &turn)
        sessions.changeKnownClient(of: slot, &records) { known in
            if known.assumedCount < KnownClient.assumedCountMax { known.assumedCount += 1 }
        }
        guard !sessions[slot].delivery.neverConfirms, sessions.knownClient(of: slot, records)?.neverConfirms == true
        else {
            return
        }
        sessions[slot].delivery.neverConfirms = true
        sessions[slot].delivery.answered.noteSilence(about: .newMessage)
        // What went out before and had to make room was delivered too.
        let user = sessions[slot].user
        var sequence: UInt64 = 0
        while let next = records.entryNumber(after: sequence, of: user), next <= sessions[slot].delivery.sentUpTo {
            sequence = next
            guard let entry = records.mailboxEntry(user, next), entry.kind == .message, entry.deliveries > 0 else {
                continue
            }
            confirm(next, in: slot, isAssumed: true, &sessions, systemMessages, &records, &turn)
        }
    }

    // MARK: Who confirms

    /// Begins anew with a session that was stored: what went out before the engine started is not remembered one by one.
    func resume(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>) {
        sessions[slot].delivery.resumedAt = records.sequences.next - 1
        takeKnowledge(slot, &sessions, records)
    }

    /// Takes over what was seen of the client of a session before.
    func takeKnowledge(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>) {
        let known = sessions.knownClient(of: slot, records)
        sessions[slot].delivery.confirms = known?.confirms ?? false
        sessions[slot].delivery.neverConfirms = known?.neverConfirms ?? false
        if sentIsDelivered(in: slot, sessions) { sessions[slot].delivery.answered.noteSilence(about: .newMessage) }
    }

    /// Whether what was sent to a session counts as delivered with the next request of its client.
    private func sentIsDelivered(in slot: UInt16, _ sessions: borrowing Sessions<Port>) -> Bool {
        sessions[slot].delivery.neverConfirms || sessions[slot].quirks.contains(.sentIsDelivered)
    }

    private func isKnownToConfirm(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>)
        -> Bool
    {
        if !sessions[slot].delivery.confirms, sessions.knownClient(of: slot, records)?.confirms == true {
            sessions[slot].delivery.confirms = true
        }
        return sessions[slot].delivery.confirms
    }

    /// The client of a session confirmed a message; that it can is kept for the sessions to come.
    func noteConfirms(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>) {
        guard !sessions[slot].delivery.confirms else { return }
        sessions[slot].delivery.confirms = true
        sessions[slot].delivery.neverConfirms = false
        sessions.changeKnownClient(of: slot, &records) { known in
            known.confirms = true
            known.assumedCount = 0
        }
    }
}
