import Octets

/// What lasts: the store, the records that are put together for it, and what the operator chose.
///
/// Each kind of record is read and written in the folder of the room that it belongs to, as an extension of this type, so
/// that `records.account(of: user)` reads alike everywhere. A function that takes it `borrowing` changes nothing that lasts.
struct Records<Port: StorePort & ~Copyable>: ~Copyable {
    /// The store, lent to the engine; the shell begins and commits its transactions.
    var store: Port
    private var lentSettings: Slab<Settings>
    /// Where records are put together; used by one function at a time, never across a call.
    var scratch: FixedBytes
    var sequences = SequenceBlock()
    var notificationQueue = NotificationQueue()
    /// There may be stanzas that nobody has looked at.
    var hasNewStanzas = true

    /// Records over a store, with lent memory for settings and scratch.
    init(
        _ store: consuming Port, _ settings: Settings, _ lentSettings: consuming Slab<Settings>,
        _ scratch: consuming FixedBytes
    ) {
        self.store = store
        self.lentSettings = lentSettings
        self.scratch = scratch
        self.lentSettings[0] = settings
    }

    /// What the operator chose.
    var settings: Settings {
        _read { yield lentSettings[0] }
        _modify { yield &lentSettings[0] }
    }
}

/// Numbers for messages, reports, answers and sessions: each is higher than all before, also after a restart.
struct SequenceBlock {
    var next: UInt64 = 1
    /// The first number that is not set aside yet.
    var end: UInt64 = 1
}

extension Records where Port: ~Copyable {
    /// A number that was never used before.
    @inline(never)
    mutating func takeSequence() -> UInt64 {
        if sequences.next >= sequences.end {
            sequences.end = sequences.next + UInt64(Limits.sequenceBlock)
            scratch.removeAll()
            scratch.append(bigEndian: sequences.end)
            store.put(Key.fact("sequence").span, scratch)
        }
        sequences.next += 1
        return sequences.next - 1
    }

    /// Goes on behind all numbers that were set aside; when nobody knows them any more, far behind those in use.
    mutating func reloadSequences() {
        sequences = SequenceBlock()
        let used: UInt64 = max(end(ofKind: RecordKind.message), end(ofKind: RecordKind.answer))
        let end: UInt64 = number(for: Key.fact("sequence")) ?? (used > 0 ? used + 1 << 20 : 1)
        sequences.end = max(1, end)
        sequences.next = sequences.end
    }

    /// The lowest key that begins with `prefix` and lies behind `last`; nil when there is none.
    ///
    /// - Parameter last: The key that was found before; empty for the first one.
    @inline(never)
    func key(in prefix: Key, after last: Key) -> Key? {
        var start = last.isEmpty ? prefix : last
        // A key that is full has no follower; there is none, see `Key.byteCountMax`.
        guard last.isEmpty || start.append(0) else { return nil }
        guard let entry = store.entry(atOrAfter: start.span), entry.key.starts(with: prefix.span) else { return nil }
        return Key(entry.key)
    }

    /// The number with which the next key of `prefix` goes on, behind `last`; nil when there is none.
    ///
    /// - Parameter last: The number that was found before; nil for the first one.
    @inline(never)
    func number<Number: FixedWidthInteger>(in prefix: Key, after last: Number?) -> Number? {
        if last == .max { return nil }
        var start = prefix
        _ = start.append(bigEndian: last.map { $0 + 1 } ?? 0)
        guard let entry = store.entry(atOrAfter: start.span), entry.key.starts(with: prefix.span) else { return nil }
        var reader = RecordReader(entry.key.extracting(prefix.count..<entry.key.count))
        let number: Number = reader.integer()
        return reader.isBroken ? nil : number
    }

    /// Takes away all keys that begin with `prefix`.
    @inline(never)
    mutating func removeAll(in prefix: Key) {
        while let key = key(in: prefix, after: Key()) { store.delete(key.span) }
    }

    /// Stores a number under a key.
    @inline(never)
    mutating func store<Number: FixedWidthInteger>(_ number: Number, for key: Key) {
        if self.number(for: key, Number.self) == number { return }
        scratch.removeAll()
        scratch.append(bigEndian: number)
        store.put(key.span, scratch)
    }

    /// The number under a key; nil when it has none.
    @inline(never)
    func number<Number: FixedWidthInteger>(for key: Key, _ type: Number.Type = Number.self) -> Number? {
        guard let value = store.value(for: key.span) else { return nil }
        var reader = RecordReader(value)
        let number: Number = reader.integer()
        return reader.isBroken ? nil : number
    }

    /// Adds the value of a key to a record, without its first octets.
    static func append(_ key: Key, in store: borrowing Port, skipping count: Int, to scratch: inout FixedBytes) {
        guard let value = store.value(for: key.span), value.count >= count else { return }
        scratch.append(value.extracting(count..<value.count))
    }
}
