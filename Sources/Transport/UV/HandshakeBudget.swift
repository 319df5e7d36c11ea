import IMPSEngine

/// Bounds what handshakes of TLS may take of the loop.
///
/// The private-key operations of a handshake take the processor of a gateway for a while, and any stranger may ask for one.
/// So all of them together take a third of the time at most; who comes when it is used up waits for his turn.
struct HandshakeBudget {
    /// Until when what was spent is paid for, in nanoseconds of the clock that `spend` is given.
    private var paidAt: UInt64 = 0

    /// Nanoseconds that may be spent ahead: a handshake of somebody who comes alone does not wait.
    static var ahead: UInt64 { 50_000_000 }
    /// Of so many parts of the time handshakes get one.
    static var parts: UInt64 { 3 }

    /// Whether one may go on now.
    func allows(at now: UInt64) -> Bool { paidAt <= now + HandshakeBudget.ahead }

    /// Notes what a step took.
    mutating func spend(from began: UInt64, to ended: UInt64) {
        paidAt = max(paidAt, began) + (ended - min(began, ended)) * HandshakeBudget.parts
    }

    /// Milliseconds until one may go on.
    func milliseconds(at now: UInt64) -> UInt64 {
        allows(at: now) ? 0 : (paidAt - now - HandshakeBudget.ahead + 999_999) / 1_000_000
    }
}
