import Foundation
import Harness
import Testing

/// System Messages as the terminal client shows them. Source: protocol/system-message.md §1, the rows of the client.
@Suite struct ClientTests {
    private static let longest =
        "Messages cost 0.10 each. " + String(repeating: "All of these words are shown. ", count: 16) + "END"

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    private func arguments(_ engine: EngineProcess, _ user: String) -> [String] {
        ["--server", "http://127.0.0.1:\(engine.port)/", "--user", "wv:\(user)@home.test"]
    }

    private func imps(_ engine: EngineProcess, _ user: String, _ words: String...) throws -> Ending {
        try run(
            "imps", arguments(engine, user) + words, environment: ["IMPS_PASSWORD": engine.password(of: user)])
    }

    private let terms = [
        "--required", "--blocking", "--option", "1|Accept|full", "--option", "3|Decline|deny", "--try-again", "600",
    ]

    @Test func theQuestionIsShownAndAnsweredBeforeTheLogin() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", ClientTests.longest, "--lead-in", "Please choose:"] + terms)
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        _ = try bob.receiveTexts()
        #expect(try bob.send("1", to: "wv:system@home.test").code == 200)
        #expect(try bob.send("for later", to: "wv:alice@home.test").code == 200)
        let terminal = try PseudoTerminal(
            "imps", arguments(engine, "alice"), columns: 60,
            environment: ["IMPS_PASSWORD": engine.password(of: "alice")])
        try terminal.await("Messages cost 0.10 each.")
        try terminal.await("END")
        try terminal.await("Please choose:")
        try terminal.await("1  Accept")
        try terminal.await("3  Decline")
        try terminal.await("Your choice (1 or 3): ")
        // All of it, in lines that fit.
        #expect(terminal.text.components(separatedBy: "shown.").count == 17)
        let lines = terminal.text.split(whereSeparator: \.isNewline)
        #expect(lines.allSatisfy { $0.count <= 60 }, "\(lines)")
        terminal.type("2")
        try terminal.await("Your choice (1 or 3): ")
        #expect(try engine.control(["sessions"]).output.contains("alice") == false)
        terminal.type("1")
        // What waited is announced, and shown.
        try terminal.await("Messages waiting for you: 1.")
        try terminal.await("Your choice (1 or 2; return for none): ")
        terminal.type("")
        try terminal.await("You are logged in.")
        try terminal.await("bob (while you were away): for later")
        // In the session: a message that has to be answered, and nothing else is done before.
        try add(
            engine, "tariff",
            ["--kind", "online", "--text", "The tariff changes.", "--required", "--option", "7|Fine|full"])
        try terminal.await("The tariff changes.")
        try terminal.await("7  Fine")
        try terminal.await("Your choice (7): ")
        terminal.type("hello bob")
        try terminal.await("First answer the message")
        terminal.type("\u{15}/who")
        try terminal.await("First answer the message")
        terminal.type("\u{15}7")
        try terminal.await("Answered.")
        terminal.type("/msg bob hello")
        try terminal.await("#1: hello")
        terminal.type("/quit")
        #expect(terminal.awaitEnd() == 0)
        let results = try engine.records(of: ["sysmsg", "results", "tariff"])
        #expect(results.first { $0["user"] as? String == "wv:alice@home.test" }?["option"] as? Int == 7)
    }

    /// Who is called need not poll: here nobody would for an hour. Source: protocol/transport.md §6.
    @Test(arguments: zip(["tcp", "tcp", "udp", "http"], ["1.1", "1.3", "1.2", "1.3"]))
    func theServerCallsWhenSomethingWaits(method: String, version: String) throws {
        let engine = try EngineProcess(["poll_min": "3600"])
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        let terminal = try PseudoTerminal(
            "imps", arguments(engine, "alice") + ["--version", version, "--cir", method, "--wbxml"], columns: 80,
            environment: ["IMPS_PASSWORD": engine.password(of: "alice")])
        try terminal.await("You are logged in.")
        for text in ["one", "two"] {
            #expect(try bob.send(text, to: "wv:alice@home.test").code == 200)
            try terminal.await(": \(text)", seconds: 20)
        }
        // After a restart it is called as before.
        try engine.set(["port": "\(engine.port)", "cir_port": "\(engine.cirPort)"])
        engine.kill()
        try engine.start()
        bob.connection = try engine.connect()
        #expect(try bob.send("three", to: "wv:alice@home.test").code == 200)
        try terminal.await(": three", seconds: 40)
        let call = try engine.records(of: ["sessions"]).compactMap { $0["call"] as? String }
        #expect(call.contains("s\(method)"), "\(call)")
        terminal.type("/quit")
        #expect(terminal.awaitEnd() == 0)
    }

    @Test func whoIsNotCalledPolls() throws {
        let engine = try EngineProcess(["cir": "off"])
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        #expect(try bob.send("one", to: "wv:alice@home.test").code == 200)
        let received = try imps(engine, "alice", "--cir", "tcp", "recv", "--wait", "2")
        #expect(received.code == 0)
        #expect(received.output.hasSuffix("\tone\n"))
        #expect(received.errors.contains("the server does not call this way"))
        #expect(try imps(engine, "alice", "--cir", "sms", "recv").code == 64)
    }

    @Test func aDenialSaysWhyAndWhenToTryAgain() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", "Do you accept?"] + terms)
        let denied = try imps(engine, "alice", "--answer", "terms=3", "recv", "--wait", "1")
        #expect(denied.code == 77)
        #expect(denied.errors.contains("403 (Do you accept?); try again in 10 minutes"), "\(denied.errors)")
    }

    @Test func scriptsAnswerByOptions() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", "Do you accept?"] + terms)
        // Without an answer there is no access, and it is said what to do.
        let failed = try imps(engine, "alice", "--on-system-message", "fail", "send", "bob", "x")
        #expect(failed.code == 77)
        #expect(failed.errors.contains("Do you accept?"))
        #expect(failed.errors.contains("--answer NAME=OPTION"))
        #expect(try imps(engine, "alice", "send", "bob", "x").code == 77)
        #expect(try imps(engine, "alice", "--answer", "other=1", "send", "bob", "x").code == 77)
        #expect(try imps(engine, "alice", "--answer", "terms=9", "send", "bob", "x").code == 77)
        #expect(try imps(engine, "alice", "--answer", "terms=1", "send", "bob", "hello").code == 0)
        let received = try imps(engine, "bob", "--on-system-message", "accept", "recv", "--wait", "1")
        #expect(received.output.hasSuffix("\thello\n"))
        #expect(try imps(engine, "alice", "--answer", "terms", "recv").code == 64)
        #expect(try imps(engine, "alice", "--on-system-message", "perhaps", "recv").code == 64)
        // In a session too.
        try add(
            engine, "tariff",
            ["--kind", "online", "--text", "The tariff changes.", "--option", "1|Fine|full", "--option", "2|No|full"])
        let asked = try imps(engine, "bob", "--on-system-message", "decline", "recv", "--wait", "1")
        #expect(asked.errors.contains("The tariff changes."))
        let results = try engine.records(of: ["sysmsg", "results", "tariff"])
        #expect(results.first { $0["user"] as? String == "wv:bob@home.test" }?["option"] as? Int == 2)
    }

    @Test func aKeyGoesWithTheAnswer() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", "Do you accept?", "--verify", "SMS"] + terms)
        let key = try #require(
            try engine.control(["sysmsg", "key", "terms", "alice"]).output.firstMatch(of: /key=(\d{8})/)?.1)
        let asked = try imps(engine, "alice", "--on-system-message", "fail", "recv", "--wait", "1")
        #expect(asked.errors.contains("the key that came by SMS"))
        #expect(try imps(engine, "alice", "--answer", "terms=1:\(key)", "send", "bob", "x").code == 0)
    }
}
