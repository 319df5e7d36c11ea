import Octets

/// What becomes of records that are not what was written, and of a store that has such.
extension Engine where Port: ~Copyable {
    /// Sets aside what the turn found not to be what was written, and tells it.
    public mutating func setAsideDamage(_ turn: inout Turn) {
        while let key = records.store.takeDamaged() {
            guard !key.isEmpty, key.span[0] != RecordKind.setAside, let record = records.setAside(key, turn.wall) else {
                continue
            }
            if key.span[0] == RecordKind.user { records.repairNames() }
            guard turn.journal.begin(.storeDamage, turn.now, turn.wall) else { continue }
            turn.journal.word("kind", RecordKind.name(key.span[0]))
            if record.user > 0 { turn.journal.text("user", records.display(of: record.user).span) }
            turn.journal.sentence("means", "a record was not what was written; it is set aside, see impsctl check")
            turn.journal.end()
        }
    }

    /// True for the key of an account.
    public static func isAccount(_ key: Span<UInt8>) -> Bool { key.count > 1 && key[0] == RecordKind.account }

    /// Takes a record of a store that is left, as it is.
    public mutating func carry(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        records.scratch.removeAll()
        records.scratch.append(value)
        records.store.put(key, records.scratch)
    }

    /// Takes away what was carried before.
    public mutating func drop(_ key: Span<UInt8>) { records.store.delete(key) }

    /// Notes that a record of a store that is left was not what was written, and is not carried.
    public mutating func leaveBehind(_ key: Span<UInt8>, _ wall: WallTime) {
        if let key = Key(key), !key.isEmpty { records.noteLeftBehind(key, wall) }
    }

    /// Sets right what is half because records were left behind.
    ///
    /// - Returns: the number of records that were taken away for it.
    public mutating func mend() -> UInt64 {
        records.nameLeftBehind()
        records.repairNames()
        records.repairProof()
        return records.repair()
    }

    /// How many records were set aside.
    public var setAsideCount: UInt64 { records.setAsideCount }

    /// The next part of the store as text; see `impsctl dump`.
    public func dump(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        records.dump(&command, into: &output)
    }

    /// `check`: what was set aside, and whom it concerned.
    func listSetAside(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let (key, record) = records.setAside(after: command.lastKey) else { return .done }
            command.lastKey = key
            output.field("damaged", RecordKind.name(key.span[0]).octets)
            if key.span[0] == RecordKind.account {
                output.field("user", key.span.extracting(1..<key.count))
            } else if record.user > 0 {
                output.field("user", records.display(of: record.user).span)
            }
            output.field("seen", record.seenAt)
            output.field("key", key.span)
            output.endRecord()
        }
        return .more
    }
}
