import Foundation
import Harness
import Testing

/// The process as supervisors, operators and technicians see it.
@Suite struct ProcessTests {
    // MARK: Start and stop

    @Test func aTermSignalCommitsAndEndsWithin2Seconds() throws {
        let engine = try EngineProcess(["batch_ms": "500"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let start = Date()
        #expect(engine.stop() == 0)
        #expect(Date().timeIntervalSince(start) < 2 * Programs.slowness)
        try engine.awaitRecord("STOP", "signal=15")
        try engine.start()
        alice.connection = try engine.connect()
        #expect(try alice.poll() == nil)
    }

    @Test func aWrongValueIsToldWithFileLineKeyAndWhatIsAllowed() throws {
        let engine = try EngineProcess(starts: false)
        for (key, value, allowed) in [
            ("port", "70000", "0 (any free port) to 65535"),
            ("log_level", "loud", "err, warning, notice, info or debug"),
            ("max_message", "1", "1024 to 262144"), ("clock", "maybe", "auto, trusted or untrusted"),
            ("listen", "home.test", "a numeric address"), ("listen", "127.0.0.1:8080", "a numeric address"),
            ("listen", "127.1", "a numeric address"), ("listen", "fe80::1", "fe80::1%br-lan"),
            ("listen", "::1%", "fe80::1%br-lan"), ("listen", "1.2.3.4.5", "a numeric address"),
            ("domain", "a b", "letters, digits"),
        ] {
            let path = engine.folder.path + "/bad.conf"
            try "# a comment\nconfig imps 'main'\n\n\toption \(key) '\(value)'\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let check = try run("impsd", ["--config", path, "--check"])
            #expect(check.code == 65)
            #expect(check.errors.contains("\(path):4: error: main.\(key): "), "\(check.errors)")
            #expect(check.errors.contains(allowed), "\(check.errors)")
            let start = try run("impsd", ["--config", path, "--allow-root"])
            #expect(start.code == 65)
            #expect(start.errors.contains("line=4 key=\(key)"))
            #expect(start.errors.contains(" E START-FAIL exit=65"))
        }
    }

    /// The pair that OpenWrt's web server listens on.
    @Test func bothFamiliesMayBeListenedOnAtOnce() throws {
        let engine = try EngineProcess(["listen": "0.0.0.0"], starts: false)
        let text = try String(contentsOfFile: engine.configuration, encoding: .utf8)
        try text.replacing("\toption listen '0.0.0.0'\n", with: "\tlist listen '0.0.0.0'\n\tlist listen '::'\n")
            .write(toFile: engine.configuration, atomically: true, encoding: .utf8)
        try engine.start()
        #expect(try engine.client("alice").logIn().code == 200)
        #expect(engine.records("LISTEN") == [])
    }

    /// Supervisors and scripts wait for them.
    @Test func readyAndStopAreWrittenAtEveryLevel() throws {
        let engine = try EngineProcess(["log_level": "err"])
        #expect(engine.stop() == 0)
        #expect(engine.records("READY").count == 1)
        #expect(engine.records("STOP").count == 1)
        #expect(engine.records("START") == [])
    }

    /// What OpenWrt's own tools write, a text over two lines included, starts the engine and reaches the user.
    @Test func aQuestionOfTwoLinesIsAsked() throws {
        let engine = try EngineProcess(starts: false)
        engine.sections =
            "config sysmsg 'terms'\n\toption text 'One\ntwo'\n\toption required 'yes'\n\toption blocking 'on'\n\tlist option '1|A|full'\n"
        #expect(try run("impsd", ["--config", engine.configuration, "--check"]).code == 0)
        try engine.start()
        let reply = try engine.client("alice", "1.3").logIn()
        #expect(reply.systemMessages.first?["SystemMessageText"]?.text == "One\ntwo")
    }

    /// What `--check` takes starts, and what it refuses does not, with the same exit code.
    @Test func theCheckAndTheStartAgree() throws {
        let engine = try EngineProcess(starts: false)
        let keys = [
            "listen", "port", "cir", "cir_port", "cir_address", "domain", "service_name", "service_url", "mem_kb",
            "max_sessions", "max_connections", "max_connections_per_address", "max_channels", "request_buffers",
            "max_message", "batch_ms", "header_timeout", "idle_timeout", "keepalive_default", "keepalive_min",
            "keepalive_max", "poll_min", "guard_s", "challenge_s", "clock", "offline", "offline_max_msgs",
            "offline_days",
            "sysmsg_legacy", "sysmsg_waiting", "sysmsg_max_text", "help_errors", "sessions_per_user", "allow_pwd",
            "login_failures", "log_level", "log_rate", "enabled", "checkpoint_h", "from_the_future",
        ]
        let values = [
            "0", "0", "1", "2", "16", "60", "200", "1024", "4096", "65000", "99999", "", "-1", "yes", "off", "auto",
            "limited", "notice", "127.0.0.1", "::1", "fe80::1", "127.1", "home.test", "a b", "stcp sudp", "#x", "it's",
        ]
        var random = SystemRandomNumberGenerator()
        var (starts, refusals) = (0, 0)
        let count = Programs.slowness > 1 ? 20 : 200
        // Chance decides what is refused; goes on until both were seen.
        for number in 0..<count * 10 where number < count || min(starts, refusals) < 2 {
            var options = ["port": "0", "cir_port": "0", "mem_kb": "8192"]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                options[keys.randomElement(using: &random)!] = values.randomElement(using: &random)!
            }
            // A fixed port may be somebody else's.
            if options["port"] != "99999" { options["port"] = "0" }
            if options["cir_port"] != "99999" { options["cir_port"] = "0" }
            try engine.set(options)
            let check = try run("impsd", ["--config", engine.configuration, "--check"])
            if check.code == 0 {
                #expect(throws: Never.self, "\(number): \(options)") { try engine.start() }
                #expect(engine.stop() == 0)
                starts += 1
            } else {
                refusals += 1
                #expect(check.code == 65, "\(options)")
                #expect(check.errors.contains(": error: "), "\(options)")
                let start = try run("impsd", ["--config", engine.configuration, "--allow-root"])
                #expect(start.code == 65, "\(options): \(start.errors)")
            }
            for key in options.keys { try engine.unset(key) }
        }
        #expect(starts > 1 && refusals > 1)
    }

    @Test func anUnknownKeyIsAWarning() throws {
        let engine = try EngineProcess(starts: false)
        try engine.set(["from_the_future": "1"])
        let check = try run("impsd", ["--config", engine.configuration, "--check"])
        #expect(check.code == 0)
        #expect(check.errors.firstMatch(of: /impsd.conf:\d+: warning: main.from_the_future: unknown key/) != nil)
        try engine.start()
        try engine.awaitRecord("CONFIG", "is=warning", "key=from_the_future")
    }

    @Test func commandLinesAndMissingFilesHaveTheirExitCodes() throws {
        #expect(try run("impsd", []).code == 64)
        #expect(try run("impsd", ["--nonsense"]).code == 64)
        #expect(try run("impsd", ["--config", "/nowhere/impsd.conf"]).code == 65)
        #expect(try run("impsd", ["--help"]).code == 0)
        #expect(try run("impsd", ["--help"]).output.contains("--config"))
        #expect(try run("impsctl", []).code == 64)
        #expect(try run("impsctl", ["--help"]).output.contains("user add"))
        #expect(try run("imps", []).code == 64)
        #expect(try run("imps", ["--help"]).output.contains("--server"))
        let engine = try EngineProcess()
        #expect(try engine.control(["dance"]).code == 64 || engine.control(["dance"]).code == 1)
        for command in [["user", "add", "--help"], ["status", "--help"], ["dump", "--help"]] {
            #expect(try engine.control(command).code == 0, "\(command)")
        }
    }

    @Test func asRootItNeedsToBeToldSo() throws {
        guard getuid() == 0 else { return }
        let engine = try EngineProcess(starts: false)
        let ending = try run("impsd", ["--config", engine.configuration])
        #expect(ending.code == 77)
        #expect(ending.errors.contains("E START-FAIL exit=77"))
    }

    @Test func aSecondEngineOnTheStoreIsRefused() throws {
        let engine = try EngineProcess()
        try engine.set(["control": engine.folder.path + "/control2"])
        let ending = try run("impsd", ["--config", engine.configuration, "--allow-root"])
        #expect(ending.code == 75)
        #expect(ending.errors.contains("E START-FAIL exit=75"))
        #expect(try engine.client("alice").logIn().code == 200)
    }

    @Test func aTakenPortIsSaid() throws {
        let engine = try EngineProcess()
        let other = try EngineProcess(["port": "\(engine.port)"], starts: false)
        let ending = try run("impsd", ["--config", other.configuration, "--allow-root"])
        #expect(ending.code == 73)
        #expect(ending.errors.contains("the port is in use"))
    }

    @Test func aPromiseThatMemoryCannotKeepIsRefused() throws {
        let engine = try EngineProcess(["mem_kb": "1024", "max_sessions": "60000"], starts: false)
        let ending = try run("impsd", ["--config", engine.configuration, "--allow-root"])
        #expect(ending.code == 65)
        #expect(ending.errors.contains("mem_kb"))
    }

    @Test func aFolderThatCannotBeMadeIs73() throws {
        let engine = try EngineProcess(starts: false)
        try engine.set(["data_dir": "/proc/nowhere"])
        #expect(try run("impsd", ["--config", engine.configuration, "--allow-root"]).code == 73)
    }

    // MARK: Signals

    @Test func hangupReadsTheConfigurationAgain() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        try engine.set(["service_name": "Changed", "port": "1"])
        engine.signal(SIGHUP)
        try engine.awaitRecord("RELOAD", "used=yes")
        #expect(try alice.request("<GetSPInfo-Request/>").primitive?["Name"]?.text == "Changed")
        try engine.set(["service_name": "Again", "batch_ms": "many"])
        engine.signal(SIGHUP)
        try engine.awaitRecord("RELOAD", "used=no")
        try engine.awaitRecord("CONFIG", "key=batch_ms")
        #expect(try alice.request("<GetSPInfo-Request/>").primitive?["Name"]?.text == "Changed")
    }

