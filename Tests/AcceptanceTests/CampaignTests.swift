import Foundation
import Harness
import Testing

/// How the operator makes System Messages, and what he sees of them.
@Suite struct CampaignTests {
    private static let terms = """
        config sysmsg 'terms-2026'
        \toption kind 'login'               # login | online | welcome
        \toption text 'Messages cost 0.10 each. Do you accept?'
        \toption lead_in 'Please choose:'
        \toption required '1'
        \toption blocking '1'
        \toption audience 'all'
        \toption policy 'until-answered'
        \toption timeout '120'
        \tlist option '1|Accept|full'
        \tlist option '2|Presence only|limited:FundamentalFeat,PresenceFeat'
        \tlist option '3|Decline|deny'

        """

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    private func reload(_ engine: EngineProcess) throws {
        let count = engine.records("RELOAD").count
        engine.signal(SIGHUP)
        try wait("the reload") { engine.records("RELOAD").count > count }
    }

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    // MARK: Sections

    @Test func aSectionOfTheConfigurationIsAMessage() throws {
        let engine = try EngineProcess(starts: false)
        engine.sections = CampaignTests.terms
        try engine.start()
        let alice = try engine.client("alice", "1.3")
        let asked = try alice.logIn()
        #expect(asked.code == 403)
        #expect(asked.systemMessages.first?["AnswerOptionsText"]?.text == "Please choose:")
        #expect(try alice.logIn(answering: [(try identifier(asked), 1)]).code == 200)
        try alice.logOut()
        // The same section again changes nothing, and writes nothing.
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try alice.logIn().code == 200)
        try alice.logOut()
        let commits = try engine.status("commits")
        try reload(engine)
        #expect(try engine.status("commits") == commits)
        #expect(engine.records("CAMPAIGN").count == 1)
        // What it says now is another question.
        engine.sections = CampaignTests.terms.replacing("0.10", with: "0.20")
        try reload(engine)
        let changed = try alice.logIn()
        #expect(changed.systemMessages.first?["SystemMessageText"]?.text.contains("0.20") == true)
        #expect(try alice.logIn(answering: [(try identifier(changed), 1)]).code == 200)
        // The proof has both.
        let results = try engine.records(of: ["sysmsg", "results", "terms-2026"])
        #expect(results.count == 2)
        // Without the section nobody is asked; the proof stays.
        engine.sections = ""
        try reload(engine)
        let bob = try engine.client("bob", "1.3")
        #expect(try bob.logIn().code == 200)
        #expect(try engine.records(of: ["sysmsg", "results", "terms-2026"]).count == 2)
    }

    @Test func whatIsWrongWithASectionIsSaidWithItsLine() throws {
        let engine = try EngineProcess(starts: false)
        func findings(_ sections: String) throws -> String {
            engine.sections = sections
            let ending = try run("impsd", ["--config", engine.configuration, "--check"])
            #expect(ending.code == 65, "\(ending.errors)")
            return ending.errors
        }
        let lines = try String(contentsOfFile: engine.configuration, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
        ).count
        #expect(
            try findings("config sysmsg 'x'\n\toption text 'x'\n\toption kind 'loud'\n").contains(
                ":\(lines + 2): error: x.kind: kind is login, online or welcome"))
        #expect(try findings("config sysmsg 'x'\n").contains("sysmsg.x: the text has 1 to 512 characters"))
        #expect(try findings("config sysmsg 'x y'\n\toption text 'x'\n").contains("a name has 1 to 24"))
        #expect(
            try findings("config sysmsg 'x'\n\toption text 'x'\n\tlist option '1|a|half'\n").contains(
                "x.option: a grant is full, deny"))
        #expect(try findings("config sysmsg 'x'\n\toption text 'x'\n\toption colour 'red'\n").contains("unknown key"))
        #expect(try findings("config help 'x'\n\toption text 'x'\n").contains("a code of the protocol"))
        #expect(try findings("config help '531'\n").contains("needs a text"))
        // What only the store can tell is in the log, and the rest works.
        engine.sections =
            "config sysmsg 'x'\n\toption text 'x'\n\toption audience 'user:nobody'\n" + CampaignTests.terms
        try engine.start()
        try engine.awaitRecord("CONFIG", "line=\(lines)", "no account")
        #expect(try engine.client("alice", "1.3").logIn().code == 403)
    }

    @Test func aSectionDoesNotTakeTheNameOfTheOperator() throws {
        let engine = try EngineProcess()
        try add(engine, "terms-2026", ["--text", "by hand"])
        engine.sections = CampaignTests.terms
        try reload(engine)
        try engine.awaitRecord("CONFIG", "there is a campaign of this name")
        #expect(try engine.client("alice", "1.3").logIn().systemMessages.first?["SystemMessageText"]?.text == "by hand")
    }

    // MARK: Audience and time

    @Test func aListNamesTheAudience() throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let file = engine.folder.path + "/names"
        try "# friends\nalice\n\n  wv:carol@home.test \n".write(toFile: file, atomically: true, encoding: .utf8)
        try add(engine, "friends", ["--text", "for friends", "--audience", "list:\(file)"])
        #expect(try engine.client("alice", "1.3").logIn().systemMessages.count == 1)
        #expect(try engine.client("bob", "1.3").logIn().systemMessages.isEmpty)
        #expect(try engine.client("carol", "1.3").logIn().systemMessages.count == 1)
        try "alice\nnobody\n".write(toFile: file, atomically: true, encoding: .utf8)
        let ending = try engine.control(["sysmsg", "add", "others", "--text", "x", "--audience", "list:\(file)"])
        #expect(ending.code == 0)
        #expect(ending.output.contains("unknown=nobody"))
        #expect(
            try engine.client("alice", "1.3").logIn().systemMessages.compactMap { $0["SystemMessageText"]?.text } == [
                "for friends", "x",
            ])
    }

    @Test func aLevelIsAnAudience() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        let bob = try engine.client("bob", "1.3")
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 2)]).code == 200)
        #expect(try bob.logIn(answering: [(try identifier(bob.logIn()), 1)]).code == 200)
        try add(engine, "upgrade", ["--kind", "online", "--text", "Want more?", "--audience", "level:limited"])
        try add(engine, "thanks", ["--kind", "online", "--text", "Thank you!", "--audience", "level:full"])
        #expect(
            try alice.receiveAll().compactMap { $0.systemMessages.first?["SystemMessageText"]?.text } == ["Want more?"])
        #expect(
            try bob.receiveAll().compactMap { $0.systemMessages.first?["SystemMessageText"]?.text } == ["Thank you!"])
    }

    @Test func aMessageHasItsDays() throws {
        let engine = try EngineProcess()
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "yyyy-MM-dd"
        let yesterday = format.string(from: Date().addingTimeInterval(-86_400))
        let tomorrow = format.string(from: Date().addingTimeInterval(86_400))
        try add(engine, "over", ["--text", "over", "--until", yesterday])
        try add(engine, "now", ["--text", "now", "--from", yesterday, "--until", tomorrow + "T12:00"])
        try add(engine, "later", ["--text", "later", "--from", tomorrow])
        let soon = Int(Date().timeIntervalSince1970) + 2
        try add(engine, "soon", ["--kind", "online", "--text", "soon", "--from", "\(soon)"])
        let alice = try engine.client("alice", "1.3")
        #expect(
            try alice.logIn().systemMessages.compactMap { $0["SystemMessageText"]?.text } == ["now"])
        #expect(try alice.poll() == nil)
        // A session that is there finds out when the time has come.
        Thread.sleep(until: Date(timeIntervalSince1970: Double(soon) + 1.5 * Programs.slowness))
        #expect(try alice.receiveAll().first?.name == "SystemMessage-Request")
    }

    @Test func policiesSayHowOftenSomebodyIsAsked() throws {
        let engine = try EngineProcess()
        for policy in ["once", "every-login", "until-answered"] {
            try add(engine, policy, ["--text", policy, "--policy", policy, "--option", "1|OK|full"])
        }
        let alice = try engine.client("alice", "1.3")
        let first = try alice.logIn().systemMessages
        #expect(first.compactMap { $0["SystemMessageText"]?.text } == ["once", "every-login", "until-answered"])
        try alice.logOut()
        let second = try alice.logIn().systemMessages
        #expect(second.compactMap { $0["SystemMessageText"]?.text } == ["every-login", "until-answered"])
        for message in second { _ = try alice.answer([(message["SystemMessageID"]!.text, 1)]) }
        try alice.logOut()
        #expect(try alice.logIn().systemMessages.compactMap { $0["SystemMessageText"]?.text } == ["every-login"])
    }

    // MARK: Answers by other ways

    @Test func anAnswerByAnotherWayLetsTheNextLoginPass() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn().code == 403)
        #expect(try engine.control(["sysmsg", "answer", "terms-2026", "alice", "9"]).code == 1)
        #expect(try engine.control(["sysmsg", "answer", "terms-2026", "alice", "1"]).code == 0)
        #expect(try alice.logIn().code == 200)
        let result = try #require(try engine.records(of: ["sysmsg", "results", "terms-2026"]).first)
        #expect(result["by_operator"] as? Int == 1)
        #expect(result["option"] as? Int == 1)
    }

    @Test func a13ClientThatNeverAnswersIsAskedByAMessage() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        for _ in 0..<2 { #expect(try alice.logIn().code == 403) }
        // From now on it counts as one that does not know how to.
        #expect(try alice.logIn().code == 200)
        let question = try alice.receiveTexts()
        #expect(question.first?.hasPrefix("Messages cost 0.10 each.") == true)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        #expect(try alice.send("accept", to: "wv:system@home.test").code == 200)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    @Test func a13ClientThatAnswersAtLastEvenWronglyIsAskedOn() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        let id = try identifier(alice.logIn())
        #expect(try alice.logIn().code == 403)
        #expect(try alice.logIn(answering: [(id, 9)]).code == 402)
        for _ in 0..<4 { #expect(try alice.logIn().code == 403) }
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    // MARK: Proof

    /// A section that is changed again and again is one message: its answers hold until they are given anew.
    @Test func anAnswerHoldsThroughTheChangesOfASection() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 2)]).code == 200)
        for price in ["0.20", "0.30", "0.40"] {
            engine.sections = CampaignTests.terms.replacing("0.10", with: price)
            try reload(engine)
            #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        }
        let shown = try engine.control(["sysmsg", "show", "terms-2026", "3"])
        #expect(shown.output.contains("0.30"))
        #expect(shown.output.contains("Please choose:"))
        #expect(shown.output.contains("limited"))
        #expect(try engine.control(["sysmsg", "show", "terms-2026", "1"]).output.contains("0.10"))
        #expect(try engine.control(["sysmsg", "show", "terms-2026", "5"]).code == 1)
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 1)]).code == 200)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
        // What somebody was asked can be read when it is gone.
        engine.sections = ""
        try reload(engine)
        #expect(try engine.control(["sysmsg", "show", "terms-2026"]).output.contains("0.40"))
        #expect(try engine.records(of: ["sysmsg", "results", "terms-2026"]).count == 2)
    }

    @Test func theProofOutlivesTheCampaign() throws {
        let engine = try EngineProcess()
        engine.sections = CampaignTests.terms
        try reload(engine)
        let alice = try engine.client("alice", "1.3")
        #expect(try alice.logIn(answering: [(try identifier(alice.logIn()), 2)]).code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try engine.control(["sysmsg", "del", "terms-2026"]).code == 0)
        #expect(try engine.control(["sysmsg", "list"]).output.contains("terms-2026") == false)
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
        #expect(try engine.control(["user", "del", "alice"]).code == 0)
        let csv = try engine.control(["--csv", "sysmsg", "results", "terms-2026"])
        #expect(csv.code == 0)
        let lines = csv.output.split(separator: "\n")
        try #require(lines.count == 2)
        #expect(lines[0].hasPrefix("user,generation,sent,shown,answered,state,option,verified"))
        #expect(lines[1].hasPrefix("wv:alice@home.test,1,"))
        #expect(lines[1].contains(",answered,2,0,"))
        // The name is free again; nothing that was never shown leaves anything behind.
        try add(engine, "terms-2026", ["--text", "anew"])
        #expect(try engine.control(["sysmsg", "del", "terms-2026"]).code == 0)
        #expect(try engine.records(of: ["sysmsg", "results", "terms-2026"]).count == 1)
        #expect(try engine.control(["sysmsg", "results", "nothing"]).code == 1)
    }

    @Test func aCampaignForManyCostsNothingUntilTheyCome() throws {
        let engine = try EngineProcess()
        let before = try engine.status("written_kb")
        let changes = try engine.status("changes")
        try add(engine, "all", ["--text", String(repeating: "ä", count: 512), "--option", "1|OK|full"])
        #expect(try engine.status("written_kb") - before <= 64)
        #expect(try engine.status("changes") - changes < 20)
    }
}
