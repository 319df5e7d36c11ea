import Foundation
import Harness
import Testing

/// What people see and type at the programs, in a terminal of 80 and in one of 40 columns. The panes are in `Panes`;
/// `IMPSD_PANES=write` makes them anew, to be looked at before they are kept.
@Suite struct TerminalTests {
    private static let sizes = [(80, 24), (40, 15)]

    /// Compares a pane with the one that is kept, which it may take a moment to become; times and addresses that change are
    /// masked.
    private func compare(_ pane: @autoclosure () -> String, _ name: String, _ columns: Int) throws {
        func masked() -> String {
            pane().replacing(/\d\d:\d\d/, with: "12:00").replacing(/\d{4}-\d\d-\d\d/, with: "2026-01-01")
        }
        let file = Programs.package.appendingPathComponent("Tests/AcceptanceTests/Panes/\(name)-\(columns).txt")
        if ProcessInfo.processInfo.environment["IMPSD_PANES"] == "write" {
            Thread.sleep(forTimeInterval: 0.5)
            try Data(masked().utf8).write(to: file)
        }
        let kept = try String(contentsOf: file, encoding: .utf8)
        let end = Date().addingTimeInterval(5)
        while masked() != kept, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
        #expect(masked() == kept, "\(masked())")
    }

    private func open(_ engine: EngineProcess, _ size: (Int, Int)) throws -> PseudoTerminal {
        let terminal = try PseudoTerminal(
            "imps", ["--server", "http://127.0.0.1:\(engine.port)/", "--user", "wv:alice@home.test"], columns: size.0,
            rows: size.1, environment: ["IMPS_PASSWORD": engine.password(of: "alice")])
        try terminal.await("You are logged in.")
        return terminal
    }

    /// The roster as people know it: who is there, who wants to see the user, what changes.
    @Test(arguments: sizes) func theRosterIsSeenAndChanged(columns: Int, rows: Int) throws {
        let engine = try EngineProcess(["poll_min": "1"], users: ["alice", "bob", "carol"])
        let bob = try Handset(engine, "bob", "1.2")
        #expect(try bob.logIn())
        bob.accepts = true
        let terminal = try open(engine, (columns, rows))
        terminal.press("/add bob Bobby\r")
        try terminal.await("is on your list.")
        try bob.live(until: "the question") { bob.asked == ["wv:alice@home.test"] }
        try terminal.await("is available")
        terminal.press("/add carol\r")
        try terminal.await("carol is on your list.")
        #expect(try bob.update("NOT_AVAILABLE", "at lunch") == 200)
        try terminal.await("is away: at lunch")
        // Bob has her on his list too, and she says whether he may see her.
        #expect(try bob.createList("Friends", with: ["alice"]) == 200)
        try terminal.await("wants to see")
        terminal.press("perhaps\r")
        try terminal.await("Answer yes or no.")
        terminal.press("yes\r")
        try terminal.await("sees you.")
        // Who lets somebody see everything is advised, the first time.
        try terminal.await("reach you now.")
        terminal.press("1\r")
        try terminal.await("Answered.")
        try bob.live(until: "alice") { bob.buddies["wv:alice@home.test"]?.isOnline == true }
        terminal.press("/status busy on the phone\r")
        try terminal.await("sees that now.")
        try bob.live(until: "her status") {
            bob.buddies["wv:alice@home.test"] == Handset.Buddy(true, "DISCREET", "on the phone")
        }
        terminal.press("/block bob\r")
        try terminal.await("is blocked.")
        try bob.live(until: "nothing of her") { bob.buddies["wv:alice@home.test"]?.isOnline == false }
        #expect(try bob.send("hello", to: "wv:alice@home.test") == 532)
        terminal.press("/unblock b\t\r")
        try terminal.await("is not blocked.")
        #expect(try bob.send("hello", to: "wv:alice@home.test") == 200)
        try terminal.await("hello")
        terminal.press("/cont\t\r")
        try terminal.await("unanswered")
        try compare(terminal.pane(), "contacts", columns)
        terminal.press("/remove carol\r")
        try terminal.await("carol is off your list.")
        terminal.press("/quit\r")
        #expect(terminal.awaitEnd() == 0)
        // The list is there again, and who is there is told in one line.
        let again = try open(engine, (columns, rows))
        try again.await("1 of your 1 contact is online")
    }

