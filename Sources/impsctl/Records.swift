import Octets
import Transport

/// Records of an answer that are looked at together: lines of `key=value` between spaces.
struct Records: ~Copyable {
    private var text = Memory.buffer(131_072)
    private(set) var count = 0

    /// Keeps a record; false when there is no room for more.
    mutating func append(_ line: borrowing FixedBytes) -> Bool {
        guard text.freeCapacity > line.count else { return false }
        text.append(copy: line, 0..<line.count)
        text.append(0x0A)
        count += 1
        return true
    }

    mutating func removeAll() {
        text.removeAll()
        count = 0
    }

    /// Where the record after the one that ends at `end` lies; nil behind the last. Begin with -1.
    func next(after end: Int) -> Range<Int>? {
        let start = end + 1
        guard start < text.count else { return nil }
        return start..<(text.span.firstIndex(of: 0x0A, from: start) ?? text.count)
    }

    /// The value of a key in a record; empty when it has none.
    @_lifetime(borrow self)
    func value(_ key: StaticString, in record: Range<Int>) -> Span<UInt8> {
        var start = record.lowerBound
        while start < record.upperBound {
            let end = min(record.upperBound, text.span.firstIndex(of: 0x20, from: start) ?? record.upperBound)
            let equals = text.span.firstIndex(of: 0x3D, from: start) ?? end
            if equals < end, text.span(start..<equals).equals(key) { return text.span(equals + 1..<end) }
            start = end + 1
        }
        return text.span(0..<0)
    }

    /// Adds the value of a key as people read it.
    func write(_ key: StaticString, in record: Range<Int>, into text: inout FixedBytes) {
        text.append(readable: value(key, in: record))
    }

    func number(_ key: StaticString, in record: Range<Int>) -> UInt64? { Decimal.parse(value(key, in: record)) }

    /// The first number with a key in any record that is none of a list.
    func number(_ key: StaticString) -> UInt64 {
        var record = next(after: -1)
        while let current = record {
            if value("pool", in: current).isEmpty, let number = number(key, in: current) { return number }
            record = next(after: current.upperBound)
        }
        return 0
    }

    /// Octets of the memory that is told piece by piece.
    var sumOfMemory: UInt64 {
        var sum: UInt64 = 0
        var record = next(after: -1)
        while let current = record {
            record = next(after: current.upperBound)
            guard value("record", in: current).equals("memory") else { continue }
            var start = current.lowerBound
            while start < current.upperBound {
                let end = min(current.upperBound, text.span.firstIndex(of: 0x20, from: start) ?? current.upperBound)
                let equals = text.span.firstIndex(of: 0x3D, from: start) ?? end
                if equals < end { sum += Decimal.parse(text.span(equals + 1..<end)) ?? 0 }
                start = end + 1
            }
        }
        return sum
    }

    /// The first value with a key in any record.
    @_lifetime(borrow self)
    func value(_ key: StaticString) -> Span<UInt8> {
        var record = next(after: -1)
        while let current = record {
            if value(key, in: current).count > 0 { return value(key, in: current) }
            record = next(after: current.upperBound)
        }
        return text.span(0..<0)
    }
}
