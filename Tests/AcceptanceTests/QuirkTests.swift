import Foundation
import Harness
import Testing

/// Clients that differ from the protocol. Source: protocol/session.md §6.2, protocol/primitives.md §6.2,
/// protocol/transport.md §7.
@Suite struct QuirkTests {
    private static let android = "capability-list-first,no-system-message,new-value-tokens,literal-tags"

    private func client(_ section: String) -> String { "config client\n\(section)\n" }

    private func quirks(_ engine: EngineProcess) throws -> [String] {
        try engine.records(of: ["sessions"]).map { $0["quirks"] as? String ?? "" }
    }

    @Test func aKnownClientIsServedAsItIs() throws {
        let engine = try EngineProcess()
        let list = "<InitialDeliveryMethod>P</InitialDeliveryMethod>"
        let alice = try engine.client("alice", "1.1")
        try alice.logIn()
        let ordinary = try alice.negotiateCapabilities(list)
        #expect(ordinary.primitive?.children.map(\.name) == ["ClientID", "CapabilityList"])
        #expect(try quirks(engine) == ["none"])
        try alice.logOut()

        alice.userAgent = "android-imps/0.1"
        try alice.logIn()
        let reply = try alice.negotiateCapabilities(list)
        #expect(reply.primitive?.children.map(\.name) == ["CapabilityList", "ClientID"])
        #expect(try quirks(engine) == [QuirkTests.android])
        try engine.awaitRecord("LOGIN", "agent=android-imps/0.1")
        // The session keeps them, whatever becomes of the process.
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        alice.userAgent = nil
        #expect(try alice.negotiateCapabilities(list).primitive?.children.first?.name == "CapabilityList")
    }

    @Test func theOperatorKnowsMoreClients() throws {
        let engine = try EngineProcess()
        engine.sections =
            client("\toption agent '*phone*9?*'\n\tlist quirk cir-false\n\tlist quirk unescape-content")
            + client("\toption agent 'Android-Imps/2*'")
        try engine.restart()
        let alice = try engine.client("alice")
        for (agent, quirks) in [
            ("A Phone 9?", "unescape-content,cir-false"), ("phone9", "none"), ("Android-Imps/2.0", "none"),
            ("Android-Imps/1.0", QuirkTests.android),
            (String(repeating: "phone9?", count: 30), "unescape-content,cir-false"),
            (String(repeating: "p", count: 3000), "none"), ("", "none"),
        ] {
            alice.userAgent = agent
            try alice.logIn()
            #expect(try self.quirks(engine) == [quirks], "\(agent)")
            try alice.logOut()
        }
    }

    @Test func whatIsWrongInASectionIsTold() throws {
        let engine = try EngineProcess()
        engine.sections = client("\toption agent 'x'\n\tlist quirk 'none-of-these'") + client("\tlist quirk cir-true")
        let ending = try run("impsd", ["--check", "--config", engine.configuration])
        #expect(ending.code != 0)
        let told = ending.output + ending.errors
        #expect(
            told.contains("client.quirk: capability-list-first, unescape-content, cir-false, cir-true"), "\(told)")
        #expect(told.contains("client.agent: a client section needs one"), "\(told)")
    }

    @Test(arguments: ["xml", "wbxml"]) func contentThatIsEscapedTwiceIsKeptOnce(syntax: String) throws {
        let engine = try EngineProcess()
        engine.sections = client("\toption agent 'S40*'\n\tlist quirk 'unescape-content'")
        try engine.restart()
        let alice = try engine.client("alice")
        alice.syntax = syntax
        alice.userAgent = "S40 phone"
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        // Longer than a value of the store, with a reference across every boundary.
        let long = String(repeating: "&amp;", count: 3000)
        for text in ["&lt;b&gt; &quot;&apos;&amp;lt; &x; &", long] {
            #expect(try alice.send(text, to: "wv:bob@home.test").code == 200)
            // In XML the reader has done it already.
            let expected =
                syntax == "xml"
                ? text
                : text.replacing("&lt;b&gt;", with: "<b>").replacing("&quot;&apos;", with: "\"'")
                    .replacing("&amp;", with: "&")
            let message = try #require(try bob.poll())
            #expect(message.primitive?["ContentData"]?.text == expected)
            #expect(message.primitive?["MessageInfo/ContentSize"]?.number == expected.utf8.count)
            try bob.confirm(message)
        }
    }

    @Test(arguments: ["F", "T"]) func aClientIsToldToOpenItsConnection(flag: String) throws {
        let engine = try EngineProcess(["guard_s": "1"])
        engine.sections = client("\toption agent 'phone'\n\tlist quirk 'cir-\(flag == "T" ? "true" : "false")'")
        try engine.restart()
        for version in versions {
            let alice = try engine.client("alice", version)
            alice.userAgent = "phone"
            try alice.logIn()
            #expect(try alice.request("<KeepAlive-Request/>").root["Session/CIR"] == nil)
            let agreed = try alice.negotiateCapabilities("<SupportedCIRMethod>STCP</SupportedCIRMethod>")
            // It may be connecting now.
            #expect(agreed.root["Session/CIR"] == nil)
            Thread.sleep(forTimeInterval: 1.1)
            let told = try alice.request("<KeepAlive-Request/>").root["Session/CIR"]?.text
            #expect(told == (version == "1.1" ? nil : flag))
            let channel = try HTTPConnection(port: engine.cirPort)
            try channel.send("HELO \(alice.sessionID!)\r\n")
            #expect(try channel.receiveSegment() == "OK\r\n")
            #expect(try alice.request("<KeepAlive-Request/>").root["Session/CIR"] == nil)
            try alice.logOut()
        }
    }
}
