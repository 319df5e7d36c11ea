import CSP
import Digests
import Octets
import Wire

/// Memory for the engine, lent for the life of the process.
public struct EngineMemory: ~Copyable {
    let sessions: Slab<Session>
    let buckets: Slab<UInt16>
    let challenges: Slab<Challenge>
    let throttles: Slab<Throttle>
    let campaigns: Slab<Campaign>
    let pendingLogins: Slab<PendingLogin>
    let refused: Slab<RefusedMessages>
    let senders: Slab<SenderShare>
    let settings: Slab<Settings>
    let scratch: FixedBytes

    /// Octets that `scratch` needs.
    public static var scratchByteCount: Int { 2048 }
    /// Campaigns of System Messages that can be active at once, 32, and the server's own notices.
    public static var campaignCount: Int { 32 + Notice.count }
    /// Users at once for whom messages to a full mailbox are counted.
    public static var refusedCount: Int { 32 }
    /// Senders of whom it is known how much of the store their messages take.
    public static var senderCount: Int { 64 }

    /// - Parameters:
    ///   - sessions: One for each session at once, at most 65,534.
    ///   - buckets: A power of two, about as many as sessions.
    ///   - challenges: One for each login that waits for its digest.
    ///   - throttles: A power of two; addresses and users that failed to log in, and where users logged in from.
    ///   - campaigns: `campaignCount` of them.
    ///   - pendingLogins: One for each login that waits for an answer to a System Message.
    ///   - refused: `refusedCount` of them.
    ///   - senders: `senderCount` of them.
    ///   - settings: A place for them, beside the engine: reading one may copy all that holds it.
    ///   - scratch: `scratchByteCount` octets.
    public init(
        sessions: consuming Slab<Session>, buckets: consuming Slab<UInt16>, challenges: consuming Slab<Challenge>,
        throttles: consuming Slab<Throttle>, campaigns: consuming Slab<Campaign>,
        pendingLogins: consuming Slab<PendingLogin>, refused: consuming Slab<RefusedMessages>,
        senders: consuming Slab<SenderShare>, settings: consuming Slab<Settings>, scratch: consuming FixedBytes
    ) {
        self.sessions = sessions
        self.buckets = buckets
        self.challenges = challenges
        self.throttles = throttles
        self.campaigns = campaigns
        self.pendingLogins = pendingLogins
        self.refused = refused
        self.senders = senders
        self.settings = settings
        self.scratch = scratch
    }
}

/// The server's state machine, without I/O: documents and time in, answers out, changes into the store.
///
/// The shell calls `handle` for each request of a turn, commits the store once, and only then sends the answers. When
/// the commit fails it calls `reload`, and the engine is what the store says.
public struct Engine<Port: StorePort & ~Copyable>: ~Copyable {
    /// The store, lent to the engine; the shell begins and commits its transactions.
    public var store: Port

    /// What the operator chose; may change between two turns.
    public var settings: Settings {
        _read { yield lentSettings[0] }
        _modify { yield &lentSettings[0] }
    }
    private var lentSettings: Slab<Settings>

    var vault: Vault
    var sessions: SessionTable
    var challenges: ChallengeTable
    var throttles: ThrottleTable
    /// The campaigns that are active.
    var campaigns: Slab<Campaign>
    var pendingLogins: Slab<PendingLogin>
    /// Refused messages that nobody was told of yet, and when it will be.
    var refused: Slab<RefusedMessages>
    var refusedAt: Instant?
    /// Counts the changes of campaigns; sessions that saw another number look at them.
    var campaignEpoch: UInt32 = 1
    /// Some campaign has something to ask in a session.
    var hasSessionCampaigns = false
    /// Seconds since 1970 when the next campaign begins or is over; nil when none has a day to come.
    var nextDate: UInt64?
    /// Where records are put together; used by one function at a time, never across a call.
    var scratch: FixedBytes
    var sequences = SequenceBlock()
    var challengeWrites = ChallengeWrites()
    var shares: SenderShares
    var hashBudget = HashBudget()
    var counters = Counters()
    /// Some session needs a call; which one is looked for from this slot on.
    var hasCalls = false
    var callPosition: UInt16 = 0
    /// How often the state was read from the store.
    public private(set) var reloadCount: UInt64 = 0
    /// When time alone has something to do next; nil when it has not.
    var nextSweep: Instant?

