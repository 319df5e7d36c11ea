import Octets

/// Who was asked what, and what came of it: kept for good, whatever becomes of campaign and account. Source: SM-69,
/// protocol/system-message.md §5.5.
struct Proof: BitwiseCopyable, Sendable {
    /// Seconds since 1970; 0 for an unknown time. `sent` is the first time.
    var sent: UInt64 = 0
    var shown: UInt64 = 0
    var answered: UInt64 = 0
    /// Set with each event, whatever the clock was.
    var events: UInt8 = 0
    var option: UInt16 = 0
    var tries: UInt8 = 0
    /// The address of the user, who may be gone since.
    var user = InlineBytes<100>()

    static var wasSent: UInt8 { 1 }
    static var wasShown: UInt8 { 2 }
    static var wasAnswered: UInt8 { 4 }
    static var wasVerified: UInt8 { 8 }
    static var wasDenied: UInt8 { 16 }
    /// The operator said what the user told him.
    static var wasByOperator: UInt8 { 32 }

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        sent = reader.integer()
        shown = reader.integer()
        answered = reader.integer()
        events = reader.integer()
        option = reader.integer()
        tries = reader.integer()
        user = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: sent)
        record.append(bigEndian: shown)
        record.append(bigEndian: answered)
        record.append(events)
        record.append(bigEndian: option)
        record.append(tries)
        record.append(counted: user.span)
    }

    func has(_ event: UInt8) -> Bool { events & event != 0 }
}

extension Engine where Port: ~Copyable {
    func proof(_ campaign: Campaign, _ user: UInt32) -> Proof? {
        let key = Key.proof(campaign.number, user, campaign.generation)
        guard let record = store.value(for: key.span) else { return nil }
        return Proof(record)
    }

    mutating func keep(_ proof: Proof, _ campaign: Campaign, _ user: UInt32) {
        scratch.removeAll()
        proof.write(into: &scratch)
        store.put(Key.proof(campaign.number, user, campaign.generation).span, scratch)
    }

    /// Notes that a message goes out to a user; the first time counts.
    mutating func noteSent(_ campaign: Campaign, _ user: UInt32, _ wall: WallTime) {
        if campaign.notice != nil { return }
        var proof = proof(campaign, user) ?? newProof(user)
        guard !proof.has(Proof.wasSent) else { return }
        proof.sent = wall.storedSeconds
        proof.events |= Proof.wasSent
        keep(proof, campaign, user)
    }

    /// Notes that a user's client has shown a message; the first time counts.
    mutating func noteShown(_ campaign: Campaign, _ user: UInt32, _ wall: WallTime) {
        guard campaign.notice == nil, var proof = proof(campaign, user), !proof.has(Proof.wasShown) else { return }
        proof.shown = wall.storedSeconds
        proof.events |= Proof.wasShown
        keep(proof, campaign, user)
    }

    func newProof(_ user: UInt32) -> Proof {
        var proof = Proof()
        if let account = account(of: user) { proof.user = account.display }
        return proof
    }
}
