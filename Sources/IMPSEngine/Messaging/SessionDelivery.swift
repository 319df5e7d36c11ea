import CSP

/// What messages have to know of a session. Only `Messaging/` changes it; the others call its methods.
struct SessionDelivery {
    /// How messages reach the client.
    var method = DeliveryMethod.push
    /// False when nothing can be in the mailbox that this session has not seen.
    var mayHaveMore = true
    /// The highest mailbox entry that was sent in this session.
    var sentUpTo: UInt64 = 0
    /// Entries up to this one were looked at: what of them was not sent stays back until `restart`.
    var passedBy: UInt64 = 0
    /// Entries up to this one may have gone out before the engine started.
    var resumedAt: UInt64 = 0
    /// The table of what was sent and not answered yet; 0 when there is nothing.
    var outstanding: UInt16 = 0
    var answered = AnsweredForms()
    /// The client is known to confirm messages, or never to. Source: CL-31.
    var confirms = false
    var neverConfirms = false

    /// Something may wait for the session that it has not seen.
    mutating func wake() { mayHaveMore = true }

    /// What was held back is delivered from the front of the mailbox.
    mutating func restart() {
        sentUpTo = 0
        passedBy = 0
        mayHaveMore = true
    }
}
