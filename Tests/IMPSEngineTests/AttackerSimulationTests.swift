import Digests
import Foundation
import Octets
import Testing

/// Honest users and somebody with an account of his own, many addresses and one stolen password, who guesses, asks for
/// challenges, confirms what was not sent to him, fills mailboxes and answers in other people's names, in an order that
/// one seed decides.
@Suite struct AttackerSimulationTests {
    private struct Person {
        let name: String
        let address: String
        let usesDigest: Bool
        var session: String?
        var cookie = 0
        /// What was delivered and confirmed.
        var received: Set<String> = []
    }

    private final class Run {
        let seed: UInt64
        let world: World
        private var random: Seeded
        private var people: [Person] = []
        private var number = 0
        /// Sessions of the attacker's own account.
        private var ownSessions: [String] = []
        /// Identifiers of the messages that ask for a key, as far as the attacker has seen them.
        private var askedIDs: [String] = []
        /// Messages to the attacker by their identifiers, and what he has seen of them.
        private var sentToAttacker: [String: String] = [:]
        private var seenByAttacker: Set<String> = []
        /// Of messages to him and to others, in their order.
        private var identifiersToAttacker: [String] = []
        private var identifiers: [String] = []
        private var acknowledged: [String: (sender: Int, recipient: Int, id: String)] = [:]
        private var reported: Set<String> = []
        private var isGuarded = false
        /// The engine still knows where its users logged in from.
        private var isNew = true
        private(set) var violations: [String] = []
        private(set) var loginCount = 0
        private(set) var longestWait: UInt64 = 0
        private(set) var deliveredCount = 0
        private(set) var attackCount = 0
        private(set) var checkedGuesses = 0
        private(set) var guardedCount = 0
        private var time: UInt64 = 0
        /// Where from, in whose name and how he tries most at the moment.
        private var focus = (address: "198.51.100.1", target: "alice", ways: 0..<100)
        /// When the engine started, and when guesses of an address were looked at since.
        private var startedAt: UInt64 = 0
        private var guessesSince: [String: [UInt64]] = [:]
        private var history: [String] = []

        init(seed: UInt64) {
            self.seed = seed
            random = Seeded(seed)
            world = World(seed: seed, challenges: 64, throttles: 256) {
                $0.loginFailuresMax = 5
                $0.offlineMessagesMax = 20
                $0.sessionsOfUserMax = 16
            }
            world.disk.byteCountMax = 400_000
            for (index, name) in ["alice", "bob", "carol"].enumerated() {
                _ = world.control("user add \(name) digest right-\(name)")
                people.append(
                    Person(name: name, address: "192.0.2.\(index + 1)", usesDigest: Bool.random(using: &random)))
            }
            _ = world.control("user add mallory digest right-mallory")
            // Whose password the attacker knows, but not the key that is asked with it.
            _ = world.control("user add victim digest right-victim")
            let answer = world.control(
                "sysmsg add guard kind=login required=1 blocking=1 timeout=60 text=x audience=user:victim policy=every-login verify=SMS option=1|a|full option=2|b|deny"
            )
            if answer != "ok\n" { violations.append("add: \(answer)") }
        }

        private func chance(_ rate: Double) -> Bool { Double.random(in: 0..<1, using: &random) < rate }
        private func note(_ words: String) { history.append("t=\(time) \(words)") }

        private func violate(_ words: String) {
            violations.append("\(words)\n  after \(history.suffix(20).joined(separator: "\n        "))")
        }

        private func nextID() -> String {
            number += 1
            return "\(number)"
        }

        private func exchange(_ text: String, from address: String) -> String {
            let answer = world.handle(text, from: address)
            _ = world.commit(succeeds: true)
            return answer
        }

        private func wait(milliseconds: UInt64) {
            time += milliseconds
            world.pass(milliseconds: milliseconds)
        }

        // MARK: Login

