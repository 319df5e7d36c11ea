import Foundation
import Harness
import Testing

/// The note that messages wait, as part of the login. Source: protocol/system-message.md §6.3.
@Suite struct WaitingMessageTests {
    private func leave(_ count: Int, _ engine: EngineProcess) throws -> Client {
        let bob = try engine.client("bob")
        try bob.logIn()
        for number in 1...count { #expect(try bob.send("message \(number)", to: "wv:alice@home.test").code == 200) }
        return bob
    }

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    @Test func theLoginTellsWhatWaits() throws {
        let engine = try EngineProcess()
        let bob = try leave(3, engine)
        let alice = try engine.client("alice", "1.3")
        let reply = try alice.logIn()
        #expect(reply.code == 200)
        let message = try #require(reply.systemMessages.first)
        #expect(message["SystemMessageText"]?.text == "Messages waiting for you: 3.")
        #expect(message["RequiresResponse"]?.text == "F")
        let options = message["AnswerOptions"]?.all("AnswerOption") ?? []
        #expect(options.compactMap { $0["AnswerOptionText"]?.text } == ["Log in", "Ignore"])
        // Without an answer they come.
        #expect(try alice.receiveTexts() == ["message 1", "message 2", "message 3"])
        try alice.logOut()
        #expect(try alice.logIn().systemMessages.isEmpty)
        try alice.logOut()
        // Ignored they stay, what comes now does not.
        #expect(try bob.send("old", to: "wv:alice@home.test").code == 200)
        let second = try alice.logIn()
        #expect(try identifier(second) != identifier(reply))
        #expect(try alice.answer([(try identifier(second), 2)]).code == 200)
        #expect(try alice.receiveTexts() == [])
        #expect(try bob.send("new", to: "wv:alice@home.test").code == 200)
        #expect(try alice.receiveTexts() == ["new"])
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try alice.receiveTexts() == [])
        try alice.logOut()
        let third = try alice.logIn()
        #expect(third.systemMessages.first?["SystemMessageText"]?.text == "Messages waiting for you: 1.")
        #expect(try alice.answer([(try identifier(third), 1)]).code == 200)
        #expect(try alice.receiveTexts() == ["old"])
    }

    @Test func theUserMayBeAskedFirst() throws {
        let engine = try EngineProcess(["sysmsg_waiting": "prompt"])
        _ = try leave(2, engine)
        let alice = try engine.client("alice", "1.3")
        let asked = try alice.logIn()
        #expect(asked.code == 403)
        #expect(asked.primitive?["SessionID"] == nil)
        #expect(asked.systemMessages.first?["RequiresResponse"]?.text == "T")
        #expect(try identifier(alice.logIn()) == identifier(asked))
        // Nobody is online meanwhile.
        #expect(try engine.control(["sessions"]).output.contains("alice") == false)
        let ignored = try alice.logIn(answering: [(try identifier(asked), 2)])
        #expect(ignored.code == 403)
        #expect(ignored.systemMessages.isEmpty)
        let again = try alice.logIn()
        #expect(again.code == 403)
        #expect(try alice.logIn(answering: [(try identifier(again), 1)]).code == 200)
        #expect(try alice.receiveTexts() == ["message 1", "message 2"])
        try alice.logOut()
        #expect(try alice.logIn().code == 200)
    }

    @Test(arguments: ["1.1", "1.2"]) func anOldClientJustGetsThem(_ version: String) throws {
        let engine = try EngineProcess(["sysmsg_waiting": "prompt"])
        _ = try leave(2, engine)
        let alice = try engine.client("alice", version)
        #expect(try alice.logIn().code == 200)
        #expect(try alice.receiveTexts() == ["message 1", "message 2"])
    }

    @Test func itCanBeSwitchedOff() throws {
        let engine = try EngineProcess(["sysmsg_waiting": "off"])
        _ = try leave(1, engine)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn().systemMessages.isEmpty)
        #expect(try alice.receiveTexts() == ["message 1"])
    }
}
