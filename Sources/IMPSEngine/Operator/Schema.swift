import Octets

/// What a store's keys and records are like.
public enum SchemaState: Sendable, Equatable {
    /// The store was empty; it has this version's schema now.
    case made
    /// It is this version's.
    case current
    /// It was an older one, of this number, and was changed.
    case migrated(UInt64)
    /// It is one of a later version, of this number, which this one cannot read.
    case later(UInt64)
}

/// How the process before this one ended.
public enum PreviousRun: Sendable, Equatable {
    /// There was none, or it ended as it should.
    case ended
    /// It ended without closing the store, and the system has been up since.
    case died
    /// So did the system: the power was cut, or it crashed.
    case powerCut
}

/// Facts that a store tells about itself.
extension Records where Port: ~Copyable {
    /// The version of the keys and records.
    ///
    /// 1: the first. 2: the fact tells the machine's word and page too. 3: mailboxes know senders, sessions their clients.
    /// 4: what is newest may lie in a log beside the store, which an earlier version would not read. 5: each value has a
    /// seal behind it.
    static var schema: UInt64 { 5 }

    /// Makes sure that the store has this version's keys and records; a new store gets them, an older one is changed.
    ///
    /// Each step is one transaction with the number that it leads to, so that a power cut repeats it or does not.
    ///
    /// - Parameters:
    ///   - pageByteCount: Octets of a page of the store.
    ///   - isSealed: The values have seals, so it is ours, though the fact may be lost.
    mutating func claimSchema(pageByteCount: UInt64, isSealed: Bool) -> SchemaState {
        let key = Key.fact("schema")
        var found: UInt64 = 0
        var isThisMachine = false
        if let value = store.value(for: key.span) {
            var reader = RecordReader(value)
            found = reader.integer()
            let word: UInt8 = reader.integer()
            let page: UInt32 = reader.integer()
            isThisMachine = Int(word) == MemoryLayout<Int>.size && UInt64(page) == pageByteCount
        }
        // A store with records but without schema is somebody else's.
        let isForeign = found == 0 && store.entry(atOrAfter: Key.fact("").span) != nil
        if isForeign, isSealed { found = Records.schema }
        if found > Records.schema || found == 0 && isForeign { return .later(found) }
        if found == Records.schema, isThisMachine { return .current }
        migrate(from: found)
        scratch.removeAll()
        scratch.append(bigEndian: Records.schema)
        scratch.append(UInt8(MemoryLayout<Int>.size))
        scratch.append(bigEndian: UInt32(pageByteCount))
        store.put(key.span, scratch)
        if found == Records.schema { return .current }
        return found == 0 ? .made : .migrated(found)
    }

    /// Notes that a process uses the store, and tells how the one before ended.
    ///
    /// - Parameter boot: What the kernel calls the time since it started.
    mutating func beginRun(boot: Span<UInt8>) -> PreviousRun {
        let key = Key.fact("running")
        var previous = PreviousRun.ended
        if let value = store.value(for: key.span) { previous = value.equals(boot) ? .died : .powerCut }
        scratch.removeAll()
        scratch.append(boot)
        store.put(key.span, scratch)
        return previous
    }

    /// Notes that the process ends as it should.
    mutating func endRun() {
        store.delete(Key.fact("running").span)
    }

    /// Reads from the store what is always there; false when that is not possible.
    func answers() -> Bool { store.value(for: Key.fact("schema").span) != nil }
}
