import Foundation
import Testing

/// Users that are asked, answer late, twice, wrongly or not at all, log in from two places and lose their connection,
/// while the operator adds, renews and ends campaigns, commits fail and the engine crashes: in an order that one seed
/// decides. What may never happen is looked for after each step.
@Suite struct SystemMessageSimulationTests {
    /// A message as the operator made it; what he did he knows for sure.
    private struct Question {
        var name: String
        var isOnline: Bool
        var isActive = true
        var generation = 1
        /// nil for everybody.
        var user: String?
    }

    /// What is known of a user and a generation of a message.
    private struct Known {
        /// Options that the engine may have taken.
        var attempted: Set<Int> = []
        /// The option that it said it took; nil when it is not known for sure.
        var acknowledged: Int?
        /// It said so, and may not ask again.
        var isSettled = false
    }

    private struct Device {
        var user: String
        var cookie: Int
        var version: String
        var session: String?
        /// The identifiers of the last list, before login or in the session, by the names of the messages.
        var asked: [(name: String, id: String)] = []
        /// When the list came; nil when the device is not asked before a login.
        var askedAt: UInt64?
    }

    private final class Run {
        let seed: UInt64
        let world: World
        private var random: Seeded
        private var devices: [Device] = []
        private var questions: [Question] = []
        private var known: [String: Known] = [:]
        private var users: [String] = []
        private var number = 0
        private var elapsed: UInt64 = 0
        private let faults: Double
        private(set) var violations: [String] = []
        private(set) var steps = 0
        private(set) var sessionCount = 0
        private(set) var answerCount = 0
        private(set) var denialCount = 0
        /// What the last steps were, for the reader of a violation.
        private var history: [String] = []

        init(seed: UInt64) {
            self.seed = seed
            random = Seeded(seed)
            world = World(seed: seed) {
                $0.sessionsOfUserMax = 64
                $0.offlineMessagesMax = 5
            }
            faults = Double.random(in: 0...0.2, using: &random)
            for user in 0..<2 {
                users.append("user\(user)")
                _ = world.control("user add user\(user) digest password\(user)")
                for device in 0..<2 {
                    let version = ["1.2", "1.3", "1.3"].randomElement(using: &random)!
                    devices.append(Device(user: "user\(user)", cookie: user * 10 + device, version: version))
                }
            }
        }

        private func chance(_ rate: Double) -> Bool { Double.random(in: 0..<1, using: &random) < rate }

        private func violate(_ words: String) {
            violations.append("\(words)\n  after \(history.suffix(25).joined(separator: "\n        "))")
        }

        private func note(_ words: String) { history.append("\(steps) t=\(elapsed): \(words)") }

        // MARK: Wire

        private func identifiers(_ text: String) -> [(name: String, id: String)] {
            text.components(separatedBy: "<SystemMessageID>").dropFirst().compactMap { part in
                guard let id = part.components(separatedBy: "</").first else { return nil }
                return (String(id.prefix { $0 != "." }), id)
            }
        }

        /// Handles a document; nil when its answer does not come back. The request may be lost too, the commit may fail,
        /// and the engine may end after it.
        private func exchange(_ text: String) -> String? {
            if chance(faults / 3) { return nil }
            let answer = world.handle(text)
            guard world.commit(succeeds: !chance(faults / 3)) else {
                note("the commit fails")
                restartTimers()
                return nil
            }
            if chance(faults / 5) {
                crash()
                return nil
            }
            return chance(faults / 3) ? nil : answer
        }

        private func nextNumber() -> String {
            number += 1
            return "\(number)"
        }

        // MARK: Knowledge

        private func key(_ user: String, _ question: Question) -> String {
            "\(user) \(question.name) \(question.generation)"
        }

        private func isFor(_ question: Question, _ user: String) -> Bool {
            question.isActive && (question.user == nil || question.user == user)
        }

        /// The message and generation that an identifier names.
        private func question(_ id: String) -> Question? {
            let parts = id.split(separator: ".")
            // Above the generation stands how often it was asked.
            guard parts.count == 4, let edition = Int(parts[2], radix: 16) else { return nil }
            return questions.first { $0.name == parts[0] && $0.generation == edition & 0xFFFF }
        }

        private func attempt(_ user: String, _ id: String, _ option: Int) {
            guard let question = question(id) else { return }
            known[key(user, question), default: Known()].attempted.insert(option)
            // From now on only an answer of the engine makes it sure again.
            if known[key(user, question)]?.isSettled != true { known[key(user, question)]?.acknowledged = nil }
        }

