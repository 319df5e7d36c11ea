import Foundation
import Testing

/// Clients, lost answers, failed commits and crashes in an order that one seed decides; first under faults for what may
/// never happen, then without faults for what has to happen.
@Suite struct SimulationTests {
    private struct Person {
        var name: String
        var session: String?
        var cookie: Int
        /// The last request whose answer was lost: it is posted again before anything else.
        var unanswered: String?
        var unansweredText: String?
        /// Answers are kept for two minutes; who asks later asks anew.
        var unansweredSince: UInt64 = 0
        var unconfirmed: [(transaction: String, message: String, text: String)] = []
        /// What this session has confirmed, and the confirmation was committed.
        var confirmed: Set<String> = []
        /// What was sent in this session, and the highest number by each sender.
        var seen: Set<String> = []
        var lastOf: [String: Int] = [:]
    }

    private final class Run {
        let seed: UInt64
        let world: World
        var random: Seeded
        var people: [Person] = []
        var acknowledged: [String: Set<String>] = [:]
        var attempted: Set<String> = []
        var received: [String: Set<String>] = [:]
        var violations: [String] = []
        var number = 0
        var elapsed: UInt64 = 0
        let lossRate: Double
        let failureRate: Double
        let crashRate: Double
        let fullRate: Double

        init(seed: UInt64) {
            self.seed = seed
            random = Seeded(seed)
            world = World(seed: seed)
            lossRate = Double.random(in: 0...0.3, using: &random)
            failureRate = Double.random(in: 0...0.2, using: &random)
            crashRate = Double.random(in: 0...0.05, using: &random)
            fullRate = Bool.random(using: &random) ? 0.1 : 0
            let userCount = Int.random(in: 2...4, using: &random)
            for user in 0..<userCount {
                _ = world.control("user add user\(user) digest password\(user)")
                for device in 0..<Int.random(in: 1...2, using: &random) {
                    people.append(Person(name: "user\(user)", session: nil, cookie: user * 10 + device))
                }
            }
        }

        var description: String {
            "seed \(seed): loss \(lossRate), failed commits \(failureRate), crashes \(crashRate), full \(fullRate), \(people.count) devices"
        }

        private func chance(_ rate: Double) -> Bool { Double.random(in: 0..<1, using: &random) < rate }

        /// Handles a document and its commit; nil when the answer does not reach the client.
        private func exchange(_ text: String, _ index: Int, faults: Bool) -> String? {
            let answer = world.handle(text)
            // The power goes before the turn is durable: nothing of it is there, and nobody was answered.
            if faults, chance(crashRate) {
                world.crash()
                return nil
            }
            guard world.commit(succeeds: !(faults && chance(failureRate))) else { return nil }
            noteOrder(answer, index)
            if faults, chance(crashRate) {
                world.crash()
                return nil
            }
            return faults && chance(lossRate) ? nil : answer
        }

        /// What goes out for the first time goes out in order; what the client has missed comes later, behind it.
        private func noteOrder(_ answer: String, _ index: Int) {
            guard let text = field("ContentData", answer), people[index].seen.insert(text).inserted else { return }
            let words = text.split(separator: " ")
            let sender = String(words[0])
            let order = Int(words[1])!
            if order < people[index].lastOf[sender] ?? 0 { violations.append("out of order: \(text)") }
            people[index].lastOf[sender] = order
        }

        private func logIn(_ index: Int, faults: Bool) {
            let person = people[index]
            let password = "password\(person.name.dropFirst(4))"
            number += 1
            let text = document(
                login(person.name, password: password, cookie: "c\(person.cookie)"), id: "\(number)", session: nil)
            guard let answer = exchange(text, index, faults: faults), let id = field("SessionID", answer) else {
                return
            }
            if people[index].session != id {
                people[index].session = id
                people[index].confirmed = []
                people[index].seen = []
                people[index].lastOf = [:]
                people[index].unconfirmed = []
            }
        }

        private func send(_ index: Int, faults: Bool) {
            guard let session = people[index].session else { return logIn(index, faults: faults) }
            let target = people.randomElement(using: &random)!.name
            let text: String
            let request: String
            if elapsed - people[index].unansweredSince > 100 { people[index].unanswered = nil }
            if let again = people[index].unanswered {
                request = again
                text = people[index].unansweredText!
            } else {
                number += 1
                text = "\(people[index].name)/\(people[index].cookie) \(number) to \(target)"
                request = document(IMPSEngineTests.send(text, to: target), id: "\(number)", session: session)
            }
            attempted.insert(text)
            guard let answer = exchange(request, index, faults: faults) else {
                if people[index].unanswered == nil { people[index].unansweredSince = elapsed }
                people[index].unanswered = request
                people[index].unansweredText = text
                return
            }
            people[index].unanswered = nil
            switch field("Code", answer) {
            case "200": acknowledged[String(text.split(separator: " ").last!), default: []].insert(text)
            case "604": people[index].session = nil
            case "507": if world.disk.hasRoom { violations.append("507 with room") }
            default: violations.append("answer \(answer)")
            }
        }

