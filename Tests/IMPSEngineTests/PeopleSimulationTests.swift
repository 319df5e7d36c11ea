import Testing

/// People who come and go, change what they say of themselves and whom they let see it, over a store that loses turns and
/// a network that loses answers.
///
/// What holds: no attribute goes to somebody who may not see it at that moment, each notification is the newest, and every
/// watcher that polls ends with the newest state of all whom he watches.
@Suite struct PeopleSimulationTests {
    @Test func everyWatcherEndsWithWhatHeMaySee() {
        for seed in simulationSeeds(10) { Simulation(seed: seed).run(600) }
    }

    private final class Simulation {
        /// The attributes that are looked at, in the order of the protocol.
        static let attributes = ["OnlineStatus", "UserAvailability", "StatusText", "Alias"]
        static let names = (0..<5).map { "user\($0)" }

        struct Person {
            /// What he says; without a value nobody hears of it.
            var says: [String: String] = [:]
            var isInvisible = false
            /// The lists with who is on them.
            var lists: [String: Set<String>] = [:]
            var ofEverybody: Set<String>?
            var ofLists: [String: Set<String>] = [:]
            var ofUsers: [String: Set<String>] = [:]
            var granted: [String: Set<String>] = [:]
            var blocked: Set<String> = []
            var blocks = false
        }

        final class Session {
            let user: String
            let cookie: String
            var id: String?
            var watchedUsers: Set<String> = []
            var watchedLists: Set<String> = []
            var told: [String: String] = [:]
            init(_ user: String, _ cookie: String) {
                self.user = user
                self.cookie = cookie
            }
        }

        let seed: UInt64
        var random: Seeded
        let world: World
        var people: [String: Person] = [:]
        var sessions: [Session] = []
        var number = 0

        init(seed: UInt64) {
            self.seed = seed
            random = Seeded(seed)
            world = World(seed: seed)
            for name in Simulation.names {
                _ = world.control("user add \(name) digest righteous")
                people[name] = Person()
                sessions += [Session(name, "a"), Session(name, "b")]
            }
        }

        // MARK: What should be

        func permission(of watcher: String, for user: String) -> Set<String> {
            let all = Set(Simulation.attributes)
            guard watcher != user else { return all }
            let person = people[user]!
            if person.blocks, person.blocked.contains(watcher) { return [] }
            let granted = person.granted[watcher] ?? []
            if let own = person.ofUsers[watcher] { return own.union(granted) }
            var ofLists: Set<String>?
            for (list, attributes) in person.ofLists where person.lists[list]?.contains(watcher) == true {
                ofLists = (ofLists ?? []).union(attributes)
            }
            return (ofLists ?? person.ofEverybody ?? []).union(granted)
        }

        func isOnline(_ user: String) -> Bool {
            !people[user]!.isInvisible && sessions.contains { $0.user == user && $0.id != nil }
        }

        func expected(of user: String, by watcher: String) -> String {
            let permitted = permission(of: watcher, for: user)
            var text =
                permitted.contains("OnlineStatus")
                ? PeopleTests.online(isOnline(user) ? "T" : "F") : PeopleTests.unknown
            for attribute in Simulation.attributes.dropFirst() where permitted.contains(attribute) {
                let value = people[user]!.says[attribute] ?? (attribute == "Alias" ? user : nil)
                if let value { text += PeopleTests.value(attribute, value) }
            }
            return text
        }

        func watched(_ session: Session) -> Set<String> {
            var watched = session.watchedUsers
            for list in session.watchedLists { watched.formUnion(people[session.user]!.lists[list] ?? []) }
            return watched
        }

        // MARK: What happens