        private func acknowledge(_ user: String, _ id: String, _ option: Int) {
            guard let question = question(id), question.isActive, option != 3 else { return }
            answerCount += 1
            known[key(user, question)]?.isSettled = true
            // Of several attempts the first that came through counts.
            if known[key(user, question)]?.attempted == [option] { known[key(user, question)]?.acknowledged = option }
        }

        /// Nobody may be in without an answer to all that has to be answered before.
        private func checkSettled(_ user: String, online: Bool, _ what: String) {
            for question in questions where question.isOnline == online && isFor(question, user) {
                let answers = known[key(user, question)]?.attempted ?? []
                if answers.isDisjoint(with: [1, 2]) { violate("\(what) without an answer to \(question.name)") }
            }
        }

        // MARK: Users

        private func logIn(_ index: Int, answers: [(id: String, option: Int)] = [], credentials: Bool = true) {
            let device = devices[index]
            let list = answers.map {
                "<SystemMessageResponse><SystemMessageID>\($0.id)</SystemMessageID><ChosenOptionID>\($0.option)</ChosenOptionID></SystemMessageResponse>"
            }.joined()
            let responses = list.isEmpty ? "" : "<SystemMessageResponseList>\(list)</SystemMessageResponseList>"
            let password = credentials ? "<Password>password\(device.user.dropFirst(4))</Password>" : ""
            let isLate = device.askedAt.map { elapsed > $0 + 62 } ?? true
            for answer in answers { attempt(device.user, answer.id, answer.option) }
            note("\(device.user)/\(device.cookie) \(device.version) logs in \(answers) credentials \(credentials)")
            devices[index].session = nil
            let text = document(
                "<Login-Request><UserID>\(device.user)</UserID><ClientID><URL>c\(device.cookie)</URL></ClientID>\(password)<TimeToLive>86400</TimeToLive><SessionCookie>c\(device.cookie)</SessionCookie>\(responses)</Login-Request>",
                id: nextNumber(), session: nil, version: device.version)
            guard let answer = exchange(text), let code = field("Code", answer) else {
                // It may have been asked.
                devices[index].askedAt = elapsed
                return
            }
            note("  \(code) \(identifiers(answer).map(\.id))")
            switch code {
            case "200": opened(index, answer, answers, isLate: isLate, credentials: credentials)
            case "403", "402", "426": closed(index, answer, answers)
            case "409":
                if credentials { violate("the password was refused") }
            default: violate("a login answered with \(code)")
            }
        }

        private func opened(
            _ index: Int, _ answer: String, _ answers: [(id: String, option: Int)], isLate: Bool, credentials: Bool
        ) {
            let device = devices[index]
            guard let session = field("SessionID", answer) else { return violate("200 without a session") }
            sessionCount += 1
            if isLate, !credentials { violate("an answer that came too late opened the door") }
            devices[index].session = session
            devices[index].askedAt = nil
            // Who answered validly and is in: what he said holds.
            if device.version == "1.3" {
                for given in answers where [1, 2].contains(given.option) {
                    acknowledge(device.user, given.id, given.option)
                }
                if sendsFreely(index) == true { checkSettled(device.user, online: false, "in") }
            }
        }

        private func closed(_ index: Int, _ answer: String, _ answers: [(id: String, option: Int)]) {
            let device = devices[index]
            let list = identifiers(answer)
            devices[index].asked = list
            devices[index].askedAt = list.isEmpty ? nil : elapsed
            if list.isEmpty { denialCount += 1 }
            if answer.contains("<SessionID>") { violate("a session beside a question") }
            for (name, _) in list {
                guard let question = questions.last(where: { $0.name == name }) else { continue }
                if known[key(device.user, question)]?.isSettled == true {
                    violate("\(name) is asked again after its answer was acknowledged")
                }
            }
        }

        /// Whether the session may send messages now; nil when that is not known.
        private func sendsFreely(_ index: Int) -> Bool? {
            let device = devices[index]
            guard let session = device.session else { return nil }
            let text = document(
                "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><Recipient><User><UserID>wv:user0@home.test</UserID></User></Recipient></MessageInfo><ContentData>x</ContentData></SendMessage-Request>",
                id: nextNumber(), session: session, version: device.version)
            guard let answer = exchange(text), let code = field("Code", answer) else { return nil }
            note("  \(device.user)/\(device.cookie) sends: \(code)")
            switch code {
            case "200", "507":
                checkSettled(device.user, online: true, "sends")
                checkLevel(device.user, isOpen: true)
                return true
            case "506":
                checkLevel(device.user, isOpen: false)
                return true
            case "403": return false
            case "601", "604":
                devices[index].session = nil
                return nil
            default:
                violate("a message answered with \(code)")
                return nil
            }
        }

