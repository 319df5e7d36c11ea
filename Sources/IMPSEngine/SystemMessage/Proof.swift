import Octets

/// How far a user is with a message, by the last event of it.
enum ProofState: UInt8, Sendable {
    /// Nothing of it went out yet.
    case asked
    case sent, shown, answered, denied, timedOut

    var name: StaticString {
        switch self {
        case .asked: return "asked"
        case .sent: return "sent"
        case .shown: return "shown"
        case .answered: return "answered"
        case .denied: return "denied"
        case .timedOut: return "timeout"
        }
    }

    /// The state with this name.
    init?(name: Span<UInt8>) {
        for value in 0...ProofState.timedOut.rawValue {
            if let state = ProofState(rawValue: value), name.equals(state.name) {
                self = state
                return
            }
        }
        return nil
    }
}

/// The state that the journal leaves a user and a generation of a message in: kept for good, whatever becomes of campaign
/// and account. Source: SM-69, protocol/system-message.md §5.5.
struct Proof: BitwiseCopyable, Sendable {
    /// Events of one user that are kept; what comes after is only counted, but for the first answer that admitted him.
    @_transparent static var eventCountMax: UInt32 { 1000 }
    /// Of these, what he can bring about without an answer that counts: he may not drown his answers in words.
    @_transparent static var chatterCountMax: UInt32 { 100 }

    /// Seconds since 1970 when it happened last; 0 for an unknown time.
    var sent: UInt64 = 0
    var shown: UInt64 = 0
    var answered: UInt64 = 0
    var state = ProofState.asked
    /// Set with each event, whatever the clock was.
    var events: UInt8 = 0
    /// The last option that was chosen.
    var option: UInt16 = 0
    /// Wrong verification keys.
    var tries: UInt8 = 0
    /// How often it was asked anew; what was sent and shown is told once for each.
    var instance: UInt16 = 0
    /// The client that it was sent to last.
    var sentTo: UInt32 = 0
    /// The number of the last event that changed the state, how many there are, and how many were not kept.
    var last: UInt32 = 0
    var count: UInt32 = 0
    var omitted: UInt32 = 0
    /// The address of the user, who may be gone since.
    var user = InlineBytes<100>()

    static var wasSent: UInt8 { 1 }
    static var wasShown: UInt8 { 2 }
    static var wasAnswered: UInt8 { 4 }
    /// One of the answers let him in.
    static var wasAdmitted: UInt8 { 16 }
    /// The last answer came with the right verification key.
    static var wasVerified: UInt8 { 8 }
    /// The last answer was entered by the operator, who said what the user told him.
    static var wasByOperator: UInt8 { 32 }

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        sent = reader.integer()
        shown = reader.integer()
        answered = reader.integer()
        let state = ProofState(rawValue: reader.integer())
        events = reader.integer()
        option = reader.integer()
        tries = reader.integer()
        instance = reader.integer()
        sentTo = reader.integer()
        last = reader.integer()
        count = reader.integer()
        omitted = reader.integer()
        user = reader.counted()
        guard !reader.isBroken, let state else { return nil }
        self.state = state
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: sent)
        record.append(bigEndian: shown)
        record.append(bigEndian: answered)
        record.append(state.rawValue)
        record.append(events)
        record.append(bigEndian: option)
        record.append(tries)
        record.append(bigEndian: instance)
        record.append(bigEndian: sentTo)
        record.append(bigEndian: last)
        record.append(bigEndian: count)
        record.append(bigEndian: omitted)
        record.append(counted: user.span)
    }

    func has(_ event: UInt8) -> Bool { events & event != 0 }

    /// Whether one more event of a kind is kept.
    private func keeps(_ kind: ProofEvent.Kind) -> Bool {
        switch kind {
        case .notUnderstood, .tooLate, .sentAgain: return count < Proof.chatterCountMax
        case .answered: return !has(Proof.wasAdmitted) || count < Proof.eventCountMax
        case .started, .renewed, .ended, .deleted, .sent, .shown, .declined, .wrongKey, .denied, .timedOut, .carried:
            return count < Proof.eventCountMax
        }
    }

    /// Counts an event; false when it is not kept.
    fileprivate mutating func count(_ kind: ProofEvent.Kind) -> Bool {
        guard keeps(kind) else {
            if omitted < .max { omitted += 1 }
            return false
        }
        count += 1
        return true
    }

    /// The state that an event leaves; nil when it leaves the one that was.
    static func state(after event: ProofEvent) -> ProofState? {
        switch event.kind {
        case .sent: return .sent
        case .shown: return .shown
        case .answered: return .answered
        case .declined, .denied: return .denied
        case .timedOut: return .timedOut
        case .carried: return ProofState(name: event.words.span)
        case .started, .renewed, .ended, .deleted, .wrongKey, .notUnderstood, .tooLate, .sentAgain: return nil
        }
    }
}

