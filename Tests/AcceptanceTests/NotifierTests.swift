import Foundation
import Harness
import Testing

/// Telling somebody who is offline that a message waits, with Kannel and other servers on the other side.
///
/// Source: protocol/system-message.md §6.2 (OM-4, OM-10, OM-15, OM-16, SM-31).
@Suite struct NotifierTests {
    static let number = "+491700000001"

    /// An engine with `notify` sections, and a number for bob.
    private func engine(_ sections: String, users: [String] = ["alice", "bob"], number: Bool = true) throws
        -> EngineProcess
    {
        let engine = try EngineProcess(["log_level": "info"], users: users, starts: false)
        engine.sections = sections
        if number {
            for user in users where user != "alice" {
                try mustSet(engine, user, "msisdn", NotifierTests.number, "--offline")
            }
        }
        try engine.start()
        return engine
    }

    private func mustSet(
        _ engine: EngineProcess, _ user: String, _ field: String, _ value: String, _ mode: String? = nil
    ) throws {
        try engine.mustControl((mode.map { [$0] } ?? []) + ["user", "set", user, field, value])
    }

    private func section(_ bearer: String, _ url: String, _ more: String = "") -> String {
        "config notify 'first'\n\toption bearer '\(bearer)'\n\toption url '\(url)'\n" + more
    }

    @discardableResult
    private func write(_ engine: EngineProcess, _ text: String = "hello", to user: String = "bob") throws -> Client {
        let alice = try engine.client("alice")
        try alice.logIn()
        #expect(try alice.send(text, to: "wv:\(user)@home.test").code == 200)
        return alice
    }

    private func state(_ engine: EngineProcess, of user: String = "bob") throws -> [String: Any] {
        try engine.records(of: ["notifications"]).first { $0["user"] as? String == "wv:\(user)@home.test" } ?? [:]
    }

    private func awaitState(_ engine: EngineProcess, _ state: String, of user: String = "bob") throws {
        try wait("\(state) for \(user)", seconds: 15 * Programs.slowness) {
            try self.state(engine, of: user)["state"] as? String == state
        }
    }

    // MARK: Kannel

    @Test func aShortMessageArrives() throws {
        let kannel = try Kannel()
        let engine = try engine(
            section(
                "sms", "http://127.0.0.1:\(kannel.smsPort)/cgi-bin/sendsms",
                """
                \toption username '\(Kannel.user)'
                \toption password '\(Kannel.password)'
                \toption from '12345'
                \toption text '%sender wrote & waits (%count). %link'
                \toption text_de '%sender hat geschrieben: grüße, 100%% sicher'
                \toption text_ru '%sender написала тебе'
                \toption link 'http://gateway.lan:8080/m/%message'

                """), users: ["alice", "bob", "carla", "dora"])
        try mustSet(engine, "carla", "language", "de")
        try mustSet(engine, "dora", "language", "ru")
        try write(engine)
        let first = try #require(try kannel.await(1).last)
        #expect(first.from == "12345" && first.to == NotifierTests.number && first.kind == "text")
        let message = try #require(try state(engine)["message"] as? String)
        #expect(first.text == "alice wrote & waits (1). http://gateway.lan:8080/m/\(message)")
        try awaitState(engine, "sent")
        try engine.awaitRecord("NOTIFY", "user=wv:bob@home.test", "by=first")
        try write(engine, to: "carla")
        #expect(try kannel.await(2).last?.text == "alice hat geschrieben: grüße, 100% sicher")
        try write(engine, to: "dora")
        let third = try #require(try kannel.await(3).last)
        #expect(third.kind == "ucs-2" && third.text == "alice написала тебе")
        // Told once, nobody is told again for an hour.
        try write(engine, "again")
        try awaitState(engine, "waiting")
        #expect(kannel.messages.count == 3)
    }

