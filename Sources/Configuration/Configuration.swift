import CSP
import IMPSEngine
import Octets

/// Everything that an operator may choose, with the defaults of a home gateway.
public struct Configuration: Sendable {
    /// Addresses to listen on, numeric; loopback when the file names none.
    public var listen = InlineArray<4, InlineBytes<46>>(repeating: InlineBytes())
    /// How many of them there are.
    public var listenCount = 0
    /// In which lines of the file they stand; 0 for none.
    public var listenLines = InlineArray<4, UInt64>(repeating: 0)
    /// The port of HTTP; 0 takes any that is free.
    public var port: UInt16 = 8080
    /// There is a port for TLS.
    public var hasTLS = false
    /// The process gives up what it does not need once it runs.
    public var isConfined = true
    /// The port of HTTP by TLS; 0 takes any that is free.
    public var tlsPort: UInt16 = 0
    /// The certificate, with those that prove it, in PEM.
    public var certificatePath = InlineBytes<200>()
    /// Its key, in PEM.
    public var keyPath = InlineBytes<200>()
    /// Nothing is said without TLS.
    public var isTLSOnly = false
    /// Where there is no certificate, the engine makes one at the start.
    public var isSelfSigned = false
    /// A file with the certificates that are trusted is named, so requests of the engine may go by TLS.
    public var hasAuthorities = false
    /// The certificates that are trusted, in PEM; Debian's, OpenWrt's and Alpine's place by default.
    public var authoritiesPath = InlineBytes<200>(prefix: ("/etc/ssl/certs/ca-certificates.crt" as StaticString).octets)
    /// There is a port by TLS for clients that want to be called.
    public var hasCIRTLS = false
    /// That port; 0 takes any.
    public var cirTLSPort: UInt16 = 0
    /// Connections by TLS at once; 0 takes what `mem_kb` allows.
    public var tlsConnectionsMax: UInt32 = 0
    /// The port for connections of clients that want to be called; 0 takes any that is free.
    public var cirPort: UInt16 = 3171
    /// Such connections at once; 0 takes what `mem_kb` allows.
    public var channelsMax: UInt32 = 0
    /// The folder of the store.
    public var dataFolder = InlineBytes<200>()
    /// The path of the control socket; at most 100 octets, as sockets have it.
    public var controlPath = InlineBytes<100>()

    /// KB for all pools together.
    public var memoryKB: UInt32 = 3328
    /// Sessions at once; 0 takes what `mem_kb` allows.
    public var sessionsMax: UInt32 = 0
    /// Connections at once; 0 takes what `mem_kb` allows.
    public var connectionsMax: UInt32 = 0
    /// Connections from one address at once.
    public var connectionsOfAddressMax: UInt32 = 64
    /// Buffers for requests that arrive in pieces; 0 takes what `mem_kb` allows.
    public var requestBuffers: UInt32 = 0
    /// KB of the store's map.
    public var databaseKB: UInt32 = 8192
    /// Where the live store lies.
    public var dataMode = DataModeChoice.automatic
    /// Hours between two copies of a store in memory.
    public var checkpointHours: UInt32 = 6
    /// Hours between dumps of the store to the volume; 0 for none.
    public var dumpHours: UInt32 = 0
    /// MB written to the volume in 24 hours that are worth a warning; 0 for none.
    public var flashBudgetMB: UInt32 = 64
    /// The file that the factory left, with the first accounts.
    public var provisionPath = InlineBytes<200>()
    /// The watchdog device to feed; empty for none.
    public var watchdogPath = InlineBytes<64>()
    /// Milliseconds that a turn may wait for more requests before it is committed.
    public var batchMilliseconds: UInt32 = 0
    /// Seconds for the head of a request, from its first octet.
    public var headerTimeout: UInt32 = 10
    /// Seconds for the body of a request.
    public var bodyTimeout: UInt32 = 20
    /// Seconds that a connection may be idle.
    public var idleTimeout: UInt32 = 90

