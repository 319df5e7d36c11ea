import Testing

/// Contact lists, presence, permission and blocking, as two phones see them.
@Suite struct PeopleTests {
    static func list(_ user: String, _ name: String) -> String {
        "<ContactList>wv:\(user)/\(name)@home.test</ContactList>"
    }

    static func user(_ name: String) -> String { "<User><UserID>wv:\(name)@home.test</UserID></User>" }

    static func id(_ name: String) -> String { "<UserID>wv:\(name)@home.test</UserID>" }

    static func create(_ owner: String, _ name: String, _ contacts: [String] = []) -> String {
        let nicks = contacts.map { "<NickName><Name>\($0)!</Name>\(id($0))</NickName>" }.joined()
        return "<CreateList-Request>\(list(owner, name))<NickList>\(nicks)</NickList></CreateList-Request>"
    }

    static func subscribe(_ owner: String, _ name: String) -> String {
        "<SubscribePresence-Request>\(list(owner, name))<AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>"
    }

    /// Lets everybody see what is named.
    static func open(_ attributes: String) -> String {
        let elements = attributes.split(separator: " ").map { "<\($0)/>" }.joined()
        return
            "<CreateAttributeList-Request><PresenceSubList>\(elements)</PresenceSubList><DefaultList>T</DefaultList></CreateAttributeList-Request>"
    }

    static func update(_ attributes: String) -> String {
        "<UpdatePresence-Request><PresenceSubList>\(attributes)</PresenceSubList></UpdatePresence-Request>"
    }

    static func value(_ attribute: String, _ value: String) -> String {
        "<\(attribute)><Qualifier>T</Qualifier><PresenceValue>\(value)</PresenceValue></\(attribute)>"
    }

    static func online(_ value: String) -> String { Self.value("OnlineStatus", value) }

    static let unknown = "<OnlineStatus><Qualifier>F</Qualifier></OnlineStatus>"

    /// The presence of each user in a notification; nil when a delivery is none.
    static func presence(_ delivery: String) -> [String: String]? {
        guard delivery.contains("<PresenceNotification-Request>") else { return nil }
        var presence: [String: String] = [:]
        for part in delivery.split(separator: "<Presence>").dropFirst() {
            let text = String(part)
            guard let id = field("UserID", text) else { continue }
            let body = text.split(separator: ">", maxSplits: 3).last.map(String.init) ?? ""
            let user = id.dropFirst(3).split(separator: "@")[0]
            presence[String(user)] = String(body.split(separator: "</PresenceSubList>")[0])
        }
        return presence
    }

    /// What a phone is told of others until nothing waits, the newest of each.
    static func told(_ phone: Phone) -> [String: String] {
        var told: [String: String] = [:]
        for _ in 0..<20 {
            let delivery = phone.delivery()
            if delivery.isEmpty { break }
            if let presence = presence(delivery) { told.merge(presence) { $1 } }
            phone.close(delivery)
        }
        return told
    }

    // MARK: Lists