    /// An engine over a store and lent memory; `reload` gives it its state.
    public init(
        store: consuming Port, settings: Settings, vault: consuming Vault, memory: consuming EngineMemory
    ) {
        self.store = store
        lentSettings = memory.settings
        lentSettings[0] = settings
        shares = SenderShares(memory.senders)
        throttles = ThrottleTable(memory.throttles, vault.hashKey)
        self.vault = vault
        sessions = SessionTable(slots: memory.sessions, buckets: memory.buckets)
        challenges = ChallengeTable(memory.challenges)
        campaigns = memory.campaigns
        pendingLogins = memory.pendingLogins
        refused = memory.refused
        scratch = memory.scratch
    }

    /// Microseconds that one check of a password takes on this machine; 0 does not bound them.
    public var passwordCheckCost: UInt64 {
        get { hashBudget.cost }
        set { hashBudget.cost = newValue }
    }

    /// Checks a password as a login does, so that the shell can see how long that takes.
    public mutating func checkNothing() { burnTime(InlineBytes()) }

    /// The functions that this server offers to everybody. Source: protocol/session.md §7.1.
    var offeredFunctions: FunctionSet {
        FunctionSet(.mf).union(FunctionSet(.getspi))
            .union(FunctionSet(.mm)).union(FunctionSet(.mdeliv)).union(FunctionSet(.fwmsg))
            .union(.below(.imReceiveFunc))
            .union(FunctionSet(.gcli)).union(FunctionSet(.glblu))
    }
}

/// Numbers for messages, reports, answers and sessions: each is higher than all before, also after a restart.
struct SequenceBlock {
    var next: UInt64 = 1
    /// The first number that is not set aside yet.
    var end: UInt64 = 1
}

/// What `status` tells.
struct Counters {
    var logins: UInt64 = 0
    var authFailures: UInt64 = 0
    var messagesAccepted: UInt64 = 0
    var messagesDelivered: UInt64 = 0
    var messagesRefused: UInt64 = 0
    var messagesExpired: UInt64 = 0
    var requests: UInt64 = 0
    var repeatedRequests: UInt64 = 0
    var calls: UInt64 = 0
    var sessionsEnded: UInt64 = 0
}

// MARK: - State

extension Engine where Port: ~Copyable {
    /// Reads the state from the store: at start, and after a turn whose commit failed.
    public mutating func reload(_ turn: inout Turn) {
        reloadCount += 1
        sessions.removeAll()
        challenges.removeAll()
        let key = Key.fact("sequence")
        sequences = SequenceBlock()
        if let value = store.value(for: key.span) {
            var reader = RecordReader(value)
            sequences.end = max(1, reader.integer())
            sequences.next = sequences.end
        }
        reloadSessions(&turn)
        reloadChallenges(turn.now)
        reloadAnswers(turn.now)
        reloadCampaigns()
        for slot in 0..<sessions.end where sessions[slot].isOpen {
            sessions[slot].resumedAt = sequences.next - 1
            takeKnowledge(slot)
            resumeRestriction(slot, turn.now)
            call(slot)
        }
        reloadPendingLogins(turn.now)
        // A turn that was not kept changes little of it.
        if reloadCount == 1 { countShares() }
        nextSweep = turn.now
        sessions.checkInvariants()
    }

    private mutating func reloadSessions(_ turn: inout Turn) {
        var skipped: UInt64 = 0
        for index in 0..<sessions.capacity {
            let slot = UInt16(index)
            let key = Key.session(slot)
            guard let record = store.value(for: key.span) else { continue }
            guard var session = Session(record), address(of: session.user) != nil else {
                skipped += 1
                continue
            }
            sessions.open(session.user, at: slot)
            session.nextSlot = sessions[slot].nextSlot
            session.lastSeen = turn.now
            let seconds = expirySeconds(session.keepAliveSeconds)
            session.expiresAt = turn.now.adding(seconds: session.closing == 0 ? seconds : Engine.closingSeconds)
            sessions[slot] = session
        }
        if skipped > 0, turn.journal.begin(.storeSkip, turn.now, turn.wall) {
            turn.journal.word("kind", "session")
            turn.journal.number("n", skipped)
            turn.journal.end()
        }
    }

    private mutating func reloadChallenges(_ now: Instant) {
        for index in 0..<challenges.count {
            let key = Key.challenge(UInt16(index))
            guard let record = store.value(for: key.span), let challenge = Challenge(record, now: now) else { continue }
            challenges[index] = challenge
        }
    }

    /// A number that was never used before.
    mutating func takeSequence() -> UInt64 {
        if sequences.next >= sequences.end {
            sequences.end = sequences.next + UInt64(Limits.sequenceBlock)
            scratch.removeAll()
            scratch.append(bigEndian: sequences.end)
            store.put(Key.fact("sequence").span, scratch)
        }
        sequences.next += 1
        return sequences.next - 1
    }

    /// When `timePassed` should be called next; nil when nothing waits for time.
    public var deadline: Instant? { nextSweep }
}