        /// The level is what the answers give: option 2 has no messages.
        private func checkLevel(_ user: String, isOpen: Bool) {
            var isLimited = false
            var isSure = true
            for question in questions where question.isActive {
                var latest: Known?
                for generation in 1...question.generation {
                    var earlier = question
                    earlier.generation = generation
                    if let entry = known[key(user, earlier)], !entry.attempted.isDisjoint(with: [1, 2]) {
                        latest = entry
                    }
                }
                guard let latest else { continue }
                if let option = latest.acknowledged { isLimited = isLimited || option == 2 } else { isSure = false }
            }
            if isOpen, isLimited { violate("more than the level of the answers") }
            if !isOpen, isSure, !isLimited { violate("less than the level of the answers") }
        }

        private func answerBeforeLogin(_ index: Int) {
            let device = devices[index]
            guard !device.asked.isEmpty else { return logIn(index) }
            var answers: [(id: String, option: Int)] = []
            for (_, id) in device.asked where chance(0.8) {
                answers.append((id, [1, 1, 1, 2, 2, 3, 9].randomElement(using: &random)!))
            }
            if chance(0.1) { answers.append(("nonsense", 1)) }
            logIn(index, answers: answers, credentials: chance(0.5))
        }

        private func answerInSession(_ index: Int) {
            let device = devices[index]
            guard let session = device.session else { return logIn(index) }
            if device.version == "1.2" {
                let option = ["1", "2", "3", "what?"].randomElement(using: &random)!
                // Which message it is for only the engine knows: all that are open may have got it.
                if let number = Int(option) {
                    for question in questions where isFor(question, device.user) {
                        attempt(device.user, "\(question.name).0.\(String(question.generation, radix: 16)).0", number)
                    }
                }
                note("\(device.user)/\(device.cookie) writes \(option) to the system")
                _ = exchange(
                    document(
                        "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><Recipient><User><UserID>wv:system@home.test</UserID></User></Recipient></MessageInfo><ContentData>\(option)</ContentData></SendMessage-Request>",
                        id: nextNumber(), session: session, version: device.version))
                return
            }
            guard let asked = device.asked.randomElement(using: &random) else { return poll(index) }
            let option = [1, 1, 2, 3, 9].randomElement(using: &random)!
            attempt(device.user, asked.id, option)
            note("\(device.user)/\(device.cookie) answers \(asked.id) with \(option)")
            guard
                let answer = exchange(
                    document(
                        "<SystemMessage-User><SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(asked.id)</SystemMessageID><ChosenOptionID>\(option)</ChosenOptionID></SystemMessageResponse></SystemMessageResponseList></SystemMessage-User>",
                        id: nextNumber(), session: session, version: device.version)), let code = field("Code", answer)
            else { return }
            note("  \(code)")
            switch code {
            case "200" where option < 3: acknowledge(device.user, asked.id, option)
            case "200", "201", "402", "426": break
            case "601", "604": devices[index].session = nil
            default: violate("an answer answered with \(code)")
            }
        }

        private func poll(_ index: Int) {
            let device = devices[index]
            guard let session = device.session else { return logIn(index) }
            guard let answer = exchange(document("<Polling-Request/>", session: session, version: device.version))
            else {
                return
            }
            let list = identifiers(answer)
            if !list.isEmpty { devices[index].asked = list }
            note("\(device.user)/\(device.cookie) polls: \(list.map(\.id))")
            if field("Code", answer) == "604" || answer.contains("<Disconnect>") { devices[index].session = nil }
            if let id = field("TransactionID", answer), answer.contains("<TransactionMode>Request"), chance(0.7) {
                let message = field("MessageID", answer)
                let content =
                    message.map { "<MessageDelivered><MessageID>\($0)</MessageID></MessageDelivered>" }
                    ?? "<Status><Result><Code>200</Code></Result></Status>"
                _ = exchange(document(content, id: id, session: session, mode: "Response", version: device.version))
            }
        }

        // MARK: The operator

