import Foundation
import Harness
import Testing

/// Programs of one operator's service that poll on a timer and are less careful than a handset. Each test is named after
/// its rule in protocol/clients.md, §6.
@Suite struct FamilyMTests {
    private let cookie = "session-cookie"
    private let clientID = "<ClientID><URL>http://www.example.com/</URL></ClientID>"

    /// A copy of a program, at an address of its own.
    private func program(_ engine: EngineProcess, _ user: String, at host: UInt32) throws -> Client {
        let client = Client(
            try HTTPConnection(port: engine.port, from: host), user: user, password: engine.password(of: user), "1.2",
            cookie: cookie)
        client.clientID = clientID
        client.syntax = "xml"
        return client
    }

    @Test func cl30ACookieBelongsToItsUser() throws {
        let engine = try EngineProcess()
        let alice = try program(engine, "alice", at: 2)
        let bob = try program(engine, "bob", at: 3)
        for _ in 0..<3 {
            #expect(try alice.logIn().code == 200)
            #expect(try bob.logIn().code == 200)
            #expect(try alice.request("<KeepAlive-Request/>").code == 200)
            #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
            #expect(try bob.receiveTexts() == ["hello"])
        }
        #expect(try engine.status("sessions") == 2)
    }

    /// The same user on two devices; and the same device when it comes again.
    @Test func cl30ASecondDeviceHasASessionOfItsOwn() throws {
        let engine = try EngineProcess(["keepalive_min": "1"])
        let first = try program(engine, "alice", at: 2)
        let second = try program(engine, "alice", at: 3)
        let third = try program(engine, "alice", at: 2)
        third.userAgent = "Another/1.0"
        for client in [first, second, third] { #expect(try client.logIn().code == 200) }
        #expect(Set([first, second, third].map(\.sessionID)).count == 3)
        for client in [first, second, third] { #expect(try client.request("<KeepAlive-Request/>").code == 200) }
        let session = first.sessionID
        let again = try program(engine, "alice", at: 2)
        #expect(try again.logIn().code == 200)
        #expect(again.sessionID == session)
        // One that was not heard of within its time may have moved.
        #expect(try engine.control(["disconnect", "alice"]).code == 0)
        let silent = try program(engine, "alice", at: 4)
        let content = silent.loginContent("<Password>\(silent.password)</Password>", timeToLive: 5)
        let old = try silent.request(content).primitive?["SessionID"]?.text
        Thread.sleep(forTimeInterval: 5.2)
        let moved = try program(engine, "alice", at: 5)
        #expect(try moved.logIn().code == 200)
        #expect(moved.sessionID == old)
    }

    @Test func cl31AStatusConfirmsAMessage() throws {
        let engine = try EngineProcess(["guard_s": "1"])
        let bob = try engine.client("bob")
        try bob.logIn()
        let alice = try program(engine, "alice", at: 2)
        try alice.logIn()
        #expect(try bob.send("one", to: "wv:alice@home.test", report: true).code == 200)
        let message = try #require(try alice.poll())
        _ = try alice.respond(to: message, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(try bob.receiveAll().map(\.name) == ["DeliveryReport-Request"])
        Thread.sleep(forTimeInterval: 1.2)
        #expect(try alice.poll() == nil)
        // A refusal is no confirmation.
        #expect(try bob.send("two", to: "wv:alice@home.test").code == 200)
        let second = try #require(try alice.poll())
        _ = try alice.respond(to: second, "<Status><Result><Code>415</Code></Result></Status>")
        try alice.logOut()
        try alice.logIn()
        #expect(try alice.poll()?.primitive?["ContentData"]?.text == "two")
    }

    /// A program that has no confirmation at all.
    @Test func cl31WhatIsNeverConfirmedComesThreeTimesAtMost() throws {
        let engine = try EngineProcess(["guard_s": "1", "log_level": "info"])
        let bob = try engine.client("bob")
        try bob.logIn()
        let alice = try program(engine, "alice", at: 2)
        alice.userAgent = "Never/1.0"
        try alice.logIn()
        func receive(_ seconds: Double) throws -> [String: Int] {
            var counts: [String: Int] = [:]
            let end = Date().addingTimeInterval(seconds)
            while Date() < end {
                if let text = try alice.poll()?.primitive?["ContentData"]?.text { counts[text, default: 0] += 1 }
                Thread.sleep(forTimeInterval: 0.1)
            }
            return counts
        }
        for text in ["1", "2", "3"] { #expect(try bob.send(text, to: "wv:alice@home.test", report: true).code == 200) }
        // Over two sessions.
        var counts = try receive(1.5)
        try alice.logOut()
        try alice.logIn()
        counts.merge(try receive(4)) { $0 + $1 }
        #expect(counts.count == 3)
        #expect(counts.values.allSatisfy { (1...3).contains($0) }, "\(counts)")
        // They are gone, and nobody was told that they were delivered.
        #expect(try engine.records(of: ["user", "show", "alice"]).first?["waiting"] as? Int == 0)
        try wait("the records") { engine.records("UNCONFIRMED").count == 3 }
        #expect(try bob.poll() == nil)
        // By now it is known, and gets each message once, in the next session too.
        #expect(try engine.records(of: ["user", "show", "alice"]).last?["confirms"] as? String == "no")
        try alice.logOut()
        try engine.restart()
        alice.connection = try HTTPConnection(port: engine.port, from: 2)
        bob.connection = try engine.connect()
        try alice.logIn()
        for text in ["4", "5"] { #expect(try bob.send(text, to: "wv:alice@home.test").code == 200) }
        #expect(try receive(3) == ["4": 1, "5": 1])
        // Until it confirms one after all.
        #expect(try bob.send("6", to: "wv:alice@home.test").code == 200)
        try alice.confirm(try #require(try alice.poll()))
        #expect(try engine.records(of: ["user", "show", "alice"]).last?["confirms"] as? String == "yes")
    }

    @Test func cl31AQuirkSaysThatSentIsDelivered() throws {
        let engine = try EngineProcess(["guard_s": "1"])
        engine.sections = "config client\n\toption agent 'Never/*'\n\tlist quirk 'sent-is-delivered'\n"
        try engine.restart()
        let bob = try engine.client("bob")
        try bob.logIn()
        let alice = try program(engine, "alice", at: 2)
        alice.userAgent = "Never/1.0"
        try alice.logIn()
        for text in ["1", "2"] { #expect(try bob.send(text, to: "wv:alice@home.test", report: true).code == 200) }
        #expect(try alice.poll()?.primitive?["ContentData"]?.text == "1")
        #expect(try bob.receiveAll().isEmpty)
        #expect(try alice.poll()?.primitive?["ContentData"]?.text == "2")
        #expect(try alice.poll() == nil)
        #expect(try bob.receiveAll().map(\.name) == ["DeliveryReport-Request", "DeliveryReport-Request"])
    }

    @Test(arguments: versions) func cl32AStatusInModeRequestIsAnswered(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let reply = try alice.request("<Status><Result><Code>200</Code></Result></Status>")
        #expect(reply.name == "Status")
        #expect(reply.code == 200)
    }

    @Test func cl33TheOwnPresenceHasAnAlias() throws {
        let engine = try EngineProcess()
        let alice = try program(engine, "alice", at: 2)
        try alice.logIn()
        let own = try alice.request("<GetPresence-Request><User><UserID>alice</UserID></User></GetPresence-Request>")
        #expect(own.primitive?["Presence/PresenceSubList/Alias/PresenceValue"]?.text == "alice")
    }

    @Test func cl38SizesThatAreWrongAndTypesWithParametersAreTaken() throws {
        let engine = try EngineProcess()
        let alice = try program(engine, "alice", at: 2)
        let bob = try program(engine, "bob", at: 3)
        try alice.logIn()
        try bob.logIn()
        for type in ["text/html", "text/plain; charset=utf-8"] {
            let content = alice.sendContent("Grüße", to: ["bob"], type: type)
                .replacing(try Regex("<ContentSize>\\d+"), with: "<ContentSize>148")
            #expect(try alice.request(content).code == 200)
            let message = try #require(try bob.poll())
            #expect(message.primitive?["ContentData"]?.text == "Grüße")
            #expect(message.primitive?["MessageInfo/ContentSize"]?.number == 7)
            try bob.confirm(message)
        }
    }

    /// Each body as octets; what it has to say is a login.
    @Test func cl39BodiesAreReadAsTheyCome() throws {
        let engine = try EngineProcess(users: ["alice", "bob"])
        #expect(try engine.control(["user", "add", "dora"], input: "grüße, ja\n").code == 0)
        let alice = try program(engine, "alice", at: 2)
        let dora = Client(try engine.connect(), user: "wv:dora@home.test", password: "grüße, ja", "1.2")
        func body(_ client: Client) -> String {
            let text = client.document(client.loginContent("<Password>\(client.password)</Password>"), transaction: "1")
            return String(text[text.range(of: "<WV-CSP-Message")!.lowerBound...])
        }
        func code(_ octets: [UInt8], type: String = "application/vnd.wv.csp.xml") throws -> Int {
            let answer = try engine.connect().post(octets, type: type)
            guard answer.status == 200 else { return answer.status }
            return try Client.reply(answer)?.code ?? 0
        }
        let text = body(alice)
        for declaration in [
            "<?xml version=\"1.0\" encoding=\"utf8\"?>", "<?xml version='1.0' encoding='US-ASCII'?>",
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>", "\r\n<?xml version=\"1.0\"?>\r\n", " \n",
        ] {
            #expect(try code(Array((declaration + text).utf8)) == 200, "\(declaration)")
            #expect(try code(Array((declaration + text).utf8), type: "text/plain") == 200, "\(declaration)")
        }
        #expect(try code(Array(text.utf8) + [0]) == 200)
        let latin1 = ("<?xml version='1.0' encoding='ISO-8859-1'?>" + body(dora)).unicodeScalars.map { UInt8($0.value) }
        #expect(try code(latin1) == 200)
        // Without the declaration it is no UTF-8.
        #expect(try code(body(dora).unicodeScalars.map { UInt8($0.value) }) == 400)
        for encoding in [String.Encoding.utf16, .utf16BigEndian, .utf16LittleEndian] {
            #expect(try code([UInt8](try #require(text.data(using: encoding)))) == 415)
            #expect(try code([UInt8](try #require(text.data(using: encoding))), type: "text/plain") == 415)
        }
    }

    /// A length that is always the same, with zeros or blanks behind the message.
    @Test func cl40AFilledUpBodyIsRead() throws {
        let engine = try EngineProcess()
        let alice = try program(engine, "alice", at: 2)
        let text = Array(
            alice.document(alice.loginContent("<Password>\(alice.password)</Password>"), transaction: "1").utf8)
        for filler in [0x00, 0x20, 0x0A] as [UInt8] {
            let answer = try engine.connect().post(text + [UInt8](repeating: filler, count: 1471 - text.count))
            #expect(try Client.reply(answer)?.code == 200)
        }
        let wbxml = try Client.body(String(decoding: text, as: UTF8.self), "wbxml")
        let answer = try engine.connect().post(
            wbxml + [UInt8](repeating: 0, count: 100), type: "application/vnd.wv.csp.wbxml")
        #expect(try Client.reply(answer)?.code == 200)
    }

    /// The whole session of a program, from login to logout, as it was seen: every step is served.
    @Test(arguments: ["xml", "wbxml"]) func cl35TheWholeSessionIsServed(syntax: String) throws {
        let engine = try EngineProcess()
        #expect(try engine.control(["user", "set", "bob", "msisdn", "+491701234567"]).code == 0)
        let bob = try program(engine, "bob", at: 3)
        #expect(try bob.logIn().code == 200)
        let alice = try program(engine, "alice", at: 2)
        alice.syntax = syntax
        #expect(try alice.logIn().code == 200)
        let list = { (name: String) in "<ContactList>wv:alice/\(name)@home.test</ContactList>" }
        let friend = "<UserID>wv:bob@home.test</UserID>"
        let nick = "<NickName><Name>Bob</Name>\(friend)</NickName>"
        let namespace = "http://www.openmobilealliance.org/DTD/WV-PA1.2"
        func expect(_ content: String, _ name: String, _ codes: Set<Int> = [200]) throws -> Reply {
            let reply = try alice.request(content)
            #expect(reply.name == name && codes.contains(reply.code), "\(content): \(reply.code)")
            return reply
        }
        _ = try expect(
            "<ClientCapability-Request><ClientID><URL>http://www.example.com/</URL></ClientID><CapabilityList><ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P</InitialDeliveryMethod><AcceptedContentType>text/plain</AcceptedContentType><MultiTrans>1</MultiTrans><ParserSize>32768</ParserSize><SupportedBearer>HTTP</SupportedBearer><ServerPollMin>2</ServerPollMin></CapabilityList></ClientCapability-Request>",
            "ClientCapability-Response")
        _ = try expect(
            "<Service-Request><Functions><WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/></WVCSPFeat></Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>",
            "Service-Response")
        let vendor = "<VendorMood xmlns=\"urn:vendor\">1</VendorMood>"
        _ = try expect(
            "<UpdatePresence-Request><PresenceSubList xmlns=\"\(namespace)\"><OnlineStatus><Qualifier>T</Qualifier></OnlineStatus><ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType></ClientInfo>\(syntax == "xml" ? vendor : "")<UserAvailability><Qualifier>T</Qualifier><PresenceValue>AVAILABLE</PresenceValue></UserAvailability></PresenceSubList></UpdatePresence-Request>",
            "Status")
        _ = try expect("<GetList-Request/>", "GetList-Response")
        let own = try expect(
            "<GetPresence-Request><User><UserID>wv:alice@home.test</UserID></User><PresenceSubList xmlns=\"\(namespace)\"><Alias/></PresenceSubList></GetPresence-Request>",
            "GetPresence-Response")
        #expect(own.primitive?["Presence/PresenceSubList/Alias/PresenceValue"]?.text == "alice")
        _ = try expect(
            "<ListManage-Request>\(list("~pep1.0_privatelist"))<ReceiveList>T</ReceiveList></ListManage-Request>",
            "ListManage-Response")
        for _ in 0..<2 {
            _ = try expect(
                "<CreateList-Request>\(list("~PEP1.0_subscriptions"))<NickList></NickList></CreateList-Request>",
                "Status",
                [200, 701])
        }
        _ = try expect(
            "<SubscribePresence-Request>\(list("~PEP1.0_subscriptions"))<AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>",
            "Status")
        // Adding a contact.
        let found = try expect(
            "<Search-Request><SearchPairList><SearchElement>USER_MOBILE_NUMBER</SearchElement><SearchString>1701234567</SearchString></SearchPairList><SearchLimit>10</SearchLimit></Search-Request>",
            "Search-Response")
        #expect(found.primitive?["SearchResult/UserList/User/UserID"]?.text == "wv:bob@home.test")
        _ = try expect("<GetPresence-Request><User>\(friend)</User></GetPresence-Request>", "GetPresence-Response")
        for name in ["~pep1.0_privatelist", "~PEP1.0_subscriptions"] {
            _ = try expect(
                "<ListManage-Request>\(list(name))<AddNickList>\(nick)</AddNickList><ReceiveList>T</ReceiveList></ListManage-Request>",
                "ListManage-Response")
        }
        // The friend is asked, and its status in mode Request is answered.
        let question = try #require(try bob.receiveAllUntil("PresenceAuth-Request"))
        _ = try bob.respond(to: question, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(
            try bob.request(
                "<PresenceAuth-User><UserID>wv:alice@home.test</UserID><Acceptance>T</Acceptance></PresenceAuth-User>"
            ).code == 200)
        let told = try alice.receiveAll().filter { $0.name == "PresenceNotification-Request" }
        #expect(told.last?.primitive?["Presence/PresenceSubList/OnlineStatus/PresenceValue"]?.text == "T")
        _ = try expect(
            alice.sendContent("hello", to: ["wv:bob@home.test"]), "SendMessage-Response")
        // And taking him off again.
        for name in ["~pep1.0_privatelist", "~PEP1.0_subscriptions"] {
            _ = try expect(
                "<ListManage-Request>\(list(name))<RemoveNickList>\(friend)</RemoveNickList><ReceiveList>T</ReceiveList></ListManage-Request>",
                "ListManage-Response")
        }
        _ = try expect(
            "<UnsubscribePresence-Request><User>\(friend)</User></UnsubscribePresence-Request>", "Status")
        _ = try expect(
            "<DeleteAttributeList-Request>\(friend)<DefaultList>F</DefaultList></DeleteAttributeList-Request>", "Status"
        )
        _ = try expect("<CancelAuth-Request>\(friend)</CancelAuth-Request>", "Status")
        _ = try expect("<KeepAlive-Request><TimeToLive>600</TimeToLive></KeepAlive-Request>", "KeepAlive-Response")
        _ = try expect("<Logout-Request/>", "Status")
    }
}
