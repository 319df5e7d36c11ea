import CSP
import Octets
import Wire

/// Why a session ends.
enum SessionEnd {
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

extension Engine where Port: ~Copyable {
    /// Logout-Request: 1.1 is answered with Disconnect, later versions with Status. Source: protocol/session.md §5.
    mutating func logout(_ request: Request, in slot: UInt16, _ turn: inout Turn, into writer: inout Writer) {
        endSession(slot, .logout, &turn)
        if request.version == .v1_1 {
            writer.open(.disconnect)
            writer.result(.success)
            writer.close(.disconnect)
        } else {
            writer.status(.success)
        }
    }

    /// Tells a session at its next poll that it is over; until then it can do nothing else.
    mutating func disconnect(
        _ slot: UInt16, _ code: StatusCode, because reason: DisconnectReason = .none, _ turn: inout Turn
    ) {
        guard sessions[slot].closing == 0 else { return }
        sessions[slot].closing = code.rawValue
        sessions[slot].closingReason = reason
        // Its place is for others when its client does not come to hear of it.
        sessions[slot].expiresAt = min(sessions[slot].expiresAt, turn.now.adding(seconds: Engine.closingSeconds))
        scheduleSweep(at: sessions[slot].expiresAt)
        sessions[slot].mayHaveMore = true
        storeSession(slot)
        call(slot)
        releaseMailbox(of: slot, &turn)
        if turn.journal.begin(.disconnect, turn.now, turn.wall) {
            logUser(sessions[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            turn.journal.number("code", UInt64(code.rawValue))
            turn.journal.end()
        }
    }

    /// Seconds that a session is kept for its client to hear why it ends.
    static var closingSeconds: UInt64 { 600 }

    /// Takes a session away with all that belongs to it; what it did not confirm stays in the mailbox.
    mutating func endSession(_ slot: UInt16, _ end: SessionEnd, _ turn: inout Turn) {
        if turn.journal.begin(end == .logout ? .logout : .sessionEnd, turn.now, turn.wall) {
            logUser(sessions[slot].user, &turn)
            turn.journal.number("slot", UInt64(slot))
            if end != .logout { turn.journal.word("why", end.why) }
            turn.journal.end()
        }
        if end != .deleted { noteAllInVain(in: slot, &turn) }
        if sessions[slot].closing == 0 {
            sessions[slot].closing = StatusCode.sessionExpired.rawValue
            releaseMailbox(of: slot, &turn)
        }
        counters.sessionsEnded += 1
        forgetAnswers(of: slot)
        store.delete(Key.session(slot).span)
        if sessions[slot].hasCapabilities { store.delete(Key.capabilityLists(slot).span) }
        sessions.close(slot)
    }
}
