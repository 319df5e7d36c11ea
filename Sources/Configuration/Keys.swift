import CSP
import IMPSEngine
import Octets

/// What became of a line of the configuration.
enum KeyOutcome {
    case taken
    case unknownKey
    /// The value is not allowed; the words say what is.
    case refused(StaticString)
}

extension Configuration {
    /// All keys of the section `imps`.
    static var keys: StaticString {
        """
        allow_pwd batch_ms body_timeout ca_file challenge_s checkpoint_h cir cir_address cir_port cir_tls_port clock confine contact_list \
        contact_lists_max contacts_max control data_dir data_mode db_kb domain dump_hours enabled flash_budget_mb_day guard_s header_timeout help_errors idle_timeout keepalive_default \
        keepalive_max keepalive_min listen log_level log_rate login_failures max_channels max_connections \
        max_connections_per_address max_message max_sessions mem_kb offline offline_days offline_max_kb offline_max_msgs \
        offline_sender_policy poll_min port provision request_buffers search service_description service_name service_url sessions_per_user syslog \
        sysmsg_legacy sysmsg_max_text sysmsg_remind_s sysmsg_waiting tls_cert tls_connections tls_key tls_only tls_port tls_self_signed watchdog
        """
    }

    /// Gives a key its value.
    ///
    /// - Parameters:
    ///   - isOption: The last `option` of a key counts; each `list` adds to those before it.
    ///   - line: Where it stands in the file.
    mutating func apply(
        _ key: Span<UInt8>, _ value: Span<UInt8>, isOption: Bool, line: UInt64
    ) -> KeyOutcome {
        if key.equals("listen") {
            if isOption { listenCount = 0 }
            return addListener(value, line)
        }
        return apply(key, value)
    }

