import Testing

/// What people do to each other who are not polite, and clients that are clumsy: none of it costs others anything.
@Suite struct ImpolitePeopleTests {
    private let terms =
        "sysmsg add terms kind=login text=Terms? required=1 blocking=1 audience=user:bob legacy=limited option=1|Yes|full option=2|No|deny"

    /// Names as long as a key takes, one shorter, one longer: each is kept or refused, and the list can be read.
    @Test func namesOfAnyLengthAreKeptOrRefused() {
        let world = World(users: ["alice"])
        let alice = world.phone("alice")
        var codes: Set<String> = []
        for count in 80...100 {
            let name = String(repeating: "x", count: count)
            let answer = alice.say(
                "<BlockEntity-Request><BlockList><AddList><ScreenName><SName>\(name)</SName><GroupID>wv:/g@home.test</GroupID></ScreenName></AddList></BlockList></BlockEntity-Request>"
            )
            codes.insert(field("Code", answer) ?? "")
            #expect(alice.say("<GetBlockedList-Request/>").contains("</GetBlockedList-Response>"))
        }
        #expect(codes == ["200", "402"])
        #expect(world.control("dump").hasSuffix("ok\n"))
    }

    @Test func aListThatIsNamedOftenIsNotReadOften() {
        let users = (0..<40).map { "user\($0)" }
        let world = World(users: ["alice"] + users)
        let alice = world.phone("alice")
        alice.say(PeopleTests.create("alice", "l", users))
        let lists = String(repeating: PeopleTests.list("alice", "l"), count: 100)
        #expect(field("Code", alice.say("<GetPresence-Request>\(lists)</GetPresence-Request>")) == "432")
        #expect(
            field(
                "Code",
                alice.say(
                    "<SubscribePresence-Request>\(lists)<AutoSubscribe>F</AutoSubscribe></SubscribePresence-Request>"))
                == "402")
        let message = send("x", to: "wv:user1@home.test").replacing("</Recipient>", with: "\(lists)</Recipient>")
        #expect(field("Code", alice.say(message)) == "402")
    }

    @Test func whatIsRefusedLeavesEverythingAsItWas() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(PeopleTests.open("OnlineStatus"))
        bob.say(
            "<BlockEntity-Request><BlockList><InUse>T</InUse><AddList>\(PeopleTests.id("alice"))</AddList></BlockList></BlockEntity-Request>"
        )
        for list in ["EntityList", "AddList", "RemoveList"] {
            let bad =
                "<BlockEntity-Request><BlockList><InUse>F</InUse><\(list)><UserID>no address</UserID></\(list)></BlockList></BlockEntity-Request>"
            #expect(field("Code", bob.say(bad)) == "402")
            #expect(field("Code", alice.say(send("x", to: "bob"))) == "532")
        }
        let foreign =
            "<CreateAttributeList-Request><PresenceSubList><Address/></PresenceSubList>\(PeopleTests.list("alice", "l"))<DefaultList>T</DefaultList></CreateAttributeList-Request>"
        #expect(field("Code", bob.say(foreign)) == "403")
        let kept = bob.say("<GetAttributeList-Request><DefaultList>T</DefaultList></GetAttributeList-Request>")
        #expect(kept.contains("<OnlineStatus/>") && !kept.contains("<Address/>"))
        // What names a list of somebody else subscribes to nobody else either.
        let half =
            "<SubscribePresence-Request>\(PeopleTests.user("alice"))\(PeopleTests.list("alice", "l"))</SubscribePresence-Request>"
        #expect(field("Code", bob.say(half)) == "403" && world.count("T") == 0)
        let long = String(repeating: "n", count: 201)
        let list =
            "<CreateList-Request>\(PeopleTests.list("bob", "l"))<NickList><NickName><Name>\(long)</Name>\(PeopleTests.id("alice"))</NickName></NickList></CreateList-Request>"
        #expect(field("Code", bob.say(list)) == "402")
        #expect(!bob.say("<GetList-Request/>").contains("ContactList>wv:"))
    }

    private func subscribe(_ alice: Phone, _ attributes: String) {
        alice.say(
            "<SubscribePresence-Request>\(PeopleTests.user("bob"))<PresenceSubList>\(attributes)</PresenceSubList></SubscribePresence-Request>"
        )
    }

    @Test func aYesIsOneToWhatWasAsked() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(PeopleTests.update(PeopleTests.value("FreeTextLocation", "home")))
        let yes = "<PresenceAuth-User>\(PeopleTests.id("alice"))<Acceptance>T</Acceptance></PresenceAuth-User>"
        subscribe(alice, "<OnlineStatus/>")
        let question = bob.delivery()
        #expect(question.contains("<PresenceSubList") && !question.contains("Location"))
        bob.close(question)
        bob.say(yes)
        subscribe(alice, "<OnlineStatus/><FreeTextLocation/>")
        #expect(PeopleTests.told(alice) == ["bob": PeopleTests.online("T")])
        // For more he is asked once more.
        #expect(bob.delivery().contains("<FreeTextLocation"))
        bob.say(yes)
        #expect(PeopleTests.told(alice)["bob"]?.contains("home") == true)
    }

    /// What a list of attributes makes needless takes a question away, and not what was granted before.
    @Test func aListOfAttributesTakesNothingBack() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(PeopleTests.update(PeopleTests.value("FreeTextLocation", "home")))
        subscribe(alice, "<OnlineStatus/>")
        bob.say("<PresenceAuth-User>\(PeopleTests.id("alice"))<Acceptance>T</Acceptance></PresenceAuth-User>")
        subscribe(alice, "<OnlineStatus/><FreeTextLocation/>")
        bob.say(PeopleTests.open("FreeTextLocation"))
        #expect(
            PeopleTests.told(alice) == [
                "bob": PeopleTests.online("T") + PeopleTests.value("FreeTextLocation", "home")
            ])
        #expect(!bob.delivery().contains("PresenceAuth"))
    }

    @Test func whoIsBlockedDoesNotHearThatTheOtherDoesAnything() {
        let world = World(users: ["alice", "bob", "carol"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(PeopleTests.open("OnlineStatus"))
        func block(_ user: String) {
            bob.say(
                "<BlockEntity-Request><BlockList><InUse>T</InUse><AddList>\(PeopleTests.id(user))</AddList></BlockList></BlockEntity-Request>"
            )
        }
        block("alice")
        alice.say("<SubscribePresence-Request>\(PeopleTests.user("bob"))</SubscribePresence-Request>")
        #expect(PeopleTests.told(alice) == ["bob": PeopleTests.unknown])
        block("carol")
        bob.say(PeopleTests.open("OnlineStatus StatusText"))
        bob.say(
            "<DeleteAttributeList-Request>\(PeopleTests.id("carol"))<DefaultList>F</DefaultList></DeleteAttributeList-Request>"
        )
        bob.say(PeopleTests.create("bob", "l", ["carol"]))
        bob.say("<Logout-Request/>")
        bob.logIn()
        #expect(PeopleTests.told(alice) == [:])
        // Nor does bob hear of her that she watches him, when she does not want to be seen.
        alice.say(PeopleTests.update(PeopleTests.online("F")))
        #expect(!bob.say("<GetWatcherList-Request/>").contains("alice"))
    }

    @Test func beforeHisQuestionIsSettledNobodyHearsOfHim() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        world.phone("bob").say(PeopleTests.open("OnlineStatus StatusText"))
        #expect(world.control("disconnect bob").hasPrefix("ok"))
        alice.say("<SubscribePresence-Request>\(PeopleTests.user("bob"))</SubscribePresence-Request>")
        #expect(PeopleTests.told(alice) == ["bob": PeopleTests.online("F")])
        #expect(world.control(terms).hasPrefix("ok"))
        let bob = Phone(world, "bob", cookie: "d")
        bob.logIn()
        bob.say(PeopleTests.update(PeopleTests.value("StatusText", "here")))
        bob.say("<SubscribePresence-Request>\(PeopleTests.user("alice"))</SubscribePresence-Request>")
        #expect(PeopleTests.told(alice) == [:])
        #expect(!alice.say("<GetWatcherList-Request/>").contains("bob"))
        bob.say(send("1", to: "wv:system@home.test"))
        let answer = alice.delivery()
        #expect(answer.contains("<PresenceAuth-Request>"))
        alice.close(answer)
        #expect(
            PeopleTests.told(alice) == ["bob": PeopleTests.online("T") + PeopleTests.value("StatusText", "here")])
    }

    /// A question of the first session is asked before anybody is told that its user is there.
    @Test func aQuestionInTheSessionComesFirstToo() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        world.phone("bob").say(PeopleTests.open("OnlineStatus"))
        #expect(world.control("disconnect bob").hasPrefix("ok"))
        alice.say("<SubscribePresence-Request>\(PeopleTests.user("bob"))</SubscribePresence-Request>")
        #expect(PeopleTests.told(alice) == ["bob": PeopleTests.online("F")])
        #expect(
            world.control(
                "sysmsg add ask kind=online required=1 blocking=1 timeout=600 text=x audience=user:bob option=1|yes|full"
            )
            .hasPrefix("ok"))
        let bob = Phone(world, "bob", cookie: "d")
        bob.logIn()
        #expect(PeopleTests.told(alice) == [:])
        _ = bob.delivery()
        #expect(PeopleTests.told(alice) == [:])
        bob.say(send("1", to: "wv:system@home.test"))
        #expect(PeopleTests.told(alice) == ["bob": PeopleTests.online("T")])
    }

    @Test func aRefusalDoesNotTellWhoIsThere() {
        let world = World(users: ["alice", "bob"]) { $0.offlineOnlyContacts = true }
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(PeopleTests.update(PeopleTests.online("F")))
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "534")
        bob.say("<Logout-Request/>")
        #expect(field("Code", alice.say(send("x", to: "bob"))) == "534")
    }

    @Test func whoIsDeletedLeavesNothingBehind() {
        let world = World(users: ["alice", "bob", "carol"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        let carol = world.phone("carol")
        for (phone, name, other) in [(alice, "alice", "bob"), (bob, "bob", "alice"), (carol, "carol", "bob")] {
            phone.say(PeopleTests.create(name, "l", [other]))
            phone.say(PeopleTests.subscribe(name, "l"))
            phone.say("<SubscribePresence-Request>\(PeopleTests.user(other))</SubscribePresence-Request>")
            phone.say(PeopleTests.update(PeopleTests.value("StatusText", "x")))
        }
        #expect(world.control("user del bob").hasPrefix("ok"))
        for phone in [alice, carol] { _ = PeopleTests.told(phone) }
        world.checkInvariants()
        #expect(
            !alice.say(
                "<ListManage-Request>\(PeopleTests.list("alice", "l"))<ReceiveList>T</ReceiveList></ListManage-Request>"
            ).contains("bob"))
        alice.say("<Logout-Request/>")
        carol.say("<Logout-Request/>")
        world.checkInvariants()
        #expect(world.count("T") == 0)
    }

    /// What is said once more is written once.
    @Test func nothingIsWrittenWhenNothingChanges() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let requests = [
            PeopleTests.open("OnlineStatus"), PeopleTests.update(PeopleTests.value("StatusText", "x")),
            "<SubscribePresence-Request>\(PeopleTests.user("bob"))</SubscribePresence-Request>",
            "<ListManage-Request>\(PeopleTests.list("alice", "~pep1.0_x"))<AddNickList>\(PeopleTests.id("bob"))</AddNickList></ListManage-Request>",
            PeopleTests.subscribe("alice", "~pep1.0_x"),
            "<PresenceAuth-User>\(PeopleTests.id("bob"))<Acceptance>T</Acceptance></PresenceAuth-User>",
            "<UnsubscribePresence-Request>\(PeopleTests.user("none"))</UnsubscribePresence-Request>",
        ]
        for request in requests { alice.say(request) }
        _ = PeopleTests.told(alice)
        let before = world.control("dump")
        for request in requests { alice.say(request) }
        #expect(world.control("dump") == before)
    }

    @Test func oneSessionWatchesNoMoreThanItMay() {
        let users = (0..<40).map { "user\($0)" }
        let world = World(users: ["alice"] + users)
        let alice = world.phone("alice")
        let all = users.map(PeopleTests.user).joined()
        #expect(field("Code", alice.say("<SubscribePresence-Request>\(all)</SubscribePresence-Request>")) == "200")
        #expect(world.count("O") == 40)
        // Whom she has on no list is not asked any more when she is gone.
        alice.say("<Logout-Request/>")
        #expect(world.count("O") == 0 && world.count("T") == 0 && world.count("E") == 0)
    }
}