    @Test func userSignalsTellTheStatusAndChangeTheLevel() throws {
        let engine = try EngineProcess()
        engine.signal(SIGUSR1)
        try engine.awaitRecord("STATUS", "pool=sessions")
        engine.signal(SIGUSR2)
        try engine.awaitRecord("LEVEL", "level=info")
    }

    // MARK: Log

    @Test func everyRecordIsOneShortLineOfPrintableASCII() throws {
        let engine = try EngineProcess(["log_level": "debug"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let evil = Client(
            try engine.connect(), user: "wv:a\u{1B}[2Jb\u{202E}\u{E9}" + String(repeating: "x", count: 500),
            password: "p\np", "1.2")
        _ = try? evil.logIn()
        let newline = Client(try engine.connect(), user: "x\nup=0.000 N LOGIN user=root", password: "x", "1.2")
        #expect(try newline.logIn().code != 200)
        _ = try engine.connect().post(Array("<WV-CSP-Message\u{7}\n".utf8))
        try engine.awaitRecord("WIRE-REFUSED")
        engine.stop()
        for line in engine.log.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            #expect(
                line.wholeMatch(
                    of: /up=\d+\.\d{3} (t=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ )?[EWNID] [A-Z][A-Z0-9-]+( [ -~]*)?/) != nil,
                "\(line)")
            #expect(line.utf8.count <= 240)
        }
        #expect(!engine.log.contains("secret of alice"))
        #expect(!engine.log.contains(alice.sessionID ?? "?"))
        #expect(!engine.log.contains(alice.cookie))
    }

