/// A buffer of fixed capacity that is filled from the front.
///
/// What does not fit is not written and sets `isOverflowed`, which stays until `removeAll`: a writer of many small
/// pieces asks once at the end instead of after each piece.
public struct FixedBytes: ~Copyable {
    var storage: Slab<UInt8>

    /// The number of octets in use.
    public private(set) var count: Int

    /// The highest `count` that is allowed now; at most the size of the storage.
    public private(set) var limit: Int

    /// True when something did not fit since the last `removeAll` or `truncate`.
    public private(set) var isOverflowed: Bool

    /// An empty buffer over `storage`.
    public init(_ storage: consuming Slab<UInt8>) {
        limit = storage.count
        self.storage = storage
        count = 0
        isOverflowed = false
    }

    /// The size of the storage in octets.
    public var capacity: Int { storage.count }

    /// How many octets still fit.
    public var freeCapacity: Int { limit - count }

    /// The octets in use.
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.span(0..<count) }
    }

    /// The octets of `range`, which must be in use.
    @_lifetime(borrow self)
    public func span(_ range: Range<Int>) -> Span<UInt8> {
        invariant(range.upperBound <= count, "IM003 range in use")
        return storage.span(range)
    }

    /// The octets of `range`, which must be in use, to be changed in place.
    @_lifetime(&self)
    public mutating func mutableSpan(_ range: Range<Int>) -> MutableSpan<UInt8> {
        invariant(range.upperBound <= count, "IM003 range in use")
        return storage.mutableSpan(range)
    }

    /// The octet at `index`, which must be in use.
    public subscript(index: Int) -> UInt8 {
        get {
            invariant(index < count, "IM003 range in use")
            return storage[index]
        }
        set {
            invariant(index < count, "IM003 range in use")
            storage[index] = newValue
        }
    }

    /// Adds one octet.
    public mutating func append(_ octet: UInt8) {
        guard count < limit else {
            isOverflowed = true
            return
        }
        storage[count] = octet
        count += 1
    }

    /// Adds all of `octets`, or nothing of them.
    public mutating func append(_ octets: Span<UInt8>) {
        guard octets.count <= limit - count else {
            isOverflowed = true
            return
        }
        storage.update(at: count, from: octets)
        count += octets.count
    }

    /// Adds what lies in `range` of another buffer.
    ///
    /// The buffer is passed whole because a span of one stored property cannot be lent to a change of its neighbour.
    public mutating func append(copy other: borrowing FixedBytes, _ range: Range<Int>) {
        append(other.span(range))
    }

    /// Adds a constant.
    @inline(never)
    public mutating func append(_ text: StaticString) {
        append(text.octets)
    }

    /// Forgets the content and overwrites it, for secrets.
    public mutating func wipe() {
        storage.zero(0..<count)
        removeAll()
    }

    /// Overwrites octets that are in use, and stay so.
    public mutating func wipe(_ range: Range<Int>) {
        invariant(range.upperBound <= count, "IM003 range in use")
        storage.zero(range)
    }

    /// Forgets the content and overwrites all of the storage, for what was there before.
    public mutating func wipeAll() {
        storage.zero(0..<storage.count)
        removeAll()
    }

    /// Makes `count` octets more in use, with whatever is there, because another party wrote them.
    public mutating func advance(by octetCount: Int) {
        invariant(octetCount >= 0 && octetCount <= limit - count, "IM004 room for what was written")
        count += octetCount
    }

    /// Copies octets that are already in use to the end.
    public mutating func appendCopy(of range: Range<Int>) {
        invariant(range.upperBound <= count, "IM003 range in use")
        guard range.count <= limit - count else {
            isOverflowed = true
            return
        }
        storage.move(range, to: count)
        count += range.count
    }

    /// Moves octets that are in use so that they begin at `index`; `count` stays.
    public mutating func move(_ range: Range<Int>, to index: Int) {
        invariant(range.upperBound <= count && index + range.count <= count, "IM003 range in use")
        storage.move(range, to: index)
    }

    /// Takes the first `octetCount` octets away and moves the rest to the front.
    public mutating func removeFirst(_ octetCount: Int) {
        invariant(octetCount >= 0 && octetCount <= count, "IM003 range in use")
        storage.move(octetCount..<count, to: 0)
        count -= octetCount
    }

    /// Says that something did not fit, which its writer saw by itself.
    public mutating func overflow() { isOverflowed = true }

    /// Goes back to `octetCount` octets, which forgets a later overflow.
    public mutating func truncate(to octetCount: Int) {
        invariant(octetCount >= 0 && octetCount <= count, "IM003 range in use")
        count = octetCount
        isOverflowed = false
    }

    /// Empties the buffer and lets it grow to `limit` octets, or to all of its storage.
    public mutating func removeAll(limit newLimit: Int = .max) {
        count = 0
        limit = min(newLimit, storage.count)
        isOverflowed = false
    }

    /// Lets the buffer grow to `newLimit` octets, at most to the size of its storage.
    public mutating func setLimit(_ newLimit: Int) {
        limit = max(count, min(newLimit, storage.count))
    }
}

extension Slab where Element == UInt8 {
    /// Copies what is in `source` to the place that begins at `index`.
    ///
    /// The buffer is passed whole because a span of one stored property cannot be lent to a change of its neighbour.
    public mutating func update(at index: Int, from source: borrowing FixedBytes) {
        update(at: index, from: source.span)
    }
}
