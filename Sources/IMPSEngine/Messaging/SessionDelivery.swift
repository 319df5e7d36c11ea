import CSP

/// What messages have to know of a session. Only `Messaging/` changes it; the others call its methods.
struct SessionDelivery {
    /// How messages reach the client.
    var method = DeliveryMethod.push
    /// False when nothing can be in the mailbox that this session has not seen.
    var mayHaveMore = true
    /// The highest mailbox entry that was sent in this session.
    var sentUpTo: UInt64 = 0
    /// Entries up to this one may have gone out before the engine started.
    var resumedAt: UInt64 = 0
    /// What was sent and not answered yet.
    var outstanding = OutstandingTable()
    /// The client is known to confirm messages, or never to. Source: CL-31.
    var confirms = false
    var neverConfirms = false

    /// Something may wait for the session that it has not seen.
    mutating func wake() { mayHaveMore = true }

    /// What an entry says reached its user by another way: nothing is expected of the client any more.
    mutating func forget(_ sequence: UInt64) { outstanding.forget(sequence) }

    /// What was held back is delivered from the front of the mailbox.
    mutating func restart() {
        sentUpTo = 0
        mayHaveMore = true
    }
}
