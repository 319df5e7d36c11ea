import CSP
import Digests
import Octets
import Wire

/// Memory for the engine, lent for the life of the process.
public struct EngineMemory: ~Copyable {
    let sessions: Slab<Session>
    let buckets: Slab<UInt16>
    let networks: Slab<HashMapPlace<SessionList>>
    let timers: Slab<UInt16>
    let outstanding: Slab<OutstandingTable>
    let freeOutstanding: Slab<UInt16>
    let answers: Slab<KeptAnswer>
    let marks: Slab<PresenceMark>
    let searches: Slab<SearchSession>
    let challenges: Slab<Challenge>
    let throttles: Slab<Throttle>
    let campaigns: Slab<Campaign>
    let pendingLogins: Slab<PendingLogin>
    let refused: Slab<RefusedMessages>
    let senders: Slab<SenderShare>
    let settings: Slab<Settings>
    let notifySections: Slab<NotifySection>
    var upstreams: Slab<Upstream>
    var relays: Slab<Relay>
    let remotes: Slab<HashMapPlace<RemotePerson>>
    let scratch: FixedBytes

    /// Octets that `scratch` needs.
    public static var scratchByteCount: Int { 2048 }
    /// Campaigns of System Messages that can be active at once, 32, and the server's own notices.
    public static var campaignCount: Int { 32 + Notice.count }
    /// Users at once for whom messages to a full mailbox are counted.
    public static var refusedCount: Int { 32 }
    /// Places for the networks of so many sessions.
    public static func networkCount(sessions: Int) -> Int { HashMap<SessionList>.placeCount(sessions) }
    /// Answers that are kept for repeats in so many sessions.
    public static func answerCount(sessions: Int) -> Int { AnswerPool.count(sessions: sessions) }
    /// Persons of whom so many sessions have not been told yet.
    public static func markCount(sessions: Int) -> Int { PresenceMarks.count(sessions: sessions) }
    /// Searches that can go on at once.
    public static var searchCount: Int { 16 }
    /// Senders of whom it is known how much of the store their messages take.
    public static var senderCount: Int { 64 }
    /// Sections of the configuration by which those are told who are offline.
    public static var notifySectionCount: Int { 4 }
    /// Services behind this one.
    public static var upstreamCount: Int { 4 }
    /// Places for so many who are there by XMPP.
    public static func remoteCount(_ people: Int) -> Int { HashMap<RemotePerson>.placeCount(people) }

    /// - Parameters:
    ///   - sessions: One for each session at once, at most 65,534.
    ///   - buckets: A power of two, about as many as sessions.
    ///   - networks: `networkCount(sessions:)` of them.
    ///   - timers: As many as sessions.
    ///   - outstanding: As many as sessions.
    ///   - freeOutstanding: As many as sessions.
    ///   - answers: `answerCount(sessions:)` of them.
    ///   - marks: `markCount(sessions:)` of them.
    ///   - searches: `searchCount` of them.
    ///   - challenges: One for each login that waits for its digest.
    ///   - throttles: A power of two; addresses and users that failed to log in, and where users logged in from.
    ///   - campaigns: `campaignCount` of them.
    ///   - pendingLogins: One for each login that waits for an answer to a System Message.
    ///   - refused: `refusedCount` of them.
    ///   - senders: `senderCount` of them.
    ///   - settings: A place for them, beside the engine: reading one may copy all that holds it.
    ///   - notifySections: `notifySectionCount` of them.
    ///   - upstreams: `upstreamCount` of them, or none where there is no service behind this one.
    ///   - relays: As many as answers of it are awaited at once.
    ///   - remotes: `remoteCount(_:)` of them, for nobody where there is no XMPP server.
    ///   - scratch: `scratchByteCount` octets.
    public init(
        sessions: consuming Slab<Session>, buckets: consuming Slab<UInt16>,
        networks: consuming Slab<HashMapPlace<SessionList>>, timers: consuming Slab<UInt16>,
        outstanding: consuming Slab<OutstandingTable>, freeOutstanding: consuming Slab<UInt16>,
        answers: consuming Slab<KeptAnswer>, marks: consuming Slab<PresenceMark>,
        searches: consuming Slab<SearchSession>, challenges: consuming Slab<Challenge>,
        throttles: consuming Slab<Throttle>, campaigns: consuming Slab<Campaign>,
        pendingLogins: consuming Slab<PendingLogin>, refused: consuming Slab<RefusedMessages>,
        senders: consuming Slab<SenderShare>, settings: consuming Slab<Settings>,
        notifySections: consuming Slab<NotifySection>, upstreams: consuming Slab<Upstream>,
        relays: consuming Slab<Relay>, remotes: consuming Slab<HashMapPlace<RemotePerson>>,
        scratch: consuming FixedBytes
    ) {
        self.sessions = sessions
        self.buckets = buckets
        self.networks = networks
        self.timers = timers
        self.outstanding = outstanding
        self.freeOutstanding = freeOutstanding
        self.answers = answers
        self.marks = marks
        self.searches = searches
        self.challenges = challenges
        self.throttles = throttles
        self.campaigns = campaigns
        self.pendingLogins = pendingLogins
        self.refused = refused
        self.senders = senders
        self.settings = settings
        self.notifySections = notifySections
        self.upstreams = upstreams
        self.relays = relays
        self.remotes = remotes
        self.scratch = scratch
    }
}

