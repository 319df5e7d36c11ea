import Foundation
import Harness
import Testing

/// What a person in front of client A sees. Each test is named after its rule in protocol/clients.md.
@Suite struct HandsetTests {
    private static let syntaxes = ["xml", "wbxml"]
    private static let terms = [
        "--text", "Messages cost 0.10 each. Do you accept?", "--required", "--blocking", "--option", "1|Accept|full",
        "--option", "2|Presence only|limited:FundamentalFeat,PresenceFeat", "--option", "3|Decline|deny",
    ]
    private let system = "wv:system@home.test"

    private func add(_ engine: EngineProcess, _ name: String, _ fields: [String]) throws {
        let ending = try engine.control(["sysmsg", "add", name] + fields)
        try #require(ending.code == 0, "\(ending.errors)")
    }

    /// Somebody else, who writes.
    private func bob(_ engine: EngineProcess) throws -> Client {
        let bob = try engine.client("bob")
        try bob.logIn()
        return bob
    }

    private func texts(_ handset: Handset) -> [String] { handset.seen.map(\.text) }

    // MARK: Login

    @Test(arguments: versions, HandsetTests.syntaxes) func cl2MessagesAreShownAfterTheListsAreLoaded(
        version: String, syntax: String
    ) throws {
        let engine = try EngineProcess()
        let bob = try bob(engine)
        #expect(try bob.send("while you were away", to: "wv:alice@home.test").code == 200)
        let alice = try Handset(engine, "alice", version, syntax: syntax)
        #expect(try alice.logIn())
        #expect(try bob.send("now", to: "wv:alice@home.test").code == 200)
        try alice.live(until: "both") { texts(alice) == ["while you were away", "now"] }
        #expect(alice.seen.allSatisfy { $0.sender == "wv:bob@home.test" })
        // Lists are read whatever was agreed.
        let other = try engine.client("alice", version)
        try other.logIn()
        try other.negotiateServices("<FundamentalFeat/>")
        #expect(try other.request("<GetList-Request/>").name == "GetList-Response")
    }

    @Test(arguments: versions, HandsetTests.syntaxes) func cl4TheOwnPresenceIsThere(version: String, syntax: String)
        throws
    {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", version, syntax: syntax)
        #expect(try alice.logIn())
        #expect(alice.crash == nil)
        for name in ["wv:alice@home.test", "ALICE"] {
            let own = try alice.answer(
                "<GetPresence-Request><User><UserID>\(name)</UserID></User></GetPresence-Request>")
            #expect(own.primitive?.childNames == ["Result", "Presence"])
            #expect(own.primitive?["Presence"]?.childNames == ["UserID", "PresenceSubList"])
            #expect(own.primitive?["Presence/UserID"]?.text == "wv:alice@home.test")
        }
        // Of whom nothing may be seen there is a Presence all the same.
        let other = try alice.answer("<GetPresence-Request><User><UserID>bob</UserID></User></GetPresence-Request>")
        #expect(other.primitive?["Presence/PresenceSubList/OnlineStatus/Qualifier"]?.text == "F")
        #expect(other.primitive?["Presence/PresenceSubList"]?.childNames == ["OnlineStatus"])
        for content in ["<User><UserID>nobody</UserID></User>", ""] {
            #expect(try alice.answer("<GetPresence-Request>\(content)</GetPresence-Request>").name == "Status")
        }
    }

    @Test(arguments: versions) func cl5WhatAClientSaysOfItselfIsTaken(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let foreign = "<VendorMood xmlns=\"urn:vendor\"><X>1</X></VendorMood>"
        let list = "<PresenceSubList><ClientInfo><Qualifier>T</Qualifier></ClientInfo>\(foreign)</PresenceSubList>"
        #expect(try alice.request("<UpdatePresence-Request>\(list)</UpdatePresence-Request>").code == 200)
        #expect(try alice.request("<UpdatePresence-Request/>").code == 402)
    }

    @Test(arguments: versions) func cl6NobodyIsBlocked(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let list = try alice.request("<GetBlockedList-Request/>")
        #expect(list.name == "GetBlockedList-Response")
        #expect(list.primitive?["BlockList/EntityList/UserID"] == nil)
        #expect((list.primitive?["BlockList/InUse"] ?? list.primitive?["BlockListInUse"])?.text == "F")
    }

