import Foundation
import Harness
import Testing

/// Somebody else's service behind the door. Source: protocol/system-message.md §4.4.
@Suite struct GatewayTests {
    private static let terms = [
        "--kind", "login", "--text", "Messages cost 0.10 each. Do you accept?", "--required", "--blocking",
        "--option", "1|Accept|full", "--option", "2|Presence only|limited:FundamentalFeat,PresenceFeat",
        "--option", "3|Decline|deny",
    ]

    private func ask(_ third: ThirdParty, _ more: [String] = []) throws {
        try third.door.mustControl(["sysmsg", "add", "terms"] + GatewayTests.terms + more)
    }

    private func identifier(_ reply: Reply) throws -> String {
        try #require(reply.systemMessages.first?["SystemMessageID"]?.text, "\(reply.root)")
    }

    private func password(of user: String) -> String { "<Password>secret of \(user)</Password>" }

    private func events(_ third: ThirdParty, _ user: String = "alice") throws -> [String] {
        try third.door.records(of: ["sysmsg", "journal", "terms"])
            .filter { ($0["user"] as? String ?? "").contains(user) }.compactMap { $0["event"] as? String }
    }

    // MARK: The door

    /// SM-7: not an octet to the service before access is negotiated. SM-6: the credentials are nowhere afterwards.
    @Test func nothingIsSaidBeforeTheAnswer() throws {
        let third = try ThirdParty()
        try ask(third)
        let alice = try third.client("alice")
        let asked = try alice.logIn()
        #expect(asked.code == 403)
        let id = try identifier(asked)
        #expect(try identifier(alice.logIn()) == id)
        #expect(try alice.logIn(answering: [("none", 1)]).code != 200)
        #expect(third.requests == "")
        let opened = try alice.logIn(answering: [(id, 1)], credentials: password(of: "alice"))
        #expect(opened.code == 200)
        #expect(third.requests.contains("secret of alice"))
        #expect(!third.requests.contains("SystemMessageResponse"))
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try events(third) == ["sent", "shown", "answered"])
        // An emulator keeps what it likes.
        if Programs.runner.isEmpty { #expect(try third.door.countInMemory("secret of alice") == 0) }
        #expect(try third.door.countInFiles("secret of alice") == 0)
        try alice.logOut()
        // It is asked once.
        #expect(try alice.logIn().code == 200)
        #expect(try third.door.records(of: ["user", "list"]).first?["kind"] as? String == "upstream")
    }

    @Test func whoDeclinesIsUnknownToTheService() throws {
        let third = try ThirdParty()
        try ask(third)
        let alice = try third.client("alice")
        let id = try identifier(alice.logIn())
        let denied = try alice.logIn(answering: [(id, 3)], credentials: password(of: "alice"))
        #expect(denied.code == 403)
        #expect(third.requests == "")
        try third.door.awaitRecord("SYSMSG-DENIED", "user=wv:alice@home.test")
    }

    /// Both phases of the digest go through, with the challenge of the service.
    @Test(arguments: [false, true]) func theServiceChallenges(isAsked: Bool) throws {
        let third = try ThirdParty()
        if isAsked { try ask(third) }
        let alice = try third.client("alice")
        if isAsked {
            let id = try identifier(alice.logIn())
            #expect(try alice.logIn(answering: [(id, 1)], credentials: "<DigestSchema>SHA</DigestSchema>").code == 401)
        }
        #expect(try alice.logInByDigest().code == 200)
        #expect(!third.requests.contains("secret of alice"))
        #expect(try alice.poll() == nil)
    }

