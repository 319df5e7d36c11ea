import Octets

/// Octets behind each value in the file, by which a value is known that is not what was written, or not under this key.
///
/// LMDB trusts its pages, and flash that wears gives back others than it got.
enum Seal {
    static var byteCount: Int { 4 }

    /// The seal of a value.
    static func of(_ key: Span<UInt8>, _ value: Span<UInt8>) -> UInt32 {
        let hash = combine(combine(0xCBF2_9CE4_8422_2325, key), value)
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    /// A value without its seal; nil when it is not the one that was sealed.
    @_lifetime(copy stored)
    static func open(_ stored: Span<UInt8>, of key: Span<UInt8>) -> Span<UInt8>? {
        let count = stored.count - byteCount
        guard count >= 0 else { return nil }
        let value = stored.extracting(0..<count)
        let seal = unsafe stored.withUnsafeBytes { octets in
            unsafe UInt32(bigEndian: octets.loadUnaligned(fromByteOffset: count, as: UInt32.self))
        }
        return seal == of(key, value) ? value : nil
    }

    /// Every record that is read or written comes through here: eight octets at a time, and the last eight once more with
    /// what is left over.
    private static func combine(_ hash: UInt64, _ octets: Span<UInt8>) -> UInt64 {
        unsafe octets.withUnsafeBytes { octets in
            let count = octets.count
            var hash = mix(hash ^ UInt64(count))
            guard count >= 8 else {
                for index in 0..<count { hash = unsafe mix(hash ^ UInt64(octets[index])) }
                return hash
            }
            var index = 0
            while index < count - 8 {
                hash = unsafe mix(
                    hash ^ UInt64(littleEndian: octets.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
                index += 8
            }
            let last = unsafe UInt64(littleEndian: octets.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            return mix(hash ^ last)
        }
    }

    /// One step that loses nothing, so that no single change in the octets leads to the same seal in 64 bits.
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value &* 0x9E37_79B9_7F4A_7C15
        return product ^ product >> 29
    }
}

/// Values that were read and whose seals were right, by where they lie. Until the next commit they stay what they were, so
/// they need not be looked at again.
struct VerifiedPlaces {
    private var marks = InlineArray<256, UInt>(repeating: 0)

    private func place(_ mark: UInt) -> Int { Int((mark >> 2 ^ mark >> 11) & 255) }

    func has(_ mark: UInt) -> Bool { marks[place(mark)] == mark }

    mutating func note(_ mark: UInt) { marks[place(mark)] = mark }

    mutating func forget() { marks = InlineArray(repeating: 0) }
}
