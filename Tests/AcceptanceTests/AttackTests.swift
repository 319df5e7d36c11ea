import Foundation
import Harness
import Testing

/// Ways in, ways to shut others out, and ways to lose what was acknowledged, each tried from outside. What an account, an
/// address and a stranger can take at most is in SECURITY.md.
@Suite struct AttackTests {
    private let stranger: UInt32 = 66
    private static let question = [
        "--text", "Accept?", "--required", "--blocking", "--option", "1|Accept|full", "--option", "3|Decline|deny",
    ]

    private func client(
        _ engine: EngineProcess, _ user: String, _ version: String = "1.2", at host: UInt32, cookie: String? = nil
    ) throws -> Client {
        Client(
            try HTTPConnection(port: engine.port, from: host), user: "wv:\(user)@home.test",
            password: engine.password(of: user), version, cookie: cookie)
    }

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    // MARK: Guessing

    /// What an address may guess at most: five times, and then after a second, two, four and so on.
    private func guesses(since start: Date) -> Int {
        7 + Int(log2(1 + Date().timeIntervalSince(start)).rounded(.up))
    }

    /// The hash that tables of names had once: without a key, so that anybody could find names that fall together.
    private func openHash(_ text: String) -> UInt64 {
        func mix(_ value: UInt64) -> UInt64 {
            let product = value &* 0x9E37_79B9_7F4A_7C15
            return product ^ product >> 29
        }
        let octets = Array(text.utf8)
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for start in stride(from: 0, to: octets.count, by: 8) {
            let part = octets[start..<min(start + 8, octets.count)]
            value = mix(value ^ part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        return mix(value ^ UInt64(octets.count))
    }

    private func place(_ text: String) -> UInt64 {
        let hash = openHash(text)
        return (hash ^ hash >> 32) & 255
    }

    /// Names that fall together with the one that is guessed, or with the address, make nobody forget.
    @Test func guessesAreCountedWhateverIsTriedInBetween() throws {
        let engine = try EngineProcess(["login_failures": "5"])
        let mallory = try client(engine, "alice", at: stranger)
        let together = (0..<20_000).map { "wv:m\($0)@home.test" }.filter {
            [place("wv:alice@home.test"), place("127.0.0.66")].contains(place($0))
        }
        #expect(together.count > 80)
        var checked = 0
        let start = Date()
        for number in 0..<300 {
            if try mallory.logIn("wrong \(number)").code == 409 { checked += 1 }
            guard number % 4 == 3 else { continue }
            let other = Client(
                mallory.connection, user: together[number / 4], password: "wrong", "1.2", cookie: "c\(number)")
            _ = try other.logIn()
        }
        #expect(checked <= guesses(since: start), "\(checked)")
        #expect(try client(engine, "alice", at: 5).logIn().code == 200)
    }

    /// Who fails in another's name and logs in himself in turns gains nothing, and costs the other one nothing.
    @Test func aSuccessClearsOnlyItsOwnFailures() throws {
        let engine = try EngineProcess(["login_failures": "5"], users: ["alice", "mallory"])
        let guess = try client(engine, "alice", at: stranger)
        let own = try client(engine, "mallory", at: stranger)
        #expect(try own.logIn().code == 200)
        var checked = 0
        let start = Date()
        for second in 0..<20 {
            for _ in 0..<10 {
                if try guess.logIn("wrong").code == 409 { checked += 1 }
                // His own name is open to him from where he has logged in before.
                #expect(try own.logIn().code == 200)
            }
            #expect(try client(engine, "alice", at: 5).logIn().code == 200, "second \(second)")
            Thread.sleep(forTimeInterval: 0.2)
        }
        #expect(checked <= guesses(since: start), "\(checked)")
    }

    /// Many addresses together guess slowly, and the user is never kept out.
    @Test func manyAddressesGuessSlowly() throws {
        let engine = try EngineProcess(["login_failures": "3"])
        let addresses = try (0..<60).map { try client(engine, "alice", at: 256 + UInt32($0)) }
        var checked = 0
        for _ in 0..<10 {
            for address in addresses where try address.logIn("wrong").code == 409 { checked += 1 }
            #expect(try client(engine, "alice", at: 5).logIn().code == 200)
        }
        // Twelve are free; then each address has one, and waits after it.
        #expect(checked < 12 + 60 * 2, "\(checked)")
    }

    @Test func namesAndKindsOfAccountsAreNotTold() throws {
        let engine = try EngineProcess(["login_failures": "4"])
        #expect(
            try engine.control(["user", "add", "carol", "--kind", "password-only"], input: "secret of carol\n").code
                == 0)
        var seen: Set<[String]> = []
        for (index, name) in ["alice", "carol", "nobody"].enumerated() {
            let mallory = try client(engine, name, at: 70 + UInt32(index))
            var answers: [String] = []
            let challenge = try mallory.request(
                mallory.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
            answers.append("\(challenge.code) \(challenge.primitive?.childNames ?? [])")
            let answer = try mallory.answer(to: challenge, Array("wrong".utf8))
            for step in 0..<2 {
                let reply = try mallory.request(mallory.loginContent(answer), transaction: "1\(step)")
                answers.append("\(reply.code) \(reply.primitive?.childNames ?? [])")
            }
            for schemas in [["MD6"], ["PWD"], ["PWD", "SHA"], ["SHA"]] {
                let offer = schemas.map { "<DigestSchema>\($0)</DigestSchema>" }.joined()
                let reply = try mallory.request(mallory.loginContent(offer))
                answers.append("\(reply.code) \(reply.primitive?["DigestSchema"]?.text ?? "")")
            }
            for number in 0..<6 { answers.append("\(try mallory.logIn("wrong \(number)").code)") }
            seen.insert(answers)
        }
        #expect(seen.count == 1, "\(seen)")
    }

    /// Each check of a password takes long on purpose; checking may not keep others waiting. How long they wait is printed;
    /// how many are checked is counted in the tests of the engine.
    @Test func aFloodOfWrongPasswordsHoldsUpNobody() throws {
        let engine = try EngineProcess(["login_failures": "5"])
        let bob = try client(engine, "bob", at: 9)
        try bob.logIn()
        let isOver = Flag()
        let flood = Thread {
            for number in 0..<10_000 where !isOver.isSet {
                let host = UInt32(300 + number % 20_000)
                _ = try? self.client(engine, number % 2 == 0 ? "alice" : "nobody\(number)", at: host).logIn(
                    "wrong \(number)")
            }
        }
        flood.start()
        defer { isOver.set() }
        Thread.sleep(forTimeInterval: 0.5)
        var poll = 0.0
        var login = 0.0
        for number in 0..<40 {
            var start = Date()
            _ = try bob.poll()
            poll = max(poll, Date().timeIntervalSince(start))
            start = Date()
            #expect(try client(engine, "alice", at: 5, cookie: "c\(number)").logIn().code == 200)
            login = max(login, Date().timeIntervalSince(start))
            Thread.sleep(forTimeInterval: 0.02)
        }
        print("beside a flood of wrong passwords: polls \(Int(poll * 1000)) ms, logins \(Int(login * 1000)) ms at most")
        #expect(engine.records("AUTH-WAIT").contains { $0.contains("why=busy") })
    }

    // MARK: Questions

    /// What was answered once is no answer to the next time, and the key is asked for each time.
    @Test func anOldAnswerOpensNothing() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", AttackTests.question + ["--policy", "every-login", "--verify", "SMS"])
        let key = try #require(
            try engine.control(["sysmsg", "key", "terms", "alice"]).output.firstMatch(of: /key=(\d{8})/)?.1)
        let alice = try engine.client("alice", "1.3")
        func logIn(_ id: String, key: String?) throws -> Reply {
            try alice.logIn(
                answering: [(id, 1)], key: key, credentials: "<Password>\(alice.password)</Password>")
        }
        let first = try #require(try alice.logIn().systemMessages.first?["SystemMessageID"]?.text)
        #expect(try logIn(first, key: String(key)).code == 200)
        alice.cookie = "another"
        let again = try logIn(first, key: nil)
        #expect(again.code != 200)
        #expect(again.primitive?["SessionID"] == nil)
        let second = try #require(again.systemMessages.first?["SystemMessageID"]?.text)
        #expect(second != first)
        #expect(try logIn(first, key: String(key)).code != 200)
        #expect(try logIn(second, key: nil).code == 402)
        #expect(try logIn(second, key: String(key)).code == 200)
    }

