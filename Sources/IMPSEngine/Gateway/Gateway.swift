import CSP
import Octets
import Wire

/// Why an upstream did not answer.
public enum RelayFailure: Sendable {
    /// Nobody takes a connection there, or it is not who it should be.
    case unreachable
    /// It took too long.
    case timeout
    /// What came is no answer: of HTTP, of the protocol, or to what was asked.
    case nonsense
    /// It is the engine that has no room.
    case busy

    /// What it is called in the log.
    var why: StaticString {
        switch self {
        case .unreachable: return "unreachable"
        case .timeout: return "timeout"
        case .nonsense: return "no-answer"
        case .busy: return "busy"
        }
    }

    /// What a client is told.
    var code: StatusCode { if case .timeout = self { return .timeout } else { return .serviceUnavailable } }
}

/// Where a message goes that is relayed.
public struct RelayOrder: Sendable {
    /// The address, by http or https.
    public var url: InlineBytes<200>
    /// The SHA-256 of the certificate that the other side has to have; empty when authorities vouch for it.
    public var pin: InlineBytes<100>
    /// What the client calls itself; empty when none speaks.
    public var agent: InlineBytes<64>
    /// How the message is written.
    public var syntax: Syntax
    /// The version in which it is written.
    public var version: Version
    /// Seconds that an answer may take.
    public var seconds: UInt32
}

/// A transaction that was answered here although its message goes on.
struct SettledTransaction: BitwiseCopyable {
    var id = InlineBytes<40>()
    /// The number of its `StatusCode`.
    var code = StatusCode.success.rawValue
}

/// A message that is with an upstream, and whose answer somebody waits for.
public struct Relay: ZeroInitializable {
    enum Kind: BitwiseCopyable {
        case free
        /// The Login-Request of somebody whom the upstream is to know.
        case login
        /// What a client says in its session.
        case session
        /// Whether something waits for a client that is called: nobody's answer.
        case watch
    }

    var kind = Kind.free
    /// The place of the upstream, and of its address, in the configuration of this number.
    var upstream = 0
    var url = 0
    var configuration: UInt32 = 0
    /// What is spoken there.
    var spoken = Syntax.xml
    var spokenVersion = Version.v1_2
    /// What the SessionID there is recognised by; 0 for a login.
    var sessionHash: UInt64 = 0
    /// There was more in the message than can be answered.
    var isTooMuch = false
    /// The session here.
    var slot: UInt16 = 0
    var session: UInt64 = 0
    /// It is over when this is answered.
    var endsSession = false
    /// What its client speaks.
    var version = Version.v1_2
    var syntax = Syntax.xml
    var client = Client(address: InlineBytes())
    var agent = InlineBytes<64>()
    /// Of a login: who, and what its session will need. No credentials: those are in what is sent, and nowhere else.
    var credentials: Credentials?
    var login = PendingLogin()
    var cookie = InlineBytes<100>()
    var timeToLive: UInt64?
    /// What its TransactionIDs are recognised by, of those that open a transaction.
    var asked = InlineArray<16, UInt32>(repeating: 0)
    var askedCount = 0
    var settled = InlineArray<8, SettledTransaction>(repeating: SettledTransaction())
    var settledCount = 0

    /// A free place.
    public init() {}

    /// Whether another transaction can be told apart from the others.
    var mayAskMore: Bool { askedCount < asked.count }

    /// Remembers that a transaction is to be answered.
    mutating func ask(_ id: Span<UInt8>) {
        guard mayAskMore else { return }
        asked[askedCount] = Relay.hash(id)
        askedCount += 1
    }

    func hasAsked(_ id: Span<UInt8>) -> Bool {
        for place in 0..<askedCount where asked[place] == Relay.hash(id) { return true }
        return false
    }

    private static func hash(_ id: Span<UInt8>) -> UInt32 { UInt32(truncatingIfNeeded: Hash64(id).value) }

    /// Answers a transaction here, together with the others of its message.
    mutating func settle(_ id: Span<UInt8>, _ code: StatusCode) {
        guard settledCount < settled.count, let id = InlineBytes<40>(id) else {
            isTooMuch = true
            return
        }
        settled[settledCount].id = id
        settled[settledCount].code = code.rawValue
        settledCount += 1
    }
}

/// What `status` tells of upstreams.
struct GatewayCounters {
    /// Messages that were handed over.
    var relayed: UInt64 = 0
    /// Those that were not answered.
    var failed: UInt64 = 0
    /// Logins that an upstream took.
    var logins: UInt64 = 0
}

