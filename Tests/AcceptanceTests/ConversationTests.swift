import Foundation
import Harness
import Testing

/// A whole conversation in each version, with the engine restarted between every two steps.
@Suite struct ConversationTests {
    /// A conversation whose engine is restarted at each step, so that nothing may live in memory alone.
    private final class Scene {
        let engine: EngineProcess
        let restarts: Bool
        var clients: [Client] = []

        init(restarts: Bool) throws {
            engine = try EngineProcess(users: ["alice", "bob", "carol"])
            self.restarts = restarts
        }

        func client(_ user: String, _ version: String) throws -> Client {
            let client = try engine.client(user, version)
            clients.append(client)
            return client
        }

        func step() throws {
            guard restarts else { return }
            #expect(engine.stop() == 0)
            try engine.start()
            for client in clients { client.connection = try engine.connect() }
        }
    }

    @Test(arguments: versions, [false, true]) func twoPeopleTalk(version: String, restarts: Bool) throws {
        let scene = try Scene(restarts: restarts)
        let alice = try scene.client("alice", version)
        let bob = try scene.client("bob", version)
        #expect(try alice.logIn().code == 200)
        try scene.step()
        #expect(try bob.logInByDigest().code == 200)
        try scene.step()

        // Capabilities.
        let capabilities = try alice.negotiateCapabilities(
            """
            <ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P</InitialDeliveryMethod>\
            <AcceptedContentType>text/plain</AcceptedContentType><AcceptedTransferEncoding>BASE64\
            </AcceptedTransferEncoding><AcceptedContentLength>32000</AcceptedContentLength><SupportedBearer>HTTP\
            </SupportedBearer><MultiTrans>1</MultiTrans><ParserSize>32767</ParserSize><ServerPollMin>2</ServerPollMin>
            """)
        #expect(capabilities.name == "ClientCapability-Response")
        if version == "1.1" {
            #expect(capabilities.primitive?.childNames == ["ClientID", "CapabilityList"])
            #expect(capabilities.primitive?["CapabilityList/ServerPollMin"]?.number == 2)
        } else {
            #expect(capabilities.primitive?.childNames == ["AgreedCapabilityList"])
            #expect(capabilities.primitive?["AgreedCapabilityList/ServerPollMin"]?.number == 2)
        }
        try scene.step()

        // Services.
        let services = try alice.negotiateServices("<FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/>")
        #expect(services.name == "Service-Response")
        #expect(services.primitive?.childNames.first == (version == "1.1" ? "ClientID" : "Functions"))
        #expect(services.primitive?["Functions/WVCSPFeat/GroupFeat"] != nil)
        #expect(services.primitive?["AllFunctions/WVCSPFeat/IMFeat"] != nil)
        #expect(services.primitive?["AllFunctions/WVCSPFeat/GroupFeat"] == nil)
        try scene.step()

        // An empty poll is HTTP 200 without a body.
        let empty = try alice.connection.post(
            try Client.body(alice.document("<Polling-Request/>")), type: alice.contentType)
        #expect(empty.status == 200)
        #expect(empty.headers["content-length"] == "0")
        #expect(empty.headers["content-type"] == alice.contentType)
        try scene.step()

        // Online.
        let sent = try alice.send("hello & <good> bye", to: "wv:bob@home.test", report: true)
        #expect(sent.name == "SendMessage-Response")
        #expect(sent.code == 200)
        let messageID = sent.primitive?["MessageID"]?.text
        #expect(messageID?.isEmpty == false)
        try scene.step()

        let message = try #require(try bob.poll())
        #expect(message.mode == "Request")
        #expect(message.name == "NewMessage")
        #expect(message.primitive?.childNames == ["MessageInfo", "ContentData"])
        #expect(message.primitive?["ContentData"]?.text == "hello & <good> bye")
        let info = try #require(message.primitive?["MessageInfo"])
        #expect(info["MessageID"]?.text == messageID)
        #expect(info["ContentType"]?.text == "text/plain")
        #expect(info["ContentSize"]?.number == 18)
        #expect(info["Sender/User/UserID"]?.text == "wv:alice@home.test")
        #expect(info["Recipient/User/UserID"]?.text == "wv:bob@home.test")
        #expect(info["DateTime"]?.text.wholeMatch(of: /\d{8}T\d{6}Z/) != nil)
        #expect(message.root["Session/SessionDescriptor/SessionID"]?.text == bob.sessionID)
        try scene.step()

        #expect(try bob.confirm(message) == nil)
        try scene.step()
        #expect(try bob.poll() == nil)
        try scene.step()

        let report = try #require(try alice.poll())
        #expect(report.name == "DeliveryReport-Request")
        #expect(report.code == 200)
        #expect(report.primitive?["MessageInfo/MessageID"]?.text == messageID)
        #expect(report.primitive?["MessageInfo/Recipient/User/UserID"]?.text == "wv:bob@home.test")
        #expect(try alice.respond(to: report, "<Status><Result><Code>200</Code></Result></Status>") == nil)
        try scene.step()
        #expect(try alice.poll() == nil)

        // Logout.
        let logout = try bob.logOut()
        #expect(logout.name == (version == "1.1" ? "Disconnect" : "Status"))
        #expect(logout.code == 200)
        try scene.step()
        #expect(try bob.poll()?.code == 604)
        try scene.step()

        // Offline, in order.
        for text in ["one", "two", "three"] {
            #expect(try alice.send(text, to: "wv:bob@home.test").code == 200)
            try scene.step()
        }
        bob.sessionID = nil
        #expect(try bob.logIn().code == 200)
        try scene.step()
        #expect(try bob.receiveTexts() == ["one", "two", "three"])
        try scene.step()
        #expect(try bob.receiveTexts() == [])
        #expect(try alice.logOut().code == 200)
        #expect(try bob.logOut().code == 200)
    }

