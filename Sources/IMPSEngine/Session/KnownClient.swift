import Octets

/// What was seen of a client of a user: programs differ in what they answer, and say so nowhere. Source: CL-20, CL-31.
struct KnownClient {
    /// Clients of one user that are kept; the one that was changed last stays longest.
    @_transparent static var countMax: Int { 8 }
    /// Messages that were never confirmed, one after the other, before what is sent counts as delivered.
    @_transparent static var assumedCountMax: UInt8 { 3 }
    /// System Messages that brought no answer, one after the other, before the client counts as one without them.
    @_transparent static var unansweredCountMax: UInt8 { 2 }

    /// A hash of its ClientID and User-Agent; 0 for none.
    var key: UInt64 = 0
    /// How its User-Agent begins.
    var agent = InlineBytes<32>()
    /// It confirmed a message.
    var confirms = false
    /// Messages that counted as delivered without a confirmation.
    var assumedCount: UInt8 = 0
    /// It answered a System Message with one of the options, or tried to.
    var answers = false
    /// System Messages in a row that it did not answer, and seconds since 1970 of the last; 0 for an unknown time.
    var unansweredCount: UInt8 = 0
    var unansweredAt: UInt64 = 0

    init() {}

    /// It has no way to confirm messages.
    var neverConfirms: Bool { !confirms && assumedCount >= KnownClient.assumedCountMax }

    /// It does not know System Messages.
    var ignoresSystemMessages: Bool { !answers && unansweredCount >= KnownClient.unansweredCountMax }

    fileprivate init?(_ reader: inout RecordReader) {
        key = reader.integer()
        agent = reader.counted()
        let flags: UInt8 = reader.integer()
        confirms = flags & 1 != 0
        answers = flags & 2 != 0
        assumedCount = reader.integer()
        unansweredCount = reader.integer()
        unansweredAt = reader.integer()
        if reader.isBroken { return nil }
    }

    fileprivate func write(into record: inout FixedBytes) {
        record.append(bigEndian: key)
        record.append(counted: agent.span)
        record.append((confirms ? 1 : 0) | (answers ? 2 : 0))
        record.append(assumedCount)
        record.append(unansweredCount)
        record.append(bigEndian: unansweredAt)
    }
}

/// The known clients of a user, the one that was changed last in front.
struct KnownClients {
    private var clients = InlineArray<8, KnownClient>(repeating: KnownClient())
    private(set) var count = 0

    init() {}

    init(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        while !reader.isAtEnd, count < KnownClient.countMax, let client = KnownClient(&reader) {
            clients[count] = client
            count += 1
        }
    }

    subscript(index: Int) -> KnownClient { clients[index] }

    func index(of key: UInt64) -> Int? {
        for index in 0..<count where clients[index].key == key { return index }
        return nil
    }

    /// Puts a client in front; the last one goes when there is no room.
    mutating func put(_ client: KnownClient) {
        var place = index(of: client.key) ?? min(count, KnownClient.countMax - 1)
        count = max(count, place + 1)
        while place > 0 {
            clients[place] = clients[place - 1]
            place -= 1
        }
        clients[0] = client
    }

    func write(into record: inout FixedBytes) {
        for index in 0..<count { clients[index].write(into: &record) }
    }
}

extension Records where Port: ~Copyable {
    func knownClients(of user: UInt32) -> KnownClients {
        let key = Key.knownClients(user)
        guard let record = store.value(for: key.span) else { return KnownClients() }
        return KnownClients(record)
    }

    /// What is known of a user's client; nil when nothing is.
    func knownClient(_ user: UInt32, _ key: UInt64) -> KnownClient? {
        let clients = knownClients(of: user)
        return clients.index(of: key).map { clients[$0] }
    }

    /// Forgets all that is known of a user's clients.
    mutating func forgetClients(of user: UInt32) { store.delete(Key.knownClients(user).span) }

    /// Keeps something else of a client; what is the same is not written.
    mutating func changeKnownClient(
        _ user: UInt32, _ key: UInt64, agent: Span<UInt8>, _ change: (inout KnownClient) -> Void
    ) {
        var clients = knownClients(of: user)
        var known = KnownClient()
        if let index = clients.index(of: key) { known = clients[index] }
        let former = known
        change(&known)
        let isSame =
            known.confirms == former.confirms && known.answers == former.answers
            && known.assumedCount == former.assumedCount
            && known.unansweredCount == former.unansweredCount && known.unansweredAt == former.unansweredAt
        guard !isSame else { return }
        known.key = key
        if known.agent.isEmpty { known.agent = InlineBytes(prefix: agent) }
        clients.put(known)
        scratch.removeAll()
        clients.write(into: &scratch)
        store.put(Key.knownClients(user).span, scratch)
    }
}

extension Sessions where Port: ~Copyable {
    // MARK: Of a session

    func knownClient(of slot: UInt16, _ records: borrowing Records<Port>) -> KnownClient? {
        records.knownClient(table[slot].user, table[slot].clientKey)
    }

    func changeKnownClient(
        of slot: UInt16, _ records: inout Records<Port>, _ change: (inout KnownClient) -> Void
    ) {
        let agent = records.clientRecord(of: slot).agent
        records.changeKnownClient(table[slot].user, table[slot].clientKey, agent: agent.span, change)
    }
}

extension KnownClient {
    /// What a client is recognised by, whatever its cookie is. Source: CL-20.
    static func key(clientHash: UInt64, agentHash: UInt32) -> UInt64 {
        (clientHash ^ UInt64(agentHash)) &* 0x9E37_79B9_7F4A_7C15 | 1
    }
}
