/// Bounds what checking passwords may take of the loop.
///
/// A check is made to take long, so that stolen hashes are of little use, and anybody may ask for one with any name. So all
/// of them together take a fifth of the time at most, and those of users at places where they logged in before another
/// fifth that strangers cannot use up. Who comes when it is used up is asked to come again; a login by digest needs none.
struct HashBudget {
    /// Microseconds that one check takes on this machine; 0 for no bound.
    var cost: UInt64 = 0

    private var strangers = Credit()
    private var known = Credit()

    private struct Credit {
        /// Microseconds that may be spent.
        var left = UInt64.max
        /// Of them in this turn.
        var leftOfTurn: UInt64 = 0
        var filledAt = Instant(milliseconds: 0)
    }

    /// Microseconds of credit for each millisecond that passes.
    private static var share: UInt64 { 200 }
    /// Checks that may be saved up: a household whose handsets all come back at once.
    private static var most: UInt64 { 12 }
    /// Microseconds that may be spent in one turn, where one check takes less.
    private static var mostOfTurn: UInt64 { 20_000 }

    /// Spends a check; false when nothing is left for it.
    mutating func spend(isKnown: Bool, _ now: Instant) -> Bool {
        guard cost > 0 else { return true }
        return isKnown
            ? HashBudget.spend(cost, &known, now) : HashBudget.spend(cost, &strangers, now)
    }

    private static func spend(_ cost: UInt64, _ credit: inout Credit, _ now: Instant) -> Bool {
        let passed = now.milliseconds - min(now.milliseconds, credit.filledAt.milliseconds)
        let filled = credit.left.addingReportingOverflow(min(passed, 1 << 20) * share)
        credit.left = min(cost * most, filled.overflow ? .max : filled.partialValue)
        if passed > 0 || credit.filledAt.milliseconds == 0 { credit.leftOfTurn = max(cost, mostOfTurn) }
        credit.filledAt = now
        guard min(credit.left, credit.leftOfTurn) >= cost else { return false }
        credit.left -= cost
        credit.leftOfTurn -= cost
        return true
    }
}
