import CLibC
import CSP
import Configuration
import Digests
import Files
import IMPSEngine
import Octets
import Setup
import Store
import TLS
import Transport
import Wire

/// Joins the engine, its store and the network.
final class Service: RequestHandler {
    var engine: Engine<Environment>
    var document: Document
    var writer: Writer
    private var file: ConfigurationFile
    private var sections: SectionTaker
    let clock: Clock
    private let configPath: InlineBytes<200>
    let folder: DataFolder
    let lastExit: LastExit
    var confinement = Confinement()
    var hadRoom = true
    var looksAt = Instant(milliseconds: 0)
    var slowestCommit: UInt64 = 0
    var wear = Wear()
    /// What of the store's writing is in `wear` already.
    var countedByteCount: UInt64 = 0
    var flashBudget: UInt64
    var checkpointHours: UInt64
    var dump: ScheduledDump
    /// When the live store in memory is copied next; nil while it is what the copy is.
    var checkpointsAt: Instant?
    var copyFailed = false
    /// When the store gets what is in its log, unless something changes before; nil while it has everything.
    var settlesAt: Instant?
    private var isReset = false
    /// Turns one after the other that LMDB could not keep.
    var damageCount = 0
    /// What the next notification says.
    private var notification = Memory.buffer(Service.notificationByteCount)
    private var order = NotificationOrder()
    private var target: Target?
    private var relayAgent = InlineBytes<64>()
    private var clockTrust: ClockTrust
    private var adminPassword: AdminPassword?
    let volumeByteCount: UInt64

    /// - Parameters:
    ///   - lastExit: What `status` tells of the process before.
    ///   - isRestored: The store has just been filled; one in memory is copied soon.
    init(
        engine: consuming Engine<Environment>, _ file: consuming ConfigurationFile,
        _ sections: consuming SectionTaker, _ folder: DataFolder, _ sizes: Sizes, _ clock: Clock, _ options: Options,
        _ configuration: Configuration, lastExit: LastExit, isRestored: Bool
    ) {
        self.engine = engine
        self.file = file
        self.sections = sections
        document = Document(
            nodes: Memory.slab(sizes.elements, Document.Node.self),
            texts: Memory.buffer(sizes.textByteCount))
        writer = Writer(output: Memory.buffer(sizes.server.replyByteCountMax))
        self.clock = clock
        configPath = options.configPath
        self.folder = folder
        self.lastExit = lastExit
        clockTrust = configuration.clock
        volumeByteCount = File.volumeSize(of: configuration.dataFolder.span)
        flashBudget = UInt64(configuration.flashBudgetMB) << 20
        checkpointHours = UInt64(configuration.checkpointHours)
        dump = ScheduledDump(hours: configuration.dumpHours, clock.now)
        if isRestored, folder.mode == .memory { checkpointsAt = Instant(milliseconds: 0) }
    }

    /// Makes durable what the start changed; a full store starts too.
    func begin(_ configuration: Configuration, _ turn: inout Turn) {
        readAdminPassword(configuration, &turn)
        logFailure(commit(&turn), &turn)
    }

    private func logFailure(_ error: StoreError?, _ turn: inout Turn) {
        guard case .failed(let code) = error, turn.journal.begin(.storeFail, turn.now, turn.wall) else { return }
        turn.journal.number("code", UInt64(code.magnitude))
        turn.journal.number("answers", 0)
        turn.journal.end()
    }

    override func handle(
        _ octets: borrowing FixedBytes, body: Range<Int>, isCut: Bool, _ syntax: Syntax, _ client: Client,
        agent: Range<Int>, _ turn: inout Turn
    ) -> HandledRequest {
        writer.output.removeAll()
        writer.begin(syntax: syntax, version: .v1_2)
        let message = octets.span(body)
        let changesBefore = engine.store.changeCount
        var reply: Reply
        do throws(WireError) {
            // The tokens are read before anybody knows whose session it is.
            let isNew =
                syntax == .wbxml && engine.settings.quirks.quirks(of: octets.span(agent)).contains(.newValueTokens)
            try document.read(message, syntax: syntax, hasNewValueTokens: isNew)
            if isCut { throw WireError(.tooLarge, at: message.count) }
            reply = engine.handle(
                document, body: message, client: client, agent: octets.span(agent), turn: &turn, into: &writer)
        } catch {
            reply =
                error.reason == .encodingNotSupported
                ? .unsupported
                : engine.handleBroken(document, isTooLarge: isCut || error.reason == .tooLarge, into: &writer)
            log(error, client, &turn)
        }
        if case .message = reply, writer.isOverflowed { reply = .malformed }
        var handled = HandledRequest(
            reply: reply, isDurable: engine.store.changeCount != changesBefore, version: writer.version)
        handled.hasCredentials = engine.hasCredentials(document)
        if handled.hasCredentials { document.wipe() }
        return handled
    }

