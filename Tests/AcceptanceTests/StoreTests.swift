import Foundation
import Harness
import Testing

/// What happens to what was acknowledged, and when there is no room.
@Suite struct StoreTests {
    @Test func aFullMapRefusesMessagesServesTheRestAndRecovers() throws {
        let crowd = (0..<6).map { "sender\($0)" }
        let engine = try EngineProcess(
            ["db_kb": "512", "offline_max_msgs": "100000", "offline_max_kb": "100000"],
            users: ["alice", "bob"] + crowd)
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        _ = try bob.poll()
        let text = String(repeating: "fill ", count: 1000)
        var accepted = 0
        // Nobody may fill it alone.
        for user in crowd {
            let sender = try engine.client(user)
            try sender.logIn()
            var reply = try sender.send(text, to: "wv:bob@home.test")
            while reply.code == 200, accepted < 1000 {
                accepted += 1
                reply = try sender.send(text, to: "wv:bob@home.test")
            }
            #expect(reply.code == 507)
        }
        #expect(accepted > 20)
        #expect(try alice.send(text, to: "wv:bob@home.test").code == 507)
        try engine.awaitRecord("STORE-FULL")
        // Everything else goes on: polls, logins of both kinds, logouts, fetching and confirming.
        #expect(try alice.poll() == nil)
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
        let second = try engine.client("alice", "1.3")
        #expect(try second.logInByDigest().code == 200)
        #expect(try second.logOut().code == 200)
        let received = try bob.receiveTexts()
        #expect(received == Array(repeating: text, count: accepted))
        try wait("room") { try alice.send("small", to: "wv:bob@home.test").code == 200 }
        try engine.awaitRecord("STORE-ROOM")
        #expect(try bob.receiveTexts() == ["small"])
        // Nothing of this was only in memory.
        try engine.restart()
        bob.connection = try engine.connect()
        #expect(try bob.poll() == nil)
    }

    @Test func aFullVolumeRefusesMessagesAndRecovers() throws {
        guard getuid() == 0 else { return }
        let engine = try EngineProcess(
            [
                "offline_max_msgs": "100000", "offline_max_kb": "100000", "db_kb": "65536",
            ], starts: false)
        let volume = engine.folder.path + "/volume"
        try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: true)
        guard mount("tmpfs", volume, "tmpfs", 0, "size=8m") == 0 else {
            withKnownIssue("no volume can be mounted here") {
                Issue.record("mount: \(String(cString: strerror(errno)))")
            }
            return
        }
        defer {
            engine.kill()
            umount2(volume, 2 /* MNT_DETACH */)
        }
        let word = engine.folder.path + "/word"
        try "a long password\n".write(toFile: word, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: word)
        engine.sections = "config admin 'main'\n\toption port '0'\n\toption password_file '\(word)'\n"
        try engine.set(["data_dir": volume + "/data", "batch_ms": "200"])
        for user in ["alice", "bob"] {
            let ending = try engine.control(
                ["--offline", "user", "add", user], input: engine.password(of: user) + "\n")
            #expect(ending.code == 0)
        }
        try engine.start()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        // Somebody else fills the volume while the engine runs.
        let filler = volume + "/filler"
        _ = FileManager.default.createFile(atPath: filler, contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
        while (try? handle.write(contentsOf: Data(count: 4096))) != nil {}
        try handle.close()
        var accepted = 0
        let text = String(repeating: "fill ", count: 1000)
        var code = 200
        while code == 200, accepted < 1000 {
            code = try alice.send(text, to: "wv:bob@home.test").code
            if code == 200 { accepted += 1 }
        }
        #expect(code == 507)
        #expect(try alice.poll() == nil)
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
        #expect(engine.isRunning)
        // Requests one behind the other share the turn that cannot be kept: each hears of its own, in order.
        let messages = (0..<12).map {
            alice.document(
                $0 % 3 == 2 ? "<GetSPInfo-Request/>" : alice.sendContent(text, to: ["wv:bob@home.test"]),
                transaction: "full \($0)")
        }
        try alice.connection.send(messages.map { StoreTests.post($0) }.joined())
        for place in messages.indices {
            let answer = try StoreTests.answer(alice.connection)
            #expect(answer.contains("<TransactionID>full \(place)</TransactionID>"), "\(place): \(answer)")
            #expect(answer.contains("<Code>507</Code>") == (place % 3 != 2), "\(place): \(answer)")
        }
        // The operator's page asks in the middle of such a turn: what was refused stays refused, once.
        let page = try HTTPConnection(port: AdminPageTests.port(engine))
        let proof = Data("x:a long password".utf8).base64EncodedString()
        let other = try engine.client("alice")
        other.sessionID = alice.sessionID
        for round in 0..<4 {
            let body = alice.document(alice.sendContent(text, to: ["wv:bob@home.test"]), transaction: "in \(round)")
            try alice.connection.send(StoreTests.post(body))
            try page.send("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \(proof)\r\n\r\n")
            let next = other.document(other.sendContent(text, to: ["wv:bob@home.test"]), transaction: "on \(round)")
            try other.connection.send(StoreTests.post(next))
            #expect(try StoreTests.answer(alice.connection).contains("<Code>507</Code>"))
            #expect(try page.receive()?.status == 200)
            #expect(try StoreTests.answer(other.connection).contains("<Code>507</Code>"))
        }
        #expect(engine.isRunning)
        try FileManager.default.removeItem(atPath: filler)
        try wait("room") { try alice.send("small", to: "wv:bob@home.test").code == 200 }
        #expect(try bob.receiveTexts() == Array(repeating: text, count: accepted) + ["small"])
    }