    /// 1.3 has withdrawn the element, and its token; the client has not.
    @Test func cl9WithdrawnTokensAreRead() throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", "1.3", syntax: "wbxml")
        #expect(try alice.logIn())
        // Larger than what a client takes that says nothing.
        let text = String(repeating: "x", count: 32_768)
        #expect(try bob(engine).send(text, to: "wv:alice@home.test").code == 200)
        try alice.live(until: "the message") { texts(alice) == [text] }
        #expect(alice.ignored == [])
    }

    // MARK: Messages

    struct Setup: CustomStringConvertible, Sendable {
        var version: String
        var syntax: String
        var way: Handset.Way
        var isKnown: Bool
        var description: String { "\(version) \(syntax) \(way) \(isKnown ? "known" : "unknown")" }
    }

    static let setups = versions.flatMap { version in
        syntaxes.flatMap { syntax in
            Handset.Way.allCases.flatMap { way in
                [true, false].map { Setup(version: version, syntax: syntax, way: way, isKnown: $0) }
            }
        }
    }

    /// A picture, which it cannot show, and a System Message: it answers neither.
    @Test(arguments: setups) func cl10WhatIsNotAnsweredHoldsNothingUp(_ setup: Setup) throws {
        let engine = try EngineProcess(["guard_s": "2"])
        let bob = try bob(engine)
        let alice = try Handset(
            engine, "alice", setup.version, syntax: setup.syntax, way: setup.way,
            agent: setup.isKnown ? "Android-Imps/0.1" : nil, interval: 0.3)
        #expect(try alice.logIn())
        let hasURL = setup.version == "1.3" || setup.version == "1.2" && (setup.syntax == "xml" || setup.isKnown)
        // In 1.1 it finds the agreed list only where the server knows it.
        let hasList = setup.version != "1.1" || setup.isKnown
        #expect(alice.isCalled == (hasList && (setup.way == .stcp || setup.way == .shttp && hasURL)))
        try alice.live(seconds: 0.6)
        let picture = bob.sendContent("iVBORw0KGgo=", to: ["wv:alice@home.test"], type: "image/png")
            .replacing("<ContentSize>", with: "<ContentEncoding>BASE64</ContentEncoding><ContentSize>")
        #expect(try bob.request(picture).code == 200)
        try alice.live(until: "the notification") { alice.ignored == ["MessageNotification"] }
        for (number, ignored) in ["first", "second", "third"].enumerated() {
            if number == 1 { try add(engine, "news", ["--kind", "online", "--text", "News."]) }
            #expect(try bob.send(ignored, to: "wv:alice@home.test").code == 200)
            let start = Date()
            // Once it has left something unanswered, it waits for nothing any more, and not for the time of the guard.
            try alice.live(until: ignored, seconds: 6) { texts(alice).contains(ignored) }
            let limit = (number == 0 ? 2.0 : 0) + 1.9
            #expect(Date().timeIntervalSince(start) < limit * Programs.slowness, "\(ignored)")
        }
        // Its user sees the System Message too, at the latest after one guard time.
        try alice.live(until: "the news") { alice.seen.contains { $0.sender == system && $0.text == "News." } }
        #expect(texts(alice).filter { ["first", "second", "third"].contains($0) } == ["first", "second", "third"])
    }

    @Test(arguments: HandsetTests.syntaxes) func cl11AMessageOfTheSystemWithoutStatusComesAsAMessage(syntax: String)
        throws
    {
        let engine = try EngineProcess(["guard_s": "1"])
        let alice = try Handset(engine, "alice", "1.3", syntax: syntax, agent: "Another/1.0", interval: 0.3)
        #expect(try alice.logIn())
        try add(
            engine, "one", ["--kind", "online", "--text", "One?", "--option", "1|Yes|full", "--option", "2|No|full"])
        try alice.live(until: "the first one") { texts(alice) == ["One?\n1 Yes\n2 No"] }
        #expect(alice.ignored == ["SystemMessage-Request"])
        #expect(try alice.send("2", to: system) == 200)
        #expect(try engine.records(of: ["sysmsg", "results", "one"]).first?["option"] as? Int == 2)
        // From now on it is asked so.
        try add(engine, "two", ["--kind", "online", "--text", "Two."])
        try alice.live(until: "the second one") { texts(alice).contains("Two.") }
        #expect(alice.ignored == ["SystemMessage-Request"])
        // A client that says that it does not know it is asked at once.
        let carol = try engine.client("bob", "1.3")
        try carol.logIn()
        let request = try #require(try carol.receiveAllUntil("SystemMessage-Request"))
        let next = try carol.respond(to: request, "<Status><Result><Code>501</Code></Result></Status>")
        #expect(next?.name == "NewMessage")
        #expect(next?.transactionID != request.transactionID)
        let shown = try engine.records(of: ["sysmsg", "results", "one"]).first {
            $0["user"] as? String == "wv:bob@home.test"
        }
        #expect(shown?["state"] as? String == "sent")
    }

    @Test(arguments: versions) func cl12EveryTextIsShown(version: String) throws {
        let engine = try EngineProcess()
        let bob = try bob(engine)
        let alice = try Handset(engine, "alice", version)
        #expect(try alice.logIn())
        for type in ["text/html; charset=utf-8", "TEXT/X-vCard", "text/plain"] {
            #expect(try bob.request(bob.sendContent(type, to: ["wv:alice@home.test"], type: type)).code == 200)
        }
        try alice.live(until: "all of them") {
            texts(alice) == ["text/html; charset=utf-8", "TEXT/X-vCard", "text/plain"]
        }
        #expect(alice.ignored == [])
    }

    /// A poll while the window is full would bring nothing.
    @Test(arguments: versions) func cl13SixtyMessagesTakeSixtyOneRequests(version: String) throws {
        let engine = try EngineProcess(["offline_max_msgs": "1000"])
        let bob = try bob(engine)
        let sent = (0..<60).map { "message \($0)" }
        for text in sent { #expect(try bob.send(text, to: "wv:alice@home.test").code == 200) }
        let alice = try Handset(engine, "alice", version)
        #expect(try alice.logIn())
        // The login itself asks for some already.
        let login = 7
        try alice.live(until: "all of them") { texts(alice) == sent }
        let count = alice.client.requestCount - login
        print("handset: 60 messages in \(count) requests beside the login")
        #expect((60...63).contains(count), "\(count)")
    }

    @Test(arguments: versions) func cl14CharactersInHalvesAreWhole(version: String) throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", version, syntax: "wbxml")
        let bob = try engine.client("bob", version)
        try bob.logIn()
        #expect(try alice.logIn())
        #expect(try alice.send("😀 grüße 𝄞", to: "wv:bob@home.test") == 200)
        #expect(try bob.receiveTexts() == ["😀 grüße 𝄞"])
    }

    @Test(arguments: versions) func cl15TextsThatAreTokensArriveAsTheyWereWritten(version: String) throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", version, syntax: "wbxml")
        let bob = try engine.client("bob", version)
        try bob.logIn()
        #expect(try alice.logIn())
        for text in ["AP", "DENIED", "History", "IM", "T", "GRANTED", "200"] {
            #expect(try alice.send(text, to: "wv:bob@home.test") == 200)
            #expect(try bob.receiveTexts() == [text])
        }
    }

    @Test(arguments: versions) func cl16TheLargestContentIsTakenWithEveryCharacterEscaped(version: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", version)
        bob.syntax = "xml"
        try bob.logIn()
        let alice = try Handset(engine, "alice", version, syntax: "xml")
        #expect(try alice.logIn())
        let largest = String(repeating: "\"<&>", count: 8192)
        #expect(try bob.send(largest, to: "wv:alice@home.test").code == 200)
        try alice.live(until: "the largest") { texts(alice) == [largest] }
        // What is larger is refused by name, however large it is.
        for count in [32_769, 60_000, 250_000, 900_000] {
            bob.connection = try engine.connect()
            let reply = try bob.send(String(repeating: "x", count: count), to: "wv:alice@home.test")
            #expect(reply.code == 402, "\(count)")
            #expect(reply.primitive?["Result/Description"]?.text.contains("larger than this server takes") == true)
        }
        bob.connection = try engine.connect()
        #expect(try bob.send("and on", to: "wv:alice@home.test").code == 200)
        try alice.live(until: "what follows") { texts(alice) == [largest, "and on"] }
    }

    @Test func cl18TheURLOfItsCallsIsSpelledOut() throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", "1.2", syntax: "wbxml", way: .shttp, interval: 0.2)
        #expect(try alice.logIn())
        #expect(alice.isCalled)
        #expect(try bob(engine).send("called", to: "wv:alice@home.test").code == 200)
        try alice.live(until: "the message", seconds: 2) { texts(alice) == ["called"] }
        let other = try Handset(engine, "alice", "1.2", syntax: "wbxml", way: .shttp, agent: "Other/1")
        #expect(try other.logIn())
        #expect(!other.isCalled)
    }

    // MARK: Questions before the door

    /// It shows the words of the refusal and stops, with a new cookie each time.
    @Test(arguments: HandsetTests.syntaxes, [nil, "Other/1.0", "Android-Imps/0.1"])
    func cl20AQuestionIsAnsweredByAMessage(
        syntax: String, agent: String?
    ) throws {
        let engine = try EngineProcess()
        try add(engine, "terms", HandsetTests.terms)
        let bob = try engine.client("bob", "1.2")
        let alice = try Handset(engine, "alice", "1.3", syntax: syntax, agent: agent, interval: 0.2)
        let isKnown = agent == "Android-Imps/0.1"
        for _ in 0..<(isKnown ? 0 : 2) {
            #expect(try !alice.logIn())
            #expect(alice.complaint == "403 Messages cost 0.10 each. Do you accept?")
        }
        // What was seen is kept over a restart.
        try engine.restart()
        let again = try Handset(engine, "alice", "1.3", syntax: syntax, agent: agent, interval: 0.2)
        #expect(try again.logIn())
        try again.live(until: "the question") { again.seen.first?.text.hasPrefix("Messages cost") == true }
        #expect(again.seen.first?.sender == system)
        #expect(try again.send("no", to: "wv:bob@home.test") == 403)
        #expect(try again.send("1", to: system) == 200)
        bob.connection = try engine.connect()
        try bob.logIn()
        #expect(try bob.send("1", to: system).code == 200)
        #expect(try again.send("yes", to: "wv:bob@home.test") == 200)
        _ = try again.answer("<Logout-Request/>")
        // The next question comes at once.
        try add(engine, "more", HandsetTests.terms)
        let next = try Handset(engine, "alice", "1.3", syntax: syntax, agent: agent, interval: 0.2)
        #expect(try next.logIn())
        try next.live(until: "the next question") { next.seen.first?.text.hasPrefix("Messages cost") == true }
        // And the operator sees why.
        let session = try #require(
            try engine.records(of: ["sessions"]).first { $0["user"] as? String == "wv:alice@home.test" })
        #expect(session["system_messages"] as? String == "no")
        if !isKnown {
            let known = try #require(try engine.records(of: ["user", "show", "alice"]).last)
            #expect(known["system_messages"] as? String == "no")
            #expect(known["client"] as? String == agent ?? "")
            #expect(try engine.control(["user", "forget", "alice"]).code == 0)
            #expect(try engine.records(of: ["user", "show", "alice"]).count == 1)
        }
    }

    /// Somebody who waits a day is not taken for a client that cannot answer; another client of his is another one.
    @Test func cl20AnotherClientIsAskedAsItShould() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", HandsetTests.terms)
        let alice = try Handset(engine, "alice", "1.3", agent: "Other/1.0")
        for _ in 0..<2 { #expect(try !alice.logIn()) }
        let other = try engine.client("alice", "1.3")
        let asked = try other.logIn()
        #expect(asked.code == 403)
        let id = try #require(asked.systemMessages.first?["SystemMessageID"]?.text)
        #expect(try other.logIn(answering: [(id, 1)]).code == 200)
        // Who was only thought not to know gets the question with the login too, and is asked so again when he answers.
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        let third = try engine.client("alice", "1.3")
        third.userAgent = "Other/1.0"
        third.clientID = alice.client.clientID
        let both = try third.logIn()
        #expect(both.code == 200)
        let second = try #require(both.systemMessages.first?["SystemMessageID"]?.text)
        #expect(try third.answer([(second, 1)]).code == 200)
        #expect(try third.send("yes", to: "wv:bob@home.test").code == 200)
        try third.logOut()
        #expect(try engine.control(["sysmsg", "renew", "terms"]).code == 0)
        for _ in 0..<4 { #expect(try third.logIn().code == 403) }
    }

    /// A repeat of the same request is no second attempt.
    @Test func cl20ARepeatIsNoSecondAttempt() throws {
        let engine = try EngineProcess()
        try add(engine, "terms", HandsetTests.terms)
        let alice = try engine.client("alice", "1.3")
        let content = alice.loginContent("<Password>\(alice.password)</Password>")
        for _ in 0..<5 { #expect(try alice.request(content, transaction: "same").code == 403) }
    }

    @Test func cl21WhoDoesNotUnderstandIsNotPrompted() throws {
        let engine = try EngineProcess(["sysmsg_waiting": "prompt"])
        let bob = try bob(engine)
        #expect(try bob.send("waiting", to: "wv:alice@home.test").code == 200)
        let alice = try Handset(engine, "alice", "1.3", agent: "Other/1.0", interval: 0.2)
        for _ in 0..<2 { #expect(try !alice.logIn()) }
        #expect(try alice.logIn())
        try alice.live(until: "the message") { texts(alice) == ["waiting"] }
        let known = try Handset(engine, "bob", "1.3", interval: 0.2)
        #expect(try engine.client("alice").logIn().code == 200)
        #expect(try alice.send("for bob", to: "wv:bob@home.test") == 200)
        try bob.logOut()
        #expect(try known.logIn())
    }

    @Test(arguments: versions) func cl22ThreeLoginsBringNoHelp(version: String) throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", version, interval: 0.1)
        for _ in 0..<3 {
            #expect(try alice.logIn())
            // What else it asks for by itself, and is refused.
            for request in [
                "<SubscribePresence-Request><ContactList>a</ContactList></SubscribePresence-Request>",
                "<ListManage-Request><ContactList>a</ContactList><ReceiveList>T</ReceiveList></ListManage-Request>",
            ] {
                for _ in 0..<2 { _ = try alice.answer(request) }
            }
            try alice.live(seconds: 0.5)
            _ = try alice.answer("<Logout-Request/>")
        }
        #expect(alice.seen == [])
        #expect(alice.ignored == [])
        // What its user does wrong does.
        #expect(try alice.logIn())
        for _ in 0..<3 { #expect(try alice.send("x", to: "wv:nobody@home.test") == 531) }
        try alice.live(until: "help") { texts(alice).first?.contains("no such user") == true }
    }

    @Test(arguments: ["1.1", "1.2"]) func cl23TheWordsOfADenialAreShown(version: String) throws {
        let engine = try EngineProcess()
        try add(engine, "terms", HandsetTests.terms + ["--legacy", "deny"])
        let alice = try Handset(engine, "alice", version)
        #expect(try !alice.logIn())
        #expect(alice.complaint == "403 Messages cost 0.10 each. Do you accept?")
    }

    // MARK: People

    /// The whole login of A, with lists that it made: nothing of it is refused, and its lists are there again.
    @Test(arguments: versions, HandsetTests.syntaxes) func cl1TheWholeLoginIsServed(version: String, syntax: String)
        throws
    {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let alice = try Handset(engine, "alice", version, syntax: syntax)
        #expect(try alice.logIn())
        #expect(alice.refusals == [])
        #expect(try alice.createList("Friends", with: ["bob"]) == 200)
        #expect(try alice.createList("Work", with: ["carol"]) == 200)
        #expect(try alice.add("carol", to: "Friends") == 200)
        try alice.client.logOut()
        try engine.restart()
        alice.client.connection = try engine.connect()
        #expect(try alice.logIn())
        #expect(alice.refusals == [])
        #expect(alice.crash == nil)
        // The default list, the last that said so, is not told twice.
        #expect(
            alice.lists == [
                "wv:alice/Friends@home.test": ["wv:bob@home.test", "wv:carol@home.test"],
                "wv:alice/Work@home.test": ["wv:carol@home.test"],
            ])
        #expect(try alice.createList("friends", with: []) == 701)
    }

    /// An error of one list is one of that list: the others are read and watched.
    @Test(arguments: versions) func cl3AnErrorOfOneListIsOneOfThatList(version: String) throws {
        let engine = try EngineProcess()
        let alice = try Handset(engine, "alice", version)
        #expect(try alice.logIn())
        #expect(try alice.createList("l", with: ["bob"]) == 200)
        try alice.loadList("wv:alice/none@home.test")
        #expect(alice.refusals == ["ListManage 700", "SubscribePresence 700"])
        #expect(try alice.add("bob", to: "l") == 200)
        #expect(try alice.send("hello", to: "wv:bob@home.test") == 200)
    }

    /// A question that is asked by a message is answered, and then contacts are seen: A does not subscribe again.
    @Test(arguments: versions) func cl8ContactsAreSeenWhenTheQuestionIsAnswered(version: String) throws {
        let engine = try EngineProcess()
        let bob = try Handset(engine, "bob", version)
        #expect(try bob.logIn())
        bob.accepts = true
        let alice = try Handset(engine, "alice", version)
        #expect(try alice.logIn())
        #expect(try alice.createList("l", with: ["bob"]) == 200)
        try bob.live(until: "the question") { bob.asked == ["wv:alice@home.test"] }
        try alice.live(until: "bob") { alice.buddies["wv:bob@home.test"] == Handset.Buddy(true) }
        try alice.client.logOut()
        let added = try engine.control([
            "sysmsg", "add", "terms", "--kind", "login", "--text", "Terms?", "--option", "1|Yes|full", "--option",
            "2|No|deny", "--required", "--blocking", "--audience", "user:alice", "--legacy", "limited",
        ])
        #expect(added.code == 0)
        // A 1.3 that does not answer is known after two logins.
        var isIn = try alice.logIn()
        for _ in 0..<2 where !isIn { isIn = try alice.logIn() }
        #expect(isIn)
        #expect(alice.refusals == [])
        try alice.live(until: "the question") { alice.seen.contains { $0.text.hasPrefix("Terms?") } }
        #expect(alice.buddies.isEmpty)
        #expect(try alice.send("1", to: "wv:system@home.test") == 200)
        try alice.live(until: "bob") { alice.buddies["wv:bob@home.test"] == Handset.Buddy(true) }
    }

    /// The story of the use cases: A has B on the list and sees B offline, writes, B logs in, reads and answers; both see
    /// each other; then blocked, without permission, expired, full.
    @Test(arguments: versions) func p17TwoPeopleMeet(version: String) throws {
        let engine = try EngineProcess(["offline_max_msgs": "3"])
        let alice = try Handset(engine, "alice", version)
        let bob = try Handset(engine, "bob", version)
        alice.accepts = true
        bob.accepts = true
        #expect(try alice.logIn())
        #expect(try alice.createList("Friends", with: ["bob"]) == 200)
        try alice.live(until: "bob, who is not there") { alice.buddies["wv:bob@home.test"] == Handset.Buddy(false) }
        #expect(try alice.send("are you there?", to: "wv:bob@home.test") == 200)
        // Bob comes: he hears who added him, is asked, and reads.
        #expect(try bob.logIn())
        try bob.live(until: "the message") { bob.seen.contains { $0.text == "are you there?" } }
        try bob.live(until: "the question") { bob.asked == ["wv:alice@home.test"] }
        if version != "1.3" {
            try bob.live(until: "the notice") {
                bob.seen.contains { $0.text.hasPrefix("wv:alice@home.test added you to a contact list.") }
            }
        }
        try alice.live(until: "bob") { alice.buddies["wv:bob@home.test"]?.isOnline == true }
        #expect(try bob.update("NOT_AVAILABLE", "at lunch") == 200)
        try alice.live(until: "his status") {
            alice.buddies["wv:bob@home.test"] == Handset.Buddy(true, "NOT_AVAILABLE", "at lunch")
        }
        #expect(try bob.send("yes", to: "wv:alice@home.test") == 200)
        #expect(try bob.createList("Friends", with: ["alice"]) == 200)
        try alice.live(until: "his answer") { alice.seen.last?.text == "yes" }
        try bob.live(until: "alice") { bob.buddies["wv:alice@home.test"]?.isOnline == true }
        // Blocked.
        #expect(try bob.block("alice") == 200)
        #expect(try alice.send("hello?", to: "wv:bob@home.test") == 532)
        try alice.live(until: "nothing of bob") { alice.buddies["wv:bob@home.test"] == Handset.Buddy(false) }
        #expect(try bob.block("alice", false) == 200)
        try alice.live(until: "bob again") { alice.buddies["wv:bob@home.test"]?.isOnline == true }
        // Without permission.
        try bob.answer("<CancelAuth-Request><UserID>wv:alice@home.test</UserID></CancelAuth-Request>")
        try alice.live(until: "nothing of bob") { alice.buddies["wv:bob@home.test"] == Handset.Buddy(false) }
        // Gone, full, expired.
        try bob.client.logOut()
        for text in ["1", "2", "3"] { #expect(try alice.send(text, to: "wv:bob@home.test") == 200) }
        #expect(try alice.send("4", to: "wv:bob@home.test") == 507)
        #expect(try bob.logIn())
        try bob.live(until: "three messages") {
            bob.seen.filter { $0.sender == "wv:alice@home.test" }.suffix(3).map(\.text) == ["1", "2", "3"]
        }
        try bob.client.logOut()
        let short = alice.client.sendContent("too late", to: ["wv:bob@home.test"]).replacing(
            "</MessageInfo>", with: "<Validity>1</Validity></MessageInfo>")
        #expect(try alice.answer(short).code == 200)
        try alice.live(seconds: 2.5)
        #expect(try bob.logIn())
        try bob.live(seconds: 1.5)
        #expect(!bob.seen.contains { $0.text == "too late" })
    }
}
