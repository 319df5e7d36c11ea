import Octets

/// What messages that came were called by who wrote them (XEP-0359), the last ones: one that comes again was taken already.
struct SeenStanzas {
    private var hashes = InlineArray<256, UInt64>(repeating: 0)
    private var next = 0

    /// Becomes what the store says.
    mutating func reload<Port: StorePort & ~Copyable>(_ records: borrowing Records<Port>) {
        next = 0
        var newest: UInt64 = 0
        for place in hashes.indices {
            let key = Key.seenStanza(UInt16(place))
            hashes[place] = 0
            guard let record = records.store.value(for: key.span) else { continue }
            var reader = RecordReader(record)
            hashes[place] = reader.integer()
            let number: UInt64 = reader.integer()
            if number >= newest, hashes[place] != 0 {
                newest = number
                next = (place + 1) % hashes.count
            }
        }
    }

    func contains(_ hash: UInt64) -> Bool {
        for place in hashes.indices where hashes[place] == hash { return true }
        return false
    }

    /// Remembers one instead of the oldest.
    mutating func add<Port: StorePort & ~Copyable>(_ hash: UInt64, _ records: inout Records<Port>) {
        hashes[next] = hash
        let number = records.takeSequence()
        records.scratch.removeAll()
        records.scratch.append(bigEndian: hash)
        records.scratch.append(bigEndian: number)
        records.store.put(Key.seenStanza(UInt16(next)).span, records.scratch)
        next = (next + 1) % hashes.count
    }
}
