import Foundation
import Harness
import Testing

/// Contact lists, presence, permission, blocking, search, as clients see them. Each test is named after its row in
/// README.md. Source: protocol/primitives.md §2 to §5, §9, §10.
@Suite struct PeopleTests {
    static let syntaxes = ["xml", "wbxml"]

    private func client(_ engine: EngineProcess, _ user: String, _ version: String, _ syntax: String) throws -> Client {
        let client = try engine.client(user, version)
        client.syntax = syntax
        #expect(try client.logIn().code == 200)
        return client
    }

    private func list(_ user: String, _ name: String) -> String {
        "<ContactList>wv:\(user)/\(name)@home.test</ContactList>"
    }

    private func id(_ user: String) -> String { "<UserID>wv:\(user)@home.test</UserID>" }

    private func nick(_ user: String, _ name: String) -> String {
        "<NickName><Name>\(name)</Name>\(id(user))</NickName>"
    }

    private func user(_ user: String) -> String { "<User>\(id(user))</User>" }

    private func namespace(_ version: String) -> String {
        switch version {
        case "1.1": return "http://www.wireless-village.org/PA1.1"
        case "1.2": return "http://www.openmobilealliance.org/DTD/WV-PA1.2"
        default: return "http://www.openmobilealliance.org/DTD/IMPS-PA1.3"
        }
    }

    private func attributes(_ client: Client, _ content: String) -> String {
        "<PresenceSubList xmlns=\"\(namespace(client.version))\">\(content)</PresenceSubList>"
    }

    private func value(_ name: String, _ value: String) -> String {
        "<\(name)><Qualifier>T</Qualifier><PresenceValue>\(value)</PresenceValue></\(name)>"
    }

    /// Lets everybody see what is named.
    private func open(_ client: Client, _ names: String...) throws {
        let list = attributes(client, names.map { "<\($0)/>" }.joined())
        let reply = try client.request(
            "<CreateAttributeList-Request>\(list)<DefaultList>T</DefaultList></CreateAttributeList-Request>")
        #expect(reply.code == 200)
    }

    private func update(_ client: Client, _ content: String) throws -> Int {
        try client.request(
            "<UpdatePresence-Request>\(attributes(client, content))</UpdatePresence-Request>"
        ).code
    }

    /// Subscribes to a list as the version does.
    private func subscribe(_ client: Client, _ list: String, auto: String = "T") throws -> Int {
        let automatic = client.version == "1.1" ? "" : "<AutoSubscribe>\(auto)</AutoSubscribe>"
        return try client.request("<SubscribePresence-Request>\(list)\(automatic)</SubscribePresence-Request>").code
    }

    /// What a client is told of others until nothing waits: the newest of each.
    private func told(_ client: Client) throws -> [String: Element] {
        var told: [String: Element] = [:]
        for reply in try client.receiveAll() where reply.name == "PresenceNotification-Request" {
            for presence in reply.primitive?.all("Presence") ?? [] {
                told[presence["UserID"]?.text ?? ""] = presence["PresenceSubList"]
            }
        }
        return told
    }

    private func isOnline(_ list: Element?) -> String? {
        guard list?["OnlineStatus/Qualifier"]?.text == "T" else { return list == nil ? nil : "?" }
        return list?["OnlineStatus/PresenceValue"]?.text
    }

    // MARK: Contact lists