    /// The level of the log at start.
    public var logLevel = LogLevel.notice
    /// Records a second that one log code may write.
    public var logRate: UInt32 = 5
    /// Whether the log goes to `/dev/log` too.
    public var usesSyslog = false
    /// Whether the wall clock may be believed.
    public var clock = ClockTrust.automatic

    /// The last line of the file that says something.
    public var lastLine: UInt64 = 0
    /// `notify` sections.
    public var notifySectionCount = 0
    /// `upstream` sections.
    public var upstreamCount = 0
    /// One of them is an XMPP server.
    public var hasXMPP = false
    /// The device of a modem that short messages go out by; empty for none.
    public var modemPath = InlineBytes<64>()
    /// There is a page for browsers.
    public var hasPage = false
    /// Who is told that a message waits gets a link to it that logs in.
    public var hasLinks = true
    /// The name by which browsers reach it; empty for none but numeric addresses.
    public var pageHost = InlineBytes<128>()
    /// There is a page for the operator.
    public var hasAdmin = false
    /// The address that it is reached at, and by it alone.
    public var adminAddress = InlineBytes<46>()
    /// Its port; 0 takes any.
    public var adminPort: UInt16 = 8081
    /// It is reached by TLS alone.
    public var adminHasTLS = false
    /// The file that has its password.
    public var adminPasswordPath = InlineBytes<200>()
    /// The line that its section begins at.
    public var adminLine: UInt64 = 0
    /// What the engine is told.
    public var engine = Settings()

    /// The defaults.
    public init() {
        _ = dataFolder.append("/var/lib/imps")
        _ = controlPath.append("/var/run/imps/control")
        _ = provisionPath.append("/etc/imps/provision")
        _ = adminAddress.append("127.0.0.1")
        _ = engine.domain.append("localhost")
        _ = engine.serviceName.append("impsd")
    }
}

extension Configuration {
    /// The folder of the control socket, in which also lies what need not survive a reboot.
    public var runtimeFolder: InlineBytes<200> {
        var end = controlPath.count
        while end > 1, controlPath.span[end - 1] != 0x2F { end -= 1 }
        return InlineBytes(controlPath.span.extracting(0..<max(1, end - 1))) ?? InlineBytes()
    }
}

/// One thing that is wrong with a file.
public struct Finding: Sendable {
    /// The line, from 1.
    public var line: UInt64 = 0
    /// A value that is not allowed or a line that cannot be read, rather than something that is only ignored.
    public var isError = false
    /// The name of the section; empty when the line has none.
    public var section = InlineBytes<64>()
    /// The key; empty when it is not about one.
    public var key = InlineBytes<64>()
    /// What is wrong, or which values are allowed.
    public var words: StaticString = ""
    /// The key that was meant, for one that is not known; empty when none is near.
    public var meant = InlineBytes<32>()

    /// Nothing.
    public init() {}
}

/// What a file has wrong.
public struct Diagnostics: ~Copyable {
    /// The most findings that are kept; a file with more is wrong anyway.
    public static var countMax: Int { 32 }

    private var findings = InlineArray<32, Finding>(repeating: Finding())

    /// How many findings there are.
    public private(set) var count = 0
    /// How many of them are errors, with which the file may not be used; those that were not kept included.
    public private(set) var errorCount = 0

    /// Nothing wrong so far.
    public init() {}

    /// A finding.
    public subscript(index: Int) -> Finding { findings[index] }

    /// A value that this machine cannot use, which only who tries it can say.
    public mutating func refuse(
        line: UInt64, section: StaticString = "main", key: StaticString, _ allowed: StaticString
    ) {
        error(line: line, section.octets, key.octets, allowed)
    }

    mutating func error(line: UInt64, _ section: Span<UInt8>, _ key: Span<UInt8>, _ words: StaticString) {
        errorCount += 1
        add(line, isError: true, section, key, words)
    }

    mutating func warning(line: UInt64, _ section: Span<UInt8>, _ key: Span<UInt8>, _ words: StaticString) {
        add(line, isError: false, section, key, words)
    }

