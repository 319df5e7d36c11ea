/// A 64-bit hash (FNV-1a) to tell one body or name from another; not for secrets.
public struct Hash64: Equatable, Sendable {
    /// The hash of what was added so far.
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    public init() {}

    /// The hash of `octets`.
    public init(_ octets: Span<UInt8>) {
        combine(octets)
    }

    /// Adds `octets` to the hash.
    public mutating func combine(_ octets: Span<UInt8>) {
        for index in octets.indices {
            value = (value ^ UInt64(octets[index])) &* 0x0000_0100_0000_01B3
        }
    }

    /// Adds a mark between two parts, so that parts of other lengths do not meet.
    public mutating func combineSeparator() {
        value = (value ^ 0x1FF) &* 0x0000_0100_0000_01B3
    }
}
