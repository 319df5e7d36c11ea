import Octets

/// The room of messages: what waits for whom, what was sent and is watched, what expires.
struct Mailboxes<Port: StorePort & ~Copyable>: ~Copyable {
    var shares: SenderShares
    /// When they are counted anew, because turns were not kept; nil when they are right.
    var sharesAt: Instant?
    /// When a message expires.
    var deadline = Deadline()
    var counters = MessageCounters()

    init(_ senders: consuming Slab<SenderShare>) { shares = SenderShares(senders) }
}

/// What `status` tells of messages.
struct MessageCounters {
    var accepted: UInt64 = 0
    var delivered: UInt64 = 0
    var refused: UInt64 = 0
    var expired: UInt64 = 0
}
