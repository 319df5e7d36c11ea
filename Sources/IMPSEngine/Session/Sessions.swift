import Octets

/// The room of who is logged in: sessions, what was agreed with their clients, and how these are called.
struct Sessions<Port: StorePort & ~Copyable>: ~Copyable {
    var table: SessionTable
    /// Some session needs a call; which one is looked for from this slot on.
    var hasCalls = false
    var callPosition: UInt16 = 0
    /// When a session ends, or its client is called or reminded.
    var deadline = Deadline()
    var counters = SessionCounters()

    init(_ slots: consuming Slab<Session>, _ buckets: consuming Slab<UInt16>) {
        table = SessionTable(slots: slots, buckets: buckets)
    }

    // MARK: For the other rooms

    /// The session in a slot, changed in place.
    subscript(slot: UInt16) -> Session {
        _read { yield table[slot] }
        _modify { yield &table[slot] }
    }

    /// Makes sure that `timePassed` looks at the sessions at `time` at the latest.
    mutating func schedule(at time: Instant) { deadline.schedule(at: time) }

    /// Slots from here on are free.
    var end: UInt16 { table.end }
    /// Sessions that are open.
    var count: Int { table.count }

    /// The first session of a user; nil when there is none.
    func first(of user: UInt32) -> UInt16? { table.first(of: user) }

    /// The next session of the same user.
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