/// The server's state machine, without I/O: documents and time in, answers out, changes into the store.
///
/// The shell calls `handle` for each request of a turn, commits the store once, and only then sends the answers. When
/// the commit fails it calls `reload`, and the engine is what the store says.
public struct Engine<Port: StorePort & ~Copyable>: ~Copyable {
    var records: Records<Port>
    var accounts: Accounts<Port>
    var sessions: Sessions<Port>
    var mailboxes: Mailboxes<Port>
    var people: People<Port>
    var systemMessages: SystemMessages<Port>
    var notifier: Notifier<Port>
    var gateway: Gateway<Port>
    var component = Component<Port>()
    /// The section of an XMPP server that is being read.
    var newComponent: Upstream?
    /// How often the state was read from the store.
    public private(set) var reloadCount: UInt64 = 0

    /// An engine over a store and lent memory; `reload` gives it its state.
    public init(
        store: consuming Port, settings: Settings, vault: consuming Vault, memory: consuming EngineMemory
    ) {
        records = Records(store, settings, memory.settings, memory.scratch)
        accounts = Accounts(vault, memory.challenges, memory.throttles)
        sessions = Sessions(
            SessionTable(
                slots: memory.sessions, buckets: memory.buckets, networks: memory.networks, timers: memory.timers),
            OutstandingPool(memory.outstanding, memory.freeOutstanding), AnswerPool(memory.answers),
            PresenceMarks(memory.marks), RemotePeople(memory.remotes))
        people = People(memory.searches)
        mailboxes = Mailboxes(memory.senders)
        systemMessages = SystemMessages(memory.campaigns, memory.pendingLogins, memory.refused)
        notifier = Notifier(memory.notifySections)
        gateway = Gateway(memory.upstreams, memory.relays)
    }

    /// The store, lent to the engine; the shell begins and commits its transactions.
    public var store: Port {
        _read { yield records.store }
        _modify { yield &records.store }
    }

    /// What the operator chose; may change between two turns.
    public var settings: Settings {
        _read { yield records.settings }
        _modify { yield &records.settings }
    }

    /// Microseconds that one check of a password takes on this machine; 0 does not bound them.
    public var passwordCheckCost: UInt64 {
        get { accounts.hashBudget.cost }
        set { accounts.hashBudget.cost = newValue }
    }

    /// Checks a password as a login does, so that the shell can see how long that takes.
    public mutating func checkNothing() { accounts.burnTime(InlineBytes()) }
}

// MARK: - State

extension Engine where Port: ~Copyable {
    /// Reads the state from the store: at start, and after a turn whose commit failed.
    public mutating func reload(_ turn: inout Turn) {
        reloadCount += 1
        records.reloadSequences()
        sessions.reload(&records, &turn)
        accounts.reload(records, turn.now)
        systemMessages.reloadCampaigns(&sessions, records)
        for slot in 0..<sessions.end where sessions[slot].isOpen {
            mailboxes.resume(slot, &sessions, records)
            systemMessages.resumeRestriction(slot, &sessions, records, turn.now)
            sessions.call(slot)
        }
        gateway.reload(&sessions, &mailboxes, systemMessages, &records, &turn)
        component.reload(&records)
        sessions.resumePresence(records)
        systemMessages.reloadPendingLogins(records, turn.now)
        mailboxes.reload(records, isFirst: reloadCount == 1, turn.now)
        mailboxes.deadline.schedule(at: turn.now)
        notifier.reload(&records, turn.now)
        sessions.checkInvariants()
    }

    /// When `timePassed` should be called next; nil when nothing waits for time.
    public var deadline: Instant? {
        // Nothing is changed; but to lend all of the engine would be a copy of it.
        mutating get {
            var deadline = mailboxes.deadline
            if let time = sessions.table.nextDue { deadline.schedule(at: time) }
            if let time = systemMessages.deadline.next { deadline.schedule(at: time) }
            if let time = notifier.deadline.next { deadline.schedule(at: time) }
            if let time = component.deadline { deadline.schedule(at: time) }
            return deadline.next
        }
    }

    /// Does what is due; the shell calls it at `deadline`.
    public mutating func timePassed(_ turn: inout Turn) {
        mailboxes.deadline = Deadline()
        systemMessages.deadline = Deadline()
        // At the end of the turn the shell asks whom to tell.
        notifier.timePassed(&records, turn.now)
        // Each of them once: whatever is wrong with one, the others are served.
        var left = sessions.count
        while left > 0, let slot = sessions.takeDue(turn.now) {
            left -= 1
            sessions.timePassed(slot, &mailboxes, systemMessages, &records, &turn)
            guard sessions[slot].isOpen else { continue }
            systemMessages.timePassed(slot, &sessions, &mailboxes, &records, &turn)
            gateway.timePassed(slot, &sessions, turn.now)
            sessions.scheduleNext(slot, turn.now)
        }
        tellPeople(&turn)
        mailboxes.countSharesAgain(records, turn.now)
        systemMessages.expirePendingLogins(&records, &turn)
        systemMessages.tellRefused(&sessions, mailboxes, &records, &turn)
        systemMessages.watchDates(&sessions, turn)
        if turn.wall.isTrusted {
            mailboxes.expireShortLived(&sessions, &records, &turn)
            mailboxes.expireOldest(&sessions, &records, &turn)
        }
    }

    /// Does what a turn leaves to do for `People/`: watchers are told who came and went, and whoever was told that he is on
    /// a list gets what he answered.
    mutating func tellPeople(_ turn: inout Turn) {
        if let answer = systemMessages.addedAnswer {
            systemMessages.addedAnswer = nil
            if let contact = answer.contact {
                people.addBack(contact, for: answer.user, &sessions, mailboxes, systemMessages, &records, &turn)
            }
            people.tellAdded(answer.user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
        while let user = sessions.tellChange(records) {
            guard sessions.isThere(user) else { continue }
            people.askWhatWasNotAsked(by: user, &sessions, mailboxes, &records)
            people.tellAdded(user, isLogin: true, &sessions, mailboxes, systemMessages, &records, &turn)
        }
    }
}