        private func loginText(
            _ user: String, _ credentials: String, cookie: String, client: String = "u", extra: String = ""
        ) -> String {
            document(
                "<Login-Request><UserID>\(user)</UserID><ClientID><URL>\(client)</URL></ClientID>\(credentials)<TimeToLive>86400</TimeToLive><SessionCookie>\(cookie)</SessionCookie>\(extra)</Login-Request>",
                id: nextID(), session: nil, version: "1.3")
        }

        private func digest(_ challenge: String, _ password: String) -> String? {
            guard let nonce = field("Nonce", challenge) else { return nil }
            let digest = DigestAlgorithm.sha1.digest(Array((nonce + password).utf8).span)
            let octets = (0..<digest.count).map { digest.span[$0] }
            return "<DigestBytes>\(Data(octets).base64EncodedString())</DigestBytes>"
        }

        /// An honest user tries until he is in, once a second, while the attacker goes on.
        private func logIn(_ index: Int) {
            let person = people[index]
            people[index].cookie += 1
            people[index].session = nil
            let cookie = "\(person.name)-\(people[index].cookie)"
            let start = time
            while people[index].session == nil {
                guard time <= start + 10_000 else {
                    return violate("\(person.name) with the right password is not in after ten seconds")
                }
                var answer: String
                if chance(0.1), time == start {
                    answer = exchange(
                        loginText(person.name, "<Password>mistyped</Password>", cookie: cookie), from: person.address)
                }
                if person.usesDigest {
                    answer = exchange(
                        loginText(person.name, "<DigestSchema>SHA</DigestSchema>", cookie: cookie), from: person.address
                    )
                    attack(for: UInt64.random(in: 50...600, using: &random))
                    if let credentials = digest(answer, "right-\(person.name)") {
                        answer = exchange(loginText(person.name, credentials, cookie: cookie), from: person.address)
                    }
                } else {
                    answer = exchange(
                        loginText(person.name, "<Password>right-\(person.name)</Password>", cookie: cookie),
                        from: person.address)
                }
                note("\(person.name) logs in: \(field("Code", answer) ?? "nothing")")
                people[index].session = field("SessionID", answer)
                if people[index].session == nil { attack(for: 1000) }
            }
            loginCount += 1
            longestWait = max(longestWait, time - start)
        }

        // MARK: What honest users do

        private func sendMessage(_ index: Int) {
            guard let session = people[index].session else { return logIn(index) }
            let recipient = chance(0.2) ? nil : Int.random(in: 0..<people.count, using: &random)
            let text = "\(people[index].name) \(nextID())"
            let answer = exchange(
                document(
                    send(text, to: recipient.map { people[$0].name } ?? "mallory", report: true), id: nextID(),
                    session: session, version: "1.3"
                ),
                from: people[index].address)
            switch field("Code", answer) {
            case "200":
                guard let id = field("MessageID", answer) else { return violate("200 without a MessageID") }
                if let recipient {
                    acknowledged[text] = (index, recipient, id)
                    identifiers.append(id)
                } else {
                    sentToAttacker[id] = text
                    identifiersToAttacker.append(id)
                }
            case "601", "604": people[index].session = nil
            case "507": break
            case let code: violate("a message answered with \(code ?? "nothing")")
            }
        }

        /// Polls, and takes what comes until nothing more does; false when nothing came.
        private func poll(_ index: Int) -> Bool {
            guard let session = people[index].session else {
                logIn(index)
                return true
            }
            var answer = exchange(
                document("<Polling-Request/>", session: session, version: "1.3"), from: people[index].address)
            var hasCome = false
            while let transaction = field("TransactionID", answer), answer.contains("<TransactionMode>Request") {
                hasCome = true
                if answer.contains("<Disconnect>") { break }
                if answer.contains("<DeliveryReport-Request>"), let id = field("MessageID", answer) {
                    reported.insert(id)
                    if let text = sentToAttacker[id], field("Code", answer) == "200", !seenByAttacker.contains(text) {
                        violate("\(text) was confirmed by who never saw it")
                    }
                }
                if let text = field("ContentData", answer) { people[index].received.insert(text) }
                let content =
                    answer.contains("<NewMessage>")
                    ? "<MessageDelivered><MessageID>\(field("MessageID", answer) ?? "")</MessageID></MessageDelivered>"
                    : "<Status><Result><Code>200</Code></Result></Status>"
                answer = exchange(
                    document(content, id: transaction, session: session, mode: "Response", version: "1.3"),
                    from: people[index].address)
            }
            guard field("Code", answer) == "604" || answer.contains("<Disconnect>") else { return hasCome }
            people[index].session = nil
            return true
        }

