import CSP
import Octets
import Wire

extension Session {
    /// What the store keeps of a session, in its slot.
    func write(into record: inout FixedBytes) {
        record.append(bigEndian: number)
        record.append(bigEndian: user)
        record.append(secret.span)
        record.append(bigEndian: cookieHash)
        record.append(bigEndian: clientHash)
        record.append(version.rawValue)
        record.append(bigEndian: keepAliveSeconds)
        record.append(bigEndian: closing)
        record.append(capabilities.initialDeliveryMethod.rawValue)
        record.append(capabilities.anyContent ? 1 : 0)
        record.append(bigEndian: capabilities.acceptedContentLength)
        record.append(bigEndian: capabilities.parserSize)
        record.append(capabilities.multiTrans)
        record.append(bigEndian: capabilities.serverPollMin)
        record.append(hasCapabilities ? 1 : 0)
        record.append(delivery.method.rawValue)
        record.append(bigEndian: functions.rawValue)
        record.append(isServiceAgreed ? 1 : 0)
        record.append(bigEndian: access.level.rawValue)
        record.append((access.isRestricted ? 1 : 0) | (access.asksByMessage ? 2 : 0) | (access.holdsMail ? 4 : 0))
        record.append(closingReason.rawValue)
        record.append(capabilities.cirMethods.rawValue)
        record.append(bigEndian: capabilities.udpPort)
        record.append(capabilities.multiTransPerMessage)
        record.append(bigEndian: quirks.rawValue)
        record.append(bigEndian: networkHash)
    }

    /// Octets of a record before what is not in memory: the cookie and the client's address, with which it is called,
    /// and its User-Agent.
    static var fixedByteCount: Int {
        8 + 4 + 16 + 8 + 8 + 1 + 4 + 2 + 1 + 1 + 4 + 4 + 1 + 2 + 1 + 1 + 8 + 1 + 8 + 1 + 1 + 1 + 2 + 1 + 2 + 4
    }

    /// Reads a stored session; nil when the record is broken.
    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        number = reader.integer()
        user = reader.integer()
        let secret = reader.octets(16)
        guard !reader.isBroken else { return nil }
        for index in 0..<16 { self.secret[index] = secret[index] }
        cookieHash = reader.integer()
        clientHash = reader.integer()
        let version = Version(rawValue: reader.integer())
        keepAliveSeconds = reader.integer()
        closing = reader.integer()
        let initial = DeliveryMethod(rawValue: reader.integer())
        capabilities.anyContent = reader.integer(UInt8.self) != 0
        capabilities.acceptedContentLength = reader.integer()
        capabilities.parserSize = reader.integer()
        capabilities.multiTrans = reader.integer()
        capabilities.serverPollMin = reader.integer()
        hasCapabilities = reader.integer(UInt8.self) != 0
        let method = DeliveryMethod(rawValue: reader.integer())
        functions = FunctionSet(rawValue: reader.integer())
        isServiceAgreed = reader.integer(UInt8.self) != 0
        access.level = FunctionSet(rawValue: reader.integer())
        let flags: UInt8 = reader.integer()
        access.isRestricted = flags & 1 != 0
        access.asksByMessage = flags & 2 != 0
        access.holdsMail = flags & 4 != 0
        closingReason = DisconnectReason(rawValue: reader.integer()) ?? .none
        capabilities.cirMethods.rawValue = reader.integer()
        capabilities.udpPort = reader.integer()
        capabilities.multiTransPerMessage = reader.integer()
        quirks.rawValue = reader.integer()
        networkHash = reader.integer()
        _ = reader.counted()
        addressHash = UInt32(truncatingIfNeeded: Hash64(reader.counted()).value)
        let agent = reader.counted()
        agentHash = agent.isEmpty ? 0 : UInt32(truncatingIfNeeded: Hash64(agent).value)
        guard !reader.isBroken, let version, let initial, let method else { return nil }
        self.version = version
        capabilities.initialDeliveryMethod = initial
        delivery.method = method
        isOpen = true
        isReady = true
    }
}

/// The end of a session's record: what is looked up when a client is called or told of, and not kept in memory.
struct ClientRecord {
    /// The SessionCookie as it was sent.
    var cookie = InlineBytes<100>()
    /// Where datagrams go.
    var address = InlineBytes<46>()
    /// How the User-Agent begins.
    var agent = InlineBytes<64>()