        private func take(_ answer: String, _ index: Int) {
            guard let text = field("ContentData", answer), let transaction = field("TransactionID", answer),
                let message = field("MessageID", answer)
            else {
                if field("Code", answer) == "604" { people[index].session = nil }
                return
            }
            let words = text.split(separator: " ")
            if !attempted.contains(text) { violations.append("nobody sent \(text)") }
            if String(words.last!) != people[index].name { violations.append("to the wrong one: \(text)") }
            if people[index].confirmed.contains(text) { violations.append("confirmed, and delivered again: \(text)") }
            received[people[index].name, default: []].insert(text)
            people[index].unconfirmed.append((transaction, message, text))
        }

        private func poll(_ index: Int, faults: Bool) {
            guard let session = people[index].session else { return logIn(index, faults: faults) }
            if let answer = exchange(document("<Polling-Request/>", session: session), index, faults: faults) {
                take(answer, index)
            }
        }

        private func confirm(_ index: Int, faults: Bool) {
            guard let session = people[index].session, !people[index].unconfirmed.isEmpty else { return }
            let next = people[index].unconfirmed.removeFirst()
            let request = document(
                "<MessageDelivered><MessageID>\(next.message)</MessageID></MessageDelivered>", id: next.transaction,
                session: session, mode: "Response")
            guard let answer = exchange(request, index, faults: faults) else { return }
            people[index].confirmed.insert(next.text)
            if !answer.isEmpty { take(answer, index) }
        }

        private func pass(_ seconds: UInt64) {
            elapsed += seconds
            world.pass(seconds: seconds)
        }

        func underFaults(_ steps: Int) {
            for _ in 0..<steps {
                let index = Int.random(in: 0..<people.count, using: &random)
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<4: logIn(index, faults: true)
                case 4..<40: send(index, faults: true)
                case 40..<65: poll(index, faults: true)
                case 65..<95: confirm(index, faults: true)
                case 95..<97: pass(UInt64.random(in: 1...60, using: &random))
                default: world.disk.hasRoom = !chance(fullRate)
                }
            }
        }

        /// Faults off: what was acknowledged has to arrive.
        func calmly() {
            world.disk.hasRoom = true
            for index in people.indices where people[index].unanswered != nil { send(index, faults: false) }
            pass(40)
            for user in Set(people.map(\.name)) {
                // A new device gets what no other one has confirmed.
                people.append(Person(name: user, session: nil, cookie: 1000 + people.count))
                let index = people.count - 1
                logIn(index, faults: false)
                for _ in 0..<2000 {
                    let before = received[user]?.count ?? 0
                    poll(index, faults: false)
                    if people[index].unconfirmed.isEmpty { break }
                    while !people[index].unconfirmed.isEmpty { confirm(index, faults: false) }
                    if received[user]?.count ?? 0 == before, people[index].unconfirmed.isEmpty { break }
                }
            }
            for (user, texts) in acknowledged {
                for lost in texts.subtracting(received[user] ?? []) { violations.append("lost: \(lost)") }
            }
        }
    }

    @Test func nothingIsLostAndNothingIsDoneTwice() {
        let seeds = simulationSeeds(40)
        var acknowledged = 0
        for seed in seeds {
            let run = Run(seed: seed)
            run.underFaults(400)
            run.calmly()
            acknowledged += run.acknowledged.values.reduce(0) { $0 + $1.count }
            #expect(run.violations.isEmpty, "\(run.description)\n\(run.violations.prefix(5))")
            if !run.violations.isEmpty { break }
        }
        print("simulation: \(seeds.count) seeds, \(acknowledged) messages acknowledged")
        #expect(seeds.count == 1 || acknowledged > seeds.count * 20)
    }

    /// The machinery has to notice a store that loses what it said it had.
    @Test func aStoreThatLosesAChangeIsNoticed() {
        var noticed = 0
        for seed in UInt64(1)...12 {
            let run = Run(seed: seed)
            run.underFaults(100)
            run.world.disk.losesChange = run.world.disk.nextChange + 3
            run.underFaults(300)
            run.calmly()
            if !run.violations.isEmpty { noticed += 1 }
        }
        #expect(noticed > 0)
    }
}