    private mutating func apply(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome {
        applyPlace(key, value) ?? applySize(key, value) ?? applyTime(key, value) ?? applyMessage(key, value)
            ?? applyPeople(key, value) ?? applySystemMessage(key, value) ?? applyAccess(key, value) ?? applyLog(
                key, value) ?? applyBoard(
                key, value) ?? .unknownKey
    }

    private mutating func applyPlace(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("port") { return Configuration.set(&port, value, 0...65_535, "0 (any free port) to 65535") }
        if key.equals("cir") { return setCIR(value) }
        if key.equals("cir_port") {
            return Configuration.set(&cirPort, value, 0...65_535, "0 (any free port) to 65535")
        }
        if let outcome = applyTLS(key, value) { return outcome }
        if key.equals("cir_address") { return Configuration.setText(&engine.cirAddress, value, "1 to 64 octets") }
        if key.equals("data_dir") {
            return Configuration.setPath(&dataFolder, value, "a path that begins with / or ./, at most 180 octets", 180)
        }
        if key.equals("control") {
            return Configuration.setPath(
                &controlPath, value, "a path that begins with / or ./, at most 100 octets", 100)
        }
        if key.equals("domain") { return setDomain(value) }
        if key.equals("service_name") { return Configuration.setText(&engine.serviceName, value, "1 to 64 octets") }
        if key.equals("service_description") {
            return Configuration.setText(&engine.serviceDescription, value, "1 to 200 octets")
        }
        if key.equals("service_url") { return Configuration.setText(&engine.serviceURL, value, "1 to 200 octets") }
        return nil
    }

    private mutating func applyTLS(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("tls_port") {
            let outcome = Configuration.set(&tlsPort, value, 0...65_535, "0 (any free port) to 65535")
            hasTLS = true
            return outcome
        }
        if key.equals("cir_tls_port") {
            let outcome = Configuration.set(&cirTLSPort, value, 0...65_535, "0 (any free port) to 65535")
            hasCIRTLS = true
            return outcome
        }
        if key.equals("tls_cert") {
            return Configuration.setPath(&certificatePath, value, "a path that begins with / or ./", 180)
        }
        if key.equals("ca_file") {
            hasAuthorities = true
            return Configuration.setPath(&authoritiesPath, value, "a path that begins with / or ./", 180)
        }
        if key.equals("tls_key") {
            return Configuration.setPath(&keyPath, value, "a path that begins with / or ./", 180)
        }
        if key.equals("confine") { return Configuration.setFlag(&isConfined, value) }
        if key.equals("tls_self_signed") { return Configuration.setFlag(&isSelfSigned, value) }
        if key.equals("tls_only") { return Configuration.setFlag(&isTLSOnly, value) }
        if key.equals("tls_connections") {
            return Configuration.set(
                &tlsConnectionsMax, value, 0...1000, "0 (what mem_kb allows) to 1000")
        }
        return nil
    }

    /// `off`, or words for the ways in which clients are called.
    private mutating func setCIR(_ value: Span<UInt8>) -> KeyOutcome {
        var methods = CIRMethods()
        var start = 0
        while start < value.count, !value.equals("off") {
            let end = value.firstIndex(of: 0x20, from: start) ?? value.count
            if end > start {
                guard let method = CIRMethods(value.extracting(start..<end)) else {
                    return .refused("off, or words of stcp, sudp, shttp, wapudp, ssms and wapsms")
                }
                methods = methods.union(method)
            }
            start = end + 1
        }
        engine.cirMethods = methods
        return .taken
    }

    private mutating func applySize(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("mem_kb") { return Configuration.set(&memoryKB, value, 1024...262_144, "1024 to 262144") }
        if key.equals("max_sessions") { return Configuration.set(&sessionsMax, value, 1...65_000, "1 to 65000") }
        if key.equals("max_connections") { return Configuration.set(&connectionsMax, value, 4...16_000, "4 to 16000") }
        if key.equals("max_connections_per_address") {
            return Configuration.set(&connectionsOfAddressMax, value, 1...16_000, "1 to 16000")
        }
        if key.equals("max_channels") { return Configuration.set(&channelsMax, value, 1...65_000, "1 to 65000") }
        if key.equals("request_buffers") { return Configuration.set(&requestBuffers, value, 2...1000, "2 to 1000") }
        if key.equals("max_message") {
            return Configuration.set(&engine.messageByteCountMax, value, 1024...262_144, "1024 to 262144 octets")
        }
        if key.equals("db_kb") { return Configuration.set(&databaseKB, value, 512...1_048_576, "512 to 1048576") }
        return nil
    }

    private mutating func applyTime(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("batch_ms") { return Configuration.set(&batchMilliseconds, value, 0...2000, "0 to 2000") }
        if key.equals("header_timeout") { return Configuration.set(&headerTimeout, value, 1...300, "1 to 300 seconds") }
        if key.equals("body_timeout") { return Configuration.set(&bodyTimeout, value, 1...300, "1 to 300 seconds") }
        if key.equals("idle_timeout") { return Configuration.set(&idleTimeout, value, 1...3600, "1 to 3600 seconds") }
        if key.equals("keepalive_default") {
            return Configuration.set(&engine.keepAliveDefault, value, 1...604_800, "1 to 604800 seconds")
        }
        if key.equals("keepalive_min") {
            return Configuration.set(&engine.keepAliveMin, value, 1...604_800, "1 to 604800 seconds")
        }
        if key.equals("keepalive_max") {
            return Configuration.set(&engine.keepAliveMax, value, 1...604_800, "1 to 604800 seconds")
        }
        if key.equals("poll_min") {
            return Configuration.set(&engine.serverPollMin, value, 1...3600, "1 to 3600 seconds")
        }
        if key.equals("guard_s") {
            return Configuration.set(&engine.guardSeconds, value, 1...3600, "1 to 3600 seconds")
        }
        if key.equals("challenge_s") {
            return Configuration.set(&engine.challengeSeconds, value, 5...3600, "5 to 3600 seconds")
        }
        if key.equals("clock") { return setClock(value) }
        return nil
    }

    private mutating func applyMessage(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("offline") { return Configuration.setFlag(&engine.storesOffline, value) }
        if key.equals("offline_max_msgs") {
            return Configuration.set(&engine.offlineMessagesMax, value, 1...100_000, "1 to 100000")
        }
        if key.equals("offline_max_kb") {
            var kilobytes: UInt32 = 0
            let outcome = Configuration.set(&kilobytes, value, 1...1_048_576, "1 to 1048576")
            if case .taken = outcome { engine.offlineByteCountMax = UInt32(min(UInt64(kilobytes) * 1024, 1 << 31)) }
            return outcome
        }
        if key.equals("offline_days") {
            var days: UInt64 = 0
            let outcome = Configuration.set(&days, value, 1...3650, "1 to 3650")
            if case .taken = outcome { engine.lifetimeSeconds = days * 86_400 }
            return outcome
        }
        return nil
    }

    private mutating func applyPeople(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("contact_lists_max") {
            return Configuration.set(&engine.contactListsMax, value, 1...255, "1 to 255")
        }
        if key.equals("contacts_max") {
            return Configuration.set(&engine.contactsMax, value, 1...10_000, "1 to 10000")
        }
        if key.equals("contact_list") {
            for index in value.indices {
                let octet = value[index]
                guard octet > 0x20, octet < 0x7F, octet != 0x40, octet != 0x2F else {
                    return .refused("printable characters without blank, @ and /")
                }
            }
            return Configuration.setText(&engine.premadeList, value, "1 to 64 octets")
        }
        if key.equals("offline_sender_policy") {
            guard value.equals("all") || value.equals("contacts") else { return .refused("all or contacts") }
            engine.offlineOnlyContacts = value.equals("contacts")
            return .taken
        }
        if key.equals("search") { return setSearch(value) }
        return nil
    }

    private mutating func setSearch(_ value: Span<UInt8>) -> KeyOutcome {
        guard let fields = SearchFields(value) else {
            return .refused("off, or any of id alias number first_name last_name email online")
        }
        engine.searchFields = fields
        return .taken
    }

    private mutating func applySystemMessage(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("sysmsg_legacy") {
            guard let policy = LegacyPolicy.named(value) else { return .refused("limited or deny") }
            engine.legacyPolicy = policy
            return .taken
        }
        if key.equals("sysmsg_waiting") {
            guard let choice = Announcement(name: value) else { return .refused("announce, prompt or off") }
            engine.announcement = choice
            return .taken
        }
        if key.equals("sysmsg_max_text") {
            return Configuration.set(&engine.systemTextMax, value, 128...512, "128 to 512 characters")
        }
        if key.equals("sysmsg_remind_s") {
            return Configuration.set(&engine.remindSeconds, value, 1...2_592_000, "1 to 2592000 seconds")
        }
        if key.equals("help_errors") {
            return Configuration.set(&engine.helpErrors, value, 0...100, "0 (no help) to 100")
        }
        return nil
    }

    private mutating func applyAccess(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("sessions_per_user") {
            return Configuration.set(&engine.sessionsOfUserMax, value, 1...64, "1 to 64")
        }
        if key.equals("allow_pwd") { return Configuration.setFlag(&engine.allowsPWD, value) }
        if key.equals("login_failures") {
            return Configuration.set(&engine.loginFailuresMax, value, 0...1000, "0 (never wait) to 1000")
        }
        return nil
    }

    private mutating func applyLog(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        if key.equals("log_level") {
            guard let level = LogLevel(name: value) else { return .refused("err, warning, notice, info or debug") }
            logLevel = level
            return .taken
        }
        if key.equals("log_rate") {
            return Configuration.set(&logRate, value, 0...10_000, "0 (no limit) to 10000 a second")
        }
        if key.equals("syslog") { return Configuration.setFlag(&usesSyslog, value) }
        return nil
    }

    private mutating func applyBoard(_ key: Span<UInt8>, _ value: Span<UInt8>) -> KeyOutcome? {
        // The init scripts look at it; whoever starts the engine without them wants it.
        if key.equals("enabled") {
            var isEnabled = true
            return Configuration.setFlag(&isEnabled, value)
        }
        if key.equals("data_mode") { return setDataMode(value) }
        if key.equals("checkpoint_h") { return Configuration.set(&checkpointHours, value, 1...168, "1 to 168 hours") }
        if key.equals("dump_hours") { return Configuration.set(&dumpHours, value, 0...8760, "0 (none) to 8760 hours") }
        if key.equals("flash_budget_mb_day") {
            return Configuration.set(&flashBudgetMB, value, 0...1_000_000, "0 (no warning) to 1000000")
        }
        if key.equals("provision") {
            return Configuration.setPath(
                &provisionPath, value, "a path that begins with / or ./, at most 180 octets", 180)
        }
        if key.equals("watchdog") {
            return Configuration.setPath(&watchdogPath, value, "a path that begins with / or ./, at most 60 octets", 60)
        }
        return nil
    }

    // MARK: Values

    private mutating func setDataMode(_ value: Span<UInt8>) -> KeyOutcome {
        if value.equals("auto") {
            dataMode = .automatic
        } else if value.equals("flash") {
            dataMode = .flash
        } else if value.equals("ram+checkpoint") {
            dataMode = .memory
        } else {
            return .refused("auto, flash or ram+checkpoint")
        }
        return .taken
    }

    private mutating func addListener(_ value: Span<UInt8>, _ line: UInt64) -> KeyOutcome {
        guard listenCount < listen.count else { return .refused("up to four addresses") }
        guard let address = InlineBytes<46>(value), !value.isEmpty else {
            return .refused("a numeric address, 192.168.1.1 or ::1; names are not looked up")
        }
        for index in 0..<listenCount where listen[index].span.equals(value) {
            return .refused("each address once; this one is there already")
        }
        listen[listenCount] = address
        listenLines[listenCount] = line
        listenCount += 1
        return .taken
    }

    private mutating func setDomain(_ value: Span<UInt8>) -> KeyOutcome {
        guard let domain = InlineBytes<64>(value), Address(.constant("a"), homeDomain: value) != nil else {
            return .refused("letters, digits, '-' and '.', at most 64 octets")
        }
        engine.domain = domain
        return .taken
    }

    private mutating func setClock(_ value: Span<UInt8>) -> KeyOutcome {
        guard let choice = ClockTrust(name: value) else { return .refused("auto, trusted or untrusted") }
        clock = choice
        return .taken
    }

    private static func set<Number: FixedWidthInteger>(
        _ number: inout Number, _ value: Span<UInt8>, _ range: ClosedRange<UInt64>, _ allowed: StaticString
    ) -> KeyOutcome {
        guard let parsed = Decimal.parse(value), range.contains(parsed) else { return .refused(allowed) }
        number = Number(parsed)
        return .taken
    }

    private static func setFlag(_ flag: inout Bool, _ value: Span<UInt8>) -> KeyOutcome {
        guard let isOn = Bool(word: value) else { return .refused("0 or 1, or off, no, false or on, yes, true") }
        flag = isOn
        return .taken
    }

    private static func setText<let capacity: Int>(
        _ text: inout InlineBytes<capacity>, _ value: Span<UInt8>, _ allowed: StaticString
    ) -> KeyOutcome {
        guard value.count > 0, let copy = InlineBytes<capacity>(value) else { return .refused(allowed) }
        text = copy
        return .taken
    }

    private static func setPath<let capacity: Int>(
        _ path: inout InlineBytes<capacity>, _ value: Span<UInt8>, _ allowed: StaticString, _ countMax: Int
    ) -> KeyOutcome {
        guard value.count > 0, value.count <= countMax, value[0] == 0x2F || value[0] == 0x2E else {
            return .refused(allowed)
        }
        return setText(&path, value, allowed)
    }
}