    @Test(arguments: versions, syntaxes) func p1ListsHaveAMakerADefaultAndAnEnd(version: String, syntax: String) throws
    {
        let engine = try EngineProcess()
        let alice = try client(engine, "alice", version, syntax)
        let made = try alice.request(
            "<CreateList-Request>\(list("alice", "Friends"))<NickList>\(nick("bob", "Bobby"))</NickList><ContactListProperties><Property><Name>DisplayName</Name><Value>My friends</Value></Property></ContactListProperties></CreateList-Request>"
        )
        #expect(made.code == 200)
        #expect(try alice.request("<CreateList-Request>\(list("alice", "friends"))</CreateList-Request>").code == 701)
        #expect(try alice.request("<CreateList-Request>\(list("bob", "x"))</CreateList-Request>").code == 403)
        #expect(
            try alice.request("<CreateList-Request><ContactList>x</ContactList></CreateList-Request>").code == 402)
        #expect(try alice.request("<CreateList-Request>\(list("alice", "Work"))</CreateList-Request>").code == 200)
        try engine.restart()
        alice.connection = try engine.connect()
        let lists = try alice.request("<GetList-Request/>")
        #expect(lists.primitive?["DefaultContactList"]?.text == "wv:alice/Friends@home.test")
        #expect(lists.primitive?.all("ContactList").map(\.text) == ["wv:alice/Work@home.test"])
        #expect(try alice.request("<DeleteList-Request>\(list("alice", "FRIENDS"))</DeleteList-Request>").code == 200)
        #expect(try alice.request("<DeleteList-Request>\(list("alice", "Friends"))</DeleteList-Request>").code == 700)
        let left = try alice.request("<GetList-Request/>")
        #expect(left.primitive?.childNames == ["DefaultContactList"])
        #expect(left.primitive?["DefaultContactList"]?.text == "wv:alice/Work@home.test")
    }

    @Test(arguments: versions, syntaxes) func p2AListIsManagedInTheFormsOfTheVersion(version: String, syntax: String)
        throws
    {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let alice = try client(engine, "alice", version, syntax)
        _ = try alice.request("<CreateList-Request>\(list("alice", "l"))</CreateList-Request>")
        func manage(_ operation: String, receive: String = "T") throws -> Reply {
            let receives = version == "1.1" ? "" : "<ReceiveList>\(receive)</ReceiveList>"
            return try alice.request(
                "<ListManage-Request>\(list("alice", "l"))\(receives)\(operation)</ListManage-Request>")
        }
        let added = try manage("<AddNickList>\(nick("bob", "Bobby"))\(id("carol"))</AddNickList>")
        #expect(added.name == "ListManage-Response" && added.code == 200)
        #expect(added.primitive?.childNames == ["Result", "NickList"])
        #expect(added.primitive?["NickList/NickName/Name"]?.text == "Bobby")
        #expect(
            added.primitive?["NickList"]?.childNames
                == (version == "1.1" ? ["NickName", "NickName"] : ["NickName", "UserID"]))
        if version == "1.1" { #expect(added.primitive?["NickList"]?.children.last?["Name"]?.text == "carol") }
        let read = try manage("")
        #expect(read.primitive?.childNames == ["Result", "NickList", "ContactListProperties"])
        let changed = try manage(
            "<ContactListProperties><Property><Name>DisplayName</Name><Value>Mine</Value></Property><Property><Name>Default</Name><Value>T</Value></Property></ContactListProperties>",
            receive: "F")
        #expect(changed.primitive?.childNames == ["Result", "ContactListProperties"])
        #expect(changed.primitive?["ContactListProperties/Property/Value"]?.text == "Mine")
        #expect(
            try manage("<ContactListProperties><Property><Name>Colour</Name></Property></ContactListProperties>").code
                == 752)
        if version > "1.1" {
            #expect(
                try manage("<RemoveNickList>\(id("carol"))</RemoveNickList>", receive: "F").primitive?.childNames == [
                    "Result"
                ])
        } else {
            _ = try manage("<RemoveNickList>\(id("carol"))</RemoveNickList>")
        }
        let gone = try manage("<RemoveNickList>\(id("bob"))\(id("bob"))</RemoveNickList>")
        #expect(gone.code == 200)
        #expect(gone.primitive?["NickList"]?.children.isEmpty == true)
        #expect(try alice.request("<ListManage-Request>\(list("alice", "none"))</ListManage-Request>").code == 700)
    }

    @Test(arguments: versions) func p3WhoCannotBeAddedIsNamedAndThereAreLimits(version: String) throws {
        let users = (0..<5).map { "user\($0)" }
        let engine = try EngineProcess(["contact_lists_max": "2", "contacts_max": "4"], users: ["alice"] + users)
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let some = try alice.request(
            "<CreateList-Request>\(list("alice", "a"))<NickList>\(nick("user0", "u"))\(nick("nobody", "n"))<NickName><Name>f</Name><UserID>wv:x@else.test</UserID></NickName></NickList></CreateList-Request>"
        )
        #expect(some.code == 201)
        let details = some.primitive?["Result"]?.all("DetailedResult") ?? []
        #expect(details.map { $0["Code"]?.number } == [531, 516])
        #expect(details.map { $0["UserID"]?.text } == ["wv:nobody@home.test", "wv:x@else.test"])
        func add(_ users: [String]) throws -> Reply {
            try alice.request(
                "<ListManage-Request>\(list("alice", "a"))<AddNickList>\(users.map(id).joined())</AddNickList></ListManage-Request>"
            )
        }
        #expect(try add(["nobody"]).code == 531)
        #expect(try add(["user1", "user2", "user3", "user4"]).primitive?["Result/DetailedResult/Code"]?.number == 754)
        #expect(try add(["user4"]).code == 754)
        #expect(try alice.request("<CreateList-Request>\(list("alice", "b"))</CreateList-Request>").code == 200)
        #expect(try alice.request("<CreateList-Request>\(list("alice", "c"))</CreateList-Request>").code == 753)
    }

    // MARK: Permission

    @Test(arguments: versions, syntaxes) func p4AttributeListsSayWhatOthersSee(version: String, syntax: String) throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let bob = try client(engine, "bob", version, syntax)
        let alice = try client(engine, "alice", version, syntax)
        #expect(try update(bob, value("StatusText", "busy") + value("Alias", "Bobby")) == 200)
        func seen() throws -> [String]? {
            let reply = try alice.request("<GetPresence-Request>\(user("bob"))</GetPresence-Request>")
            return reply.primitive?["Presence/PresenceSubList"]?.children.filter { $0["Qualifier"]?.text == "T" }
                .map(\.name)
        }
        #expect(try seen() == [])
        try open(bob, "OnlineStatus")
        #expect(try seen() == ["OnlineStatus"])
        _ = try bob.request(
            "<CreateList-Request>\(list("bob", "l"))<NickList>\(nick("alice", "a"))</NickList></CreateList-Request>")
        let ofList = attributes(bob, "<StatusText/>")
        #expect(
            try bob.request(
                "<CreateAttributeList-Request>\(ofList)\(list("bob", "l"))<DefaultList>F</DefaultList></CreateAttributeList-Request>"
            ).code == 200)
        #expect(try seen() == ["StatusText"])
        let ofUser = attributes(bob, "<Alias/>")
        #expect(
            try bob.request(
                "<CreateAttributeList-Request>\(ofUser)<UserID>alice</UserID><DefaultList>F</DefaultList></CreateAttributeList-Request>"
            ).code == 200)
        #expect(try seen() == ["Alias"])
        let all = try bob.request("<GetAttributeList-Request><DefaultList>T</DefaultList></GetAttributeList-Request>")
        #expect(all.mode == "Response" && all.code == 200)
        #expect(all.primitive?["DefaultAttributeList/PresenceSubList"]?.childNames == ["OnlineStatus"])
        #expect(
            all.primitive?.all("Presence").compactMap { $0["UserID"]?.text ?? $0["ContactList"]?.text } == [
                "wv:bob/l@home.test", "wv:alice@home.test",
            ])
        #expect(
            try bob.request(
                "<GetAttributeList-Request><DefaultList>F</DefaultList>\(user("nobody"))</GetAttributeList-Request>"
            ).code == 531)
        let delete =
            "<DeleteAttributeList-Request>\(id("alice"))<DefaultList>F</DefaultList></DeleteAttributeList-Request>"
        for _ in 0..<2 { #expect(try bob.request(delete).code == 200) }
        #expect(try seen() == ["StatusText"])
        // An empty one shows nothing.
        let none = attributes(bob, "")
        _ = try bob.request(
            "<CreateAttributeList-Request>\(none)\(id("alice"))<DefaultList>F</DefaultList></CreateAttributeList-Request>"
        )
        #expect(try seen() == [])
        #expect(
            try bob.request(
                "<CreateAttributeList-Request>\(attributes(bob, "<Code>1</Code>"))<DefaultList>T</DefaultList></CreateAttributeList-Request>"
            ).code == 750)
    }

    @Test(arguments: versions, syntaxes) func p9WhoIsAskedDecides(version: String, syntax: String) throws {
        let engine = try EngineProcess()
        let alice = try client(engine, "alice", version, syntax)
        let subscribe =
            "<SubscribePresence-Request>\(user("bob"))\(attributes(alice, "<OnlineStatus/><StatusText/>"))\(version == "1.1" ? "" : "<AutoSubscribe>F</AutoSubscribe>")</SubscribePresence-Request>"
        #expect(try alice.request(subscribe).code == 200)
        #expect(try alice.request(subscribe).code == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "?")
        // Bob was away: he is asked when he comes, in each session until he says so.
        var bob = try client(engine, "bob", version, syntax)
        let question = try #require(try bob.receiveAllUntil("PresenceAuth-Request"))
        #expect(question.primitive?["UserID"]?.text == "wv:alice@home.test")
        #expect(question.primitive?["PresenceSubList"]?.childNames == ["OnlineStatus", "StatusText"])
        _ = try bob.respond(to: question, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(try bob.poll() == nil)
        try bob.logOut()
        try engine.restart()
        alice.connection = try engine.connect()
        bob = try client(engine, "bob", version, syntax)
        let again = try #require(try bob.receiveAllUntil("PresenceAuth-Request"))
        let yes = "<PresenceAuth-User>\(id("alice"))<Acceptance>T</Acceptance></PresenceAuth-User>"
        // 1.1 answers with it; others say it by themselves.
        if version == "1.1" {
            _ = try bob.respond(to: again, yes)
        } else {
            _ = try bob.respond(to: again, "<Status><Result><Code>200</Code></Result></Status>")
            #expect(try bob.request(yes).code == 200)
        }
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "T")
        if version != "1.1" {
            let status = try bob.request(
                "<GetReactiveAuthStatus-Request>\(id("alice"))</GetReactiveAuthStatus-Request>")
            #expect(
                status.primitive?["ReactiveAuthStatusList/ReactiveAuthStatus/ReactiveAuthState"]?.text == "GRANTED")
        }
        #expect(try bob.request("<CancelAuth-Request>\(id("alice"))</CancelAuth-Request>").code == 200)
        #expect(try bob.request("<CancelAuth-Request>\(id("alice"))</CancelAuth-Request>").code == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "?")
        #expect(
            try bob.request("<PresenceAuth-User>\(id("nobody"))<Acceptance>T</Acceptance></PresenceAuth-User>").code
                == 531)
        // Who said no is not asked again.
        _ = try bob.request("<PresenceAuth-User>\(id("alice"))<Acceptance>F</Acceptance></PresenceAuth-User>")
        #expect(try alice.request(subscribe).code == 200)
        #expect(try bob.poll() == nil)
    }

    // MARK: Presence

    @Test(arguments: versions, syntaxes) func p5SubscriptionsAreToUsersAndLists(version: String, syntax: String) throws
    {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let bob = try client(engine, "bob", version, syntax)
        let carol = try client(engine, "carol", version, syntax)
        for other in [bob, carol] { try open(other, "OnlineStatus") }
        let alice = try client(engine, "alice", version, syntax)
        _ = try alice.request(
            "<CreateList-Request>\(list("alice", "l"))<NickList>\(nick("bob", "b"))</NickList></CreateList-Request>")
        #expect(try subscribe(alice, list("alice", "l")) == 200)
        #expect(try told(alice).mapValues { isOnline($0) } == ["wv:bob@home.test": "T"])
        let add = "<AddNickList>\(nick("carol", "c"))</AddNickList>"
        _ = try alice.request("<ListManage-Request>\(list("alice", "l"))\(add)</ListManage-Request>")
        // In 1.1, it is who was on the list then.
        #expect(try told(alice).keys.sorted() == (version == "1.1" ? [] : ["wv:carol@home.test"]))
        #expect(
            try alice.request("<UnsubscribePresence-Request>\(list("alice", "l"))</UnsubscribePresence-Request>").code
                == 200)
        try bob.logOut()
        #expect(try told(alice).isEmpty)
        #expect(try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>").code == 200)
        #expect(try told(alice).mapValues { isOnline($0) } == ["wv:bob@home.test": "F"])
        #expect(
            try alice.request("<SubscribePresence-Request>\(user("nobody"))</SubscribePresence-Request>").code == 531)
        #expect(try subscribe(alice, list("alice", "none")) == 700)
        #expect(try subscribe(alice, list("bob", "l")) == 403)
    }

    @Test(arguments: versions, syntaxes) func p6ANotificationHasAllThatMayBeSeen(version: String, syntax: String) throws
    {
        let engine = try EngineProcess()
        let bob = try client(engine, "bob", version, syntax)
        try open(bob, "OnlineStatus", "StatusText", "UserAvailability")
        #expect(try update(bob, value("UserAvailability", "DISCREET") + value("StatusMood", "HAPPY")) == 200)
        let alice = try client(engine, "alice", version, syntax)
        _ = try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        _ = try told(alice)
        // One attribute changes, and all come, each with its Qualifier.
        #expect(try update(bob, value("StatusText", "é &amp; &lt;b&gt;")) == 200)
        let first = try #require(try told(alice)["wv:bob@home.test"])
        #expect(first.childNames == ["OnlineStatus", "UserAvailability", "StatusText"])
        #expect(first.children.allSatisfy { $0["Qualifier"]?.text == "T" })
        #expect(first["StatusText/PresenceValue"]?.text == "é & <b>")
        // What is taken back is not valid.
        #expect(try update(bob, "<StatusText><Qualifier>F</Qualifier></StatusText>") == 200)
        let second = try #require(try told(alice)["wv:bob@home.test"])
        #expect(second["StatusText"]?.childNames == ["Qualifier"])
        #expect(second["StatusText/Qualifier"]?.text == "F")
        // What may not be seen does not even show that it changed.
        #expect(try update(bob, value("StatusMood", "SAD")) == 200)
        #expect(try alice.poll() == nil)
    }

    @Test(arguments: versions, syntaxes) func p7AnUpdateChangesWhatItNames(version: String, syntax: String) throws {
        let engine = try EngineProcess()
        let alice = try client(engine, "alice", version, syntax)
        func own() throws -> Element? {
            try alice.request("<GetPresence-Request>\(user("alice"))</GetPresence-Request>").primitive?[
                "Presence/PresenceSubList"]
        }
        #expect(try own()?.childNames == ["OnlineStatus", "Alias"])
        #expect(try update(alice, value("StatusText", "one") + value("Alias", "Al")) == 200)
        #expect(try update(alice, "<OnlineStatus><Qualifier>T</Qualifier></OnlineStatus>") == 200)
        #expect(try update(alice, value("StatusText", "")) == 200)
        #expect(try own()?.childNames == ["OnlineStatus", "StatusText", "Alias"])
        #expect(try own()?["StatusText/PresenceValue"]?.text == "")
        #expect(try own()?["OnlineStatus/PresenceValue"]?.text == "T")
        for bad in [
            value("UserAvailability", "GONE"), value("StatusMood", "ODD"), value("OnlineStatus", "X"),
            "<CommCap><Qualifier>T</Qualifier><CommC><Cap>TELEPATHY</Cap><Status>OPEN</Status></CommC></CommCap>",
        ] {
            #expect(try update(alice, value("StatusText", "bad") + bad) == 751)
        }
        #expect(try own()?["StatusText/PresenceValue"]?.text == "")
        #expect(try update(alice, value("StatusText", String(repeating: "x", count: 2000))) == 751)
    }

    /// Every attribute of the protocol, with what belongs in it.
    static let complete = [
        "<Registration><Qualifier>T</Qualifier><PresenceValue>T</PresenceValue></Registration>",
        "<ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType><DevManufacturer>m</DevManufacturer><ClientProducer>p</ClientProducer><Model>x</Model><ClientVersion>1</ClientVersion><Language>eng</Language></ClientInfo>",
        "<TimeZone><Qualifier>T</Qualifier><Zone>+02</Zone></TimeZone>",
        "<GeoLocation><Qualifier>T</Qualifier><Longitude>35 24 15.652W</Longitude><Latitude>12 36 22.5N</Latitude><Altitude>100</Altitude><Accuracy>10</Accuracy></GeoLocation>",
        "<Address><Qualifier>T</Qualifier><Country>DE</Country><City>Köln</City><Street>s</Street><Crossing1>a</Crossing1><Crossing2>b</Crossing2><Building>c</Building><NamedArea>d</NamedArea><Accuracy>1</Accuracy></Address>",
        "<FreeTextLocation><Qualifier>T</Qualifier><PresenceValue>home</PresenceValue></FreeTextLocation>",
        "<PLMN><Qualifier>T</Qualifier><PresenceValue>26201</PresenceValue></PLMN>",
        "<CommCap><Qualifier>T</Qualifier><CommC><Cap>IM</Cap><Status>OPEN</Status><Contact>x</Contact><Note>n</Note></CommC><CommC><Cap>SMS</Cap><Status>CLOSED</Status></CommC></CommCap>",
        "<UserAvailability><Qualifier>T</Qualifier><PresenceValue>AVAILABLE</PresenceValue></UserAvailability>",
        "<PreferredContacts><Qualifier>T</Qualifier><AddrPref><PrefC>CALL</PrefC><Caddr>+49</Caddr><Cstatus>OPEN</Cstatus><Cname>n</Cname><Cpriority>1</Cpriority></AddrPref></PreferredContacts>",
        "<PreferredLanguage><Qualifier>T</Qualifier><PresenceValue>eng</PresenceValue></PreferredLanguage>",
        "<StatusText><Qualifier>T</Qualifier><PresenceValue>text</PresenceValue></StatusText>",
        "<StatusMood><Qualifier>T</Qualifier><PresenceValue>IN_LOVE</PresenceValue></StatusMood>",
        "<Alias><Qualifier>T</Qualifier><PresenceValue>Al</PresenceValue></Alias>",
        "<StatusContent><Qualifier>T</Qualifier><DirectContent>aGVsbG8=</DirectContent><ContentType>text/plain</ContentType></StatusContent>",
        "<ContactInfo><Qualifier>T</Qualifier><ContainedvCard>BEGIN:VCARD</ContainedvCard></ContactInfo>",
    ]

    @Test(arguments: versions, syntaxes) func p8EveryAttributeComesBackAsItCame(version: String, syntax: String) throws
    {
        let engine = try EngineProcess()
        let alice = try client(engine, "alice", version, syntax)
        var all = PeopleTests.complete
        if version > "1.1" {
            all.append(
                "<InfoLink><Qualifier>T</Qualifier><Inf_link><Link>http://x.example/</Link><Text>t</Text></Inf_link></InfoLink>"
            )
        }
        for attribute in all { #expect(try update(alice, attribute) == 200, "\(attribute)") }
        try engine.restart()
        alice.connection = try engine.connect()
        let own = try alice.request("<GetPresence-Request>\(user("alice"))</GetPresence-Request>")
        let read = try #require(own.primitive?["Presence/PresenceSubList"])
        func flat(_ element: Element) -> String {
            "<\(element.name)>\(element.text)\(element.children.map(flat).joined())</\(element.name)>"
        }
        #expect(read.children.dropFirst().map(flat) == all)
    }

    @Test(arguments: versions) func p10WatchersAreListedInTheFormOfTheVersion(version: String) throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let bob = try engine.client("bob", version)
        let alice = try engine.client("alice", version)
        for client in [alice, bob] { try client.logIn() }
        #expect(try bob.request("<GetWatcherList-Request/>").primitive?.all("User").isEmpty == true)
        _ = try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        _ = try bob.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        let watchers = try bob.request("<GetWatcherList-Request/>")
        switch version {
        case "1.1": #expect(watchers.primitive?["User/UserID"]?.text == "wv:alice@home.test")
        case "1.2":
            #expect(watchers.primitive?.childNames == ["Watcher"])
            #expect(watchers.primitive?["Watcher/User/UserID"]?.text == "wv:alice@home.test")
            #expect(watchers.primitive?["Watcher/WatcherStatus"]?.text == "CURRENT_SUBSCRIBER")
        default:
            #expect(watchers.primitive?.childNames == ["WatcherCount", "Watcher"])
            #expect(watchers.primitive?["WatcherCount"]?.number == 1)
        }
        try alice.logOut()
        let none = try bob.request("<GetWatcherList-Request/>")
        #expect(none.primitive?.all("Watcher").isEmpty == true && none.primitive?.all("User").isEmpty == true)
    }

    @Test(arguments: versions) func p11WhoGoesIsOfflineHoweverHeGoes(version: String) throws {
        let engine = try EngineProcess(["keepalive_min": "1"])
        let bob = try engine.client("bob", version)
        try bob.logIn()
        try open(bob, "OnlineStatus")
        let alice = try engine.client("alice", version)
        try alice.logIn()
        _ = try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        func state() throws -> String? { try isOnline(told(alice)["wv:bob@home.test"]) }
        #expect(try state() == "T")
        try bob.logOut()
        #expect(try state() == "F")
        // It expires.
        #expect(try bob.request(bob.loginContent("<Password>\(bob.password)</Password>", timeToLive: 1)).code == 200)
        #expect(try state() == "T")
        Thread.sleep(forTimeInterval: 2.5)
        #expect(try state() == "F")
        // The operator ends it.
        try bob.logIn()
        #expect(try state() == "T")
        #expect(try engine.control(["disconnect", "bob"]).code == 0)
        #expect(try state() == "F")
        // The power is cut, and his phone does not come back.
        #expect(try bob.request(bob.loginContent("<Password>\(bob.password)</Password>", timeToLive: 1)).code == 200)
        #expect(try state() == "T")
        engine.kill()
        try engine.start()
        alice.connection = try engine.connect()
        Thread.sleep(forTimeInterval: 2.5)
        #expect(try state() == "F")
    }

    @Test(arguments: versions) func p11OfTwoDevicesTheLastGoes(version: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", version)
        let second = try engine.client("bob", version)
        second.cookie = "second"
        for client in [bob, second] { try client.logIn() }
        try open(bob, "OnlineStatus", "StatusText")
        let alice = try engine.client("alice", version)
        try alice.logIn()
        _ = try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "T")
        try bob.logOut()
        #expect(try told(alice).isEmpty)
        #expect(try update(second, value("OnlineStatus", "F")) == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "F")
        try bob.logIn()
        #expect(try told(alice).isEmpty)
        #expect(try update(second, value("OnlineStatus", "T")) == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "T")
    }

    // MARK: Blocking

    @Test(arguments: versions, syntaxes) func p12WhoIsBlockedReachesAndSeesNothing(version: String, syntax: String)
        throws
    {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let bob = try client(engine, "bob", version, syntax)
        try open(bob, "OnlineStatus")
        let alice = try client(engine, "alice", version, syntax)
        _ = try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>")
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "T")
        let isThird = version == "1.3"
        let name = version == "1.1" ? "BlockUser-Request" : "BlockEntity-Request"
        func change(_ list: String, inUse: String?, _ content: String) throws -> Int {
            let flag = inUse.map { isThird ? "<\(list)InUse>\($0)</\(list)InUse>" : "<InUse>\($0)</InUse>" } ?? ""
            let body = isThird ? "\(flag)<\(list)>\(content)</\(list)>" : "<\(list)>\(flag)\(content)</\(list)>"
            return try bob.request("<\(name)>\(body)</\(name)>").code
        }
        #expect(
            try change("BlockList", inUse: "T", "<AddList>\(id("alice"))</AddList><RemoveList></RemoveList>") == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "?")
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 532)
        #expect(try alice.request("<SubscribePresence-Request>\(user("bob"))</SubscribePresence-Request>").code == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "?")
        let listed = try bob.request("<GetBlockedList-Request/>")
        #expect(
            listed.primitive?.childNames
                == (isThird
                    ? ["BlockListInUse", "GrantListInUse", "BlockList", "GrantList"] : ["BlockList", "GrantList"]))
        #expect(listed.primitive?["BlockList/EntityList/UserID"]?.text == "wv:alice@home.test")
        #expect(listed.primitive?[isThird ? "BlockListInUse" : "BlockList/InUse"]?.text == "T")
        #expect(listed.primitive?["BlockList"]?.childNames == (isThird ? ["EntityList"] : ["InUse", "EntityList"]))
        try engine.restart()
        for client in [alice, bob] { client.connection = try engine.connect() }
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 532)
        // An empty InUse changes nothing; a list that is not in use does nothing.
        #expect(try change("BlockList", inUse: "", "") == 200)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 532)
        #expect(try change("BlockList", inUse: "F", "") == 200)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 200)
        #expect(try isOnline(told(alice)["wv:bob@home.test"]) == "T")
        // A list in a request takes the place of what there was.
        #expect(try change("GrantList", inUse: "T", "<EntityList>\(id("carol"))</EntityList>") == 200)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 532)
        #expect(try change("GrantList", inUse: nil, "<EntityList>\(id("alice"))</EntityList>") == 200)
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 200)
    }

    @Test(arguments: versions) func p13WhoMayWriteToSomebodyOffline(version: String) throws {
        let engine = try EngineProcess(["offline_sender_policy": "contacts"], users: ["alice", "bob", "carol"])
        let alice = try engine.client("alice", version)
        try alice.logIn()
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 534)
        let bob = try engine.client("bob", version)
        try bob.logIn()
        _ = try bob.request(
            "<CreateList-Request>\(list("bob", "l"))<NickList>\(nick("alice", "a"))</NickList></CreateList-Request>")
        try bob.logOut()
        #expect(try alice.send("x", to: "wv:bob@home.test").code == 200)
        #expect(try alice.send("x", to: "wv:carol@home.test").code == 534)
        #expect(try engine.control(["user", "set", "carol", "offline_sender_policy", "all"]).code == 0)
        #expect(try alice.send("x", to: "wv:carol@home.test").code == 200)
        // The system address always may be written to.
        #expect(try alice.send("help", to: "wv:system@home.test").code == 200)
    }

    // MARK: Names and search

    @Test(arguments: ["1.2", "1.3"], syntaxes) func p14NamesAreVerified(version: String, syntax: String) throws {
        let engine = try EngineProcess()
        let alice = try client(engine, "alice", version, syntax)
        _ = try alice.request("<CreateList-Request>\(list("alice", "l"))</CreateList-Request>")
        func verify(_ content: String) throws -> Reply {
            try alice.request("<VerifyID-Request><IDList>\(content)</IDList></VerifyID-Request>")
        }
        let right = "\(id("bob"))\(list("alice", "l"))<Domain>home.test</Domain>"
        #expect(try verify(right).code == 200)
        let wrong =
            "\(id("nobody"))\(list("alice", "m"))<GroupID>wv:/g@home.test</GroupID><Domain>else.test</Domain>"
        let some = try verify(right + wrong)
        #expect(some.code == 201)
        let details = some.primitive?["Result"]?.all("DetailedResult") ?? []
        #expect(details.map { $0["Code"]?.number } == [531, 700, 800, 516])
        #expect(details.first?["UserID"]?.text == "wv:nobody@home.test")
        #expect(try verify(id("nobody")).code == 531)
        #expect(try verify(wrong).code == 900)
        #expect(try verify("").code == 402)
    }

    @Test(arguments: versions, syntaxes) func p15AccountsAreFound(version: String, syntax: String) throws {
        let names = (0..<12).map { "person\($0)" }
        let engine = try EngineProcess(users: ["alice"] + names)
        #expect(try engine.control(["user", "set", "person3", "msisdn", "+491701234567"]).code == 0)
        #expect(try engine.control(["user", "set", "person4", "first_name", "Jürgen"]).code == 0)
        let alice = try client(engine, "alice", version, syntax)
        func search(_ pairs: [(String, String)], limit: Int = 50) throws -> Reply {
            let list = pairs.map {
                "<SearchPairList><SearchElement>\($0)</SearchElement><SearchString>\($1)</SearchString></SearchPairList>"
            }.joined()
            return try alice.request("<Search-Request>\(list)<SearchLimit>\(limit)</SearchLimit></Search-Request>")
        }
        func users(_ reply: Reply) -> [String] {
            reply.primitive?["SearchResult/UserList"]?.all("User").compactMap { $0["UserID"]?.text } ?? []
        }
        #expect(try users(search([("USER_MOBILE_NUMBER", "1234567")])) == ["wv:person3@home.test"])
        #expect(try users(search([("USER_FIRST_NAME", "jür")])) == ["wv:person4@home.test"])
        #expect(try users(search([("USER_ID", "PERSON1"), ("USER_ALIAS", "11")])) == ["wv:person11@home.test"])
        #expect(try users(search([("USER_ONLINE_STATUS", "T"), ("USER_ID", "alice")])) == ["wv:alice@home.test"])
        var found: [String] = []
        var reply = try search([("USER_ID", "person")], limit: 5)
        #expect(reply.primitive?["SearchFindings"]?.number == 12)
        found += users(reply)
        while reply.primitive?["CompletionFlag"]?.text == "F" {
            let index = try #require(reply.primitive?["SearchIndex"]?.number)
            #expect(index == found.count)
            let id = try #require(reply.primitive?["SearchID"]?.text)
            let bad = "<Search-Request><SearchID>\(id)</SearchID><SearchIndex>99</SearchIndex></Search-Request>"
            #expect(try alice.request(bad).code == 425)
            reply = try alice.request(
                "<Search-Request><SearchID>\(id)</SearchID><SearchIndex>\(index + 1)</SearchIndex></Search-Request>")
            found += users(reply)
        }
        #expect(found.count == 12 && Set(found).count == 12)
        #expect(try search([("USER_ID", "none")]).primitive?["SearchFindings"]?.number == 0)
        #expect(try search([("USER_ID", "a"), ("GROUP_NAME", "b")]).code == 402)
        #expect(try search([("USER_ID", "")]).code == 537)
        let open = try search([("USER_ID", "person")], limit: 1)
        let id = try #require(open.primitive?["SearchID"]?.text)
        #expect(try alice.request("<StopSearch-Request><SearchID>\(id)</SearchID></StopSearch-Request>").code == 200)
        #expect(try alice.request("<StopSearch-Request><SearchID>\(id)</SearchID></StopSearch-Request>").code == 424)
    }

    // MARK: Notices

    @Test(arguments: versions) func p16WhoIsAddedIsToldAndCanAddBack(version: String) throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", version)
        try alice.logIn()
        let bob = try engine.client("bob", version)
        try bob.logIn()
        try bob.logOut()
        _ = try alice.request(
            "<CreateList-Request>\(list("alice", "l"))<NickList>\(nick("bob", "b"))</NickList></CreateList-Request>")
        // He was away: he is told at his next login.
        let login = try bob.logIn()
        if version == "1.3" {
            let reply = try #require(try bob.poll())
            let message = try #require(reply.systemMessages.first ?? login.systemMessages.first)
            #expect(message["SystemMessageText"]?.text == "wv:alice@home.test added you to a contact list.")
            _ = try bob.respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
            #expect(try bob.answer([(try #require(message["SystemMessageID"]?.text), 1)]).code == 200)
        } else {
            let text = try #require(try bob.receiveTexts().first)
            #expect(text.hasPrefix("wv:alice@home.test added you to a contact list."))
            #expect(try bob.send("1", to: "wv:system@home.test").code == 200)
        }
        let lists = try bob.request("<GetList-Request/>")
        let name = try #require(lists.primitive?["DefaultContactList"]?.text)
        let read = try bob.request(
            "<ListManage-Request><ContactList>\(name)</ContactList><ReceiveList>T</ReceiveList></ListManage-Request>")
        #expect("\(try #require(read.primitive))".contains("wv:alice@home.test"))
        // Alice has him already, and is not told.
        #expect(try alice.receiveTexts().isEmpty)
    }

    @Test(arguments: syntaxes) func p21WhoSubscribesIsNotifiedOfBeingAdded(syntax: String) throws {
        let engine = try EngineProcess()
        // Whom she has on a list herself she is not told of by a System Message too.
        #expect(try engine.control(["contacts", "add", "alice", "known", "bob"]).code == 0)
        let alice = try client(engine, "alice", "1.3", syntax)
        let types = "<NotificationTypeList><NotificationType>ATCL</NotificationType></NotificationTypeList>"
        #expect(
            try alice.request("<SubscribeNotification-Request>\(types)</SubscribeNotification-Request>").code == 200)
        let bob = try client(engine, "bob", "1.2", syntax)
        _ = try bob.request(
            "<CreateList-Request>\(list("bob", "l"))<NickList>\(nick("alice", "a"))</NickList></CreateList-Request>")
        let notification = try #require(try alice.poll())
        #expect(notification.name == "Notification-Request")
        #expect(notification.primitive?["NotificationType"]?.text == "ATCL")
        #expect(notification.primitive?["User/UserID"]?.text == "wv:bob@home.test")
        _ = try alice.respond(to: notification, "<Status><Result><Code>200</Code></Result></Status>")
        #expect(try alice.poll() == nil)
        let groups = types.replacing("ATCL", with: "GC")
        #expect(
            try alice.request("<SubscribeNotification-Request>\(groups)</SubscribeNotification-Request>").code == 501)
        #expect(
            try alice.request("<UnsubscribeNotification-Request>\(types)</UnsubscribeNotification-Request>").code
                == 200)
    }

    @Test(arguments: versions) func p16WhoOpensHisAddressIsAdvised(version: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", version)
        try bob.logIn()
        try open(bob, "OnlineStatus")
        #expect(try bob.poll() == nil)
        try open(bob, "OnlineStatus", "Address")
        let text =
            version == "1.3"
            ? try bob.poll()?.systemMessages.first?["SystemMessageText"]?.text : try bob.receiveTexts().first
        #expect(text?.hasPrefix("Others can see where you are or how to reach you now.") == true)
    }

    @Test(arguments: versions) func p20AMessageGoesToAWholeList(version: String) throws {
        let engine = try EngineProcess(users: ["alice", "bob", "carol"])
        let alice = try engine.client("alice", version)
        try alice.logIn()
        _ = try alice.request(
            "<CreateList-Request>\(list("alice", "l"))<NickList>\(nick("bob", "b"))\(nick("carol", "c"))</NickList></CreateList-Request>"
        )
        let content = alice.sendContent("to all", to: ["wv:bob@home.test"]).replacing(
            "</Recipient>", with: "\(list("alice", "l"))</Recipient>")
        #expect(try alice.request(content).code == 200)
        for name in ["bob", "carol"] {
            let other = try engine.client(name, version)
            try other.logIn()
            #expect(try other.receiveTexts().filter { $0 == "to all" }.count == 1)
        }
    }
}