    init() {}

    init(_ rest: Span<UInt8>) {
        var reader = RecordReader(rest)
        cookie = reader.counted()
        address = reader.counted()
        agent = reader.counted()
    }
}

extension Sessions where Port: ~Copyable {
    /// Keeps the session of a slot, so that a restart finds it, with the cookie, address and User-Agent that it had.
    mutating func storeSession(_ slot: UInt16, _ records: inout Records<Port>) {
        let key = Key.session(slot)
        records.scratch.removeAll()
        table[slot].write(into: &records.scratch)
        Records<Port>.append(key, in: records.store, skipping: Session.fixedByteCount, to: &records.scratch)
        records.store.put(key.span, records.scratch)
        noteVisibility(slot)
    }

    /// The same with what its client is called by, and what it calls itself.
    mutating func storeSession(
        _ slot: UInt16, cookie: Span<UInt8>, _ client: Client, agent: Span<UInt8>, _ records: inout Records<Port>
    ) {
        table[slot].addressHash = client.addressHash
        if table[slot].networkHash != client.networkHash { table.heard(slot, from: client.networkHash) }
        records.scratch.removeAll()
        table[slot].write(into: &records.scratch)
        invariant(records.scratch.count == Session.fixedByteCount, "IM040 a session's record has its length")
        records.scratch.append(counted: cookie)
        records.scratch.append(counted: client.address.span)
        records.scratch.append(counted: agent)
        records.store.put(Key.session(slot).span, records.scratch)
        noteVisibility(slot)
    }

    /// Becomes what the store says.
    mutating func reload(_ records: inout Records<Port>, _ turn: inout Turn) {
        // At a start nobody was called just now; later somebody may have been, and each call costs something.
        let wait = table.count == 0 ? Limits.shortMessageSeconds : Limits.unheardShortMessageSeconds
        table.removeAll()
        outstanding.removeAll()
        marks.removeAll()
        reloadSessions(&records, &turn, shortMessagesFrom: turn.now.adding(seconds: wait))
        reloadAnswers(&records, turn.now)
    }

    private mutating func reloadSessions(
        _ records: inout Records<Port>, _ turn: inout Turn, shortMessagesFrom time: Instant
    ) {
        var skipped: UInt64 = 0
        var next: UInt16? = 0
        while let start = next, let slot = records.storedSession(from: start) {
            next = slot < .max ? slot + 1 : nil
            guard Int(slot) < table.capacity, var session = records.session(in: slot),
                records.address(of: session.user) != nil
            else {
                // There are fewer places than before, its user is gone, or it cannot be read: its client logs in again.
                records.store.delete(Key.session(slot).span)
                records.store.delete(Key.capabilityLists(slot).span)
                dropSubscriptions(slot, &records)
                skipped += 1
                continue
            }
            session.lastSeen = turn.now
            session.calling.shortMessageFrom = time
            let seconds = session.expirySeconds
            session.expiresAt = turn.now.adding(seconds: session.closing == 0 ? seconds : Session.closingSeconds)
            table.open(session, at: slot)
            table.schedule(slot, at: session.expiresAt)
        }
        if skipped > 0, turn.journal.begin(.storeSkip, turn.now, turn.wall) {
            turn.journal.word("kind", "session")
            turn.journal.number("n", skipped)
            turn.journal.end()
        }
    }
}

extension Records where Port: ~Copyable {
    /// The first slot from `slot` on that has a stored session.
    func storedSession(from slot: UInt16) -> UInt16? {
        let key = Key.session(slot)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 3, entry.key[0] == RecordKind.session
        else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<3))
        return reader.integer()
    }

    /// The stored session of a slot; nil when there is none, or its record is broken.
    func session(in slot: UInt16) -> Session? {
        let key = Key.session(slot)
        guard let record = store.value(for: key.span) else { return nil }
        return Session(record)
    }

    /// What only the record of a session has of its client.
    func clientRecord(of slot: UInt16) -> ClientRecord {
        let key = Key.session(slot)
        guard let record = store.value(for: key.span), record.count > Session.fixedByteCount else {
            return ClientRecord()
        }
        return ClientRecord(record.extracting(Session.fixedByteCount..<record.count))
    }
}
