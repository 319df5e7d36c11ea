import CSP
import Octets
import Wire

/// The store as text: one line a record, `key value`, each in printable ASCII with `\xNN` for the rest.
///
/// The text is the same on every machine: numbers in it are big-endian. It is taken in parts while the engine works, in
/// the order of the keys; so a record may be missing what came after it was passed, and `repair` sets that right when
/// the text is restored.
extension Engine where Port: ~Copyable {
    /// The version of the keys and records.
    public static var schema: UInt64 { 1 }

    /// Makes sure that the store has this version's keys and records; a new store gets them.
    ///
    /// - Returns: false for a store of another version, which may not be used.
    public mutating func claimSchema() -> Bool {
        let key = Key.fact("schema")
        if let value = store.value(for: key.span) {
            var reader = RecordReader(value)
            return reader.integer(UInt64.self) == Engine.schema
        }
        guard store.entry(atOrAfter: Key.fact("").span) == nil else { return false }
        scratch.removeAll()
        scratch.append(bigEndian: Engine.schema)
        store.put(key.span, scratch)
        return true
    }

    /// True when the store has nothing but facts about itself.
    public var isEmpty: Bool {
        let first = Key.kind(0x22)
        return store.entry(atOrAfter: first.span) == nil
    }

    func dump(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        if command.lastKey.isEmpty {
            output.append("impsd-dump schema=")
            output.append(decimal: Engine.schema)
            output.append(0x0A)
        }
        var start = command.lastKey
        if !start.isEmpty { _ = start.append(0) }
        // A value of 1.9 KB may need four characters for each octet.
        while output.freeCapacity > 4 * 2048 + 512 {
            guard let entry = store.entry(atOrAfter: start.span) else {
                output.append("end records=")
                output.append(decimal: command.count)
                output.append(0x0A)
                return .done
            }
            output.append(escaped: entry.key)
            output.append(0x20)
            output.append(escaped: entry.value)
            output.append(0x0A)
            start = Key(entry.key) ?? Key()
            command.lastKey = start
            _ = start.append(0)
            command.count += 1
        }
        return .more
    }

    /// Takes one line of a dump into the store.
    ///
    /// - Returns: false when it is no line of a dump.
    public mutating func restore(line: Span<UInt8>) -> Bool {
        guard let space = line.firstIndex(of: 0x20) else { return false }
        var key = Key()
        scratch.removeAll()
        guard Engine.unescape(line.extracting(0..<space), { key.append($0) }), !key.isEmpty,
            Engine.unescape(
                line.extracting(space + 1..<line.count),
                { octet in
                    scratch.append(octet)
                    return !scratch.isOverflowed
                })
        else { return false }
        store.put(key.span, scratch)
        return true
    }

    private static func unescape(_ text: Span<UInt8>, _ take: (UInt8) -> Bool) -> Bool {
        var index = 0
        while index < text.count {
            if text[index] == 0x5C {
                guard index + 3 < text.count, text[index + 1] == 0x78, let high = Hexadecimal.value(text[index + 2]),
                    let low = Hexadecimal.value(text[index + 3]), take(high << 4 | low)
                else { return false }
                index += 4
            } else {
                guard take(text[index]) else { return false }
                index += 1
            }
        }
        return true
    }

    /// Sets right what a dump of a working store may have half: entries without message, totals.
    ///
    /// - Returns: the number of records that were taken away.
    public mutating func repair() -> UInt64 {
        var removed: UInt64 = 0
        var key = Key.kind(0x51)
        while let entry = mailboxKey(atOrAfter: key) {
            key = entry.sequence.map { Key.mailboxEntry(entry.user, $0 + 1) } ?? Key.mailboxEntry(entry.user, 0)
            guard let sequence = entry.sequence else { continue }
            let piece = Key.message(sequence, piece: 0)
            let isWhole = store.value(for: piece.span) != nil && account(of: entry.user) != nil
            if !isWhole {
                store.delete(Key.mailboxEntry(entry.user, sequence).span)
                removed += 1
            }
        }
        recount()
        return removed
    }

    /// Computes the totals of all mailboxes anew.
    private mutating func recount() {
        var key = Key.kind(0x51)
        while let entry = mailboxKey(atOrAfter: key) {
            recount(entry.user)
            key = Key.mailbox(entry.user &+ 1)
            if entry.user == .max { return }
        }
    }

    private func mailboxKey(atOrAfter key: Key) -> (user: UInt32, sequence: UInt64?)? {
        guard let entry = store.entry(atOrAfter: key.span), entry.key[0] == 0x51 else { return nil }
        var reader = RecordReader(entry.key.extracting(1..<entry.key.count))
        let user: UInt32 = reader.integer()
        return (user, entry.key.count == 13 ? reader.integer() : nil)
    }
}