    @Test func withoutATrustedClockNoTimeIsTold() throws {
        let engine = try EngineProcess(["clock": "untrusted"])
        let alice = try engine.client("alice")
        try alice.logIn()
        try alice.send("x", to: "wv:alice@home.test")
        let message = try #require(try alice.poll())
        #expect(message.primitive?["MessageInfo/DateTime"] == nil)
        #expect(!engine.log.contains(" t="))
    }

    @Test func repeatedWarningsAreHeldBackAndCounted() throws {
        let engine = try EngineProcess(["log_rate": "2"])
        let start = Date()
        for _ in 0..<60 { _ = try engine.client("alice").logIn("wrong") }
        let seconds = Date().timeIntervalSince(start)
        Thread.sleep(forTimeInterval: 4)
        engine.stop()
        let records = engine.records("AUTH-FAIL")
        // Two a second and two more at once.
        #expect(Double(records.count) <= 2 * seconds + 5)
        let counts = engine.log.matches(of: /suppressed=(\d+)|SUPPRESSED code=AUTH-FAIL n=(\d+)/)
        let held = counts.reduce(0) { $0 + (Int($1.1 ?? "") ?? 0) + (Int($1.2 ?? "") ?? 0) }
        #expect(held + records.count == 60)
    }

    // MARK: Operator

