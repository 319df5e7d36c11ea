import Testing

/// What clients send that nobody expects, and what the disk does.
@Suite struct ImpoliteTests {
    private func message(_ contents: [String], session: String?) -> String {
        let whole = document("@", id: "@", session: session)
        let start = whole.range(of: "<Transaction>")!.lowerBound
        let end = whole.range(of: "</Session>", options: .backwards)!.lowerBound
        let transactions = contents.enumerated().map { number, content in
            let transaction = String(whole[start..<end])
            return transaction.replacing("<TransactionID>@", with: "<TransactionID>t\(number)").replacing(
                ">@<", with: ">\(content)<")
        }
        return whole[..<start] + transactions.joined() + whole[end...]
    }

    /// What follows a Logout in the same message has no session any more, whatever it is, and whoever has its place now.
    @Test func nothingIsDoneInASessionThatEndedInTheSameMessage() throws {
        let world = World(users: ["alice", "bob"])
        let all = [
            "<KeepAlive-Request><TimeToLive>60</TimeToLive></KeepAlive-Request>",
            "<ClientCapability-Request><CapabilityList><MultiTrans>2</MultiTrans></CapabilityList></ClientCapability-Request>",
            "<Service-Request><AllFunctionsRequest>F</AllFunctionsRequest></Service-Request>",
            send("x", to: "bob"),
            "<SetDeliveryMethod-Request><DeliveryMethod>N</DeliveryMethod></SetDeliveryMethod-Request>",
            "<Polling-Request/>", "<Logout-Request/>",
        ]
        for content in all {
            let alice = Phone(world, "alice")
            alice.logIn()
            _ = world.handle(message(["<Logout-Request/>", content], session: alice.session))
            #expect(world.commit(succeeds: true))
            world.checkInvariants()
            #expect(world.sessionCount == 0)
        }
        // Somebody else takes the place in between.
        let alice = Phone(world, "alice")
        alice.logIn()
        let answer = world.handle(
            message(
                ["<Logout-Request/>", login("bob", password: "righteous", cookie: "b"), send("x", to: "alice")],
                session: alice.session))
        #expect(world.commit(succeeds: true))
        #expect(answer.contains("604") && world.count("M") == 0 && world.sessionCount == 1)
        world.pass(seconds: 200_000)
        world.checkInvariants()
        #expect(world.sessionCount == 0)
    }

    /// A login that does not say which transaction it is cannot be told from another one: nobody gets its answer.
    @Test func aLoginWithoutTransactionIDIsNoRepeat() {
        let world = World(users: ["alice"])
        func logIn(_ password: String) -> String {
            let answer = world.handle(
                document(login("alice", password: password, cookie: "c"), session: nil).replacing(
                    "<TransactionID></TransactionID>", with: ""))
            #expect(world.commit(succeeds: true))
            return answer
        }
        #expect(field("Code", logIn("righteous")) == "200")
        let other = logIn("wrongful")
        #expect(field("Code", other) == "409" && field("SessionID", other) == nil)
    }

    /// A question whose delivery was lost is sent again, although a message that is held back was sent before it.
    @Test func whatIsHeldBackHoldsNothingUp() {
        let world = World(users: ["alice", "bob"]) { $0.deliveriesMax = 3 }
        let alice = Phone(world, "alice")
        let bob = Phone(world, "bob", version: "1.3")
        alice.logIn()
        bob.logIn()
        bob.say(
            "<ClientCapability-Request><CapabilityList><MultiTrans>2</MultiTrans></CapabilityList></ClientCapability-Request>"
        )
        alice.say(send("hello", to: "bob"))
        #expect(bob.poll() == "hello")
        _ = world.control(
            "sysmsg add ask kind=online required=1 blocking=1 verify=SMS timeout=600 text=x option=1|yes|full")
        #expect(bob.delivery().contains("SystemMessage-Request"))
        world.pass(seconds: 31)
        #expect(bob.delivery().contains("SystemMessage-Request"))
    }

    /// Who repeats is recognised, however many others keep answers too.
    @Test func everySessionHasAnswersOfItsOwn() throws {
        let users = (0..<64).map { "user\($0)" }
        let world = World(users: users)
        let phones = users.map { Phone(world, $0, cookie: $0) }
        for phone in phones { phone.logIn() }
        for _ in 0..<20 { for phone in phones.prefix(32) { phone.say(send("x", to: "user0")) } }
        for phone in phones {
            let id = try #require(field("MessageID", phone.say(send("once", to: "user1"), id: "again")))
            #expect(field("MessageID", phone.say(send("once", to: "user1"), id: "again")) == id)
        }
        world.checkInvariants()
        world.crash()
        world.checkInvariants()
    }

    /// An entry that cannot be read is taken away with its user.
    @Test func aDamagedMailboxCanBeDeleted() {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        alice.logIn()
        alice.say(send("x", to: "bob"))
        world.disk.damage { $0.first == UInt8(ascii: "Q") && $0.count == 13 }
        let bob = Phone(world, "bob")
        bob.logIn()
        #expect(bob.poll() == nil)
        #expect(world.control("user del bob").hasPrefix("ok"))
        #expect(world.count("Q") == 0)
    }

    /// What a commit that failed would have stored takes nothing of a sender's share, after a while.
    @Test func failedCommitsUseUpNoShare() {
        let world = World(users: ["alice", "bob"]) { $0.messageByteCountMax = 60_000 }
        let alice = Phone(world, "alice")
        alice.logIn()
        let text = String(repeating: "x", count: 15_000)
        for number in 0..<400 {
            _ = world.handle(document(send(text, to: "bob"), id: "f\(number)", session: alice.session))
            _ = world.commit(succeeds: false)
        }
        world.pass(seconds: 61)
        #expect(field("Code", alice.say(send(text, to: "bob"))) == "200")
    }
}
