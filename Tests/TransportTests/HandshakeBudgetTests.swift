import Testing

@testable import Transport

@Suite struct HandshakeBudgetTests {
    private static let millisecond: UInt64 = 1_000_000

    /// Whoever asks as often as he likes, with steps of any length, gets a third of the time and what may be spent ahead.
    @Test(arguments: [1, 5, 40, 120] as [UInt64]) func aFloodGetsAThird(stepMilliseconds: UInt64) {
        var budget = HandshakeBudget()
        let begin = 1000 * Self.millisecond
        var now = begin
        var spent: UInt64 = 0
        let seconds: UInt64 = 60
        while now < begin + seconds * 1000 * Self.millisecond {
            if budget.allows(at: now) {
                let ended = now + stepMilliseconds * Self.millisecond
                budget.spend(from: now, to: ended)
                spent += ended - now
                now = ended
            } else {
                now += budget.milliseconds(at: now) * Self.millisecond
            }
        }
        let third = (now - begin) / 3
        #expect(spent <= third + HandshakeBudget.ahead + stepMilliseconds * Self.millisecond)
        // And no less: nobody waits for time that is there.
        #expect(spent + 4 * HandshakeBudget.ahead + stepMilliseconds * Self.millisecond > third)
    }

    @Test func whoComesAloneDoesNotWait() {
        var budget = HandshakeBudget()
        var now = 5000 * Self.millisecond
        for _ in 0..<100 {
            #expect(budget.allows(at: now))
            budget.spend(from: now, to: now + 12 * Self.millisecond)
            now += 12 * Self.millisecond
            #expect(budget.allows(at: now) && budget.milliseconds(at: now) == 0)
            budget.spend(from: now, to: now + 3 * Self.millisecond)
            now += 1000 * Self.millisecond
        }
    }
}