    /// Who is logged in and asleep is called by a short message, which is in nobody's way and costs as little as can be.
    @Test(arguments: ["SSMS", "WAPSMS"]) func whoSleepsIsCalledByAShortMessage(_ method: String) throws {
        let kannel = try Kannel()
        let engine = try engine(
            section(
                "sms", "http://127.0.0.1:\(kannel.smsPort)/cgi-bin/sendsms",
                "\toption username '\(Kannel.user)'\n\toption password '\(Kannel.password)'\n\toption from '12345'\n"),
            users: ["alice", "bob", "carla"])
        try engine.set(["cir": "stcp sudp ssms wapsms"])
        try engine.restart()
        let bob = try engine.client("bob", "1.2", cookie: "wv:nokia.77")
        try bob.logIn()
        let list = try bob.negotiateCapabilities(
            "<SupportedCIRMethod>STCP</SupportedCIRMethod><SupportedCIRMethod>\(method)</SupportedCIRMethod>")
        #expect(
            list.http.text.contains("<SupportedCIRMethod>\(method)</SupportedCIRMethod>") || Programs.syntax != "xml")
        let alice = try write(engine, "one")
        let call = try #require(try kannel.await(1).first)
        #expect(call.to == NotifierTests.number && call.kind == "udh")
        let words = "WVCI 1.2 wv:nokia.77"
        if method == "SSMS" {
            #expect(call.header == [6, 5, 4, 0x0E, 0x84, 0x0E, 0x84])
            #expect(call.octets == Array(words.utf8), "\(call)")
        } else {
            #expect(call.header == [6, 5, 4, 0x0B, 0x84, 0x23, 0xF0])
            #expect(call.octets == [1, 6, 3, 0xC6, 0xAF, 0x8A] + Array(words.utf8), "\(call)")
        }
        // One that sleeps on is not called again for what comes then, and nobody tells him as if he were offline.
        for text in ["two", "three"] { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
        #expect(try bob.receiveTexts() == ["one", "two", "three"])
        #expect(kannel.messages.count == 1)
        #expect(try state(engine).isEmpty)
        // Without a number there is nothing to call.
        let carla = try engine.client("alice", "1.2", cookie: "other")
        try carla.logIn()
        let none = try carla.negotiateCapabilities("<SupportedCIRMethod>\(method)</SupportedCIRMethod>")
        #expect(none.primitive?["CapabilityList/SupportedCIRMethod"] == nil)
    }

    /// A gateway for calls that is not there keeps nobody from being called later, and is told.
    @Test func aCallThatDoesNotGoOutIsTriedAgain() throws {
        let gateway = try Gateway()
        let engine = try engine(section("sms", gateway.url("error")))
        try engine.set(["cir": "ssms"])
        try engine.restart()
        let bob = try engine.client("bob")
        try bob.logIn()
        _ = try bob.negotiateCapabilities("<SupportedCIRMethod>SSMS</SupportedCIRMethod>")
        try write(engine)
        try engine.awaitRecord("CIR-FAIL", "why=\"the other side refused it\"")
        #expect(try gateway.await(1).count == 1)
        #expect(try bob.receiveTexts() == ["hello"])
    }

