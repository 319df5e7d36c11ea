import Foundation
import Harness
import Testing

/// Stores that look whole, over which an engine ends or dies: they are left for another one once, and only where that may help.
extension DamagedStoreTests {
    /// Asks for changes until the engine ends by itself.
    private func awaitEnd(ofWhatCannotChange engine: EngineProcess) throws {
        try wait("the engine ends") {
            _ = try? engine.control(["user", "add", "carol"], input: "a password\n")
            return !engine.isRunning
        }
    }

    /// A store that reads well and that nobody can write into: the engine ends by itself, or dies of it twice; then everything
    /// is carried into another one.
    @Test(.enabled(if: Programs.runner.isEmpty), arguments: ["refuse", "crash"])
    func aStoreThatOnlyReadsWellIsMended(how: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        let texts = (0..<12).map { "message number \($0) of twelve" }
        for text in texts { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
        engine.stop()
        let environment = [
            "LD_PRELOAD": try engine.faultLibrary("bad-store"), "HOW": how,
            "BAD": engine.folder.path + "/data/store.bad",
        ]
        var ends = 0
        while engine.records("STORE-MENDED").isEmpty, ends < 4 {
            try? engine.start(environment: environment)
            guard engine.records("STORE-MENDED").isEmpty else { break }
            try awaitEnd(ofWhatCannotChange: engine)
            #expect(how == "crash" || engine.awaitEnd() == 74)
            ends += 1
        }
        #expect(ends == (how == "crash" ? 2 : 1))
        #expect(engine.records("STORE-MENDED").last?.contains("the engine could not work with it") == true)
        #expect(engine.records("STORE-FAIL").count < 8)
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == texts)
    }

    /// A store that nobody can write into after it was mended, which is a disk: the engine stays, and refuses what it cannot keep.
    @Test(.enabled(if: Programs.runner.isEmpty)) func aDiskThatRefusesEverythingIsNoReasonToGoInCircles() throws {
        let engine = try EngineProcess()
        engine.stop()
        let environment = ["LD_PRELOAD": try engine.faultLibrary("bad-store"), "HOW": "refuse", "BAD": "/nowhere"]
        try engine.start(environment: environment)
        try awaitEnd(ofWhatCannotChange: engine)
        try engine.start(environment: environment)
        #expect(engine.records("STORE-MENDED").count == 1)
        let mark = engine.records("STORE-FAIL").count
        for _ in 0..<6 {
            let refused = try engine.control(["user", "add", "carol"], input: "a password\n")
            #expect(refused.code != 0 && refused.errors.contains("store-fail"))
        }
        Thread.sleep(forTimeInterval: 2)
        #expect(engine.isRunning)
        #expect(engine.records("STORE-FAIL").count - mark < 12)
    }

    /// Whatever else kills the engine: the store is left for another one once, and not each time.
    @Test(.enabled(if: Programs.runner.isEmpty)) func aDefectIsNoReasonToMendAgainAndAgain() throws {
        let engine = try EngineProcess()
        for _ in 0..<5 {
            engine.signal(SIGSEGV)
            try wait("the engine ends") { !engine.isRunning }
            try engine.start()
        }
        #expect(engine.records("STORE-MENDED").count == 1)
        #expect(engine.records("LAST-EXIT").count { $0.contains("why=defect") && $0.contains("signal=SIGSEGV") } == 5)
        // One that ended as it should begins anew.
        try engine.restart()
        engine.signal(SIGSEGV)
        try wait("the engine ends") { !engine.isRunning }
        try engine.start()
        #expect(engine.records("STORE-MENDED").count == 1)
    }

    /// What is somebody else's store stays as it is, whatever processes died over it.
    @Test(.enabled(if: Programs.runner.isEmpty)) func aForeignStoreIsNotTouched() throws {
        let engine = try EngineProcess()
        let lastWords = try engine.findLastWords()
        try engine.start()
        engine.stop()
        let store = engine.folder.path + "/data/store.mdb"
        let program = engine.folder.path + "/older-store"
        let source = Programs.package.appendingPathComponent("Tests/Support/older-store.c").path
        #expect(try runCommand(["clang", "-o", program, source, "-llmdb"]).code == 0)
        #expect(try runCommand([program, store, "9"]).code == 0)
        let before = try Data(contentsOf: URL(fileURLWithPath: store))
        for deaths in ["0", "2"] {
            try Data("\(deaths) up=1.000 E FATAL".utf8).write(to: URL(fileURLWithPath: lastWords))
            #expect(try run("impsd", ["--config", engine.configuration, "--allow-root"]).code == 73)
            #expect(try Data(contentsOf: URL(fileURLWithPath: store)) == before)
        }
    }

    /// Last words that another user left are nobody's.
    @Test(.enabled(if: Programs.runner.isEmpty && getuid() == 0)) func lastWordsOfOthersAreNotBelieved() throws {
        let engine = try EngineProcess()
        let file = try engine.findLastWords()
        for isOwn in [false, true] {
            try Data("0 up=1.000 E STORE-FAIL code=1".utf8).write(to: URL(fileURLWithPath: file))
            if !isOwn { #expect(chown(file, 12345, 12345) == 0) }
            try engine.start()
            #expect(engine.records("STORE-MENDED").count == (isOwn ? 1 : 0))
            #expect(engine.records("LAST-EXIT").count { $0.contains("STORE-FAIL") } == (isOwn ? 1 : 0))
            engine.stop()
        }
    }
}
