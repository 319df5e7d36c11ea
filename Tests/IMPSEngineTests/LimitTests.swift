import IMPSEngine
import Testing

/// Limits hold exactly: one less is taken, one more is not.
@Suite struct LimitTests {
    @Test func aMailboxTakesWhatItMayAndALittleFromOthers() {
        let world = World(users: ["alice", "bob", "carol"]) { $0.offlineMessagesMax = 8 }
        let alice = Phone(world, "alice", cookie: "a")
        let carol = Phone(world, "carol", cookie: "b")
        alice.logIn()
        carol.logIn()
        for _ in 0..<8 { #expect(field("Code", alice.say(send("x", to: "bob"))) == "200") }
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "507")
        // Who has nothing there finds a quarter more, for one message.
        #expect(field("Code", carol.say(send("x", to: "bob"))) == "200")
        #expect(field("Code", carol.say(send("x", to: "bob"))) == "507")
        let bob = Phone(world, "bob")
        bob.logIn()
        for _ in 0..<2 { #expect(bob.receive() == "x") }
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "200")
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "507")
        world.checkInvariants()
    }

    @Test func aMailboxTakesSoManyOctets() {
        let world = World(users: ["alice", "bob"]) { $0.offlineByteCountMax = 1000 }
        let alice = Phone(world, "alice")
        alice.logIn()
        let half = String(repeating: "x", count: 500)
        for _ in 0..<2 { #expect(field("Code", alice.say(send(half, to: "bob"))) == "200") }
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "507")
    }

    @Test(arguments: [(100, "200"), (101, "402")])
    func aMessageHasSoManyOctets(count: Int, code: String) {
        let world = World(users: ["alice", "bob"]) { $0.messageByteCountMax = 100 }
        let alice = Phone(world, "alice")
        alice.logIn()
        #expect(field("Code", alice.say(send(String(repeating: "x", count: count), to: "bob"))) == code)
    }

    @Test(arguments: [(64, "200"), (65, "402")])
    func aMessageHasSoManyRecipients(count: Int, code: String) {
        let users = (0..<count).map { "user\($0)" }
        let world = World(users: users)
        let sender = Phone(world, "user0")
        sender.logIn()
        let recipients = users.map { "<User><UserID>\($0)</UserID></User>" }.joined()
        let text = send("x", to: "user0").replacing("<User><UserID>user0</UserID></User>", with: recipients)
        #expect(field("Code", sender.say(text)) == code)
        #expect(world.count("M") == (code == "200" ? 1 : 0))
    }

    @Test func aUserHasSoManySessions() {
        let world = World(users: ["alice"]) { $0.sessionsOfUserMax = 3 }
        let phones = (0..<4).map { Phone(world, "alice", cookie: "c\($0)") }
        for phone in phones.prefix(3) { phone.logIn() }
        #expect(world.sessionCount == 3)
        // The first one was heard of last.
        #expect(phones[0].poll() == nil)
        phones[3].logIn()
        #expect(world.sessionCount == 3)
        #expect(field("Code", phones[1].say("<KeepAlive-Request/>")) == "604")
        for index in [0, 2, 3] { #expect(field("Code", phones[index].say("<KeepAlive-Request/>")) == "200") }
    }

    /// More than half of all places belong to one network: it gives way to another one, and only then.
    @Test func aNetworkThatHasMostGivesWay() {
        let world = World(users: (0..<65).map { "user\($0)" })
        var phones = (0..<64).map { Phone(world, "user\($0)", cookie: "c\($0)", address: "10.0.0.\($0 < 33 ? 1 : 2)") }
        for phone in phones { #expect(field("Code", phone.logIn()) == "200") }
        let own = Phone(world, "user64", cookie: "own", address: "10.0.0.1")
        #expect(field("Code", own.logIn()) == "503")
        let other = Phone(world, "user64", cookie: "other", address: "10.0.0.3")
        #expect(field("Code", other.logIn()) == "200")
        #expect(field("Code", phones[0].say("<KeepAlive-Request/>")) == "604")
        phones.removeFirst()
        for phone in phones { #expect(field("Code", phone.say("<KeepAlive-Request/>")) == "200") }
        // Now it has half of them, which is its right.
        #expect(field("Code", Phone(world, "user64", cookie: "third", address: "10.0.0.4").logIn()) == "503")
        world.checkInvariants()
    }

    @Test func wrongPasswordsBringAWait() {
        let world = World(users: ["alice"]) { $0.loginFailuresMax = 3 }
        let alice = Phone(world, "alice")
        for _ in 0..<3 { #expect(field("Code", alice.logIn(password: "wrongful")) == "409") }
        #expect(field("Code", alice.logIn()) == "503")
        world.pass(milliseconds: 1000)
        #expect(field("Code", alice.logIn()) == "200")
        // A success forgets them.
        for _ in 0..<3 { #expect(field("Code", alice.logIn(password: "wrongful")) == "409") }
        #expect(field("Code", alice.logIn()) == "503")
    }

    @Test func threeWrongKeysShutTheDoor() throws {
        let world = World(users: ["alice"])
        _ = world.control(
            "sysmsg add guard kind=login required=1 blocking=1 verify=SMS text=x option=1|yes|full option=2|no|deny")
        let alice = Phone(world, "alice", version: "1.3")
        let key = try #require(world.control("sysmsg key guard alice").split(separator: "=").last?.prefix(8))
        for attempt in 1...3 {
            let id = try #require(field("SystemMessageID", alice.logIn()))
            let answer = alice.logIn(extra: Phone.answer(id, 1, key: "00000000"))
            #expect(field("Code", answer) == (attempt < 3 ? "402" : "403"))
            #expect(answer.contains("SystemMessageList") == (attempt < 3))
        }
        #expect(field("SystemMessageID", alice.logIn()) == nil)
        #expect(world.sessionCount == 0)
        _ = world.control("sysmsg renew guard")
        let id = try #require(field("SystemMessageID", alice.logIn()))
        #expect(field("Code", alice.logIn(extra: Phone.answer(id, 1, key: String(key)))) == "402")
        let renewed = try #require(world.control("sysmsg key guard alice").split(separator: "=").last?.prefix(8))
        #expect(field("Code", alice.logIn(extra: Phone.answer(id, 1, key: String(renewed)))) == "200")
    }

    @Test func sixteenAnswersAreKeptForRepeats() throws {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        alice.logIn()
        var ids: [String] = []
        for number in 0..<17 {
            ids.append(try #require(field("MessageID", alice.say(send("x", to: "bob"), id: "r\(number)"))))
        }
        #expect(world.count("R") == 16)
        for number in 1..<17 {
            #expect(field("MessageID", alice.say(send("x", to: "bob"), id: "r\(number)")) == ids[number])
        }
        #expect(field("MessageID", alice.say(send("x", to: "bob"), id: "r0")) != ids[0])
        alice.say("<Logout-Request/>")
        #expect(world.count("R") == 0)
    }

    @Test func whatNobodyConfirmsCountsAsDeliveredAfterSoManyTimes() {
        let world = World(users: ["alice", "bob"]) { $0.deliveriesMax = 3 }
        let alice = Phone(world, "alice", cookie: "a")
        let bob = Phone(world, "bob", cookie: "b")
        alice.logIn()
        bob.logIn()
        alice.say(send("x", to: "bob"))
        for _ in 1...3 {
            #expect(world.count("M") == 1)
            #expect(bob.poll() == "x")
            world.pass(milliseconds: 31_000)
        }
        #expect(bob.poll() == nil)
        #expect(world.count("M") == 0)
    }

    @Test func thirtyTwoCampaignsAreActive() {
        let world = World(users: [])
        for number in 0..<32 { #expect(world.control("sysmsg add c\(number) kind=online text=x").hasPrefix("ok")) }
        #expect(world.control("sysmsg add more kind=online text=x").hasPrefix("error campaigns-full"))
        #expect(world.control("sysmsg end c7").hasPrefix("ok"))
        #expect(world.control("sysmsg add more kind=online text=x").hasPrefix("ok"))
    }

    @Test func aMessageHasSixteenOptionsAndFiveHundredCharacters() {
        let world = World(users: [])
        func add(options: Int, characters: Int) -> Bool {
            let list = (0..<options).map { " option=\($0 + 1)|o\($0)|full" }.joined()
            return world.control("sysmsg add c kind=online text=\(String(repeating: "x", count: characters))\(list)")
                .hasPrefix("ok")
        }
        #expect(!add(options: 17, characters: 1))
        #expect(!add(options: 1, characters: 513))
        #expect(!add(options: 1, characters: 0))
        #expect(add(options: 16, characters: 512))
    }

    @Test func helpComesWithTheThirdErrorOfAKind() {
        let world = World(users: ["alice"]) { $0.helpErrors = 3 }
        let alice = Phone(world, "alice", version: "1.3")
        alice.logIn()
        for _ in 1...2 { #expect(field("Code", alice.say(send("x", to: "nobody"))) == "531") }
        #expect(!alice.delivery().contains("SystemMessage-Request"))
        #expect(field("Code", alice.say(send("x", to: "nobody"))) == "531")
        #expect(alice.delivery().contains("SystemMessage-Request"))
    }
}