        /// Who has the password and the key gets in; the key is what makes the difference.
        private func logInVictim() {
            let told = world.control("sysmsg key guard victim")
            guard let key = told.firstMatch(of: /key=(\d{8})\n/)?.1 else { return violate("no key: \(told)") }
            let password = "<Password>right-victim</Password>"
            // The attacker waits with the same question, and goes on when it is answered.
            let waits = chance(0.5)
            if waits { logInAsVictim(cookie: "own", extra: "", from: focus.address) }
            let asked = exchange(loginText("victim", password, cookie: "own"), from: "192.0.2.9")
            guard let id = field("SystemMessageID", asked) else {
                // The attacker guessed too many keys: the operator asks anew.
                _ = world.control("sysmsg renew guard")
                return
            }
            let answer = exchange(
                loginText("victim", password, cookie: "own", extra: response(id, 1, key: String(key))),
                from: "192.0.2.9")
            note("victim logs in with the key: \(field("Code", answer) ?? "nothing")")
            if field("SessionID", answer) != nil {
                isGuarded = true
                guardedCount += 1
            }
            askedIDs.append(id)
            if waits { logInAsVictim(cookie: "own", extra: "", from: focus.address) }
        }

        private func response(_ id: String, _ option: Int, key: String?) -> String {
            let verification = key.map { "<VerificationKey>\($0)</VerificationKey>" } ?? ""
            return
                "<SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(id)</SystemMessageID><ChosenOptionID>\(option)</ChosenOptionID>\(verification)</SystemMessageResponse></SystemMessageResponseList>"
        }

        // MARK: What the attacker does

        /// Lets time pass, with what the attacker does in it.
        private func attack(for milliseconds: UInt64) {
            var left = milliseconds
            while left > 0 {
                let step = min(left, UInt64.random(in: 1...60, using: &random))
                left -= step
                wait(milliseconds: step)
                attackOnce()
            }
        }

        private var address: String {
            chance(0.9) ? focus.address : "198.51.100.\(Int.random(in: 1...40, using: &random))"
        }
        private var target: String {
            // Where two share an address and one guesses the other's password, nobody can tell them apart.
            if focus.address == people[0].address { return "bob" }
            return chance(0.9) ? focus.target : people.randomElement(using: &random)!.name
        }
        private var anyID: String {
            (chance(0.7) ? identifiersToAttacker : identifiers).suffix(40).randomElement(using: &random) ?? "m1"
        }

        private func attackOnce() {
            attackCount += 1
            if chance(0.005) {
                focus.address = "198.51.100.\(Int.random(in: 1...40, using: &random))"
                focus.target = people.randomElement(using: &random)!.name
                focus.ways = [0..<100, 0..<30, 30..<65, 57..<80, 80..<92, 92..<100].randomElement(using: &random)!
                // Behind one address with an honest user, who was there before.
                if isNew, chance(0.2) { focus.address = people[0].address }
            }
            switch Int.random(in: focus.ways, using: &random) {
            case 0..<30:
                // Challenges in other people's names, from everywhere, with ever new cookies.
                let user = chance(0.8) ? target : "nobody\(nextID())"
                let answer = exchange(
                    loginText(user, "<DigestSchema>SHA</DigestSchema>", cookie: nextID()), from: address)
                if !["401", "503"].contains(field("Code", answer)) { violate("a challenge: \(answer)") }
            case 30..<55: guess()
            case 55..<57:
                let answer = exchange(
                    loginText(target, "<Password>wrong</Password>", cookie: "wrong-\(nextID())"), from: address)
                if !["409", "503"].contains(field("Code", answer)) { violate("a wrong password: \(answer)") }
            case 57..<65:
                // His own logins clear nothing of what he did.
                logInAttacker()
            case 65..<68: pollAttacker()
            case 68..<80: takeWord()
            case 80..<92: flood()
            default: answerForVictim()
            }
        }

