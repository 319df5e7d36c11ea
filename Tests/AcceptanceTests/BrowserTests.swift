import Foundation
import Harness
import Testing

/// The page in Chromium, as somebody uses it who has never heard of IMPS. Pictures are kept in `.build/screenshots`.
@Suite(.serialized, .enabled(if: Browser.isThere && Programs.runner.isEmpty && Programs.call == nil))
struct BrowserTests {
    private func engine(_ sections: String = "", _ settings: [String: String] = [:]) throws -> EngineProcess {
        let port = try VirtualBoard.freePort()
        let engine = try EngineProcess(
            ["port": "\(port)"].merging(settings) { $1 }, users: ["alice", "bob", "carla"], starts: false)
        engine.sections =
            "config page 'main'\n\toption enabled '1'\n\toption url 'http://localhost:\(port)/'\n" + sections
        try engine.start()
        return engine
    }

    private func url(_ engine: EngineProcess) -> String { "http://localhost:\(engine.port)/" }

    private func logIn(_ browser: Browser, _ user: String, _ engine: EngineProcess, password: String? = nil) throws {
        try browser.open(url(engine))
        try wait("the form") { try browser.sees("#login") }
        try browser.type(user, into: "#name")
        try browser.type((password ?? engine.password(of: user)), into: "#password")
        try browser.click("#login-button")
    }

    private func awaitApp(_ browser: Browser, _ user: String) throws {
        try browser.await(user, in: "#me")
    }

    private func expectNoBarriers(_ browser: Browser, line: Int = #line) throws {
        let found = try browser.barriers()
        #expect(found == [], "line \(line): \(found)")
    }

    @Test func twoPeopleTalk() throws {
        let engine = try engine()
        let alice = try Browser()
        try logIn(alice, "alice", engine, password: "wrong")
        try alice.await("The name or the password is wrong.", in: "#login-error")
        try alice.picture("login-refused")
        try expectNoBarriers(alice)
        try alice.type("secret of alice\n", into: "#password")
        // What was typed before is still there, so this is wrong too; then it is right.
        try alice.await("The name or the password is wrong.", in: "#login-error")
        try logIn(alice, "alice", engine)
        try awaitApp(alice, "alice")
        try alice.picture("nobody-yet")
        try expectNoBarriers(alice)
        try alice.type("bob\n", into: "#to")
        let markup = "<b>bold</b><script>document.title='owned'</script> & \"grüße\" 🙂 ]]>"
        try alice.run(
            "document.getElementById('text').value = arguments[0]; document.getElementById('write').requestSubmit();",
            [markup])
        let bob = try Browser(width: 900, isDark: true, language: "de")
        try logIn(bob, "bob", engine)
        try bob.await("alice", in: "#list")
        #expect(try wait("the title") { bob.title.hasPrefix("(1)") } == ())
        try bob.click("#list button")
        try bob.await(markup, in: "#log")
        try bob.picture("conversation-dark-wide")
        try expectNoBarriers(bob)
        #expect(bob.title == "IMPS")
        try bob.type("half", into: "#text")
        // A message while somebody types takes nothing from him.
        try alice.type("second\n", into: "#text")
        try bob.await("second", in: "#log")
        #expect(try bob.run("return document.getElementById('text').value;") as? String == "half")
        try bob.type(" written\n", into: "#text")
        try alice.await("half written", in: "#log")
        try alice.picture("conversation-phone")
        try expectNoBarriers(alice)
        // To nobody it is said that it did not arrive.
        try alice.click("#back")
        try alice.type("nobody\n", into: "#to")
        try alice.type("hello?\n", into: "#text")
        try alice.await("Not sent: there is no such user", in: "#log")
        #expect(try alice.complaints().filter { !$0.contains("favicon") } == [] && bob.complaints() == [])
    }

    @Test func theLinkOfANoteLogsInAndShowsTheMessage() throws {
        let kannel = try Kannel()
        let engine = try engine(
            """
            config notify 'push'
            \toption bearer 'wap-push'
            \toption url 'http://127.0.0.1:\(kannel.pushPort)/wappush'
            \toption username '\(Kannel.user)'
            \toption password '\(Kannel.password)'

            """)
        try engine.mustControl(["user", "set", "bob", "msisdn", "+491700000001"])
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        #expect(try alice.send("Dinner is ready.", to: "wv:bob@home.test").code == 200)
        let file = engine.folder.path + "/si"
        try Data(kannel.awaitIndication()).write(to: URL(fileURLWithPath: file))
        let document = try runCommand(["wbxml2xml", "-o", "-", file]).output
        let link = String(try #require(document.firstMatch(of: /href="([^"]*)"/)).1)
        #expect(link.hasPrefix(url(engine) + "m/"), "\(link)")
        let bob = try Browser()
        try bob.open(link)
        try bob.await("Dinner is ready.", in: "#log")
        #expect(try bob.text("#with") == "alice")
        try bob.picture("link")
        // The link is nowhere any more.
        #expect(
            try bob.run("return location.href + JSON.stringify([{...localStorage}]);") as? String == url(engine)
                + "[{}]")
        try bob.type("I am coming.\n", into: "#text")
        #expect(try alice.receiveTexts() == ["I am coming."])
        // It holds once.
        let thief = try Browser()
        try thief.open(link)
        try thief.await("This link was used already", in: "#login-error")
        try engine.awaitRecord("AUTH-FAIL", "user=wv:bob@home.test")
        let dump = try engine.control(["dump"]).output
        #expect(!dump.contains(link.split(separator: "/").last!.prefix(32)), "the link is in the store")
    }

