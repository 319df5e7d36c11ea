import IMPSEngine
import Octets

/// What signals ask for besides the end and the configuration.
extension Server {
    mutating func cycleLevel() {
        turn.journal.level = LogLevel(rawValue: turn.journal.level.rawValue + 1) ?? .error
        if turn.journal.begin(.level, turn.now, turn.wall) {
            turn.journal.word("level", turn.journal.level.name)
            turn.journal.end()
        }
    }

    mutating func logStatus() {
        for index in 0..<pools.count {
            var pool = pools[index]
            handler.count(&pool)
            guard pool.isCounted, turn.journal.begin(.status, turn.now, turn.wall) else { continue }
            turn.journal.word("pool", pool.name)
            turn.journal.number("used", UInt64(pool.used))
            turn.journal.number("most", UInt64(pool.most))
            turn.journal.number("of", UInt64(pool.count))
            turn.journal.number("refused", pool.refused)
            turn.journal.end()
        }
    }
}
