import CSP
import Digests
import Octets

/// Where somebody answered, or was asked: what an event tells of his client.
struct ProofClient: BitwiseCopyable, Sendable {
    /// How its User-Agent begins.
    var agent = InlineBytes<32>()
    /// The address that it came from.
    var address = InlineBytes<46>()
    /// The number of the session; 0 before a login.
    var session: UInt64 = 0

    /// Nobody's: what the operator enters, or time brings.
    init() {}

    init(agent: Span<UInt8>, address: Span<UInt8>, session: UInt64 = 0) {
        self.agent = InlineBytes(prefix: agent)
        self.address = InlineBytes(prefix: address)
        self.session = session
    }

    init(_ request: Request) {
        self.init(agent: request.agent.span, address: request.client.address.span)
    }

    /// What two are compared by; never 0.
    var tag: UInt32 {
        let agent = Hash64(agent.span).value
        let address = Hash64(address.span).value
        return max(1, UInt32(truncatingIfNeeded: agent ^ address &* 31))
    }
}

/// Something that happened with a message, in the journal of its campaign: appended once and never changed.
///
/// - Source: SM-69, protocol/system-message.md §5.5.
struct ProofEvent: BitwiseCopyable, Sendable {
    enum Kind: UInt8, Sendable {
        /// The campaign began, was renewed, ended, was deleted.
        case started = 1, renewed, ended, deleted
        /// The message went out to a client; a client has shown it.
        case sent, shown
        /// The user chose an option that admits him, or one that does not.
        case answered, declined
        /// The verification key was wrong; it was so too often, which counts as a denial.
        case wrongKey, denied
        /// No answer came in time.
        case timedOut
        /// An ordinary message to the system address was no answer.
        case notUnderstood
        /// Another answer came when the matter was settled.
        case tooLate
        /// What was open already went out to another client of the same user.
        case sentAgain
        /// What was known before there was a journal, or what a copy of the store had no event of.
        case carried

        var name: StaticString {
            switch self {
            case .started: return "started"
            case .renewed: return "renewed"
            case .ended: return "ended"
            case .deleted: return "deleted"
            case .sent: return "sent"
            case .shown: return "shown"
            case .answered: return "answered"
            case .declined: return "declined"
            case .wrongKey: return "wrong-key"
            case .denied: return "denied"
            case .timedOut: return "timeout"
            case .notUnderstood: return "not-understood"
            case .tooLate: return "too-late"
            case .sentAgain: return "sent-again"
            case .carried: return "carried"
            }
        }

        /// It tells what the message said.
        var tellsText: Bool { self == .started || self == .renewed }
    }

    var kind: Kind
    var generation: UInt16
    /// 0 for what happened to the whole campaign.
    var user: UInt32 = 0
    /// Seconds since 1970; 0 for an unknown time.
    var at: UInt64 = 0
    /// Milliseconds since the engine started.
    var uptime: UInt64 = 0
    /// The option that was chosen; 0 for none.
    var option: UInt16 = 0
    var isVerified = false
    /// The operator entered what the user told him.
    var isByOperator = false
    var client = ProofClient()
    /// The address of the user, who may be gone since.
    var address = InlineBytes<100>()
    /// What the user wrote, as far as it was no answer; the digest of what the message says; the state that was carried
    /// over.
    var words = InlineBytes<200>()
    /// SHA-256 over the event before and this one.
    var hash = InlineBytes<32>()

    init(_ kind: Kind, generation: UInt16, _ turn: borrowing Turn) {
        self.kind = kind
        self.generation = generation
        at = turn.wall.storedSeconds
        uptime = turn.now.milliseconds
    }

    init(carried generation: UInt16) {
        kind = .carried
        self.generation = generation
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        let kind = Kind(rawValue: reader.integer())
        let generation: UInt16 = reader.integer()
        user = reader.integer()
        at = reader.integer()
        uptime = reader.integer()
        option = reader.integer()
        let flags: UInt8 = reader.integer()
        isVerified = flags & 1 != 0
        isByOperator = flags & 2 != 0
        client.session = reader.integer()
        client.agent = reader.counted()
        client.address = reader.counted()
        address = reader.counted()
        words = reader.counted()
        hash = InlineBytes(reader.octets(32)) ?? InlineBytes()
        guard !reader.isBroken, reader.isAtEnd, flags & ~3 == 0, let kind else { return nil }
        self.kind = kind
        self.generation = generation
    }

    func write(into record: inout FixedBytes) {
        record.append(kind.rawValue)
        record.append(bigEndian: generation)
        record.append(bigEndian: user)
        record.append(bigEndian: at)
        record.append(bigEndian: uptime)
        record.append(bigEndian: option)
        record.append((isVerified ? 1 : 0) | (isByOperator ? 2 : 0))
        record.append(bigEndian: client.session)
        record.append(counted: client.agent.span)
        record.append(counted: client.address.span)
        record.append(counted: address.span)
        record.append(counted: words.span)
        record.append(hash.span)
    }

