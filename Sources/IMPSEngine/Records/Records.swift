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

    /// Goes on behind all numbers that were set aside.
    mutating func reloadSequences() {
        sequences = SequenceBlock()
        let key = Key.fact("sequence")
        guard let value = store.value(for: key.span) else { return }
        var reader = RecordReader(value)
        sequences.end = max(1, reader.integer())
        sequences.next = sequences.end
    }

    /// Adds the value of a key to a record, without its first octets.
    static func append(_ key: Key, in store: borrowing Port, skipping count: Int, to scratch: inout FixedBytes) {
        guard let value = store.value(for: key.span), value.count >= count else { return }
        scratch.append(value.extracting(count..<value.count))
    }
}
