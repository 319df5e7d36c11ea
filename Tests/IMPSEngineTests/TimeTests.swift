import IMPSEngine
import Testing

/// Time ends what it must end, at the second it has to, and nothing before.
@Suite struct TimeTests {
    @Test(arguments: [(60, 72), (100, 120), (10, 72), (0, 4320), (1_000_000, 103_680)])
    func aSilentSessionEnds(timeToLive: Int, after seconds: UInt64) {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        alice.logIn(timeToLive: timeToLive)
        world.pass(milliseconds: seconds * 1000 - 1)
        #expect(world.sessionCount == 1)
        // A poll begins the time anew.
        #expect(alice.poll() == nil)
        world.pass(milliseconds: seconds * 1000 - 1)
        #expect(world.sessionCount == 1)
        world.pass(milliseconds: 1)
        #expect(world.sessionCount == 0)
        #expect(field("Code", alice.say("<KeepAlive-Request/>")) == "604")
    }

    @Test func whoIsToldToGoKeepsHisPlaceForTenMinutes() {
        let world = World(users: ["alice"])
        Phone(world, "alice").logIn()
        #expect(world.control("disconnect alice").hasPrefix("ok"))
        world.pass(milliseconds: 599_999)
        #expect(world.sessionCount == 1)
        world.pass(milliseconds: 1)
        #expect(world.sessionCount == 0)
    }

