import CLibC
import CSP
import Configuration
import Files
import IMPSEngine
import Octets
import Setup
import Store
import Transport

/// Writes a record for each thing that is wrong with the configuration.
func logFindings(_ diagnostics: borrowing Diagnostics, _ path: InlineBytes<200>, _ turn: inout Turn) {
    for index in 0..<diagnostics.count {
        let finding = diagnostics[index]
        guard turn.journal.begin(.config, turn.now, turn.wall) else { continue }
        turn.journal.word("is", finding.isError ? "error" : "warning")
        turn.journal.text("file", path.span, countMax: 60)
        turn.journal.number("line", finding.line)
        if !finding.key.isEmpty { turn.journal.text("key", finding.key.span) }
        turn.journal.sentence(finding.isError ? "allowed" : "why", finding.words)
        if !finding.meant.isEmpty { turn.journal.text("meant", finding.meant.span) }
        turn.journal.end()
    }
}

/// Starts the engine and runs it until a signal ends it.
func run(_ options: Options) -> ExitCode {
    let clock = Clock()
    FatalRecord.install(clock)
    var diagnostics = Diagnostics()
    var file = ConfigurationFile()
    let configuration = file.read(options.configPath, &diagnostics)
    if let configuration {
        refuseListeners(configuration, &diagnostics)
        refusePools(configuration, &diagnostics)
    }
    if options.onlyChecks { return check(options, configuration, diagnostics) }

    let start = configuration ?? Configuration()
    let sizes = Sizes(start)
    var turn = Turn(
        now: clock.now, wall: clock.wall(isTrusted: start.clock.isTrusted), entropy: Clock.entropy(),
        journal: Journal(
            slots: Memory.octets(sizes.records * Journal.slotByteCount),
            line: Memory.buffer(Journal.recordByteCountMax)))
    turn.journal.level = start.logLevel
    turn.journal.rate = 0
    var sink = LogSink(usesSyslog: start.usesSyslog)
    let code = prepare(options, configuration, diagnostics, &turn)
    sink.drain(&turn.journal)
    guard code == .success, let configuration else { return code }
    return serve(options, configuration, file, sizes, clock, turn, sink)
}

/// Looks whether what the file says to listen on can be listened on.
func refuseListeners(_ configuration: Configuration, _ diagnostics: inout Diagnostics) {
    for index in 0..<configuration.listenCount where configuration.listenLines[index] > 0 {
        let address = configuration.listen[index]
        guard let allowed = Server.refusal(ofAddress: address.span) else { continue }
        diagnostics.refuse(line: configuration.listenLines[index], key: "listen", allowed)
    }
    if configuration.hasAdmin, let allowed = Server.refusal(ofAddress: configuration.adminAddress.span) {
        diagnostics.refuse(line: configuration.adminLine, section: "admin", key: "listen", allowed)
    }
}

/// Looks whether the pools that the file asks for fit into the memory that it gives.
private func refusePools(_ configuration: Configuration, _ diagnostics: inout Diagnostics) {
    let sizes = Sizes(configuration)
    let kilobytes = Server.kilobytes(sizes.server, sizes.enginePools(sessions: sizes.sessions))
    guard kilobytes > Int(configuration.memoryKB) else { return }
    diagnostics.refuse(
        line: configuration.lastLine, key: "mem_kb", "less than the pools need; lower the max_ values, or raise it")
}

/// `--check`: says in words what is wrong with the configuration.
private func check(
    _ options: Options, _ configuration: Configuration?, _ diagnostics: borrowing Diagnostics
) -> ExitCode {
    guard configuration != nil else {
        Terminal.printError(options.configPath.span)
        Terminal.printError(": cannot be read\n")
        return .badData
    }
    var text = Memory.buffer(Diagnostics.countMax * 400)
    for index in 0..<diagnostics.count { diagnostics.write(index, file: options.configPath.span, into: &text) }
    Terminal.printError(text.span)
    return diagnostics.errorCount == 0 ? .success : .badData
}

/// What has to be right before anything is opened.
private func prepare(
    _ options: Options, _ configuration: Configuration?, _ diagnostics: borrowing Diagnostics, _ turn: inout Turn
) -> ExitCode {
    guard configuration != nil else {
        if turn.journal.begin(.config, turn.now, turn.wall) {
            turn.journal.text("file", options.configPath.span, countMax: 100)
            turn.journal.sentence("why", "the file cannot be read")
            turn.journal.end()
        }
        stop(.badData, "there is no configuration", &turn)
        return .badData
    }
    logFindings(diagnostics, options.configPath, &turn)
    guard diagnostics.errorCount == 0 else {
        stop(.badData, "the configuration has errors", &turn)
        return .badData
    }
    guard getuid() != 0 || options.allowsRoot else {
        stop(.noPermission, "runs as root; use a user of its own, or --allow-root", &turn)
        return .noPermission
    }
    return .success
}

