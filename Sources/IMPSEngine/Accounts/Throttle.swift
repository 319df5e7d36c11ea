import Digests
import Octets

/// How often somebody failed to log in lately, or that he has logged in from somewhere.
public struct Throttle: ZeroInitializable {
    /// Whom it counts: a keyed hash; 0 when the place is free.
    var key: UInt64 = 0
    /// Failures since the last one was forgotten.
    var failures: UInt32 = 0
    /// The last failure, or a success.
    var usedAt = Instant(milliseconds: 0)
    /// The user whose failures from one address it counts: a part of his key; 0 for other subjects.
    var user: UInt32 = 0
    /// That user has logged in from there before.
    var isKnown = false

    /// A free place.
    public init() {}

    /// Seconds after which failures are forgotten.
    private static var forgetSeconds: UInt64 { 600 }

    func isForgotten(_ now: Instant) -> Bool { usedAt.adding(seconds: Throttle.forgetSeconds) <= now }

    func recentFailures(_ now: Instant) -> Int { isForgotten(now) ? 0 : Int(failures) }
}

/// Whose failures are counted: those from an address, those in a user's name, and those of both together.
private enum ThrottleSubject: UInt8 {
    case address = 1
    case user, pair
}

/// Slows down who guesses passwords, and nobody else.
///
/// An address waits after some failures, whoever it failed for. In a user's name more are allowed; then each address that
/// failed waits a moment after each failure of its own, so that many addresses together guess slowly, and the user, from
/// an address that did not fail or that he logged in from before, does not wait for others at all. Nobody outside knows
/// the key of the hash, so nobody can make others forget whom it counts: a newcomer takes the place of who failed least.
struct ThrottleTable: ~Copyable {
    /// Places of one set.
    @_transparent static var ways: Int { 8 }
    /// Networks of one user that are remembered as those he logged in from.
    private static var knownMax: Int { 2 }
    /// How many times the allowed failures a user has.
    private static var userPatience: Int { 4 }
    private static var addressWaitSecondsMax: UInt64 { 60 }
    private static var userWaitSecondsMax: UInt64 { 8 }

    private var places: Slab<Throttle>
    private let secret: HashKey

    init(_ places: consuming Slab<Throttle>, _ secret: HashKey) {
        invariant(places.count & (places.count - 1) == 0, "IM038 places of the throttle are a power of two")
        self.places = places
        self.secret = secret
    }

    // MARK: What happens

    /// Seconds that a login has to wait because of failures before it; 0 when it may go on.
    ///
    /// - Parameter failuresMax: Failures before an address has to wait; 0 for no waiting.
    func waitSeconds(_ user: Span<UInt8>, from address: Span<UInt8>, _ now: Instant, failuresMax: UInt32) -> UInt64 {
        guard failuresMax > 0 else { return 0 }
        let userKey = key(.user, user)
        let pair = place(of: pairKey(userKey, address)).map { places[$0] } ?? Throttle()
        let ownWait = rest(pair, Int(failuresMax), ThrottleTable.addressWaitSecondsMax, now)
        if pair.isKnown { return ownWait }
        guard let place = place(of: key(.address, address)) else { return ownWait }
        let wait = max(ownWait, rest(places[place], Int(failuresMax), ThrottleTable.addressWaitSecondsMax, now))
        guard places[place].recentFailures(now) > 0, let other = self.place(of: userKey) else { return wait }
        var shared = places[other]
        shared.usedAt = places[place].usedAt
        let allowed = Int(failuresMax) * ThrottleTable.userPatience
        return max(wait, rest(shared, allowed, ThrottleTable.userWaitSecondsMax, now))
    }

    /// What is left of the wait that failures above what is allowed bring: each doubles it.
    private func rest(_ throttle: Throttle, _ allowed: Int, _ secondsMax: UInt64, _ now: Instant) -> UInt64 {
        let excess = throttle.recentFailures(now) - allowed
        guard excess >= 0 else { return 0 }
        let end = throttle.usedAt.adding(seconds: min(secondsMax, 1 << UInt64(min(excess, 6))))
        return end > now ? (end.milliseconds - now.milliseconds + 999) / 1000 : 0
    }

    /// Counts a failure.
    mutating func noteFailure(_ user: Span<UInt8>, from address: Span<UInt8>, _ now: Instant) {
        let userKey = key(.user, user)
        count(key(.address, address), now)
        count(userKey, now)
        count(pairKey(userKey, address), of: userTag(userKey), now)
    }

