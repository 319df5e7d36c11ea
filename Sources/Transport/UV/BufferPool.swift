import Octets

/// How many buffers of each size there are, and how large they are.
public struct BufferSizes: Sendable {
    /// For heads, and for what most requests are.
    public var small = 64
    /// For what arrives in one piece behind another request, and for longer messages.
    public var medium = 8
    /// For the largest request or answer.
    public var large = 2
    /// Octets of a large one.
    public var largeByteCount = 65_536

    /// The defaults.
    public init() {}

    /// Octets of a small one.
    public static var smallByteCount: Int { 2048 }
    /// Octets of a medium one, and of what is read at once.
    public static var mediumByteCount: Int { 16_384 }

    /// Octets of all of them.
    public var byteCount: Int {
        small * BufferSizes.smallByteCount + medium * BufferSizes.mediumByteCount + large * largeByteCount
    }

    fileprivate func count(_ size: Int) -> Int { size == 0 ? small : size == 1 ? medium : large }

    fileprivate func byteCount(_ size: Int) -> Int {
        size == 0 ? BufferSizes.smallByteCount : size == 1 ? BufferSizes.mediumByteCount : largeByteCount
    }

    /// Where the buffers of a size begin among all.
    fileprivate func start(_ size: Int) -> Int { size == 0 ? 0 : size == 1 ? small : small + medium }
}

/// The buffers that connections borrow: for a request that arrives in pieces, and for an answer that does not go out at
/// once. Nobody who needs a small one takes a large one, so that many small requests never keep a large one waiting.
struct BufferPool: ~Copyable {
    static var none: UInt16 { .max }

    private let sizes: BufferSizes
    /// By size: the small ones first.
    private var buffers: Slab<FixedBytes>
    /// The free ones of each size, as a stack at the place where the size begins.
    private var free: Slab<UInt16>
    private var freeCounts = InlineArray<3, Int>(repeating: 0)
    /// Where each size is counted.
    private var pools = InlineArray<3, Int>(repeating: 0)

    init(_ sizes: BufferSizes, _ table: inout PoolTable) {
        self.sizes = sizes
        let count = sizes.small + sizes.medium + sizes.large
        buffers = Memory.buffers(count, byteCount: { sizes.byteCount(BufferPool.size(of: $0, sizes)) })
        free = Memory.slab(count, UInt16.self)
        for size in 0..<3 {
            freeCounts[size] = sizes.count(size)
            for index in 0..<sizes.count(size) {
                let place = sizes.start(size) + index
                // The first ones are taken first, so that memory that nobody needs is not touched.
                free[place] = UInt16(sizes.start(size) + sizes.count(size) - 1 - index)
            }
        }
        for size in 0..<3 {
            let name: StaticString = size == 0 ? "request_buffers" : size == 1 ? "medium_buffers" : "large_buffers"
            pools[size] = table.add(
                Pool(name, count: sizes.count(size), byteCount: sizes.byteCount(size), isCounted: true))
        }
    }

    private static func size(of buffer: Int, _ sizes: BufferSizes) -> Int {
        buffer < sizes.small ? 0 : buffer < sizes.small + sizes.medium ? 1 : 2
    }

    /// The size that holds so many octets; nil when none does.
    private func size(for byteCount: Int) -> Int? {
        for size in 0..<3 where byteCount <= sizes.byteCount(size) { return size }
        return nil
    }

    subscript(buffer: UInt16) -> FixedBytes {
        _read { yield buffers[Int(buffer)] }
        _modify { yield &buffers[Int(buffer)] }
    }

    /// Whether a buffer for so many octets is of the size of another one.
    func isSameSize(_ buffer: UInt16, for byteCount: Int) -> Bool {
        buffer != BufferPool.none && size(for: byteCount) == BufferPool.size(of: Int(buffer), sizes)
    }

    /// How many buffers for so many octets one address may hold when they run short.
    func share(for byteCount: Int) -> Int { size(for: byteCount).map { max(1, sizes.count($0) / 4) } ?? 0 }

    /// Whether less than half of the buffers for so many octets are free.
    func isShort(for byteCount: Int) -> Bool {
        size(for: byteCount).map { freeCounts[$0] * 2 <= sizes.count($0) } ?? true
    }

    func hasFree(for byteCount: Int) -> Bool { size(for: byteCount).map { freeCounts[$0] > 0 } ?? false }

    /// Takes an empty buffer for so many octets; nil when none is free.
    mutating func take(for byteCount: Int, _ table: inout PoolTable) -> UInt16? {
        guard let size = size(for: byteCount) else { return nil }
        guard freeCounts[size] > 0 else {
            table[pools[size]].refused += 1
            return nil
        }
        freeCounts[size] -= 1
        table[pools[size]].take()
        let buffer = free[sizes.start(size) + freeCounts[size]]
        buffers[Int(buffer)].removeAll()
        return buffer
    }

    mutating func give(_ buffer: UInt16, _ table: inout PoolTable) {
        let size = BufferPool.size(of: Int(buffer), sizes)
        // It may have had somebody's password in it.
        buffers[Int(buffer)].wipe()
        free[sizes.start(size) + freeCounts[size]] = buffer
        freeCounts[size] += 1
        table[pools[size]].give()
    }

    /// Takes a buffer for so many octets, of another size than `buffer`, with what that has, and gives that back; nil when
    /// none is free.
    mutating func exchange(_ buffer: UInt16, for byteCount: Int, _ table: inout PoolTable) -> UInt16? {
        guard let other = take(for: byteCount, &table) else { return nil }
        copy(0..<buffers[Int(buffer)].count, of: buffer, to: other)
        give(buffer, &table)
        return other
    }

    private mutating func copy(_ range: Range<Int>, of buffer: UInt16, to other: UInt16) {
        buffers.withTwo(Int(buffer), Int(other)) { source, target in target.append(copy: source, range) }
    }
}
