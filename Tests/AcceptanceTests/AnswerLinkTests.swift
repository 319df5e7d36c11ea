import Foundation
import Harness
import Testing

/// A question before the door that is answered in a browser, because the handset cannot. Source: SM-54,
/// protocol/system-message.md §4.6.
@Suite struct AnswerLinkTests {
    private static let terms = [
        "--kind", "login", "--text", "Messages cost 0.10 each. Do you accept?", "--required", "--blocking", "--option",
        "1|Accept|full", "--option", "2|Decline|deny", "--legacy", "deny",
    ]

    private func engine(links: String = "1") throws -> EngineProcess {
        let engine = try EngineProcess(starts: false)
        engine.sections = """
            config page 'main'
            \toption enabled '1'
            \toption url 'http://gateway.lan:8080/'
            \toption links '\(links)'

            """
        try engine.start()
        try engine.mustControl(["sysmsg", "add", "terms"] + AnswerLinkTests.terms)
        return engine
    }

    /// What a refused login names, as the password that the page makes of it.
    private func password(_ reply: Reply, of user: String = "alice") throws -> String {
        let text = try #require(reply.primitive?["Result/Description"]?.text)
        let match = try #require(
            text.wholeMatch(
                of: try Regex(
                    "Messages cost .* http://gateway\\.lan:8080/q/([0-9a-f]{16})\\.\(user)",
                    as: (Substring, Substring).self)), "\(text)")
        return "ask:" + match.1
    }

    /// A Login-Request with an answer and no credentials.
    private func answer(_ page: Client, _ id: String, _ option: Int) throws -> Reply {
        try page.request(
            page.loginContent("").replacing(
                "</Login-Request>", with: Client.responses([(id, option)]) + "</Login-Request>"))
    }

    @Test(arguments: ["1.1", "1.2"]) func aHandsetIsToldWhereToAnswer(_ version: String) throws {
        let engine = try engine()
        let handset = try engine.client("alice", version)
        let refused = try handset.logIn()
        #expect(refused.code == 403)
        let word = try password(refused)
        // The same each time, so that what was written down holds; and nothing is written for it.
        let commits = try engine.status("commits")
        #expect(try password(try handset.logIn()) == word)
        #expect(try engine.status("commits") - commits <= 1)
        let page = try engine.client("alice", "1.3", cookie: "page")
        let asked = try page.logIn(word)
        #expect(asked.code == 403 && asked.primitive?["SessionID"] == nil)
        #expect(
            asked.systemMessages.count == 1 && asked.primitive?["Result/Description"]?.text.contains("/q/") == false)
        let id = try #require(asked.systemMessages.first?["SystemMessageID"]?.text)
        try engine.restart()
        page.connection = try engine.connect()
        handset.connection = try engine.connect()
        let answered = try answer(page, id, 1)
        #expect(answered.code == 200 && answered.primitive?["SessionID"] == nil)
        #expect(try engine.status("sessions") == 0)
        #expect(try handset.logIn().code == 200)
        let result = try #require(try engine.records(of: ["sysmsg", "results", "terms"]).first)
        #expect(result["option"] as? Int == 1 && result["state"] as? String == "answered", "\(result)")
        // It opens nothing, now less than before.
        let again = try engine.client("alice", "1.3", cookie: "page").logIn(word)
        #expect(again.code == 200 && again.primitive?["SessionID"] == nil && again.systemMessages.isEmpty)
        #expect(try engine.status("sessions") == 1)
    }

    @Test func whoDeclinesThereIsDeclinedHere() throws {
        let engine = try engine()
        let handset = try engine.client("alice", "1.2")
        let word = try password(try handset.logIn())
        let page = try engine.client("alice", "1.3", cookie: "page")
        let id = try #require(try page.logIn(word).systemMessages.first?["SystemMessageID"]?.text)
        #expect(try answer(page, id, 2).code == 403)
        // It may be asked again, which is what a refusal means where it is offered again.
        #expect(try handset.logIn().code == 403)
        let result = try #require(try engine.records(of: ["sysmsg", "results", "terms"]).first)
        #expect(result["state"] as? String == "denied", "\(result)")
    }

    @Test func theLinkIsForOneUserOnePasswordAndOneQuestion() throws {
        let engine = try engine()
        let word = try password(try engine.client("alice", "1.2").logIn())
        for (user, wrong) in [
            ("bob", word), ("alice", String(word.dropLast())), ("alice", word + "0"), ("alice", "ask:"),
            ("alice", String(word.dropFirst(4))), ("alice", "link:" + word.dropFirst(4)),
            ("alice", "ask:0000000000000000"),
        ] {
            #expect(try engine.client(user, "1.3", cookie: "thief").logIn(wrong).code == 409, "\(user) \(wrong)")
        }
        #expect(try engine.client("alice", "1.3", cookie: "page").logIn(word).code == 403)
        try engine.mustControl(["sysmsg", "renew", "terms"])
        #expect(try engine.client("alice", "1.3", cookie: "page").logIn(word).code == 409)
        let next = try password(try engine.client("alice", "1.2").logIn())
        #expect(next != word)
        let changed = try engine.control(["user", "passwd", "alice"], input: "another\n")
        #expect(changed.code == 0)
        #expect(try engine.client("alice", "1.3", cookie: "page").logIn(next).code == 409)
        try engine.mustControl(["sysmsg", "end", "terms"])
        #expect(try engine.client("alice", "1.3", cookie: "page").logIn(next).code == 409)
    }

    /// The answer of somebody who came by a link needs no credentials, and is not a way around them.
    @Test func anAnswerDoesNotOpenWhatTheLinkDoesNot() throws {
        let engine = try engine()
        let word = try password(try engine.client("alice", "1.2").logIn())
        let page = try engine.client("alice", "1.3", cookie: "page")
        let id = try #require(try page.logIn(word).systemMessages.first?["SystemMessageID"]?.text)
        // What he says of messages that wait is not for him.
        try engine.mustControl(["sysmsg", "answer", "terms", "bob", "1"])
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.send("secret", to: "wv:alice@home.test").code == 200)
        let asked = try page.logIn(word)
        #expect(asked.systemMessages.count == 1 && !asked.http.text.contains("waiting"))
        for _ in 1...3 {
            let answered = try answer(page, id, 1)
            #expect(answered.primitive?["SessionID"] == nil, "\(answered.http.text)")
        }
        #expect(try engine.status("sessions") == 1)
        #expect(try page.send("let in", to: "wv:bob@home.test").code == 604)
    }

    /// Clients of 1.3 that do not know the vocabulary show the reason alone.
    @Test func aNewClientThatDoesNotKnowIsToldToo() throws {
        let engine = try engine()
        let ignorant = try engine.client("alice", "1.3")
        let refused = try ignorant.logIn()
        #expect(refused.code == 403 && refused.systemMessages.count == 1)
        _ = try password(refused)
        #expect(try #require(refused.primitive?["Result/Description"]?.text).count <= 200)
    }

    @Test func aLongTextMakesRoomForTheLink() throws {
        let engine = try engine()
        try engine.mustControl(["sysmsg", "end", "terms"])
        let words = String(repeating: "Grüße ", count: 60) + "?"
        try engine.mustControl(
            ["sysmsg", "add", "long"] + AnswerLinkTests.terms.map { $0.hasPrefix("Messages") ? words : $0 })
        let text = try #require(try engine.client("alice", "1.2").logIn().primitive?["Result/Description"]?.text)
        #expect(text.count == 200 && text.contains(#/ http://gateway\.lan:8080/q/[0-9a-f]{16}\.alice$/#), "\(text)")
    }

    @Test func thereIsNoLinkWhereLinksAreOff() throws {
        let engine = try engine(links: "0")
        let refused = try engine.client("alice", "1.2").logIn()
        #expect(refused.primitive?["Result/Description"]?.text == "Messages cost 0.10 each. Do you accept?")
    }
}
