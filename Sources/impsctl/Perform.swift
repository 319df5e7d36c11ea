import CLibC
import Files
import Configuration
import Digests
import IMPSEngine
import Octets
import Setup
import Store
import Transport

/// Does the command, over the control socket or on the store.
func perform(_ options: inout Options) -> ExitCode {
    var diagnostics = Diagnostics()
    var file = ConfigurationFile()
    guard let configuration = file.read(options.configPath, &diagnostics) else {
        Terminal.printError(options.configPath.span)
        Terminal.printError(": cannot be read\n")
        return .badData
    }
    guard diagnostics.errorCount == 0 else {
        var text = Memory.buffer(Diagnostics.countMax * 400)
        for index in 0..<diagnostics.count { diagnostics.write(index, file: options.configPath.span, into: &text) }
        Terminal.printError(text.span)
        return .badData
    }
    if let refusal = refuseUnknown(options) { return refusal }
    if options.word(0, is: "restore") {
        guard options.isOffline else {
            Terminal.printError("impsctl: restore needs --offline: stop the engine, then restore into an empty store\n")
            return .usage
        }
        return restore(configuration)
    }
    if options.word(0, is: "factory-reset") {
        guard options.isSure else {
            Terminal.printError("impsctl: factory-reset forgets all accounts, messages and keys; say --yes\n")
            return .usage
        }
        if options.isOffline { return resetOffline(configuration) }
    }
    if options.word(0, is: "import")
        || options.word(0, is: "user") && options.word(1, is: "add") && options.wordCount == 2
    {
        guard !options.filePath.isEmpty else {
            Terminal.printError("impsctl: import --file FILE, user add --file FILE, user add NAME\n")
            return .usage
        }
        return importFile(options, configuration)
    }
    if options.word(0, is: "sysmsg"), options.word(1, is: "verify"), !options.filePath.isEmpty {
        return verifyFile(options.filePath)
    }
    if options.word(0, is: "sysmsg"), options.word(1, is: "add") { return addCampaign(&options, configuration) }
    if options.word(0, is: "cert") { return performCertificate(options, configuration) }
    if options.word(0, is: "dump"), options.isSaved { return saveDump(options, configuration) }
    return perform(options, configuration, to: 1)
}

/// Does a command whose answer goes to a descriptor.
func perform(_ options: borrowing Options, _ configuration: Configuration, to descriptor: Int32) -> ExitCode {
    var command = Memory.buffer(ControlCommand.lineByteCountMax)
    if let refusal = write(options, into: &command) { return refusal }
    return send(command, options, configuration, to: descriptor)
}

/// Sends a command that is written already.
func send(
    _ command: borrowing FixedBytes, _ options: borrowing Options, _ configuration: Configuration, to descriptor: Int32
) -> ExitCode {
    var printer = Printer(options, to: descriptor)
    var source = CommandSource(command)
    return send(&source, isOffline: options.isOffline, configuration, &printer)
}

/// Sends commands one after the other, until one is not done or there is no other.
func send(
    _ source: inout CommandSource, isOffline: Bool, _ configuration: Configuration, _ printer: inout Printer
) -> ExitCode {
    if isOffline { return performOffline(configuration, checks: source.checks, &printer, &source) }
    var command = Memory.buffer(ControlCommand.lineByteCountMax)
    var part = Memory.buffer(65_536)
    while source.next(into: &command, printer) {
        let code = performOnline(configuration, command, &part, &printer)
        guard code == .success else { return code }
        command.wipe()
    }
    return .success
}

