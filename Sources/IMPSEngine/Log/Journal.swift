import Octets

/// Makes the records of the log and keeps the last ones in memory.
///
/// A record is one line of at most 240 printable ASCII octets: `up=12.345 N LOGIN user=wv:alice@home.test ver=1.2`.
/// `up` counts seconds since the start and is always right; `t` is added when the clock is trusted. Whatever came from
/// outside is escaped and cut. A code that comes too often is held back, and the next record of it says how many were.
public struct Journal: ~Copyable {
    /// The longest record in octets.
    public static var recordByteCountMax: Int { 240 }
    /// Octets of storage for one record that is kept.
    public static var slotByteCount: Int { 244 }

    private var slots: Slab<UInt8>
    private var line: FixedBytes
    private var writtenCount: UInt64 = 0
    private var takenCount: UInt64 = 0
    private var buckets = InlineArray<96, Bucket>(repeating: Bucket())
    private var current = LogCode.start

    /// The highest level that is written.
    public var level = LogLevel.notice

    /// Records a second that one code may write; twice as many at once. 0 lets everything through.
    public var rate: UInt32 = 5

    private struct Bucket {
        /// Thousandths of a record.
        var credit: UInt64 = .max
        var refilledAt: UInt64 = 0
        var suppressed: UInt32 = 0
    }

    /// A journal over lent memory.
    ///
    /// - Parameters:
    ///   - slots: `slotByteCount` octets for each record that is kept.
    ///   - line: At least `recordByteCountMax` octets.
    public init(slots: consuming Slab<UInt8>, line: consuming FixedBytes) {
        invariant(LogCode.count <= 96, "IM021 a bucket for each code")
        self.slots = slots
        self.line = line
    }

    private var slotCount: Int { slots.count / Journal.slotByteCount }

    // MARK: Writing

    /// Begins a record. Nothing else may be called for it when this says false.
    public mutating func begin(_ code: LogCode, _ now: Instant, _ wall: WallTime) -> Bool {
        guard code.level <= level || code.isAlwaysWritten else { return false }
        guard passes(code, now) else { return false }
        current = code
        line.removeAll(limit: Journal.recordByteCountMax)
        line.append("up=")
        line.append(decimal: now.milliseconds / 1000)
        line.append(0x2E)
        line.append(decimal: now.milliseconds % 1000, width: 3)
        if wall.isTrusted {
            line.append(" t=")
            line.append(extendedTime: wall.secondsSince1970)
        }
        line.append(0x20)
        line.append(code.level.letter)
        line.append(0x20)
        line.append(code.name)
        let held = buckets[Int(code.rawValue)].suppressed
        if held > 0 {
            number("suppressed", UInt64(held))
            buckets[Int(code.rawValue)].suppressed = 0
        }
        return true
    }

    /// Adds `key=` and a constant word.
    public mutating func word(_ key: StaticString, _ value: StaticString) {
        field(key)
        line.append(value)
    }

    /// Adds `key=` and constant words in quotes.
    public mutating func sentence(_ key: StaticString, _ value: StaticString) {
        field(key)
        line.append(0x22)
        line.append(value)
        line.append(0x22)
    }

    /// Adds `key=` and words of this program in quotes; what could end them is left out.
    public mutating func sentence(_ key: StaticString, _ value: Span<UInt8>, countMax: Int) {
        field(key)
        line.append(0x22)
        for index in 0..<min(value.count, countMax) {
            let octet = value[index]
            if octet >= 0x20, octet < 0x7F, octet != 0x22 { line.append(octet) }
        }
        line.append(0x22)
    }

    /// Adds `key=` and a number.
    public mutating func number(_ key: StaticString, _ value: UInt64) {
        field(key)
        line.append(decimal: value)
    }

    /// Adds `key=` and text from outside: what is not printable ASCII without space becomes `\xNN`, and it is cut after
    /// `countMax` octets.
    public mutating func text(_ key: StaticString, _ value: Span<UInt8>, countMax: Int = 48) {
        field(key)
        for index in 0..<min(value.count, countMax) {
            let octet = value[index]
            if octet > 0x20, octet < 0x7F, octet != 0x5C {
                line.append(octet)
            } else {
                line.append("\\x")
                line.append(Hexadecimal.digit(octet >> 4))
                line.append(Hexadecimal.digit(octet))
            }
        }
        if value.count > countMax { line.append("...") }
    }

    /// Ends the record and keeps it.
    public mutating func end() {
        let slot = Int(writtenCount % UInt64(slotCount)) * Journal.slotByteCount
        slots[slot] = UInt8(line.count)
        slots[slot + 1] = current.level.rawValue
        slots.update(at: slot + 2, from: line)
        writtenCount += 1
    }

    private mutating func field(_ key: StaticString) {
        line.append(0x20)
        line.append(key)
        line.append(0x3D)
    }

    private mutating func passes(_ code: LogCode, _ now: Instant) -> Bool {
        guard rate > 0, code.level > .error else { return true }
        var bucket = buckets[Int(code.rawValue)]
        let full = UInt64(rate) * 2 * 1000
        let refill = (now.milliseconds - min(now.milliseconds, bucket.refilledAt)) * UInt64(rate)
        bucket.credit = min(full, min(bucket.credit, full) + refill)
        bucket.refilledAt = now.milliseconds
        let passes = bucket.credit >= 1000
        if passes { bucket.credit -= 1000 } else { bucket.suppressed += 1 }
        buckets[Int(code.rawValue)] = bucket
        return passes
    }

    // MARK: Reading

    /// True when a code was held back and no later record told of it yet.
    public var hasSuppressed: Bool {
        for index in 0..<LogCode.count where buckets[index].suppressed > 0 { return true }
        return false
    }

    /// Writes one record for each code that was held back and stayed quiet since.
    public mutating func flushSuppressed(_ now: Instant, _ wall: WallTime) {
        for index in 0..<LogCode.count where buckets[index].suppressed > 0 {
            // As long as they keep coming, the records that pass tell of the others.
            guard now.milliseconds >= buckets[index].refilledAt + 2000 else { continue }
            guard let code = LogCode(rawValue: UInt8(index)) else { continue }
            let held = buckets[index].suppressed
            buckets[index].suppressed = 0
            guard begin(.suppressed, now, wall) else { continue }
            word("code", code.name)
            number("n", UInt64(held))
            end()
        }
    }

    /// The number of records written since the start.
    public var recordCount: UInt64 { writtenCount }

    /// The number of the oldest record that is still kept.
    public var firstKept: UInt64 { writtenCount > UInt64(slotCount) ? writtenCount - UInt64(slotCount) : 0 }

    /// A kept record by its number, without line end.
    @_lifetime(borrow self)
    public func record(_ number: UInt64) -> Span<UInt8> {
        invariant(number >= firstKept && number < writtenCount, "IM022 a record that is kept")
        let slot = Int(number % UInt64(slotCount)) * Journal.slotByteCount
        return slots.span(slot + 2..<slot + 2 + Int(slots[slot]))
    }

    /// The level of a kept record.
    public func level(of number: UInt64) -> UInt8 {
        slots[Int(number % UInt64(slotCount)) * Journal.slotByteCount + 1]
    }

    /// The number of the next record that the shell has not written out yet; nil when there is none.
    public mutating func takeNext() -> UInt64? {
        if takenCount < firstKept { takenCount = firstKept }
        guard takenCount < writtenCount else { return nil }
        takenCount += 1
        return takenCount - 1
    }
}