    private func log(_ error: WireError, _ client: Client, _ turn: inout Turn) {
        guard turn.journal.begin(.wireRefused, turn.now, turn.wall) else { return }
        turn.journal.word("why", error.reason.name)
        turn.journal.number("at", UInt64(error.offset))
        turn.journal.text("ip", client.address.span)
        turn.journal.end()
    }

    override var replyByteCount: Int { writer.output.count }

    override func appendReply(to buffer: inout FixedBytes) {
        buffer.append(copy: writer.output, 0..<writer.output.count)
    }

    override func revoke(_ octets: borrowing FixedBytes, answer: Range<Int>, _ error: StoreError) -> Reply {
        // Another request of the turn may have spoken otherwise.
        let syntax = MessageType.syntax(contentType: Span(), body: octets.span(answer)) ?? .xml
        writer.output.removeAll()
        writer.begin(syntax: syntax, version: .v1_2)
        do throws(WireError) {
            try document.read(octets.span(answer), syntax: syntax)
        } catch {
            return .empty
        }
        return engine.revoke(document, because: error, into: &writer)
    }

    // MARK: Calls

    override func waits(callKey: Span<UInt8>, _ now: Instant) -> Bool? { engine.waits(callKey: callKey, now) }

    override func openChannel(_ id: Span<UInt8>, _ now: Instant) -> (slot: UInt16, number: UInt64)? {
        engine.openChannel(id, now)
    }

    override func keepChannel(_ slot: UInt16, _ number: UInt64) { engine.keepChannel(slot, number) }

    override func closeChannel(_ slot: UInt16, _ number: UInt64) { engine.closeChannel(slot, number) }

    override func hasSession(_ slot: UInt16, _ number: UInt64) -> Bool { engine.hasSession(slot, number) }

    override var reloadCount: UInt64 { engine.reloadCount }

    override var endedSessionCount: UInt64 { engine.endedSessionCount }

    override func nextCall(_ now: Instant, into words: inout FixedBytes) -> Call? {
        engine.nextCall(now, into: &words)
    }

    // MARK: Notifications

    /// Octets of what a notification says.
    static var notificationByteCount: Int { 4096 }
    /// Octets of the lines of a head that every request has.
    static var headByteCount: Int { 300 }

    override func hasOrders(_ wall: WallTime) -> Bool { engine.hasNotifications(wall) }

    override func nextOrder(_ turn: inout Turn) -> OutgoingOrder? {
        turn.wall.offsetMinutes = Int16(libc_utc_offset_minutes())
        while true {
            turn.entropy = Clock.entropy()
            let next = engine.nextNotification(&turn, into: &notification)
            if commit(&turn) != nil {
                if let next { engine.cancelNotification(next.place, turn) }
                return nil
            }
            guard let order = next else { return nil }
            if order.modem != nil {
                self.order = order
                return OutgoingOrder(
                    number: UInt64(order.place), target: .none, pin: nil, byteCount: notification.count,
                    modem: order.modem)
            }
            guard let target = Target(order.url.span), !notification.isOverflowed else {
                engine.notificationEnded(
                    order.place, .failed("its address is none, or its text too long", isDown: false), body: Span(),
                    &turn)
                continue
            }
            self.order = order
            self.target = target
            let pin = order.pin.isEmpty ? nil : Fingerprint(order.pin.span)
            return OutgoingOrder(
                number: UInt64(order.place), target: target, pin: pin,
                byteCount: notification.count + target.path.count + Service.headByteCount)
        }
    }

    override func writeOrder(into request: inout FixedBytes) {
        guard order.modem == nil else {
            request.append(copy: notification, 0..<notification.count)
            return
        }
        guard let target else { return }
        request.append(order, target, notification)
    }

    override func modemEnded(_ number: UInt64, _ failure: ModemFailure?, _ turn: inout Turn) {
        var outcome = NotificationOutcome.sent
        switch failure {
        case nil: break
        case .refused(let code): outcome = .refused(Int(code))
        case .noDevice, .silent, .card: outcome = .failed(failure?.explanation ?? "", isDown: true)
        }
        engine.notificationEnded(Int(number), outcome, body: Span(), &turn)
    }

    override func cancelOrder(_ number: UInt64, _ turn: borrowing Turn) {
        engine.cancelNotification(Int(number), turn)
    }

    override func orderEnded(
        _ number: UInt64, _ result: OutgoingResult, _ answer: borrowing FixedBytes, body: Range<Int>,
        _ turn: inout Turn
    ) {
        var outcome = NotificationOutcome.answered(status: result.status)
        if let failure = result.failure {
            outcome = .failed(failure.explanation, isDown: failure != .busy)
        }
        engine.notificationEnded(Int(number), outcome, body: answer.span(body), &turn)
    }