    /// Adds the event as it is shown and as its hash covers it, all but the hash. Every event has every field, so that they
    /// make a table.
    func writeLine(_ number: UInt32, of campaign: UInt32, into output: inout FixedBytes) {
        output.field("n", UInt64(number))
        output.field("campaign", UInt64(campaign))
        output.field("generation", UInt64(generation))
        output.field("at", at)
        output.field("up_ms", uptime)
        output.field("event", kind.name.octets)
        output.field("user", address.span)
        output.field("user_number", UInt64(user))
        output.field("option", UInt64(option))
        output.field("verified", isVerified ? 1 : 0)
        output.field("by_operator", isByOperator ? 1 : 0)
        output.field("session", client.session)
        output.field("ip", client.address.span)
        output.field("client", client.agent.span)
        output.field("words", words.span)
    }
}

/// How far the journal of a campaign is.
struct ProofHead: BitwiseCopyable, Sendable {
    /// Events so far, numbered from 1.
    var count: UInt32 = 0
    /// The hash of the last; zeros before the first.
    var hash = InlineBytes<32>(repeating: 0)

    init() {}

    init?(_ record: Span<UInt8>) {
        guard record.count == 36, let hash = InlineBytes<32>(record.extracting(4..<36)) else { return nil }
        var reader = RecordReader(record)
        count = reader.integer()
        self.hash = hash
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: count)
        record.append(hash.span)
    }
}

// MARK: - In the store

extension Records where Port: ~Copyable {
    func proofHead(of campaign: UInt32) -> ProofHead {
        let key = Key.proofHead(campaign)
        guard let record = store.value(for: key.span) else { return ProofHead() }
        return ProofHead(record) ?? ProofHead()
    }

    func proofEvent(_ number: UInt32, of campaign: UInt32) -> ProofEvent? {
        let key = Key.proofEvent(campaign, number)
        guard let record = store.value(for: key.span) else { return nil }
        return ProofEvent(record)
    }

    /// Appends an event to the journal of a campaign.
    ///
    /// - Returns: Its number.
    @discardableResult
    mutating func append(_ event: ProofEvent, to campaign: UInt32) -> UInt32 {
        var head = proofHead(of: campaign)
        var event = event
        head.count += 1
        event.hash = hash(of: event, head.count, of: campaign, after: head.hash)
        head.hash = event.hash
        scratch.removeAll()
        event.write(into: &scratch)
        store.put(Key.proofEvent(campaign, head.count).span, scratch)
        keep(head, of: campaign)
        return head.count
    }

    mutating func keep(_ head: ProofHead, of campaign: UInt32) {
        scratch.removeAll()
        head.write(into: &scratch)
        store.put(Key.proofHead(campaign).span, scratch)
    }

    /// SHA-256 over the hash of the event before in hexadecimal, a line feed, and the line of this one: anybody can compute
    /// it from what `sysmsg journal` prints.
    mutating func hash(
        of event: ProofEvent, _ number: UInt32, of campaign: UInt32, after previous: InlineBytes<32>
    ) -> InlineBytes<32> {
        scratch.removeAll()
        scratch.append(hexadecimal: previous.span)
        scratch.append(0x0A)
        event.writeLine(number, of: campaign, into: &scratch)
        invariant(!scratch.isOverflowed, "IM041 an event of the proof fits")
        return DigestAlgorithm.sha256.digest(scratch.span)
    }

    /// What a message says, text, lead-in and options, as one number in hexadecimal: part of the proof.
    mutating func digestOfWords(_ campaign: Campaign) -> InlineBytes<200> {
        loadText(of: campaign)
        var digest = DigestAlgorithm.sha256.digest(scratch.span)
        loadLeadIn(of: campaign)
        scratch.append(digest.span)
        digest = DigestAlgorithm.sha256.digest(scratch.span)
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            scratch.removeAll()
            option.write(into: &scratch)
            scratch.append(digest.span)
            digest = DigestAlgorithm.sha256.digest(scratch.span)
        }
        scratch.removeAll()
        scratch.append(hexadecimal: digest.span)
        return InlineBytes(prefix: scratch.span)
    }

    /// Appends what happened to the whole campaign.
    mutating func note(_ kind: ProofEvent.Kind, _ campaign: Campaign, _ turn: borrowing Turn) {
        var event = ProofEvent(kind, generation: campaign.generation, turn)
        if kind.tellsText { event.words = digestOfWords(campaign) }
        append(event, to: campaign.number)
    }
}

extension Sessions where Port: ~Copyable {
    /// What an event tells of the client of a session.
    func proofClient(of slot: UInt16, _ records: borrowing Records<Port>)
        -> ProofClient
    {
        let client = records.clientRecord(of: slot)
        return ProofClient(agent: client.agent.span, address: client.address.span, session: table[slot].number)
    }
}
