@testable import IMPSEngine
import Octets
import Testing

/// Links to the question before the door: what they open, and how long.
@Suite struct AnswerLinkRuleTests {
    private func world() -> World {
        let world = World(users: ["alice", "bob"]) { $0.pageURL = InlineBytes(Array("http://gateway/".utf8).span)! }
        let added = world.control(
            "sysmsg add terms kind=login required=1 blocking=1 legacy=deny timeout=600 text=Agreed? option=1|yes|full option=2|no|deny"
        )
        #expect(added.hasPrefix("ok"), "\(added)")
        return world
    }

    /// The password that stands in the reason of a refusal.
    private func word(_ answer: String) throws -> String {
        let match = try #require(answer.firstMatch(of: #/http://gateway/q/([0-9a-f]{16})\.alice/#), "\(answer)")
        return "ask:" + match.1
    }

    private func response(_ id: String, _ option: Int) -> String {
        "<SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(id)</SystemMessageID><ChosenOptionID>\(option)</ChosenOptionID></SystemMessageResponse></SystemMessageResponseList>"
    }

    private func answerAlone(_ phone: Phone, _ id: String, _ option: Int = 1) -> String {
        phone.say(
            login(phone.user, password: "", cookie: phone.cookie, extra: response(id, option)).replacing(
                "<Password></Password>", with: ""), in: nil)
    }

    @Test func itTakesTheAnswerAndOpensNothing() throws {
        let world = world()
        let handset = Phone(world, "alice", cookie: "handset")
        let first = handset.logIn()
        #expect(field("Code", first) == "403")
        let word = try word(first)
        for step in 0..<4 {
            let page = Phone(world, "alice", version: "1.3", cookie: "page \(step)")
            let asked = page.logIn(password: word)
            #expect(page.session == nil)
            guard step < 2 else {
                // Nothing is asked any more.
                #expect(field("Code", asked) == "200" && field("SessionID", asked) == nil)
                continue
            }
            let id = try #require(field("SystemMessageID", asked))
            if step == 0 {
                // Who waits for the answer of a link stays that, whatever happens meanwhile.
                world.crash()
                continue
            }
            let answered = answerAlone(page, id)
            #expect(field("Code", answered) == "200" && field("SessionID", answered) == nil, "\(answered)")
            #expect(field("SessionID", answerAlone(page, id)) == nil)
        }
        handset.logIn()
        #expect(handset.session != nil)
        world.checkInvariants()
    }

    @Test func whoWaitedBeforeARestartStillGetsNoSession() throws {
        let world = world()
        let word = try word(Phone(world, "alice", cookie: "handset").logIn())
        let page = Phone(world, "alice", version: "1.3", cookie: "page")
        let id = try #require(field("SystemMessageID", page.logIn(password: word)))
        world.crash()
        let answered = answerAlone(page, id)
        #expect(field("Code", answered) == "200" && field("SessionID", answered) == nil, "\(answered)")
    }

    /// It is for one question: others are neither shown nor answered, whatever number somebody guesses.
    @Test func itIsForOneQuestion() throws {
        let world = world()
        let word = try word(Phone(world, "alice", cookie: "handset").logIn())
        for (name, kind) in [("tariff", "login"), ("news", "login"), ("online", "online")] {
            let needs = name == "news" ? "" : "required=1 blocking=1 option=1|yes|full option=2|no|deny"
            #expect(world.control("sysmsg add \(name) kind=\(kind) legacy=deny text=Other? \(needs)").hasPrefix("ok"))
        }
        // Somebody who can has been asked all of it.
        let other = Phone(world, "alice", version: "1.3", cookie: "other")
        let all = other.logIn()
        let ids = all.matches(of: #/<SystemMessageID>([^<]*)</#).map { String($0.1) }
        #expect(ids.count == 3, "\(all)")
        let page = Phone(world, "alice", version: "1.3", cookie: "page")
        let asked = page.logIn(password: word)
        #expect(asked.contains("Agreed?") && !asked.contains("Other?"), "\(asked)")
        let own = try #require(field("SystemMessageID", asked))
        for id in ids where id != own {
            let refused = answerAlone(page, id, 2)
            #expect(field("Code", refused) == "426", "\(refused)")
        }
        #expect(field("Code", answerAlone(page, own)) == "200")
        // What he was not shown is still asked.
        let left = Phone(world, "alice", version: "1.3", cookie: "last").logIn()
        #expect(left.contains("Other?") && !left.contains("Agreed?"))
        _ = page.logIn(password: word)
        #expect(Phone(world, "alice", version: "1.3", cookie: "last").logIn().contains("Other?"))
    }

    /// One cookie, by password and by link: the store says what memory says.
    @Test func aLoginAndALinkOfOneCookieStayWhatTheyAre() throws {
        let world = world()
        let word = try word(Phone(world, "alice", cookie: "handset").logIn())
        let phone = Phone(world, "alice", version: "1.3", cookie: "same")
        _ = phone.logIn()
        let id = try #require(field("SystemMessageID", phone.logIn(password: word)))
        world.crash()
        #expect(field("SessionID", answerAlone(phone, id)) == nil)
    }

    @Test func whatIsAskedEachTimeHasNone() {
        let world = World(users: ["alice"]) { $0.pageURL = InlineBytes(Array("http://gateway/".utf8).span)! }
        let added = world.control(
            "sysmsg add terms kind=login policy=every-login required=1 blocking=1 legacy=deny text=Agreed? option=1|yes|full"
        )
        #expect(added.hasPrefix("ok"))
        let refused = Phone(world, "alice", cookie: "handset").logIn()
        #expect(field("Code", refused) == "403" && !refused.contains("/q/"))
    }

    @Test func itEndsWithTheQuestionAndThePassword() throws {
        let world = world()
        let handset = Phone(world, "alice", cookie: "handset")
        func isAsked(_ word: String) -> Bool {
            Phone(world, "alice", version: "1.3", cookie: "page").logIn(password: word).contains("SystemMessageID")
        }
        let first = try word(handset.logIn())
        #expect(isAsked(first) && !isAsked(String(first.dropFirst(4))))
        #expect(world.control("sysmsg renew terms").hasPrefix("ok"))
        let second = try word(handset.logIn())
        #expect(!isAsked(first) && isAsked(second))
        #expect(world.control("user passwd alice digest another-one").hasPrefix("ok"))
        #expect(!isAsked(second))
        let third = try word(handset.logIn(password: "another-one"))
        #expect(isAsked(third))
        #expect(world.control("sysmsg end terms").hasPrefix("ok"))
        #expect(field("Code", Phone(world, "alice", version: "1.3", cookie: "page").logIn(password: third)) == "409")
        // Nobody can be made to believe in another one's.
        #expect(field("Code", Phone(world, "bob", version: "1.3", cookie: "page").logIn(password: first)) == "409")
    }
}