/// Writes the command as the engine reads it; a password is asked for here. nil when it is complete.
private func write(_ options: borrowing Options, into command: inout FixedBytes) -> ExitCode? {
    for index in 0..<options.wordCount {
        if index > 0 { command.append(0x20) }
        command.append(escaped: options.words[index].span)
    }
    let isAdd = options.word(0, is: "user") && options.word(1, is: "add")
    let isChange = options.word(0, is: "user") && options.word(1, is: "passwd")
    if isAdd || isChange {
        guard options.wordCount == 3 else {
            Terminal.printError("impsctl: user add NAME, user passwd NAME; the password comes from standard input\n")
            return .usage
        }
        guard let password: InlineBytes<128> = askPassword() else { return .badData }
        command.append(0x20)
        if options.kind.isEmpty { command.append(isAdd ? "digest" : "same") }
        command.append(escaped: options.kind.span)
        command.append(0x20)
        command.append(escaped: password.span)
        if isAdd, !options.number.isEmpty {
            command.append(0x20)
            command.append(escaped: options.number.span)
        }
    }
    command.append(0x0A)
    return command.isOverflowed ? .usage : nil
}

private func askPassword() -> InlineBytes<128>? {
    guard let password: InlineBytes<128> = Terminal.readSecret("Password: ") else {
        Terminal.printError("impsctl: no password on standard input\n")
        return nil
    }
    guard isatty(0) != 0 else { return password }
    guard let again: InlineBytes<128> = Terminal.readSecret("Again: "), again.span.equals(password.span) else {
        Terminal.printError("impsctl: the passwords differ\n")
        return nil
    }
    return password
}

// MARK: Over the control socket

@inline(never)
private func performOnline(
    _ configuration: Configuration, _ command: borrowing FixedBytes, _ part: inout FixedBytes, _ printer: inout Printer
) -> ExitCode {
    let descriptor = unsafe File.withPath(configuration.controlPath.span) { unsafe libc_connect_path($0) }
    guard descriptor >= 0 else {
        Terminal.printError("impsctl: no engine answers at ")
        Terminal.printError(configuration.controlPath.span)
        Terminal.printError("; is it running, and is this its user? --offline works on the store alone\n")
        return .unavailable
    }
    defer { _ = close(descriptor) }
    let sent = unsafe command.span.withUnsafeBufferPointer { unsafe CLibC.write(descriptor, $0.baseAddress, $0.count) }
    guard sent == command.count else { return .inputOutput }
    part.removeAll()
    while true {
        let free = unsafe part.freeStorage()
        let count = unsafe CLibC.read(descriptor, free.baseAddress, free.count)
        guard count >= 0 else { return .inputOutput }
        if count == 0 { return printer.finish() }
        part.advance(by: count)
        printer.take(part.span)
        part.removeAll()
    }
}

// MARK: On the store

/// The engine without network: opened once for all commands.
@inline(never)
private func performOffline(
    _ configuration: Configuration, checks: Bool, _ printer: inout Printer, _ source: inout CommandSource
) -> ExitCode {
    var failure = ExitCode.success
    // Whoever has the folder has the store for himself; so it is held until the end.
    var folder: DataFolder?
    guard var engine = openStore(configuration, &folder, checks: checks, &failure) else { return failure }
    let clock = Clock()
    var turn = makeTurn(clock)
    engine.reload(&turn)
    var control = ControlCommand(line: Memory.buffer(ControlCommand.lineByteCountMax))
    var output = Memory.buffer(65_536)
    var code = ExitCode.success
    while code == .success, source.next(into: &control.line, printer) {
        // It ends with a line feed, which is not part of it.
        control.line.truncate(to: control.line.count - 1)
        code = perform(&control, &engine, &turn, &output, &printer)
        control.reset()
    }
    guard let folder, folder.settle(&engine.store) else {
        Terminal.printError("impsctl: what was changed is in memory only; the copy could not be written\n")
        return .inputOutput
    }
    return code
}

/// Does a command and prints its answer, part after part.
private func perform(
    _ control: inout ControlCommand, _ engine: inout Engine<Environment>, _ turn: inout Turn,
    _ output: inout FixedBytes, _ printer: inout Printer
) -> ExitCode {
    while true {
        output.removeAll()
        if turn.entropy.isSpent { turn.entropy = Clock.entropy() }
        let progress = engine.control(&control, &turn, into: &output)
        do throws(StoreError) {
            try engine.store.commit()
        } catch {
            Terminal.printError("impsctl: the store is full or broken; nothing was changed\n")
            return .inputOutput
        }
        printer.take(output.span)
        if case .done = progress { return printer.finish() }
    }
}

