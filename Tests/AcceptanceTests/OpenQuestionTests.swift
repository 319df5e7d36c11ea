import Foundation
import Harness
import Testing

/// Questions that change, move or are answered elsewhere while somebody has them before him.
@Suite struct OpenQuestionTests {
    private static let options = [
        "--option", "1|Accept|full", "--option", "2|Presence only|limited:FundamentalFeat,PresenceFeat", "--option",
        "3|Decline|deny",
    ]
    private static let blocking = ["--required", "--blocking"] + options

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    private func reload(_ engine: EngineProcess) throws {
        let count = engine.records("RELOAD").count
        engine.signal(SIGHUP)
        try wait("the reload") { engine.records("RELOAD").count > count }
    }

    @Test func aRenewedQuestionStillClosesTheSession() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", "Accept?"] + OpenQuestionTests.blocking)
        let alice = try engine.client("alice", "1.2")
        #expect(try alice.logIn().code == 200)
        #expect(try alice.receiveTexts().count == 1)
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        #expect(try alice.receiveTexts().count == 1)
        // Another one that ends does not open it either.
        try add(engine, "news", ["--text", "News"])
        #expect(try engine.control(["sysmsg", "end", "news"]).code == 0)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        #expect(try alice.send("1", to: "wv:system@home.test").code == 200)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test func aForwardedQuestionIsNobodysQuestion() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.2")
        let bob = try engine.client("bob", "1.3")
        try alice.logIn()
        try add(engine, "terms", ["--kind", "online", "--text", "Accept?"] + OpenQuestionTests.options)
        let question = try #require(try alice.poll())
        let id = try #require(question.primitive?["MessageInfo/MessageID"]?.text)
        _ = try alice.request(
            "<ForwardMessage-Request><MessageID>\(id)</MessageID><Recipient><User><UserID>wv:bob@home.test</UserID></User></Recipient></ForwardMessage-Request>"
        )
        try bob.logIn()
        #expect(try bob.receiveAll().contains { $0.name == "SystemMessage-Request" })
    }

    @Test func eachSessionIsShownWhatClosesIt() throws {
        let engine = try EngineProcess()
        let first = try engine.client("alice", "1.3", cookie: "first")
        let second = try engine.client("alice", "1.3", cookie: "second")
        try first.logIn()
        try second.logIn()
        try add(engine, "terms", ["--kind", "online", "--text", "Accept?"] + OpenQuestionTests.blocking)
        #expect(try first.receiveAll().map(\.name) == ["SystemMessage-Request"])
        #expect(try second.send("no", to: "wv:bob@home.test").code == 403)
        let asked = try second.receiveAll()
        #expect(asked.map(\.name) == ["SystemMessage-Request"])
        #expect(try second.answer([(try identifier(try #require(asked.first)), 1)]).code == 200)
        #expect(try first.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test func keysCannotBeGuessed() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", ["--text", "Accept?", "--verify", "SMS"] + OpenQuestionTests.blocking)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        for expected in [402, 402, 403] {
            let reply = try alice.request(
                alice.loginContent("").replacing(
                    "</Login-Request>", with: Client.responses([(id, 1)], key: "1") + "</Login-Request>"))
            #expect(reply.code == expected)
        }
        // There are no three more.
        let denied = try alice.logIn()
        #expect(denied.code == 403)
        #expect(denied.systemMessages.isEmpty)
        #expect(try engine.control(["sysmsg", "answer", "terms", "alice", "1"]).code == 0)
        #expect(try alice.logIn().code == 200)
    }

    @Test func anOptionalAnswerHoldsWhenItIsAskedAgain() throws {
        let engine = try EngineProcess()
        try add(engine, "daily", ["--text", "Today?", "--policy", "every-login"] + OpenQuestionTests.options)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.answer([(try identifier(alice.logIn()), 2)]).code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        try alice.logOut()
        let again = try alice.logIn()
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        // Who declines goes, whether or not he had to answer.
        #expect(try alice.answer([(try identifier(again), 3)]).code == 200)
        #expect(try alice.poll()?.name == "Disconnect")
    }

    @Test func aSectionThatComesBackIsAskedAgain() throws {
        let engine = try EngineProcess()
        let section =
            "config sysmsg 'terms'\n\toption text 'Accept?'\n\toption required '1'\n\toption blocking '1'\n"
            + "\tlist option '1|Accept|full'\n\tlist option '2|Less|limited:FundamentalFeat'\n"
        engine.sections = section
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 2)]).code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        // A changed text does not lift the limits of those who are in.
        engine.sections = section.replacing("Accept?", with: "Do you accept?")
        try reload(engine)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try engine.client("alice", "1.3").logIn().code == 403)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        // Without the section they are lifted, and with it everybody is asked again.
        engine.sections = ""
        try reload(engine)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
        try alice.logOut()
        engine.sections = section
        try reload(engine)
        #expect(try alice.logIn().code == 403)
        // The same name twice is an error.
        engine.sections = section + section.replacing("Accept?", with: "Really?")
        let check = try run("impsd", ["--config", engine.configuration, "--check"])
        #expect(check.code == 65)
        #expect(check.errors.contains("another section has this name"))
    }

    @Test func nothingOfAMessageIsLeftOut() throws {
        let engine = try EngineProcess()
        let longest = String(repeating: "😀", count: 64)
        try add(engine, "longest", ["--text", "x", "--option", "1|\(longest)|full", "--required"])
        let message = try #require(try engine.client("alice", "1.3").logIn().systemMessages.first)
        #expect(message["AnswerOptions/AnswerOption/AnswerOptionText"]?.text == longest)
        // What is too long for a field is refused, with all that comes after it.
        let ending = try engine.control(
            ["sysmsg", "add", "x", "--text", "x", "--option", "1|\(String(repeating: "a", count: 600))|full"])
        #expect(ending.code == 1)
        #expect(ending.errors.contains("more than 512 octets"))
        #expect(try engine.control(["sysmsg", "show", "x"]).code == 1)
    }

    @Test func whatWasHeldComesWhenTheUserWantsIt() throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.send("hello", to: "wv:alice@home.test").code == 200)
        let alice = try engine.client("alice", "1.3", cookie: "same")
        #expect(try alice.answer([(try identifier(alice.logIn()), 2)]).code == 200)
        #expect(try alice.receiveTexts().isEmpty)
        let again = try engine.client("alice", "1.3", cookie: "same")
        // The same request with the same TransactionID would be a repeat.
        for _ in 0..<10 { _ = again.nextTransactionID() }
        #expect(try again.answer([(try identifier(again.logIn()), 1)]).code == 200)
        #expect(try again.receiveTexts() == ["hello"])
    }

    @Test func aMessageTooLargeForTheParserIsFetched() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        #expect(
            try alice.negotiateCapabilities(
                "<ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P</InitialDeliveryMethod><ParserSize>2048</ParserSize><SupportedBearer>HTTP</SupportedBearer>"
            ).code == 200)
        let long = String(repeating: "ä", count: 512)
        var fields = ["--kind", "online", "--text", long]
        for option in 1...16 { fields += ["--option", "\(option)|\(String(repeating: "b", count: 60))|full"] }
        try add(engine, "long", fields)
        let announced = try #require(try alice.poll())
        #expect(announced.name == "MessageNotification" || announced.name == "NewMessage", "\(announced.root)")
        #expect(announced.primitive?["MessageInfo/Sender/User/UserID"]?.text == "wv:system@home.test")
    }
}
