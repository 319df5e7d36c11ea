import Foundation
import Harness
import Testing

/// The operator's page in Chromium. Pictures are kept in `.build/screenshots`.
@Suite(.serialized, .enabled(if: Browser.isThere && Programs.runner.isEmpty && Programs.call == nil))
struct AdminBrowserTests {
    private static let terms = """
        config sysmsg 'terms'
        \toption kind 'login'
        \toption text 'Terms of <b>use</b>: what you write is kept for three months. Do you agree?'
        \tlist option '1|I agree|full'
        \tlist option '2|Only look, no messages <script>document.title="owned"</script>|limited:FundamentalFeat'
        \tlist option '3|No|deny'

        """

    private func open(_ engine: EngineProcess, _ browser: Browser) throws {
        let proof = "operator:" + AdminPageTests.password.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
        try browser.open("http://\(proof)@localhost:\(try AdminPageTests.port(engine))/admin")
        try browser.await("As of", in: "#state")
    }

    @Test func theOperatorSeesWhatThereIs() throws {
        let users = ["alice", "bob", "carla", "dora", "emil", "frida"]
        let (engine, _) = try AdminPageTests.engine(users: users, AdminBrowserTests.terms)
        for (user, option) in [("alice", "1"), ("carla", "1"), ("dora", "2"), ("emil", "3"), ("frida", "1")] {
            try engine.mustControl(["sysmsg", "answer", "terms", user, option])
        }
        let alice = try engine.client("alice")
        try alice.logIn()
        for place in 1...3 { #expect(try alice.send("waits \(place)", to: "wv:bob@home.test").code == 200) }
        let browser = try Browser(width: 1000, height: 900)
        try open(engine, browser)
        try browser.await("alice", in: "#sessions")
        try browser.await("bob", in: "#queues")
        try browser.await("READY", in: "#log")
        #expect(try browser.text("#figures").contains("Messages accepted\n3"))
        #expect(try browser.text("#flash").contains("of 64 MB that are planned"))
        try browser.click(button: "Answers")
        try browser.await("Answers over time", in: "#message")
        let bars = try #require(
            try browser.run("return document.querySelector('#message svg').getAttribute('aria-label');") as? String)
        #expect(
            bars.contains("1 I agree (full): 3; 2 Only look") && bars.contains("(deny): 1; asked, and no answer: 0"))
        #expect(browser.title == "impsd")
        try browser.picture("admin-wide")
        let barriers = try browser.barriers()
        #expect(barriers == [])
        let small = try Browser(width: 360, height: 640, isDark: true)
        try open(engine, small)
        try small.picture("admin-dark-small")
        let others = try small.barriers()
        #expect(others == [])
        #expect(try small.run("return document.documentElement.scrollWidth <= 360;") as? Bool == true)
        #expect(try browser.complaints() == [])
        #expect(try small.complaints() == [])
    }

    @Test func aCampaignBeginsAndEnds() throws {
        let (engine, _) = try AdminPageTests.engine(users: ["alice"])
        let browser = try Browser(width: 800, height: 900)
        try open(engine, browser)
        #expect(try browser.text("#messages") == "None.")
        try browser.click("summary")
        try browser.type("advice", into: "#a-name")
        let text = "Ein Gespräch kostet 9 ¢ je Minute.\\n" + String(repeating: "grüße \\\\ ", count: 50)
        try browser.run("document.getElementById('a-text').value = arguments[0];", [text])
        try browser.run("document.getElementById('a-options').value = arguments[0];", ["1|Ja|full\n1|Nein|deny"])
        try browser.click(button: "Begin")
        try browser.await("the identifier of each option is its own", in: "#add-error")
        try browser.run("document.getElementById('a-options').value = arguments[0];", ["1|Ja|full\n2|Nein|deny\n"])
        try browser.click(button: "Begin")
        try browser.await("advice has begun.", in: "#state")
        let shown = try engine.records(of: ["sysmsg", "show", "advice"])
        #expect(
            shown.contains { $0["text"] as? String == text.trimmingCharacters(in: .whitespacesAndNewlines) }, "\(shown)"
        )
        try browser.picture("admin-campaign")
        // Who is asked whether he is sure may say no.
        try browser.click(button: "End")
        try browser.click(button: "No")
        #expect(try browser.text("#messages").contains("active"))
        try browser.click(button: "End")
        try browser.click(button: "Yes, end it")
        try browser.await("advice has ended.", in: "#state")
        #expect(try browser.text("#messages").contains("ended"))
        // The engine goes and comes back; what is seen meanwhile is said to be old.
        engine.kill()
        try browser.click("#refresh")
        try browser.await("The engine does not answer", in: "#state")
    }
}
