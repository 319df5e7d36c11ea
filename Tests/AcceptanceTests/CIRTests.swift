import Foundation
import Harness
import Testing

/// Clients that sleep until they are called. Source: protocol/transport.md §6.
@Suite struct CIRTests {
    /// Negotiates methods; what the server agreed to.
    private func agree(_ client: Client, _ list: String) throws -> Element {
        let methods = list.split(separator: " ").map { "<SupportedCIRMethod>\($0)</SupportedCIRMethod>" }.joined()
        return try agree(client, elements: methods)
    }

    private func agree(_ client: Client, elements: String) throws -> Element {
        let reply = try client.negotiateCapabilities("<InitialDeliveryMethod>P</InitialDeliveryMethod>\(elements)")
        let name = client.version == "1.1" ? "CapabilityList" : "AgreedCapabilityList"
        let list = try #require(reply.primitive?[name], "\(reply.root)")
        _ = try client.poll()
        return list
    }

    private func methods(_ list: Element) -> [String] { list.all("SupportedCIRMethod").map(\.text) }

    /// A connection to be called on, greeted.
    private func channel(_ engine: EngineProcess, _ client: Client) throws -> HTTPConnection {
        let channel = try HTTPConnection(port: engine.cirPort)
        try channel.send("HELO \(client.sessionID!)\r\n")
        #expect(try channel.receiveSegment() == "OK\r\n")
        return channel
    }

    // MARK: Agreement

    @Test(arguments: versions) func theMethodsAreAgreedInTheOrderOfTheClient(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let list = try agree(alice, "WAPSMS SHTTP SSMS STCP SUDP NONE")
        #expect(methods(list) == ["SHTTP", "STCP", "SUDP"])
        #expect(list["TCPAddress"]?.text == "127.0.0.1")
        #expect(list["TCPPort"]?.number == Int(engine.toldCIRPort))
        let url = list[version == "1.3" ? "CIRHTTPAddress/URL" : "CIRURL/URL"]?.text
        // 1.1 has no URL, and 1.2 no token for it.
        let hasURL = version == "1.3" || version == "1.2" && Programs.syntax == "xml"
        #expect((url?.hasPrefix("http://127.0.0.1:\(engine.port)/cir/") == true) == hasURL)
        #expect(url?.contains(alice.sessionID!.dropFirst(4)) != true)
        let none = try agree(alice, "WAPSMS SSMS")
        #expect(methods(none) == [])
        #expect(none["TCPPort"] == nil)
        #expect(none["CIRHTTPAddress"] == nil)
        #expect(try alice.request(capabilities("<UDPPort>0</UDPPort>", version)).code == 402)
    }

    private func capabilities(_ elements: String, _ version: String) -> String {
        let id = version == "1.1" ? "<ClientID><URL>test.client</URL></ClientID>" : ""
        return
            "<ClientCapability-Request>\(id)<CapabilityList>\(elements)</CapabilityList></ClientCapability-Request>"
    }

