import CSP
import Octets

extension Engine where Port: ~Copyable {
    /// `accounting`: the sessions at services behind this one that have ended, the oldest first.
    func listAccounting(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let key = records.key(in: Key.kind(RecordKind.accounting), after: command.lastKey) else {
                return .done
            }
            command.lastKey = key
            guard let record = records.store.value(for: key.span), let entry = AccountingRecord(record) else {
                continue
            }
            output.field("user", entry.user.span)
            output.field("upstream", entry.upstream.span)
            output.field("began", entry.began)
            output.field("ended", entry.ended)
            output.field("asked", entry.wasAsked ? 1 : 0)
            output.field("level", (entry.level == FunctionSet.all.rawValue ? "full" : "limited" as StaticString).octets)
            output.field("transactions", UInt64(entry.transactions))
            output.field("end", (SessionEnd(rawValue: entry.end) ?? .expired).why.octets)
            output.endRecord()
        }
        return .more
    }
}