        private func logInAttacker() {
            let cookie = nextID()
            let from = address
            let password = "<Password>right-mallory</Password>"
            var answer = exchange(loginText("mallory", password, cookie: cookie), from: from)
            if field("Code", answer) == "403", let id = field("SystemMessageID", answer) {
                answer = exchange(
                    loginText("mallory", password, cookie: cookie, extra: response(id, 1, key: nil)), from: from)
            }
            if let session = field("SessionID", answer) { ownSessions = ownSessions.suffix(7) + [session] }
        }

        /// Looks at one message in one of his sessions, and mostly leaves it at that.
        private func pollAttacker() {
            guard let session = ownSessions.last else { return }
            note(
                seen: exchange(document("<Polling-Request/>", session: session, version: "1.3"), from: address))
        }

        /// What the attacker got to see.
        private func note(seen answer: String) {
            for text in sentToAttacker.values where answer.contains(">\(text)<") { seenByAttacker.insert(text) }
            for text in acknowledged.keys where answer.contains(">\(text)<") { violate("\(text) came to the attacker") }
        }

        private func guess() {
            // Names that nobody has fill the tables.
            let user = chance(0.4) ? "nobody\(nextID())" : target
            let cookie = "guess-\(nextID())"
            let from = address
            let challenge = exchange(loginText(user, "<DigestSchema>SHA</DigestSchema>", cookie: cookie), from: from)
            guard let credentials = digest(challenge, "wrong") else { return }
            let answer = exchange(loginText(user, credentials, cookie: cookie), from: from)
            switch field("Code", answer) {
            case "409": countGuess(from: from)
            case "503", "401": break
            default: violate("a guess: \(answer)")
            }
        }

        /// An address has five guesses, and then waits twice as long after each one, up to a minute.
        private func countGuess(from address: String) {
            checkedGuesses += 1
            // Whoever shares the address of an honest user has that user's successes counted too.
            guard address.hasPrefix("198.51") else { return }
            guessesSince[address, default: []].append(time)
            let passed = time - startedAt
            if guessesSince[address]!.count > 13 + Int(passed / 60_000) {
                violate("\(guessesSince[address]!.count) guesses from \(address) in \(passed) ms")
            }
        }

        /// Confirms, fetches, refuses and passes on what is none of his.
        private func takeWord() {
            guard let session = ownSessions.randomElement(using: &random) else { return }
            let id = anyID
            let texts = [
                ("<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>", "Response"),
                ("<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>", "Request"),
                ("<Status><Result><Code>200</Code></Result></Status>", "Response"),
                ("<GetMessage-Request><MessageID>\(id)</MessageID></GetMessage-Request>", "Request"),
                ("<RejectMessage-Request><MessageID>\(id)</MessageID></RejectMessage-Request>", "Request"),
                (
                    "<ForwardMessage-Request><MessageID>\(id)</MessageID><Recipient><User><UserID>mallory</UserID></User></Recipient></ForwardMessage-Request>",
                    "Request"
                ),
            ]
            let (content, mode) = texts.randomElement(using: &random)!
            let answer = exchange(
                document(content, id: nextID(), session: session, mode: mode, version: "1.3"), from: address)
            note(seen: answer)
        }

        private func flood() {
            guard let session = ownSessions.randomElement(using: &random) else { return }
            let recipients = people.map { "<User><UserID>\($0.name)</UserID></User>" }.joined()
            let system = chance(0.3) ? "<User><UserID>wv:system@home.test</UserID></User>" : ""
            let text = String(repeating: "x", count: Int.random(in: 10...9000, using: &random))
            _ = exchange(
                document(
                    "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><Recipient>\(system)\(recipients)</Recipient></MessageInfo><ContentData>\(text)</ContentData></SendMessage-Request>",
                    id: nextID(), session: session, version: "1.3"), from: address)
        }

