import Testing

/// What goes to whom, and what goes when it was confirmed.
@Suite struct DeliveryTests {
    @Test func whatWasConfirmedIsGone() {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice", cookie: "a")
        let bob = Phone(world, "bob", cookie: "b")
        alice.logIn()
        bob.logIn()
        for number in 1...3 { alice.say(send("\(number)", to: "bob", report: true)) }
        #expect(world.count("M") == 3 && world.count("Q") == 4)
        for number in 1...3 { #expect(bob.receive() == "\(number)") }
        #expect(bob.poll() == nil)
        // The reports are left.
        #expect(world.count("M") == 3)
        for _ in 1...3 {
            let report = alice.delivery()
            #expect(report.contains("<DeliveryReport-Request>") && field("Code", report) == "200")
            alice.close(report)
        }
        #expect(world.count("M") == 0 && world.count("Q") == 0)
        Phone(world, "bob", cookie: "new").logIn()
        #expect(bob.poll() == nil)
    }

    @Test func whatOneDeviceConfirmsOthersGetThatWereThere() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let first = world.phone("bob", cookie: "first")
        let second = world.phone("bob", cookie: "second")
        #expect(first.poll() == nil && second.poll() == nil)
        alice.say(send("hello", to: "bob"))
        #expect(first.receive() == "hello")
        let late = Phone(world, "bob", cookie: "late")
        late.logIn()
        #expect(late.poll() == nil)
        #expect(world.count("M") == 1)
        #expect(second.receive() == "hello")
        #expect(world.count("M") == 0)
    }

    @Test func whoGoesIsNotWaitedFor() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let first = world.phone("bob", cookie: "first")
        let second = world.phone("bob", cookie: "second")
        #expect(first.poll() == nil && second.poll() == nil)
        alice.say(send("hello", to: "bob"))
        #expect(first.receive() == "hello")
        second.say("<Logout-Request/>")
        #expect(world.count("M") == 0 && world.count("Q") == 0)
    }

    /// One open transaction, or as many as the client keeps; the next one comes with an answer, or after the guard time.
    @Test(arguments: [1, 2, 3])
    func theWindowIsAsLargeAsTheClientSays(multiTrans: Int) {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        let bob = Phone(world, "bob")
        alice.logIn()
        bob.logIn()
        bob.say(
            "<ClientCapability-Request><CapabilityList><MultiTrans>\(multiTrans)</MultiTrans></CapabilityList></ClientCapability-Request>"
        )
        for number in 1...4 { alice.say(send("\(number)", to: "bob")) }
        var open: [String] = []
        while case let delivery = bob.delivery(), !delivery.isEmpty { open.append(delivery) }
        #expect(open.count == multiTrans)
        bob.close(open[0])
        #expect(bob.poll() == "\(multiTrans + 1)")
        #expect(bob.poll() == nil)
    }

    @Test func whatIsRejectedOrPassedOnIsToldToItsSender() throws {
        let world = World(users: ["alice", "bob", "carol"])
        let alice = Phone(world, "alice", cookie: "a")
        let bob = Phone(world, "bob", cookie: "b")
        alice.logIn()
        bob.logIn()
        for code in ["538", "541"] {
            alice.say(send("hello", to: "bob", report: true))
            let id = try #require(field("MessageID", bob.say("<GetMessageList-Request/>")))
            let recipient = "<Recipient><User><UserID>carol</UserID></User></Recipient>"
            let content =
                code == "538"
                ? "<RejectMessage-Request><MessageID>\(id)</MessageID></RejectMessage-Request>"
                : "<ForwardMessage-Request><MessageID>\(id)</MessageID>\(recipient)</ForwardMessage-Request>"
            #expect(field("Code", bob.say(content)) == "200")
            let report = alice.delivery()
            #expect(field("Code", report) == code)
            alice.close(report)
        }
        let carol = Phone(world, "carol")
        carol.logIn()
        #expect(carol.receive() == "hello" && carol.poll() == nil)
        #expect(world.count("M") == 0)
    }

    /// Before the answer there is nobody: no session, no message, and nothing of what waited is lost.
    @Test(arguments: ["1.2", "1.3"])
    func nobodyIsThereBeforeHeAnswers(version: String) throws {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        alice.logIn()
        alice.say(send("before", to: "bob"))
        _ = world.control(
            "sysmsg add terms kind=login required=1 blocking=1 text=terms option=1|yes|full option=2|no|deny")
        let bob = Phone(world, "bob", version: version)
        let asked = bob.logIn()
        if version == "1.3" {
            #expect(field("Code", asked) == "403" && world.sessionCount == 1)
            let id = try #require(field("SystemMessageID", asked))
            #expect(field("Code", bob.logIn(extra: Phone.answer(id, 1))) == "200")
        } else {
            // An old client gets the question as a message, and nothing else.
            alice.say(send("while", to: "bob"))
            let question = bob.delivery()
            #expect(field("ContentData", question)?.hasPrefix("terms") == true)
            bob.close(question)
            #expect(bob.poll() == nil)
            #expect(bob.say("<GetMessageList-Request/>").contains("<Code>403</Code>"))
            #expect(field("Code", bob.say(send("x", to: "alice"))) == "403")
            bob.say(send("1", to: "wv:system@home.test"))
        }
        var received: [String] = []
        while let text = bob.receive() { received.append(text) }
        #expect(received.filter { $0 == "before" || $0 == "while" }.count == (version == "1.3" ? 1 : 2))
        #expect(world.count("M") == 0)
    }

    /// What is held back from a session is not looked at with each of its polls, and comes when it may.
    @Test func whatIsHeldBackComesWhenItMay() throws {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        let bob = Phone(world, "bob", version: "1.3")
        alice.logIn()
        for number in 1...3 { alice.say(send("\(number)", to: "bob")) }
        bob.logIn()
        _ = world.control(
            "sysmsg add ask kind=online required=1 blocking=1 text=x option=1|yes|full option=2|less|limited:GETLM")
        let asked = bob.delivery()
        let id = try #require(field("SystemMessageID", asked))
        #expect(bob.poll() == nil && bob.poll() == nil)
        bob.say("<SystemMessage-User>\(Phone.answer(id, 1))</SystemMessage-User>")
        for number in 1...3 { #expect(bob.receive() == "\(number)") }
    }

    @Test func aLevelWithoutMessagesGetsNone() throws {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        let bob = Phone(world, "bob")
        alice.logIn()
        _ = world.control(
            "sysmsg add level kind=login required=1 text=x option=1|less|limited:GETSPI option=2|all|full")
        _ = world.control("sysmsg answer level bob 1")
        alice.say(send("hello", to: "bob"))
        bob.logIn()
        var texts: [String] = []
        while let text = bob.receive() { texts.append(text) }
        #expect(!texts.contains("hello"))
        _ = world.control("sysmsg answer level bob 2")
        while let text = bob.receive() { texts.append(text) }
        #expect(texts.contains("hello"))
    }
}