// MARK: - What happens

extension Records where Port: ~Copyable {
    func proof(_ campaign: Campaign, _ user: UInt32) -> Proof? { proof(campaign.number, user, campaign.generation) }

    func proof(_ campaign: UInt32, _ user: UInt32, _ generation: UInt16) -> Proof? {
        let key = Key.proof(campaign, user, generation)
        guard let record = store.value(for: key.span) else { return nil }
        return Proof(record)
    }

    mutating func keep(_ proof: Proof, _ campaign: UInt32, _ user: UInt32, _ generation: UInt16) {
        scratch.removeAll()
        proof.write(into: &scratch)
        store.put(Key.proof(campaign, user, generation).span, scratch)
    }

    private func newProof(_ user: UInt32) -> Proof {
        var proof = Proof()
        if let account = account(of: user) { proof.user = account.display }
        return proof
    }

    /// Appends an event to the journal and keeps the state that it leaves.
    mutating func note(
        _ kind: ProofEvent.Kind, _ campaign: Campaign, _ user: UInt32, _ proof: inout Proof, _ client: ProofClient,
        _ turn: borrowing Turn, _ complete: (inout ProofEvent) -> Void = { _ in }
    ) {
        var event = ProofEvent(kind, generation: campaign.generation, turn)
        event.user = user
        event.address = proof.user
        event.client = client
        complete(&event)
        let state = Proof.state(after: event)
        if proof.count(kind) {
            let number = append(event, to: campaign.number)
            if state != nil { proof.last = number }
        }
        if let state { proof.state = state }
        if kind == .answered { proof.events |= Proof.wasAdmitted }
        keep(proof, campaign.number, user, campaign.generation)
    }

    /// A message goes out to a user: once for each time that he is asked, and for each client that it goes to.
    mutating func noteSent(_ campaign: Campaign, _ user: UInt32, _ client: ProofClient, _ turn: borrowing Turn) {
        if campaign.notice != nil || SystemMessages<Port>.isGuest(user) { return }
        var proof = proof(campaign, user) ?? newProof(user)
        let instance = sheet(of: user).entry(campaign)?.instance ?? 0
        let isNew = !proof.has(Proof.wasSent) || proof.instance != instance || proof.state == .timedOut
        guard isNew || proof.sentTo != client.tag else { return }
        if isNew {
            proof.sent = turn.wall.storedSeconds
            proof.instance = instance
            proof.events = (proof.events | Proof.wasSent) & ~Proof.wasShown
        }
        proof.sentTo = client.tag
        note(isNew ? .sent : .sentAgain, campaign, user, &proof, client, turn)
    }

    /// A client has shown a message; the first one counts.
    mutating func noteShown(_ campaign: Campaign, _ user: UInt32, _ client: ProofClient, _ turn: borrowing Turn) {
        guard campaign.notice == nil, var proof = proof(campaign, user), proof.has(Proof.wasSent),
            !proof.has(Proof.wasShown)
        else { return }
        proof.shown = turn.wall.storedSeconds
        proof.events |= Proof.wasShown
        note(.shown, campaign, user, &proof, client, turn)
    }