    /// A key that is not known, and the known ones.
    mutating func unknownKey(
        line: UInt64, isError: Bool, _ section: Span<UInt8>, _ key: Span<UInt8>, of keys: StaticString
    ) {
        if isError { errorCount += 1 }
        add(line, isError: isError, section, key, isError ? "unknown key" : "unknown key, ignored")
        if count <= Diagnostics.countMax { findings[count - 1].meant = NearestWord.of(key, in: keys) ?? InlineBytes() }
    }

    private mutating func add(
        _ line: UInt64, isError: Bool, _ section: Span<UInt8>, _ key: Span<UInt8>, _ words: StaticString
    ) {
        guard count < Diagnostics.countMax else { return }
        findings[count].line = line
        findings[count].isError = isError
        findings[count].section = InlineBytes(section) ?? InlineBytes()
        findings[count].key = InlineBytes(key) ?? InlineBytes()
        findings[count].words = words
        count += 1
    }

    /// Adds a finding in words: `file:line: error: main.port: 0 (any free port) to 65535`.
    public func write(_ index: Int, file: Span<UInt8>, into text: inout FixedBytes) {
        let finding = findings[index]
        text.append(file)
        text.append(0x3A)
        text.append(decimal: finding.line)
        text.append(finding.isError ? ": error: " : ": warning: ")
        if !finding.key.isEmpty {
            text.append(finding.section.span)
            text.append(0x2E)
            text.append(finding.key.span)
            text.append(": ")
        }
        text.append(finding.words)
        if !finding.meant.isEmpty {
            text.append("; did you mean ")
            text.append(finding.meant.span)
            text.append(0x3F)
        }
        text.append(0x0A)
    }
}

extension Configuration {
    /// Reads a file of UCI syntax.
    ///
    /// A key that is not known is a warning, because an older engine has to start with a newer file; a value that is not
    /// allowed is an error.
    ///
    /// - Parameters:
    ///   - text: The whole file.
    ///   - diagnostics: Takes what is wrong with it.
    public static func read(_ text: Span<UInt8>, _ diagnostics: inout Diagnostics) -> Configuration {
        var configuration = Configuration()
        var reader = UCIReader(text)
        var sections = OpenSection()
        while true {
            do throws(UCIError) {
                guard let statement = try reader.next() else { break }
                if case .section = statement {
                    sections.finish(&configuration, &diagnostics)
                    sections.begin(reader, &configuration, &diagnostics)
                } else if sections.isMain {
                    configuration.take(reader, statement, &diagnostics)
                } else {
                    sections.take(reader, &configuration, &diagnostics)
                }
            } catch {
                diagnostics.error(line: reader.line, sections.type.span, Span(), error.explanation)
            }
        }
        sections.finish(&configuration, &diagnostics)
        if !sections.hasMain {
            diagnostics.error(
                line: reader.line, sections.type.span, sections.type.span, "no section: config imps 'main'")
        }
        if configuration.listenCount == 0 {
            _ = configuration.listen[0].append("127.0.0.1")
            configuration.listenCount = 1
        }
        configuration.lastLine = reader.line
        if configuration.isSelfSigned { configuration.placeCertificate() }
        configuration.checkRelations(reader.line, &diagnostics)
        return configuration
    }

    /// The section that lines belong to, whichever it is.
    private struct OpenSection {
        private(set) var type = InlineBytes<64>()
        private(set) var hasMain = false
        private var message = MessageSection()
        private var client = ClientSection()
        private var notify = SectionLines<NotifySection>()
        private var upstream = SectionLines<Upstream>()
        private var page = PageSection()
        private var admin = AdminSection()
        private var names = SectionNames()

        var isMain: Bool { type.span.equals("imps") }

