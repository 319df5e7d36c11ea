import Digests
import Foundation
@testable import IMPSEngine
import Octets
import Wire

/// Memory that lives as long as the test process.
func lent<Element: BitwiseCopyable>(_ count: Int, _ value: Element) -> Slab<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, count))
    memory.initialize(repeating: value, count: count)
    return Slab(lent: memory, count: count)
}

func zeros<Element: ZeroInitializable>(_ count: Int) -> Slab<Element> {
    let byteCount = max(1, count) * MemoryLayout<Element>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return Slab(lent: memory.bindMemory(to: Element.self, capacity: count), count: count)
}

/// An engine with a clock, a disk and randomness that a seed decides.
final class World {
    let disk = MemoryStore.Disk()
    private var engine: Engine<MemoryStore>
    private var turnCount = 0
    private var document: Document
    private var writer: Writer
    private var turn: Turn
    var milliseconds: UInt64 = 1000
    private var random: Seeded
    private var command = ControlCommand(line: FixedBytes(lent(ControlCommand.lineByteCountMax, UInt8(0))))
    private var controlOutput = FixedBytes(lent(40_000, UInt8(0)))
    private let settings: Settings

    private let challengeCount: Int
    private let throttleCount: Int

    private func makeEngine() -> Engine<MemoryStore> {
        World.makeEngine(disk, settings, challenges: challengeCount, throttles: throttleCount)
    }

    private static func makeEngine(
        _ disk: MemoryStore.Disk, _ settings: Settings, challenges: Int, throttles: Int
    ) -> Engine<MemoryStore> {
        let key = [UInt8](repeating: 7, count: 32)
        return Engine(
            store: MemoryStore(disk), settings: settings, vault: Vault.open(key: key.span)!,
            memory: EngineMemory(
                sessions: lent(64, Session()), buckets: lent(64, UInt16(0)),
                networks: zeros(EngineMemory.networkCount(sessions: 64)), timers: lent(64, UInt16(0)),
                outstanding: lent(64, OutstandingTable()), freeOutstanding: lent(64, UInt16(0)),
                answers: lent(EngineMemory.answerCount(sessions: 64), KeptAnswer()),
                marks: lent(EngineMemory.markCount(sessions: 64), PresenceMark()),
                searches: lent(EngineMemory.searchCount, SearchSession()),
                challenges: lent(challenges, Challenge()), throttles: lent(throttles, Throttle()),
                campaigns: lent(EngineMemory.campaignCount, Campaign()),
                pendingLogins: lent(challenges, PendingLogin()),
                refused: lent(EngineMemory.refusedCount, RefusedMessages()),
                senders: lent(EngineMemory.senderCount, SenderShare()), settings: lent(1, Settings()),
                notifySections: lent(EngineMemory.notifySectionCount, NotifySection()),
                upstreams: lent(EngineMemory.upstreamCount, Upstream()), relays: lent(8, Relay()),
                remotes: zeros(EngineMemory.remoteCount(64)),
                scratch: FixedBytes(lent(2048, UInt8(0)))))
    }

    /// - Parameter change: Changes the settings of the engine.
    init(seed: UInt64, challenges: Int = 8, throttles: Int = 16, _ change: (inout Settings) -> Void = { _ in }) {
        random = Seeded(seed)
        challengeCount = challenges
        throttleCount = throttles
        var settings = Settings()
        _ = settings.domain.append(Array("home.test".utf8).span)
        settings.loginFailuresMax = 0
        settings.offlineMessagesMax = 100_000
        settings.offlineByteCountMax = 1 << 30
        settings.helpErrors = 0
        // Answers get lost here that clients never saw: what is sent often enough must not count as delivered.
        settings.deliveriesMax = .max
        change(&settings)
        self.settings = settings
        engine = World.makeEngine(disk, settings, challenges: challenges, throttles: throttles)
        document = Document(nodes: lent(500, Document.Node()), texts: FixedBytes(lent(20_000, UInt8(0))))
        writer = Writer(output: FixedBytes(lent(60_000, UInt8(0))))
        turn = Turn(
            now: Instant(milliseconds: 1000), wall: WallTime(secondsSince1970: 1_800_000_000, isTrusted: true),
            entropy: Entropy(InlineArray(repeating: 0)),
            journal: Journal(slots: lent(Journal.slotByteCount * 4, UInt8(0)), line: FixedBytes(lent(240, UInt8(0)))))
        turn.journal.level = .error
        _ = engine.claimSchema(pageByteCount: 4096, isSealed: false)
        engine.reload(&turn)
        disk.commit(succeeds: true)
    }

