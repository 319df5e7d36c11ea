import Foundation
import Harness
import Testing

/// The question before the door. Source: protocol/system-message.md §4.
@Suite struct SystemMessageTests {
    private static let terms = [
        "--kind", "login", "--text", "Messages cost 0.10 each. Do you accept?", "--required", "--blocking",
        "--option", "1|Accept|full", "--option", "2|Presence only|limited:FundamentalFeat,PresenceFeat",
        "--option", "3|Decline|deny", "--lead-in", "Please choose:",
    ]

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    private let password = "<Password>secret of alice</Password>"

    // MARK: Asking

    @Test func aRequiredQuestionComesBeforeTheSession() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        let before = try alice.logOut()
        #expect(before.code == 200)
        try add(engine, "terms-2026", SystemMessageTests.terms)
        for digest in [false, true] {
            let asked = try digest ? alice.logInByDigest() : alice.logIn()
            #expect(asked.code == 403)
            #expect(asked.primitive?["SessionID"] == nil)
            #expect(asked.primitive?["Result/Description"]?.text == "Messages cost 0.10 each. Do you accept?")
            let message = try #require(asked.systemMessages.first)
            #expect(
                message.childNames == [
                    "SystemMessageID", "SystemMessageText", "AnswerOptionsText", "AnswerOptions", "RequiresResponse",
                ])
            #expect(message["SystemMessageText"]?.text == "Messages cost 0.10 each. Do you accept?")
            #expect(message["AnswerOptionsText"]?.text == "Please choose:")
            #expect(message["RequiresResponse"]?.text == "T")
            let options = message["AnswerOptions"]?.all("AnswerOption") ?? []
            #expect(options.compactMap { $0["AnswerOptionID"]?.number } == [1, 2, 3])
            #expect(options.compactMap { $0["AnswerOptionText"]?.text } == ["Accept", "Presence only", "Decline"])
        }
        // The same list again, as often as a client asks that once answered, even wrongly.
        let id = try identifier(alice.logIn(answering: [("none", 1)], credentials: password))
        for _ in 0..<3 { #expect(try identifier(alice.logIn()) == id) }
        // The answer opens the session, without credentials.
        let opened = try alice.logIn(answering: [(id, 1)])
        #expect(opened.code == 200)
        #expect(opened.primitive?["SessionID"]?.text.isEmpty == false)
        #expect(try alice.poll() == nil)
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try alice.logOut().code == 200)
        // It is asked once, whoever asks next is asked too.
        #expect(try alice.logIn().code == 200)
        #expect(try engine.client("bob", "1.3").logIn().code == 403)
    }

    @Test func anAnswerNeedsTheClientThatWasAsked() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        let other = try engine.client("alice", "1.3", cookie: "another")
        #expect(try [402, 409].contains(other.logIn(answering: [(id, 1)]).code))
        let impostor = try engine.client("alice", "1.3", cookie: alice.cookie)
        impostor.clientID = "<ClientID><URL>impostor</URL></ClientID>"
        #expect(try [402, 409].contains(impostor.logIn(answering: [(id, 1)]).code))
        // A cookie may be known; from elsewhere it proves nothing.
        let elsewhere = try engine.client("alice", "1.3", cookie: alice.cookie)
        elsewhere.connection = try HTTPConnection(port: engine.port, from: 77)
        #expect(try elsewhere.logIn(answering: [(id, 1)]).code == 409)
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
    }

    @Test func nobodyIsOnlineWhileHeIsAsked() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.2")
        try alice.logIn()
        try add(engine, "terms", SystemMessageTests.terms + ["--audience", "user:bob"])
        let bob = try engine.client("bob", "1.3")
        let id = try identifier(bob.logIn())
        #expect(try engine.control(["sessions"]).output.contains("bob") == false)
        #expect(try alice.send("for later", to: "wv:bob@home.test").code == 200)
        // Without a session there is nothing inband.
        #expect(try bob.poll()?.code == 604)
        #expect(try bob.logIn(answering: [(id, 1)]).code == 200)
        #expect(try bob.receiveTexts() == ["for later"])
    }

    @Test func aPendingLoginSurvivesARestart() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        #expect(try alice.poll() == nil)
        #expect(try alice.logIn().code == 200)
    }

    @Test func noAnswerInTimeMeansNoAccess() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms + ["--timeout", "10"])
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        try wait("the end of the time", seconds: 20) { !engine.records("SYSMSG-TIMEOUT").isEmpty }
        #expect(try [402, 409].contains(alice.logIn(answering: [(id, 1)]).code))
        // The same message, with the same identifier, is asked again.
        #expect(try identifier(alice.logIn()) == id)
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
    }

    // MARK: Answers

    @Test func aDenialClosesTheDoorUntilTheNextAttempt() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms + ["--try-again", "3600"])
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        let denied = try alice.logIn(answering: [(id, 3)])
        #expect(denied.code == 403)
        #expect(denied.primitive?["SystemMessageList"] == nil)
        let seconds = try #require(denied.primitive?["TryAgainTimeout"]?.number)
        #expect((3590...3600).contains(seconds))
        #expect(try alice.logIn().primitive?["TryAgainTimeout"] != nil)
        try add(engine, "privacy", SystemMessageTests.terms + ["--audience", "user:bob"])
        // Without a time to wait the message stays due.
        #expect(try engine.control(["sysmsg", "end", "terms"]).code == 0)
        let bob = try engine.client("bob", "1.3")
        let other = try identifier(bob.logIn())
        #expect(try bob.logIn(answering: [(other, 3)]).code == 403)
        let asked = try identifier(bob.logIn())
        #expect(asked != other, "what was answered is not what is asked now")
        #expect(try bob.logIn(answering: [(asked, 1)]).code == 200)
    }

    @Test func whoDeclinedMayBeKeptOut() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms + ["--no-reoffer"])
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 3)]).code == 403)
        let again = try alice.logIn()
        #expect(again.code == 403)
        #expect(again.systemMessages.isEmpty)
        #expect(again.primitive?["TryAgainTimeout"] == nil)
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 1)]).code == 200)
    }

    @Test func theAnswerSetsTheLevelOfService() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        #expect(try alice.logIn(answering: [(id, 2)]).code == 200)
        let services = try alice.negotiateServices("<FundamentalFeat/><IMFeat/><PresenceFeat/>")
        #expect(services.root.description.contains("<IMFeat>") || services.root.description.contains("IMFeat"))
        let offered = try #require(services.primitive?["AllFunctions/WVCSPFeat"])
        #expect(!offered.childNames.contains("IMFeat"))
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try alice.logOut().code == 200)
        // It holds at later logins, after a restart, and until it is renewed.
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try alice.logIn().code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try alice.logOut().code == 200)
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        let again = try identifier(alice.logIn())
        #expect(again != id)
        #expect(try alice.logIn(answering: [(again, 1)]).code == 200)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test func severalMessagesAreAskedAtOnceAndTheirLevelsMeet() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        try add(
            engine, "age",
            [
                "--kind", "login", "--text", "Are you 18?", "--required", "--blocking", "--option", "1|Yes|full",
                "--option", "9|No|limited:FundamentalFeat,IMFeat",
            ])
        try add(engine, "news", ["--kind", "login", "--text", "There are news."])
        let alice = try engine.client("alice", "1.3")
        let asked = try alice.logIn()
        let ids = asked.systemMessages.compactMap { $0["SystemMessageID"]?.text }
        #expect(asked.systemMessages.compactMap { $0["RequiresResponse"]?.text } == ["T", "T", "F"])
        try #require(ids.count == 3)
        // One answer is not enough; what is left is asked again.
        let half = try alice.logIn(answering: [(ids[0], 2)])
        #expect(half.code == 403)
        #expect(half.systemMessages.first?["SystemMessageID"]?.text == ids[1])
        let opened = try alice.logIn(answering: [(ids[1], 9)])
        #expect(opened.code == 200)
        #expect(opened.systemMessages.isEmpty)
        // Presence only, and messages only: nothing is left of both.
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
    }

    @Test func aWrongAnswerIsToldAndAskedAgain() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        for (answer, code) in [((id, 7), 402), ((id, nil), 402), (("sm-99-1-1", 1), 426), (("nonsense", 1), 426)]
            as [((String, Int?), Int)]
        {
            let reply = try alice.logIn(answering: [answer])
            #expect(reply.code == code, "\(answer)")
            #expect(try identifier(reply) == id)
            #expect(reply.primitive?["SessionID"] == nil)
        }
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
    }

    @Test func aKeyFromElsewhereIsVerified() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms + ["--verify", "SMS"])
        let key = try #require(
            try engine.control(["sysmsg", "key", "terms", "alice"]).output.firstMatch(of: /key=(\d{8})/)?.1)
        let alice = try engine.client("alice", "1.3")
        let asked = try alice.logIn()
        #expect(asked.systemMessages.first?["VerificationMechanism"]?.text == "SMS")
        let id = try identifier(asked)
        func answer(_ key: String) throws -> Reply {
            try alice.request(
                alice.loginContent("").replacing(
                    "</Login-Request>", with: Client.responses([(id, 1)], key: key) + "</Login-Request>"))
        }
        #expect(try answer("00000000").code == 402)
        #expect(try answer(String(key)).code == 200)
        // Three wrong ones are a denial.
        let bob = try engine.client("bob", "1.3")
        let other = try identifier(bob.logIn())
        for expected in [402, 402, 403] {
            let reply = try bob.request(
                bob.loginContent("").replacing(
                    "</Login-Request>", with: Client.responses([(other, 1)], key: "1") + "</Login-Request>"))
            #expect(reply.code == expected)
        }
    }

    // MARK: Without waiting

    @Test func aMessageThatNeedsNoAnswerCostsNoRoundTrip() throws {
        let engine = try EngineProcess()
        try add(
            engine, "news",
            [
                "--kind", "login", "--text", "There are news.", "--option", "1|Fine|full", "--option",
                "2|Less|limited:FundamentalFeat",
            ])
        let alice = try engine.client("alice", "1.3")
        let reply = try alice.logIn()
        #expect(reply.code == 200)
        let id = try identifier(reply)
        // Who gets it with the login gets it once.
        #expect(try alice.receiveTexts() == [])
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
        #expect(try alice.answer([("sm-9-9-9", 1)]).code == 426)
        #expect(try alice.answer([(id, 5)]).code == 402)
        let mixed = try alice.answer([(id, 2), ("sm-9-9-9", 1)])
        #expect(mixed.code == 201)
        #expect(mixed.primitive?["Result/DetailedResult/Code"]?.number == 426)
        #expect(mixed.primitive?["Result/DetailedResult/MessageID"]?.text == "sm-9-9-9")
        // The level changes in the open session; a repeat changes nothing, another answer is refused.
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try alice.answer([(id, 2)]).code == 200)
        let late = try alice.answer([(id, 1)])
        #expect(late.code == 201)
        #expect(late.primitive?["Result/DetailedResult/Code"]?.number == 426)
        #expect(try alice.request("<SystemMessage-User/>").code == 402)
        #expect(try alice.logOut().code == 200)
        #expect(try alice.logIn().systemMessages.isEmpty)
    }

    @Test func withoutAMessageTheLoginIsTheSame() throws {
        let engine = try EngineProcess()
        func answer() throws -> String {
            let alice = try engine.client("alice", "1.3", cookie: UUID().uuidString)
            let reply = try alice.logIn()
            return reply.http.text.replacing(reply.primitive?["SessionID"]?.text ?? "-", with: "ID")
        }
        let before = try answer()
        try add(engine, "terms", SystemMessageTests.terms + ["--audience", "user:bob"])
        #expect(try answer() == before)
        #expect(try engine.control(["sysmsg", "end", "terms"]).code == 0)
        #expect(try answer() == before)
    }

    // MARK: Other clients

    @Test(arguments: ["1.1", "1.2"]) func anOldClientIsToldWhyItMayNotComeIn(_ version: String) throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms + ["--legacy", "deny"])
        let reply = try engine.client("alice", version).logIn()
        #expect(reply.code == 403)
        #expect(reply.primitive?["Result/Description"]?.text == "Messages cost 0.10 each. Do you accept?")
        #expect(reply.systemMessages.isEmpty)
        #expect(reply.primitive?["SessionID"] == nil)
    }

    @Test(arguments: ["1.1", "1.2"]) func anOldClientAnswersByAMessage(_ version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        #expect(try alice.send("for later", to: "wv:bob@home.test").code == 200)
        try add(engine, "terms", SystemMessageTests.terms + ["--audience", "user:bob"])
        let bob = try engine.client("bob", version)
        #expect(try bob.logIn().code == 200)
        // Only the question comes, and only an answer goes.
        let question = try bob.receiveTexts()
        #expect(
            question == [
                "Messages cost 0.10 each. Do you accept?\nPlease choose:\n1 Accept\n2 Presence only\n3 Decline"
            ])
        #expect(try bob.send("no", to: "wv:alice@home.test").code == 403)
        #expect(try bob.receiveTexts().isEmpty)
        try engine.restart()
        alice.connection = try engine.connect()
        bob.connection = try engine.connect()
        #expect(try bob.send("no", to: "wv:alice@home.test").code == 403)
        #expect(try bob.send("perhaps", to: "wv:system@home.test").code == 200)
        #expect(try bob.receiveTexts().first?.contains("number or the words of one option") == true)
        #expect(try bob.send(version == "1.1" ? "1" : "ACCEPT", to: "wv:system@home.test").code == 200)
        #expect(try Set(bob.receiveTexts()) == ["for later", "Thank you."])
        #expect(try bob.send("yes", to: "wv:alice@home.test").code == 200)
        #expect(try bob.logOut().code == 200)
        #expect(try bob.logIn().code == 200)
        #expect(try bob.send("yes", to: "wv:alice@home.test").code == 200)
        // Who declines is sent away.
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        #expect(try bob.logOut().code == 200)
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts().count == 1)
        #expect(try bob.send("3", to: "wv:system@home.test").code == 200)
        #expect(try bob.poll()?.name == "Disconnect")
        #expect(try engine.control(["user", "add", "system"], input: "of the system\n").code == 1)
    }

    @Test func anAnswerToSomethingElseOpensNothing() throws {
        let engine = try EngineProcess(["offline_max_msgs": "20"])
        try add(
            engine, "news", ["--kind", "login", "--text", "News?", "--option", "1|Yes|full", "--option", "2|No|full"])
        try add(engine, "terms", SystemMessageTests.terms)
        let bob = try engine.client("bob", "1.2")
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts().count == 2)
        // What blocks is answered first, so this is no answer to it.
        #expect(try bob.send("No", to: "wv:system@home.test").code == 200)
        #expect(try bob.send("no", to: "wv:alice@home.test").code == 403)
        // Nobody fills his own mailbox by talking to the system.
        for _ in 0..<40 { #expect(try bob.send("what?", to: "wv:system@home.test").code == 200) }
        #expect(try bob.receiveTexts().count <= 20)
        #expect(try bob.send("1", to: "wv:system@home.test").code == 200)
        #expect(try bob.send("yes", to: "wv:alice@home.test").code == 200)
        #expect(try bob.send("No", to: "wv:system@home.test").code == 200)
        let results = try engine.records(of: ["sysmsg", "results", "news"])
        #expect(results.first?["option"] as? Int == 2)
    }

    // MARK: The operator

    @Test func theProofSaysWhoWasAskedAndWhatHeSaid() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", SystemMessageTests.terms)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        var results = try engine.records(of: ["sysmsg", "results", "terms"])
        #expect(results.count == 1)
        #expect(results.first?["state"] as? String == "sent")
        #expect(try alice.logIn(answering: [(id, 2)]).code == 200)
        #expect(try engine.client("bob", "1.3").logIn().code == 403)
        #expect(try engine.control(["sysmsg", "end", "terms"]).code == 0)
        #expect(try engine.control(["user", "del", "alice"]).code == 0)
        try engine.restart()
        results = try engine.records(of: ["sysmsg", "results", "terms"])
        let mine = try #require(results.first { $0["user"] as? String == "wv:alice@home.test" })
        #expect(mine["state"] as? String == "answered")
        #expect(mine["option"] as? Int == 2)
        #expect((mine["answered"] as? Int ?? 0) >= (mine["sent"] as? Int ?? .max))
        #expect(results.contains { $0["user"] as? String == "wv:bob@home.test" && $0["state"] as? String == "sent" })
    }

    @Test func whatIsWrongWithACampaignIsSaid() throws {
        let engine = try EngineProcess()
        func refused(_ fields: [String], _ words: String) throws {
            let ending = try engine.control(["sysmsg", "add", "x"] + fields)
            #expect(ending.code == 1, "\(fields)")
            #expect(ending.errors.contains(words), "\(ending.errors)")
        }
        try refused(["--kind", "login"], "1 to 512 characters")
        try refused(["--text", String(repeating: "ä", count: 513)], "1 to 512 characters")
        try refused(["--text", "x", "--kind", "loud"], "kind is login, online or welcome")
        try refused(["--text", "x", "--required"], "needs an option")
        try refused(["--text", "x", "--blocking"], "blocking needs required")
        try refused(["--text", "x", "--option", "0|a|full"], "1 to 65535")
        try refused(["--text", "x", "--option", "1|a|half"], "full, deny, or limited")
        try refused(["--text", "x", "--option", "1|a|full", "--option", "1|b|full"], "its own")
        try refused(["--text", "x", "--option", "1|\(String(repeating: "a", count: 65))|full"], "1 to 64 characters")
        try refused(["--text", "x", "--audience", "user:nobody"], "no account")
        try refused(["--text", "x", "--option", "1"], "an option is 'ID|TEXT|GRANT'")
        try refused(["--text", "x", "--from", "2026-02-30"], "a date is")
        try refused(["--text", "x", "--audience", "friends"], "audience is all, new")
        #expect(try engine.control(["sysmsg", "add", "x", "--text", "x", "--audience", "list:none"]).code == 65)
        #expect(try engine.client("alice", "1.3").logIn().systemMessages.isEmpty)
        // The most that is allowed.
        let longest = String(repeating: "😀", count: 512)
        try add(engine, "longest", ["--text", longest])
        #expect(try engine.client("alice", "1.3").logIn().systemMessages.first?["SystemMessageText"]?.text == longest)
        #expect(try engine.control(["sysmsg", "add", "longest", "--text", "again"]).errors.contains("exists"))
        for number in 2...32 { try add(engine, "c\(number)", ["--text", "x"]) }
        #expect(try engine.control(["sysmsg", "add", "c33", "--text", "x"]).errors.contains("32 campaigns"))
        #expect(try engine.control(["sysmsg", "list"]).output.split(separator: "\n").count >= 33)
    }
}
