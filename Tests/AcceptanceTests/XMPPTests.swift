import Foundation
import Harness
import Testing

/// An engine as a component of servers of others, with clients of others at them.
@Suite(.serialized) struct XMPPTests {
    private static func start(
        _ kind: XMPPServer.Kind, _ settings: [String: String] = [:]
    ) throws -> (server: XMPPServer, engine: EngineProcess) {
        let server = try XMPPServer(kind)
        let engine = try EngineProcess(settings, starts: false, isDoor: true)
        engine.sections = server.section()
        try engine.start()
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        return (server, engine)
    }

    private static func text(_ reply: Reply?) -> String { reply?.primitive?["ContentData"]?.text ?? "" }

    /// What a client is told of somebody's presence: whether he is there, how, and what he says.
    private static func presence(_ reply: Reply, of user: String) -> [String]? {
        for presence in reply.primitive?.all("Presence") ?? [] where presence["UserID"]?.text == user {
            return ["OnlineStatus", "UserAvailability", "StatusText"].map {
                presence["PresenceSubList/\($0)/PresenceValue"]?.text ?? "-"
            }
        }
        return nil
    }

    fileprivate static func awaitPresence(_ client: Client, of user: String, _ expected: [String]) throws {
        var last: [String]?
        let end = Date().addingTimeInterval(15 * Programs.slowness)
        while Date() < end {
            // What answers the answer may be the next one.
            var next = try client.poll()
            while let reply = next, reply.name == "PresenceNotification-Request" {
                next = try client.respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
                last = presence(reply, of: user) ?? last
                if last == expected { return }
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw HarnessError("\(user) is \(last ?? []), not \(expected)")
    }

    /// Polls until these have come, and nothing else of the kind.
    fileprivate static func awaitTexts(_ client: Client, _ texts: [String], seconds: Double = 15) throws {
        var seen: [String] = []
        let end = Date().addingTimeInterval(seconds * Programs.slowness)
        while seen.count < texts.count, Date() < end {
            seen += try client.receiveTexts()
            Thread.sleep(forTimeInterval: 0.05)
        }
        guard seen == texts else { throw HarnessError("\(seen), not \(texts)") }
    }

    /// A client of the engine that has agreed to everything.
    private static func client(_ engine: EngineProcess, _ user: String) throws -> Client {
        let client = try engine.client(user)
        _ = try client.logIn()
        return client
    }

    /// What somebody's client shows him: what has an id that it has seen is the same once more (XEP-0359).
    private static func messages(_ person: Person) -> [String] {
        var ids: Set<Substring> = []
        return person.seen.filter { $0.hasPrefix("message ") }.map { $0.split(separator: " ", maxSplits: 4) }
            .filter { ids.insert($0[2]).inserted }.map { String($0[4]) }
    }

    @Test(arguments: XMPPServer.Kind.allCases)
    func messagesGoBothWays(_ kind: XMPPServer.Kind) throws {
        let (server, engine) = try XMPPTests.start(kind)
        let romeo = try server.person("romeo")
        let alice = try XMPPTests.client(engine, "alice")
        #expect(try alice.send("Wherefore & <why>?", to: "wv:romeo@people.test").code == 200)
        #expect(try romeo.see("message alice@home.test m").hasSuffix(" - Wherefore & <why>?"))
        try romeo.obey("send alice@home.test r1 By a name, I know not <how> & \u{00E9}")
        let message = try alice.awaitReply("NewMessage")
        #expect(XMPPTests.text(message) == "By a name, I know not <how> & \u{00E9}")
        #expect(message.primitive?["MessageInfo/Sender/User/UserID"]?.text == "wv:romeo@people.test")
        #expect(!romeo.seen.contains("receipt alice@home.test r1"))
        _ = try alice.confirm(message)
        // The client has it: that is what the receipt says.
        try romeo.see("receipt alice@home.test r1")
        try romeo.obey("send nobody@home.test r2 Is there anybody")
        try romeo.see("error nobody@home.test r2 cancel item-not-found")
        // A report is what a receipt becomes.
        #expect(try alice.send("Did you get it?", to: "wv:romeo@people.test", report: true).code == 200)
        let report = try alice.awaitReply("DeliveryReport-Request")
        #expect(report.code == 200)
        #expect(report.primitive?["MessageInfo/Recipient/User/UserID"]?.text == "wv:romeo@people.test")
        #expect(XMPPTests.messages(romeo) == ["Wherefore & <why>?", "Did you get it?"])
    }

    @Test(arguments: XMPPServer.Kind.allCases)
    func whoIsOfflineGetsThemLater(_ kind: XMPPServer.Kind) throws {
        let (server, engine) = try XMPPTests.start(kind)
        let alice = try XMPPTests.client(engine, "alice")
        // Prosody's and ejabberd's own store keeps what is for their users.
        #expect(try alice.send("When you come", to: "wv:juliet@people.test", report: true).code == 200)
        _ = try alice.logOut()
        Thread.sleep(forTimeInterval: 1)
        let juliet = try server.person("juliet")
        #expect(try juliet.see("message alice@home.test m").hasSuffix(" When you come"))
        let late = try juliet.see("message alice@home.test m").split(separator: " ")[3]
        #expect(late.hasPrefix("20"), "\(late)")
        try juliet.obey("send alice@home.test j1 You are away")
        try wait("the first in the mailbox") { try engine.status("accepted") >= 2 }
        try juliet.obey(
            "raw <message to='alice@home.test' id='j2' type='chat'><body>Of yesterday</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/></message>"
        )
        try wait("both in the mailbox") { try engine.status("accepted") >= 3 }
        _ = try alice.logIn()
        let report = try alice.awaitReply("DeliveryReport-Request")
        #expect(report.code == 200)
        var next = try alice.respond(to: report, "<Status><Result><Code>200</Code></Result></Status>")
        let first = try alice.awaitReply("NewMessage", next)
        #expect(XMPPTests.text(first) == "You are away")
        next = try alice.confirm(first)
        let second = try alice.awaitReply("NewMessage", next)
        #expect(XMPPTests.text(second) == "Of yesterday")
        #expect(second.primitive?["MessageInfo/DateTime"]?.text == "20260102T030405Z")
        _ = try alice.confirm(second)
        try juliet.see("receipt alice@home.test j1")
    }

    @Test(arguments: XMPPServer.Kind.allCases)
    func theyWatchEachOther(_ kind: XMPPServer.Kind) throws {
        let (server, engine) = try XMPPTests.start(kind)
        let romeo = try server.person("romeo")
        let alice = try XMPPTests.client(engine, "alice")
        let list = "wv:alice/friends@home.test"
        #expect(
            try alice.request(
                "<CreateList-Request><ContactList>\(list)</ContactList><NickList><NickName><Name>R</Name><UserID>wv:romeo@people.test</UserID></NickName></NickList></CreateList-Request>"
            ).code == 200)
        #expect(
            try alice.request(
                "<SubscribePresence-Request><ContactList>\(list)</ContactList></SubscribePresence-Request>"
            )
            .code == 200)
        try romeo.see("subscribe alice@home.test")
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["-", "-", "-"])
        try romeo.obey("accept alice@home.test")
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["T", "AVAILABLE", "-"])
        try romeo.obey("show dnd In the orchard")
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["T", "DISCREET", "In the orchard"])

        try romeo.obey("ask alice@home.test")
        let question = try alice.awaitReply("PresenceAuth-Request")
        #expect(question.primitive?["UserID"]?.text == "wv:romeo@people.test")
        _ = try alice.respond(to: question, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(!romeo.seen.contains { $0.hasPrefix("available alice") })
        #expect(
            try alice.request(
                "<PresenceAuth-User><UserID>wv:romeo@people.test</UserID><Acceptance>T</Acceptance></PresenceAuth-User>"
            ).code == 200)
        try romeo.see("subscribed alice@home.test")
        try romeo.see("available alice@home.test -")
        let namespace = "http://www.openmobilealliance.org/DTD/WV-PA1.2"
        #expect(
            try alice.request(
                "<UpdatePresence-Request><PresenceSubList xmlns=\"\(namespace)\"><UserAvailability><Qualifier>T</Qualifier><PresenceValue>NOT_AVAILABLE</PresenceValue></UserAvailability><StatusText><Qualifier>T</Qualifier><PresenceValue>On the balcony</PresenceValue></StatusText></PresenceSubList></UpdatePresence-Request>"
            ).code == 200)
        try romeo.see("available alice@home.test away On the balcony")
        _ = try alice.logOut()
        try romeo.see("unavailable alice@home.test")

        // The server goes and comes: nobody is there meanwhile, and all is as it was afterwards.
        _ = try alice.logIn()
        #expect(
            try alice.request(
                "<SubscribePresence-Request><ContactList>\(list)</ContactList></SubscribePresence-Request>"
            )
            .code == 200)
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["T", "DISCREET", "In the orchard"])
        // ejabberd writes its contact lists some seconds later.
        if kind == .ejabberd { Thread.sleep(forTimeInterval: 5) }
        server.kill()
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["F", "-", "-"])
        try server.start()
        let again = try server.person("romeo")
        try XMPPTests.awaitPresence(alice, of: "wv:romeo@people.test", ["T", "AVAILABLE", "-"])
        try again.see("available alice@home.test away On the balcony")
        // Who is off the list is not watched any more.
        #expect(
            try alice.request(
                "<ListManage-Request><ContactList>\(list)</ContactList><RemoveNickList><UserID>wv:romeo@people.test</UserID></RemoveNickList></ListManage-Request>"
            ).code == 200)
        try again.see("unsubscribe alice@home.test")
        // And takes back what he let him see.
        #expect(
            try alice.request("<CancelAuth-Request><UserID>wv:romeo@people.test</UserID></CancelAuth-Request>").code
                == 200)
        try again.see("unsubscribed alice@home.test")
    }

    /// Servers and engine end without a word in the middle of much talk: what a client was told of as accepted arrives, once.
    @Test(arguments: XMPPServer.Kind.allCases)
    func nothingIsLostAndNothingTwice(_ kind: XMPPServer.Kind) throws {
        let (server, engine) = try XMPPTests.start(kind)
        var alice = try XMPPTests.client(engine, "alice")
        var accepted: [String] = []
        func say(_ count: Int, _ what: String) throws {
            for number in 0..<count {
                let text = "\(what) \(number)"
                if try alice.send(text, to: "wv:romeo@people.test").code == 200 { accepted.append(text) }
            }
        }
        try say(20, "before")
        try wait("the server has them") { try engine.status("delivered") >= 20 }
        server.kill()
        try say(20, "without a server")
        engine.kill()
        try engine.start()
        alice = try XMPPTests.client(engine, "alice")
        try say(20, "after the engine")
        try server.start()
        try engine.awaitRecord("XMPP-OPEN", "up=")
        // ejabberd gives somebody who comes while it stores what is for him the later ones first.
        try wait("the server has all") { try engine.status("delivered") >= 60 }
        let romeo = try server.person("romeo")
        try wait("he has all") { Set(XMPPTests.messages(romeo)).count >= 60 }
        try say(20, "to somebody")
        engine.kill()
        try engine.start()
        alice = try XMPPTests.client(engine, "alice")
        try say(20, "at last")
        try romeo.see("message alice@home.test", seconds: 30)
        try wait("all of them", seconds: 60) { Set(XMPPTests.messages(romeo)).count >= accepted.count }
        Thread.sleep(forTimeInterval: 1)
        #expect(accepted.count == 100)
        #expect(XMPPTests.messages(romeo) == accepted)
    }
}