    /// Lets the clock be believed, or not, as the shell does when the system says so.
    var clockIsTrusted: Bool {
        get { turn.wall.isTrusted }
        set {
            turn.wall.isTrusted = newValue
            if newValue { engine.clockBegan(turn.now) }
        }
    }

    /// Looks whether the rooms agree with the store; a violation ends the process with its code.
    func checkInvariants() { engine.checkInvariants() }

    /// Ends the engine without a word and starts another one on the disk.
    func crash() {
        disk.commit(succeeds: false)
        engine = makeEngine()
        milliseconds = 1000
        beginTurn()
        engine.reload(&turn)
        if !sections.isEmpty { configure(sections) }
        if !upstreamDomain.isEmpty { configure(upstream: upstreamDomain) }
        if isComponent { configureXMPP() }
    }

    // MARK: XMPP

    private var isComponent = false

    /// Has all users of other domains be reached by an XMPP server.
    func configureXMPP() {
        isComponent = true
        engine.beginUpstreams()
        var section = Upstream()
        for (key, value) in [("domain", "*"), ("url", "xmpp-component://192.0.2.9"), ("secret_file", "/x")] {
            let words = section.take(Array(key.utf8).span, Array(value.utf8).span)
            precondition(words == nil, "\(key)")
        }
        engine.take(section, name: Array("world".utf8).span)
        engine.endUpstreams(&turn)
        disk.commit(succeeds: true)
    }

    /// Begins a stream; what the engine says.
    func beginStream() -> String {
        beginStanzas()
        engine.beginStream(secret: InlineBytes(Array("secret".utf8).span)!, turn, into: &writer)
        return written
    }

    /// What the engine says to a stanza, or to the tag of a stream; nil when the stream has to end.
    func stanza(_ text: String, commits: Bool = true) -> String? {
        milliseconds += 1
        beginStanzas()
        drawEntropy()
        do throws(WireError) { try document.read(stanza: Array(text.utf8).span) } catch {}
        let progress = engine.stanzaArrived(document, isCut: false, &turn, into: &writer)
        let said = written
        guard commit(succeeds: commits), progress == .goesOn else { return nil }
        return said
    }

    /// What the engine says by itself; nil when the stream has to end.
    func stanzas() -> String? {
        beginStanzas()
        guard !engine.isStreamLate(turn.now, isBlocked: false) else { return nil }
        engine.writeStanzas(&turn, into: &writer)
        disk.commit(succeeds: true)
        return written
    }

    func endStream(isSaid: Bool = false) {
        beginTurn()
        engine.streamEnded("it broke", isSaid: isSaid, &turn)
        disk.commit(succeeds: true)
    }

    private func beginStanzas() {
        beginTurn()
        writer.output.removeAll()
        writer.begin(syntax: .xml, version: .v1_2)
    }

    // MARK: A service behind

    private var upstreamDomain = ""

    /// What became of a request that may be for a service behind.
    enum Exchange {
        case answer(String)
        /// The message is on its way there.
        case deferred(place: Int, message: String)
        case later
    }

    /// Has the users of a domain belong to another service.
    func configure(upstream domain: String) {
        upstreamDomain = domain
        engine.beginUpstreams()
        var section = Upstream()
        for (key, value) in [("domain", domain), ("url", "http://192.0.2.9/"), ("poll", "5")] {
            let words = section.take(Array(key.utf8).span, Array(value.utf8).span)
            precondition(words == nil, "\(key)")
        }
        engine.take(section, name: Array("behind".utf8).span)
        engine.endUpstreams(&turn)
        disk.commit(succeeds: true)
    }