    @Test func wrongPasswordsAreTheServicesMatter() throws {
        let third = try ThirdParty(["login_failures": "3"])
        let alice = try third.client("alice")
        for _ in 0..<3 { #expect(try alice.logIn("wrong").code == 409) }
        let before = third.requests.count
        // Who guesses waits at the door.
        #expect(try alice.logIn().code == 503)
        #expect(third.requests.count == before)
    }

    /// What somebody says who has not proved who he is holds for nobody.
    @Test func strangersAnswerForNobody() throws {
        let third = try ThirdParty()
        try ask(third)
        let stranger = try third.client("alice")
        stranger.connection = try HTTPConnection(port: third.door.port, from: 66)
        let id = try identifier(stranger.logIn())
        #expect(try stranger.logIn(answering: [(id, 1)], credentials: "<Password>guessed</Password>").code == 409)
        let other = try third.client("alice", cookie: "other")
        other.connection = try HTTPConnection(port: third.door.port, from: 67)
        #expect(try other.logIn(answering: [(identifier(other.logIn()), 3)]).code == 403)
        #expect(try events(third) == [])
        let alice = try third.client("alice")
        let own = try identifier(alice.logIn())
        #expect(own != id)
        // The answer of another is none of hers.
        #expect(try alice.logIn(answering: [(id, 1)], credentials: password(of: "alice")).code != 200)
        #expect(try alice.logIn(answering: [(own, 2)], credentials: password(of: "alice")).code == 200)
        #expect(try events(third) == ["sent", "shown", "answered"])
        #expect(try third.door.records(of: ["sysmsg", "results", "terms"]).first?["option"] as? Int == 2)
    }

    @Test func theLevelHoldsBehindTheDoor() throws {
        let third = try ThirdParty()
        try ask(third)
        let alice = try third.client("alice")
        let id = try identifier(alice.logIn())
        #expect(try alice.logIn(answering: [(id, 2)], credentials: password(of: "alice")).code == 200)
        let before = third.requests
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 506)
        #expect(third.requests == before)
        let services = try alice.request(
            "<Service-Request><Functions><WVCSPFeat/></Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>"
        )
        #expect(services.primitive?["Functions/WVCSPFeat"]?.children.contains { $0.name == "IMFeat" } == true)
        let all = services.primitive?["AllFunctions/WVCSPFeat"]?.childNames ?? []
        #expect(all.contains("PresenceFeat") && !all.contains("IMFeat"), "\(all)")
        #expect(try alice.request("<GetList-Request/>").name == "GetList-Response")
    }

