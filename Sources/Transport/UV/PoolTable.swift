import Octets

/// A pool of memory that was sized at start.
public struct Pool: Sendable {
    /// What is in it.
    public var name: StaticString
    /// How many there are.
    public var count: Int
    /// Octets of one.
    public var byteCount: Int
    /// Whether what follows is counted: things that are taken and given back.
    public var isCounted = false
    /// How many are in use.
    public var used = 0
    /// How many were in use at once at most.
    public var most = 0
    /// How often there was none left.
    public var refused: UInt64 = 0

    /// A pool of `count` things of `byteCount` octets.
    public init(_ name: StaticString, count: Int, byteCount: Int, isCounted: Bool = false) {
        self.isCounted = isCounted
        self.name = name
        self.count = count
        self.byteCount = byteCount
    }

    mutating func take() {
        used += 1
        most = max(most, used)
    }

    mutating func give() { used -= 1 }
}

/// All pools, for the log at start and for the operator.
public struct PoolTable: ~Copyable {
    private var pools = InlineArray<40, Pool>(repeating: Pool("none", count: 0, byteCount: 0))

    /// The number of pools.
    public private(set) var count = 0

    /// A table without pools.
    public init() {}

    /// Adds a pool and returns its place.
    @discardableResult
    public mutating func add(_ pool: Pool) -> Int {
        pools[count] = pool
        count += 1
        return count - 1
    }

    /// The pool at a place.
    public subscript(index: Int) -> Pool {
        _read { yield pools[index] }
        _modify { yield &pools[index] }
    }

    /// Octets of all pools together.
    public var byteCount: Int {
        var sum = 0
        for index in 0..<count { sum += self[index].count * self[index].byteCount }
        return sum
    }
}
