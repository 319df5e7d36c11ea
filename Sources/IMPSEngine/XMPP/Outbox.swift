import Octets

/// What a stanza is that has to reach the XMPP server; the number is part of stored records.
enum StanzaKind: UInt8 {
    case message = 1
    /// The recipient of a message has it.
    case receipt
    case subscribe, subscribed, unsubscribe, unsubscribed
}

/// What has to reach the XMPP server: kept until the server is known to have it.
struct OutboxEntry {
    var kind: StanzaKind
    /// Of this server.
    var user: UInt32
    /// The address of somebody there.
    var peer: InlineBytes<100>
    /// The message that it carries; 0 for none.
    var message: UInt64
    /// What its sender calls the message that was received.
    var id: InlineBytes<64>

    init(
        _ kind: StanzaKind, from user: UInt32, to peer: InlineBytes<100>, message: UInt64 = 0,
        id: InlineBytes<64> = InlineBytes()
    ) {
        self.kind = kind
        self.user = user
        self.peer = peer
        self.message = message
        self.id = id
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        guard let kind = StanzaKind(rawValue: reader.integer()) else { return nil }
        self.kind = kind
        user = reader.integer()
        peer = reader.counted()
        message = reader.integer()
        id = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(kind.rawValue)
        record.append(bigEndian: user)
        record.append(counted: peer.span)
        record.append(bigEndian: message)
        record.append(counted: id.span)
    }
}

/// The place of an entry: what is due first goes first, and of that what came first.
struct OutboxPlace: BitwiseCopyable, Equatable {
    /// Seconds since 1970 before which it does not go out; 0 for at once.
    var due: UInt64 = 0
    var number: UInt64 = 0
}

extension Records where Port: ~Copyable {
    /// Has something reach the XMPP server.
    ///
    /// - Parameter due: Seconds since 1970 before which it does not go out.
    @inline(never)
    mutating func send(_ entry: OutboxEntry, due: UInt64 = 0) {
        let number = takeSequence()
        scratch.removeAll()
        entry.write(into: &scratch)
        store.put(Key.outbox(due: due, number).span, scratch)
        hasNewStanzas = true
    }

    /// The same for what users tell users about watching each other.
    @inline(never)
    mutating func send(_ kind: StanzaKind, from user: UInt32, to peer: UInt32) {
        if let address = address(of: peer) { send(OutboxEntry(kind, from: user, to: address)) }
    }

    @inline(never)
    func outboxEntry(_ place: OutboxPlace) -> OutboxEntry? {
        let key = Key.outbox(due: place.due, place.number)
        guard let record = store.value(for: key.span) else { return nil }
        return OutboxEntry(record)
    }

    /// The entry that follows; nil when it was the last.
    func outboxPlace(after last: OutboxPlace?) -> OutboxPlace? {
        let start = last.map { Key.outbox(due: $0.due, $0.number + 1) } ?? Key.kind(RecordKind.outbox)
        guard let entry = store.entry(atOrAfter: start.span), entry.key.count == 17,
            entry.key[0] == RecordKind.outbox
        else { return nil }
        var reader = RecordReader(entry.key.extracting(1..<17))
        return OutboxPlace(due: reader.integer(), number: reader.integer())
    }

    @inline(never)
    mutating func removeStanza(_ place: OutboxPlace) {
        store.delete(Key.outbox(due: place.due, place.number).span)
    }
}
