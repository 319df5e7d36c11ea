import Foundation
import Harness
import Testing

/// Where the store lies, how it survives upgrades and damage, and what it writes.
@Suite struct DataTests {
    private func path(_ engine: EngineProcess, _ name: String) -> String { engine.folder.path + "/data/" + name }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// A message for bob, who is not there.
    private func leave(_ text: String, _ engine: EngineProcess) throws {
        let alice = try engine.client("alice")
        try alice.logIn()
        #expect(try alice.send(text, to: "wv:bob@home.test").code == 200)
        #expect(try alice.logOut().code == 200)
    }

    private func bobReceives(_ engine: EngineProcess) throws -> [String] {
        let bob = try engine.client("bob")
        try bob.logIn()
        defer { _ = try? bob.logOut() }
        return try bob.receiveTexts()
    }

    // MARK: In memory with copies

    @Test func aStoreInMemoryIsCopiedAtTheEndAndByCommand() throws {
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"])
        try engine.awaitRecord("STORE-MODE", "mode=ram+checkpoint", "the configuration says so")
        let files = try FileManager.default.contentsOfDirectory(atPath: engine.folder.path)
        let live = engine.folder.path + "/" + (try #require(files.first { $0.hasSuffix(".ram") }))
        try leave("one", engine)
        #expect(try engine.control(["checkpoint"]).code == 0)
        try engine.awaitRecord("CHECKPOINT", "kb=", "ms=")
        // The copy is whole: a board that loses its memory now has it.
        engine.kill()
        try FileManager.default.removeItem(atPath: live)
        try engine.start()
        try engine.awaitRecord("LAST-EXIT", "why=killed")
        #expect(try bobReceives(engine) == ["one"])
        try leave("two", engine)
        #expect(engine.stop() == 0)
        #expect(engine.records("CHECKPOINT").count == 2)
        #expect(!exists(live))
        try engine.start()
        #expect(try bobReceives(engine) == ["two"])
    }

    @Test(.enabled(if: Programs.runner.isEmpty)) func aCopyThatTheFlashDoesNotKeepReplacesNothing() throws {
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"], starts: false)
        try engine.start(environment: ["LD_PRELOAD": try engine.faultLibrary("bad-copy")])
        let store = URL(fileURLWithPath: path(engine, "store.mdb"))
        let before = try Data(contentsOf: store)
        try leave("one", engine)
        #expect(try engine.control(["checkpoint"]).code == 1)
        try engine.awaitRecord("CHECKPOINT", "the one before is still there", "code=5")
        #expect(try Data(contentsOf: store) == before)
        engine.kill()
        try engine.start()
        #expect(try engine.control(["checkpoint"]).code == 0)
        #expect(try Data(contentsOf: store) != before)
        #expect(try bobReceives(engine) == ["one"])
    }

    /// An hour takes ten seconds here.
    @Test(.enabled(if: Programs.runner.isEmpty)) func theStoreIsDumpedOnASchedule() throws {
        let engine = try EngineProcess(["dump_hours": "1"], starts: false)
        try engine.start(environment: ["LD_PRELOAD": try engine.faultLibrary("hours")])
        try leave("kept", engine)
        let dump = path(engine, "store.dump")
        #expect(!exists(dump))
        // Its timers wait in real time, and look at the clock when something happens.
        try wait("a dump", seconds: 30) {
            try engine.control(["ping"]).code == 0 && !engine.records("STORE-DUMP").isEmpty
        }
        let text = try String(contentsOfFile: dump, encoding: .utf8)
        #expect(text.hasPrefix("impsd-dump schema=5\n") && text.contains("kept"))
        #expect(try engine.status("written_kb") > 0)
        // Nothing changes, so nothing is written.
        let end = Date().addingTimeInterval(12)
        while Date() < end { _ = try engine.control(["ping"]) }
        #expect(engine.records("STORE-DUMP").count == 1)
        // It is what is left when nothing of the store can be read.
        engine.kill()
        try Data(repeating: 0x5A, count: 65536).write(to: URL(fileURLWithPath: path(engine, "store.mdb")))
        try engine.start()
        try engine.awaitRecord("STORE-RESTORED", "could not be read")
        #expect(try bobReceives(engine) == ["kept"])
    }

    @Test func aStoreInMemoryOutlivesItsProcess() throws {
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"])
        try leave("one", engine)
        engine.kill()
        try engine.start()
        #expect(try bobReceives(engine) == ["one"])
        // Another mode takes it over.
        try leave("two", engine)
        engine.kill()
        try engine.set(["data_mode": "flash"])
        try engine.start()
        try engine.awaitRecord("STORE-MODE", "mode=flash")
        #expect(try bobReceives(engine) == ["two"])
        #expect(try engine.control(["checkpoint"]).code == 1)
    }

    @Test(arguments: ["flash", "ram+checkpoint"]) func oneFolderMayHoldEverything(_ mode: String) throws {
        let engine = try EngineProcess(["data_mode": mode], starts: false)
        try engine.set(["control": path(engine, "control")])
        try engine.start()
        try leave("one", engine)
        for text in ["one", "two"] {
            try engine.restart()
            #expect(try bobReceives(engine) == [text])
            engine.kill()
            try engine.start()
            try leave("two", engine)
        }
    }

    /// Each turn is in the log on the volume; where that is full, the volume gets a copy, and the log begins anew.
    @Test func aStoreInMemoryOutlivesAPowerCut() throws {
        let engine = try EngineProcess([
            "data_mode": "ram+checkpoint", "db_kb": "512", "offline_max_msgs": "1000", "mem_kb": "2048",
        ])
        let alice = try engine.client("alice")
        try alice.logIn()
        var sent: [String] = []
        for round in 0..<3 {
            for number in 0..<[1, 40, 120][round] {
                let text = "message \(round) \(number)"
                #expect(try alice.send(text, to: "wv:bob@home.test").code == 200)
                sent.append(text)
            }
            #expect(try (engine.status("log_bytes") == 0) == (engine.status("log_bytes_max") == 0))
            engine.kill()
            let files = try FileManager.default.contentsOfDirectory(atPath: engine.folder.path)
            let live = try #require(files.first { $0.hasSuffix(".ram") })
            if round < 2 { try FileManager.default.removeItem(atPath: engine.folder.path + "/" + live) }
            try engine.start()
            alice.connection = try engine.connect()
        }
        // The log is full after 128 turns.
        #expect(engine.records("CHECKPOINT").count >= 1)
        #expect(try bobReceives(engine) == sent)
    }

    @Test func anIdleStoreInMemoryIsNotCopied() throws {
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"])
        engine.stop()
        let before = try FileManager.default.attributesOfItem(atPath: path(engine, "store.mdb"))
        try engine.start()
        let alice = try engine.client("alice")
        for _ in 0..<10 { _ = try alice.logIn("wrong") }
        #expect(engine.records("CHECKPOINT").count == 1)
        let after = try FileManager.default.attributesOfItem(atPath: path(engine, "store.mdb"))
        #expect(before[.modificationDate] as? Date == after[.modificationDate] as? Date)
    }

    @Test(.enabled(if: Programs.runner.isEmpty)) func aVolumeThatCannotBeMappedGetsTheStoreInMemory() throws {
        let engine = try EngineProcess(starts: false)
        let faults = [
            "LD_PRELOAD": try engine.faultLibrary("no-shared-mapping"),
            "NO_SHARED_MAPPING": engine.folder.path + "/data",
        ]
        // With the mode that the volume cannot have, the start says so.
        try engine.set(["data_mode": "flash"])
        let refused = try run(
            "impsd", ["--config", engine.configuration, "--allow-root"], environment: faults)
        #expect(refused.code == 73, "\(refused.errors)")
        #expect(refused.errors.contains("START-FAIL exit=73 why=\"the store cannot be opened\" code=22"))
        try engine.set(["data_mode": "auto"])
        try engine.start(environment: faults)
        try engine.awaitRecord("STORE-MODE", "mode=ram+checkpoint", "cannot be mapped shared")
        try leave("one", engine)
        #expect(engine.stop() == 0)
        try engine.start(environment: faults)
        #expect(try bobReceives(engine) == ["one"])
    }

    // MARK: Upgrade and damage

    @Test func aDumpThatWasSavedFillsAMissingAndADamagedStore() throws {
        let engine = try EngineProcess()
        try leave("kept", engine)
        #expect(try engine.control(["dump", "--save"]).code == 0)
        engine.stop()
        #expect(try engine.control(["--offline", "dump", "--save"]).code == 0)
        let store = URL(fileURLWithPath: path(engine, "store.mdb"))
        // An upgrade keeps the dump and the key only.
        try FileManager.default.removeItem(at: store)
        try engine.start()
        try engine.awaitRecord("STORE-RESTORED", "was missing", "left_out=0", "from=store.dump")
        #expect(try bobReceives(engine) == ["kept"])
        engine.stop()
        // Another word size, a truncated file, nonsense: all are no store to LMDB.
        var count = 1
        for damage in [Data(repeating: 0x5A, count: 16384), Data("short".utf8)] {
            try damage.write(to: store)
            try engine.start()
            count += 1
            #expect(engine.records("STORE-RESTORED").count == count)
            try engine.awaitRecord("STORE-RESTORED", "could not be read")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path(engine, "store.bad"))) == damage)
            #expect(try bobReceives(engine) == ["kept"])
            engine.stop()
        }
        // It is the last resort, and not taken while there is a store.
        try engine.start()
        #expect(engine.records("STORE-RESTORED").count == count)
        #expect(try bobReceives(engine) == [])
    }

    /// Nobody comes to restore anything: it is kept, and the engine begins anew.
    @Test func withoutADumpADamagedStoreIsPutAside() throws {
        let engine = try EngineProcess(starts: false)
        let damage = Data(repeating: 0x5A, count: 16384)
        try damage.write(to: URL(fileURLWithPath: path(engine, "store.mdb")))
        try engine.start()
        try engine.awaitRecord("STORE-MENDED", "nothing of it could be read", "kept=store.bad")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path(engine, "store.bad"))) == damage)
        #expect(try engine.control(["user", "add", "carol"], input: "secret\n").code == 0)
        engine.kill()
        try engine.start()
        #expect(engine.records("STORE-MENDED").count == 1)
        #expect(try engine.control(["user", "list"]).output.contains("carol"))
    }

    /// What keeps the engine from its store is not its store's fault.
    @Test func aStoreThatMayNotBeReadIsLeftWhereItIs() throws {
        let engine = try EngineProcess()
        try leave("kept", engine)
        engine.kill()
        let store = path(engine, "store.mdb")
        // Even root cannot open a folder for writing.
        try FileManager.default.moveItem(atPath: path(engine, "store.mdb"), toPath: path(engine, "store.moved"))
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: false)
        let ending = try run("impsd", ["--config", engine.configuration, "--allow-root"])
        #expect(ending.code == 73)
        #expect(ending.errors.contains("START-FAIL"))
        try FileManager.default.removeItem(atPath: store)
        try FileManager.default.moveItem(atPath: path(engine, "store.moved"), toPath: store)
        try engine.start()
        #expect(try bobReceives(engine) == ["kept"])
    }

    @Test func aLaterStoreIsNotTouched() throws {
        let engine = try EngineProcess()
        try leave("kept", engine)
        engine.stop()
        let now = try engine.control(["--offline", "dump"]).output
        #expect(now.hasPrefix("impsd-dump schema=5\n"))
        let later = now.replacing("schema=5", with: "schema=6")
        try FileManager.default.removeItem(atPath: path(engine, "store.mdb"))
        let refused = try engine.control(["--offline", "restore"], input: later)
        #expect(refused.code == 65)
        #expect(refused.errors.contains("later version"))
        #expect(try engine.control(["--offline", "user", "list"]).output == "")
    }

    // MARK: Wear

    @Test func whatIsWrittenIsCounted() throws {
        let engine = try EngineProcess(["flash_budget_mb_day": "1", "offline_max_msgs": "5000"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let counter = try engine.status("written_kb")
        let before = try written(engine)
        for number in 0..<200 { #expect(try alice.send("message \(number)", to: "wv:bob@home.test").code == 200) }
        let counted = try engine.status("written_kb") - counter
        #expect(try engine.status("written_kb_day") >= counted)
        // A sector or two of the log each; what the store gets now and then is shared by many.
        #expect((100...250).contains(counted), "\(counted) KB for 200 messages")
        if let before, let after = try written(engine) {
            // The kernel's count of the same, which may take more for a page than what was changed in it.
            #expect((counted...2 * counted).contains(after - before), "\(after - before) KB and \(counted) KB")
        }
        var number = 0
        while engine.records("FLASH-BUDGET").isEmpty, number < 4000 {
            _ = try alice.send("message \(number)", to: "wv:alice@home.test")
            number += 1
        }
        try engine.awaitRecord("FLASH-BUDGET", "budget=1")
        for number in 0..<50 { _ = try alice.send("more \(number)", to: "wv:bob@home.test") }
        #expect(engine.records("FLASH-BUDGET").count == 1)
    }

    /// KB that the kernel says the process wrote; nil where it does not count, or not for this process.
    private func written(_ engine: EngineProcess) throws -> Int? {
        guard Programs.runner.isEmpty,
            let text = try? String(contentsOfFile: "/proc/\(engine.processID)/io", encoding: .utf8),
            let match = text.firstMatch(of: /(?m)^write_bytes: (\d+)/), let count = Int(match.1), count > 0
        else { return nil }
        return count / 1024
    }

    /// A store of schema 2, of a version whose mailboxes knew no senders and whose sessions no User-Agent.
    @Test(arguments: [1, 2]) func aStoreOfAnEarlierVersionGoesOn(schema: Int) throws {
        let engine = try EngineProcess(users: [], starts: false)
        let data = engine.folder.appendingPathComponent("data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        let key = "618c85ed9eb2f4c2103365f85fd921fe7deade9c0148b43181d72cc90a20da0e"
        let octets = stride(from: 0, to: key.count, by: 2).compactMap { UInt8(key.dropFirst($0).prefix(2), radix: 16) }
        try Data(octets).write(to: data.appendingPathComponent("device.key"))
        var dump = try String(
            contentsOf: Programs.package.appendingPathComponent("Tests/Golden/stores/schema-2.dump"), encoding: .utf8)
        if schema == 1 {
            // Its fact is the number alone.
            dump.replace(/!schema \S+/, with: "!schema \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01")
            dump.replace("impsd-dump schema=2", with: "impsd-dump schema=1")
        }
        try Data(dump.utf8).write(to: data.appendingPathComponent("store.dump"))
        try engine.start()
        try engine.awaitRecord("STORE-RESTORED", "left_out=0")
        // Who answered is not asked again, and has his session.
        let bob = try engine.client("bob", "1.3", cookie: "cookie-bob")
        bob.clientID = "<ClientID><URL>phone.bob</URL></ClientID>"
        bob.userAgent = "Handset/1"
        #expect(try bob.logIn().code == 200)
        #expect(bob.sessionID == "00016b961094c803d39318c3be42e17988ab")
        #expect(try bob.receiveTexts() == ["first for bob"])
        #expect(try bob.send("an answer", to: "wv:alice@home.test").code == 200)
        let carol = try engine.client("carol")
        try carol.logIn()
        #expect(try carol.receiveTexts() == ["first for carol", "second for carol"])
        let alice = try engine.client("alice", "1.3")
        alice.sessionID = "0000e09111909aa77dd448f3fdd6295d382a"
        let received = try alice.receiveAll()
        #expect(received.filter { $0.name == "DeliveryReport-Request" }.count == 3)
        #expect(received.filter { $0.name == "NewMessage" }.count == 1)
        #expect(try engine.records(of: ["sysmsg", "results", "terms"]).first?["state"] as? String == "answered")
    }

    // MARK: Factory

    @Test func aFactoryResetForgetsEverything() throws {
        let engine = try EngineProcess()
        try leave("gone", engine)
        #expect(try engine.control(["dump", "--save"]).code == 0)
        // What a dump leaves that was cut off.
        try FileManager.default.copyItem(atPath: path(engine, "store.dump"), toPath: path(engine, "store.dump.new"))
        #expect(try engine.control(["factory-reset"]).code == 64)
        #expect(try engine.control(["factory-reset", "--yes"]).code == 0)
        #expect(engine.awaitEnd() == 0)
        try engine.awaitRecord("FACTORY-RESET", "done=yes")
        #expect(try FileManager.default.contentsOfDirectory(atPath: engine.folder.path + "/data") == ["store.lock"])
        try engine.start()
        #expect(try engine.control(["user", "list"]).output == "")
        engine.stop()
        #expect(try engine.control(["--offline", "factory-reset", "--yes"]).code == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: engine.folder.path + "/data") == ["store.lock"])
    }

    @Test func theFirstStartTakesTheAccountsOfTheFactory() throws {
        let engine = try EngineProcess(users: [], starts: false)
        let file = engine.folder.path + "/provision"
        try engine.set(["provision": file])
        try """
        # from the line
        config account 'alice'
        \toption password '\(engine.password(of: "alice"))'
        config account 'bob'
        \toption password '\(engine.password(of: "bob"))'
        \toption kind 'password-only'
        config account 'carol'
        \toption password 'short'
        config contact
        \toption owner 'alice'
        \toption list 'friends'
        \toption user 'bob'
        \toption nickname 'Bob, who lives here'
        config contact
        \toption owner 'alice'
        \toption list 'friends'
        \toption user 'nobody'
        config account 'dave'
        \toption password '\(engine.password(of: "dave"))'
        \((0..<7).map { "\toption x\($0) '\(String(repeating: "\u{E9}", count: 950))'" }.joined(separator: "\n"))
        """.write(toFile: file, atomically: true, encoding: .utf8)
        try engine.start()
        try engine.awaitRecord("PROVISION", "accounts=2")
        try engine.awaitRecord("CONFIG", "is=error", "file=\(file.prefix(60))", "line=7", "password-refused")
        #expect(try engine.client("alice").logInByDigest().code == 200)
        let contacts = try engine.control(["--csv", "contacts", "list"]).output
        #expect(
            contacts.split(separator: "\n").dropFirst() == [
                "wv:alice@home.test,friends,yes,,wv:bob@home.test,\"Bob, who lives here\""
            ])
        try leave("hello", engine)
        #expect(try bobReceives(engine) == ["hello"])
        // What the operator did since is not undone.
        #expect(try engine.control(["user", "del", "alice"]).code == 0)
        try engine.restart()
        #expect(engine.records("PROVISION").count == 1)
        #expect(try !engine.control(["user", "list"]).output.contains("alice"))
        // A reset board is as new.
        #expect(try engine.control(["factory-reset", "--yes"]).code == 0)
        _ = engine.awaitEnd()
        try engine.start()
        #expect(engine.records("PROVISION").count == 2)
        #expect(try engine.client("alice").logInByDigest().code == 200)
    }
}