    @Test func thePollFlagStandsWhereTheVersionWantsIt() throws {
        let engine = try EngineProcess()
        for version in versions {
            let alice = try engine.client("alice", version)
            let bob = try engine.client("bob", version)
            try alice.logIn()
            try bob.logIn()
            // Nothing is announced to a client that has not begun to work yet.
            #expect(try bob.poll() == nil)
            #expect(try bob.request("<KeepAlive-Request/>").poll == "F")
            try alice.send("one", to: "wv:bob@home.test")
            let reply = try bob.request("<KeepAlive-Request/>")
            #expect(reply.poll == "T")
            let isInSession = reply.root["Session/Poll"] != nil
            #expect(isInSession == (version != "1.1"))
            _ = try bob.receiveAll()
            try alice.logOut()
            try bob.logOut()
        }
    }

    @Test func anUnconfirmedMessageComesAgainWithItsTransactionID() throws {
        let engine = try EngineProcess(["guard_s": "1"])
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        try alice.send("again", to: "wv:bob@home.test")
        let first = try #require(try bob.poll())
        #expect(try bob.poll() == nil)
        Thread.sleep(forTimeInterval: 2.1)
        let second = try #require(try bob.poll())
        #expect(second.transactionID == first.transactionID)
        #expect(second.primitive?["ContentData"]?.text == "again")
        try bob.confirm(second)
        Thread.sleep(forTimeInterval: 2.1)
        #expect(try bob.poll() == nil)
    }