/// Engines beside one another at one server: what they have in common is what XMPP carries.
@Suite struct ManyEnginesTests {
    /// A client of the engine whose domain is `b.test`.
    private static func bob(_ engine: EngineProcess) throws -> Client {
        let bob = Client(
            try HTTPConnection(port: engine.port), user: "wv:bob@b.test", password: engine.password(of: "bob"), "1.3")
        _ = try bob.logIn()
        return bob
    }

    @Test func twoEnginesShareAServer() throws {
        let server = try XMPPServer(.ejabberd, components: ["home.test", "b.test"])
        let first = try EngineProcess(users: ["alice"], starts: false, isDoor: true)
        let second = try EngineProcess(["domain": "b.test"], users: ["bob"], starts: false, isDoor: true)
        for engine in [first, second] {
            engine.sections = server.section(domain: "*")
            try engine.start()
            try engine.awaitRecord("XMPP-OPEN", "component=")
        }
        let alice = try first.client("alice", "1.3")
        _ = try alice.logIn()
        var bob = try ManyEnginesTests.bob(second)

        #expect(try alice.send("Hello over there", to: "wv:bob@b.test", report: true).code == 200)
        let message = try bob.awaitReply("NewMessage")
        #expect(message.primitive?["MessageInfo/Sender/User/UserID"]?.text == "wv:alice@home.test")
        _ = try bob.confirm(message)
        let report = try alice.awaitReply("DeliveryReport-Request")
        #expect(report.code == 200)
        _ = try alice.respond(to: report, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(try bob.send("Hello back", to: "wv:alice@home.test").code == 200)
        _ = try alice.confirm(alice.awaitReply("NewMessage"))

        // Bob watches Alice, once she lets him.
        #expect(
            try bob.request(
                "<SubscribePresence-Request><User><UserID>wv:alice@home.test</UserID></User></SubscribePresence-Request>"
            ).code == 200)
        let question = try alice.awaitReply("PresenceAuth-Request")
        #expect(question.primitive?["UserID"]?.text == "wv:bob@b.test")
        _ = try alice.respond(to: question, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(
            try alice.request(
                "<PresenceAuth-User><UserID>wv:bob@b.test</UserID><Acceptance>T</Acceptance></PresenceAuth-User>"
            ).code == 200)
        try XMPPTests.awaitPresence(bob, of: "wv:alice@home.test", ["T", "AVAILABLE", "-"])

        // Each keeps what is for its own users while they are away.
        _ = try bob.logOut()
        #expect(try alice.send("For later", to: "wv:bob@b.test").code == 200)
        try wait("it waits there") { try second.status("xmpp_received") == 2 }
        _ = try alice.logOut()
        bob = try ManyEnginesTests.bob(second)
        try XMPPTests.awaitTexts(bob, ["For later"])
        #expect(try bob.send("You are away too", to: "wv:alice@home.test").code == 200)
        try wait("it waits here") { try first.status("xmpp_received") == 2 }
        _ = try alice.logIn()
        try XMPPTests.awaitTexts(alice, ["You are away too"])

        // And what is for an engine that is not there waits until it is.
        second.kill()
        // What ejabberd takes before it has seen that, it loses.
        Thread.sleep(forTimeInterval: 1)
        #expect(try alice.send("Are you there?", to: "wv:bob@b.test").code == 200)
        try first.awaitRecord("XMPP-REFUSED", "again=yes")
        try second.start()
        bob = try ManyEnginesTests.bob(second)
        try XMPPTests.awaitTexts(bob, ["Are you there?"], seconds: 60)
        #expect(try first.status("xmpp_streams") == 1)
    }
}

/// What a server may do to an engine that is its component.
@Suite struct OddXMPPTests {
    private static func start(_ mode: String = "good") throws -> (server: OddXMPPServer, engine: EngineProcess) {
        let server = try OddXMPPServer(mode: mode)
        let engine = try EngineProcess(starts: false, isDoor: true)
        engine.sections = server.section
        try engine.start()
        return (server, engine)
    }

