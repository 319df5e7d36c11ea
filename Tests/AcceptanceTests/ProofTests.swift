import Foundation
import Harness
import Testing

/// The journal of a campaign, as the operator takes it away and proves it. Source: SM-69.
@Suite struct ProofTests {
    private static let terms = [
        "sysmsg", "add", "terms", "--kind", "login", "--text", "Do you accept?", "--required", "--blocking",
        "--option", "1|Accept|full", "--option", "2|Presence only|limited:FundamentalFeat,PresenceFeat",
        "--option", "3|Decline|deny",
    ]

    private func asked(_ client: Client) throws -> String {
        try #require(try client.logIn().systemMessages.first?["SystemMessageID"]?.text)
    }

    private func events(_ engine: EngineProcess) throws -> [String] {
        try engine.records(of: ["sysmsg", "journal", "terms"]).compactMap { $0["event"] as? String }
    }

    /// Two devices of a user answer, and the engine is killed after each.
    @Test(arguments: [(1, 3), (3, 1), (2, 1), (1, 2), (3, 2), (1, 1)])
    func twoDevicesAnswer(first: Int, second: Int) throws {
        let engine = try EngineProcess()
        try engine.mustControl(ProofTests.terms)
        let phone = try engine.client("alice", "1.3", cookie: "phone")
        phone.userAgent = "Phone/1"
        let tablet = try engine.client("alice", "1.3", cookie: "tablet")
        tablet.userAgent = "Tablet/1"
        let onPhone = try asked(phone)
        let onTablet = try asked(tablet)
        #expect(try phone.logIn(answering: [(onPhone, first)]).code == (first == 3 ? 403 : 200))
        engine.kill()
        try engine.start()
        tablet.connection = try engine.connect()
        let late = try tablet.logIn(
            answering: [(onTablet, second)], credentials: "<Password>\(engine.password(of: "alice"))</Password>")
        engine.kill()
        try engine.start()
        let result = try #require(try engine.records(of: ["sysmsg", "results", "terms"]).first)
        let events = try events(engine)
        if first == 3 {
            // Who declined is asked anew; what the other device had open is over.
            #expect(late.code == 426)
            #expect(!late.systemMessages.isEmpty)
            #expect(events == ["started", "sent", "sent-again", "shown", "declined", "too-late", "sent"])
            #expect(result["option"] as? Int == 3)
        } else {
            #expect(late.code == 200)
            let words = late.primitive?["Result/Description"]?.text ?? ""
            #expect(words.contains("426") == (first != second), "\(words)")
            #expect(result["state"] as? String == "answered")
            #expect(result["option"] as? Int == first)
            #expect(events.contains("too-late") == (first != second))
            tablet.connection = try engine.connect()
            #expect(try tablet.send("hello", to: "wv:bob@home.test").code == (first == 1 ? 200 : 506))
        }
        #expect(try engine.control(["sysmsg", "verify", "terms"]).code == 0)
    }

    @Test func whatWasChangedIsFound() throws {
        let engine = try EngineProcess()
        try engine.mustControl(ProofTests.terms)
        for user in ["alice", "bob"] {
            let client = try engine.client(user, "1.3")
            client.userAgent = "A phone; \u{FC}"
            #expect(try client.logIn(answering: [(asked(client), 2)]).code == 200)
        }
        try engine.mustControl(["sysmsg", "answer", "terms", "bob", "1"])
        try engine.mustControl(["sysmsg", "renew", "terms"])
        // What is exported is proven by itself, and so is each octet of it.
        let exported = try engine.control(["--raw", "sysmsg", "journal", "terms"]).output
        let file = engine.folder.appendingPathComponent("journal.txt")
        func verify(_ text: String) throws -> Ending {
            try Data(text.utf8).write(to: file)
            return try engine.control(["sysmsg", "verify", "terms", "--file", file.path])
        }
        let proven = try verify(exported)
        #expect(proven.code == 0)
        let head = try #require(exported.split(separator: "\n").last?.suffix(64))
        #expect(proven.output.contains(head))
        #expect(try engine.control(["sysmsg", "verify", "terms"]).output.contains(head))
        let octets = Array(exported.utf8)
        for place in stride(from: 3, to: octets.count, by: max(1, octets.count / 40)) where octets[place] != 0x0A {
            var changed = octets
            changed[place] ^= 1
            #expect(try verify(String(decoding: changed, as: UTF8.self)).code == 1, "octet \(place)")
        }
        // For machines: the same events.
        let csv = try engine.control(["--csv", "sysmsg", "journal", "terms"]).output.split(separator: "\n")
        #expect(csv.count == exported.split(separator: "\n").count + 1)
        #expect(csv[0].hasPrefix("n,campaign,generation,at,up_ms,event,user"))
        // In the store, by way of a dump.
        let dump = try engine.control(["dump"]).output
        #expect(engine.stop() == 0)
        let lines = dump.split(separator: "\n", omittingEmptySubsequences: false)
        let event = try #require(lines.firstIndex { $0.hasPrefix("J") && $0.contains("alice") })
        func restore(_ text: String) throws -> Ending {
            try FileManager.default.removeItem(at: engine.folder.appendingPathComponent("data/store.mdb"))
            #expect(try engine.control(["--offline", "restore"], input: text).code == 0)
            return try engine.control(["--offline", "sysmsg", "verify", "terms"])
        }
        var forged = lines.map(String.init)
        forged[event] = forged[event].replacing("alice", with: "alicf")
        let found = try restore(forged.joined(separator: "\n"))
        #expect(found.code == 1)
        #expect(found.errors.contains("proof-broken"))
        #expect(try restore(dump).code == 0)
    }