    @Test func aPushArrivesWithItsLink() throws {
        let kannel = try Kannel()
        let engine = try engine(
            section(
                "wap-push", "http://127.0.0.1:\(kannel.pushPort)/wappush",
                """
                \toption username '\(Kannel.user)'
                \toption password '\(Kannel.password)'
                \toption text '"%sender" <wrote> & waits'
                \toption link 'http://gateway.lan:8080/m/%message?a=1&b=%user'

                """))
        try write(engine)
        let push = try #require(try kannel.await(1).first)
        // Two ports in the header: that of pushes, 2948, is the first.
        #expect(push.to == NotifierTests.number && push.header == [6, 5, 4, 0x0B, 0x84, 0x23, 0xF0])
        let file = engine.folder.path + "/si"
        try Data(kannel.awaitIndication()).write(to: URL(fileURLWithPath: file))
        let decoded = try runCommand(["wbxml2xml", "-o", "-", file])
        let message = try #require(try state(engine)["message"] as? String)
        let document = decoded.output
        #expect(decoded.code == 0, "\(decoded.errors)")
        #expect(
            document.contains("href=\"http://gateway.lan:8080/m/\(message)?a=1&amp;b=wv%3Abob%40home.test\""),
            "\(document)")
        #expect(document.contains("action=\"signal-high\"") && document.contains("si-id=\"\(message)\""), "\(document)")
        #expect(document.contains("&quot;alice&quot; &lt;wrote&gt; &amp; waits"), "\(document)")
        try awaitState(engine, "sent")
        #expect(try state(engine)["code"] as? Int == 1001)
    }

    @Test func whatKannelRefusesIsNotTriedForEver() throws {
        let kannel = try Kannel()
        let engine = try engine(
            section(
                "sms", "http://127.0.0.1:\(kannel.smsPort)/cgi-bin/sendsms",
                "\toption username 'imps'\n\toption password 'wrong'\n"))
        try write(engine)
        try awaitState(engine, "failed")
        try engine.awaitRecord(
            "NOTIFY-FAIL", "the other side refused it", "means=\"it is not tried again\"", "code=403")
        #expect(kannel.messages.isEmpty)
    }

    // MARK: Webhooks

    @Test func aWebhookIsSigned() throws {
        let gateway = try Gateway()
        let engine = try engine(
            section(
                "webhook", gateway.url("ok/%user/%number"),
                "\toption secret 'of the hook'\n\toption text 'from \"%sender\"\\\\'\n\toption link 'http://x/%message'\n"
            ))
        try write(engine)
        let request = try #require(try gateway.await(1).first)
        #expect(request.method == "POST" && request.path == "/ok/wv%3Abob%40home.test/%2B491700000001")
        let body = try #require(try JSONSerialization.jsonObject(with: Data(request.body.utf8)) as? [String: Any])
        #expect(body["event"] as? String == "message-waiting" && body["waiting"] as? Int == 1)
        #expect(body["user"] as? String == "wv:bob@home.test" && body["sender"] as? String == "alice")
        #expect(body["number"] as? String == NotifierTests.number)
        #expect(body["link"] as? String == "http://x/\(body["id"] as? String ?? "")")
        #expect(request.fields["Idempotency-Key"] == body["id"] as? String)
        let file = engine.folder.path + "/body"
        try request.body.write(toFile: file, atomically: true, encoding: .utf8)
        let digest = try runCommand(["openssl", "dgst", "-sha256", "-hmac", "of the hook", file]).output
        let expected = digest.split(separator: " ").last.map(String.init)?.trimmingCharacters(in: .newlines) ?? "none"
        #expect(request.fields["X-Impsd-Signature"] == "sha256=" + expected)
        try awaitState(engine, "sent")
    }

    @Test func ntfyAndUnifiedPushGetTheirForms() throws {
        let gateway = try Gateway()
        let sections = """
            config notify 'ntfy'
            \toption bearer 'webhook'
            \toption form 'ntfy'
            \toption url '\(gateway.url("ok/topic"))'
            \toption username 'home'
            \toption password 'pass word'
            \toption link 'http://gateway.lan/'
            config notify 'up'
            \toption bearer 'webhook'
            \toption form 'unifiedpush'

            """
        let engine = try engine(sections, users: ["alice", "bob", "carla"], number: false)
        try mustSet(engine, "carla", "push_url", gateway.url("ok/up?up=1"))
        try mustSet(engine, "carla", "notify", "up")
        try write(engine)
        let plain = try #require(try gateway.await(1).first)
        #expect(plain.path == "/ok/topic" && plain.body == "alice wrote to you. http://gateway.lan/")
        #expect(plain.fields["Click"] == "http://gateway.lan/" && plain.fields["Title"] != nil)
        #expect(plain.fields["Authorization"] == "Basic " + Data("home:pass word".utf8).base64EncodedString())
        try write(engine, to: "carla")
        let push = try #require(try gateway.await(2).last)
        #expect(push.path == "/ok/up?up=1" && push.fields["TTL"] == "86400" && push.body.contains("\"alice\""))
    }

    // MARK: Who is told, and who is not

    @Test func whoIsThereOrDoesNotWantToIsNotTold() throws {
        let gateway = try Gateway()
        let engine = try engine(
            section("sms", gateway.url("ok")), users: ["alice", "bob", "carla", "dora", "emil"], number: false)
        for user in ["bob", "carla", "dora"] { try mustSet(engine, user, "msisdn", "+4917\(user.utf8.count)000") }
        try mustSet(engine, "dora", "notify", "no")
        let bob = try engine.client("bob")
        try bob.logIn()
        for user in ["bob", "dora", "emil"] { try write(engine, to: user) }
        let carla = try engine.client("carla")
        try carla.logIn()
        try write(engine, to: "carla")
        // Neither who is there, nor who said no, nor who has no number.
        try write(engine, to: "carla")
        #expect(gateway.requests.isEmpty)
        // Whose session ends with something that he never got is told after all.
        try carla.logOut()
        let request = try #require(try gateway.await(1).first)
        #expect(request.query["to"] == "+49175000")
        #expect(try bob.receiveAll().count == 1)
        try bob.logOut()
        try awaitState(engine, "sent", of: "carla")
        #expect(gateway.requests.count == 1)
        #expect(try state(engine).isEmpty && state(engine, of: "dora").isEmpty && state(engine, of: "emil").isEmpty)
    }

    @Test func aClientMayHaveToAgree() throws {
        let gateway = try Gateway()
        let engine = try engine(
            section("sms", gateway.url("ok/sms"), "\toption consent 'client'\n")
                + "config notify 'second'\n\toption bearer 'wap-push'\n\toption consent 'client'\n\toption url '\(gateway.url("push"))'\n",
            users: ["alice", "bob", "carla"])
        try write(engine)
        try awaitState(engine, "not-told")
        #expect(try state(engine)["why"] as? String == "no-consent")
        // With the agreement it is told by what the client can be told by.
        let carla = try engine.client("carla", "1.3")
        try carla.logIn()
        let agreed = try carla.request(
            "<Service-Request><Functions><WVCSPFeat><FundamentalFeat><ServiceFunc><OFFNOTIF/></ServiceFunc></FundamentalFeat><IMFeat/></WVCSPFeat></Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>"
        )
        #expect("\(agreed.root)".contains("OFFNOTIF"), "\(agreed.root)")
        try carla.negotiateCapabilities("<SupportedOfflineBearer>WSP</SupportedOfflineBearer>")
        try carla.logOut()
        try write(engine, to: "carla")
        #expect(try gateway.await(1).first?.path == "/push")
        // The gateway said 202, and in its answer that it refused.
        try awaitState(engine, "waiting", of: "carla")
        #expect(try state(engine, of: "carla")["code"] as? Int == 2000)
    }

    // MARK: Gateways that are none

    @Test(arguments: ["garbage", "half", "huge", "redirect", "error", "refuse"])
    func aGatewayThatIsNoneIsTold(_ kind: String) throws {
        let gateway = try Gateway()
        let engine = try engine(section("sms", gateway.url(kind)))
        let alice = try write(engine)
        _ = try gateway.await(1)
        // One that says more than there is room for has taken it all the same.
        if kind != "huge" { try engine.awaitRecord("NOTIFY-FAIL", "user=wv:bob@home.test", "attempt=1") }
        try awaitState(engine, ["refuse": "failed", "huge": "sent"][kind] ?? "waiting")
        #expect(try alice.send("more", to: "wv:bob@home.test").code == 200)
        #expect(gateway.requests.count == 1)
        for name in ["request_buffers", "medium_buffers"] { #expect(try engine.pool(name, "used") == 0) }
    }

    @Test func whoIsToBeToldSurvivesEverything() throws {
        let gateway = try Gateway()
        let port = try VirtualBoard.freePort()
        let engine = try engine(section("sms", "http://127.0.0.1:\(port)/ok"), users: ["alice", "bob", "carla"])
        try write(engine)
        try engine.awaitRecord("NOTIFY-FAIL", "attempt=1")
        // Nobody is there for the next one either, which costs him no try.
        try write(engine, to: "carla")
        #expect(try state(engine, of: "carla")["tries"] as? Int == 0)
        engine.kill()
        engine.sections = section("sms", gateway.url("ok"))
        try engine.start()
        #expect(try gateway.await(1).first?.query["text"] == "alice wrote to you.")
        try awaitState(engine, "sent", of: "carla")
        // The other has a minute to wait, and is gone before.
        try awaitState(engine, "waiting")
        try engine.mustControl(["user", "del", "bob"])
        #expect(try state(engine).isEmpty)
        let dump = try engine.control(["dump"]).output
        #expect(!dump.split(separator: "\n").contains { $0.hasPrefix("o") }, "\(dump)")
    }

    @Test func slowGatewaysHoldUpNobody() throws {
        let gateway = try Gateway()
        let users = ["alice"] + (0..<20).map { "u\($0)" }
        let engine = try engine(section("sms", gateway.url("never")), users: users)
        let alice = try engine.client("alice")
        try alice.logIn()
        for user in users.dropFirst() { #expect(try alice.send("hello", to: "wv:\(user)@home.test").code == 200) }
        #expect(try gateway.await(3).count == 3)
        let memory = try engine.ownBytes()
        for user in users.dropFirst() {
            let client = try engine.client(user)
            try client.logIn()
            #expect(try client.receiveTexts() == ["hello"])
            try client.logOut()
        }
        // An emulator grows with what it translates.
        if Programs.runner.isEmpty { #expect(try engine.ownBytes() - memory < 65_536) }
        // The operator's question finds a place beside them.
        #expect(try engine.control(["reach", gateway.url("ok")]).code == 0)
        // Who has everything is not told any more, once his turn comes.
        #expect(gateway.requests.filter { $0.path.hasPrefix("/never") }.count == 3)
    }

    // MARK: The operator

    @Test func theConfigurationIsLookedAt() throws {
        let engine = try EngineProcess(starts: false)
        func findings(_ lines: String) throws -> String {
            engine.sections = "config notify 'first'\n\(lines)\n"
            return try run("impsd", ["--config", engine.configuration, "--check", "--allow-root"]).errors
        }
        #expect(try findings("\toption bearer 'pigeon'").contains("first.bearer: sms, wap-push, modem or webhook"))
        #expect(try findings("\toption bearer 'sms'").contains("notify.first: the section needs a url"))
        #expect(try findings("\toption url 'http://x/'").contains("needs a bearer"))
        #expect(try findings("\toption text '%sendr'").contains("with %sender, %user, %count and %link"))
        #expect(try findings("\toption quiet '22-7'").contains("22:00-07:00"))
        #expect(try findings("\toption every '5'").contains("60 to 86400"))
        #expect(try findings("\toption pasword 'x'").contains("did you mean password?"))
        #expect(try findings("\toption url 'ftp://x/'").contains("http:// or https://"))
        let good =
            "\toption bearer 'sms'\n\toption url 'http://127.0.0.1:13013/cgi-bin/sendsms'\n\toption quiet '22:00-07:00'"
        #expect(try findings(good) == "")
        engine.sections = (0..<5).map { "config notify 'n\($0)'\n\(good)\n" }.joined()
        let ending = try run("impsd", ["--config", engine.configuration, "--check", "--allow-root"])
        #expect(ending.code == 65 && ending.errors.contains("more than 4 notify sections"), "\(ending.errors)")
    }

    @Test func accountsHaveNumbers() throws {
        let engine = try EngineProcess(users: [])
        let made = try engine.control(["user", "add", "carla", "--msisdn", "+491700000009"], input: "secret\n")
        #expect(made.code == 0, "\(made.errors)")
        #expect(try engine.control(["--raw", "user", "show", "carla"]).output.contains("msisdn=+491700000009"))
        let refused = try engine.control(["user", "add", "dora", "--msisdn", "0170"], input: "secret\n")
        #expect(refused.code == 1 && refused.errors.contains("msisdn is +"), "\(refused.errors)")
        #expect(try engine.control(["user", "show", "dora"]).code == 1)
        for (field, value, good) in [
            ("language", "de", true), ("language", "d", false), ("notify", "no", true), ("notify", "a b", false),
            ("push_url", "https://push.example/" + String(repeating: "x", count: 150), true),
            ("push_url", "push.example", false),
        ] {
            let ending = try engine.control(["user", "set", "carla", field, value])
            #expect((ending.code == 0) == good, "\(field) \(value): \(ending.errors)")
        }
        #expect(try engine.control(["notifications"]).code == 0)
    }
}