        mutating func begin(
            _ reader: borrowing UCIReader, _ configuration: inout Configuration, _ diagnostics: inout Diagnostics
        ) {
            type = reader.word
            let isMessage = type.span.equals("sysmsg") || type.span.equals("help")
            let isNotify = type.span.equals("notify")
            let isUpstream = type.span.equals("upstream")
            if isMain {
                hasMain = true
            } else if isMessage {
                message.begin(reader)
            } else if type.span.equals("client") {
                client.begin(reader)
            } else if isNotify {
                notify.begin(reader)
            } else if isUpstream {
                upstream.begin(reader)
            } else if type.span.equals("page") {
                page.begin(reader)
            } else if type.span.equals("admin") {
                admin.begin(reader, &configuration)
            } else {
                diagnostics.warning(
                    line: reader.line, type.span, type.span,
                    "unknown section, expected imps, sysmsg, help, client, notify, upstream, page or admin")
            }
            if isMessage || isNotify || isUpstream, !names.add(reader) {
                diagnostics.error(line: reader.line, type.span, type.span, "another section has this name")
            }
        }

        mutating func take(
            _ reader: borrowing UCIReader, _ configuration: inout Configuration, _ diagnostics: inout Diagnostics
        ) {
            if message.isOpen { message.take(reader, &diagnostics) }
            if client.isOpen { client.take(reader, &diagnostics) }
            if notify.isOpen { notify.take(reader, &diagnostics) }
            if upstream.isOpen { upstream.take(reader, &diagnostics) }
            if page.isOpen { page.take(reader, &configuration, &diagnostics) }
            if admin.isOpen { admin.take(reader, &configuration, &diagnostics) }
        }

        mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
            message.finish(&diagnostics)
            client.finish(&configuration, &diagnostics)
            notify.finish(&configuration, &diagnostics)
            upstream.finish(&configuration, &diagnostics)
            page.finish(&configuration, &diagnostics)
            admin.finish(configuration, &diagnostics)
        }
    }

    /// The names of the sections so far; each may be there once.
    private struct SectionNames {
        private var hashes = InlineArray<64, UInt64>(repeating: 0)
        private var count = 0

        /// False when the name was there before.
        mutating func add(_ reader: borrowing UCIReader) -> Bool {
            let type = reader.word
            let name = reader.value
            var hash = Hash64(type.span)
            hash.combine(name.span)
            for index in 0..<count where hashes[index] == hash.value { return false }
            if count < hashes.count {
                hashes[count] = hash.value
                count += 1
            }
            return true
        }
    }

    /// A `sysmsg` or `help` section. It is only looked at here; the start takes it into the store.
    private struct MessageSection {
        private(set) var isOpen = false
        private var isHelp = false
        private var line: UInt64 = 0
        private var name = InlineBytes<64>()
        private var campaign = CampaignSection()
        private var hasText = false

        mutating func begin(_ reader: borrowing UCIReader) {
            self = MessageSection()
            isOpen = true
            let type = reader.word
            isHelp = type.span.equals("help")
            line = reader.line
            let value = reader.value
            name = InlineBytes(value.span) ?? InlineBytes()
        }

        mutating func take(_ reader: borrowing UCIReader, _ diagnostics: inout Diagnostics) {
            let key = reader.word
            let value = reader.value
            hasText = hasText || key.span.equals("text")
            let words =
                isHelp
                ? CampaignSection.checkHelp(name.span, key.span, value.span) : campaign.take(key.span, value.span)
            guard let words else { return }
            if !isHelp, !CampaignSection.hasKey(key.span) {
                diagnostics.unknownKey(
                    line: reader.line, isError: true, name.span, key.span, of: CampaignSection.keys)
            } else {
                diagnostics.error(line: reader.line, name.span, key.span, words)
            }
        }

        mutating func finish(_ diagnostics: inout Diagnostics) {
            guard isOpen else { return }
            isOpen = false
            let type: StaticString = isHelp ? "help" : "sysmsg"
            let words: StaticString? =
                isHelp ? (hasText ? nil : "a help section needs a text") : campaign.finish(name: name.span)
            if let words { diagnostics.error(line: line, type.octets, name.span, words) }
        }
    }

    /// A `client` section: the quirks of the clients whose User-Agent is like its `agent`.
    private struct ClientSection {
        private(set) var isOpen = false
        private var line: UInt64 = 0
        private var agent = InlineBytes<64>()
        private var hasAgent = false
        private var quirks = Quirks()

        mutating func begin(_ reader: borrowing UCIReader) {
            self = ClientSection()
            isOpen = true
            line = reader.line
        }

        mutating func take(_ reader: borrowing UCIReader, _ diagnostics: inout Diagnostics) {
            let key = reader.word
            let value = reader.value
            if key.span.equals("agent") {
                hasAgent = true
                agent = InlineBytes(value.span) ?? InlineBytes()
                if agent.isEmpty { refuse(reader.line, key.span, "1 to 64 octets", &diagnostics) }
            } else if key.span.equals("quirk") {
                if let quirk = Quirks(value.span) {
                    quirks.insert(quirk)
                } else {
                    refuse(reader.line, key.span, Quirks.names, &diagnostics)
                }
            } else {
                diagnostics.unknownKey(
                    line: reader.line, isError: false, .constant("client"), key.span, of: "agent quirk")
            }
        }

        mutating func finish(_ configuration: inout Configuration, _ diagnostics: inout Diagnostics) {
            guard isOpen else { return }
            isOpen = false
            if !hasAgent {
                refuse(line, .constant("agent"), "a client section needs one: option agent 'Phone/*'", &diagnostics)
            } else if quirks.contains(.cirFalse), quirks.contains(.cirTrue) {
                refuse(line, .constant("quirk"), "either cir-false or cir-true", &diagnostics)
            } else if !configuration.engine.quirks.add(agent, quirks) {
                refuse(line, .constant("agent"), "more than 16 client sections", &diagnostics)
            }
        }

        private func refuse(
            _ line: UInt64, _ key: Span<UInt8>, _ words: StaticString, _ diagnostics: inout Diagnostics
        ) {
            diagnostics.error(line: line, .constant("client"), key, words)
        }
    }

    private mutating func take(
        _ reader: borrowing UCIReader, _ statement: UCIStatement, _ diagnostics: inout Diagnostics
    ) {
        let word = reader.word
        let value = reader.value
        var isOption = false
        if case .option = statement { isOption = true }
        switch apply(word.span, value.span, isOption: isOption, line: reader.line) {
        case .taken: break
        case .unknownKey:
            diagnostics.unknownKey(
                line: reader.line, isError: false, .constant("main"), word.span, of: Configuration.keys)
        case .refused(let allowed): diagnostics.error(line: reader.line, .constant("main"), word.span, allowed)
        }
    }

    /// Says where a certificate of the engine's own lies when nothing else is said.
    public mutating func placeCertificate() {
        let (certificate, key): (StaticString, StaticString) = ("/tls.pem", "/tls.key")
        if certificatePath.isEmpty {
            certificatePath = InlineBytes(prefix: dataFolder.span)
            _ = certificatePath.append(certificate.octets)
        }
        if keyPath.isEmpty {
            keyPath = InlineBytes(prefix: dataFolder.span)
            _ = keyPath.append(key.octets)
        }
    }

    private func checkRelations(_ line: UInt64, _ diagnostics: inout Diagnostics) {
        if engine.keepAliveMin > engine.keepAliveMax {
            diagnostics.error(
                line: line, .constant("main"), .constant("keepalive_min"), "must not be above keepalive_max")
        }
        if engine.keepAliveDefault < engine.keepAliveMin || engine.keepAliveDefault > engine.keepAliveMax {
            diagnostics.error(
                line: line, .constant("main"), .constant("keepalive_default"),
                "must be between keepalive_min and keepalive_max")
        }
        if !hasTLS, hasCIRTLS {
            diagnostics.error(line: line, .constant("main"), .constant("cir_tls_port"), "needs tls_port")
        }
        if !hasTLS, isTLSOnly {
            diagnostics.error(line: line, .constant("main"), .constant("tls_only"), "must be 0 without tls_port")
        }
        if hasTLS, certificatePath.isEmpty || keyPath.isEmpty {
            diagnostics.error(
                line: line, .constant("main"), .constant("tls_port"),
                "needs tls_cert and tls_key, files in PEM, or tls_self_signed")
        }
        if hasAdmin, adminHasTLS, !hasTLS {
            diagnostics.error(
                line: adminLine, .constant("admin"), .constant("tls"), "needs tls_port in the section imps")
        }
    }
}