    /// Handles a document as `handle` does, and commits it.
    func exchange(_ text: String, from address: String, commits: Bool = true) -> Exchange {
        milliseconds += 1
        beginTurn()
        drawEntropy()
        let body = Array(text.utf8)
        writer.output.removeAll()
        writer.begin(syntax: .xml, version: .v1_3)
        guard read(body) else { return .answer("broken") }
        let client = Client(address: InlineBytes(Array(address.utf8).span)!)
        let reply = engine.handle(document, body: body.span, client: client, turn: &turn, into: &writer)
        let written = self.written
        switch reply {
        case .message: return commit(succeeds: commits) ? .answer(written) : .answer("")
        case .deferred(let place):
            guard commit(succeeds: commits) else { return .answer(refuseRelay(place, written, .busy)) }
            return .deferred(place: place, message: written)
        case .later:
            _ = commit(succeeds: commits)
            return .later
        case .empty, .malformed, .unsupported:
            _ = commit(succeeds: commits)
            return .answer("")
        }
    }

    /// The answer that a client gets for what the service behind answered; nil for nothing usable.
    func endRelay(_ place: Int, _ message: String, answer: String?, commits: Bool = true) -> String {
        milliseconds += 1
        beginTurn()
        drawEntropy()
        guard let answer, answer.isEmpty || read(Array(answer.utf8)) else {
            return refuseRelay(place, message, answer == nil ? .timeout : .nonsense)
        }
        writer.output.removeAll()
        guard
            let reply = engine.relayAnswered(place, document, isEmpty: answer.isEmpty, &turn, into: &writer)
        else { return refuseRelay(place, message, .nonsense) }
        let written = reply.isMessage ? self.written : ""
        return commit(succeeds: commits) ? written : ""
    }

    /// Tells the client that the service behind did not answer.
    func refuseRelay(_ place: Int, _ message: String, _ failure: RelayFailure) -> String {
        if !read(Array(message.utf8)) { document.wipe() }
        writer.output.removeAll()
        let reply = engine.relayFailed(place, document, failure, &turn, into: &writer)
        let written = reply.isMessage ? self.written : ""
        _ = commit(succeeds: true)
        return written
    }

    /// How many answers of the service behind are awaited.
    var relayCount: Int { engine.relayCount }

    private var written: String {
        String(decoding: (0..<writer.output.count).map { writer.output[$0] }, as: Swift.UTF8.self)
    }

    private func read(_ octets: [UInt8]) -> Bool {
        do throws(WireError) {
            try document.read(octets.span, syntax: .xml)
            return true
        } catch {
            return false
        }
    }

    func pass(seconds: UInt64) { pass(milliseconds: seconds * 1000) }

    func pass(milliseconds passed: UInt64) {
        milliseconds += passed
        beginTurn()
        if let deadline = engine.deadline, deadline <= turn.now { engine.timePassed(&turn) }
        disk.commit(succeeds: true)
    }

    private func beginTurn() {
        turn.now = Instant(milliseconds: milliseconds)
        turn.wall.secondsSince1970 = 1_800_000_000 + milliseconds / 1000
    }

    /// Handles a document; its answer is empty text when nothing is said.
    ///
    /// - Parameters:
    ///   - address: Where the client is.
    ///   - agent: Its User-Agent.
    func handle(_ text: String, from address: String = "192.0.2.1", agent: String = "") -> String {
        milliseconds += 1
        beginTurn()
        drawEntropy()
        let body = Array(text.utf8)
        writer.output.removeAll()
        writer.begin(syntax: .xml, version: .v1_2)
        do throws(WireError) { try document.read(body.span, syntax: .xml) } catch { return "broken" }
        let client = Client(address: InlineBytes(Array(address.utf8).span)!)
        let reply = engine.handle(
            document, body: body.span, client: client, agent: Array(agent.utf8).span, turn: &turn, into: &writer)
        guard reply.isMessage else { return "" }
        return String(decoding: (0..<writer.output.count).map { writer.output[$0] }, as: Swift.UTF8.self)
    }

    /// Microseconds that one check of a password takes.
    var passwordCheckCost: UInt64 {
        get { engine.passwordCheckCost }
        set { engine.passwordCheckCost = newValue }
    }

    /// What a feature does when presence or contact lists change.
    func notify(_ notice: Notice, _ argument: UInt32, _ user: UInt32) {
        beginTurn()
        engine.notify(notice, argument, user, &turn)
        disk.commit(succeeds: true)
    }

    // MARK: Notifications

    private var sections: [(String, [(String, String)])] = []
    private var notification = FixedBytes(lent(4096, UInt8(0)))