    @Test func whatAHandsetCannotAnswerIsAnsweredHere() throws {
        let engine = try engine()
        try engine.mustControl([
            "sysmsg", "add", "terms", "--kind", "login", "--text", "Messages cost ten cents each. Agreed?",
            "--required",
            "--blocking", "--option", "1|I accept|full", "--option", "2|I decline|deny", "--legacy", "deny",
        ])
        let handset = try engine.client("alice", "1.2")
        let reason = try #require(try handset.logIn().primitive?["Result/Description"]?.text)
        let link = try #require(reason.split(separator: " ").last.map(String.init))
        let alice = try Browser(width: 360, height: 640)
        try alice.open(link)
        try alice.await("Agreed?", in: "#question")
        try alice.picture("handset-question")
        try alice.click(button: "I accept")
        try alice.await("Your answer is kept.", in: "#banner")
        #expect(try alice.sees("#login") && !alice.sees("#app"))
        try alice.picture("handset-answered")
        try expectNoBarriers(alice)
        #expect(try handset.logIn().code == 200)
        try alice.open(url(engine) + "q/0000000000000000.alice")
        try alice.await("This link", in: "#login-error")
    }

    @Test func aQuestionComesFirst() throws {
        let engine = try engine()
        let words = String(repeating: "Messages cost ten cents each, and so on. ", count: 12) + "Do you accept this?"
        try engine.mustControl([
            "sysmsg", "add", "terms", "--kind", "login", "--text", words, "--required", "--blocking", "--option",
            "1|I accept|full", "--option", "2|I decline|deny", "--option", "3|Only reading|limited:FundamentalFeat",
            "--option", "4|Tell me more|deny", "--option", "5|Later|deny", "--try-again", "600",
        ])
        let alice = try Browser(width: 360, height: 640)
        try logIn(alice, "alice", engine)
        try alice.await("Do you accept this?", in: "#question")
        try alice.picture("question-512-characters")
        try expectNoBarriers(alice)
        // Everything can be reached on a small screen.
        let fits = """
            const d = document.getElementById('question').getBoundingClientRect();
            return d.top >= 0 && d.bottom <= innerHeight && d.left >= 0 && d.right <= innerWidth;
            """
        #expect(try alice.run(fits) as? Bool == true)
        // It cannot be closed without an answer, and nobody is there before it.
        try alice.run("document.getElementById('question').dispatchEvent(new Event('cancel', {cancelable: true}));")
        #expect(try alice.sees("#question") && !alice.sees("#app"))
        try alice.click(button: "I decline")
        try alice.await("10 minutes", in: "#login-error")
        try alice.picture("declined")
        let bob = try Browser()
        try logIn(bob, "bob", engine)
        try bob.await("Do you accept this?", in: "#question")
        try bob.click(button: "I accept")
        try awaitApp(bob, "bob")
        #expect(try bob.sees("#start"))
        let carla = try Browser()
        try logIn(carla, "carla", engine)
        try carla.await("Do you accept this?", in: "#question")
        try carla.click(button: "Only reading")
        try carla.await("Some functions are not part of your service.", in: "#banner")
        // What is not allowed is not offered.
        #expect(try !carla.sees("#start") && !carla.sees("#write"))
        try carla.click("#menu")
        #expect(try !carla.sees("#state"))
        try carla.picture("limited")
        try expectNoBarriers(carla)
        #expect(try engine.control(["sysmsg", "results", "terms"]).output.contains("carla"))
        // A message in the session, with markup in it.
        try engine.mustControl([
            "sysmsg", "add", "tip", "--kind", "online", "--text", "<img src=x onerror=alert(1)>", "--option",
            "1|<b>Yes</b>|full", "--audience", "user:bob",
        ])
        try bob.await("<img src=x onerror=alert(1)>", in: "#question-text")
        // Ended with a question open, it asks again.
        try engine.mustControl(["disconnect", "bob"])
        try bob.await("You were logged out.", in: "#login-error")
        try logIn(bob, "bob", engine)
        try bob.await("<img src=x onerror=alert(1)>", in: "#question-text")
        try bob.click(button: "<b>Yes</b>")
        try wait("the answer") { try engine.control(["sysmsg", "results", "tip"]).output.contains("answered") }
    }

