import CSP
import Octets
import Wire

/// The store as text: one line a record, `key value`, each in printable ASCII with `\xNN` for the rest.
///
/// The text is the same on every machine: numbers in it are big-endian. It is taken in parts while the engine works, in
/// the order of the keys; so a record may be missing what came after it was passed, and `repair` sets that right when
/// the text is restored.
extension Records where Port: ~Copyable {
    /// True when the store has nothing but facts about itself.
    var isEmpty: Bool {
        let first = Key.kind(RecordKind.fact + 1)
        return store.entry(atOrAfter: first.span) == nil
    }

    /// True when there is an account.
    var hasAccounts: Bool {
        let first = Key.kind(RecordKind.account)
        guard let entry = store.entry(atOrAfter: first.span) else { return false }
        return entry.key[0] == RecordKind.account
    }

    func dump(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        if command.lastKey.isEmpty {
            output.append("impsd-dump schema=")
            output.append(decimal: Records.schema)
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
            // That somebody uses the store is nothing to take along.
            if !entry.key.equals(Key.fact("running").span) {
                output.append(escaped: entry.key)
                output.append(0x20)
                output.append(escaped: entry.value)
                output.append(0x0A)
                command.count += 1
            }
            start = Key(entry.key) ?? Key()
            command.lastKey = start
            _ = start.append(0)
        }
        return .more
    }
}
