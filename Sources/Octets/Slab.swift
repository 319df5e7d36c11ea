/// A type of which all bits zero is a value, so that a pool of it may come from the system as it is.
///
/// The pages of such a pool take no memory before they are used.
public protocol ZeroInitializable: BitwiseCopyable {}

extension UInt8: ZeroInitializable {}
extension UInt16: ZeroInitializable {}

/// A run of elements in storage that the caller allocated before and keeps for the rest of the process.
///
/// This is the one place of the pure modules that touches memory through pointers. Each access is checked against
/// `count`, in release builds too; what is lent must be initialised and must not be used by anybody else, which is
/// why the executables lend each block once, at start.
@safe
public struct Slab<Element: ~Copyable>: ~Copyable {
    let base: UnsafeMutablePointer<Element>

    /// The number of elements, fixed at start.
    public let count: Int

    /// Takes over storage of `count` initialised elements.
    public init(lent base: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// The element at `index`; out of range is a defect of ours and traps.
    public subscript(index: Int) -> Element {
        unsafeAddress {
            invariant(index >= 0 && index < count, "IM001 slab index")
            return unsafe UnsafePointer(base + index)
        }
        unsafeMutableAddress {
            invariant(index >= 0 && index < count, "IM001 slab index")
            return unsafe base + index
        }
    }
}

extension Slab where Element: ~Copyable {
    /// Lends two elements at once, the second one to be changed.
    public mutating func withTwo(_ first: Int, _ second: Int, _ body: (borrowing Element, inout Element) -> Void) {
        invariant(first >= 0 && first < count && second >= 0 && second < count && first != second, "IM001 slab index")
        unsafe body((base + first).pointee, &(base + second).pointee)
    }
}

extension Slab where Element: BitwiseCopyable {
    /// The elements of `range`, read only.
    @_lifetime(borrow self)
    public func span(_ range: Range<Int>) -> Span<Element> {
        invariant(range.lowerBound >= 0 && range.upperBound <= count, "IM002 slab range")
        let span = unsafe Span(_unsafeStart: base + range.lowerBound, count: range.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The elements of `range`, to be changed in place.
    @_lifetime(&self)
    public mutating func mutableSpan(_ range: Range<Int>) -> MutableSpan<Element> {
        invariant(range.lowerBound >= 0 && range.upperBound <= count, "IM002 slab range")
        let span = unsafe MutableSpan(_unsafeStart: base + range.lowerBound, count: range.count)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Copies `source` to the place that begins at `index`; the two may not overlap, as `source` borrows elsewhere.
    public mutating func update(at index: Int, from source: Span<Element>) {
        invariant(index >= 0 && source.count <= count - index, "IM002 slab range")
        unsafe source.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe (base + index).update(from: start, count: buffer.count)
        }
    }

    /// Moves the elements of `range` so that they begin at `index`; the places may overlap.
    public mutating func move(_ range: Range<Int>, to index: Int) {
        invariant(range.lowerBound >= 0 && range.upperBound <= count, "IM002 slab range")
        invariant(index >= 0 && range.count <= count - index, "IM002 slab range")
        unsafe (base + index).update(from: base + range.lowerBound, count: range.count)
    }

    /// The elements of `range` as pointers, for a C function.
    @unsafe
    mutating func pointers(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Element> {
        invariant(range.lowerBound >= 0 && range.upperBound <= count, "IM002 slab range")
        return unsafe UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}

extension Span where Element == UInt8 {
    /// The same octets in the same order; eight at a time, because every name and every namespace goes through here.
    public func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in
                var index = 0
                while index + 8 <= own.count {
                    guard
                        unsafe own.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                            == other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    else { return false }
                    index += 8
                }
                while index < own.count {
                    guard unsafe own[index] == other[index] else { return false }
                    index += 1
                }
                return true
            }
        }
    }

    /// Whether it comes before the other in the order of their octets; what the other begins with comes before it.
    public func isBelow(_ other: Span<UInt8>) -> Bool {
        let common = Swift.min(count, other.count)
        return unsafe withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in
                var index = 0
                while index + 8 <= common {
                    let first = unsafe UInt64(bigEndian: own.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    let second = unsafe UInt64(bigEndian: other.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    if first != second { return first < second }
                    index += 8
                }
                while index < common {
                    let (first, second) = unsafe (own[index], other[index])
                    if first != second { return first < second }
                    index += 1
                }
                return own.count < other.count
            }
        }
    }

    /// How many octets from `start` on are printable ASCII without `&`, `<` and `]`, which is what most text in XML is;
    /// eight at a time.
    public func plainTextCount(from start: Int) -> Int {
        unsafe withUnsafeBytes { octets in
            var index = start
            while index + 8 <= octets.count {
                let word = unsafe UInt64(littleEndian: octets.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                // The high bit of each octet that is something else; a borrow can only mark octets behind one that is.
                var others = word | (word &- 0x2020_2020_2020_2020) & ~word
                others |= Span.highBits(ofZerosIn: word ^ 0x2626_2626_2626_2626)
                others |= Span.highBits(ofZerosIn: word ^ 0x3C3C_3C3C_3C3C_3C3C)
                others |= Span.highBits(ofZerosIn: word ^ 0x5D5D_5D5D_5D5D_5D5D)
                others &= 0x8080_8080_8080_8080
                if others != 0 { return index - start + others.trailingZeroBitCount >> 3 }
                index += 8
            }
            while index < octets.count {
                let octet = unsafe octets[index]
                guard octet >= 0x20, octet < 0x80, octet != 0x26, octet != 0x3C, octet != 0x5D else { break }
                index += 1
            }
            return index - start
        }
    }

    private static func highBits(ofZerosIn word: UInt64) -> UInt64 { (word &- 0x0101_0101_0101_0101) & ~word }

    /// Calls `body` with eight octets at a time, the last ones filled up with zeros.
    public func forEachWord(_ body: (UInt64) -> Void) {
        unsafe withUnsafeBytes { octets in
            var index = 0
            while index + 8 <= octets.count {
                unsafe body(UInt64(littleEndian: octets.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
                index += 8
            }
            guard index < octets.count else { return }
            var last: UInt64 = 0
            while index < octets.count {
                last = unsafe last << 8 | UInt64(octets[index])
                index += 1
            }
            body(last)
        }
    }
}

extension Slab where Element == UInt8 {
    /// Overwrites the octets of `range`.
    mutating func zero(_ range: Range<Int>) {
        let octets = unsafe pointers(range)
        unsafe octets.update(repeating: 0)
    }
}
