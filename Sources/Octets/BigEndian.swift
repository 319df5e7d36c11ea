extension FixedBytes {
    /// Adds `value` with its most significant octet first.
    public mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        append(UInt64(truncatingIfNeeded: value), octetCount: Value.bitWidth / 8)
    }

    /// Once for all widths: a record has dozens of fields, and each would get its own loop.
    @inline(never)
    private mutating func append(_ value: UInt64, octetCount: Int) {
        var shift = 8 * octetCount
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}

extension InlineBytes {
    /// Adds `value` with its most significant octet first; false when there is no room for all of it.
    public mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) -> Bool {
        guard capacity - count >= Value.bitWidth / 8 else { return false }
        var shift = Value.bitWidth
        while shift > 0 {
            shift -= 8
            _ = append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
        return true
    }
}

/// Reads a stored record field by field.
///
/// A record that is too short gives zeros and makes `isBroken` true, so that a reader asks once, after the last field.
public struct RecordReader: ~Escapable {
    private var cursor: Cursor

    /// True when something was read that the record does not have.
    public private(set) var isBroken = false

    /// A reader before the first field of `record`.
    @_lifetime(copy record)
    public init(_ record: Span<UInt8>) {
        cursor = Cursor(record)
    }

    /// True when all fields are read; a record of a later version may go on here.
    public var isAtEnd: Bool { cursor.isAtEnd }

    /// An integer with its most significant octet first.
    public mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value {
        Value(truncatingIfNeeded: integer(octetCount: Value.bitWidth / 8))
    }

    @inline(never)
    private mutating func integer(octetCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<octetCount {
            guard let octet = cursor.next() else {
                isBroken = true
                return 0
            }
            value = value << 8 | UInt64(octet)
        }
        return value
    }

    /// `count` octets.
    @inline(never)
    @_lifetime(copy self)
    public mutating func octets(_ count: Int) -> Span<UInt8> {
        guard let octets = cursor.take(count) else {
            isBroken = true
            return cursor.octets.extracting(0..<0)
        }
        return octets
    }

    /// Octets with their count in one octet before them.
    @inline(never)
    @_lifetime(copy self)
    public mutating func counted() -> Span<UInt8> {
        octets(Int(integer(UInt8.self)))
    }

    /// A copy of counted octets; broken when they do not fit.
    public mutating func counted<let capacity: Int>() -> InlineBytes<capacity> {
        guard let copy = InlineBytes<capacity>(counted()) else {
            isBroken = true
            return InlineBytes()
        }
        return copy
    }

    /// What is left.
    public var rest: Span<UInt8> {
        @_lifetime(copy self)
        get { cursor.rest }
    }
}

extension FixedBytes {
    /// Adds `octets` with their count in one octet before them; more than 255 is a defect of ours.
    @inline(never)
    public mutating func append(counted octets: Span<UInt8>) {
        invariant(octets.count <= 255, "IM005 counted octets")
        append(UInt8(octets.count))
        append(octets)
    }
}