    @Test func accountsAreManagedOnlineAndOffline() throws {
        let engine = try EngineProcess(users: [])
        for mode in [[], ["--offline"]] {
            if mode == ["--offline"] { engine.stop() }
            func control(_ words: String..., input: String = "") throws -> Ending {
                try engine.control(mode + words, input: input)
            }
            #expect(try control("user", "add", "zoe", input: "zoes secret\n").code == 0)
            let again = try control("user", "add", "zoe", input: "zoes secret\n")
            #expect(again.code == 1)
            #expect(again.errors.contains("user-exists"), "\(again.errors)")
            #expect(try control("user", "add", "a b", input: "zoes secret\n").code != 0)
            #expect(try control("user", "add", "yan", input: "short\n").code == 1)
            #expect(try control("user", "add", "wv:zoe@elsewhere.test", input: "zoes secret\n").code == 1)
            #expect(try control("user", "passwd", "zoe", input: "zoes other\n").code == 0)
            #expect(try control("user", "passwd", "nobody", input: "zoes other\n").code == 1)
            #expect(try control("user", "list").output.contains("wv:zoe@home.test"))
            #expect(try control("user", "show", "zoe").output.contains("digest"))
            let json = try engine.records(of: mode + ["user", "list"])
            #expect(json.count == 1)
            #expect(json[0]["user"] as? String == "wv:zoe@home.test", "\(json)")
            #expect(try control("user", "del", "zoe").code == 0)
            #expect(try control("user", "show", "zoe").code == 1)
        }
    }

    @Test func offlineIsRefusedWhileTheEngineRunsAndOnlineWhenItDoesNot() throws {
        let engine = try EngineProcess()
        #expect(try engine.control(["--offline", "user", "list"]).code == 75)
        engine.stop()
        #expect(try engine.control(["user", "list"]).code == 69)
        #expect(try engine.control(["--offline", "user", "list"]).code == 0)
    }

    @Test func theControlSocketIsForItsOwnerAlone() throws {
        let engine = try EngineProcess()
        let path = engine.folder.path + "/control"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        engine.kill()
        // A socket that a dead engine left does not keep the next one from starting.
        try engine.start()
        #expect(try engine.control(["status"]).code == 0)
    }

    @Test func sessionsLogAndLevelAreTold() throws {
        let engine = try EngineProcess()
        try engine.client("alice", "1.3").logIn()
        let sessions = try engine.records(of: ["sessions"])
        #expect(sessions.count == 1)
        #expect(sessions[0]["user"] as? String == "wv:alice@home.test", "\(sessions)")
        #expect(try engine.control(["log"]).output.contains("LOGIN user=wv:alice@home.test"))
        #expect(try engine.control(["log-level", "debug"]).code == 0)
        #expect(try engine.control(["log-level"]).output.contains("debug"))
        #expect(try engine.control(["log-level", "loud"]).code == 1)
    }

    @Test func aPasswordChangeHolds() throws {
        let engine = try EngineProcess()
        #expect(try engine.control(["user", "passwd", "alice"], input: "another one\n").code == 0)
        #expect(try engine.client("alice").logIn().code == 409)
        #expect(try engine.client("alice").logIn("another one").code == 200)
    }