    /// - Parameter isLate: The timer has not come yet when the answer does.
    @Test(arguments: [(true, false), (false, false), (false, true)])
    func aLoginWaitsForItsAnswerAsLongAsTheMessageSays(isInTime: Bool, isLate: Bool) throws {
        let world = World(users: ["alice"])
        #expect(
            world.control(
                "sysmsg add terms kind=login required=1 blocking=1 timeout=60 text=terms option=1|yes|full"
            ).hasPrefix("ok"))
        let alice = Phone(world, "alice", version: "1.3")
        let asked = alice.logIn()
        #expect(field("Code", asked) == "403")
        let id = try #require(field("SystemMessageID", asked))
        if isLate { world.milliseconds += 60_000 } else { world.pass(milliseconds: isInTime ? 59_998 : 60_000) }
        // Without credentials: the login that waits proves who he is.
        let answer = alice.say(
            "<Login-Request><UserID>alice</UserID><ClientID><URL>u</URL></ClientID><SessionCookie>c</SessionCookie>\(Phone.answer(id, 1))</Login-Request>",
            in: nil)
        #expect(field("Code", answer) == (isInTime ? "200" : "409"))
        #expect(world.sessionCount == (isInTime ? 1 : 0))
        world.pass(milliseconds: 1)
        #expect(world.count("W") == 0)
    }

    @Test func anAnswerInASessionHasItsTime() {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice", version: "1.3")
        alice.logIn()
        _ = world.control("sysmsg add ask kind=online required=1 blocking=1 timeout=60 text=x option=1|yes|full")
        #expect(alice.delivery().contains("SystemMessage-Request"))
        world.pass(milliseconds: 59_998)
        #expect(!alice.delivery().contains("Disconnect"))
        world.pass(milliseconds: 1)
        let end = alice.delivery()
        #expect(end.contains("<Disconnect>") && field("Code", end) == "601")
        #expect(world.sessionCount == 0)
    }

    @Test func aRepeatIsRecognisedForTwoMinutes() throws {
        let world = World(users: ["alice", "bob"])
        let alice = Phone(world, "alice")
        alice.logIn()
        let first = try #require(field("MessageID", alice.say(send("hello", to: "bob"), id: "7")))
        world.pass(milliseconds: 120_000)
        #expect(field("MessageID", alice.say(send("hello", to: "bob"), id: "7")) == first)
        world.pass(milliseconds: 1000)
        #expect(field("MessageID", alice.say(send("hello", to: "bob"), id: "7")) != first)
    }

    @Test(arguments: [(100, nil), (100, 50), (50, 100)])
    func aMessageLivesAsLongAsItMay(lifetime: UInt64, validity: UInt64?) {
        for isInTime in [true, false] {
            let world = World(users: ["alice", "bob"]) { $0.lifetimeSeconds = lifetime }
            let alice = Phone(world, "alice")
            let bob = Phone(world, "bob")
            alice.logIn()
            let text = send("hello", to: "bob", report: true).replacing(
                "</MessageInfo>", with: validity.map { "<Validity>\($0)</Validity></MessageInfo>" } ?? "</MessageInfo>")
            #expect(field("Code", alice.say(text)) == "200")
            let life = min(lifetime, validity ?? lifetime)
            world.pass(milliseconds: life * 1000 - (isInTime ? 900 : 0))
            bob.logIn()
            #expect(bob.receive() == (isInTime ? "hello" : nil))
            let report = alice.delivery()
            #expect(field("Code", report) == (isInTime ? "200" : "542"))
            #expect(world.count("X") == 0 && bob.poll() == nil)
        }
    }

    @Test func aCampaignIsShownBetweenItsDays() {
        let world = World(users: (0..<4).map { "user\($0)" })
        let start: UInt64 = 1_800_000_000
        _ = world.control(
            "sysmsg add terms kind=login required=1 blocking=1 from=\(start + 100) until=\(start + 200) text=x option=1|yes|full"
        )
        var count = 0
        // Another one each time: who was asked twice and said nothing is asked in another way.
        func isAsked() -> Bool {
            let answer = Phone(world, "user\(count)", version: "1.3", cookie: "c\(count)").logIn()
            count += 1
            #expect(["200", "403"].contains(field("Code", answer)))
            return field("Code", answer) == "403"
        }
        world.pass(milliseconds: 98_900)
        #expect(!isAsked())
        world.pass(milliseconds: 200)
        #expect(isAsked())
        world.pass(milliseconds: 99_500)
        #expect(isAsked())
        world.pass(milliseconds: 500)
        #expect(!isAsked())
    }

    /// A gateway starts without the time: from when it has it, dates are watched, in sessions that are open too.
    @Test func datesAreWatchedFromWhenTheClockIsRight() {
        let world = World(users: ["alice"])
        world.clockIsTrusted = false
        // What a start has to do is done before.
        world.pass(milliseconds: 1)
        let alice = Phone(world, "alice", version: "1.3")
        alice.logIn()
        _ = world.control("sysmsg add news kind=online from=\(1_800_000_000 + 100) text=x option=1|ok|full")
        world.clockIsTrusted = true
        world.pass(milliseconds: 1)
        #expect(alice.delivery().isEmpty)
        world.pass(milliseconds: 100_000)
        #expect(alice.delivery().contains("SystemMessage-Request"))
    }

    @Test func whatIsNotAnsweredGoesOutAgainAfterTheGuardTime() {
        let world = World(users: ["alice", "bob"]) {
            $0.guardSeconds = 30
            $0.deliveriesMax = 3
        }
        let alice = Phone(world, "alice")
        let bob = Phone(world, "bob")
        alice.logIn()
        bob.logIn()
        alice.say(send("hello", to: "bob"))
        #expect(bob.poll() == "hello")
        for _ in 1...2 {
            world.pass(milliseconds: 28_900)
            #expect(bob.poll() == nil)
            world.pass(milliseconds: 1100)
            #expect(bob.poll() == "hello")
        }
        world.pass(milliseconds: 60_000)
        #expect(bob.poll() == nil)
    }

    @Test func aDenialHoldsAsLongAsTheMessageSays() throws {
        let world = World(users: ["alice"])
        _ = world.control(
            "sysmsg add terms kind=login required=1 blocking=1 try_again=100 text=x option=1|yes|full option=2|no|deny")
        let alice = Phone(world, "alice", version: "1.3")
        let id = try #require(field("SystemMessageID", alice.logIn()))
        let denied = alice.logIn(extra: Phone.answer(id, 2))
        #expect(field("Code", denied) == "403" && field("TryAgainTimeout", denied) == "100")
        world.pass(milliseconds: 98_900)
        #expect(!alice.logIn().contains("SystemMessageList"))
        world.pass(milliseconds: 1200)
        #expect(alice.logIn().contains("SystemMessageList"))
        // Another answer opens.
        let again = try #require(field("SystemMessageID", alice.logIn()))
        #expect(field("Code", alice.logIn(extra: Phone.answer(again, 1))) == "200")
    }

    @Test func aRequiredAnswerIsAskedForAgain() {
        let world = World(users: ["alice"]) { $0.remindSeconds = 1000 }
        let alice = Phone(world, "alice", version: "1.3")
        alice.logIn()
        _ = world.control("sysmsg add ask kind=online required=1 text=x option=1|yes|full")
        func isAsked() -> Bool {
            let delivery = alice.delivery()
            guard delivery.contains("SystemMessage-Request") else { return false }
            alice.close(delivery)
            return true
        }
        #expect(isAsked())
        #expect(!isAsked())
        world.pass(milliseconds: 998_000)
        #expect(!isAsked())
        world.pass(milliseconds: 2000)
        #expect(isAsked())
        #expect(!isAsked())
    }

    /// A phone that was switched off does not keep messages that another one has confirmed.
    @Test(arguments: [true, false])
    func whoIsSilentForFiveMinutesIsNotWaitedFor(isSilent: Bool) {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let first = world.phone("bob", cookie: "first")
        let second = world.phone("bob", cookie: "second")
        #expect(first.poll() == nil && second.poll() == nil)
        world.pass(milliseconds: isSilent ? 300_000 : 299_000)
        alice.say(send("hello", to: "bob"))
        #expect(first.receive() == "hello")
        #expect(second.poll() == (isSilent ? nil : "hello"))
    }
}