    // MARK: Services behind this one

    override func relayOrder(_ relay: Int) -> OutgoingOrder? {
        let order = engine.relayOrder(relay)
        target = Target(order.url.span)
        relayAgent = order.agent
        guard let target else { return nil }
        return OutgoingOrder(
            number: 0, target: target, pin: order.pin.isEmpty ? nil : Fingerprint(order.pin.span),
            byteCount: writer.output.count + target.path.count + Service.headByteCount, seconds: UInt64(order.seconds))
    }

    override func writeRelay(into request: inout FixedBytes) {
        if let target { request.append(writer, target, agent: relayAgent.span) }
        // It may be a login, and lies in the request from now on.
        writer.output.wipe()
    }

    override func cancelRelay(_ relay: Int, _ turn: inout Turn) -> Reply { refuseRelay(relay, .busy, &turn) }

    override func relayEnded(
        _ relay: Int, _ result: OutgoingResult, sent: borrowing FixedBytes, answer: borrowing FixedBytes,
        body: Range<Int>, _ turn: inout Turn
    ) -> HandledRequest {
        endRelay(relay, result, sent, answer, body, &turn)
    }

    override func nextWatch(_ turn: inout Turn) -> Int? {
        engine.hasWatches ? engine.nextWatch(turn, into: &writer) : nil
    }

    // MARK: XMPP

    override var streamTarget: Target? { findStreamTarget() }

    override func beginStream(_ turn: inout Turn, into output: inout FixedBytes) {
        writeStreamBegin(&turn, into: &output)
    }

    override func stanzaArrived(
        _ input: borrowing FixedBytes, end: Int, isHeader: Bool, isCut: Bool, _ turn: inout Turn,
        into output: inout FixedBytes
    ) -> StreamProgress {
        takeStanza(input.span(0..<end), isHeader: isHeader, isCut: isCut, &turn, into: &output)
    }

    override var isStreamSound: Bool { engine.isStreamSound }

    override func writeStanzas(_ turn: inout Turn, into output: inout FixedBytes) {
        if engine.isStreamOpen { writeWaitingStanzas(&turn, into: &output) }
    }

    override func isStreamLate(_ now: Instant, isBlocked: Bool) -> Bool {
        engine.isStreamLate(now, isBlocked: isBlocked)
    }

    override func streamEnded(_ why: StaticString, isSaid: Bool, _ turn: inout Turn) {
        engine.streamEnded(why, isSaid: isSaid, &turn)
    }

    // MARK: Store

    override func commit(_ turn: inout Turn) -> StoreError? {
        if let error = makeDurable(&turn, settles: settlesAt.map { $0 <= turn.now } ?? false) { return error }
        // The log of a store in memory takes no more before that; without the copy it is as if there were no log.
        if engine.store.needsCopy, !copyFailed { _ = copy(&turn) }
        return nil
    }

    // MARK: Time

    override var deadline: Instant? {
        var next = engine.deadline
        if let checkpointsAt { next = min(next ?? checkpointsAt, checkpointsAt) }
        if let settlesAt { next = min(next ?? settlesAt, settlesAt) }
        if let dumpsAt = dump.at { next = min(next ?? dumpsAt, dumpsAt) }
        return next
    }

    override func clockBegan(_ now: Instant) { engine.clockBegan(now) }

    override func timePassed(_ turn: inout Turn) {
        if let checkpointsAt, checkpointsAt <= turn.now { _ = checkpoint(&turn) }
        if let dumpsAt = dump.at, dumpsAt <= turn.now { dumpOn(&turn) }
        if let deadline = engine.deadline, deadline <= turn.now { engine.timePassed(&turn) }
    }

    override var clockIsTrusted: Bool? { clockTrust.isTrusted }

    override func answers() -> Bool { engine.answers() }

    // MARK: End

    override var wantsEnd: Bool { isReset || isUnusable }

    /// The store can only be read, and another start may set it right.
    var isUnusable: Bool { damageCount >= Service.damageCountMax && !lastExit.wantsMending }

    /// Turns one after the other that LMDB could not keep for the state of its pages.
    static var damageCountMax: Int { 3 }

    override func willEnd(_ turn: inout Turn) { engine.endRun() }

    override func ended(_ turn: inout Turn) {
        guard !isReset, damageCount == 0 else { return }
        guard folder.mode == .memory else {
            _ = makeDurable(&turn, settles: true)
            return
        }
        if checkpointsAt == nil || checkpoint(&turn) == nil { folder.leaveMemory() }
    }

    // MARK: Operator

