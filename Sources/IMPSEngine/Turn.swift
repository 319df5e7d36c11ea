import Octets

/// A moment of the monotonic clock: milliseconds since the engine started. It never jumps.
public struct Instant: Comparable, BitwiseCopyable, Sendable {
    /// Milliseconds since the start.
    public var milliseconds: UInt64

    /// The moment this many milliseconds after the start.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds since the start, for fields of 32 bits.
    var seconds: UInt32 { UInt32(truncatingIfNeeded: milliseconds / 1000) }

    /// The moment so many milliseconds later.
    public func adding(milliseconds later: UInt64) -> Instant { Instant(milliseconds: milliseconds + later) }

    /// The moment `seconds` later.
    public func adding(seconds: UInt64) -> Instant { adding(milliseconds: seconds * 1000) }

    /// Earlier moments come first.
    public static func < (first: Instant, second: Instant) -> Bool { first.milliseconds < second.milliseconds }
}

/// When time alone has something to do next.
struct Deadline {
    /// The moment; nil when nothing waits for time.
    private(set) var next: Instant?

    /// Makes sure that somebody looks at `time` at the latest.
    mutating func schedule(at time: Instant) {
        if next.map({ time < $0 }) ?? true { next = time }
    }
}

/// What the wall clock shows, and whether to believe it.
///
/// A gateway starts in 1970 and jumps when it hears of the time. Nothing expires and no time is told to anybody while
/// the clock is not trusted.
public struct WallTime: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public var secondsSince1970: UInt64
    /// True when the kernel or the operator says that the clock is right.
    public var isTrusted: Bool
    /// What the local time is ahead of UTC, in minutes.
    public var offsetMinutes: Int16 = 0

    /// What the clock shows.
    public init(secondsSince1970: UInt64, isTrusted: Bool) {
        self.secondsSince1970 = secondsSince1970
        self.isTrusted = isTrusted
    }

    /// The minute of the local day, 0 to 1439.
    var minuteOfDay: UInt16 {
        UInt16((Int64(secondsSince1970 / 60 % 1440) + Int64(offsetMinutes) + 2880) % 1440)
    }

    /// The seconds to store: 0 stands for an unknown time.
    var storedSeconds: UInt64 { isTrusted ? secondsSince1970 : 0 }
}

/// Random octets that the shell drew before the turn, so that the engine draws none itself.
public struct Entropy: Sendable {
    /// The most octets that one request may need.
    public static var byteCountMax: Int { 64 }

    private var octets: InlineArray<64, UInt8>
    private var used: Int

    /// Takes over fresh random octets.
    public init(_ octets: InlineArray<64, UInt8>) {
        self.octets = octets
        used = 0
    }

    /// True when the shell should draw again before the next request.
    public var isSpent: Bool { used > 0 }

    /// `count` random octets, each given out once.
    mutating func take<let count: Int>() -> InlineArray<count, UInt8> {
        invariant(count <= Entropy.byteCountMax - used, "IM020 entropy for one request")
        var taken = InlineArray<count, UInt8>(repeating: 0)
        for index in 0..<count {
            taken[index] = octets[used]
            octets[used] = 0
            used += 1
        }
        return taken
    }
}

/// What a turn of the loop brings into the engine besides the request: time, randomness, and the log to write to.
public struct Turn: ~Copyable {
    /// The monotonic clock, read once a turn.
    public var now: Instant
    /// The wall clock, read once a turn.
    public var wall: WallTime
    /// Random octets for the request that is handled.
    public var entropy: Entropy
    /// Where records of the log go.
    public var journal: Journal

    /// A turn at a given time.
    public init(now: Instant, wall: WallTime, entropy: Entropy, journal: consuming Journal) {
        self.now = now
        self.wall = wall
        self.entropy = entropy
        self.journal = journal
    }
}

/// Where a request came from.
public struct Client: BitwiseCopyable, Sendable {
    /// The address without port, as text.
    public let address: InlineBytes<46>
    /// What one household or machine has all addresses of: the address itself, or of IPv6 its first 64 bits.
    public let network: InlineBytes<46>
    /// The address of this server that it reached, as text.
    public let local: InlineBytes<46>
    /// The port that it reached.
    public let port: UInt16
    /// It came by TLS.
    public let isSealed: Bool
    /// The port at which it may keep a connection to be called; 0 for none.
    public let cirPort: UInt16
    /// What address and network are compared by.
    public let addressHash: UInt32
    /// The same for the network.
    public let networkHash: UInt32

    /// A client at `address` of `network`, which came by `local` and `port`.
    public init(
        address: InlineBytes<46>, network: InlineBytes<46>? = nil, local: InlineBytes<46> = InlineBytes(),
        port: UInt16 = 0, isSealed: Bool = false, cirPort: UInt16 = 0
    ) {
        self.address = address
        self.network = network ?? address
        self.local = local
        self.port = port
        self.isSealed = isSealed
        self.cirPort = cirPort
        addressHash = UInt32(truncatingIfNeeded: Hash64(address.span).value)
        networkHash = UInt32(truncatingIfNeeded: Hash64((network ?? address).span).value)
    }
}
