import CSP
@testable import IMPSEngine
import Octets
import Testing

/// Whom the engine tells when that messages wait, and what it does when nobody takes it.
///
/// Source: protocol/system-message.md §6.2.
@Suite struct NotifierRuleTests {
    private static let sms = [("sms", [("bearer", "sms"), ("url", "http://gateway/"), ("text", "%sender %count")])]

    /// A world in which everybody but alice, who is there, has a number.
    private func world(_ sections: [(String, [(String, String)])] = NotifierRuleTests.sms, seed: UInt64 = 1)
        -> (World, Phone)
    {
        let world = World(users: ["alice", "bob", "carla", "dora", "emil", "fay"], seed: seed) {
            $0.cirMethods = CIRMethods(rawValue: 63)
        }
        for user in ["bob", "carla", "dora", "emil", "fay"] {
            #expect(world.control("user set \(user) msisdn +4917\(user.utf8.first!)").hasPrefix("ok"))
        }
        world.configure(sections)
        return (world, world.phone("alice", cookie: "a"))
    }

    private func state(_ world: World, _ user: String = "bob") -> String? {
        let lines = world.control("notifications").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("user=wv:\(user)@") }) else { return nil }
        return line.split(separator: " ").first { $0.hasPrefix("state=") }.map { String($0.dropFirst(6)) }
    }

    @Test func oneIsToldOnceAnHour() throws {
        let (world, alice) = world()
        alice.say(send("one", to: "bob"))
        let first = try #require(world.nextNotification())
        #expect(first.text.contains("&text=alice%201"))
        // While it is under way nobody is told twice.
        alice.say(send("two", to: "bob"))
        #expect(world.nextNotification() == nil && state(world) == "sending")
        world.endNotification(first.place, .answered(status: 202))
        // What came meanwhile is told of when the hour is over.
        #expect(state(world) == "waiting")
        world.pass(seconds: 3590)
        #expect(world.nextNotification() == nil)
        world.pass(seconds: 20)
        let second = try #require(world.nextNotification())
        #expect(second.text.contains("&text=alice%202"))
        world.endNotification(second.place, .answered(status: 202))
        // All that waits was told of: nobody nags.
        world.pass(seconds: 86_400)
        #expect(world.nextNotification() == nil && state(world) == "sent")
        alice.logIn()
        alice.say(send("three", to: "bob"))
        #expect(world.nextNotification() != nil)
        world.checkInvariants()
    }

    /// Each short message costs something: who does not come is called once an hour, who comes not twice in a minute.
    @Test func whoSleepsIsCalledByFewShortMessages() throws {
        let (world, alice) = world()
        let bob = world.phone("bob", cookie: "b")
        func agree(_ methods: String) {
            let list = methods.split(separator: " ").map { "<SupportedCIRMethod>\($0)</SupportedCIRMethod>" }.joined()
            bob.say("<ClientCapability-Request><CapabilityList>\(list)</CapabilityList></ClientCapability-Request>")
        }
        agree("SSMS")
        world.pass(seconds: 3)
        func shortMessage(_ outcome: NotificationOutcome = .answered(status: 202)) -> String? {
            #expect(world.calls() == [])
            guard let order = world.nextNotification() else { return nil }
            world.endNotification(order.place, outcome)
            return order.text
        }
        alice.say(send("one", to: "bob"))
        #expect(try #require(shortMessage()).contains("&udh=%06%05%04%0E%84%0E%84&text=WVCI%201.2%20b"))
        for place in 0..<59 {
            alice.say(send("more \(place)", to: "bob"))
            #expect(shortMessage() == nil)
            world.pass(seconds: 60)
        }
        world.pass(seconds: 70)
        #expect(shortMessage() != nil)
        // A store that fails costs nothing more.
        alice.say(send("kept", to: "bob"))
        _ = world.control("user add x digest righteous", commits: false)
        world.pass(seconds: 61)
        #expect(shortMessage() == nil)
        // He comes, and goes to sleep again.
        while bob.receive() != nil {}
        alice.say(send("two", to: "bob"))
        #expect(shortMessage() == nil)
        world.pass(seconds: 61)
        #expect(shortMessage(.failed("it is down", isDown: false)) != nil)
        // What was not sent is sent later, without anything new, and the later the more often that was so.
        world.pass(seconds: 30)
        #expect(shortMessage() == nil)
        world.pass(seconds: 31)
        #expect(shortMessage(.answered(status: 503)) != nil)
        world.pass(seconds: 290)
        #expect(shortMessage() == nil)
        world.pass(seconds: 11)
        #expect(shortMessage(.answered(status: 403)) != nil)
        world.pass(seconds: 3590)
        #expect(shortMessage() == nil)
        world.pass(seconds: 11)
        #expect(shortMessage() != nil)
        // Who has several sessions, or one after the other, is called in one of them at a time.
        while bob.receive() != nil {}
        world.pass(seconds: 61)
        let again = world.phone("bob", cookie: "again")
        again.say(
            "<ClientCapability-Request><CapabilityList><SupportedCIRMethod>SSMS</SupportedCIRMethod></CapabilityList></ClientCapability-Request>"
        )
        world.pass(seconds: 3)
        alice.say(send("twice", to: "bob"))
        #expect(shortMessage() != nil && shortMessage() == nil)
        // Who comes while he stands in line is not called.
        world.pass(seconds: 61)
        #expect(world.calls() == [])
        while again.receive() != nil {}
        while bob.receive() != nil {}
        #expect(world.nextNotification() == nil)
        again.say("<Logout-Request/>")
        // Datagrams cost nothing, and come first.
        while bob.receive() != nil {}
        agree("SUDP WAPSMS")
        world.pass(seconds: 3)
        alice.say(send("three", to: "bob"))
        for _ in 1...3 {
            #expect(world.calls() == ["WVCI 1.2 b"])
            #expect(world.nextNotification() == nil)
            world.pass(seconds: 11)
        }
        world.pass(seconds: 61)
        #expect(
            try #require(shortMessage()).contains("&coding=1&udh=%06%05%04%0B%84%23%F0&text=%01%06%03%C6%AF%8AWVCI"))
        // Who has gone is not called for a message that was for him.
        while bob.receive() != nil {}
        alice.say(send("four", to: "bob"))
        world.pass(seconds: 200)
        _ = world.calls()
        bob.say("<Logout-Request/>")
        #expect(world.nextNotification()?.text.contains("WVCI") != true)
        world.checkInvariants()
    }

    @Test func whoWasThereIsNotTold() throws {
        let (world, alice) = world()
        alice.say(send("one", to: "bob"))
        let bob = world.phone("bob", cookie: "b")
        #expect(world.nextNotification() == nil && state(world) == "withdrawn")
        // Fetched and gone again: nothing waits.
        #expect(bob.receive() == "one")
        bob.say("<Logout-Request/>")
        #expect(world.nextNotification() == nil && state(world) == "withdrawn")
        // Gone without a word before he got it: he is told when that is noticed.
        let ghost = Phone(world, "bob", cookie: "ghost")
        ghost.logIn(timeToLive: 60)
        alice.say(send("two", to: "bob"))
        #expect(world.nextNotification() == nil)
        world.pass(seconds: 3600)
        alice.logIn()
        let order = try #require(world.nextNotification())
        world.endNotification(order.place, .answered(status: 200))
        // Who comes, does not fetch it and goes was told of it before.
        world.phone("bob", cookie: "later").say("<Logout-Request/>")
        world.pass(seconds: 7200)
        #expect(world.nextNotification() == nil && state(world) == "sent")
        world.checkInvariants()
    }

    @Test func nobodyIsWokenAtNight() throws {
        // The clock begins at 08:00:01.
        let lines = NotifierRuleTests.sms[0].1 + [("quiet", "07:30-09:15")]
        let (world, alice) = world([("sms", lines)])
        alice.say(send("one", to: "bob"))
        #expect(world.nextNotification() == nil && state(world) == "waiting")
        world.pass(seconds: 74 * 60)
        #expect(world.nextNotification() == nil)
        world.pass(seconds: 60)
        let order = try #require(world.nextNotification())
        world.endNotification(order.place, .answered(status: 200))
        // Two hours further east it is day.
        world.offsetMinutes = 120
        world.crash()
        let other = world.phone("alice", cookie: "again")
        other.say(send("two", to: "carla"))
        #expect(world.nextNotification() != nil)
        // Nobody knows the hour while the clock is wrong; then nobody is kept waiting for it.
        world.offsetMinutes = 0
        world.clockIsTrusted = false
        other.say(send("three", to: "dora"))
        #expect(world.nextNotification() != nil)
        world.checkInvariants()
    }

    @Test func whatIsNotTakenIsTriedAgainLaterEachTime() throws {
        let (world, alice) = world()
        alice.say(send("one", to: "bob"))
        var waits: [UInt64] = []
        for _ in 1...5 {
            let began = world.milliseconds
            var order = world.nextNotification()
            while order == nil {
                world.pass(seconds: 10)
                order = world.nextNotification()
            }
            waits.append((world.milliseconds - began) / 1000)
            world.endNotification(try #require(order?.place), .answered(status: 500))
            #expect(state(world) == "waiting")
        }
        #expect(waits == [0, 60, 300, 1800, 10_800], "\(waits)")
        world.pass(seconds: 10_810)
        let last = try #require(world.nextNotification())
        world.endNotification(last.place, .answered(status: 500))
        #expect(state(world) == "failed")
        // What is refused as it is is not tried again; the next message is.
        alice.logIn()
        alice.say(send("two", to: "carla"))
        let refused = try #require(world.nextNotification())
        world.endNotification(refused.place, .answered(status: 403))
        #expect(state(world, "carla") == "failed")
        world.pass(seconds: 3610)
        alice.say(send("three", to: "carla"))
        #expect(world.nextNotification() != nil)
        world.checkInvariants()
    }

    @Test func aGatewayThatIsGoneIsLeftAlone() throws {
        let (world, alice) = world()
        for user in ["bob", "carla", "dora", "emil", "fay"] { alice.say(send("hello", to: user)) }
        let places = (0..<3).compactMap { _ in world.nextNotification()?.place }
        // Three at once.
        #expect(places == [0, 1, 2] && world.nextNotification() == nil)
        for place in places { world.endNotification(place, .failed("nobody is there", isDown: true)) }
        #expect(world.nextNotification() == nil)
        // Who was not tried has lost nothing; the engine wants to be asked again by itself.
        #expect(state(world, "emil") == "waiting")
        let deadline = try #require(world.deadline)
        #expect(deadline <= world.milliseconds + 240_000)
        world.pass(seconds: 241)
        #expect((0..<4).compactMap { _ in world.nextNotification() }.count == 3)
        world.checkInvariants()
    }

    /// However many wait for a gateway that is gone, those behind them are told by another.
    @Test func nobodyWaitsForAnothersGateway() throws {
        let users = (0..<100).map { "u\($0)" }
        let world = World(users: ["alice"] + users)
        for user in users {
            #expect(world.control("user set \(user) msisdn +4917").hasPrefix("ok"))
            #expect(world.control("user set \(user) notify \(user == "u99" ? "hook" : "sms")").hasPrefix("ok"))
        }
        world.configure(NotifierRuleTests.sms + [("hook", [("bearer", "webhook"), ("url", "http://hook/")])])
        let alice = world.phone("alice", cookie: "a")
        for user in users { alice.say(send("hello", to: user)) }
        let dead = try #require(world.nextNotification())
        world.endNotification(dead.place, .failed("nobody is there", isDown: true))
        var order = world.nextNotification()
        for _ in 0..<10 where order == nil {
            world.pass(milliseconds: 50)
            order = world.nextNotification()
        }
        let hook = try #require(order)
        #expect(hook.text.contains("u99@home.test"))
        world.endNotification(hook.place, .answered(status: 200))
        // Then there is nothing to look at before the pause is over.
        for _ in 0..<10 {
            #expect(world.nextNotification() == nil)
            world.pass(milliseconds: 50)
        }
        #expect(world.nextNotification() == nil)
        #expect(try #require(world.deadline) >= world.milliseconds + 25_000)
        // Who is new is told although all the others have to wait.
        #expect(world.control("user set u99 notify sms").hasPrefix("ok"))
        world.pass(seconds: 31)
        #expect(world.nextNotification() != nil)
        world.checkInvariants()
    }

    /// To look whether somebody may be told is a write; it is done once an hour, and when the operator changed something.
    @Test func whoCannotBeToldCostsNothing() throws {
        let (world, alice) = world([("sms", NotifierRuleTests.sms[0].1 + [("consent", "client")])])
        alice.say(send("one", to: "bob"))
        #expect(world.nextNotification() == nil && state(world) == "not-told")
        alice.say(send("two", to: "bob"))
        let writes = world.control("dump")
        #expect(world.nextNotification() == nil && state(world) == "waiting")
        alice.say(send("three", to: "bob"))
        let changed = Set(world.control("dump").split(separator: "\n")).subtracting(writes.split(separator: "\n"))
        #expect(!changed.contains { $0.hasPrefix("n") || $0.hasPrefix("o\\x") }, "\(changed)")
        #expect(world.control("user set bob notify yes").hasPrefix("ok"))
        #expect(try #require(world.nextNotification()).text.contains("alice%203"))
        world.checkInvariants()
    }

    @Test func whatTheStoreLostIsToldAgain() throws {
        let (world, alice) = world()
        alice.say(send("one", to: "bob"))
        #expect(world.nextNotification(commits: false) == nil)
        let order = try #require(world.nextNotification())
        world.endNotification(order.place, .answered(status: 200), commits: false)
        // Rather twice than never.
        let again = try #require(world.nextNotification())
        world.crash()
        let third = try #require(world.nextNotification())
        #expect(third.text == again.text)
        world.endNotification(third.place, .answered(status: 200))
        world.endNotification(7, .answered(status: 200))
        world.endNotification(third.place, .answered(status: 200))
        #expect(state(world) == "sent")
        world.checkInvariants()
    }

    @Test func aClockThatWasWrongKeepsNobodyWaiting() throws {
        let (world, alice) = world()
        alice.say(send("one", to: "bob"))
        let order = try #require(world.nextNotification())
        // The gateway answers after the clock was set forward by years, and back again.
        world.milliseconds += 100_000_000_000
        world.endNotification(order.place, .answered(status: 500))
        world.milliseconds -= 100_000_000_000
        #expect(world.nextNotification() != nil)
    }

    /// Messages, people who come and go, gateways that take or do not, stores that fail, and crashes: whoever has something
    /// that he was never told of is told in the end.
    @Test(arguments: simulationSeeds(30)) func whoHasMailIsToldInTheEnd(_ seed: UInt64) throws {
        let (world, first) = world(seed: seed)
        var random = Seeded(seed)
        var alice = first
        var phones: [String: Phone] = [:]
        var places: [Int] = []
        var written = 0
        let users = ["bob", "carla", "dora", "emil", "fay"]
        for _ in 0..<200 {
            let user = users[Int.random(in: 0..<users.count, using: &random)]
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3:
                written += 1
                alice.say(send("\(written)", to: user))
            case 4:
                let phone = Phone(world, user, cookie: "\(written)")
                phone.logIn(timeToLive: 600)
                phones[user] = phone
            case 5:
                if Bool.random(using: &random) { _ = phones[user]?.receive() }
                phones[user]?.say("<Logout-Request/>")
                phones[user] = nil
            case 6...7:
                if let order = world.nextNotification(commits: Int.random(in: 0..<5, using: &random) > 0) {
                    places.append(order.place)
                }
            case 8...9:
                guard let place = places.popLast() else { continue }
                let status = [200, 202, 500, 403][Int.random(in: 0..<4, using: &random)]
                let outcome: NotificationOutcome =
                    Int.random(in: 0..<4, using: &random) == 0
                    ? .failed("gone", isDown: Bool.random(using: &random)) : .answered(status: status)
                world.endNotification(place, outcome, commits: Int.random(in: 0..<5, using: &random) > 0)
            case 10: world.pass(seconds: UInt64.random(in: 1...4000, using: &random))
            default:
                guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
                world.crash()
                places = []
                phones = [:]
                alice = world.phone("alice", cookie: "after \(written)")
            }
            if written % 8 == 0 { world.checkInvariants() }
        }
        for place in places { world.endNotification(place, .answered(status: 500)) }
        // Everybody goes, gateways work, and time passes.
        world.pass(seconds: 90_000)
        var count = 0
        while count < 100 {
            while let order = world.nextNotification() { world.endNotification(order.place, .answered(status: 200)) }
            world.pass(seconds: 3600)
            count += 1
        }
        #expect(world.count("o") == 0)
        let waiting = Set(
            world.control("user list").split(separator: "\n").filter { !$0.contains(" waiting=0 ") }
                .compactMap { $0.split(separator: " ").first })
        let lines = world.control("notifications").split(separator: "\n")
        for user in waiting where user.hasPrefix("user=") && user != "user=wv:alice@home.test" {
            let line = lines.first { $0.hasPrefix(user + " ") } ?? ""
            #expect(line.contains("state=sent") || line.contains("state=failed"), "\(user) \(line)")
        }
    }
}