    /// Who has the password and not the key is not let in by the key that somebody else gives meanwhile.
    @Test func anotherLoginsAnswerOpensNothing() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", AttackTests.question + ["--policy", "every-login", "--verify", "SMS"])
        let key = try #require(
            try engine.control(["sysmsg", "key", "terms", "alice"]).output.firstMatch(of: /key=(\d{8})/)?.1)
        let mallory = try client(engine, "alice", "1.3", at: stranger)
        let alice = try client(engine, "alice", "1.3", at: 5)
        func answer(_ reply: Reply) throws -> Reply {
            let id = try #require(reply.systemMessages.first?["SystemMessageID"]?.text)
            return try alice.logIn(answering: [(id, 1)], key: String(key))
        }
        #expect(try mallory.logIn().code == 403)
        let asked = try alice.logIn()
        #expect(try answer(asked).code == 200)
        let reply = try mallory.logIn()
        #expect(reply.code == 403)
        #expect(reply.primitive?["SessionID"] == nil)
        #expect(reply.systemMessages.count == 1)
        // Nor does it shut out who was let in, or who comes again with the key.
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
        alice.cookie = "another"
        let again = try alice.logIn()
        #expect(try answer(again).code == 200)
        #expect(try mallory.logIn().code == 403)
    }

    /// The answer to one question is none to another one that is asked at every login too.
    @Test func anAnswerClosesItsOwnQuestionOnly() throws {
        let engine = try EngineProcess()
        try add(engine, "one", AttackTests.question + ["--policy", "every-login"])
        try add(engine, "two", AttackTests.question + ["--policy", "every-login"])
        let alice = try engine.client("alice", "1.3")
        let ids = try alice.logIn().systemMessages.compactMap { $0["SystemMessageID"]?.text }
        #expect(ids.count == 2)
        #expect(try alice.logIn(answering: ids.map { ($0, 1) }).code == 200)
        alice.cookie = "another"
        let asked = try alice.logIn().systemMessages.compactMap { $0["SystemMessageID"]?.text }
        #expect(Set(asked).isDisjoint(with: ids))
        #expect(try alice.logIn(answering: [(asked[0], 1), (ids[1], 1)]).code != 200)
        #expect(try alice.logIn(answering: [(asked[1], 1)]).code == 200)
    }

    /// What is held back from a session it can neither confirm, fetch, refuse nor pass on, in any way.
    @Test(arguments: versions) func whatIsHeldBackStays(version: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", "1.2")
        try bob.logIn()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        try add(
            engine, "terms", ["--kind", "online", "--audience", "user:alice"] + AttackTests.question)
        let sent = try bob.send("for later", to: "wv:alice@home.test", report: true)
        let id = try #require(sent.primitive?["MessageID"]?.text)
        let number = String(id.dropFirst())
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 403)
        let delivered = "<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>"
        let status = "<Status><Result><Code>200</Code></Result></Status>"
        var came: [Reply] = []
        for transaction in [number, "1", "", id] {
            for content in [delivered, status] {
                let reply = try alice.exchange(alice.document(content, transaction: transaction, mode: "Response"))
                if let reply, reply.mode == "Request" { came.append(reply) }
            }
        }
        let forward =
            "<ForwardMessage-Request><MessageID>\(id)</MessageID><Recipient><User><UserID>bob</UserID></User></Recipient></ForwardMessage-Request>"
        for content in [
            delivered, "<GetMessage-Request><MessageID>\(id)</MessageID></GetMessage-Request>", forward,
            "<RejectMessage-Request><MessageID>\(id)</MessageID></RejectMessage-Request>", "<GetMessageList-Request/>",
        ] {
            let reply = try alice.request(content)
            #expect(reply.code >= 400, "\(content): \(reply.root)")
        }
        #expect(try bob.poll() == nil)
        // With the answer it comes.
        if let question = try alice.poll() { came.append(question) }
        #expect(came.allSatisfy { !"\($0.root)".contains("for later") })
        let question = try #require(came.last)
        if version == "1.3" {
            let asked = try #require(question.systemMessages.first?["SystemMessageID"]?.text)
            _ = try alice.respond(to: question, status)
            #expect(try alice.answer([(asked, 1)]).code == 200)
        } else {
            _ = try alice.confirm(question)
            #expect(try alice.send("1", to: "wv:system@home.test").code == 200)
        }
        #expect(try alice.receiveTexts().contains("for later"))
        #expect(try bob.receiveAll().map(\.name) == ["DeliveryReport-Request"])
    }

    /// Nor what was not sent yet.
    @Test func whatWasNotSentIsNotConfirmed() throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob")
        let alice = try engine.client("alice")
        try bob.logIn()
        try alice.logIn()
        let id = try #require(
            try bob.send("one", to: "wv:alice@home.test", report: true).primitive?["MessageID"]?.text)
        let delivered = "<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>"
        _ = try alice.exchange(alice.document(delivered, transaction: "9", mode: "Response")).map { reply in
            // The chain may bring it now, which is another matter.
            #expect(reply.name == "NewMessage")
        }
        #expect(try bob.poll() == nil)
        // What was fetched may be confirmed, and what was sent before a restart too.
        let second = try #require(try bob.send("two", to: "wv:alice@home.test").primitive?["MessageID"]?.text)
        #expect(
            try alice.request("<GetMessage-Request><MessageID>\(second)</MessageID></GetMessage-Request>").code == 200)
        #expect(
            try alice.request("<MessageDelivered><MessageID>\(second)</MessageID></MessageDelivered>").code == 200)
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        bob.connection = try engine.connect()
        #expect(try alice.request(delivered).code == 200)
        #expect(try bob.receiveAll().map(\.name) == ["DeliveryReport-Request"])
    }

    // MARK: Messages

    /// The system address is a recipient like others.
    @Test(arguments: [true, false]) func eachRecipientIsServed(isFirst: Bool) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob")
        try alice.logIn()
        try bob.logIn()
        let recipients = ["wv:system@home.test", "wv:bob@home.test"]
        let reply = try alice.request(alice.sendContent("help", to: isFirst ? recipients : recipients.reversed()))
        #expect(reply.code == 200)
        #expect(try bob.receiveTexts() == ["help"])
        #expect(try alice.receiveTexts().first?.hasPrefix("Help messages are on") == true)
        // Until a question is answered, only the answer arrives, and the sender knows.
        try add(engine, "terms", ["--kind", "online", "--audience", "user:alice"] + AttackTests.question)
        #expect(try alice.receiveTexts().first?.hasPrefix("Accept?") == true)
        let both = try alice.request(alice.sendContent("1", to: recipients))
        #expect(both.code == 201)
        #expect(both.primitive?["Result/DetailedResult/Code"]?.number == 403)
        #expect(try bob.receiveTexts() == [])
        #expect(try alice.send("yes", to: "wv:bob@home.test").code == 200)
    }

    // MARK: What belongs to all

    @Test func oneAccountTakesNoMoreThanItsSessions() throws {
        let engine = try EngineProcess(["max_sessions": "40"], users: ["alice", "bob", "mallory"])
        let mallory = try client(engine, "mallory", at: stranger)
        for number in 0..<200 {
            mallory.cookie = "c\(number)"
            let reply = try mallory.request(
                mallory.loginContent("<Password>\(mallory.password)</Password>", timeToLive: 86_400))
            #expect(reply.code == 200)
        }
        #expect(try engine.status("sessions") <= 8)
        for user in ["alice", "bob"] { #expect(try client(engine, user, at: 5).logIn().code == 200) }
        try engine.restart()
        #expect(try engine.status("sessions") <= 10)
        #expect(try client(engine, "alice", at: 6).logIn().code == 200)
    }

    /// When all places are taken and most of them by one address, others still get in.
    /// Whoever has a password can begin logins and not answer; they take the places of his own.
    @Test func oneAccountTakesNoMoreThanItsPendingLogins() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", AttackTests.question + ["--legacy", "deny"])
        let alice = try client(engine, "alice", "1.3", at: 5)
        let id = try #require(try alice.logIn().systemMessages.first?["SystemMessageID"]?.text)
        let bob = try client(engine, "bob", "1.3", at: stranger)
        for number in 0..<100 {
            bob.cookie = "c\(number)"
            #expect(try bob.logIn().code == 403)
        }
        // Without credentials: that she waits proves who she is.
        #expect(try alice.logIn(answering: [(id, 1)]).code == 200)
    }

    @Test func oneAddressDoesNotTakeAllSessions() throws {
        let users = (0..<10).map { "mallory\($0)" }
        let engine = try EngineProcess(["max_sessions": "20"], users: ["alice"] + users)
        for user in users {
            for cookie in ["1", "2", "3"] {
                _ = try client(engine, user, at: stranger, cookie: cookie).logIn()
            }
        }
        #expect(try engine.status("sessions") == 20)
        let alice = try client(engine, "alice", at: 5)
        #expect(try alice.logIn().code == 200)
        #expect(try client(engine, "mallory0", at: stranger, cookie: "4").logIn().code == 503)
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
    }

    @Test func oneSenderDoesNotFillTheStore() throws {
        let users = (0..<40).map { "user\($0)" }
        let engine = try EngineProcess(
            ["db_kb": "2048", "offline_max_kb": "100000", "offline_max_msgs": "10000"],
            users: ["alice", "bob", "mallory"] + users)
        let mallory = try client(engine, "mallory", at: stranger)
        try mallory.logIn()
        let text = String(repeating: "x", count: 27_000)
        var codes: [Int: Int] = [:]
        for round in 0..<3 {
            for user in users {
                codes[try mallory.send("\(round)\(text)", to: "wv:\(user)@home.test").code, default: 0] += 1
            }
        }
        #expect(codes[200, default: 0] > 5)
        #expect(codes[507, default: 0] > 50, "\(codes)")
        let alice = try client(engine, "alice", at: 5)
        try alice.logIn()
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try alice.send(text, to: "wv:bob@home.test").code == 200)
        // It is known after a restart too.
        try engine.restart()
        mallory.connection = try HTTPConnection(port: engine.port, from: stranger)
        #expect(try mallory.send(text, to: "wv:bob@home.test").code == 507)
        // What is delivered counts no more.
        for user in users.prefix(20) {
            let reader = try client(engine, user, at: 7)
            try reader.logIn()
            try reader.negotiateCapabilities(
                "<AcceptedContentLength>100000</AcceptedContentLength><ParserSize>200000</ParserSize>")
            _ = try reader.receiveAll()
        }
        #expect(try mallory.send(text, to: "wv:bob@home.test").code == 200)
    }

    @Test func oneSenderDoesNotFillAMailbox() throws {
        let engine = try EngineProcess(["offline_max_msgs": "20"], users: ["alice", "bob", "mallory"])
        let mallory = try client(engine, "mallory", at: stranger)
        try mallory.logIn()
        let codes = try (0..<30).map { _ in try mallory.send("x", to: "wv:bob@home.test").code }
        #expect(codes.filter { $0 == 200 }.count == 20)
        let alice = try client(engine, "alice", at: 5)
        try alice.logIn()
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try alice.send("and more", to: "wv:bob@home.test").code == 507)
        try add(engine, "news", ["--text", "News.", "--kind", "online"])
        let bob = try client(engine, "bob", at: 6)
        try bob.logIn()
        let received = try bob.receiveTexts()
        #expect(received.contains("hello"))
        #expect(received.contains("News."))
    }

    // MARK: Challenges

    /// Whoever asks for challenges in somebody's name, with ever new cookies, takes none away from him.
    @Test func challengesAreTheAskersOwn() throws {
        let engine = try EngineProcess(["login_failures": "5"])
        let stop = Flag()
        let flood = Thread {
            guard let mallory = try? client(engine, "alice", at: stranger) else { return }
            var number = 0
            while !stop.isSet {
                number += 1
                mallory.cookie = "c\(number)"
                _ = try? mallory.request(mallory.loginContent("<DigestSchema>SHA</DigestSchema>"))
            }
        }
        flood.start()
        defer { stop.set() }
        for _ in 0..<10 {
            let alice = try client(engine, "alice", at: 5)
            let challenge = try alice.request(alice.loginContent("<DigestSchema>SHA</DigestSchema>"), transaction: "1")
            #expect(challenge.code == 401)
            Thread.sleep(forTimeInterval: 0.3)
            let reply = try alice.request(alice.loginContent(try alice.answer(to: challenge)), transaction: "1")
            #expect(reply.code == 200)
        }
    }

    /// A challenge that is lost is given anew, and is no failure.
    @Test func aLostChallengeIsGivenAnew() throws {
        let engine = try EngineProcess(["login_failures": "2", "challenge_s": "5"])
        let alice = try engine.client("alice")
        for schema in ["MD5", "SHA"] {
            let challenge = try alice.request(
                alice.loginContent("<DigestSchema>\(schema)</DigestSchema>"), transaction: "1")
            let answer = alice.loginContent(try alice.answer(to: challenge))
            #expect(try alice.request(answer, transaction: "2").code == 200)
            for number in 0..<5 {
                let again = try alice.request(answer, transaction: "r\(schema)\(number)")
                #expect(again.code == 401)
                #expect(again.primitive?["DigestSchema"]?.text == schema)
                #expect(again.primitive?["Nonce"]?.text != challenge.primitive?["Nonce"]?.text)
                #expect(try alice.request(alice.loginContent(try alice.answer(to: again))).code == 200)
            }
        }
    }

    // MARK: Files

    /// Two engines may have their control sockets in one folder.
    @Test func anotherEnginesStoreIsNotTaken() throws {
        let shared = FileManager.default.temporaryDirectory.appendingPathComponent("shared-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: shared, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: shared) }
        let first = try EngineProcess(["data_mode": "flash"], starts: false)
        let second = try EngineProcess(["data_mode": "ram+checkpoint"], users: ["carol"], starts: false)
        try first.set(["control": shared.path + "/first"])
        try second.set(["control": shared.path + "/second"])
        try first.start()
        try second.start()
        let alice = try first.client("alice")
        try alice.logIn()
        #expect(try alice.send("kept", to: "wv:bob@home.test").code == 200)
        second.kill()
        try first.restart()
        let bob = try first.client("bob")
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts() == ["kept"])
        try second.start()
        #expect(try second.client("carol").logIn().code == 200)
        #expect(try second.client("bob").logIn().code == 409)
    }

    /// What others put in its place is not opened, in either mode.
    @Test(arguments: ["flash", "ram+checkpoint"]) func aPlantedStoreIsNotTaken(mode: String) throws {
        let other = try EngineProcess(["data_mode": "ram+checkpoint"], users: ["mallory"])
        let engine = try EngineProcess(["data_mode": "ram+checkpoint"])
        let live = try #require(try ram(engine))
        let foreign = try #require(try ram(other))
        other.kill()
        #expect(engine.stop() == 0)
        try engine.set(["data_mode": mode])
        for plant in ["link", "hard", "open"] {
            try? FileManager.default.removeItem(atPath: live)
            switch plant {
            case "link": try FileManager.default.createSymbolicLink(atPath: live, withDestinationPath: foreign)
            case "hard": try FileManager.default.linkItem(atPath: foreign, toPath: live)
            default:
                try FileManager.default.copyItem(atPath: foreign, toPath: live)
                try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: live)
            }
            let before = engine.records("STORE-FOREIGN").count
            try engine.start()
            #expect(engine.records("STORE-FOREIGN").count == before + 1, "\(plant)")
            #expect(try engine.client("alice").logIn().code == 200, "\(plant)")
            #expect(try engine.client("mallory").logIn().code == 409, "\(plant)")
            #expect(engine.stop() == 0)
        }
    }

    private func ram(_ engine: EngineProcess) throws -> String? {
        try FileManager.default.contentsOfDirectory(atPath: engine.folder.path)
            .first { $0.hasPrefix("store-") && $0.hasSuffix(".ram") }.map { engine.folder.path + "/" + $0 }
    }
}

/// Set by one thread, seen by another.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }

    func set() { lock.withLock { value = true } }
}