    /// A user has chosen an option. Who answers was shown what he answers, unless the operator says it for him.
    mutating func noteAnswered(
        _ option: CampaignOption, _ campaign: Campaign, _ user: UInt32, _ entry: SheetEntry, _ client: ProofClient,
        isByOperator: Bool, _ turn: borrowing Turn
    ) {
        if campaign.notice != nil || SystemMessages<Port>.isGuest(user) { return }
        if !isByOperator { noteShown(campaign, user, client, turn) }
        var proof = proof(campaign, user) ?? newProof(user)
        let isVerified = !campaign.mechanism.isEmpty && !isByOperator
        proof.answered = turn.wall.storedSeconds
        proof.option = option.id
        proof.instance = entry.instance
        proof.events = proof.events & ~(Proof.wasVerified | Proof.wasByOperator) | Proof.wasAnswered
        if isVerified { proof.events |= Proof.wasVerified }
        if isByOperator { proof.events |= Proof.wasByOperator }
        note(option.grant.isAdmitted ? .answered : .declined, campaign, user, &proof, client, turn) { event in
            event.option = option.id
            event.isVerified = isVerified
            event.isByOperator = isByOperator
        }
    }

    /// A verification key was wrong; `isLast` when it was one too many.
    mutating func noteWrongKey(
        _ campaign: Campaign, _ user: UInt32, tries: UInt8, isLast: Bool, _ client: ProofClient, _ turn: borrowing Turn
    ) {
        if SystemMessages<Port>.isGuest(user) { return }
        noteShown(campaign, user, client, turn)
        var proof = proof(campaign, user) ?? newProof(user)
        proof.tries = tries
        note(.wrongKey, campaign, user, &proof, client, turn)
        if isLast { note(.denied, campaign, user, &proof, client, turn) }
    }

    /// What a user said that counts as no answer: too late, or not to be understood.
    @inline(never)
    mutating func noteInVain(
        _ kind: ProofEvent.Kind, _ campaign: Campaign, _ user: UInt32, option: UInt64 = 0, words: Span<UInt8> = Span(),
        _ client: ProofClient, _ turn: borrowing Turn
    ) {
        if campaign.notice != nil || SystemMessages<Port>.isGuest(user) { return }
        var proof = proof(campaign, user) ?? newProof(user)
        let kept = InlineBytes<200>(prefix: words.extracting(0..<UTF8.prefixByteCount(of: words, most: 200)))
        note(kind, campaign, user, &proof, client, turn) { event in
            event.option = UInt16(clamping: option)
            event.words = kept
        }
    }

    /// Keeps a state of which there is no event, with one that says so.
    @inline(never)
    mutating func carry(_ proof: Proof, _ campaign: UInt32, _ user: UInt32, _ generation: UInt16) {
        var proof = proof
        var event = ProofEvent(carried: generation)
        event.user = user
        event.address = proof.user
        event.at = max(proof.sent, max(proof.shown, proof.answered))
        event.option = proof.option
        event.isVerified = proof.has(Proof.wasVerified)
        event.isByOperator = proof.has(Proof.wasByOperator)
        _ = event.words.append(proof.state.name)
        proof.count += 1
        proof.last = append(event, to: campaign)
        keep(proof, campaign, user, generation)
    }
}

extension SystemMessages where Port: ~Copyable {
    /// No answer came in time to what keeps a login, or a session, closed.
    func noteTimeouts(
        of user: UInt32, atLogin: Bool, _ client: ProofClient, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        for place in operatorPlaces where campaigns[place].number != 0 && campaigns[place].blocks {
            guard (campaigns[place].kind == .login) == atLogin, campaigns[place].isDue(turn.wall),
                records.sheet(of: user).entry(campaigns[place])?.state == .asked,
                var proof = records.proof(campaigns[place], user), proof.state != .timedOut
            else { continue }
            records.note(.timedOut, campaigns[place], user, &proof, client, turn)
        }
    }
}