    @Test func listsAreKeptAsTheyWereMade() {
        let world = World(users: ["alice", "bob", "carol"])
        let alice = world.phone("alice")
        #expect(field("Code", alice.say(Self.create("alice", "Friends", ["bob"]))) == "200")
        #expect(field("Code", alice.say(Self.create("alice", "FRIENDS"))) == "701")
        #expect(field("Code", alice.say(Self.create("alice", "Work"))) == "200")
        world.crash()
        let lists = alice.say("<GetList-Request/>")
        #expect(field("DefaultContactList", lists) == "wv:alice/Friends@home.test")
        #expect(field("ContactList", lists) == "wv:alice/Work@home.test")
        let read = alice.say(
            "<ListManage-Request>\(Self.list("alice", "friends"))<ReceiveList>T</ReceiveList></ListManage-Request>")
        #expect(read.contains("<NickName><Name>bob!</Name><UserID>wv:bob@home.test</UserID></NickName>"))
        #expect(
            field("Code", alice.say("<DeleteList-Request>\(Self.list("alice", "friends"))</DeleteList-Request>"))
                == "200")
        #expect(field("DefaultContactList", alice.say("<GetList-Request/>")) == "wv:alice/Work@home.test")
        #expect(
            field("Code", alice.say("<DeleteList-Request>\(Self.list("alice", "friends"))</DeleteList-Request>"))
                == "700")
        #expect(field("Code", alice.say(Self.create("bob", "mine"))) == "403")
        #expect(
            field("Code", alice.say("<CreateList-Request><ContactList>friends</ContactList></CreateList-Request>"))
                == "402")
    }

    @Test func whoCannotBeAddedIsNamed() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        alice.say(Self.create("alice", "l"))
        func add(_ names: [String]) -> String {
            let nicks = names.map(Self.id).joined()
            return alice.say(
                "<ListManage-Request>\(Self.list("alice", "l"))<ReceiveList>T</ReceiveList><AddNickList>\(nicks)</AddNickList></ListManage-Request>"
            )
        }
        let some = add(["bob", "nobody"])
        #expect(field("Code", some) == "201")
        #expect(some.contains("<DetailedResult><Code>531</Code>"))
        #expect(some.contains("<UserID>wv:nobody@home.test</UserID></DetailedResult>"))
        #expect(some.contains("<NickList><UserID>wv:bob@home.test</UserID></NickList>"))
        #expect(field("Code", add(["nobody", "noone"])) == "531")
        #expect(field("Code", add(["bob"])) == "200")
        let gone = alice.say(
            "<ListManage-Request>\(Self.list("alice", "l"))<ReceiveList>T</ReceiveList><RemoveNickList>\(Self.id("bob"))\(Self.id("bob"))</RemoveNickList></ListManage-Request>"
        )
        #expect(field("Code", gone) == "200")
        #expect(gone.contains("<NickList></NickList>"))
    }

    @Test func listsAndContactsHaveLimits() {
        let users = (0..<6).map { "user\($0)" }
        let world = World(users: ["alice"] + users) {
            $0.contactListsMax = 2
            $0.contactsMax = 4
        }
        let alice = world.phone("alice")
        let first = alice.say(Self.create("alice", "a", users))
        #expect(field("Code", first) == "201")
        #expect(first.contains("<Code>754</Code>"))
        alice.say(Self.create("alice", "b"))
        #expect(field("Code", alice.say(Self.create("alice", "c"))) == "753")
        let full = alice.say(
            "<ListManage-Request>\(Self.list("alice", "b"))<AddNickList>\(Self.id("user5"))</AddNickList></ListManage-Request>"
        )
        #expect(field("Code", full) == "754")
    }

    // MARK: Presence

    @Test func whoIsPermittedSeesWhoComesAndGoes() {
        let world = World(users: ["alice", "bob"])
        let bob = world.phone("bob")
        bob.say(Self.open("OnlineStatus StatusText"))
        bob.say(Self.update(Self.value("StatusText", "busy") + Self.value("StatusMood", "HAPPY")))
        bob.say("<Logout-Request/>")
        let alice = world.phone("alice")
        alice.say(Self.create("alice", "l", ["bob"]))
        #expect(field("Code", alice.say(Self.subscribe("alice", "l"))) == "200")
        #expect(Self.told(alice) == ["bob": Self.online("F") + Self.value("StatusText", "busy")])
        bob.logIn()
        #expect(Self.told(alice) == ["bob": Self.online("T") + Self.value("StatusText", "busy")])
        bob.say(Self.update(Self.value("StatusText", "")))
        #expect(Self.told(alice)["bob"] == Self.online("T") + Self.value("StatusText", ""))
        // What she may not see does not show, not even that it changed.
        bob.say(Self.update(Self.value("StatusMood", "SAD")))
        #expect(Self.told(alice) == [:])
        // The same again is no change.
        bob.say(Self.update(Self.value("StatusText", "")))
        #expect(Self.told(alice) == [:])
        // Invisible, and back.
        bob.say(Self.update(Self.online("F")))
        #expect(Self.told(alice)["bob"]?.hasPrefix(Self.online("F")) == true)
        bob.say(Self.update(Self.online("T")))
        #expect(Self.told(alice)["bob"]?.hasPrefix(Self.online("T")) == true)
        bob.say("<Logout-Request/>")
        #expect(Self.told(alice)["bob"]?.hasPrefix(Self.online("F")) == true)
    }

    @Test func aLostSessionIsSeenToEnd() {
        let world = World(users: ["alice", "bob"])
        let bob = Phone(world, "bob")
        bob.logIn(timeToLive: 60)
        bob.say(Self.open("OnlineStatus"))
        let alice = world.phone("alice")
        alice.say(Self.create("alice", "l", ["bob"]))
        alice.say(Self.subscribe("alice", "l"))
        #expect(Self.told(alice) == ["bob": Self.online("T")])
        world.crash()
        #expect(Self.told(alice) == ["bob": Self.online("T")])
        world.pass(seconds: 200)
        #expect(Self.told(alice) == ["bob": Self.online("F")])
    }

    @Test func withoutPermissionNothingIsSeenUntilItIsGiven() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(Self.update(Self.value("StatusText", "busy")))
        alice.say(Self.create("alice", "l", ["bob"]))
        alice.say(Self.subscribe("alice", "l"))
        #expect(Self.told(alice) == ["bob": Self.unknown])
        // He is told that he is on a list, and asked.
        var question = ""
        for _ in 0..<5 where !question.contains("PresenceAuth") {
            question = bob.delivery()
            bob.close(question)
        }
        #expect(field("UserID", question) == "wv:alice@home.test")
        bob.say(Self.update(Self.value("StatusText", "free")))
        #expect(Self.told(alice) == [:])
        let status = "<GetReactiveAuthStatus-Request>\(Self.id("alice"))</GetReactiveAuthStatus-Request>"
        #expect(field("ReactiveAuthState", bob.say(status)) == "PENDING")
        // A restart asks again; once in each session.
        world.crash()
        bob.say("<PresenceAuth-User>\(Self.id("alice"))<Acceptance>T</Acceptance></PresenceAuth-User>")
        #expect(field("ReactiveAuthState", bob.say(status)) == "GRANTED")
        #expect(Self.told(alice)["bob"]?.contains("free") == true)
        bob.say("<CancelAuth-Request>\(Self.id("alice"))</CancelAuth-Request>")
        #expect(Self.told(alice) == ["bob": Self.unknown])
        bob.say("<PresenceAuth-User>\(Self.id("alice"))<Acceptance>F</Acceptance></PresenceAuth-User>")
        alice.say("<Logout-Request/>")
        alice.logIn()
        alice.say(Self.subscribe("alice", "l"))
        #expect(Self.told(alice) == ["bob": Self.unknown])
        #expect(!bob.delivery().contains("PresenceAuth"))
    }

    @Test func aBlockedWatcherSeesAndSendsNothing() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        let bob = world.phone("bob")
        bob.say(Self.open("OnlineStatus"))
        alice.say("<SubscribePresence-Request>\(Self.user("bob"))</SubscribePresence-Request>")
        #expect(Self.told(alice) == ["bob": Self.online("T")])
        func block(_ change: String, _ inUse: String = "T") {
            bob.say(
                "<BlockEntity-Request><BlockList><InUse>\(inUse)</InUse><\(change)>\(Self.id("alice"))</\(change)></BlockList></BlockEntity-Request>"
            )
        }
        block("AddList")
        #expect(Self.told(alice) == ["bob": Self.unknown])
        #expect(field("Code", alice.say(send("hello", to: "bob"))) == "532")
        bob.say("<Logout-Request/>")
        bob.logIn()
        #expect(Self.told(alice) == [:])
        let listed = bob.say("<GetBlockedList-Request/>")
        #expect(listed.contains("<BlockList><InUse>T</InUse><EntityList><UserID>wv:alice@home.test</UserID>"))
        block("RemoveList")
        #expect(Self.told(alice) == ["bob": Self.online("T")])
        #expect(field("Code", alice.say(send("hello", to: "bob"))) == "200")
        bob.say("<BlockEntity-Request><GrantList><InUse>T</InUse></GrantList></BlockEntity-Request>")
        #expect(field("Code", alice.say(send("hello", to: "bob"))) == "532")
        bob.say(
            "<BlockEntity-Request><GrantList><AddList>\(Self.id("alice"))</AddList></GrantList></BlockEntity-Request>")
        #expect(field("Code", alice.say(send("hello", to: "bob"))) == "200")
    }

    @Test func manyChangesAreToldOnceAndNothingIsLost() {
        let users = (0..<60).map { "user\($0)" }
        let world = World(users: ["alice"] + users)
        var phones: [Phone] = []
        for user in users {
            let phone = world.phone(user)
            phone.say(Self.open("OnlineStatus StatusText"))
            phones.append(phone)
        }
        let alice = world.phone("alice")
        alice.say(Self.create("alice", "l", users))
        alice.say(Self.subscribe("alice", "l"))
        for round in 0..<3 {
            for phone in phones { phone.say(Self.update(Self.value("StatusText", "round \(round)"))) }
        }
        let told = Self.told(alice)
        #expect(told.count == 60)
        for user in users { #expect(told[user] == Self.online("T") + Self.value("StatusText", "round 2")) }
    }

    @Test func aNotificationThatIsLostIsRepeated() {
        let world = World(users: ["alice", "bob"])
        let bob = world.phone("bob")
        bob.say(Self.open("OnlineStatus StatusText"))
        let alice = world.phone("alice")
        alice.say("<SubscribePresence-Request>\(Self.user("bob"))</SubscribePresence-Request>")
        let first = alice.delivery()
        #expect(Self.presence(first) != nil)
        #expect(alice.delivery().isEmpty)
        // A message does not wait for it.
        bob.say(send("hello", to: "alice"))
        #expect(alice.receive() == "hello")
        bob.say(Self.update(Self.value("StatusText", "new")))
        world.pass(seconds: 31)
        #expect(Self.told(alice)["bob"]?.contains("new") == true)
        #expect(Self.told(alice) == [:])
    }

    @Test func nobodyIsSeenBeforeHisQuestionIsSettled() {
        let world = World(users: ["alice", "bob"])
        let alice = world.phone("alice")
        world.phone("bob").say(Self.open("OnlineStatus"))
        #expect(world.control("disconnect bob").hasPrefix("ok"))
        alice.say("<SubscribePresence-Request>\(Self.user("bob"))</SubscribePresence-Request>")
        #expect(Self.told(alice) == ["bob": Self.online("F")])
        #expect(
            world.control(
                "sysmsg add terms kind=login text=Terms? required=1 blocking=1 audience=user:bob legacy=limited option=1|Yes|full option=2|No|deny"
            ).hasPrefix("ok"))
        let bob = Phone(world, "bob", cookie: "d")
        bob.logIn()
        #expect(bob.session != nil)
        bob.say(Self.update(Self.value("StatusText", "here")))
        #expect(Self.told(alice) == [:])
        // What he subscribes to before he answers he is told of afterwards.
        alice.say(Self.open("OnlineStatus"))
        #expect(
            field("Code", bob.say("<SubscribePresence-Request>\(Self.user("alice"))</SubscribePresence-Request>"))
                == "200")
        #expect(Self.told(bob) == [:])
        bob.say(send("1", to: "wv:system@home.test"))
        #expect(Self.told(alice) == ["bob": Self.online("T")])
        #expect(Self.told(bob) == ["alice": Self.online("T")])
    }

    @Test func whatIsReadOfOneselfIsComplete() {
        let world = World(users: ["alice"])
        let alice = world.phone("alice")
        let get = "<GetPresence-Request>\(Self.user("alice"))</GetPresence-Request>"
        #expect(alice.say(get).contains(Self.online("T") + Self.value("Alias", "alice")))
        alice.say(
            Self.update(
                "<ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType><Model>x</Model></ClientInfo><Vendor><Deep>1</Deep></Vendor><OnlineStatus><Qualifier>T</Qualifier></OnlineStatus>"
                    + "<CommCap><Qualifier>T</Qualifier><CommC><Cap>IM</Cap><Status>OPEN</Status></CommC><CommC><Cap>SMS</Cap><Status>CLOSED</Status></CommC></CommCap>"
            ))
        let read = alice.say(get)
        #expect(
            read.contains(
                "<ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType><Model>x</Model></ClientInfo>"
            ))
        #expect(
            read.contains(
                "<CommC><Cap>IM</Cap><Status>OPEN</Status></CommC><CommC><Cap>SMS</Cap><Status>CLOSED</Status></CommC>")
        )
        #expect(!read.contains("Vendor"))
        #expect(field("Code", alice.say(Self.update(Self.value("UserAvailability", "GONE")))) == "751")
        #expect(
            field("Code", alice.say(Self.update(Self.value("StatusText", "x") + Self.value("StatusMood", "ODD"))))
                == "751")
        // Nothing of a refused one is kept.
        #expect(!alice.say(get).contains("StatusText"))
    }

    // MARK: Notices

    @Test func whoIsAddedIsToldOncePerPair() {
        let world = World(users: ["alice", "bob", "carol"])
        let alice = Phone(world, "alice", version: "1.3")
        alice.logIn()
        alice.say("<Service-Request><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>")
        let bob = world.phone("bob")
        let carol = world.phone("carol")
        bob.say(Self.create("bob", "l", ["alice"]))
        carol.say(Self.create("carol", "l", ["alice"]))
        let first = alice.delivery()
        #expect(field("SystemMessageText", first) == "wv:bob@home.test added you to a contact list.")
        alice.close(first)
        let answer = alice.say(
            "<SystemMessage-User>\(Phone.answer(field("SystemMessageID", first)!, 1))</SystemMessage-User>")
        #expect(field("Code", answer) == "200")
        let second = alice.delivery()
        #expect(field("SystemMessageText", second) == "wv:carol@home.test added you to a contact list.")
        alice.close(second)
        alice.say("<SystemMessage-User>\(Phone.answer(field("SystemMessageID", second)!, 2))</SystemMessage-User>")
        let lists = alice.say("<GetList-Request/>")
        #expect(field("DefaultContactList", lists) == "wv:alice/contacts@home.test")
        let read = alice.say(
            "<ListManage-Request>\(Self.list("alice", "contacts"))<ReceiveList>T</ReceiveList></ListManage-Request>")
        #expect(read.contains("wv:bob@home.test") && !read.contains("carol"))
        bob.say("<DeleteList-Request>\(Self.list("bob", "l"))</DeleteList-Request>")
        bob.say(Self.create("bob", "l", ["alice"]))
        #expect(alice.delivery() == "")
    }

    // MARK: Search and names

    @Test func accountsAreFoundByParts() {
        let world = World(users: ["alice", "bob", "bobby"])
        #expect(world.control("user set bob msisdn +491700000001").hasPrefix("ok"))
        let alice = world.phone("alice")
        func search(_ element: String, _ text: String, limit: Int = 10) -> String {
            alice.say(
                "<Search-Request><SearchPairList><SearchElement>\(element)</SearchElement><SearchString>\(text)</SearchString></SearchPairList><SearchLimit>\(limit)</SearchLimit></Search-Request>"
            )
        }
        let all = search("USER_ID", "BOB")
        #expect(field("SearchFindings", all) == "2" && field("CompletionFlag", all) == "T")
        #expect(all.contains("wv:bob@home.test") && all.contains("wv:bobby@home.test"))
        let number = search("USER_MOBILE_NUMBER", "0000001")
        #expect(number.contains("<UserList><User><UserID>wv:bob@home.test</UserID></User></UserList>"))
        let part = search("USER_ID", "b", limit: 1)
        #expect(field("CompletionFlag", part) == "F" && field("SearchIndex", part) == "1")
        let next =
            "<Search-Request><SearchID>\(field("SearchID", part)!)</SearchID><SearchIndex>2</SearchIndex></Search-Request>"
        let rest = alice.say(next)
        #expect(rest.contains("wv:bobby@home.test") && field("CompletionFlag", rest) == "T")
        // The same again, because the answer was lost.
        #expect(alice.say(next).contains("wv:bobby@home.test"))
        let end = next.replacing("<SearchIndex>2", with: "<SearchIndex>3")
        #expect(field("Code", alice.say(end)) == "425")
        // Nobody finds a number out digit by digit.
        #expect(field("SearchFindings", search("USER_MOBILE_NUMBER", "+4917")) == "0")
        #expect(field("Code", search("USER_ID", "")) == "537")
        #expect(field("Code", search("GROUP_NAME", "x")) == nil)
        #expect(world.control("user set bob searchable no").hasPrefix("ok"))
        #expect(field("SearchFindings", search("USER_ID", "bob")) == "1")
        let verified = alice.say(
            "<VerifyID-Request><IDList>\(Self.id("bob"))\(Self.id("nobody"))</IDList></VerifyID-Request>")
        #expect(field("Code", verified) == "201" && verified.contains("<Code>531</Code>"))
    }
}