    private static func post(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// What comes next, which is XML whatever the clients of the tests speak.
    private static func answer(_ connection: HTTPConnection) throws -> String { try connection.receive()?.text ?? "" }

    /// What lies in a connection's buffer is one turn: one commit, one write.
    @Test func requestsOneBehindTheOtherAreFewCommits() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        let before = try engine.status("commits")
        let bodies = (0..<96).map {
            alice.document(alice.sendContent("message \($0)", to: ["wv:bob@home.test"]), transaction: "p\($0)")
        }
        try alice.connection.send(bodies.map { StoreTests.post($0) }.joined())
        for place in bodies.indices {
            let answer = try StoreTests.answer(alice.connection)
            #expect(
                answer.contains("<TransactionID>p\(place)</TransactionID>") && answer.contains("<Code>200</Code>"),
                "\(place): \(answer)")
        }
        let commits = try engine.status("commits") - before
        print("pipelining: 96 messages in \(commits) commits")
        #expect(commits <= 32)
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == (0..<96).map { "message \($0)" })
    }

    @Test func nothingIsWrittenWhenNothingHappens() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        _ = try alice.poll()
        let commits = try engine.status("commits")
        for _ in 0..<50 { #expect(try alice.poll() == nil) }
        for _ in 0..<20 { _ = try engine.client("alice").logIn("wrong") }
        for _ in 0..<20 { _ = try engine.connect().post("<nonsense") }
        Thread.sleep(forTimeInterval: 2)
        #expect(try engine.status("commits") == commits)
    }

    @Test func aTurnOfManyRequestsIsOneCommit() throws {
        let engine = try EngineProcess(["batch_ms": "300"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let before = try engine.status("commits")
        var all = ""
        let senders = try (0..<8).map { _ in try engine.connect() }
        for (index, connection) in senders.enumerated() {
            let body = alice.document(alice.sendContent("m", to: ["wv:bob@home.test"]), transaction: "b\(index)")
            all =
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            try connection.send(all)
        }
        for connection in senders { #expect(try connection.receive()?.status == 200) }
        #expect(try engine.status("commits") - before <= 2)
    }
}

/// Writers, a SIGKILL at a random moment, a restart, and an account of every message. `IMPSD_DURABILITY_ROUNDS` sets how
/// often.
@Suite struct DurabilityTests {
    @Test func nothingAcknowledgedIsLostAndNothingConfirmedComesAgain() throws {
        let rounds = Int(ProcessInfo.processInfo.environment["IMPSD_DURABILITY_ROUNDS"] ?? "") ?? 3
        let engine = try EngineProcess([
            "offline_max_msgs": "100000", "offline_max_kb": "1000000", "db_kb": "262144", "sessions_per_user": "64",
            "guard_s": "1",
        ])
        var random = SystemRandomNumberGenerator()
        let ledger = Ledger()
        let reader = try engine.client("bob")
        try reader.logIn()
        for round in 0..<rounds {
            let writers = try (0..<16).map { try engine.client("alice", versions[$0 % 3], cookie: "w\($0)") }
            reader.connection = try engine.connect()
            let seconds = Double.random(in: 0.3...1.5, using: &random) * Programs.slowness
            ledger.round("\(round)", writers: writers, to: "wv:bob@home.test", reader: reader, seconds: seconds) {
                engine.kill()
            }
            try engine.start()
        }
        // Everything that is left, once the guard lets through what was sent and not confirmed.
        reader.connection = try engine.connect()
        try ledger.drain(reader)
        #expect(ledger.lost.isEmpty, "\(ledger.lost.count) of \(ledger.acknowledged.count): \(ledger.lost.prefix(3))")
        #expect(ledger.violations.isEmpty, "\(ledger.violations.prefix(3))")
        #expect(ledger.acknowledged.count > rounds * 16)
        print("durability: \(rounds) rounds, \(ledger.acknowledged.count) messages acknowledged, all delivered")
    }

    /// The same with the power cut at any write and any flush: what was not flushed is there in part, or not at all. In every
    /// other round only the program dies there.
    @Test(.enabled(if: Programs.runner.isEmpty), arguments: ["flash", "ram+checkpoint"])
    func aPowerCutAtAnyWriteLosesNothing(_ mode: String) throws {
        let rounds = Int(ProcessInfo.processInfo.environment["IMPSD_POWER_CUT_ROUNDS"] ?? "") ?? 8
        // Little memory: the store is committed often.
        let engine = try EngineProcess(
            [
                "offline_max_msgs": "100000", "offline_max_kb": "1000000", "db_kb": "65536", "mem_kb": "2048",
                "sessions_per_user": "64", "guard_s": "1", "data_mode": mode,
            ], starts: false)
        let library = try engine.faultLibrary("power-cut")
        var random = SystemRandomNumberGenerator()
        let ledger = Ledger()
        var reader: Client?
        for round in 0..<rounds {
            let place = Int.random(in: 1...(round % 4 < 2 ? 60 : 1500), using: &random)
            let seed = round % 2 == 0 ? UInt64.random(in: 1 ... .max, using: &random) : 0
            do {
                try engine.start(
                    environment: ["LD_PRELOAD": library, "CUT_AT": "\(place)", "CUT_SEED": "\(seed)"])
                let writers = try (0..<4).map { try engine.client("alice", versions[$0 % 3], cookie: "w\($0)") }
                if reader == nil { reader = try engine.client("bob") }
                guard let reader else { continue }
                reader.connection = try engine.connect()
                if reader.sessionID == nil { try reader.logIn() }
                ledger.round("\(round)", writers: writers, to: "wv:bob@home.test", reader: reader, seconds: 1) {
                    engine.kill()
                }
            } catch {
                // It died before anybody was there.
                engine.kill()
            }
            // The power takes what lies in memory.
            for file in try FileManager.default.contentsOfDirectory(at: engine.folder, includingPropertiesForKeys: nil)
            where seed != 0 && file.pathExtension == "ram" {
                try FileManager.default.removeItem(at: file)
            }
        }
        try engine.start()
        let last = try reader ?? engine.client("bob")
        last.connection = try engine.connect()
        if last.sessionID == nil { try last.logIn() }
        try ledger.drain(last)
        #expect(ledger.lost.isEmpty, "\(ledger.lost.count) of \(ledger.acknowledged.count): \(ledger.lost.prefix(3))")
        #expect(ledger.violations.isEmpty, "\(ledger.violations.prefix(3))")
        let kept = engine.records("STORE-OPEN").count
        print(
            "power cuts, \(mode): \(rounds), \(ledger.acknowledged.count) messages acknowledged, \(ledger.lost.count) lost, \(kept) starts"
        )
    }
}
