import Octets

/// Octets behind each value in the file, by which a value is known that is not what was written, or not under this key.
///
/// LMDB trusts its pages, and flash that wears gives back others than it got.
enum Seal {
    static var byteCount: Int { 4 }

    /// The seal of a value.
    static func of(_ key: Span<UInt8>, _ value: Span<UInt8>) -> UInt32 {
        var hash = Hash64(key)
        hash.combine(value)
        return UInt32(truncatingIfNeeded: hash.value ^ hash.value >> 32)
    }

    /// A value without its seal; nil when it is not the one that was sealed.
    @_lifetime(copy stored)
    static func open(_ stored: Span<UInt8>, of key: Span<UInt8>) -> Span<UInt8>? {
        let count = stored.count - byteCount
        guard count >= 0 else { return nil }
        let value = stored.extracting(0..<count)
        var reader = RecordReader(stored.extracting(count..<stored.count))
        return reader.integer() == of(key, value) ? value : nil
    }
}