    /// A user list as an operator has it: with comments, doubles and broken lines.
    @Test func thousandsOfAccountsAreMadeAtOnce() throws {
        let engine = try EngineProcess(["db_kb": "65536"])
        let count = 10_000
        let list = engine.folder.appendingPathComponent("users.txt")
        let text = (0..<count).map { "user\($0)\tsecret word \($0)" }.joined(separator: "\n")
        try Data("# all of them\n\(text)\nalice again here\nbroken\nx short\n".utf8).write(to: list)
        let ending = try engine.control(["user", "add", "--file", list.path])
        #expect(ending.code == 1)
        #expect(ending.errors.contains("line \(count + 2), alice: there is an account with this address already"))
        #expect(ending.errors.contains("line \(count + 3): expected a name and a password"))
        #expect(ending.errors.contains("line \(count + 4), x: a password has 6 to 50 characters"))
        #expect(ending.errors.contains("\(count) imported, 3 refused"))
        let client = try engine.client("user777")
        #expect(try client.logIn("secret word 777").code == 200)
        // A restore of them shows its progress on a terminal.
        let dump = engine.folder.appendingPathComponent("dump.txt")
        try Data(try engine.control(["dump"]).output.utf8).write(to: dump)
        #expect(engine.stop() == 0)
        try FileManager.default.removeItem(at: engine.folder.appendingPathComponent("data/store.mdb"))
        let begin = Date()
        let terminal = try PseudoTerminal(
            "impsctl", ["--config", engine.configuration, "--offline", "restore"], input: dump.path)
        try terminal.await(" records, ")
        try terminal.await(" records restored, 0 left out")
        #expect(terminal.awaitEnd() == 0)
        #expect(Date().timeIntervalSince(begin) < 10 * Programs.slowness)
        // The same into the store alone, which is opened once; nobody who is there already is made again.
        let again = try engine.control(["--offline", "user", "add", "--file", list.path])
        #expect(again.code == 1)
        #expect(again.errors.contains("0 imported, \(count + 3) refused"))
        try FileManager.default.removeItem(at: engine.folder.appendingPathComponent("data/store.mdb"))
        let fresh = try engine.control(["--offline", "user", "add", "--file", list.path])
        #expect(fresh.errors.contains("\(count + 1) imported, 2 refused"))
    }

    @Test func aWordThatIsNearIsNamed() throws {
        let engine = try EngineProcess()
        for (words, meant) in [
            (["statsu"], "status"), (["sesions"], "sessions"), (["sysmsg", "lst"], "list"),
            (["user", "passwrd"], "passwd"),
            (["user", "verify"], nil), (["frobnicate"], nil),
        ] {
            let ending = try engine.control(words)
            #expect(ending.code == 64)
            #expect(ending.errors.contains(meant.map { "did you mean '\($0)'?" } ?? "there are: "), "\(ending.errors)")
        }
        try engine.set(["prot": "8080"])
        let checked = try run("impsd", ["--config", engine.configuration, "--check"])
        #expect((checked.output + checked.errors).contains("main.prot: unknown key, ignored; did you mean port?"))
    }
}
