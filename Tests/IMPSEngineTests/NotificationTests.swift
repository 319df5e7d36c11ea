import Testing

/// Sessions that want to hear when somebody puts their user on a contact list. Source: protocol/system-message.md §6.5.
@Suite struct NotificationTests {
    private static func types(_ types: String...) -> String {
        let list = types.map { "<NotificationType>\($0)</NotificationType>" }.joined()
        return "<NotificationTypeList>\(list)</NotificationTypeList>"
    }

    private static func subscribe(_ types: String) -> String {
        "<SubscribeNotification-Request>\(types)</SubscribeNotification-Request>"
    }

    private static let unsubscribe =
        "<UnsubscribeNotification-Request>\(types("ATCL"))</UnsubscribeNotification-Request>"

    /// A world in which alice has the others on a list already, so that she is not told by a System Message too.
    private func world(_ users: [String]) -> World {
        let world = World(users: users)
        for user in users.dropFirst() { #expect(world.control("contacts add alice known \(user)").hasPrefix("ok")) }
        return world
    }

    private func alice(_ world: World, cookie: String = "c") -> Phone {
        let phone = Phone(world, "alice", version: "1.3", cookie: cookie)
        phone.logIn()
        return phone
    }

    private func add(_ user: String, by owner: String, _ world: World) {
        world.phone(owner).say(PeopleTests.create(owner, "l", [user]))
    }

    @Test func whoSubscribesIsNotifiedOncePerPair() {
        let world = world(["alice", "bob", "carol"])
        let alice = self.alice(world)
        add("alice", by: "bob", world)
        #expect(alice.delivery() == "")
        #expect(field("Code", alice.say(Self.subscribe(Self.types("ATCL")))) == "200")
        #expect(field("Code", alice.say(Self.subscribe(Self.types("ATCL")))) == "200")
        add("alice", by: "carol", world)
        world.crash()
        let notification = alice.delivery()
        #expect(field("NotificationType", notification) == "ATCL")
        #expect(field("UserID", notification) == "wv:carol@home.test")
        // Asked again before it was answered, it is the same; then it is done with.
        alice.close(notification)
        #expect(alice.delivery() == "")
        world.phone("carol").say("<DeleteList-Request>\(PeopleTests.list("carol", "l"))</DeleteList-Request>")
        add("alice", by: "carol", world)
        #expect(alice.delivery() == "")
    }

    @Test func onlySessionsThatSubscribeAreNotified() {
        let world = world(["alice", "bob", "carol", "dave"])
        let phone = alice(world)
        let desk = alice(world, cookie: "d")
        #expect(field("Code", phone.say(Self.subscribe(Self.types("ATCL")))) == "200")
        add("alice", by: "bob", world)
        #expect(desk.delivery() == "")
        // What nobody took any more is gone with the subscription, and with the session.
        #expect(field("Code", phone.say(Self.unsubscribe)) == "200")
        #expect(field("Code", phone.say(Self.unsubscribe)) == "200")
        #expect(phone.delivery() == "")
        #expect(field("Code", phone.say(Self.subscribe(Self.types("ATCL")))) == "200")
        add("alice", by: "carol", world)
        phone.say("<Logout-Request/>")
        #expect(field("Code", desk.say(Self.subscribe(Self.types("ATCL")))) == "200")
        #expect(desk.delivery() == "")
        add("alice", by: "dave", world)
        #expect(world.control("user del dave").hasPrefix("ok"))
        #expect(desk.delivery() == "")
        world.checkInvariants()
    }

    /// Who never answers is sent it three times and gets his mail all the same.
    @Test func whoDoesNotAnswerIsNotWaitedFor() {
        let world = World(users: ["alice", "bob"], seed: 1) { $0.deliveriesMax = 3 }
        #expect(world.control("contacts add alice known bob").hasPrefix("ok"))
        let alice = self.alice(world)
        alice.say(Self.subscribe(Self.types("ATCL")))
        add("alice", by: "bob", world)
        var sent = 0
        for round in 0..<10 {
            if alice.delivery().contains("Notification-Request") { sent += 1 }
            world.pass(seconds: 120)
            world.phone("bob").say(send("number \(round)", to: "wv:alice@home.test"))
            var texts: [String] = []
            while let text = alice.receive() { texts.append(text) }
            #expect(texts.contains("number \(round)"))
        }
        #expect(sent > 0 && sent <= 3)
    }

    @Test func whatIsNotKnownIsSaid() {
        let world = world(["alice", "bob"])
        let alice = self.alice(world)
        for types in [Self.types("GC"), Self.types("ATCL", "GC"), Self.types("")] {
            #expect(field("Code", alice.say(Self.subscribe(types))) == "501")
        }
        #expect(field("Code", alice.say(Self.subscribe(""))) == "402")
        #expect(field("Code", alice.say(Self.subscribe(Self.types()))) == "402")
        add("alice", by: "bob", world)
        #expect(alice.delivery() == "")
    }
}