        private func operate() {
            let active = questions.indices.filter { questions[$0].isActive }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4 where active.count < 4:
                let isOnline = chance(0.4)
                let user = chance(0.4) ? users.randomElement(using: &random)! : nil
                let name = "q\(questions.count)"
                note("operator adds \(name) online \(isOnline) for \(user ?? "all")")
                let answer = world.control(
                    "sysmsg add \(name) kind=\(isOnline ? "online" : "login") required=1 blocking=1 timeout=60 text=x audience=\(user.map { "user:\($0)" } ?? "all") option=1|a|full option=2|b|limited:FundamentalFeat,PresenceFeat option=3|c|deny"
                )
                guard answer == "ok\n" else { return violate("add: \(answer)") }
                questions.append(Question(name: name, isOnline: isOnline, user: user))
            case 4..<7:
                guard let index = active.randomElement(using: &random) else { return }
                note("operator renews \(questions[index].name)")
                if world.control("sysmsg renew \(questions[index].name)") == "ok\n" { questions[index].generation += 1 }
            case 7..<9:
                guard let index = active.randomElement(using: &random) else { return }
                let verb = chance(0.5) ? "end" : "del"
                note("operator: \(verb) \(questions[index].name)")
                if world.control("sysmsg \(verb) \(questions[index].name)") == "ok\n" {
                    questions[index].isActive = false
                }
            default: crash()
            }
        }

        private func crash() {
            note("crash")
            world.crash()
            restartTimers()
        }

        /// The time for an answer begins anew when the engine reads its state again.
        private func restartTimers() {
            for index in devices.indices where devices[index].askedAt != nil { devices[index].askedAt = elapsed }
        }

        // MARK: Running

        func run(_ count: Int) {
            for _ in 0..<count {
                steps += 1
                let index = Int.random(in: 0..<devices.count, using: &random)
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<12: logIn(index)
                case 12..<40: answerBeforeLogin(index)
                case 40..<60: answerInSession(index)
                case 60..<78: poll(index)
                case 78..<90:
                    if devices[index].session == nil { logIn(index) } else { _ = sendsFreely(index) }
                case 90..<93:
                    let seconds = UInt64.random(in: 1...80, using: &random)
                    elapsed += seconds
                    world.pass(seconds: seconds)
                case 93..<94:
                    if let session = devices[index].session {
                        _ = exchange(
                            document(
                                "<Logout-Request/>", id: nextNumber(), session: session,
                                version: devices[index].version))
                        devices[index].session = nil
                    }
                default: operate()
                }
                if !violations.isEmpty { return }
            }
            checkProof()
        }

        /// Each answer that was acknowledged is in the proof, whatever became of its message.
        private func checkProof() {
            for question in questions {
                let results = world.control("sysmsg results \(question.name)")
                let verified = world.control("sysmsg verify \(question.name)")
                // Nothing is left of what nobody was asked.
                let isGone = results.hasPrefix("error campaign-unknown")
                if !verified.hasSuffix("ok\n"), !isGone { violate("the journal of \(question.name): \(verified)") }
                for user in users {
                    for generation in 1...question.generation {
                        var past = question
                        past.generation = generation
                        guard let entry = known[key(user, past)], entry.isSettled else { continue }
                        let line = results.split(separator: "\n").first {
                            $0.hasPrefix("user=wv:\(user)@home.test generation=\(generation) ")
                        }
                        guard let line, line.contains("state=answered") || line.contains("state=denied") else {
                            violate("no proof of \(user), \(question.name) \(generation): \(results)")
                            return
                        }
                        if let option = entry.acknowledged, !line.contains(" option=\(option) ") {
                            violate("another proof of \(user), \(question.name) \(generation): \(line)")
                        }
                    }
                }
            }
        }
    }

    @Test func nobodyGetsInWithoutAnAnswerAndNoAnswerIsLost() {
        let seeds = simulationSeeds(40)
        var steps = 0
        var sessions = 0
        var answers = 0
        var denials = 0
        for seed in seeds {
            let run = Run(seed: seed)
            run.run(420)
            steps += run.steps
            sessions += run.sessionCount
            answers += run.answerCount
            denials += run.denialCount
            #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.prefix(2).joined(separator: "\n"))")
            if !run.violations.isEmpty { break }
        }
        print(
            "system messages: \(seeds.count) seeds, \(steps) steps, \(sessions) sessions, \(answers) answers, \(denials) denials"
        )
        #expect(seeds.count == 1 || answers > seeds.count * 10)
    }
}
