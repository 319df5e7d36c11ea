import CSP
import Octets

/// What the operator can reckon with: a session at a service behind this one, whether its user was asked before, what he was
/// granted, and how much reached the service. Written once, at its end.
struct AccountingRecord {
    /// Records that are kept; the oldest give way.
    static var countMax: UInt32 { 2000 }

    /// Seconds since 1970 when it began and ended; 0 for an unknown time.
    var began: UInt64 = 0
    var ended: UInt64 = 0
    var transactions: UInt32 = 0
    var level: UInt64 = 0
    var wasAsked = false
    var end = SessionEnd.logout.rawValue
    var user = InlineBytes<100>()
    var upstream = InlineBytes<24>()

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        began = reader.integer()
        ended = reader.integer()
        transactions = reader.integer()
        level = reader.integer()
        wasAsked = reader.integer(UInt8.self) != 0
        end = reader.integer()
        user = reader.counted()
        upstream = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: began)
        record.append(bigEndian: ended)
        record.append(bigEndian: transactions)
        record.append(bigEndian: level)
        record.append(wasAsked ? 1 : 0)
        record.append(end)
        record.append(counted: user.span)
        record.append(counted: upstream.span)
    }
}

extension Records where Port: ~Copyable {
    /// Keeps what a session at an upstream was, which ends now, and takes its record away.
    mutating func account(for session: Session, in slot: UInt16, _ end: SessionEnd, _ wall: WallTime) {
        guard let record = upstreamRecord(of: slot) else { return }
        store.delete(Key.upstreamSession(slot).span)
        var entry = AccountingRecord()
        entry.began = record.began
        entry.ended = wall.storedSeconds
        entry.transactions = session.upstream.transactionCount
        entry.level = session.access.level.rawValue
        entry.wasAsked = record.wasAsked
        entry.end = end.rawValue
        entry.user = address(of: session.user) ?? InlineBytes()
        entry.upstream = record.name
        let number = nextAccountingNumber
        scratch.removeAll()
        entry.write(into: &scratch)
        store.put(Key.accounting(number).span, scratch)
        if number >= AccountingRecord.countMax { store.delete(Key.accounting(number - AccountingRecord.countMax).span) }
    }

    private var nextAccountingNumber: UInt32 {
        let end = Key.kind(RecordKind.accounting + 1)
        guard let entry = store.entry(before: end.span), entry.key.count == 5, entry.key[0] == RecordKind.accounting
        else {
            return 0
        }
        var reader = RecordReader(entry.key.extracting(1..<5))
        return reader.integer(UInt32.self) &+ 1
    }
}

extension Gateway where Port: ~Copyable {
    /// The process ends as it should: what was counted is kept for the sessions that go on with the next one.
    func endRun(_ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>) {
        for slot in 0..<sessions.end where sessions[slot].isOpen && sessions[slot].isRelayed {
            guard var record = records.upstreamRecord(of: slot),
                record.transactions != sessions[slot].upstream.transactionCount
            else { continue }
            record.transactions = sessions[slot].upstream.transactionCount
            records.keep(record, of: slot)
        }
    }
}