        /// He knows the password, not the key: old answers and guesses are no way in.
        private func answerForVictim() {
            var extra = ""
            // Seldom, because three wrong keys shut out him and the victim.
            if chance(0.1), let id = askedIDs.suffix(20).randomElement(using: &random) {
                extra = response(id, 1, key: chance(0.5) ? nil : "12345678")
            }
            logInAsVictim(cookie: chance(0.5) ? "own" : nextID(), extra: extra, from: address)
        }

        private func logInAsVictim(cookie: String, extra: String, from address: String) {
            let password = chance(0.9) ? "<Password>right-victim</Password>" : ""
            let answer = exchange(loginText("victim", password, cookie: cookie, extra: extra), from: address)
            if let id = field("SystemMessageID", answer) { askedIDs.append(id) }
            if field("SessionID", answer) != nil { violate("in without the key: \(answer)") }
        }

        // MARK: Running

        func run(_ count: Int) {
            // Everybody was here before.
            for index in people.indices { logIn(index) }
            for _ in 0..<count {
                attack(for: UInt64.random(in: 10...400, using: &random))
                let index = Int.random(in: 0..<people.count, using: &random)
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<12: logIn(index)
                case 12..<45: sendMessage(index)
                case 45..<86: _ = poll(index)
                case 86..<94: logInVictim()
                // Until he answers it, nothing goes to his sessions.
                case 94:
                    _ = world.control(
                        "sysmsg add hold kind=online required=1 blocking=1 timeout=600 text=x audience=user:mallory option=1|a|full option=2|b|limited"
                    )
                case 95..<97:
                    world.crash()
                    isNew = false
                    focus.address = "198.51.100.1"
                    // What may have been sent before is not known one by one any more.
                    seenByAttacker.formUnion(sentToAttacker.values)
                    startedAt = time
                    guessesSince = [:]
                default: wait(milliseconds: 20_000)
                }
                if !violations.isEmpty { return }
            }
            settle()
            checkProof()
        }

        /// What was acknowledged came to whom it was for, or its sender was told that it did not.
        private func settle() {
            for _ in 0..<2 {
                for index in people.indices { while violations.isEmpty, poll(index) {} }
                wait(milliseconds: 40_000)
            }
            for (text, message) in acknowledged {
                if people[message.recipient].received.contains(text) {
                    deliveredCount += 1
                } else if !reported.contains(message.id) {
                    violate("lost: \(text)")
                }
            }
        }

        private func checkProof() {
            let results = world.control("sysmsg results guard")
            if results.contains("verified=1"), !isGuarded { violate("verified without a key: \(results)") }
        }
    }

    @Test func whoAttacksShutsNobodyOutAndTakesNothing() {
        let seeds = simulationSeeds(5)
        var logins = 0
        var delivered = 0
        var attacks = 0
        var guesses = 0
        var guarded = 0
        var longest: UInt64 = 0
        for seed in seeds {
            let run = Run(seed: seed)
            run.run(120)
            logins += run.loginCount
            delivered += run.deliveredCount
            attacks += run.attackCount
            guesses += run.checkedGuesses
            guarded += run.guardedCount
            longest = max(longest, run.longestWait)
            #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.prefix(2).joined(separator: "\n"))")
            if !run.violations.isEmpty { break }
        }
        print(
            "attacker: \(seeds.count) seeds, \(attacks) attacks, \(guesses) guesses checked, \(logins) logins, the longest \(longest) ms, \(delivered) messages"
        )
        #expect(seeds.count == 1 || delivered > seeds.count * 10)
        #expect(seeds.count == 1 || logins > seeds.count * 5)
        #expect(seeds.count == 1 || guarded > seeds.count)
    }
}