        func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &random)! }

        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

        func someAttributes() -> Set<String> { Set(Simulation.attributes.filter { _ in chance(50) }) }

        func elements(_ attributes: Set<String>) -> String {
            "<PresenceSubList>\(attributes.map { "<\($0)/>" }.joined())</PresenceSubList>"
        }

        /// Sends a request; nil when its turn was lost.
        func say(_ session: Session, _ content: String, mode: String = "Request", id: String? = nil) -> String? {
            number += 1
            let answer = world.handle(
                document(content, id: id ?? "\(number)", session: session.id, mode: mode))
            return world.commit(succeeds: !chance(8)) ? answer : nil
        }

        func run(_ steps: Int) {
            for step in 0..<steps {
                self.step()
                if step % 100 == 99 { settle() }
            }
            settle()
            world.checkInvariants()
        }

        func step() {
            if chance(1) { return crash() }
            if chance(5) { return world.pass(seconds: 20) }
            let session = pick(sessions)
            guard session.id != nil else { return logIn(session) }
            switch Int.random(in: 0..<13, using: &random) {
            case 0: logOut(session)
            case 1: changeList(session)
            case 2: deleteList(session)
            case 3: subscribe(session)
            case 4: unsubscribe(session)
            case 5: changeAttributeList(session)
            case 6: decide(session)
            case 7: block(session)
            case 8, 9: update(session)
            default: poll(session)
            }
        }

        func crash() { world.crash() }

        func logIn(_ session: Session) {
            number += 1
            let answer = world.handle(
                document(
                    login(session.user, password: "righteous", cookie: session.cookie), id: "\(number)", session: nil))
            guard world.commit(succeeds: !chance(8)) else { return }
            session.id = field("SessionID", answer)
            session.watchedUsers = []
            session.watchedLists = []
            session.told = [:]
        }

        func logOut(_ session: Session) {
            if say(session, "<Logout-Request/>") != nil { session.id = nil }
        }

        func list(_ session: Session, _ name: String) -> String { PeopleTests.list(session.user, name) }

        func changeList(_ session: Session) {
            let name = pick(["x", "y"])
            let contact = pick(Simulation.names)
            if people[session.user]!.lists[name] == nil {
                if say(session, PeopleTests.create(session.user, name, [contact])) != nil {
                    people[session.user]!.lists[name] = [contact]
                }
                return
            }
            let adds = chance(60)
            let content =
                adds
                ? "<AddNickList>\(PeopleTests.id(contact))</AddNickList>"
                : "<RemoveNickList>\(PeopleTests.id(contact))</RemoveNickList>"
            guard say(session, "<ListManage-Request>\(list(session, name))\(content)</ListManage-Request>") != nil
            else { return }
            if adds {
                people[session.user]!.lists[name]!.insert(contact)
            } else {
                people[session.user]!.lists[name]!.remove(contact)
            }
        }

        func deleteList(_ session: Session) {
            guard chance(30), let name = people[session.user]!.lists.keys.sorted().first,
                say(session, "<DeleteList-Request>\(list(session, name))</DeleteList-Request>") != nil
            else { return }
            people[session.user]!.lists[name] = nil
            people[session.user]!.ofLists[name] = nil
            for other in sessions where other.user == session.user { other.watchedLists.remove(name) }
        }

        func subscribe(_ session: Session) {
            let lists = people[session.user]!.lists
            if let name = lists.keys.sorted().randomElement(using: &random), chance(70) {
                let automatic = chance(60)
                let answer = say(
                    session,
                    "<SubscribePresence-Request>\(list(session, name))<AutoSubscribe>\(automatic ? "T" : "F")</AutoSubscribe></SubscribePresence-Request>"
                )
                guard answer != nil else { return }
                if automatic { session.watchedLists.insert(name) } else { session.watchedUsers.formUnion(lists[name]!) }
            } else {
                let user = pick(Simulation.names)
                let answer = say(
                    session, "<SubscribePresence-Request>\(PeopleTests.user(user))</SubscribePresence-Request>")
                if answer != nil { session.watchedUsers.insert(user) }
            }
        }

        func unsubscribe(_ session: Session) {
            let user = pick(Simulation.names)
            let answer = say(
                session, "<UnsubscribePresence-Request>\(PeopleTests.user(user))</UnsubscribePresence-Request>")
            if answer != nil { session.watchedUsers.remove(user) }
        }

        func changeAttributeList(_ session: Session) {
            let attributes = someAttributes()
            let creates = chance(75)
            let verb = creates ? "CreateAttributeList" : "DeleteAttributeList"
            let what = creates ? elements(attributes) : ""
            var target = "<DefaultList>T</DefaultList>"
            let name = people[session.user]!.lists.keys.sorted().first
            let other = pick(Simulation.names)
            let kind = Int.random(in: 0..<3, using: &random)
            if kind == 1 { target = "\(PeopleTests.id(other))<DefaultList>F</DefaultList>" }
            if kind == 2 {
                guard let name else { return }
                target = "\(list(session, name))<DefaultList>F</DefaultList>"
            }
            guard say(session, "<\(verb)-Request>\(what)\(target)</\(verb)-Request>") != nil else { return }
            let value = creates ? attributes : nil
            switch kind {
            case 0: people[session.user]!.ofEverybody = value
            case 1:
                people[session.user]!.ofUsers[other] = value
                // What was granted before is what is said now.
                if creates { people[session.user]!.granted[other] = nil }
            default: people[session.user]!.ofLists[name!] = value
            }
        }

        func decide(_ session: Session) {
            let other = pick(Simulation.names)
            if chance(30) {
                let answer = say(session, "<CancelAuth-Request>\(PeopleTests.id(other))</CancelAuth-Request>")
                if answer != nil { people[session.user]!.granted[other] = nil }
                return
            }
            let accepts = chance(60)
            let chosen = someAttributes()
            let attributes = chosen.isEmpty ? Set(Simulation.attributes) : chosen
            let some = accepts ? elements(attributes) : ""
            let answer = say(
                session,
                "<PresenceAuth-User>\(PeopleTests.id(other))<Acceptance>\(accepts ? "T" : "F")</Acceptance>\(some)</PresenceAuth-User>"
            )
            guard answer != nil else { return }
            people[session.user]!.granted[other] = accepts ? attributes : []
        }

        func block(_ session: Session) {
            let other = pick(Simulation.names)
            let adds = chance(50)
            let inUse = chance(70)
            let verb = adds ? "AddList" : "RemoveList"
            let answer = say(
                session,
                "<BlockEntity-Request><BlockList><InUse>\(inUse ? "T" : "F")</InUse><\(verb)>\(PeopleTests.id(other))</\(verb)></BlockList></BlockEntity-Request>"
            )
            guard answer != nil else { return }
            people[session.user]!.blocks = inUse
            if adds {
                people[session.user]!.blocked.insert(other)
            } else {
                people[session.user]!.blocked.remove(other)
            }
        }

        func update(_ session: Session) {
            let attribute = pick(Simulation.attributes)
            let value: String
            switch attribute {
            case "OnlineStatus": value = pick(["T", "F"])
            case "UserAvailability": value = pick(["AVAILABLE", "NOT_AVAILABLE", "DISCREET"])
            default: value = "v\(number)"
            }
            guard say(session, PeopleTests.update(PeopleTests.value(attribute, value))) != nil else { return }
            if attribute == "OnlineStatus" {
                people[session.user]!.isInvisible = value == "F"
            } else {
                people[session.user]!.says[attribute] = value
            }
        }

        /// Polls once; false when nothing came.
        @discardableResult
        func poll(_ session: Session, loses: Bool = true) -> Bool {
            number += 1
            let answer = world.handle(document("<Polling-Request/>", session: session.id))
            guard world.commit(succeeds: !(loses && chance(8))) else { return true }
            return take(answer, session, loses: loses)
        }

        /// Looks at what a client got and answers it; false when it was nothing.
        func take(_ delivery: String, _ session: Session, loses: Bool) -> Bool {
            if loses, chance(10) { return true }
            guard let id = field("TransactionID", delivery), !id.isEmpty else { return false }
            if let presence = PeopleTests.presence(delivery) {
                for (user, text) in presence {
                    #expect(
                        text == expected(of: user, by: session.user), "seed \(seed) \(user) seen by \(session.user)")
                    #expect(watched(session).contains(user), "seed \(seed)")
                    session.told[user] = text
                }
            }
            let answer: String
            if let message = field("MessageID", delivery), delivery.contains("<NewMessage>") {
                answer = "<MessageDelivered><MessageID>\(message)</MessageID></MessageDelivered>"
            } else {
                answer = "<Status><Result><Code>200</Code></Result></Status>"
            }
            number += 1
            let next = world.handle(document(answer, id: id, session: session.id, mode: "Response"))
            guard world.commit(succeeds: !(loses && chance(8))) else { return true }
            return next.isEmpty || take(next, session, loses: loses)
        }

        /// Everybody polls until nothing comes, and has been told of everything.
        func settle() {
            world.pass(seconds: 31)
            for session in sessions where session.id != nil {
                for _ in 0..<100 where poll(session, loses: false) {}
                for user in watched(session) {
                    #expect(
                        session.told[user] == expected(of: user, by: session.user),
                        "seed \(seed) \(session.user) watches \(user)")
                }
            }
        }
    }
}