    @Test func aDeletedUserIsGoneWithEverything() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        try alice.send("for bob", to: "wv:bob@home.test")
        #expect(try engine.control(["user", "del", "bob"]).code == 0)
        #expect(try bob.poll()?.code == 604)
        #expect(try alice.send("again", to: "wv:bob@home.test").code == 531)
        // A namesake gets nothing of it.
        #expect(try engine.control(["user", "add", "bob"], input: engine.password(of: "bob") + "\n").code == 0)
        let namesake = try engine.client("bob")
        try namesake.logIn()
        #expect(try namesake.receiveTexts() == [])
    }

    @Test func aDumpRestoresEverything() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logInByDigest()
        try alice.send("first\nline & more", to: "wv:bob@home.test", report: true)
        try alice.send(String(repeating: "long ", count: 2000), to: "wv:bob@home.test")
        let dump = try engine.control(["dump"])
        #expect(dump.code == 0)
        #expect(dump.output.allSatisfy { $0.isASCII })
        #expect(!dump.output.contains("secret of"))
        engine.stop()
        #expect(try engine.control(["--offline", "dump"]).output == dump.output)

        let data = engine.folder.path + "/data"
        #expect(try engine.control(["--offline", "restore"], input: dump.output).code != 0, "the store is not empty")
        try FileManager.default.removeItem(atPath: data + "/store.mdb")
        #expect(try engine.control(["restore"], input: dump.output).code == 64)
        #expect(try engine.control(["--offline", "restore"], input: "nonsense\n").code == 65)
        #expect(try engine.control(["--offline", "restore"], input: dump.output).code == 0)
        #expect(try engine.control(["--offline", "dump"]).output == dump.output)
        try engine.start()
        alice.connection = try engine.connect()
        #expect(try alice.poll() == nil)
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        let texts = try bob.receiveTexts()
        #expect(texts.first == "first\nline & more")
        #expect(texts.count == 2)
    }

    // MARK: The client program

    @Test(arguments: versions, [false, true]) func theClientProgramServesScripts(version: String, digest: Bool) throws {
        let engine = try EngineProcess()
        func imps(_ user: String, _ words: String...) throws -> Ending {
            try run(
                "imps",
                [
                    "--server", "http://127.0.0.1:\(engine.port)/", "--user", "wv:\(user)@home.test", "--version",
                    version,
                ]
                    + (digest ? ["--digest"] : []) + words, environment: ["IMPS_PASSWORD": engine.password(of: user)])
        }
        #expect(try imps("alice", "send", "bob", "two\nlines").code == 0)
        #expect(try imps("alice", "send", "wv:nobody@home.test", "x").code == 1)
        let received = try imps("bob", "recv", "--wait", "1")
        #expect(received.code == 0)
        #expect(received.output.hasSuffix("\twv:alice@home.test\ttwo\\nlines\n"), "\(received.output)")
        #expect(try imps("bob", "recv", "--wait", "1").code == 1)
        let large = String(repeating: "0123456789", count: 3000)
        #expect(try imps("alice", "send", "bob", large).code == 64, "longer than a line may be")
        engine.stop()
        #expect(try imps("alice", "send", "bob", "x").code == 69)
    }

    @Test func theClientProgramTellsAWrongPassword() throws {
        let engine = try EngineProcess()
        let ending = try run(
            "imps", ["--server", "http://127.0.0.1:\(engine.port)", "--user", "alice", "recv"],
            environment: ["IMPS_PASSWORD": "wrong one"])
        #expect(ending.code == 77)
        #expect(ending.errors.contains("409"))
    }

    /// Once it runs it has given up what it does not need, which was tried; where the operator does not want it, it has not.
    @Test func itGivesUpWhatItDoesNotNeed() throws {
        for isWanted in [true, false] {
            let engine = try EngineProcess(["confine": isWanted ? "1" : "0"])
            let status = try #require(engine.records(of: ["status"]).first)
            // An emulator has no filters and no Landlock.
            let expected = !isWanted ? "off" : Programs.runner.isEmpty ? "on" : "unavailable"
            #expect(status["confined_calls"] as? String == expected && status["confined_places"] as? String == expected)
            try engine.awaitRecord("CONFINED", "calls=\(expected)", "places=\(expected)")
            #expect(engine.records("CONFINED").first?.contains("tried=refused") == isWanted)
            #expect(try engine.control(["status"]).output.contains("system calls confined: \(expected)"))
            guard Programs.runner.isEmpty else { continue }
            let facts = try String(contentsOfFile: "/proc/\(engine.processID)/status", encoding: .utf8)
            #expect(facts.contains("NoNewPrivs:\t1\n"))
            #expect(facts.contains("Seccomp:\t\(isWanted ? 2 : 0)\n"), "\(facts)")
        }
    }
}
