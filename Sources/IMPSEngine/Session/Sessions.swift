import Octets

/// The room of who is logged in: sessions, what was agreed with their clients, and how these are called.
struct Sessions<Port: StorePort & ~Copyable>: ~Copyable {
    var table: SessionTable
    /// What clients have not answered yet; `Messaging/` changes it.
    var outstanding: OutstandingPool
    /// Answers that are kept for repeats.
    var answers: AnswerPool
    /// Whom clients have not been told of yet; `People/` changes it.
    var marks: PresenceMarks
    /// Who of those that are reached by XMPP is there; `People/` changes it.
    var remotes: RemotePeople
    /// Who came and went, until watchers are told.
    var changes = VisibilityChanges()
    var counters = SessionCounters()
    /// Who is called by a short message next.
    var shortMessageCalls = ShortMessageCalls()

    init(
        _ table: consuming SessionTable, _ outstanding: consuming OutstandingPool, _ answers: consuming AnswerPool,
        _ marks: consuming PresenceMarks, _ remotes: consuming RemotePeople
    ) {
        self.table = table
        self.outstanding = outstanding
        self.answers = answers
        self.marks = marks
        self.remotes = remotes
    }

    /// Holds for every state; called after each step of the simulations.
    func checkInvariants() {
        table.checkInvariants()
        var kept = 0
        var open = 0
        var marked = 0
        for slot in 0..<table.end where table[slot].isOpen {
            kept += Int(table[slot].answers.count)
            open += hasOutstanding(slot) ? 1 : 0
            marked += marks.count(table[slot].presence)
            invariant(table[slot].presence.isVisible == table[slot].showsUser, "IM094 a session shows its user or not")
        }
        answers.checkInvariants(kept: kept)
        outstanding.checkInvariants(open: open)
        marks.checkInvariants(marked: marked)
    }

    // MARK: For the other rooms

    /// The session in a slot, changed in place.
    subscript(slot: UInt16) -> Session {
        _read { yield table[slot] }
        _modify { yield &table[slot] }
    }

    /// Has a session looked at when `time` comes, or before.
    mutating func schedule(_ slot: UInt16, at time: Instant) { table.schedule(slot, at: time) }

    /// Slots from here on are free.
    var end: UInt16 { table.end }
    /// Sessions that are open.
    var count: Int { table.count }

    /// The first session of a user; nil when there is none.
    @inline(never)
    func first(of user: UInt32) -> UInt16? { table.first(of: user) }

    /// The next session of the same user.
    @inline(never)
    func next(after slot: UInt16) -> UInt16? { table.next(after: slot) }
}

/// What `status` tells of sessions.
struct SessionCounters {
    var logins: UInt64 = 0
    var requests: UInt64 = 0
    var repeatedRequests: UInt64 = 0
    var calls: UInt64 = 0
    var ended: UInt64 = 0
}