/// The room of services behind this one: which session belongs to which upstream, and what waits for an answer from there.
///
/// Source: protocol/system-message.md §4.4.
struct Gateway<Port: StorePort & ~Copyable>: ~Copyable {
    var upstreams: Slab<Upstream>
    private(set) var upstreamCount = 0
    /// The configuration was looked at.
    private var isConfigured = false
    /// Counts the configurations, so that nothing goes to the place of one that belongs to another.
    private(set) var configuration: UInt32 = 0
    var relays: Slab<Relay>
    /// Sessions for which it is to be looked whether something waits there.
    private var watches = InlineArray<32, UInt16>(repeating: 0)
    private var watchCount = 0
    /// How many logins of strangers are asked something; each is a write.
    var guestWrites = ChallengeWrites()
    /// The same of those who were here before.
    var knownGuestWrites = ChallengeWrites()
    var counters = GatewayCounters()

    init(_ upstreams: consuming Slab<Upstream>, _ relays: consuming Slab<Relay>) {
        self.upstreams = upstreams
        self.relays = relays
    }

    /// There is an upstream.
    var isUsed: Bool { upstreamCount > 0 }

    // MARK: Configuration

    /// Takes the sections of the configuration instead of those before.
    mutating func beginSections() {
        upstreamCount = 0
        configuration &+= 1
    }

    mutating func take(_ section: borrowing Upstream, name: Span<UInt8>) {
        guard upstreamCount < upstreams.count, relays.count > 0, section.finish(name: name) == nil else { return }
        upstreams[upstreamCount] = copy section
        upstreams[upstreamCount].name = InlineBytes(name) ?? InlineBytes()
        upstreamCount += 1
    }

    /// They are used from now on: a session belongs to the one of its name, and ends when there is none any more.
    mutating func endSections(
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        isConfigured = true
        for place in 0..<records.settings.upstreamDomains.count {
            records.settings.upstreamDomains[place] =
                place < upstreamCount ? upstreams[place].domain : InlineBytes()
        }
        reload(&sessions, &mailboxes, systemMessages, &records, &turn)
    }

    /// Finds the upstream of each session that has one.
    mutating func reload(
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        watchCount = 0
        guard isConfigured else { return }
        for slot in 0..<sessions.end where sessions[slot].isOpen {
            guard let record = records.upstreamRecord(of: slot) else { continue }
            guard record.session == sessions[slot].number else {
                records.forgetUpstream(of: slot)
                continue
            }
            guard let place = upstream(named: record.name.span) else {
                records.account(for: sessions[slot], in: slot, .replaced, turn.wall)
                sessions[slot].upstream = UpstreamPart()
                sessions.endSession(slot, .replaced, &mailboxes, systemMessages, &records, &turn)
                continue
            }
            begin(slot, at: place, &sessions)
            sessions[slot].upstream.transactionCount = max(
                sessions[slot].upstream.transactionCount, record.transactions)
            goOnWatching(slot, &sessions, turn.now)
        }
    }

    /// A session belongs to an upstream, and so its user is not seen by those of this server.
    func begin(_ slot: UInt16, at place: Int, _ sessions: inout Sessions<Port>) {
        sessions[slot].upstream.place = UInt8(place + 1)
        sessions.noteVisibility(slot)
    }

    /// The section that a session belongs to.
    func name(of slot: UInt16, _ sessions: borrowing Sessions<Port>) -> InlineBytes<24> {
        upstreams[Int(sessions[slot].upstream.place) - 1].name
    }

    /// Transactions of a session were handed over.
    func count(_ transactions: Int, _ slot: UInt16, _ sessions: inout Sessions<Port>) {
        sessions[slot].upstream.transactionCount &+= UInt32(transactions)
    }

    /// An upstream has said whether more waits for a session.
    func note(hasMore: Bool, _ slot: UInt16, _ sessions: inout Sessions<Port>) {
        sessions[slot].upstream.hasMore = hasMore
    }

    private func upstream(named name: Span<UInt8>) -> Int? {
        for place in 0..<upstreamCount where upstreams[place].name.span.equals(name) { return place }
        return nil
    }

    // MARK: Relays

    /// A place for one more; nil when as many are under way as can be.
    @inline(never)
    func freeRelay() -> Int? {
        for place in 0..<relays.count where relays[place].kind == .free { return place }
        return nil
    }

    /// How many are under way.
    var relayCount: Int {
        var count = 0
        for place in 0..<relays.count where relays[place].kind != .free { count += 1 }
        return count
    }