    @Test func theEngineMayGoAndComeBack() throws {
        let engine = try engine()
        let alice = try Browser()
        try logIn(alice, "alice", engine)
        try awaitApp(alice, "alice")
        try alice.type("bob\n", into: "#to")
        engine.kill()
        try alice.type("written while it was away\n", into: "#text")
        try alice.await("No connection", in: "#banner")
        try alice.picture("no-connection")
        try engine.start()
        try wait("the connection", seconds: 30) { try !alice.sees("#banner") }
        let bob = try engine.client("bob", "1.3")
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["written while it was away"])
        // A reload goes on in the same session, with what was said.
        try alice.reload()
        try awaitApp(alice, "alice")
        try alice.await("bob", in: "#list")
        try alice.click("#list button")
        try alice.await("written while it was away", in: "#log")
        #expect(try engine.status("sessions") == 2)
        // Another tab has a session of its own, and both have all messages.
        try alice.openTab(url(engine))
        try alice.await("Log in")
        #expect(try alice.run("return localStorage.length;") as? Int == 0)
        try logIn(alice, "alice", engine)
        try awaitApp(alice, "alice")
        #expect(try engine.status("sessions") == 3)
        #expect(try bob.send("to both", to: "wv:alice@home.test").code == 200)
        try alice.await("bob", in: "#list")
        // Logged out by the operator.
        try engine.mustControl(["disconnect", "alice"])
        try alice.await("You were logged out.", in: "#login-error")
    }

    @Test func contactsAndPresence() throws {
        let engine = try engine()
        let (alice, bob) = (try Browser(), try Browser())
        try logIn(alice, "alice", engine)
        try awaitApp(alice, "alice")
        try logIn(bob, "bob", engine)
        try awaitApp(bob, "bob")
        try alice.type("bob\n", into: "#to")
        try alice.click("#more")
        try alice.run("document.getElementById('nick').value = 'Robert <i>';")
        try alice.click(button: "Add to my contacts")
        try alice.await("Robert <i>", in: "#with")
        // He is told, or asked whether she may see him.
        try wait("a question") { try bob.sees("#question") || bob.sees("#sheet") }
        try bob.picture("added")
        try expectNoBarriers(bob)
        for _ in 0..<4 {
            for words in ["Allow", "OK", "Close"] where (try? bob.click(button: words)) != nil {}
            Thread.sleep(forTimeInterval: 0.7)
        }
        try bob.click("#menu")
        try bob.run(
            "document.getElementById('state').value = 'DISCREET'; document.getElementById('words').value = 'in a <meeting>';"
        )
        try bob.click(button: "Save")
        try bob.await("busy · in a <meeting>", in: "#me")
        try alice.click("#back")
        try alice.await("in a <meeting>", in: "#list")
        #expect(try alice.run("return document.querySelector('.dot').className;") as? String == "dot DISCREET")
        try alice.picture("contacts")
        try expectNoBarriers(alice)
        try bob.type("alice\n", into: "#to")
        try bob.click("#more")
        try bob.click(button: "Block")
        try alice.click("#list button")
        try alice.type("do you hear me?\n", into: "#text")
        try alice.await("Not sent: not accepted by the other side", in: "#log")
        try bob.click("#back")
        try bob.click("#menu")
        try bob.click(button: "Log out")
        try wait("the form") { try bob.sees("#login") }
        #expect(try engine.status("sessions") == 1)
        // Who comes next at the same browser is somebody else, and bob is what he said he was when he comes again.
        try logIn(bob, "carla", engine)
        try awaitApp(bob, "carla")
        #expect(try bob.text("#me") == "carla\nthere" && bob.text("#list") == "")
        try bob.click("#menu")
        try bob.click(button: "Log out")
        try logIn(bob, "bob", engine)
        try bob.await("busy · in a <meeting>", in: "#me")
        #expect(try alice.complaints() == [] && bob.complaints() == [])
    }

    /// Five hundred messages: what each costs the browser does not grow with what is there.
    @Test func aLongConversationStaysSmooth() throws {
        let engine = try engine("", ["offline_max_msgs": "1000"])
        let bob = try engine.client("bob")
        try bob.logIn()
        for number in 1...500 { #expect(try bob.send("message \(number)", to: "wv:alice@home.test").code == 200) }
        let alice = try Browser()
        try alice.open(url(engine))
        try logIn(alice, "alice", engine)
        try awaitApp(alice, "alice")
        try alice.await("bob", in: "#list")
        try alice.click("#list button")
        let begin =
            try alice.run(
                """
                window.added = 0;
                new MutationObserver((list) => { for (const m of list) window.added += m.addedNodes.length; })
                  .observe(document.getElementById('log'), {childList: true});
                return document.getElementById('log').children.length;
                """) as? Int ?? 0
        try wait("all of them", seconds: 60) {
            try alice.run("return document.getElementById('log').children.length;") as? Int == 500
        }
        // Each is added once, and nothing is drawn anew.
        #expect(try alice.run("return window.added;") as? Int == 500 - begin)
        let last = try alice.run("return document.querySelector('#log p:last-child').textContent;") as? String ?? ""
        #expect(last.hasPrefix("message 500"), "\(last)")
        let isSeen = """
            const p = document.querySelector('#log p:last-child').getBoundingClientRect();
            return p.bottom <= document.getElementById('write').getBoundingClientRect().top;
            """
        #expect(try alice.run(isSeen) as? Bool == true)
        try alice.picture("five-hundred")
    }
}