    /// Waits until the engine has answered something that was said last.
    private static func synchronize(_ server: OddXMPPServer, _ number: Int) throws {
        try server.say(
            "<iq type='get' id='sync\(number)' from='x.test' to='home.test'><ping xmlns='urn:xmpp:ping'/></iq>")
        try wait("an answer") { server.heard.contains("id='sync\(number)'></iq>") }
    }

    @Test func theSecretIsProven() throws {
        let (server, engine) = try OddXMPPTests.start()
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        #expect(server.heard.hasPrefix("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"))
        let proof = hash("SHA", Array("c0ffeesecret".utf8))!.map { String(format: "%02x", $0) }.joined()
        #expect(server.heard.contains("<handshake>\(proof)</handshake>"))
        #expect(!engine.log.contains("secret"))
    }

    @Test func whoIsRefusedSaysSoOnce() throws {
        let (server, engine) = try OddXMPPTests.start("refuses")
        try engine.awaitRecord("XMPP-CLOSED", "does not take the secret")
        Thread.sleep(forTimeInterval: 3)
        #expect(engine.records("XMPP-CLOSED").count == 1)
        // It is tried again, less and less often.
        try wait("another try") { server.heard.components(separatedBy: "<handshake>").count > 2 }
    }

    @Test func whoSaysNothingIsLeft() throws {
        let (server, engine) = try OddXMPPTests.start("mute")
        try wait("a stream") { server.streams == 1 }
        try server.set(mode: "good")
        try wait("another stream", seconds: 45 * Programs.slowness) { engine.records("XMPP-OPEN").count == 1 }
    }

