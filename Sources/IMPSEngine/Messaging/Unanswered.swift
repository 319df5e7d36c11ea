import CSP
import Octets
import Wire

/// What becomes of server transactions that a client does not answer. Source: CL-10, CL-11, CL-31.
///
/// A message waits until a client confirms it. A client of which nobody ever saw a confirmation cannot, though: there a
/// message was delivered when it went out `deliveriesMax` times, and when that was so for some messages, with its next
/// request. A report is worth no more than that to anybody.
extension Engine where Port: ~Copyable {
    /// Looks at what the client of a session left unanswered; called with each of its messages.
    mutating func settleUnanswered(in slot: UInt16, _ turn: inout Turn) {
        guard !sessions[slot].outstanding.isEmpty else { return }
        for place in 0..<OutstandingTable.capacity {
            let outstanding = sessions[slot].outstanding[place]
            guard outstanding.sequence != 0 else { continue }
            if outstanding.form == .newMessage, sentIsDelivered(in: slot) {
                sessions[slot].quirks.contains(.sentIsDelivered)
                    ? confirm(outstanding.sequence, in: slot, &turn)
                    : assumeDelivered(outstanding.sequence, in: slot, &turn)
                continue
            }
            guard !outstanding.wasInVain, outstanding.form != .fetched,
                outstanding.isOverdue(turn.now, guardSeconds: settings.guardSeconds)
            else {
                continue
            }
            sessions[slot].outstanding[place].wasInVain = true
            sessions[slot].outstanding.noteSilence(about: outstanding.form)
            switch outstanding.form {
            case .newMessage, .deliveryReport: countInVain(outstanding, in: slot, &turn)
            case .systemMessage: askByMessage(instead: outstanding.sequence, in: slot, turn)
            case .messageNotification, .fetched: break
            }
        }
    }

    /// A delivery that nobody will answer any more: its session ends, or others need its place.
    mutating func noteInVain(_ outstanding: Outstanding, in slot: UInt16, _ turn: inout Turn) {
        guard outstanding.sequence != 0, !outstanding.wasInVain else { return }
        switch outstanding.form {
        case .newMessage, .deliveryReport: countInVain(outstanding, in: slot, &turn)
        case .systemMessage, .messageNotification, .fetched: break
        }
    }

    /// The same for all that a session has under way.
    mutating func noteAllInVain(in slot: UInt16, _ turn: inout Turn) {
        for place in 0..<OutstandingTable.capacity { noteInVain(sessions[slot].outstanding[place], in: slot, &turn) }
    }

    /// Counts a delivery in vain of all sessions together; the last one counts as a delivery.
    private mutating func countInVain(_ outstanding: Outstanding, in slot: UInt16, _ turn: inout Turn) {
        let user = sessions[slot].user
        guard !isKnownToConfirm(slot), var entry = mailboxEntry(user, outstanding.sequence) else { return }
        entry.deliveries += entry.deliveries < .max ? 1 : 0
        storeEntry(entry, outstanding.sequence, of: user)
        guard entry.deliveries >= settings.deliveriesMax else { return }
        if entry.kind == .report {
            sessions[slot].outstanding.forget(outstanding.sequence)
            removeEntry(outstanding.sequence, of: user)
        } else {
            assumeDelivered(outstanding.sequence, in: slot, &turn)
        }
    }

    private mutating func assumeDelivered(_ sequence: UInt64, in slot: UInt16, _ turn: inout Turn) {
        if turn.journal.begin(.unconfirmed, turn.now, turn.wall) {
            logUser(sessions[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            turn.journal.text("msg", messageID(sequence).span)
            turn.journal.end()
        }
        confirm(sequence, in: slot, isAssumed: true, &turn)
        changeKnownClient(of: slot) { known in
            if known.assumedCount < KnownClient.assumedCountMax { known.assumedCount += 1 }
        }
        guard !sessions[slot].neverConfirms, knownClient(of: slot)?.neverConfirms == true else { return }
        sessions[slot].neverConfirms = true
        sessions[slot].outstanding.noteSilence(about: .newMessage)
        // What went out before and had to make room was delivered too.
        let user = sessions[slot].user
        var sequence: UInt64 = 0
        while let next = entryNumber(after: sequence, of: user), next <= sessions[slot].sentUpTo {
            sequence = next
            guard let entry = mailboxEntry(user, next), entry.kind == .message, entry.deliveries > 0 else { continue }
            confirm(next, in: slot, isAssumed: true, &turn)
        }
    }

    // MARK: Who confirms

    /// Takes over what was seen of the client of a session before.
    mutating func takeKnowledge(_ slot: UInt16) {
        let known = knownClient(of: slot)
        sessions[slot].confirms = known?.confirms ?? false
        sessions[slot].neverConfirms = known?.neverConfirms ?? false
        if sentIsDelivered(in: slot) { sessions[slot].outstanding.noteSilence(about: .newMessage) }
    }

    /// Whether what was sent to a session counts as delivered with the next request of its client.
    private func sentIsDelivered(in slot: UInt16) -> Bool {
        sessions[slot].neverConfirms || sessions[slot].quirks.contains(.sentIsDelivered)
    }

    private mutating func isKnownToConfirm(_ slot: UInt16) -> Bool {
        if !sessions[slot].confirms, knownClient(of: slot)?.confirms == true { sessions[slot].confirms = true }
        return sessions[slot].confirms
    }

    /// The client of a session confirmed a message; that it can is kept for the sessions to come.
    mutating func noteConfirms(_ slot: UInt16) {
        guard !sessions[slot].confirms else { return }
        sessions[slot].confirms = true
        sessions[slot].neverConfirms = false
        changeKnownClient(of: slot) { known in
            known.confirms = true
            known.assumedCount = 0
        }
    }
}
