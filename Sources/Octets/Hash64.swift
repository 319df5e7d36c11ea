/// A 64-bit hash to tell one body or name from another; not for secrets, and the same on every machine.
public struct Hash64: Equatable, Sendable {
    /// The hash of what was added so far.
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    public init() {}

    /// The hash of `octets`.
    public init(_ octets: Span<UInt8>) {
        combine(octets)
    }

    /// Adds `octets`, eight at a time, and their count, so that parts of other lengths do not meet.
    public mutating func combine(_ octets: Span<UInt8>) {
        var mixed = value
        octets.forEachWord { mixed = Hash64.mix(mixed ^ $0) }
        value = Hash64.mix(mixed ^ UInt64(octets.count))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value &* 0x9E37_79B9_7F4A_7C15
        return product ^ product >> 29
    }
}
