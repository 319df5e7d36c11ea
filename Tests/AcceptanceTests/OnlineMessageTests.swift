import Foundation
import Harness
import Testing

/// System Messages in a session. Source: protocol/system-message.md §5.
@Suite struct OnlineMessageTests {
    private static let question = [
        "--kind", "online", "--text", "The tariff has changed.", "--option", "1|Fine|full", "--option",
        "2|Less please|limited:FundamentalFeat,PresenceFeat", "--option", "3|No|deny",
    ]

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    private func progress(_ engine: EngineProcess, _ name: String) throws -> [String: Any] {
        try #require(try engine.records(of: ["sysmsg", "progress", name]).first)
    }

    /// Polls until a System Message comes; it is not answered.
    private func systemMessage(_ client: Client) throws -> Reply {
        let reply = try #require(try client.poll())
        try #require(reply.name == "SystemMessage-Request", "\(reply.root)")
        return reply
    }

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    private let shown = "<Status><Result><Code>200</Code></Result></Status>"

    // MARK: Broadcast

    @Test func anAnnouncementReachesEachSessionAtItsOwnPoll() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        let bob = try engine.client("bob", "1.3")
        try alice.logIn()
        try bob.logIn()
        #expect(try alice.poll() == nil)
        let writes = try engine.status("changes")
        try add(engine, "tariff", OnlineMessageTests.question)
        let before = try progress(engine, "tariff")
        #expect(before["sessions_to_poll"] as? Int == 2)
        #expect(before["sent"] as? Int == 0)
        // Nothing is written for anybody who did not ask.
        #expect(try engine.status("changes") - writes < 20)
        let request = try systemMessage(alice)
        #expect(request.mode == "Request")
        #expect(request.systemMessages.first?["SystemMessageText"]?.text == "The tariff has changed.")
        #expect(request.systemMessages.first?["RequiresResponse"]?.text == "F")
        #expect(request.systemMessages.first?["AnswerOptions"]?.all("AnswerOption").count == 3)
        #expect(try progress(engine, "tariff")["sessions_to_poll"] as? Int == 1)
        // Nothing is blocked by it.
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        _ = try alice.respond(to: request, shown)
        #expect(try alice.poll() == nil)
        let seen = try progress(engine, "tariff")
        #expect(seen["shown"] as? Int == 1)
        #expect(seen["answered"] as? Int == 0)
        #expect(try alice.answer([(try identifier(request), 1)]).code == 200)
        #expect(try progress(engine, "tariff")["answered"] as? Int == 1)
        // Who comes later is asked too, once.
        #expect(try bob.receiveAll().map(\.name) == ["NewMessage", "SystemMessage-Request"])
        try bob.logOut()
        try bob.logIn()
        let again = try bob.receiveAll()
        #expect(again.map(\.name) == ["SystemMessage-Request"])
        #expect(try bob.answer([(try identifier(again[0]), 1)]).code == 200)
        try bob.logOut()
        try bob.logIn()
        #expect(try bob.poll() == nil)
    }

    @Test(arguments: ["1.1", "1.2"]) func anOldClientIsAskedByAMessage(_ version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        #expect(try alice.poll() == nil)
        try add(engine, "tariff", OnlineMessageTests.question)
        let message = try #require(try alice.poll())
        #expect(message.name == "NewMessage")
        #expect(message.primitive?["MessageInfo/Sender/User/UserID"]?.text == "wv:system@home.test")
        #expect(
            message.primitive?["ContentData"]?.text
                == "The tariff has changed.\n1 Fine\n2 Less please\n3 No")
        _ = try alice.confirm(message)
        #expect(try engine.records(of: ["sysmsg", "results", "tariff"]).first?["state"] as? String == "shown")
        #expect(try alice.send("2 please", to: "wv:system@home.test").code == 200)
        // The level is another now, and that is said.
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        let said = try alice.receiveTexts()
        #expect(said.contains("Thank you."))
        #expect(said.contains { $0.contains("some functions are closed") })
        #expect(try engine.records(of: ["sysmsg", "results", "tariff"]).first?["option"] as? Int == 2)
    }

    /// A client that answered one before answers another one too.
    @Test func aMessageWithoutStatusIsSentAgain() throws {
        let engine = try EngineProcess(["guard_s": "1"])
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        #expect(try alice.answer([("none", 1)]).code == 426)
        try add(engine, "tariff", OnlineMessageTests.question)
        let first = try systemMessage(alice)
        var deliveries = 1
        for _ in 0..<2 {
            Thread.sleep(forTimeInterval: 1.1 * Programs.slowness)
            let again = try systemMessage(alice)
            #expect(again.transactionID == first.transactionID)
            #expect(try identifier(again) == identifier(first))
            deliveries += 1
        }
        // A client that never answers does not hold its queue up.
        Thread.sleep(forTimeInterval: 1.1 * Programs.slowness)
        #expect(try alice.poll() == nil)
        #expect(deliveries == 3)
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.send("hello", to: "wv:alice@home.test").code == 200)
        #expect(try alice.receiveTexts() == ["hello"])
        // The next session gets it, across a restart.
        try alice.logOut()
        try engine.restart()
        alice.connection = try engine.connect()
        try alice.logIn()
        #expect(try identifier(try systemMessage(alice)) == identifier(first))
    }

    @Test func aRequiredAnswerIsAskedForAgain() throws {
        let engine = try EngineProcess(["sysmsg_remind_s": "1"])
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        try add(engine, "tariff", OnlineMessageTests.question + ["--required"])
        let first = try #require(try alice.receiveAll().first)
        #expect(first.systemMessages.first?["RequiresResponse"]?.text == "T")
        #expect(try alice.poll() == nil)
        Thread.sleep(forTimeInterval: 1.1)
        let second = try #require(try alice.receiveAll().first)
        #expect(try identifier(second) == identifier(first))
        #expect(try alice.send("meanwhile", to: "wv:bob@home.test").code == 200)
        #expect(try alice.answer([(try identifier(first), nil)]).code == 402)
        #expect(try alice.answer([(try identifier(first), 1)]).code == 200)
        Thread.sleep(forTimeInterval: 1.1)
        #expect(try alice.poll() == nil)
    }

    // MARK: Mandatory answers

    @Test func aBlockingMessageClosesTheSessionUntilItIsAnswered() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        let bob = try engine.client("bob", "1.3")
        try alice.logIn()
        try bob.logIn()
        try add(
            engine, "terms", OnlineMessageTests.question + ["--required", "--blocking", "--audience", "user:alice"])
        #expect(try bob.send("for later", to: "wv:alice@home.test").code == 200)
        // It holds from the next request on, whatever that is.
        let refused = try alice.send("no", to: "wv:bob@home.test")
        #expect(refused.code == 403)
        #expect(refused.primitive?["Result/Description"]?.text == "first answer the message from the system")
        #expect(try alice.negotiateServices("<IMFeat/>").code == 403)
        #expect(try alice.request("<GetMessageList-Request/>").code == 403)
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
        let request = try systemMessage(alice)
        // It is closed across a restart too.
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        bob.connection = try engine.connect()
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        #expect(try alice.receiveAll().map(\.name) == ["SystemMessage-Request"])
        #expect(try alice.answer([(try identifier(request), 1)]).code == 200)
        #expect(try alice.receiveTexts() == ["for later"])
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test func noAnswerInTimeEndsTheSession() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        try add(engine, "terms", OnlineMessageTests.question + ["--required", "--blocking", "--timeout", "10"])
        let id = try identifier(try systemMessage(alice))
        try wait("the end of the time", seconds: 20) { !engine.records("SYSMSG-TIMEOUT").isEmpty }
        let end = try #require(try alice.poll())
        #expect(end.name == "Disconnect")
        #expect(end.code == 601)
        #expect(end.primitive?["Result/Description"]?.text.contains("not answered in time") == true)
        // It stays due, before the next session.
        let asked = try alice.logIn()
        #expect(asked.code == 403)
        #expect(try identifier(asked) == id)
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
        #expect(try alice.poll() == nil)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test(arguments: ["1.2", "1.3"]) func whoDeclinesIsSentAway(_ version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        try add(engine, "terms", OnlineMessageTests.question + ["--required", "--blocking"])
        let request = try #require(try alice.poll())
        if version == "1.3" {
            #expect(try alice.answer([(try identifier(request), 3)]).code == 200)
        } else {
            #expect(try alice.send("NO", to: "wv:system@home.test").code == 200)
        }
        let end = try #require(try alice.poll())
        #expect(end.name == "Disconnect")
        #expect(end.code == 601)
        #expect(end.primitive?["Result/Description"]?.text.contains("declined") == true)
        #expect(try alice.poll()?.code == 604)
    }

    @Test func aClientThatCannotAnswerIsToldSo() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.2")
        try alice.logIn()
        try add(engine, "terms", OnlineMessageTests.question + ["--required", "--blocking", "--legacy", "deny"])
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 601)
        let end = try #require(try alice.poll())
        #expect(end.name == "Disconnect")
        #expect(end.primitive?["Result/Description"]?.text.contains("cannot do") == true)
    }

    // MARK: Triggers

    @Test func aWelcomeIsForTheFirstSession() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        try add(engine, "welcome", ["--kind", "welcome", "--text", "Welcome!"])
        try add(engine, "again", ["--kind", "welcome", "--text", "Nice that you are here.", "--audience", "all"])
        // Neither is for a session that was there before.
        #expect(try alice.poll() == nil)
        #expect(try engine.control(["user", "add", "carol"], input: engine.password(of: "carol") + "\n").code == 0)
        let carol = try engine.client("carol", "1.3")
        try carol.logIn()
        let texts = try carol.receiveAll().compactMap { $0.systemMessages.first?["SystemMessageText"]?.text }
        #expect(texts == ["Welcome!", "Nice that you are here."])
        try carol.logOut()
        try carol.logIn()
        #expect(try carol.poll() == nil)
        try alice.logOut()
        try alice.logIn()
        #expect(
            try alice.receiveAll().compactMap { $0.systemMessages.first?["SystemMessageText"]?.text } == [
                "Nice that you are here."
            ])
    }

    @Test func aChangeOfLevelIsToldAndHolds() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        try add(engine, "tariff", OnlineMessageTests.question)
        let id = try identifier(try #require(try alice.receiveAll().first))
        #expect(try alice.answer([(id, 2)]).code == 200)
        let told = try #require(try alice.receiveAll().first)
        #expect(told.systemMessages.first?["SystemMessageText"]?.text.contains("some functions are closed") == true)
        #expect(told.systemMessages.first?["AnswerOptions"] == nil)
        let services = try alice.negotiateServices("<FundamentalFeat/><IMFeat/><PresenceFeat/>")
        #expect(services.primitive?["AllFunctions/WVCSPFeat"]?.childNames.contains("IMFeat") == false)
        // Messages wait as long as there is no level for them.
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.send("for later", to: "wv:alice@home.test").code == 200)
        #expect(try alice.receiveAll().isEmpty)
        // Without the campaign everything is open again, in the session that is there.
        #expect(try engine.control(["sysmsg", "end", "tariff"]).code == 0)
        let after = try alice.receiveAll()
        #expect(after.contains { $0.primitive?["ContentData"]?.text == "for later" })
        #expect(
            after.contains {
                $0.systemMessages.first?["SystemMessageText"]?.text.contains("All functions") == true
            })
    }

    @Test func aFullMailboxIsTold() throws {
        let engine = try EngineProcess(["offline_max_msgs": "2"])
        let bob = try engine.client("bob")
        try bob.logIn()
        for number in 1...5 {
            #expect(try bob.send("message \(number)", to: "wv:alice@home.test").code == (number < 3 ? 200 : 507))
        }
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        let received = try alice.receiveAll()
        #expect(
            received.compactMap { $0.systemMessages.first?["SystemMessageText"]?.text } == [
                "Messages for you that were refused because your mailbox was full: 3."
            ])
        #expect(received.filter { $0.name == "NewMessage" }.count == 2)
        try alice.logOut()
        try alice.logIn()
        #expect(try alice.receiveAll().isEmpty)
    }

    // MARK: Help

    @Test func theSameErrorThreeTimesBringsHelp() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        #expect(try alice.poll() == nil)
        for _ in 0..<2 { #expect(try alice.send("x", to: "wv:nobody@home.test").code == 531) }
        for _ in 0..<2 { #expect(try alice.request("<UpdatePublicProfile-Request/>").code == 501) }
        // What a client asks by itself is nobody's error.
        for _ in 0..<9 { #expect(try alice.request("<GetMap-Request/>").code == 501) }
        #expect(try alice.poll() == nil)
        #expect(try alice.send("x", to: "wv:nobody@home.test").code == 531)
        let help = try systemMessage(alice)
        #expect(help.systemMessages.first?["SystemMessageText"]?.text.contains("no such user") == true)
        let options = help.systemMessages.first?["AnswerOptions"]?.all("AnswerOption") ?? []
        #expect(options.compactMap { $0["AnswerOptionText"]?.text } == ["OK", "Do not show again"])
        _ = try alice.respond(to: help, shown)
        // Once is enough in a session.
        for _ in 0..<5 { #expect(try alice.send("x", to: "wv:nobody@home.test").code == 531) }
        #expect(try alice.poll() == nil)
        #expect(try alice.answer([(try identifier(help), 2)]).code == 200)
        // What is suppressed lies in the inbox.
        #expect(try alice.request("<UpdatePublicProfile-Request/>").code == 501)
        #expect(try alice.poll() == nil)
        let list = try alice.request("<GetMessageList-Request/>")
        let info = try #require(list.primitive?.all("MessageInfo").first)
        #expect(info["Sender/User/UserID"]?.text == "wv:system@home.test")
        let messageID = try #require(info["MessageID"]?.text)
        let fetched = try alice.request(
            "<GetMessage-Request><MessageID>\(messageID)</MessageID></GetMessage-Request>")
        #expect(fetched.primitive?["ContentData"]?.text.contains("does not know that function") == true)
        // It is kept for later sessions, and can be changed.
        try alice.logOut()
        try engine.restart()
        alice.connection = try engine.connect()
        try alice.logIn()
        for (word, answer) in [("help", "off"), ("HELP ON", "on"), ("help", "on"), ("help off", "off")] {
            #expect(try alice.send(word, to: "wv:system@home.test").code == 200)
            #expect(try alice.receiveTexts().last?.contains("messages are \(answer)") == true)
        }
    }

    @Test func anOldClientGetsHelpAsAMessage() throws {
        let engine = try EngineProcess(["help_errors": "2"])
        engine.sections = "config help '531'\n\toption text 'Look at your list of friends.'\n"
        try engine.restart()
        let alice = try engine.client("alice")
        try alice.logIn()
        for _ in 0..<2 { #expect(try alice.send("x", to: "wv:nobody@home.test").code == 531) }
        #expect(try alice.receiveTexts() == ["Look at your list of friends.\n1 OK\n2 Do not show again"])
        #expect(try alice.send("2", to: "wv:system@home.test").code == 200)
        #expect(try alice.send("help", to: "wv:system@home.test").code == 200)
        #expect(try alice.receiveTexts().last?.contains("messages are off") == true)
        // Without the section the default is there again.
        #expect(try alice.send("help on", to: "wv:system@home.test").code == 200)
        _ = try alice.receiveTexts()
        engine.sections = ""
        engine.signal(SIGHUP)
        try engine.awaitRecord("RELOAD")
        try alice.logOut()
        try alice.logIn()
        for _ in 0..<2 { #expect(try alice.send("x", to: "wv:nobody@home.test").code == 531) }
        #expect(try alice.receiveTexts().first?.hasPrefix("There is no such user.") == true)
    }
}
