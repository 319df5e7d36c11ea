import Octets

/// How often somebody failed to log in. Failures are counted by address and, more patiently, by user, so that nobody
/// can keep a user out by failing in his name.
public struct Throttle: ZeroInitializable {
    /// Whom it counts: a hash of an address or of a user; 0 when the place is free.
    var key: UInt64 = 0
    var failures: UInt32 = 0
    var failedAt = Instant(milliseconds: 0)
    var waitsUntil = Instant(milliseconds: 0)

    /// A free place.
    public init() {}
}

/// Who is counted, and how patiently.
enum ThrottleSubject {
    case address, user

    /// How many times `loginFailuresMax` is allowed.
    var patience: Int { self == .address ? 1 : 4 }
    /// The longest wait in seconds; a right password waits no longer.
    var waitSecondsMax: UInt64 { self == .address ? 60 : 8 }
}

extension Engine where Port: ~Copyable {
    /// Seconds after which failures are forgotten.
    private var forgetSeconds: UInt64 { 600 }

    /// Seconds that a login has to wait because of failures before it; 0 when it may go on.
    func waitSeconds(_ name: Span<UInt8>, now: Instant) -> UInt64 {
        let hash = Hash64(name).value
        let throttle = throttles[place(of: hash)]
        guard throttle.key == hash, throttle.waitsUntil > now else { return 0 }
        return (throttle.waitsUntil.milliseconds - now.milliseconds + 999) / 1000
    }

    /// Counts a failure; each one above what is allowed doubles the wait.
    mutating func countFailure(_ subject: ThrottleSubject, _ name: Span<UInt8>, now: Instant) {
        let hash = Hash64(name).value
        let place = place(of: hash)
        if throttles[place].key != hash || throttles[place].failedAt.adding(seconds: forgetSeconds) <= now {
            // A newcomer takes the place only of somebody who does not have to wait any more.
            guard throttles[place].waitsUntil <= now else { return }
            throttles[place] = Throttle()
            throttles[place].key = hash
        }
        throttles[place].failures += 1
        throttles[place].failedAt = now
        let excess = Int(throttles[place].failures) - Int(settings.loginFailuresMax) * subject.patience
        guard settings.loginFailuresMax > 0, excess >= 0 else { return }
        throttles[place].waitsUntil = now.adding(seconds: min(subject.waitSecondsMax, 1 << UInt64(min(excess, 6))))
    }

    /// Forgets the failures of somebody who succeeded.
    mutating func forgetFailures(_ name: Span<UInt8>) {
        let hash = Hash64(name).value
        if throttles[place(of: hash)].key == hash { throttles[place(of: hash)] = Throttle() }
    }

    private func place(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash ^ hash >> 32) & (throttles.count - 1)
    }
}
