import CSP
import Octets

/// What a session has to do with the service behind; only `Gateway/` changes it.
struct UpstreamPart {
    /// The place of the upstream, counted from 1; 0 for a session of this server alone.
    var place: UInt8 = 0
    /// More waits there, as far as was told.
    var hasMore = false
    /// A look whether something waits there is under way, or about to be.
    var isWatched = false
    /// When to look again whether something waits there, for a client that is called.
    var watchAt: Instant?
    /// Transactions that were handed over.
    var transactionCount: UInt32 = 0
}

extension Session {
    /// The service behind has it too.
    var isRelayed: Bool { upstream.place != 0 }

    /// The TransactionID of a transaction of ours. Where another service sends transactions too, a letter tells them apart.
    @inline(never)
    func transactionID(_ number: UInt64) -> InlineBytes<24> {
        var id = InlineBytes<24>()
        if isRelayed { _ = id.append(Session.ownLetter) }
        _ = id.append(Decimal.digits(of: number).span)
        return id
    }

    /// The number of a transaction of ours; nil for one that is none of them.
    @inline(never)
    func transactionNumber(_ id: Span<UInt8>) -> UInt64? {
        guard isRelayed else { return Decimal.parse(id) }
        guard id.count > 1, id[0] == Session.ownLetter else { return nil }
        return Decimal.parse(id.extracting(1..<id.count))
    }

    private static var ownLetter: UInt8 { UInt8(ascii: "g") }
}

/// What the store keeps of a session at an upstream.
struct UpstreamRecord {
    /// The number of the session here.
    var session: UInt64
    /// The name of the section.
    var name: InlineBytes<24>
    /// The SessionID there.
    var id: InlineBytes<128>

    /// Seconds since 1970 when it began; 0 for an unknown time.
    var began: UInt64 = 0
    /// Its user was asked something before.
    var wasAsked = false
    /// Transactions that were handed over before the process ended last.
    var transactions: UInt32 = 0

    init(session: UInt64, name: InlineBytes<24>, id: InlineBytes<128>) {
        self.session = session
        self.name = name
        self.id = id
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        session = reader.integer()
        name = reader.counted()
        id = reader.counted()
        began = reader.integer()
        wasAsked = reader.integer(UInt8.self) != 0
        transactions = reader.integer()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: session)
        record.append(counted: name.span)
        record.append(counted: id.span)
        record.append(bigEndian: began)
        record.append(wasAsked ? 1 : 0)
        record.append(bigEndian: transactions)
    }
}

extension Records where Port: ~Copyable {
    /// The session of a slot at its upstream; nil when there is none.
    @inline(never)
    func upstreamRecord(of slot: UInt16) -> UpstreamRecord? {
        let key = Key.upstreamSession(slot)
        guard let record = store.value(for: key.span) else { return nil }
        return UpstreamRecord(record)
    }

    mutating func forgetUpstream(of slot: UInt16) { store.delete(Key.upstreamSession(slot).span) }

    mutating func keep(_ record: UpstreamRecord, of slot: UInt16) {
        scratch.removeAll()
        record.write(into: &scratch)
        store.put(Key.upstreamSession(slot).span, scratch)
    }
}
