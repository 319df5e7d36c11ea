import Octets

/// A secret with which names become numbers that nobody outside can foresee: for tables that a stranger could fill on
/// purpose otherwise.
///
/// SipHash-2-4, which is made for that and costs a tenth of a digest. Swift's own `Hasher` is of its kind, but takes no key.
public struct HashKey: Sendable {
    private let key0: UInt64
    private let key1: UInt64

    /// - Parameter key: 32 octets that belong to this device, of which SipHash takes half.
    init(_ key: InlineBytes<32>) {
        key0 = littleEndian(key.span.extracting(0..<8))
        key1 = littleEndian(key.span.extracting(8..<16))
    }

    /// The number of a name.
    ///
    /// - Parameter subject: Keeps the same name in other roles apart.
    public func hash(_ subject: UInt8, _ name: Span<UInt8>) -> UInt64 {
        // The last word is filled up with zeros, so the length is part of it.
        var hash = SipHash(key0, key1)
        hash.add(UInt64(subject) << 32 | UInt64(truncatingIfNeeded: name.count))
        hash.add(name)
        return hash.result()
    }
}

/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var count: UInt64 = 0

    init(_ key0: UInt64, _ key1: UInt64) {
        v0 = key0 ^ 0x736F_6D65_7073_6575
        v1 = key1 ^ 0x646F_7261_6E64_6F6D
        v2 = key0 ^ 0x6C79_6765_6E65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    private mutating func round() {
        v0 &+= v1
        v1 = rotated(v1, 13) ^ v0
        v0 = rotated(v0, 32)
        v2 &+= v3
        v3 = rotated(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotated(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotated(v1, 17) ^ v2
        v2 = rotated(v2, 32)
    }

    mutating func add(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
        count += 8
    }

    /// Adds whole words of octets, the last one filled up with zeros.
    mutating func add(_ octets: Span<UInt8>) { octets.forEachWord { add($0) } }

    mutating func result() -> UInt64 {
        add(count << 56)
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }
}

private func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

private func littleEndian(_ octets: Span<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for index in octets.indices { value |= UInt64(octets[index]) << UInt64(8 * index) }
    return value
}
