import Foundation
import Harness
import Testing

/// Copies of a store, each damaged in another way, and what an engine makes of them: it serves, with what is whole.
@Suite struct DamagedStoreTests {
    private static let people = (0..<20).map { "person\($0)" }
    private static let messageCount = 300

    enum Damage: String, CaseIterable {
        case flip, zeros, ones, scratch, head, swapped, old, cut, logFlip, logZeros, logCut, logOld
    }

    /// What became of the copies with one damage.
    private struct Row {
        var copies = 0
        var received = 0
        var people = 0
        var mended = 0
        var setAside = 0
        var deaths = 0
        var violations: [String] = []
    }

    /// The files of a data folder.
    private struct Copy {
        var store: [UInt8]
        var log: [UInt8]

        init(_ folder: String) throws {
            store = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/store.mdb")))
            log = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/store.log")))
        }

        func write(to folder: String) throws {
            for name in ["store.bad", "store.new", "store.try"] {
                try? FileManager.default.removeItem(atPath: folder + "/" + name)
            }
            try Data(store).write(to: URL(fileURLWithPath: folder + "/store.mdb"))
            try Data(log).write(to: URL(fileURLWithPath: folder + "/store.log"))
        }

        private static let page = 4096

        mutating func take(_ damage: Damage, earlier: Copy, _ random: inout Seeded) {
            let pages = store.count / Copy.page
            let used = log.lastIndex { $0 != 0 }.map { $0 / 512 + 1 } ?? 1
            func page() -> Range<Int> {
                let number = Int.random(in: 2..<pages, using: &random)
                return number * Copy.page..<(number + 1) * Copy.page
            }
            func sector() -> Range<Int> {
                let number = Int.random(in: 0..<used, using: &random)
                return number * 512..<(number + 1) * 512
            }
            switch damage {
            case .flip:
                for _ in 0..<20 {
                    store[Int.random(in: 0..<store.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                }
            case .zeros: for place in page() { store[place] = 0 }
            case .ones: for place in page() { store[place] = 0xFF }
            case .scratch:
                let start = Int.random(in: 0..<store.count - 64, using: &random)
                for place in start..<start + 64 { store[place] = 0xFF }
            case .head:
                let start = Int.random(in: 0..<2, using: &random) * Copy.page
                let count = [160, Copy.page].randomElement(using: &random)!
                for place in start..<start + count { store[place] = [0, 0xFF, 0x5A].randomElement(using: &random)! }
            case .swapped:
                let (first, second) = (page(), page())
                let kept = Array(store[first])
                store.replaceSubrange(first, with: store[second])
                store.replaceSubrange(second, with: kept)
            case .old:
                let page = page()
                if page.upperBound <= earlier.store.count { store.replaceSubrange(page, with: earlier.store[page]) }
            case .cut: store.removeLast(Int.random(in: 1..<store.count, using: &random))
            case .logFlip:
                log[Int.random(in: 0..<used * 512, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case .logZeros: for place in sector() { log[place] = 0 }
            case .logCut: log.removeLast(Int.random(in: 1..<log.count, using: &random))
            case .logOld:
                let sector = sector()
                log.replaceSubrange(sector, with: earlier.log[sector])
            }
        }
    }

    /// Somebody for each text of a message: who it is for.
    private func fill(_ engine: EngineProcess) throws -> Copy {
        let sender = try engine.client("alice")
        try sender.logIn()
        var earlier: Copy?
        for number in 0..<DamagedStoreTests.messageCount {
            let name = DamagedStoreTests.people[number % DamagedStoreTests.people.count]
            let text = "\(number) for \(name) " + String(repeating: "x", count: number % 400)
            #expect(try sender.send(text, to: "wv:\(name)@home.test").code == 200)
            if number == 200 {
                // What lies in the log goes into the store.
                engine.stop()
                earlier = try Copy(engine.folder.path + "/data")
                try engine.start()
                sender.connection = try engine.connect()
            }
        }
        engine.kill()
        return try #require(earlier)
    }

    /// Starts the engine until it stays; how often it died.
    private func startUntilItStays(_ engine: EngineProcess) throws -> Int {
        for deaths in 0..<3 {
            do {
                try engine.start()
                return deaths
            } catch { engine.kill() }
        }
        throw HarnessError("the engine does not start: \(engine.log.suffix(600))")
    }

    /// What one gets, a confirmation for each; what is wrong with it.
    private func receive(_ name: String, _ engine: EngineProcess, _ row: inout Row) throws {
        let person = try engine.client(name)
        guard try person.logIn().code == 200 else { return }
        row.people += 1
        var seen: Set<String> = []
        // What is no well-formed document is an error here.
        for reply in try person.receiveAll() where reply.name == "NewMessage" {
            let text = reply.primitive?["ContentData"]?.text ?? ""
            let words = text.split(separator: " ", maxSplits: 3)
            if words.count < 3 || words[2] != name || !(words.count < 4 || words[3].allSatisfy { $0 == "x" }) {
                row.violations.append("\(name) got \(text.prefix(60))")
            }
            if !seen.insert(text).inserted { row.violations.append("\(name) got again \(text.prefix(30))") }
        }
        row.received += seen.count
        _ = try person.logOut()
    }

    private func endure(_ engine: EngineProcess, _ row: inout Row) throws {
        row.copies += 1
        let mended = engine.records("STORE-MENDED").count
        row.deaths += try startUntilItStays(engine)
        if engine.records("STORE-MENDED").count > mended { row.mended += 1 }
        for name in DamagedStoreTests.people {
            do {
                try receive(name, engine, &row)
            } catch {
                guard !engine.isRunning else { throw error }
                row.deaths += 1 + (try startUntilItStays(engine))
                try receive(name, engine, &row)
            }
        }
        row.setAside += try engine.status("set_aside")
        // It is one that works.
        if !(try engine.control(["user", "list"]).output.contains("wv:alice@")) {
            #expect(try engine.control(["user", "add", "alice"], input: engine.password(of: "alice") + "\n").code == 0)
        }
        if !(try engine.control(["user", "list"]).output.contains("wv:bob@")) {
            #expect(try engine.control(["user", "add", "bob"], input: engine.password(of: "bob") + "\n").code == 0)
        }
        let alice = try engine.client("alice", cookie: UUID().uuidString)
        let login = try alice.logIn()
        let sent = login.code == 200 ? try alice.send("afterwards", to: "wv:bob@home.test") : login
        guard sent.code == 200 else {
            return row.violations.append(
                "nobody can send: \(sent.name) \(sent.code) \(sent.primitive?["Result/Description"]?.text ?? "")")
        }
        engine.kill()
        try engine.start()
        let bob = try engine.client("bob")
        guard try bob.logIn().code == 200, try bob.receiveTexts().contains("afterwards") else {
            return row.violations.append("what is acknowledged is lost")
        }
        engine.kill()
    }

    /// A store that a start leaves for another one.
    enum Left: String, CaseIterable {
        /// Because a record is not what was written.
        case damaged
        /// Because it is of a version without seals.
        case older
        /// Because it is gone, and there is a dump.
        case missing
        /// Because nothing leads to its records any more: the accounts are taken, and what the log still has.
        case headless
    }

    /// The power is cut at each write and flush of a start that leaves a store for another one: it is the one or the other, never
    /// none.
    @Test(.enabled(if: Programs.runner.isEmpty), arguments: Left.allCases)
    func aPowerCutWhileAStoreIsLeftLosesNoMore(why: Left) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        let texts = (0..<12).map { "message number \($0) of twelve" }
        for text in texts { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
        if why == .missing { #expect(try engine.control(["dump", "--save"]).code == 0) }
        engine.stop()
        if why == .damaged {
            try engine.start()
            engine.kill()
        }
        let folder = engine.folder.path + "/data"
        if why == .older {
            let program = engine.folder.path + "/older-store"
            let source = Programs.package.appendingPathComponent("Tests/Support/older-store.c").path
            #expect(try runCommand(["clang", "-o", program, source, "-llmdb"]).code == 0)
            #expect(try runCommand([program, folder + "/store.mdb"]).code == 0)
        }
        var copy = try Copy(folder)
        // What was written before lies in pages that are free now.
        let text = Array(texts[7].utf8)
        for place in 0..<copy.store.count - text.count
        where why == .damaged && copy.store[place..<place + text.count].elementsEqual(text) {
            copy.store[place] ^= 0x20
        }
        if why == .headless { for place in 0..<2 * 4096 { copy.store[place] = 0 } }
        let (code, words, expected) =
            switch why {
            case .damaged: ("STORE-MENDED", "damaged=1", texts.filter { $0 != texts[7] })
            case .older: ("STORE-MIGRATED", "from=4", texts)
            case .missing: ("STORE-RESTORED", "left_out=0", texts)
            case .headless: ("STORE-MENDED", "could not be read", Array(texts.suffix(4)))
            }
        let library = try engine.faultLibrary("power-cut")
        var starts = 0
        for cut in 1...60 {
            try copy.write(to: folder)
            if why == .missing { try FileManager.default.removeItem(atPath: folder + "/store.mdb") }
            do {
                try engine.start(
                    environment: ["LD_PRELOAD": library, "CUT_AT": "\(cut)", "CUT_SEED": "\(cut % 2 == 0 ? cut : 0)"])
                starts = cut
            } catch {}
            engine.kill()
            try engine.start()
            #expect(engine.records(code).last?.contains(words) == true, "cut at \(cut)")
            let bob = try engine.client("bob")
            #expect(try bob.logIn().code == 200)
            let received = try bob.receiveTexts()
            #expect(received == expected, "cut at \(cut)")
            if why == .damaged { #expect(try engine.control(["check"]).output.contains("wv:bob@home.test")) }
            try bob.logOut()
            engine.kill()
            if starts > 0 { break }
        }
        print("stores that are left, \(why): \(starts) power cuts")
        #expect(starts >= 5)
    }

    /// A store for which there is no other place is left where it is: on a full volume, and where no child can be had.
    @Test(.enabled(if: Programs.runner.isEmpty && getuid() == 0)) func withoutRoomADamagedStoreIsLeftAlone() throws {
        let engine = try EngineProcess(starts: false)
        let volume = engine.folder.path + "/volume"
        try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: true)
        guard mount("tmpfs", volume, "tmpfs", 0, "size=2m") == 0 else {
            return withKnownIssue("no volume can be mounted here") { Issue.record("mount") }
        }
        defer {
            engine.kill()
            umount2(volume, 2 /* MNT_DETACH */)
        }
        try engine.set(["data_dir": volume + "/data"])
        for user in ["alice", "bob"] {
            _ = try engine.control(["--offline", "user", "add", user], input: engine.password(of: user) + "\n")
        }
        try engine.start()
        let alice = try engine.client("alice")
        try alice.logIn()
        let texts = (0..<12).map { "message number \($0) of twelve" }
        for text in texts { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
        engine.stop()
        try engine.start()
        engine.kill()
        let folder = volume + "/data"
        var damaged = try Copy(folder)
        let text = Array(texts[7].utf8)
        for place in 0..<damaged.store.count - text.count
        where damaged.store[place..<place + text.count].elementsEqual(text) { damaged.store[place] ^= 0x20 }
        try damaged.write(to: folder)
        // No room for another store.
        let filler = volume + "/filler"
        let file = open(filler, O_WRONLY | O_CREAT, 0o600)
        let octets = [UInt8](repeating: 0, count: 4096)
        while write(file, octets, octets.count) > 0 {}
        close(file)
        #expect(throws: (any Error).self) { try engine.start() }
        #expect(engine.log.contains("the store cannot be written; has the volume room?"))
        #expect(try Copy(folder).store == damaged.store)
        try FileManager.default.removeItem(atPath: filler)
        // No child: nobody looks, and what is damaged is set aside when somebody wants it.
        try engine.start(environment: ["LD_PRELOAD": try engine.faultLibrary("no-child")])
        #expect(engine.records("STORE-MENDED").isEmpty)
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == texts.filter { $0 != texts[7] })
        try engine.awaitRecord("STORE-DAMAGE", "kind=message", "user=wv:bob@home.test")
        #expect(try engine.status("set_aside") == 1)
        #expect(try engine.control(["check"]).output.contains("wv:bob@home.test"))
    }

    /// Whatever leads to the records is gone, and all of them are there: those that were deleted before do not come back.
    @Test(.enabled(if: Programs.runner.isEmpty)) func aStoreWithoutItsTreeIsReadByItsPages() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        for number in 0..<40 { try alice.send("early \(number)", to: "wv:bob@home.test") }
        #expect(try bob.receiveTexts().count == 40)
        try bob.logOut()
        let texts = (0..<40).map { "late \($0) " + String(repeating: "x", count: $0 * 60) }
        for text in texts { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
        engine.stop()
        let folder = engine.folder.path + "/data"
        var copy = try Copy(folder)
        var branches = 0
        for page in stride(from: 2 * 4096, to: copy.store.count, by: 4096) where copy.store[page + 10] == 1 {
            for place in page..<page + 4096 { copy.store[place] = 0 }
            branches += 1
        }
        #expect(branches > 0)
        try copy.write(to: folder)
        try engine.start()
        #expect(engine.records("STORE-MENDED").last?.contains("missing=0") == true, "\(engine.records("STORE-MENDED"))")
        bob.connection = try engine.connect()
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts() == texts)
    }

    /// The log is one from before, and the store does not know which one is its own.
    @Test(arguments: [0, 1]) func anOldLogBringsNothingBack(head: Int) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        for number in 0..<4 { #expect(try alice.send("early \(number)", to: "wv:bob@home.test").code == 200) }
        engine.kill()
        let folder = engine.folder.path + "/data"
        let log = try Copy(folder).log
        try engine.start()
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts().count == 4)
        for user in ["carol", "dora"] {
            try engine.restart()
            #expect(try engine.control(["user", "add", user], input: "a password\n").code == 0)
        }
        engine.stop()
        var copy = try Copy(folder)
        copy.log = log
        for place in head * 4096..<(head + 1) * 4096 { copy.store[place] = 0 }
        try copy.write(to: folder)
        try engine.start()
        bob.connection = try engine.connect()
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts().isEmpty)
        #expect(try engine.control(["user", "list"]).output.contains("carol"))
    }

    /// A copy on the volume that says nothing is no reason to fetch it again and again.
    @Test func aCopyThatCannotBeReadEndsInANewStore() throws {
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"])
        engine.stop()
        let store = URL(fileURLWithPath: engine.folder.path + "/data/store.mdb")
        try Data(repeating: 0x5A, count: try Data(contentsOf: store).count).write(to: store)
        try engine.start()
        #expect(engine.records("STORE-MENDED").last?.contains("nothing of it could be read") == true)
        #expect(try engine.control(["user", "add", "carol"], input: "a password\n").code == 0)
    }

    /// A full store of 8 MB, after an end that was none: all of it is read before it is trusted.
    @Test func aFullStoreIsReadThroughBeforeItIsTrusted() throws {
        let engine = try EngineProcess(Crowd.settings, users: ["bob"] + Crowd.senders)
        let count = try Crowd.fillStore(engine, for: "wv:bob@home.test", octets: 1000)
        engine.kill()
        let start = Date()
        try engine.start()
        let seconds = Date().timeIntervalSince(start)
        #expect(engine.records("STORE-MENDED").isEmpty)
        print(
            "damaged stores: a full one with \(count) messages is ready \(String(format: "%.3f", seconds)) s after the start,",
            engine.records("STORE-OPEN").last ?? "")
        #expect(count > 2000)
    }

    /// A store whose own facts are gone cannot say that it was left in order.
    @Test func aStoreThatLostItsFactsIsLookedThrough() throws {
        let engine = try EngineProcess(users: ["alice", "zoe"] + (0..<60).map { "person\($0)" })
        let alice = try engine.client("alice")
        try alice.logIn()
        let texts = (0..<60).map { "message number \($0) of sixty " + String(repeating: "x", count: 300) }
        for text in texts { #expect(try alice.send(text, to: "wv:zoe@home.test").code == 200) }
        engine.stop()
        var copy = try Copy(engine.folder.path + "/data")
        let pages = stride(from: 2 * 4096, to: copy.store.count, by: 4096).map { $0..<$0 + 4096 }
        func holds(_ page: Range<Int>, _ word: String) -> Bool {
            Data(copy.store[page]).range(of: Data(word.utf8)) != nil
        }
        let other = try #require(pages.last { holds($0, texts[40]) && !holds($0, "!schema") })
        for page in pages where holds(page, "!schema") { copy.store.replaceSubrange(page, with: copy.store[other]) }
        try copy.write(to: engine.folder.path + "/data")
        try engine.start()
        #expect(engine.records("STORE-MENDED").count == 1)
        let zoe = try engine.client("zoe")
        try zoe.logIn()
        #expect(try zoe.receiveTexts().count > 50)
    }

    @Test func damageCostsWhatWasDamaged() throws {
        let copies =
            Int(ProcessInfo.processInfo.environment["IMPSD_TORTURE"] ?? "")
            ?? (Programs.runner.isEmpty ? 48 : 12)
        let engine = try EngineProcess(users: ["alice", "bob"] + DamagedStoreTests.people)
        let earlier = try fill(engine)
        let folder = engine.folder.path + "/data"
        let whole = try Copy(folder)
        var rows: [Damage: Row] = [:]
        // One that failed can be looked at alone.
        let only = Int(ProcessInfo.processInfo.environment["IMPSD_TORTURE_COPY"] ?? "")
        for number in only.map({ $0..<$0 + 1 }) ?? 0..<copies {
            let damage = Damage.allCases[number % Damage.allCases.count]
            var random = Seeded(UInt64(number + 1))
            var copy = whole
            copy.take(damage, earlier: earlier, &random)
            try copy.write(to: folder)
            var row = rows[damage] ?? Row()
            do {
                try endure(engine, &row)
            } catch { row.violations.append("\(error)") }
            if row.violations.count > (rows[damage]?.violations.count ?? 0) {
                row.violations.append("of copy \(number)")
            }
            engine.kill()
            rows[damage] = row
        }
        for damage in Damage.allCases {
            guard let row = rows[damage] else { continue }
            func share(_ count: Int, of total: Int) -> String {
                String(format: "%.1f %%", Double(count) * 100 / Double(row.copies * total))
            }
            print(
                "damaged stores, \(damage): \(row.copies) copies,",
                "\(share(row.people, of: DamagedStoreTests.people.count)) of the people,",
                "\(share(row.received, of: DamagedStoreTests.messageCount)) of the messages,",
                "\(row.mended) mended, \(row.setAside) records set aside, \(row.deaths) deaths")
            #expect(row.violations.isEmpty, "\(damage): \(row.violations.prefix(5))")
            #expect(row.deaths <= row.copies)
            // A file that was cut may have lost everything.
            guard damage != .cut else { continue }
            #expect(row.people > row.copies * DamagedStoreTests.people.count / 2)
            #expect(row.received > row.copies * DamagedStoreTests.messageCount / 2)
        }
    }
}