    /// What is read again and says the same leaves the stream alone; and people who are met together are all met.
    @Test func aReloadEndsNothing() throws {
        let (server, engine) = try OddXMPPTests.start()
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        engine.signal(SIGHUP)
        try engine.awaitRecord("RELOAD", "used=yes")
        let alice = try engine.client("alice")
        _ = try alice.logIn()
        #expect(try alice.send("to three", to: "wv:r1@x.test", "wv:r2@x.test", "wv:r3@y.test").code == 200)
        try wait("all three") { try engine.status("delivered") == 3 }
        #expect(try engine.status("xmpp_streams") == 1)
        #expect(server.heard.contains("to='r3@y.test'"))
        // Without its section there is none.
        engine.sections = ""
        engine.signal(SIGHUP)
        try engine.awaitRecord("XMPP-CLOSED", "another now")
        #expect(try alice.send("to nobody", to: "wv:r1@x.test").code == 516)
    }

    @Test func aSecretThatOthersMayReadIsNotUsed() throws {
        let (server, engine) = try OddXMPPTests.start("refuses")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: server.folder.path + "/secret")
        try engine.awaitRecord("CONFIG", "chmod 600")
    }

    /// Nothing that comes ends the process, makes it larger or gets past what is allowed.
    @Test func nothingThatIsSaidDoesHarm() throws {
        let (server, engine) = try OddXMPPTests.start()
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        let alice = try engine.client("alice")
        _ = try alice.logIn()
        let before = try engine.status("heap_bytes")
        // Somebody who says he is a user of this server, and others without a name, or with one that is none.
        for sender in [
            "bob@home.test", "home.test", "@x.test", "x.test", "a b@x.test", "a@",
            "\(String(repeating: "a", count: 200))@x.test",
        ] {
            try server.say(
                "<message from='\(sender)' to='alice@home.test' id='1'><body>from \(sender)</body></message>")
        }
        try server.say("<message from='a@x.test' to='bob@elsewhere.test' id='2'><body>not here</body></message>")
        try server.say("<message/><presence/><iq/><iq type='get'/><unknown from='a@x.test'><x/></unknown>")
        try OddXMPPTests.synchronize(server, 1)
        for number in 0..<800 {
            try server.say(
                "<presence from='p\(number)@x.test' to='alice@home.test' type='\(["probe", "subscribe", "subscribed", "unavailable"][number % 4])'/>"
            )
        }
        try OddXMPPTests.synchronize(server, 2)
        // As many ask as she can be asked about.
        let questions = try alice.receiveAll().filter { $0.name == "PresenceAuth-Request" }
        #expect((1...32).contains(questions.count), "\(questions.count)")
        // Too large for any buffer: it is refused by its beginning.
        let large = String(repeating: "x", count: 400_000)
        try server.say("<message from='a@x.test/r' to='alice@home.test' id='large'><body>\(large)</body></message>")
        try OddXMPPTests.synchronize(server, 3)
        #expect(
            server.heard.contains(
                "<message type='error' from='alice@home.test' to='a@x.test/r' id='large'><error type='modify'><policy-violation"
            ))
        try server.say(
            "<message from='a@x.test' to='alice@home.test' id='3'><body>\(String(repeating: "<b>", count: 200))")
        try server.say("\(String(repeating: "</b>", count: 200))</body></message>")
        try OddXMPPTests.synchronize(server, 4)
        #expect(try alice.receiveTexts() == [])
        try server.say("<message from='a@x.test' to='alice@home.test' id='4'><body>at last</body></message>")
        try OddXMPPTests.synchronize(server, 5)
        #expect(try alice.receiveTexts() == ["at last"])
        // LMDB keeps the pages of its largest transaction.
        let after = try engine.status("heap_bytes")
        #expect(after <= before + 65_536)
    }

    @Test(arguments: ["<!DOCTYPE x>", "</stream:stream>", "<?xml version='1.0'?>", "<!-- x -->", "< >"])
    func whatIsNoStreamEndsIt(_ words: String) throws {
        let (server, engine) = try OddXMPPTests.start()
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        try server.say(words)
        try engine.awaitRecord("XMPP-CLOSED", "why=")
        try wait("another stream") { try engine.status("xmpp_streams") == 2 }
    }

    /// What ends each stream does not keep others from what is for them.
    @Test func oneBadMessageHoldsUpNobody() throws {
        let (server, engine) = try OddXMPPTests.start("allergic")
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        let alice = try engine.client("alice")
        _ = try alice.logIn()
        #expect(try alice.send("poison", to: "wv:r0@x.test").code == 200)
        for number in 1..<10 { #expect(try alice.send("good", to: "wv:r\(number)@x.test").code == 200) }
        try wait("the others", seconds: 30 * Programs.slowness) { try engine.status("delivered") == 9 }
        try engine.awaitRecord("XMPP-REFUSED", "to=wv:r0@x.test", "again=yes")
        #expect(server.heard.contains("to='r9@x.test'"))
    }

    /// Nobody waits for a server that is stuck, and what it was sent goes to the next.
    @Test(arguments: ["deaf", "stuck"])
    func aServerThatDoesNotAnswerIsLeft(_ mode: String) throws {
        let (server, engine) = try OddXMPPTests.start(mode)
        try engine.awaitRecord("XMPP-OPEN", "component=home.test")
        try server.set(mode: "good")
        let alice = try engine.client("alice")
        _ = try alice.logIn()
        let text = String(repeating: "text ", count: mode == "stuck" ? 6000 : 1)
        for number in 0..<(mode == "stuck" ? 60 : 3) {
            #expect(try alice.send("\(number) \(text)", to: "wv:r\(number)@x.test").code == 200)
        }
        #expect(try alice.poll() == nil)
        try wait("another stream", seconds: 50 * Programs.slowness) { try engine.status("xmpp_streams") == 2 }
        try wait("the last") { try engine.status("delivered") == (mode == "stuck" ? 60 : 3) }
        #expect(server.heard.contains("to='r2@x.test' type='chat'"))
    }
}

extension Client {
    /// Polls until something of this name comes.
    ///
    /// - Parameter first: What came already.
    func awaitReply(_ name: String, _ first: Reply? = nil, seconds: Double = 15) throws -> Reply {
        if let first, first.name == name { return first }
        let end = Date().addingTimeInterval(seconds * Programs.slowness)
        var others: [String] = []
        while Date() < end {
            if let reply = try poll() {
                if reply.name == name { return reply }
                others.append(reply.name)
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw HarnessError("no \(name), but \(others)")
    }
}
