import CLibC
import CSP
import Configuration
import Digests
import IMPSEngine
import Octets
import Store
import Transport
import Wire

/// Joins the engine, its store and the network.
final class Service: RequestHandler {
    private var engine: Engine<Environment>
    private var document: Document
    private var writer: Writer
    private let clock: Clock
    private let configPath: InlineBytes<200>
    private var hadRoom = true
    private var looksAt = Instant(milliseconds: 0)
    private var slowestCommit: UInt64 = 0

    init(engine: consuming Engine<Environment>, _ sizes: Sizes, _ clock: Clock, _ options: Options) {
        self.engine = engine
        document = Document(
            nodes: Memory.slab(sizes.elements, Document.Node.self),
            texts: Memory.buffer(sizes.server.limits.bodyByteCountMax))
        writer = Writer(output: Memory.buffer(sizes.server.replyByteCountMax))
        self.clock = clock
        configPath = options.configPath
    }

    /// Reads the state from the store.
    func reload(_ turn: inout Turn) {
        engine.reload(&turn)
    }

    override func handle(
        _ octets: borrowing FixedBytes, body: Range<Int>, _ syntax: Syntax, _ client: Client, _ turn: inout Turn
    ) -> HandledRequest {
        writer.output.removeAll()
        writer.begin(syntax: syntax, version: .v1_2)
        let message = octets.span(body)
        let changesBefore = engine.store.changeCount
        var reply: Reply
        do throws(WireError) {
            try document.read(message, syntax: syntax)
            reply = engine.handle(document, body: message, client: client, turn: &turn, into: &writer)
        } catch {
            reply = engine.handleBroken(document, into: &writer)
            log(error, client, &turn)
        }
        if case .message = reply, writer.isOverflowed { reply = .malformed }
        return HandledRequest(
            reply: reply, isDurable: engine.store.changeCount != changesBefore, version: writer.version)
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
        writer.output.removeAll()
        do throws(WireError) {
            try document.read(octets.span(answer), syntax: writer.syntax)
        } catch {
            return .empty
        }
        return engine.revoke(document, because: error, into: &writer)
    }

    // MARK: Store

    override func commit(_ turn: inout Turn) -> StoreError? {
        let isChanged = engine.store.isChanged
        let start = clock.now
        do throws(StoreError) {
            try engine.store.commit()
        } catch {
            engine.reload(&turn)
            noteRoom(&turn)
            return error
        }
        if isChanged { noteDuration(clock.now.milliseconds - start.milliseconds, &turn) }
        if !engine.store.hasRoom, !isChanged, turn.now >= looksAt {
            looksAt = turn.now.adding(seconds: 1)
            engine.store.lookForRoom()
        }
        noteRoom(&turn)
        return nil
    }

    private func noteRoom(_ turn: inout Turn) {
        let hasRoom = engine.store.hasRoom
        guard hasRoom != hadRoom else { return }
        hadRoom = hasRoom
        guard turn.journal.begin(hasRoom ? .storeRoom : .storeFull, turn.now, turn.wall) else { return }
        turn.journal.number("pages", engine.store.facts.pageCount)
        turn.journal.number("of", engine.store.facts.pageCountMax)
        turn.journal.sentence("means", hasRoom ? "messages are accepted again" : "new messages are refused with 507")
        turn.journal.end()
    }

    private func noteDuration(_ milliseconds: UInt64, _ turn: inout Turn) {
        slowestCommit = max(slowestCommit, milliseconds)
        guard milliseconds > 250, turn.journal.begin(.storeSlow, turn.now, turn.wall) else { return }
        turn.journal.number("ms", milliseconds)
        turn.journal.end()
    }

    // MARK: Time

    override var deadline: Instant? { engine.deadline }

    override func timePassed(_ turn: inout Turn) { engine.timePassed(&turn) }

    // MARK: Operator

    override func control(
        _ command: inout ControlCommand, _ pools: borrowing PoolTable, _ turn: inout Turn,
        into output: inout FixedBytes
    ) -> ControlProgress {
        if command.line.span.equals("status") { writeStatus(pools, into: &output) }
        return engine.control(&command, &turn, into: &output)
    }

    /// What is known of the process and its memory; the engine adds its own.
    private func writeStatus(_ pools: borrowing PoolTable, into output: inout FixedBytes) {
        output.field("version", Release.version.octets)
        output.field("pid", UInt64(getpid()))
        output.field("cpu_us", libc_cpu_microseconds())
        output.field("heap_bytes", UInt64(libc_heap_bytes()))
        let facts = engine.store.facts
        output.field("commits", facts.commitCount)
        output.field("commits_failed", facts.failedCommitCount)
        output.field("commit_ms_most", slowestCommit)
        output.field("changes", facts.changeCount)
        output.field("page_bytes", facts.pageByteCount)
        output.field("pages", facts.pageCount)
        output.field("pages_max", facts.pageCountMax)
        output.endRecord()
        for index in 0..<pools.count {
            let pool = pools[index]
            output.field("pool", pool.name.octets)
            output.field("count", UInt64(pool.count))
            output.field("bytes", UInt64(pool.byteCount))
            output.field("used", UInt64(pool.used))
            output.field("most", UInt64(pool.most))
            output.field("refused", pool.refused)
            output.endRecord()
        }
    }

    override func reloadConfiguration(_ turn: inout Turn) {
        var diagnostics = Diagnostics()
        guard let configuration = readConfiguration(configPath, &diagnostics) else {
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
            turn.journal.level = configuration.logLevel
            turn.journal.rate = configuration.logRate
        }
        if turn.journal.begin(.reload, turn.now, turn.wall) {
            turn.journal.word("used", isUsable ? "yes" : "no")
            turn.journal.sentence("means", "addresses, port, paths and sizes change at the next start")
            turn.journal.end()
        }
    }
}