    @Test func theOperatorSaysWhatThereIs() throws {
        let engine = try EngineProcess(["cir": "sudp shttp", "cir_address": "gateway.test"])
        let alice = try engine.client("alice", "1.3")
        try alice.logIn()
        let list = try agree(alice, "STCP SUDP SHTTP")
        #expect(methods(list) == ["SUDP", "SHTTP"])
        #expect(list["CIRHTTPAddress/URL"]?.text.hasPrefix("http://gateway.test:\(engine.port)/cir/") == true)
        #expect(engine.cirPort == 0)
        try engine.set(["cir": "off"])
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try methods(agree(alice, "STCP SUDP SHTTP")) == [])
    }

    // MARK: STCP

    @Test(arguments: versions) func aClientIsCalledOnItsConnection(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        let bob = try engine.client("bob", "1.2", cookie: "Bob#1:2_3 x")
        try alice.logIn()
        try bob.logIn()
        _ = try agree(bob, "STCP")
        let channel = try self.channel(engine, bob)
        // A space before the line end is what some clients send.
        try channel.send("PING \r\n")
        #expect(try channel.receiveSegment() == "OK\r\n")
        #expect(channel.isSilent(milliseconds: 400))
        try alice.send("one", to: "wv:bob@home.test")
        #expect(try channel.receiveSegment() == "WVCI 1.2 Bob#1:2_3 x\r\n")
        // One call is enough.
        try alice.send("two", to: "wv:bob@home.test")
        #expect(channel.isSilent(milliseconds: 400))
        #expect(try bob.receiveTexts() == ["one", "two"])
        try alice.send("three", to: "wv:bob@home.test")
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true)
        #expect(try bob.receiveTexts() == ["three"])
        try bob.logOut()
        #expect(try channel.isClosed())
    }

    /// After its negotiation it says nothing more, not even a poll.
    @Test(arguments: ["STCP", "SUDP"]) func whoSleepsFromTheBeginningIsCalled(method: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob")
        let alice = try engine.client("alice")
        try bob.logIn()
        try alice.logIn()
        let socket = try CallSocket()
        let list = "<SupportedCIRMethod>\(method)</SupportedCIRMethod><UDPPort>\(socket.port)</UDPPort>"
        #expect(try bob.negotiateCapabilities(list).primitive?["AgreedCapabilityList"].map(methods) == [method])
        let line = try method == "STCP" ? channel(engine, bob) : nil
        try alice.send("one", to: "wv:bob@home.test")
        if let line {
            #expect(try line.receiveSegment()?.hasPrefix("WVCI 1.2 ") == true)
        } else {
            #expect(socket.receive()?.hasPrefix("WVCI 1.2 ") == true)
        }
        #expect(try bob.receiveTexts() == ["one"])
    }

    /// Source: protocol/transport.md §6.5.
    @Test func aHandsetThatKnowsPushesIsCalledByOne() throws {
        let engine = try EngineProcess()
        let socket = try CallSocket(host: 77, port: 2948)
        let bob = Client(
            try HTTPConnection(port: engine.port, from: 77), user: "wv:bob@home.test",
            password: engine.password(of: "bob"), "1.2", cookie: "wv:nokia.77")
        let alice = try engine.client("alice")
        try bob.logIn()
        try alice.logIn()
        #expect(try methods(agree(bob, "WAPUDP")) == ["WAPUDP"])
        #expect(try engine.control(["--raw", "sessions"]).output.contains("call=wapudp"))
        try alice.send("one", to: "wv:bob@home.test")
        // A transaction, Push, three octets of head: the content type of calls, and the application of IMPS.
        let push = try #require(socket.receiveOctets())
        #expect(Array(push.prefix(6)) == [1, 6, 3, 0xC6, 0xAF, 0x8A])
        #expect(String(decoding: push.dropFirst(6), as: UTF8.self) == "WVCI 1.2 wv:nokia.77")
        #expect(try bob.receiveTexts() == ["one"])
        // Where there is a plain datagram too, it is one.
        let plain = try CallSocket(host: 77)
        let list = "<SupportedCIRMethod>WAPUDP</SupportedCIRMethod><SupportedCIRMethod>SUDP</SupportedCIRMethod>"
        try bob.negotiateCapabilities(list + "<UDPPort>\(plain.port)</UDPPort>")
        _ = try bob.poll()
        try alice.send("two", to: "wv:bob@home.test")
        #expect(plain.receive()?.hasPrefix("WVCI") == true)
    }

    @Test func whatWaitsIsToldAMomentAfterTheGreeting() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        _ = try agree(bob, "STCP")
        try alice.send("one", to: "wv:bob@home.test")
        let first = try channel(engine, bob)
        #expect(first.isSilent(milliseconds: 100))
        #expect(try first.receiveSegment()?.hasPrefix("WVCI 1.2 ") == true)
        // Another connection takes its place, and hears of it again.
        let second = try channel(engine, bob)
        #expect(try first.isClosed())
        #expect(try second.receiveSegment()?.hasPrefix("WVCI 1.2 ") == true)
        // After a restart too.
        engine.kill()
        try engine.start()
        #expect(try second.isClosed())
        let third = try channel(engine, bob)
        #expect(try third.receiveSegment()?.hasPrefix("WVCI 1.2 ") == true)
        bob.connection = try engine.connect()
        #expect(try bob.receiveTexts() == ["one"])
    }

    @Test func whoIsNotHeardOfIsCalledAgain() throws {
        let engine = try EngineProcess(["guard_s": "1"])
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        _ = try agree(bob, "STCP")
        let channel = try channel(engine, bob)
        try alice.send("one", to: "wv:bob@home.test")
        for _ in 0..<4 { #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true) }
        #expect(channel.isSilent(milliseconds: 2500))
        // What comes later is called for again.
        try alice.send("two", to: "wv:bob@home.test")
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true)
        // What was sent and never confirmed is called for too.
        #expect(try bob.poll()?.name == "NewMessage")
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true)
        #expect(try bob.receiveTexts() == ["two", "one"])
        #expect(channel.isSilent(milliseconds: 1500))
    }

    @Test func strangersDoNotGetIn() throws {
        let engine = try EngineProcess()
        for words in [
            "HELO 0000\(String(repeating: "0", count: 32))\r\n", "HELO\r\n", "PING\r\n", "GET / HTTP/1.1\r\n",
            String(repeating: "x", count: 100), "\u{0}\u{1}\n",
        ] {
            let channel = try HTTPConnection(port: engine.cirPort)
            try channel.send(words)
            #expect(try channel.isClosed(), "\(words)")
        }
        // Who says nothing takes no more than some places, and keeps nobody out.
        let silent = try (0..<100).map { _ in try HTTPConnection(port: engine.cirPort) }
        try wait("the first ones are cut") { silent.prefix(4).allSatisfy { !$0.isSilent(milliseconds: 0) } }
        #expect(silent.contains { $0.isSilent(milliseconds: 0) })
        let alice = try engine.client("alice")
        #expect(try alice.logIn().code == 200)
        _ = try agree(alice, "STCP")
        let channel = try channel(engine, alice)
        #expect(channel.isSilent(milliseconds: 100))
        withExtendedLifetime(silent) {}
    }

    @Test func aMessageOfTheSystemAndTheEndOfASessionAreCalledFor() throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", "1.3")
        try bob.logIn()
        _ = try agree(bob, "STCP")
        let channel = try channel(engine, bob)
        #expect(try engine.control(["sysmsg", "add", "hello", "--kind", "online", "--text", "Hello."]).code == 0)
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI 1.3 ") == true)
        #expect(try bob.receiveAll().map(\.name) == ["SystemMessage-Request"])
        #expect(try engine.control(["disconnect", "bob"]).code == 0)
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI 1.3 ") == true)
        #expect(try bob.poll()?.name == "Disconnect")
        #expect(try channel.isClosed())
    }

    /// A reminder is called for as often as anything else, whatever wakes the engine meanwhile.
    @Test func aReminderIsCalledForOnce() throws {
        let engine = try EngineProcess(["guard_s": "1", "sysmsg_remind_s": "2", "keepalive_min": "1"])
        let bob = try engine.client("bob", "1.3")
        try bob.logIn()
        _ = try agree(bob, "STCP")
        let channel = try channel(engine, bob)
        let fields = ["--kind", "online", "--text", "Well?", "--required", "--option", "1|Yes|full"]
        #expect(try engine.control(["sysmsg", "add", "tariff"] + fields).code == 0)
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true)
        #expect(try bob.receiveAll().map(\.name) == ["SystemMessage-Request"])
        for _ in 0..<4 { #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true) }
        // Sessions that end make the engine look at all of them.
        let alice = try engine.client("alice")
        for _ in 0..<3 {
            alice.cookie = UUID().uuidString
            _ = try alice.request(alice.loginContent("<Password>secret of alice</Password>", timeToLive: 1))
            #expect(channel.isSilent(milliseconds: 2000))
        }
        #expect(try bob.receiveAll().map(\.name) == ["SystemMessage-Request"])
    }

    // MARK: SUDP

    @Test func aClientIsCalledByDatagrams() throws {
        let engine = try EngineProcess()
        let socket = try CallSocket()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob", "1.3")
        try alice.logIn()
        try bob.logIn()
        _ = try agree(
            bob, elements: "<SupportedCIRMethod>SUDP</SupportedCIRMethod><UDPPort>\(socket.port)</UDPPort>")
        try alice.send("one", to: "wv:bob@home.test")
        #expect(socket.receive() == "WVCI 1.3 \(bob.cookie)")
        #expect(socket.receive(seconds: 0.3) == nil)
        // The engine that comes after a crash calls again.
        engine.kill()
        try engine.start()
        #expect(socket.receive() == "WVCI 1.3 \(bob.cookie)")
        bob.connection = try engine.connect()
        #expect(try bob.receiveTexts() == ["one"])
        // A connection is better than datagrams.
        let channel = try channel(engine, bob)
        alice.connection = try engine.connect()
        try alice.send("two", to: "wv:bob@home.test")
        #expect(try channel.receiveSegment()?.hasPrefix("WVCI") == true)
        channel.close()
        #expect(try bob.receiveTexts() == ["two"])
        try wait("the datagram") {
            try alice.send("three", to: "wv:bob@home.test")
            return socket.receive(seconds: 0.5) != nil
        }
    }

    @Test func aDatagramIsSentAgainUntilTheClientPolls() throws {
        let engine = try EngineProcess()
        let socket = try CallSocket()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob", "1.2")
        try alice.logIn()
        try bob.logIn()
        _ = try agree(
            bob, elements: "<SupportedCIRMethod>SUDP</SupportedCIRMethod><UDPPort>\(socket.port)</UDPPort>")
        try alice.send("one", to: "wv:bob@home.test")
        #expect(socket.receive() != nil)
        #expect(socket.receive(seconds: 15) != nil)
        #expect(try bob.receiveTexts() == ["one"])
        #expect(socket.receive(seconds: 12) == nil)
    }

    // MARK: SHTTP

    @Test func aClientAsksAtAURLOfItsOwn() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob", "1.3")
        try alice.logIn()
        try bob.logIn()
        let url = try #require(URL(string: try agree(bob, "SHTTP")["CIRHTTPAddress/URL"]?.text ?? ""))
        let connection = try engine.connect()
        func ask(_ path: String) throws -> Int? {
            try connection.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            return try connection.receive()?.status
        }
        #expect(try ask(url.path) == 204)
        try alice.send("one", to: "wv:bob@home.test")
        #expect(try ask(url.path) == 200)
        #expect(try ask(url.path + "?x=1") == 200)
        #expect(try bob.receiveTexts() == ["one"])
        #expect(try ask(url.path) == 204)
        #expect(try ask("/cir/" + String(repeating: "0", count: 36)) == 404)
        #expect(try ask(String(url.path.dropLast()) + "x") == 404)
        try bob.logOut()
        #expect(try ask(url.path) == 404)
    }
}
