/// A short text or identifier of at most `capacity` octets, kept where it is declared.
public struct InlineBytes<let capacity: Int>: BitwiseCopyable, Sendable {
    @usableFromInline var storage: InlineArray<capacity, UInt8>

    /// The number of octets in use.
    public internal(set) var count: Int

    /// An empty value.
    public init() {
        storage = InlineArray(repeating: 0)
        count = 0
    }

    /// As many octets of one value as fit.
    public init(repeating octet: UInt8) {
        storage = InlineArray(repeating: octet)
        count = capacity
    }

    /// A copy of `octets`, or nil when they do not fit.
    public init?(_ octets: Span<UInt8>) {
        self.init()
        guard append(octets) else { return nil }
    }

    /// A copy of the first octets, as many as fit.
    @inline(never)
    public init(prefix octets: Span<UInt8>) {
        self.init()
        _ = append(octets.extracting(0..<min(octets.count, capacity)))
    }

    /// The octets in use.
    ///
    /// Transparent, because the optimiser may pass `self` in registers to a getter of its own and then lends out a copy
    /// on the stack of that getter.
    public var span: Span<UInt8> {
        @_transparent
        @_lifetime(borrow self)
        get { storage.span.extracting(0..<count) }
    }

    /// True when nothing is in it.
    public var isEmpty: Bool { count == 0 }

    /// Adds one octet; false, and nothing added, when there is no room.
    public mutating func append(_ octet: UInt8) -> Bool {
        guard count < capacity else { return false }
        storage[count] = octet
        count += 1
        return true
    }

    /// Adds a Unicode scalar in UTF-8, which the caller made sure it is; false, and nothing added, when there is no room.
    public mutating func append(scalar value: UInt32) -> Bool {
        var octets = InlineArray<4, UInt8>(repeating: 0)
        let count = UTF8.encode(value, into: &octets)
        return append(octets.span.extracting(0..<count))
    }

    /// Adds all of `octets`; false, and nothing added, when there is no room for all.
    @inline(never)
    public mutating func append(_ octets: Span<UInt8>) -> Bool {
        guard octets.count <= capacity - count else { return false }
        for index in octets.indices { storage[count + index] = octets[index] }
        count += octets.count
        return true
    }

    /// Adds a constant; false, and nothing added, when there is no room for it.
    @inline(never)
    public mutating func append(_ text: StaticString) -> Bool {
        append(text.octets)
    }

    /// Forgets the content and overwrites it, for secrets.
    public mutating func wipe() {
        for index in 0..<capacity { storage[index] = 0 }
        count = 0
    }
}