    @Test(arguments: sizes) func aLineIsEditedWhileMessagesCome(columns: Int, rows: Int) throws {
        let engine = try EngineProcess(["poll_min": "1"])
        let bob = try engine.client("bob")
        try bob.logIn()
        let terminal = try open(engine, (columns, rows))
        // What is no command is told, and the next line is not glued to it.
        terminal.press("/mgs bob hello\r")
        try terminal.await("mean /msg?")
        terminal.press("/m\tbob hello\r")
        try terminal.await("#1: hello")
        #expect(try bob.receiveTexts() == ["hello"])
        // A name is completed, a message comes in between, and the line is there as before.
        terminal.press("/to b\t")
        try terminal.await("/to bob")
        #expect(try bob.send("good morning", to: "wv:alice@home.test").code == 200)
        try terminal.await("bob: good morning")
        try terminal.await("/to bob")
        terminal.press("\r")
        // The cursor moves over what looks like one character as over one.
        terminal.press(
            "w\u{F6}rld \u{65E5}\u{672C} \u{1F44D}\u{1F3FD}e\u{301}\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}!")
        terminal.press("\u{1B}[D\u{1B}[D\u{1B}[D\u{1B}[D[\u{1B}OC]\u{1B}[H>\u{1B}[F<")
        for key in ["\u{1B}[D", "\u{1B}[D", "\u{1B}[D"] { terminal.press(key) }
        terminal.press("\u{7F}\u{1B}[3~")
        try terminal.await("w\u{F6}rld")
        #expect(try bob.send("in between", to: "wv:alice@home.test").code == 200)
        try terminal.await("bob: in between")
        try wait("the line", seconds: 5) { terminal.pane().contains("!<") }
        try compare(terminal.pane(), "editing", columns)
        terminal.press("\r")
        try terminal.await("#2: ")
        #expect(try bob.receiveTexts() == [">w\u{F6}rld \u{65E5}\u{672C} [\u{1F44D}\u{1F3FD}]!<"])
        // What was typed comes back, and so does what was not sent yet.
        terminal.press("draft\u{1B}[A\u{1B}[A\u{1B}[A\u{1B}[B\u{1B}[B\u{1B}[B")
        try wait("the draft", seconds: 5) { terminal.pane().hasSuffix("bob> draft|\n") }
        terminal.press("\u{15}\u{1B}[A\u{1B}[A\u{1B}[A\r")
        try terminal.await("#3: hello")
        #expect(try bob.receiveTexts() == ["hello"])
        terminal.press("/quit\r")
        #expect(terminal.awaitEnd() == 0)
    }

    @Test(arguments: sizes) func aLongLineMovesSideways(columns: Int, rows: Int) throws {
        let engine = try EngineProcess(["poll_min": "1"])
        let bob = try engine.client("bob")
        try bob.logIn()
        let terminal = try open(engine, (columns, rows))
        terminal.press("/to bob\r")
        try terminal.await("bob> ")
        let words = (1...30).map { "word\($0) \u{6F22}" }.joined(separator: " ")
        terminal.press(words)
        try wait("the end of the line", seconds: 5) { terminal.pane().contains("word30 \u{6F22}|") }
        try compare(terminal.pane(), "long-end", columns)
        terminal.press("\u{1}")
        try wait("the start of the line", seconds: 5) { terminal.pane().contains("bob> |word1 \u{6F22}") }
        // What is seen depends on where the line was drawn before, so each step is awaited.
        terminal.press(String(repeating: "\u{1B}[1;5C", count: 30))
        try wait("the middle", seconds: 5) { terminal.pane().contains("word15 \u{6F22}|") }
        terminal.press("\u{17}\u{17}")
        try compare(terminal.pane(), "long-middle", columns)
        terminal.press("\r")
        try terminal.await("#1: ")
        let sent = try #require(try bob.receiveTexts().first)
        #expect(sent.hasPrefix("word1 \u{6F22} word2") && sent.hasSuffix("word30 \u{6F22}") && sent.count < words.count)
        terminal.press("/quit\r")
        #expect(terminal.awaitEnd() == 0)
    }

    @Test(arguments: sizes) func helpFitsTheTerminal(columns: Int, rows: Int) throws {
        let engine = try EngineProcess()
        let terminal = try open(engine, (columns, rows))
        terminal.press("/help\r")
        try terminal.await("commands and")
        try wait("the prompt", seconds: 5) { terminal.pane().hasSuffix("> |\n") }
        try compare(terminal.pane(), "help", columns)
        terminal.press("/\t")
        try terminal.await("/quit")
        terminal.press("\u{15}/nothing\r")
        try terminal.await("There is no command")
        terminal.press("/q\r")
        #expect(terminal.awaitEnd() == 0)
    }

    /// The operator's tables.
    @Test(arguments: sizes) func theOperatorSeesTables(columns: Int, rows: Int) throws {
        let engine = try EngineProcess()
        try engine.mustControl([
            "sysmsg", "add", "terms-2026", "--kind", "login", "--text", "Do you accept?", "--required", "--blocking",
            "--option", "1|Accept|full", "--option", "2|Decline|deny", "--audience", "user:bob",
        ])
        let alice = try engine.client("alice")
        alice.userAgent = "Handset/2.0 (with a name)"
        try alice.logIn()
        let bob = try engine.client("bob", "1.3")
        #expect(try bob.logIn().code == 403)
        #expect(try alice.send(String(repeating: "x", count: 3000), to: "wv:bob@home.test").code == 200)
        #expect(try engine.control(["user", "add", "a-user-with-a-long-name"], input: "long enough\n").code == 0)
        let commands = [
            ["status"], ["sessions"], ["user", "list"], ["sysmsg", "list"], ["sysmsg", "results", "terms-2026"],
            ["sysmsg", "journal", "terms-2026"],
        ]
        for command in commands {
            let terminal = try PseudoTerminal(
                "impsctl", ["--config", engine.configuration] + command, columns: columns, rows: rows)
            #expect(terminal.awaitEnd() == 0)
            let lines = terminal.pane().split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= columns + 1 }, "\(lines)")
            #expect(lines.count < 24)
            // What the status counts is another number each time.
            if command == ["status"] { continue }
            try compare(terminal.pane(), command.prefix(2).joined(separator: "-"), columns)
        }
    }
}