    /// Gives the engine `notify` sections.
    func configure(_ sections: [(String, [(String, String)])]) {
        self.sections = sections
        engine.beginNotifySections()
        for (name, lines) in sections {
            var section = NotifySection()
            for (key, value) in lines {
                let words = section.take(Array(key.utf8).span, Array(value.utf8).span)
                precondition(words == nil, "\(key)")
            }
            engine.take(section, name: Array(name.utf8).span)
        }
        engine.endNotifySections()
    }

    /// The datagrams that call clients now; who is called by a short message is in line for the next request then.
    func calls() -> [String] {
        beginTurn()
        var calls: [String] = []
        while engine.nextCall(turn.now, into: &notification) != nil {
            calls.append(
                String(decoding: (0..<notification.count).map { notification[$0] }, as: Swift.UTF8.self))
        }
        return calls
    }

    /// The next request of the engine; nil when there is none now.
    func nextNotification(commits: Bool = true) -> (place: Int, text: String)? {
        beginTurn()
        drawEntropy()
        let order = engine.nextNotification(&turn, into: &notification)
        disk.commit(succeeds: commits)
        if !commits {
            engine.reload(&turn)
            if let order { engine.cancelNotification(order.place, turn) }
            return nil
        }
        return order.map {
            ($0.place, String(decoding: (0..<notification.count).map { notification[$0] }, as: Swift.UTF8.self))
        }
    }

    private func drawEntropy() {
        var octets = InlineArray<64, UInt8>(repeating: 0)
        for index in 0..<64 { octets[index] = UInt8.random(in: 0...255, using: &random) }
        turn.entropy = Entropy(octets)
    }

    /// Says what became of one.
    func endNotification(_ place: Int, _ outcome: NotificationOutcome, commits: Bool = true) {
        beginTurn()
        engine.notificationEnded(place, outcome, body: [UInt8]().span, &turn)
        disk.commit(succeeds: commits)
        if !commits { engine.reload(&turn) }
    }

    /// When the engine wants to be asked again, in milliseconds; nil for never.
    var deadline: UInt64? { engine.deadline?.milliseconds }

    /// What the local time is ahead of UTC.
    var offsetMinutes: Int16 {
        get { turn.wall.offsetMinutes }
        set { turn.wall.offsetMinutes = newValue }
    }

    /// Ends the turn; false when the commit fails and the engine went back.
    func commit(succeeds: Bool) -> Bool {
        disk.commit(succeeds: succeeds)
        if !succeeds { engine.reload(&turn) }
        turnCount += 1
        if turnCount % 16 == 0, disk.losesChange == nil { engine.checkInvariants() }
        return succeeds
    }

    /// A command of the operator.
    func control(_ line: String, commits: Bool = true) -> String {
        command.reset()
        command.line.append(Array(line.utf8).span)
        drawEntropy()
        beginTurn()
        var text = ""
        while true {
            controlOutput.removeAll()
            let progress = engine.control(&command, &turn, into: &controlOutput)
            text += String(decoding: (0..<controlOutput.count).map { controlOutput[$0] }, as: Swift.UTF8.self)
            if case .done = progress { break }
        }
        disk.commit(succeeds: commits)
        if !commits { engine.reload(&turn) }
        return text
    }
}

/// The seeds that a simulation tries: always the same, so that a change is judged by what it changed. With
/// `IMPSD_SIMULATION_SEEDS`, that many new ones; with `IMPSD_SIMULATION_SEED`, that one again.
func simulationSeeds(_ count: UInt64) -> Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    if let one = UInt64(environment["IMPSD_SIMULATION_SEED"] ?? "") { return one..<one + 1 }
    guard let count = UInt64(environment["IMPSD_SIMULATION_SEEDS"] ?? "") else { return 1..<1 + count }
    let first = UInt64.random(in: 0 ... .max / 2)
    return first..<first + count
}

/// Numbers that one seed decides.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

extension Engine<MemoryStore> {
    /// Raises a notice; what for is seen by rooms that are not there yet.
    mutating func notify(_ notice: Notice, _ argument: UInt32, _ user: UInt32, _ turn: inout Turn) {
        systemMessages.notify(notice, argument, user, &sessions, mailboxes, &records, &turn)
    }
}