    @Test func allSessionsOfAUserGetAMessage() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let phone = try engine.client("bob", "1.1")
        let desk = try engine.client("bob", "1.3")
        try alice.logIn()
        try phone.logIn()
        try desk.logIn()
        try alice.send("both", to: "wv:bob@home.test")
        #expect(try phone.receiveTexts() == ["both"])
        #expect(try desk.receiveTexts() == ["both"])
        // A session that comes later has not missed it: it was read.
        let late = try engine.client("bob")
        try late.logIn()
        #expect(try late.receiveTexts() == [])
    }

    @Test func aMessageGoesToManyAndTellsWhomItDoesNotReach() throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let reply = try alice.send(
            "all", to: "wv:bob@home.test", "wv:carol@home.test", "wv:nobody@home.test", "wv:x@elsewhere.test")
        #expect(reply.code == 201)
        let details = reply.primitive?["Result"]?.all("DetailedResult") ?? []
        #expect(details.contains { $0["Code"]?.text == "531" && $0["UserID"]?.text == "wv:nobody@home.test" })
        for user in ["bob", "carol"] {
            let client = try engine.client(user)
            try client.logIn()
            #expect(try client.receiveTexts() == ["all"])
        }
    }

    @Test(arguments: versions) func aRepeatedRequestIsDoneOnce(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        let bob = try engine.client("bob", version)
        try alice.logIn()
        let content = alice.sendContent("once", to: ["wv:bob@home.test"])
        let first = try alice.request(content, transaction: "77")
        let second = try alice.request(content, transaction: "77")
        try engine.restart()
        alice.connection = try engine.connect()
        bob.connection = try engine.connect()
        let third = try alice.request(content, transaction: "77")
        #expect(first.http.body == second.http.body)
        #expect(first.http.body == third.http.body)
        // Another body under the same TransactionID is another request.
        _ = try alice.request(alice.sendContent("twice", to: ["wv:bob@home.test"]), transaction: "77")
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["once", "twice"])
    }

    @Test func aLargeMessageIsAnnouncedAndFetched() throws {
        let engine = try EngineProcess()
        for version in versions {
            let alice = try engine.client("alice", version)
            let bob = try engine.client("bob", version)
            try alice.logIn()
            try bob.logIn()
            try bob.negotiateCapabilities(
                "<ClientType>PDA</ClientType><AcceptedContentLength>100</AcceptedContentLength><ParserSize>8000</ParserSize>"
            )
            let text = String(repeating: "long ", count: 300)
            let id = try alice.send(text, to: "wv:bob@home.test").primitive?["MessageID"]?.text ?? "?"
            let note = try #require(try bob.poll())
            #expect(note.name == "MessageNotification")
            #expect(note.primitive?["MessageInfo/ContentSize"]?.number == 1500)
            try bob.respond(to: note, "<Status><Result><Code>200</Code></Result></Status>")
            let list = try bob.request("<GetMessageList-Request/>")
            #expect(list.primitive?["MessageInfo/MessageID"]?.text == id)
            let fetched = try bob.request("<GetMessage-Request><MessageID>\(id)</MessageID></GetMessage-Request>")
            #expect(fetched.name == "GetMessage-Response")
            #expect(fetched.primitive?["ContentData"]?.text == text)
            let done = try bob.request("<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>")
            #expect(done.code == 200)
            #expect(try bob.request("<GetMessageList-Request/>").primitive?["MessageInfo"] == nil)
            try alice.logOut()
            try bob.logOut()
        }
    }

    @Test func deliveryMethodNotifyAndReject() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        let set = try bob.request(
            "<SetDeliveryMethod-Request><DeliveryMethod>N</DeliveryMethod></SetDeliveryMethod-Request>")
        #expect(set.code == 200)
        let id = try alice.send("unwanted", to: "wv:bob@home.test", report: true).primitive?["MessageID"]?.text ?? "?"
        #expect(try bob.poll()?.name == "MessageNotification")
        let reject = try bob.request("<RejectMessage-Request><MessageID>\(id)</MessageID></RejectMessage-Request>")
        #expect(reject.code == 200)
        let report = try #require(try alice.poll())
        #expect(report.name == "DeliveryReport-Request")
        #expect(report.code != 200)
    }

    @Test func theEndOfTheValidityEndsAMessage() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try alice.send("short", to: "wv:bob@home.test", report: true, extra: "<Validity>2</Validity>")
        try alice.send("long", to: "wv:bob@home.test", extra: "<Validity>200</Validity>")
        Thread.sleep(forTimeInterval: 3.2)
        let report = try #require(try alice.poll())
        #expect(report.name == "DeliveryReport-Request")
        #expect(report.code != 200)
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["long"])
    }

    @Test func quotasRefuseWithTheirCode() throws {
        let engine = try EngineProcess(
            ["offline_max_msgs": "3", "offline_max_kb": "2"], users: ["alice", "bob", "carol"])
        let alice = try engine.client("alice")
        try alice.logIn()
        for _ in 0..<3 { #expect(try alice.send("x", to: "wv:bob@home.test").code == 200) }
        let full = try alice.send("x", to: "wv:bob@home.test")
        #expect(full.code == 507)
        let long = String(repeating: "y", count: 1500)
        #expect(try alice.send(long, to: "wv:carol@home.test").code == 200)
        #expect(try alice.send(long, to: "wv:carol@home.test").code == 507)
        try wait("both records") { engine.records("MAILBOX-FULL").count == 2 }
    }

    @Test func aSessionThatIsSilentEnds() throws {
        let engine = try EngineProcess(["keepalive_min": "1", "keepalive_default": "2", "keepalive_max": "2"])
        let alice = try engine.client("alice")
        try alice.logIn()
        Thread.sleep(forTimeInterval: 3.5)
        let reply = try alice.poll()
        #expect(reply?.code == 604 || reply?.code == 600)
        try engine.awaitRecord("SESSION-END", "why=expired")
    }

    @Test func theOperatorEndsASession() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        #expect(try engine.control(["disconnect", "alice"]).code == 0)
        let reply = try #require(try alice.poll())
        #expect(reply.name == "Disconnect")
        #expect(reply.mode == "Request")
        #expect(reply.code == 601)
        #expect(try alice.poll()?.code == 604)
    }

    @Test func whatIsNotOfferedIsSaidSo() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        // A name that the protocol does not have, a function that is not offered, one that was not agreed.
        #expect(try alice.request("<Dance-Request/>").code == 501)
        #expect(
            try alice.request("<CreateGroup-Request><GroupID>wv:/g@home.test</GroupID></CreateGroup-Request>").code
                == 405)
        try alice.negotiateServices("<FundamentalFeat/>", all: false)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 506)
    }

    @Test func theServiceProviderTellsOfItself() throws {
        let engine = try EngineProcess(["service_name": "Home & more", "service_description": "Messages at home"])
        for version in versions {
            let alice = try engine.client("alice", version)
            let id = version == "1.1" ? alice.clientID : ""
            let outside = try alice.request("<GetSPInfo-Request>\(id)</GetSPInfo-Request>")
            #expect(outside.name == "GetSPInfo-Response")
            #expect(outside.primitive?["Name"]?.text == "Home & more")
            try alice.logIn()
            #expect(try alice.request("<GetSPInfo-Request>\(id)</GetSPInfo-Request>").name == "GetSPInfo-Response")
        }
    }

    @Test func theSenderIsWhoIsLoggedIn() throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let alice = try engine.client("alice")
        try alice.logIn()
        let forged = alice.sendContent("I am carol", to: ["wv:bob@home.test"]).replacing("wv:alice@", with: "wv:carol@")
        let reply = try alice.request(forged)
        let bob = try engine.client("bob")
        try bob.logIn()
        let received = try bob.receiveAll()
        #expect(
            reply.code != 200
                || received.first?.primitive?["MessageInfo/Sender/User/UserID"]?.text == "wv:alice@home.test")
    }

    @Test func aStrangersSessionIDIsRefused() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        try alice.logIn()
        let id = try #require(alice.sessionID)
        for wrong in ["", "x", String(id.dropLast()), id + "0", "ffff" + id.dropFirst(4), id.uppercased() + "Z"] {
            alice.sessionID = wrong
            #expect(try alice.poll()?.code == 604, "\(wrong)")
        }
    }
}
