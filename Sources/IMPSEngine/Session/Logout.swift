import CSP
import Octets
import Wire

/// Why a session ends.
enum SessionEnd: UInt8 {
    case logout, expired, disconnected, replaced, deleted

    var why: StaticString {
        switch self {
        case .logout: return "logout"
        case .expired: return "expired"
        case .disconnected: return "disconnected"
        case .replaced: return "replaced"
        case .deleted: return "deleted"
        }
    }
}

/// What a client is told of the end of its session, besides the code.
enum DisconnectReason: UInt8 {
    case none = 0
    case unanswered, declined, unanswerable

    var words: StaticString? {
        switch self {
        case .none: return nil
        case .unanswered: return "the message from the system was not answered in time"
        case .declined: return "the terms of the service were declined"
        case .unanswerable: return "a message from the system has to be answered, which this client cannot do"
        }
    }
}

extension Session {
    /// Seconds that it is kept for its client to hear why it ends.
    static var closingSeconds: UInt64 { 600 }
}

extension Sessions where Port: ~Copyable {
    /// Logout-Request: 1.1 is answered with Disconnect, later versions with Status. Source: protocol/session.md §5.
    mutating func logout(
        _ request: Request, in slot: UInt16, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into writer: inout Writer
    ) {
        endSession(slot, .logout, &mailboxes, systemMessages, &records, &turn)
        if request.version == .v1_1 {
            writer.open(.disconnect)
            writer.result(.success)
            writer.close(.disconnect)
        } else {
            writer.status(.success)
        }
    }

    /// Tells a session at its next poll that it is over; until then it can do nothing else.
    @inline(never)
    mutating func disconnect(
        _ slot: UInt16, _ code: StatusCode, because reason: DisconnectReason = .none,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard table[slot].closing == 0 else { return }
        table[slot].closing = code.rawValue
        table[slot].closingReason = reason
        // Its place is for others when its client does not come to hear of it.
        table[slot].expiresAt = min(table[slot].expiresAt, turn.now.adding(seconds: Session.closingSeconds))
        table.schedule(slot, at: table[slot].expiresAt)
        table.yields(slot)
        table[slot].delivery.wake()
        storeSession(slot, &records)
        call(slot)
        mailboxes.releaseMailbox(of: slot, self, &records, &turn)
        if turn.journal.begin(.disconnect, turn.now, turn.wall) {
            records.logUser(table[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            turn.journal.number("code", UInt64(code.rawValue))
            turn.journal.end()
        }
    }

    /// Takes a session away with all that belongs to it; what it did not confirm stays in the mailbox.
    mutating func endSession(
        _ slot: UInt16, _ end: SessionEnd, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        if turn.journal.begin(end == .logout ? .logout : .sessionEnd, turn.now, turn.wall) {
            records.logUser(table[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            if end != .logout { turn.journal.word("why", end.why) }
            turn.journal.end()
        }
        if end != .deleted { mailboxes.noteAllInVain(in: slot, &self, systemMessages, &records, &turn) }
        if table[slot].closing == 0 {
            table[slot].closing = StatusCode.sessionExpired.rawValue
            mailboxes.releaseMailbox(of: slot, self, &records, &turn)
        }
        noteVisibility(slot, isEnding: true)
        endSubscriptions(slot, &mailboxes, &records)
        marks.removeAll(&table[slot].presence)
        counters.ended += 1
        forgetAnswers(of: slot, &records)
        records.store.delete(Key.session(slot).span)
        if table[slot].hasCapabilities { records.store.delete(Key.capabilityLists(slot).span) }
        if table[slot].isRelayed { records.account(for: table[slot], in: slot, end, turn.wall) }
        closeTable(of: slot)
        let user = table[slot].user
        table.close(slot)
        if end != .deleted, first(of: user) == nil { records.awaitNotification(ofUntold: user) }
    }
}