func makeTurn(_ clock: Clock) -> Turn {
    Turn(
        now: clock.now, wall: clock.wall(isTrusted: nil), entropy: Clock.entropy(),
        journal: Journal(
            slots: Memory.octets(4 * Journal.slotByteCount), line: Memory.buffer(Journal.recordByteCountMax)))
}

/// Says what became of a store that was not what was written.
private func tell(_ mending: StoreMending) {
    var text = Memory.buffer(512)
    text.append("impsctl: the store was mended, because ")
    text.append(mending.why)
    text.append(": ")
    text.append(decimal: mending.carried)
    text.append(" records carried, ")
    text.append(decimal: mending.damaged)
    text.append(" damaged, ")
    text.append(decimal: mending.missing)
    text.append(" missing, ")
    text.append(decimal: mending.leftOut)
    text.append(" left out because they were half without those")
    text.append(mending.isKept ? "; the former one is store.bad\n" : "\n")
    Terminal.printError(text.span)
}

/// Opens the store; nil with a code when that is not possible, an engine at work above all.
private func openStore(
    _ configuration: Configuration, _ folder: inout DataFolder?, checks: Bool, _ failure: inout ExitCode
) -> Engine<Environment>? {
    do throws(SetupError) {
        let opened = try openDataFolder(configuration)
        folder = opened
        let event = try prepareStore(opened, configuration, Clock().wall(isTrusted: nil), always: checks)
        if case .mended(let mending) = event { tell(mending) }
        let memory = EngineMemory(
            sessions: Memory.slab(65_000, Session.self), buckets: Memory.slab(1024, UInt16.self),
            networks: Memory.slab(EngineMemory.networkCount(sessions: 65_000), HashMapPlace<SessionList>.self),
            timers: Memory.slab(65_000, UInt16.self),
            outstanding: Memory.slab(65_000, OutstandingTable.self),
            freeOutstanding: Memory.slab(65_000, UInt16.self),
            answers: Memory.slab(EngineMemory.answerCount(sessions: 65_000), KeptAnswer.self),
            marks: Memory.slab(EngineMemory.markCount(sessions: 65_000), PresenceMark.self),
            searches: Memory.slab(EngineMemory.searchCount, SearchSession.self),
            challenges: Memory.slab(64, Challenge.self), throttles: Memory.slab(1, Throttle.self),
            campaigns: Memory.slab(EngineMemory.campaignCount, Campaign.self),
            pendingLogins: Memory.slab(1, PendingLogin.self), refused: Memory.slab(1, RefusedMessages.self),
            senders: Memory.slab(1, SenderShare.self), settings: Memory.slab(1, Settings.self),
            notifySections: Memory.slab(1, NotifySection.self),
            upstreams: Memory.slab(0, Upstream.self), relays: Memory.slab(0, Relay.self),
            remotes: Memory.slab(2, HashMapPlace<RemotePerson>.self),
            scratch: Memory.buffer(EngineMemory.scratchByteCount))
        return try openEngine(opened, configuration, memory: memory)
    } catch {
        failure = explain(error, configuration)
        return nil
    }
}

/// Says on standard error why there is no store to work with.
func explain(_ error: SetupError, _ configuration: Configuration) -> ExitCode {
    Terminal.printError("impsctl: ")
    Terminal.printError(configuration.dataFolder.span)
    Terminal.printError(": ")
    if case .store(.inUse) = error {
        Terminal.printError("the engine runs; leave out --offline, or stop it")
    } else {
        Terminal.printError(error.explanation)
    }
    if error.code > 0 {
        Terminal.printError(", ")
        Terminal.printError(Decimal.digits(of: error.code).span)
    }
    Terminal.printError("\n")
    return error.exitCode
}