    private mutating func count(_ key: UInt64, of user: UInt32 = 0, _ now: Instant) {
        let place = placeForChange(key, of: user, now)
        if places[place].isForgotten(now) { places[place].failures = 0 }
        places[place].failures += places[place].failures < .max ? 1 : 0
        places[place].usedAt = now
    }

    /// Forgets the failures of a user from an address, because he succeeded there; those of others stay.
    mutating func noteSuccess(_ user: Span<UInt8>, from address: Span<UInt8>, _ now: Instant) {
        let userKey = key(.user, user)
        let pair = placeForChange(pairKey(userKey, address), of: userTag(userKey), now)
        let failures = UInt32(places[pair].recentFailures(now))
        places[pair].failures = 0
        places[pair].usedAt = now
        if !places[pair].isKnown {
            forgetOldestKnown(of: userTag(userKey), in: set(of: userKey))
            places[pair].isKnown = true
        }
        guard failures > 0 else { return }
        discount(failures, of: key(.address, address))
        discount(failures, of: userKey)
    }

    private mutating func discount(_ failures: UInt32, of key: UInt64) {
        guard let place = place(of: key) else { return }
        places[place].failures -= min(failures, places[place].failures)
    }

    /// Whether a user has logged in from an address before, as far as that is remembered.
    func isKnown(_ user: Span<UInt8>, from address: Span<UInt8>) -> Bool {
        place(of: pairKey(key(.user, user), address)).map { places[$0].isKnown } ?? false
    }

    // MARK: Places

    private func key(_ subject: ThrottleSubject, _ name: Span<UInt8>) -> UInt64 {
        max(1, secret.hash(subject.rawValue, name))
    }

    /// The key of a user at an address. It falls into the set of the user, so that who logs in from everywhere takes the
    /// places of nobody but himself.
    private func pairKey(_ userKey: UInt64, _ address: Span<UInt8>) -> UInt64 {
        let low: UInt64 = 0xFFFF_FFFF
        return secret.hash(ThrottleSubject.pair.rawValue, address) &* (userKey | 1) & ~low | userKey & low
    }

    private func userTag(_ userKey: UInt64) -> UInt32 { max(1, UInt32(truncatingIfNeeded: userKey >> 32)) }

    private mutating func forgetOldestKnown(of user: UInt32, in set: Range<Int>) {
        var oldest = set.lowerBound
        var count = 0
        for place in set where places[place].isKnown && places[place].user == user {
            if count == 0 || places[place].usedAt < places[oldest].usedAt { oldest = place }
            count += 1
        }
        if count >= ThrottleTable.knownMax { places[oldest].isKnown = false }
    }

    private func set(of key: UInt64) -> Range<Int> {
        let ways = min(ThrottleTable.ways, places.count)
        let start = Int(truncatingIfNeeded: key) & (places.count / ways - 1)
        return start * ways..<(start + 1) * ways
    }

    private func place(of key: UInt64) -> Int? {
        for place in set(of: key) where places[place].key == key { return place }
        return nil
    }

    /// The place of a key, or one that becomes its place: of nobody, of somebody who did not fail lately, or else of who
    /// failed least, and of those longest ago. Where users logged in from stays, as long as that is not most of the set.
    private mutating func placeForChange(_ key: UInt64, of user: UInt32, _ now: Instant) -> Int {
        if let place = place(of: key) { return place }
        let set = set(of: key)
        var knownCount = 0
        for place in set where places[place].isKnown { knownCount += 1 }
        let areKnownKept = knownCount * 2 <= set.count
        var victim: Int?
        for place in set where !(areKnownKept && places[place].isKnown) {
            if victim.map({ isWorthLess(places[place], than: places[$0], now) }) ?? true { victim = place }
        }
        guard let victim else { return set.lowerBound }
        places[victim] = Throttle()
        places[victim].key = key
        places[victim].user = user
        places[victim].usedAt = now
        return victim
    }

    private func isWorthLess(_ throttle: Throttle, than other: Throttle, _ now: Instant) -> Bool {
        let failures = throttle.recentFailures(now)
        let others = other.recentFailures(now)
        return failures == others ? throttle.usedAt < other.usedAt : failures < others
    }
}