    /// A client that knows no System Messages is told why, and of a link by which a browser answers for it.
    @Test func anOldClientIsToldALink() throws {
        let third = try ThirdParty(starts: false)
        third.door.sections += "config page 'main'\n\toption enabled '1'\n\toption url 'http://gateway.lan:8080/'\n"
        try third.door.start()
        try ask(third)
        let alice = try third.client("alice", "1.2")
        let refused = try alice.logIn()
        #expect(refused.code == 403)
        let text = try #require(refused.primitive?["Result/Description"]?.text)
        let match = try #require(
            text.firstMatch(of: /Do you accept\? http:\/\/gateway\.lan:8080\/q\/([0-9a-f]{16})\.alice/), "\(text)")
        #expect(third.requests == "")
        // Who guesses opens nothing, and what he guesses is no answer.
        let other = try third.client("alice", cookie: "other")
        other.connection = try HTTPConnection(port: third.door.port, from: 70)
        #expect(try other.logIn("ask:0123456789abcdef").code == 403)
        let page = try third.client("alice", cookie: "page")
        page.connection = try HTTPConnection(port: third.door.port, from: 71)
        let asked = try page.logIn("ask:" + match.1)
        #expect(asked.code == 403)
        let answered = try page.logIn(answering: [(identifier(asked), 1)])
        #expect(answered.code == 200 && answered.primitive?["SessionID"] == nil, "\(answered.root)")
        #expect(third.requests == "")
        #expect(try alice.logIn().code == 200)
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try events(third) == ["sent", "shown", "answered"])
    }

    @Test func anAnnouncementComesWithTheLogin() throws {
        let third = try ThirdParty()
        try third.door.mustControl(["sysmsg", "add", "terms", "--kind", "login", "--text", "New: games."])
        let alice = try third.client("alice")
        let opened = try alice.logIn()
        #expect(opened.code == 200)
        #expect(opened.systemMessages.first?["SystemMessageText"]?.text == "New: games.")
        #expect(
            try third.door.records(of: ["sysmsg", "results", "terms"]).first?["user"] as? String == "wv:alice@home.test"
        )
    }

    /// A login in a session comes to the door like any other, and one behind something else comes nowhere.
    @Test func nobodyPassesTheDoorFromInside() throws {
        let third = try ThirdParty()
        let bob = try third.client("bob")
        try bob.logIn()
        let alice = try third.client("alice")
        try alice.logInByDigest()
        try ask(third, ["--audience", "user:wv:alice@home.test"])
        let before = third.requests
        let login = bob.loginContent(password(of: "alice")).replacingOccurrences(of: "wv:bob@", with: "wv:alice@")
        let reply = try bob.request(login)
        #expect(reply.code == 403 && !reply.systemMessages.isEmpty, "\(reply.root)")
        #expect(third.requests == before)
        let document = bob.document("<GetList-Request/>", transaction: "a")
        let second = bob.document(login, transaction: "b")
        let start = try #require(second.range(of: "<Transaction>")),
            end = try #require(second.range(of: "</Session></WV"))
        let both = document.replacingOccurrences(
            of: "</Session></WV", with: second[start.lowerBound..<end.lowerBound] + "</Session></WV")
        let answers = try bob.exchange(both)?.all ?? []
        #expect(answers.first { $0.transactionID == "b" }?.code == 400, "\(answers)")
        #expect(answers.first { $0.transactionID == "a" }?.name == "GetList-Response", "\(answers)")
        #expect(!third.requests.contains("secret of alice"))
    }

    /// What is looked at here is what the service gets: a second name behind the first goes nowhere.
    @Test func whoNamesTwoUsersIsTheFirst() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        let content = alice.loginContent(password(of: "bob")).replacingOccurrences(
            of: "</Login-Request>", with: "<UserID>wv:bob@home.test</UserID></Login-Request>")
        #expect(try alice.request(content).code == 409)
        #expect(!third.requests.contains("wv:bob@"))
        // A link that is over is no password for anybody.
        let before = third.requests
        #expect(try alice.logIn("ask:0123456789abcdef").code == 409)
        #expect(third.requests == before)
    }

    /// Sections that change while something is under way: it is not given to whoever is at its place now.
    @Test func anotherServiceHearsNothingOfWhatWasForTheFirst() throws {
        let third = try ThirdParty(options: "\toption timeout '3'\n")
        let alice = try third.client("alice")
        try alice.logIn()
        try third.set(mode: "stall")
        let document = alice.document("<GetList-Request/>", transaction: "x")
        let other = try third.door.connect()
        try other.send(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: \(document.utf8.count)\r\n\r\n\(document)"
        )
        try wait("the request") { third.requests.contains("GetList-Request") }
        let elsewhere = try ThirdParty()
        third.door.sections = third.door.sections.replacingOccurrences(of: "\(third.port)", with: "\(elsewhere.port)")
        third.door.signal(SIGHUP)
        try third.door.awaitRecord("RELOAD", "used=yes")
        #expect(try other.receive()?.text.contains("<Code>504</Code>") == true)
        #expect(elsewhere.requests == "")
    }

    // MARK: Inside

    /// Messages of this server go between those of the service, and are answered here.
    @Test func ownMessagesGoBetween() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        let bob = try third.client("bob")
        try alice.logIn()
        try bob.logIn()
        #expect(try bob.send("one", to: "wv:alice@home.test").code == 200)
        try third.door.mustControl(
            ["sysmsg", "add", "terms", "--kind", "online", "--text", "Well?", "--required", "--option", "1|Yes|full"])
        #expect(try bob.send("two", to: "wv:alice@home.test").code == 200)
        let received = try alice.receiveAll()
        #expect(received.map(\.name).sorted() == ["NewMessage", "NewMessage", "SystemMessage-Request"])
        let question = try #require(received.first { $0.name == "SystemMessage-Request" })
        #expect(question.transactionID.hasPrefix("g"))
        let id = try #require(question.primitive?["SystemMessageList/SystemMessage/SystemMessageID"]?.text)
        let before = third.requests
        #expect(try alice.answer([(id, 1)]).code == 200)
        #expect(third.requests == before)
        #expect(try third.door.records(of: ["sysmsg", "results", "terms"]).first?["option"] as? Int == 1)
        #expect(try alice.poll() == nil)
    }

    @Test func sessionsSurviveARestart() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        let bob = try third.client("bob")
        try alice.logIn()
        try bob.logIn()
        #expect(try bob.send("before", to: "wv:alice@home.test").code == 200)
        third.door.kill()
        try third.door.start()
        alice.connection = try third.door.connect()
        bob.connection = try third.door.connect()
        #expect(try bob.send("after", to: "wv:alice@home.test").code == 200)
        #expect(try alice.receiveTexts() == ["before", "after"])
        #expect(try alice.logOut().code == 200)
        #expect(try alice.poll()?.code == 604)
        #expect(try third.service.control(["sessions"]).output.contains("alice") == false)
    }

    /// Where the section is gone, so is the session; what is left of the configuration goes on.
    @Test func aServiceThatIsTakenAwayTakesItsSessions() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        try alice.logIn()
        third.door.sections = ""
        try third.door.restart()
        alice.connection = try third.door.connect()
        #expect(try alice.poll()?.code == 604)
        #expect(try alice.logIn().code == 409)
    }

    @Test func ownUsersAndThoseOfTheServiceLiveTogether() throws {
        let third = try ThirdParty()
        #expect(try third.door.control(["user", "add", "carol"], input: "secret of carol\n").code == 0)
        let carol = Client(
            try third.door.connect(), user: "wv:carol@gateway.test", password: "secret of carol", "1.2")
        #expect(try carol.logIn().code == 200)
        #expect(third.requests == "")
        let alice = try third.client("alice")
        #expect(try alice.logIn().code == 200)
        // Nobody here finds who is known there.
        let search = """
            <Search-Request><SearchPairList><SearchElement>USER_ID</SearchElement><SearchString>alice</SearchString>\
            </SearchPairList><SearchLimit>10</SearchLimit></Search-Request>
            """
        #expect(try carol.request(search).primitive?["SearchFindings"]?.number == 0)
        // Neither reaches the other: their services do not know each other.
        #expect(try carol.send("hello", to: "wv:alice@home.test").code != 200)
        #expect(try carol.send("to myself", to: "wv:carol@gateway.test").code == 200)
        #expect(try carol.receiveTexts() == ["to myself"])
        #expect(try alice.receiveAll().isEmpty)
        // Nobody makes an account for a user of somebody else.
        #expect(try third.door.control(["user", "add", "wv:mallory@home.test"], input: "secret of m\n").code != 0)
    }

    @Test func manyWaitForTheirTurn() throws {
        let third = try ThirdParty(["mem_kb": "16384"])
        // Also those whose requests come in chunks, which are joined where they lie.
        let clients = try (0..<100).map { try third.client("alice", "1.2", cookie: "c\($0 % 8)") }
        for client in clients.prefix(8) { try client.logIn() }
        for (number, client) in clients.enumerated() { client.sessionID = clients[number % 8].sessionID }
        for client in clients {
            let document = client.document("<KeepAlive-Request/>", transaction: client.nextTransactionID())
            let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
            let chunks = stride(from: 0, to: document.utf8.count, by: 100).map { start in
                let piece = document.utf8.dropFirst(start).prefix(100)
                return "\(String(piece.count, radix: 16))\r\n\(String(decoding: piece, as: UTF8.self))\r\n"
            }
            let isChunked = document.utf8.count % 2 == 0 || client.cookie.hasSuffix("1")
            try client.connection.send(
                isChunked
                    ? "\(head)Transfer-Encoding: chunked\r\n\r\n\(chunks.joined())0\r\n\r\n"
                    : "\(head)Content-Length: \(document.utf8.count)\r\n\r\n\(document)")
        }
        for client in clients {
            let answer = try client.connection.receive()
            #expect(answer?.text.contains("KeepAlive-Response") == true, "\(answer?.status ?? 0) \(answer?.text ?? "")")
        }
        // Nothing is left over.
        let pools = try third.door.records(of: ["status"]).filter { $0["pool"] != nil }
        #expect(try third.door.pool("request_buffers", "used") <= 0, "\(pools)")
    }

    /// Who was asked, what was granted, and how much reached the service.
    @Test func whatReachedTheServiceIsAccountedFor() throws {
        let third = try ThirdParty()
        try ask(third)
        let alice = try third.client("alice")
        let id = try identifier(alice.logIn())
        #expect(try alice.logIn(answering: [(id, 2)], credentials: password(of: "alice")).code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.test").code == 506)
        #expect(try alice.request("<GetList-Request/>").name == "GetList-Response")
        third.door.stop()
        try third.door.start()
        alice.connection = try third.door.connect()
        #expect(try alice.poll() == nil)
        #expect(try third.door.records(of: ["accounting"]).isEmpty)
        #expect(try alice.logOut().code == 200)
        let record = try #require(third.door.records(of: ["accounting"]).first)
        #expect(record["user"] as? String == "wv:alice@home.test")
        #expect(record["upstream"] as? String == "behind")
        #expect(record["asked"] as? Int == 1)
        #expect(record["level"] as? String == "limited")
        #expect(record["end"] as? String == "logout")
        // Login, list, poll and logout.
        #expect(record["transactions"] as? Int == 4)
        #expect(try third.door.control(["accounting"]).output.contains("Transactions"))
    }

    // MARK: What services do

    private static let faults = [
        ("stall", 504), ("reset", 503), ("truncate", 503), ("other", 503), ("session", 503), ("huge", 503),
        ("nonsense", 503), ("status", 503),
    ]

    @Test(arguments: faults) func aServiceThatFailsIsToldOf(mode: String, code: Int) throws {
        let third = try ThirdParty(options: "\toption timeout '2'\n")
        let alice = try third.client("alice", "1.2")
        try alice.logIn()
        let resident = try third.door.residentBytes()
        try third.set(mode: mode)
        for _ in 0..<2 {
            let reply = try alice.request("<GetList-Request/>")
            #expect(reply.name == "Status" && reply.code == code, "\(reply.root)")
        }
        try third.door.awaitRecord("UPSTREAM-FAIL", "name=behind")
        // A login is told so in its own words.
        let bob = try third.client("bob", "1.2")
        let refused = try mode == "session" ? bob.request("<GetList-Request/>", transaction: "x") : bob.logIn()
        if mode != "session" { #expect(refused.name == "Login-Response" && refused.code == code, "\(refused.root)") }
        #expect(try third.door.residentBytes() < resident + (1 << 20))
        // Three in a row, and it is left alone for a moment.
        #expect(try alice.request("<GetList-Request/>").code == 503)
        try third.set(mode: "pass")
        try wait("the service to be back", seconds: 20) {
            try alice.request("<GetList-Request/>").name == "GetList-Response"
        }
        try third.door.awaitRecord("UPSTREAM-BACK", "name=behind")
        #expect(try alice.poll() == nil)
        #expect(try third.door.pool("request_buffers", "used") == 0)
    }

    /// A service that moves to another address under its name is found there, with the sessions that it has.
    @Test func theAddressOfAServiceMayChange() throws {
        let service = try EngineProcess(["poll_min": "1"], isDoor: true)
        let door = try EngineProcess(["domain": "gateway.test"], users: [], starts: false, isDoor: true)
        let hosts = door.folder.path + "/hosts"
        try "127.0.0.1 behind.test\n".write(toFile: hosts, atomically: false, encoding: .utf8)
        door.sections =
            "config upstream 'behind'\n\toption domain 'home.test'\n\toption url 'http://behind.test:\(service.port)/'\n"
        // The names of the machine are as they are for everybody else.
        try door.start(prefix: ["unshare", "-rm", "sh", "-c", "mount --bind \(hosts) /etc/hosts && exec \"$@\"", "sh"])
        let alice = try door.client("alice")
        #expect(try alice.logIn().code == 200)
        #expect(try alice.request("<GetList-Request/>").name == "GetList-Response")
        let port = service.port
        service.stop()
        try service.set(["listen": "127.0.0.2", "port": "\(port)"])
        try service.start()
        #expect(try alice.request("<GetList-Request/>").code == 503)
        try door.awaitRecord("UPSTREAM-FAIL", "why=unreachable")
        try "127.0.0.2 behind.test\n".write(toFile: hosts, atomically: false, encoding: .utf8)
        try wait("the service at its new address", seconds: 20) {
            try alice.request("<GetList-Request/>").name == "GetList-Response"
        }
        try door.awaitRecord("UPSTREAM-BACK", "name=behind")
    }

    @Test(arguments: ["close", "chunked", "slow"]) func aServiceThatIsOddIsServed(mode: String) throws {
        let third = try ThirdParty()
        try third.set(mode: mode)
        let alice = try third.client("alice")
        let bob = try third.client("bob")
        #expect(try alice.logIn().code == 200)
        #expect(try bob.logIn().code == 200)
        let texts = (0..<20).map { "message \($0)" }
        for text in texts { #expect(try bob.send(text, to: "wv:alice@home.test").code == 200) }
        #expect(try alice.receiveTexts() == texts)
        #expect(third.door.records("UPSTREAM-FAIL").isEmpty)
    }

    /// Its second answer is nobody's, and if it comes to another he is told so: it is never taken for his.
    @Test func whatIsAnsweredTwiceIsAnsweredOnce() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        let bob = try third.client("bob")
        try alice.logIn()
        try bob.logIn()
        try third.set(mode: "twice")
        var accepted: [String] = []
        for number in 0..<40 {
            let reply = try bob.send("message \(number)", to: "wv:alice@home.test")
            #expect([200, 503].contains(reply.code))
            if reply.code == 200 { accepted.append("message \(number)") }
        }
        try third.set(mode: "pass")
        try wait("the service", seconds: 20) { try bob.request("<GetList-Request/>").name == "GetList-Response" }
        let received = try alice.receiveTexts()
        #expect(accepted.count > 0 && Set(accepted).isSubset(of: received), "\(accepted.count)")
        #expect(Set(received).count == received.count)
    }

    @Test func anotherAddressIsTried() throws {
        let third = try ThirdParty(urls: ["http://127.0.0.1:1/", "http://no-such-name.invalid/"])
        let alice = try third.client("alice")
        #expect(try alice.logIn().code == 200)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 200)
        try third.door.awaitRecord("UPSTREAM-FAIL", "127.0.0.1:1/", "unreachable")
        try third.door.awaitRecord("UPSTREAM-FAIL", "no-such-name", "unreachable")
    }

    @Test func aServiceThatIsAwayComesBack() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        try alice.logIn()
        try third.service.set(["port": "\(third.service.port)"])
        third.service.kill()
        let refused = try alice.request("<GetList-Request/>")
        #expect(refused.code == 503, "\(refused.root)")
        try third.service.start()
        try wait("the service", seconds: 20) { try alice.request("<GetList-Request/>").name == "GetList-Response" }
    }

    /// A session that the service does not know any more is over here too.
    @Test func aSessionThatEndsThereEndsHere() throws {
        let third = try ThirdParty()
        let alice = try third.client("alice")
        try alice.logIn()
        try third.service.mustControl(["user", "del", "alice"])
        #expect(try alice.request("<GetList-Request/>").code == 604)
        #expect(try third.door.records(of: ["sessions"]).isEmpty)
    }

    // MARK: Syntaxes and versions

    /// WBXML on the air, XML behind, and the other way round.
    @Test(arguments: ["1.1", "1.2", "1.3"], ["xml", "wbxml"]) func syntaxesAreTranslated(
        version: String, behind: String
    )
        throws
    {
        let third = try ThirdParty(options: "\toption syntax '\(behind)'\n")
        for syntax in ["xml", "wbxml"] {
            let alice = try third.client("alice", version)
            let bob = try third.client("bob", version)
            (alice.syntax, bob.syntax) = (syntax, syntax)
            #expect(try alice.logIn().code == 200)
            #expect(try bob.logIn().code == 200)
            #expect(try bob.send("gr\u{FC}n & <rot>", to: "wv:alice@home.test").code == 200)
            #expect(try alice.receiveTexts() == ["gr\u{FC}n & <rot>"])
            try alice.logOut()
            try bob.logOut()
        }
    }

    @Test func theConfigurationIsRead() throws {
        let third = try ThirdParty(starts: false)
        for (line, words) in [
            ("\toption syntax 'json'\n", "xml or wbxml"), ("\toption poll '0'\n", "1 to 3600 seconds"),
            ("\toption urk 'x'\n", "did you mean url"), ("\toption version '2.0'\n", "1.1, 1.2 or 1.3"),
        ] {
            let sections = third.door.sections
            third.door.sections = sections + line
            let ending = try run("impsd", ["--config", third.door.configuration, "--check"])
            #expect(ending.code != 0 && (ending.errors + ending.output).contains(words), "\(ending)")
            third.door.sections = sections
        }
    }
}