/// Links that log in.
@Suite struct LoginLinkTests {
    private func world(hours: UInt64 = 24) -> World {
        let world = World(users: ["alice", "bob"]) {
            $0.pageURL = InlineBytes(Array("http://gateway/".utf8).span)!
            $0.linkSeconds = hours * 3600
        }
        #expect(world.control("user set bob msisdn +49170").hasPrefix("ok"))
        world.configure([("sms", [("bearer", "sms"), ("url", "http://sms/"), ("text", "%link")])])
        return world
    }

    /// The token of the next notification.
    private func token(_ world: World) throws -> String {
        var next = world.nextNotification()
        for _ in 0..<40 where next == nil {
            world.pass(seconds: 600)
            next = world.nextNotification()
        }
        let order = try #require(next)
        world.endNotification(order.place, .answered(status: 500))
        let match = try #require(order.text.firstMatch(of: #/m%2F([0-9a-f]{32})\.bob/#), "\(order.text)")
        return String(match.1)
    }

    private func logsIn(_ world: World, _ token: String, cookie: String = "first") -> Bool {
        field("Code", Phone(world, "bob", cookie: cookie).logIn(password: "link:" + token)) == "200"
    }

    @Test func fourHoldAtOnce() throws {
        let world = world()
        world.phone("alice", cookie: "a").say(send("hello", to: "bob"))
        var tokens: [String] = []
        for _ in 1...5 { tokens.append(try token(world)) }
        #expect(Set(tokens).count == 5 && world.count("l") == 1)
        #expect(!logsIn(world, tokens[0]))
        world.crash()
        #expect(logsIn(world, tokens[1]) && !logsIn(world, tokens[1], cookie: "second"))
        #expect(logsIn(world, tokens[4]))
    }

    @Test func aTextWithoutALinkMakesNone() {
        let world = world()
        world.configure([("sms", [("bearer", "sms"), ("url", "http://sms/"), ("text", "%sender")])])
        world.phone("alice", cookie: "a").say(send("hello", to: "bob"))
        #expect(world.nextNotification() != nil && world.count("l") == 0)
    }

    @Test func theyEnd() throws {
        let world = world(hours: 1)
        world.phone("alice", cookie: "a").say(send("hello", to: "bob"))
        let first = try token(world)
        world.pass(seconds: 3601)
        #expect(!logsIn(world, first))
        let second = try token(world)
        // Nobody knows how late it is: then once is enough.
        world.pass(seconds: 3601)
        world.clockIsTrusted = false
        #expect(logsIn(world, second))
        #expect(world.count("l") == 0)
    }
}
