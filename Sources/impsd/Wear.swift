import IMPSEngine

/// Counts what is written to the volume, and of it the last 24 hours.
///
/// It is counted since the start: to keep the count over a restart would be one more thing to write.
struct Wear {
    /// Octets of each of the last 24 hours.
    private var hours = InlineArray<24, UInt64>(repeating: 0)
    /// Hours since the start, of the last entry.
    private var hour: UInt64 = 0
    /// Octets since the start.
    private(set) var total: UInt64 = 0
    private var warnedInHour: UInt64?

    /// Adds octets that were written.
    mutating func add(_ byteCount: UInt64, _ now: Instant) {
        moveOn(now)
        hours[Int(hour % 24)] += byteCount
        total += byteCount
    }

    /// Octets of the last 24 hours.
    mutating func ofDay(_ now: Instant) -> UInt64 {
        moveOn(now)
        var sum: UInt64 = 0
        for index in hours.indices { sum += hours[index] }
        return sum
    }

    /// True once in 24 hours while the budget is used up.
    mutating func exceeds(_ budget: UInt64, _ now: Instant) -> Bool {
        guard budget > 0, ofDay(now) > budget else { return false }
        if let warnedInHour, hour < warnedInHour + 24 { return false }
        warnedInHour = hour
        return true
    }

    private mutating func moveOn(_ now: Instant) {
        let current = now.milliseconds / 3_600_000
        while hour < current {
            hour += 1
            hours[Int(hour % 24)] = 0
        }
    }
}
