import Configuration
import Files
import IMPSEngine
import Octets
import Setup
import Store
import Transport

/// Opens the store, tells what was found, and gives the engine everything it needs.
func openService(
    _ options: Options, _ configuration: Configuration, _ file: consuming ConfigurationFile, _ sizes: Sizes,
    _ clock: Clock, _ turn: inout Turn
) throws(SetupError) -> Service {
    let folder = try openDataFolder(configuration)
    logMode(folder, &turn)
    var lastExit = LastExit(recordAt: folder.lastWords)
    FatalRecord.keep(at: folder.lastWords, deaths: lastExit.deaths)
    let event = try prepareStore(folder, configuration, turn.wall, mends: lastExit.wantsMending)
    // Where that could not be done, the next one to die asks for it again.
    if lastExit.deaths == 2, !event.isRestored { FatalRecord.keep(at: folder.lastWords, deaths: 1) }
    logRefused(folder, &turn)
    var engine = try openEngine(folder, configuration, memory: sizes.engineMemory())
    let begin = Clock.microseconds
    engine.checkNothing()
    engine.passwordCheckCost = max(1, Clock.microseconds - begin)
    logOpened(folder, event, engine.store.facts, &turn)
    let boot = bootID()
    lastExit.take(engine.beginRun(boot: boot.span))
    logLastExit(lastExit, &turn)
    engine.reload(&turn)
    logProvisioning(configuration, provision(configuration.provisionPath, &engine, &turn), &turn)
    var sections = SectionTaker()
    takeSections(&sections, file, options.configPath, &engine, &turn)
    return Service(
        engine: engine, file, sections, folder, sizes, clock, options, configuration, lastExit: lastExit,
        isRestored: event.isRestored)
}

/// Takes the System Messages of the configuration into the store, and tells what cannot be taken.
func takeSections(
    _ sections: inout SectionTaker, _ file: borrowing ConfigurationFile, _ path: InlineBytes<200>,
    _ engine: inout Engine<Environment>,
    _ turn: inout Turn
) {
    sections.take(file.text.span, into: &engine, &turn) { line, words, turn in
        guard turn.journal.begin(.config, turn.now, turn.wall) else { return }
        turn.journal.word("is", "error")
        turn.journal.text("file", path.span, countMax: 60)
        turn.journal.number("line", line)
        turn.journal.sentence("why", words, countMax: 120)
        turn.journal.end()
    }
}

extension StoreEvent {
    fileprivate var isRestored: Bool {
        switch self {
        case .restored, .mended, .migrated: return true
        case .opened, .made: return false
        }
    }
}

private func logMode(_ folder: DataFolder, _ turn: inout Turn) {
    guard turn.journal.begin(.storeMode, turn.now, turn.wall) else { return }
    turn.journal.word("mode", folder.mode.name)
    turn.journal.sentence("why", folder.reason)
    if folder.isVolatile {
        turn.journal.sentence("means", "the data folder is a RAM disk; a reboot forgets all")
    } else if folder.mode == .memory {
        turn.journal.sentence("means", "what a power cut takes is in store.log, if the volume has one")
    }
    turn.journal.end()
}

private func logRefused(_ folder: DataFolder, _ turn: inout Turn) {
    guard folder.hasRefused, turn.journal.begin(.storeForeign, turn.now, turn.wall) else { return }
    turn.journal.sentence("why", "a file beside the control socket is not this engine's; it was not used")
    turn.journal.end()
}

private func logOpened(_ folder: DataFolder, _ event: StoreEvent, _ facts: StoreFacts, _ turn: inout Turn) {
    switch event {
    case .opened, .made: break
    case .migrated(let schema):
        guard turn.journal.begin(.storeMigrated, turn.now, turn.wall) else { break }
        turn.journal.number("from", schema)
        turn.journal.number("to", Engine<Environment>.schema)
        turn.journal.end()
    case .restored(let counts, let reason):
        guard turn.journal.begin(.storeRestored, turn.now, turn.wall) else { break }
        turn.journal.sentence("why", reason)
        turn.journal.number("records", counts.taken)
        turn.journal.number("left_out", counts.leftOut)
        turn.journal.word("from", "store.dump")
        turn.journal.end()
    case .mended(let mending):
        logMending(mending, &turn)
    }
    guard turn.journal.begin(.storeOpen, turn.now, turn.wall) else { return }
    turn.journal.text("folder", folder.path.span, countMax: 100)
    turn.journal.number("pages", facts.pageCount)
    turn.journal.number("of", facts.pageCountMax)
    turn.journal.end()
}

private func logMending(_ mending: StoreMending, _ turn: inout Turn) {
    guard turn.journal.begin(.storeMended, turn.now, turn.wall) else { return }
    turn.journal.sentence("why", mending.why)
    turn.journal.number("records", mending.carried)
    turn.journal.number("damaged", mending.damaged)
    turn.journal.number("missing", mending.missing)
    turn.journal.number("left_out", mending.leftOut)
    turn.journal.number("lost_turns", mending.lostTurns)
    if mending.isKept { turn.journal.word("kept", "store.bad") }
    turn.journal.end()
}

private func logLastExit(_ lastExit: LastExit, _ turn: inout Turn) {
    guard !lastExit.why.octets.equals("ended"), turn.journal.begin(.lastExit, turn.now, turn.wall) else { return }
    turn.journal.word("why", lastExit.why)
    if !lastExit.record.isEmpty { turn.journal.text("record", lastExit.record.span, countMax: 180) }
    turn.journal.end()
}

private func logProvisioning(_ configuration: Configuration, _ result: Provisioning?, _ turn: inout Turn) {
    guard let result else { return }
    if result.refusedLine > 0, turn.journal.begin(.config, turn.now, turn.wall) {
        turn.journal.word("is", "error")
        turn.journal.text("file", configuration.provisionPath.span, countMax: 60)
        turn.journal.number("line", result.refusedLine)
        turn.journal.sentence("why", result.words.span, countMax: 100)
        turn.journal.end()
    }
    guard turn.journal.begin(.provision, turn.now, turn.wall) else { return }
    turn.journal.text("file", configuration.provisionPath.span, countMax: 100)
    turn.journal.number("accounts", result.accounts)
    turn.journal.end()
}