    override func control(
        _ command: inout ControlCommand, _ pools: borrowing PoolTable, _ turn: inout Turn,
        into output: inout FixedBytes
    ) -> ControlProgress {
        if command.line.span.equals("status") { writeStatus(pools, &turn, into: &output) }
        if command.line.span.equals("metrics") { return writeMetrics(pools, &turn, into: &output) }
        if command.line.span.equals("checkpoint") { return checkpoint(&turn, into: &output) }
        if command.line.span.starts(with: "clock ") { return setClock(&command, into: &output) }
        if command.line.span.equals("factory-reset") { return reset(&turn, into: &output) }
        return engine.control(&command, &turn, into: &output)
    }

    override func admitsAdmin(_ authorization: Span<UInt8>, _ client: Client, _ turn: inout Turn) -> HTTPStatus {
        guard let adminPassword else { return .serviceUnavailable }
        switch engine.admitAdmin(authorization, adminPassword, client, &turn) {
        case .open: return .ok
        case .closed: return .unauthorized
        case .later: return .tooManyRequests
        }
    }

    /// Reads the password of the operator's page; without one nobody sees it.
    private func readAdminPassword(_ configuration: Configuration, _ turn: inout Turn) {
        adminPassword = nil
        guard configuration.hasAdmin else { return }
        let (password, why) = AdminPassword.read(configuration.adminPasswordPath.span)
        adminPassword = password
        if password == nil { tellUnusable(configuration.adminPasswordPath.span, why, &turn) }
    }

    /// Tells that a file of the configuration is of no use.
    func tellUnusable(_ path: Span<UInt8>, _ why: StaticString, _ turn: inout Turn) {
        guard turn.journal.begin(.config, turn.now, turn.wall) else { return }
        turn.journal.word("is", "error")
        turn.journal.text("file", path, countMax: 100)
        turn.journal.sentence("why", why)
        turn.journal.end()
    }

    private func checkpoint(_ turn: inout Turn, into output: inout FixedBytes) -> ControlProgress {
        if folder.mode == .flash {
            output.append("error not-needed the store lies on the volume; every commit is durable\n")
        } else if checkpoint(&turn) == nil {
            output.append("ok\n")
        } else {
            output.append("error not-written the copy could not be written; see the log\n")
        }
        return .done
    }

    /// What the operator, or whoever set the clock, knows of it; until the next start or reload.
    private func setClock(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        let word = command.line.span(6..<command.line.count)
        if let choice = ClockTrust(name: word) {
            clockTrust = choice
            output.append("ok\n")
        } else {
            output.append("error usage clock auto|trusted|untrusted\n")
        }
        return .done
    }

    /// Forgets everything; the process ends then, and its supervisor starts it as new.
    private func reset(_ turn: inout Turn, into output: inout FixedBytes) -> ControlProgress {
        do throws(StoreOpenError) {
            try folder.removeAll()
            isReset = true
            output.append("ok\n")
        } catch {
            output.append("error not-removed the files of the store cannot be taken away\n")
        }
        if turn.journal.begin(.factoryReset, turn.now, turn.wall) {
            turn.journal.word("done", isReset ? "yes" : "no")
            turn.journal.end()
        }
        return .done
    }

    override func confined(_ confinement: Confinement) { self.confinement = confinement }

    override func count(_ pool: inout Pool) {
        guard pool.name.octets.equals("sessions") else { return }
        let use = engine.sessionUse
        pool.isCounted = true
        pool.used = use.open
        pool.most = use.most
        pool.refused = use.refused
    }

    override func reloadConfiguration(_ turn: inout Turn) {
        var diagnostics = Diagnostics()
        let read = file.read(configPath, &diagnostics)
        if let read { refuseListeners(read, &diagnostics) }
        guard let configuration = read else {
            if turn.journal.begin(.config, turn.now, turn.wall) {
                turn.journal.text("file", configPath.span, countMax: 100)
                turn.journal.sentence("why", "the file cannot be read; the old configuration stays")
                turn.journal.end()
            }
            return
        }
        logFindings(diagnostics, configPath, &turn)
        let isUsable = diagnostics.errorCount == 0
        if isUsable {
            // What sizes memory or binds sockets stays until the next start.
            let size = engine.settings.messageByteCountMax
            engine.settings = configuration.engine
            engine.settings.messageByteCountMax = min(size, configuration.engine.messageByteCountMax)
            clockTrust = configuration.clock
            flashBudget = UInt64(configuration.flashBudgetMB) << 20
            checkpointHours = UInt64(configuration.checkpointHours)
            dump.set(hours: configuration.dumpHours, turn.now)
            turn.journal.level = configuration.logLevel
            turn.journal.rate = configuration.logRate
            takeSections(&sections, file, configPath, &engine, &turn)
            readAdminPassword(configuration, &turn)
        }
        if turn.journal.begin(.reload, turn.now, turn.wall) {
            turn.journal.word("used", isUsable ? "yes" : "no")
            turn.journal.sentence("means", "addresses, port, paths and sizes change at the next start")
            turn.journal.end()
        }
    }
}