/// Says why the engine does not start.
private func stop(_ code: ExitCode, _ why: StaticString, number: UInt64 = 0, _ turn: inout Turn) {
    guard turn.journal.begin(.startFail, turn.now, turn.wall) else { return }
    turn.journal.number("exit", UInt64(code.rawValue))
    turn.journal.sentence("why", why)
    if number != 0 { turn.journal.number("code", number) }
    turn.journal.end()
}

private func serve(
    _ options: Options, _ configuration: Configuration, _ file: consuming ConfigurationFile, _ sizes: Sizes,
    _ clock: Clock, _ turn: consuming Turn, _ sink: consuming LogSink
) -> ExitCode {
    var turn = turn
    var sink = sink
    if turn.journal.begin(.start, turn.now, turn.wall) {
        turn.journal.word("version", Release.version)
        turn.journal.number("pid", UInt64(getpid()))
        turn.journal.text("build", BuildID().text.span, countMax: 40)
        turn.journal.end()
    }
    let pools = sizes.enginePools(sessions: sizes.sessions)
    let service: Service
    do throws(SetupError) {
        service = try openService(options, configuration, file, sizes, clock, &turn)
    } catch {
        stop(error.exitCode, error.explanation, number: error.code, &turn)
        sink.drain(&turn.journal)
        return error.exitCode
    }
    if configuration.hasTLS, configuration.isSelfSigned { makeOwnCertificate(configuration, &turn) }
    service.begin(configuration, &turn)
    sink.drain(&turn.journal)
    var server = Server(
        settings: configuration.serverSettings, sizes: sizes.server, handler: service, clock: clock, turn: turn,
        pools: pools, usesSyslog: configuration.usesSyslog)
    logPools(&server, configuration)
    server.turn.journal.rate = configuration.logRate
    do throws(Server.StartError) {
        _ = try server.run()
        return service.isUnusable ? .inputOutput : .success
    } catch {
        return .cannotCreate
    }
}

/// At the first start of all: the device makes its own key, which nobody else ever has.
private func makeOwnCertificate(_ configuration: Configuration, _ turn: inout Turn) {
    let (certificate, key) = (configuration.certificatePath, configuration.keyPath)
    // A certificate without its key is somebody's; a key without one is what a power cut left.
    guard File.size(of: certificate.span) == nil else { return }
    var why: StaticString?
    do throws(CertificateError) {
        try makeCertificate(configuration, ownNames(configuration))
    } catch {
        why = error.explanation
    }
    guard turn.journal.begin(.tlsMade, turn.now, turn.wall) else { return }
    turn.journal.text("file", certificate.span, countMax: 60)
    turn.journal.text("key", key.span, countMax: 60)
    if let why { turn.journal.sentence("why", why) }
    turn.journal.end()
}

/// Tells what memory was taken.
private func logPools(_ server: inout Server, _ configuration: Configuration) {
    for index in 0..<server.pools.count {
        let pool = server.pools[index]
        guard server.turn.journal.begin(.pool, server.turn.now, server.turn.wall) else { continue }
        server.turn.journal.word("name", pool.name)
        server.turn.journal.number("count", UInt64(pool.count))
        server.turn.journal.number("bytes", UInt64(pool.byteCount))
        server.turn.journal.number("kb", UInt64((pool.count * pool.byteCount + 1023) / 1024))
        server.turn.journal.end()
    }
    let kilobytes = (server.pools.byteCount + 1023) / 1024
    if server.turn.journal.begin(.pool, server.turn.now, server.turn.wall) {
        server.turn.journal.word("name", "all")
        server.turn.journal.number("kb", UInt64(kilobytes))
        server.turn.journal.number("mem_kb", UInt64(configuration.memoryKB))
        server.turn.journal.end()
    }
}

extension Configuration {
    fileprivate var serverSettings: ServerSettings {
        var settings = ServerSettings()
        settings.listen = listen
        settings.listenCount = listenCount
        settings.port = port
        settings.hasChannels = engine.cirMethods.contains(.stcp)
        settings.cirPort = cirPort
        settings.hasTLS = hasTLS
        settings.tlsPort = tlsPort
        settings.isTLSOnly = isTLSOnly
        settings.hasSealedChannels = engine.cirMethods.contains(.stcp) && hasCIRTLS
        settings.cirTLSPort = cirTLSPort
        settings.certificatePath = certificatePath
        settings.keyPath = keyPath
        settings.hasAdmin = hasAdmin
        settings.adminAddress = adminAddress
        settings.adminPort = adminPort
        settings.adminHasTLS = adminHasTLS
        settings.hasOutgoingTLS = hasTLS || hasAuthorities
        settings.authoritiesPath = authoritiesPath
        settings.isConfined = isConfined
        settings.modemPath = modemPath
        settings.dataFolder = dataFolder
        settings.controlPath = controlPath
        settings.connectionsOfAddressMax = Int(connectionsOfAddressMax)
        settings.batchMilliseconds = UInt64(batchMilliseconds)
        settings.headerTimeout = UInt64(headerTimeout)
        settings.bodyTimeout = UInt64(bodyTimeout)
        settings.idleTimeout = UInt64(idleTimeout)
        settings.watchdogPath = watchdogPath
        return settings
    }
}