    /// A relay to an upstream; nil when all its addresses are left alone.
    func relay(_ kind: Relay.Kind, to upstream: Int, _ version: Version, _ now: Instant) -> Relay? {
        guard let url = upstreams[upstream].usableURL(now) else { return nil }
        var relay = Relay()
        relay.kind = kind
        relay.upstream = upstream
        relay.url = url
        relay.configuration = configuration
        relay.version = version
        relay.spoken = upstreams[upstream].syntax
        relay.spokenVersion = upstreams[upstream].version ?? version
        return relay
    }

    /// Where a message goes.
    func order(_ place: Int) -> RelayOrder {
        let relay = relays[place]
        return RelayOrder(
            url: upstreams[relay.upstream].urls[relay.url], pin: upstreams[relay.upstream].pin,
            agent: relay.agent, syntax: relay.spoken, version: relay.spokenVersion,
            seconds: upstreams[relay.upstream].timeoutSeconds)
    }

    /// Has a message that nobody took go to another address behind the one that was tried; false when there is none.
    mutating func redirect(_ place: Int, _ now: Instant) -> Bool {
        let relay = relays[place]
        // Another configuration may have somebody else at this place.
        guard relay.configuration == configuration, let url = upstreams[relay.upstream].usableURL(now), url > relay.url
        else { return false }
        relays[place].url = url
        return true
    }

    /// Nothing usable came from an upstream: for a while it is left alone, and every client told so at once.
    mutating func noteFailure(_ relay: Relay, _ failure: RelayFailure, _ turn: inout Turn) {
        counters.failed += 1
        if case .busy = failure { return }
        guard relay.configuration == configuration else { return }
        var isDown = false
        if case .unreachable = failure { isDown = true }
        let seconds = upstreams[relay.upstream].noteFailure(relay.url, isDown: isDown, turn.now)
        guard turn.journal.begin(.upstreamFail, turn.now, turn.wall) else { return }
        log(relay, &turn)
        turn.journal.word("why", failure.why)
        if seconds > 0 { turn.journal.number("rests_s", seconds) }
        turn.journal.end()
    }

    /// An upstream answered as it should.
    mutating func noteAnswer(_ relay: Relay, _ turn: inout Turn) {
        guard relay.configuration == configuration, upstreams[relay.upstream].noteAnswer(relay.url),
            turn.journal.begin(.upstreamBack, turn.now, turn.wall)
        else { return }
        log(relay, &turn)
        turn.journal.end()
    }

    private func log(_ relay: Relay, _ turn: inout Turn) {
        turn.journal.text("name", upstreams[relay.upstream].name.span)
        turn.journal.text("url", upstreams[relay.upstream].urls[relay.url].span, countMax: 60)
    }

    // MARK: Clients that are called

    /// Has it looked again after a while whether something waits at the upstream, for a client that does not look itself.
    ///
    /// - Parameter isNew: It begins to wait just now, and may have missed something.
    @inline(never)
    func watch(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ now: Instant, isNew: Bool = false) {
        guard sessions[slot].isRelayed, !sessions[slot].upstream.isWatched, sessions.isTold(slot) else { return }
        let seconds = upstreams[Int(sessions[slot].upstream.place) - 1].pollSeconds
        let time = isNew ? now : now.adding(seconds: UInt64(seconds))
        sessions[slot].upstream.watchAt = time
        sessions.schedule(slot, at: time)
    }

    /// A look is over, or will not be.
    @inline(never)
    func goOnWatching(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ now: Instant) {
        sessions[slot].upstream.isWatched = false
        watch(slot, &sessions, now)
    }

    /// The time of a session has come.
    mutating func timePassed(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ now: Instant) {
        guard let time = sessions[slot].upstream.watchAt, time <= now else { return }
        sessions[slot].upstream.watchAt = nil
        guard sessions.isTold(slot), sessions[slot].closing == 0 else { return }
        // Who knows already that something waits is called for that; and others may have their turn first.
        guard !sessions[slot].upstream.hasMore, watchCount < watches.count else {
            return watch(slot, &sessions, now)
        }
        watches[watchCount] = slot
        watchCount += 1
        sessions[slot].upstream.isWatched = true
    }

    /// Whether a look is due.
    var hasWatches: Bool { watchCount > 0 }

    /// The next session for which it is looked.
    mutating func takeWatch() -> UInt16? {
        guard watchCount > 0 else { return nil }
        watchCount -= 1
        return watches[watchCount]
    }
}
