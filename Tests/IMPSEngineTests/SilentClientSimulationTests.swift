import Foundation
import Octets
import Testing

@testable import IMPSEngine

/// Clients that never answer some kinds of server transactions, in an order that one seed decides. What they leave
/// unanswered may hold nothing up, and may not come for ever. Source: CL-10, CL-11, CL-31.
@Suite struct SilentClientSimulationTests {
    private static let guardSeconds: UInt64 = 30
    private static let deliveriesMax = 3

    private struct Device {
        let user: String
        let version: String
        let cookie: String
        let pollSeconds: UInt64
        /// What it answers, by the name of the primitive.
        let answers: Set<String>
        /// It wants MessageNotification instead of NewMessage.
        let isNotified: Bool
        var session: String?
        var since: UInt64 = 0
        var pollsAt: UInt64 = 0
        /// The messages that came, and how often since the engine started.
        var seen: Set<String> = []
        var times: [String: Int] = [:]
    }

    private struct Message {
        let id: String
        let recipient: String
        let sentAt: UInt64
    }

    private final class Run {
        let seed: UInt64
        let world: World
        var random: Seeded
        var devices: [Device] = []
        var messages: [Message] = []
        var violations: [String] = []
        var elapsed: UInt64 = 0
        /// The engine begins to wait anew when it starts.
        var startedAt: UInt64 = 0
        var number = 0

        init(seed: UInt64) {
            self.seed = seed
            random = Seeded(seed)
            world = World(seed: seed) { $0.deliveriesMax = UInt8(SilentClientSimulationTests.deliveriesMax) }
            let kinds = ["NewMessage", "MessageNotification", "DeliveryReport-Request", "SystemMessage-Request"]
            for user in 0..<Int.random(in: 2...3, using: &random) {
                _ = world.control("user add user\(user) digest password\(user)")
                for device in 0..<Int.random(in: 1...2, using: &random) {
                    devices.append(
                        Device(
                            user: "user\(user)", version: ["1.2", "1.3"].randomElement(using: &random)!,
                            cookie: "c\(device)", pollSeconds: UInt64.random(in: 1...12, using: &random),
                            answers: Set(kinds.filter { _ in Bool.random(using: &random) }),
                            isNotified: Int.random(in: 0..<4, using: &random) == 0))
                }
            }
        }

        var description: String {
            "seed \(seed): \(devices.map { "\($0.user)/\($0.cookie) \($0.version) answers \($0.answers.sorted())" })"
        }

        private func exchange(_ content: String, _ index: Int, id: String = "", mode: String = "Request") -> String {
            let text = document(
                content, id: id, session: devices[index].session, mode: mode, version: devices[index].version)
            let answer = world.handle(text, from: "192.0.2.\(index)")
            _ = world.commit(succeeds: true)
            return answer
        }

        private func nextNumber() -> String {
            number += 1
            return "\(number)"
        }

        private func logIn(_ index: Int) {
            let content = login(
                devices[index].user, password: "password\(devices[index].user.dropFirst(4))",
                cookie: devices[index].cookie, client: "device \(index)")
            devices[index].session = field("SessionID", exchange(content, index, id: nextNumber()))
            devices[index].since = elapsed
            devices[index].seen = []
            let method = devices[index].isNotified ? "N" : "P"
            _ = exchange(
                "<ClientCapability-Request><CapabilityList><InitialDeliveryMethod>\(method)</InitialDeliveryMethod></CapabilityList></ClientCapability-Request>",
                index, id: nextNumber())
        }

        private func send(_ index: Int) {
            guard devices[index].session != nil else { return }
            let recipient = devices.randomElement(using: &random)!.user
            let content = IMPSEngineTests.send("x", to: recipient, report: Bool.random(using: &random))
            let answer = exchange(content, index, id: nextNumber())
            guard field("Code", answer) == "200", let id = field("MessageID", answer) else {
                return violations.append("refused: \(answer)")
            }
            messages.append(Message(id: id, recipient: recipient, sentAt: elapsed))
        }

        /// Polls until the server has no more, and answers what this device answers.
        private func poll(_ index: Int) {
            var answer = exchange("<Polling-Request/>", index)
            var count = 0
            while !answer.isEmpty, field("TransactionMode", answer) == "Request" {
                count += 1
                guard count < 200 else { return violations.append("a poll without end") }
                let asksForMore = field("Poll", answer) == "T"
                let name = primitive(answer)
                if let id = field("MessageID", answer), name != "DeliveryReport-Request" {
                    devices[index].seen.insert(id)
                    devices[index].times[id, default: 0] += 1
                    if devices[index].times[id]! > SilentClientSimulationTests.deliveriesMax {
                        violations.append("\(id) came too often to \(devices[index].user)/\(devices[index].cookie)")
                    }
                }
                let id = field("TransactionID", answer) ?? ""
                if devices[index].answers.contains(name) {
                    let content =
                        name == "NewMessage"
                        ? "<MessageDelivered><MessageID>\(field("MessageID", answer) ?? "")</MessageID></MessageDelivered>"
                        : "<Status><Result><Code>200</Code></Result></Status>"
                    answer = exchange(content, index, id: id, mode: "Response")
                } else if asksForMore {
                    answer = exchange("<Polling-Request/>", index)
                } else {
                    return
                }
            }
            if field("Code", answer) == "604" { devices[index].session = nil }
        }

        private func primitive(_ answer: String) -> String {
            let content = answer.components(separatedBy: "<TransactionContent")[1]
            return content.components(separatedBy: "><")[1].components(separatedBy: ">")[0]
        }

        func run(seconds: UInt64) {
            for index in devices.indices { logIn(index) }
            for _ in 0..<seconds where violations.isEmpty {
                elapsed += 1
                world.pass(seconds: 1)
                for index in devices.indices where devices[index].pollsAt <= elapsed {
                    poll(index)
                    devices[index].pollsAt = elapsed + devices[index].pollSeconds
                }
                let index = Int.random(in: 0..<devices.count, using: &random)
                switch Int.random(in: 0..<60, using: &random) {
                case 0..<6: send(index)
                case 6:
                    number += 1
                    _ = world.control("sysmsg add news\(number) kind=online text=News")
                case 7: _ = world.control("sysmsg end news\(number)")
                case 8: logIn(index)
                case 9 where Bool.random(using: &random):
                    world.crash()
                    startedAt = elapsed
                    for index in devices.indices { devices[index].times = [:] }
                default: break
                }
                check()
            }
        }

        /// Every message reaches a session that polls within two guard times.
        private func check() {
            let limit = 2 * SilentClientSimulationTests.guardSeconds
            messages.removeAll { message in
                let isLate = max(message.sentAt, startedAt) + limit + 13 < elapsed
                for device in devices
                where isLate && device.user == message.recipient && device.session != nil
                    && device.since < message.sentAt && !device.seen.contains(message.id)
                {
                    violations.append("\(message.id) did not reach \(device.user)/\(device.cookie)")
                }
                return isLate
            }
        }
    }

    @Test func whatIsNotAnsweredHoldsNothingUp() {
        let seeds = simulationSeeds(30)
        var messageCount = 0
        for seed in seeds {
            let run = Run(seed: seed)
            run.run(seconds: 600)
            messageCount += run.number
            #expect(run.violations.isEmpty, "\(run.description)\n\(run.violations.prefix(5))")
            if !run.violations.isEmpty { break }
        }
        #expect(seeds.count == 1 || messageCount > seeds.count * 40)
    }

    /// How a program of family M closes a NewMessage.
    enum Confirmation: String, CaseIterable, Sendable {
        case none, status, quirk
    }

    /// Two of them, with one cookie and one ClientID as their program has them, talk for an hour. Source: CL-30, CL-31.
    @Test(arguments: Confirmation.allCases) func twoProgramsTalkForAnHour(confirmation: Confirmation) throws {
        let world = World(seed: 7) {
            $0.deliveriesMax = UInt8(SilentClientSimulationTests.deliveriesMax)
            _ = $0.quirks.add(InlineBytes(Array("Never/*".utf8).span)!, .sentIsDelivered)
        }
        let users = ["alice", "bob"]
        for user in users { _ = world.control("user add \(user) digest password") }
        let agent = confirmation == .quirk ? "Never/1" : "Program/1"
        var sessions: [String?] = [nil, nil]
        var number = 0
        func exchange(_ content: String, _ index: Int, id: String, mode: String = "Request") -> String {
            let text = document(content, id: id, session: sessions[index], mode: mode)
            let answer = world.handle(text, from: "192.0.2.\(index)", agent: agent)
            _ = world.commit(succeeds: true)
            return answer
        }
        func next() -> String {
            number += 1
            return "\(number)"
        }
        for index in 0..<2 {
            let content = login(users[index], password: "password", cookie: "session-cookie", timeToLive: 600)
            let id: String = try #require(field("SessionID", exchange(content, index, id: next())))
            sessions[index] = id
        }
        var shown: [String: Int] = [:]
        var sent: [String] = []
        for second in 1...3600 {
            world.pass(seconds: 1)
            for index in 0..<2 {
                if second % 7 == index, second < 3500 {
                    let text = "\(users[index]) \(second)"
                    let answer = exchange(IMPSEngineTests.send(text, to: users[1 - index]), index, id: next())
                    #expect(field("Code", answer) == "200", "\(answer)")
                    sent.append(text)
                }
                guard second % 5 == 0 else { continue }
                let answer = exchange("<Polling-Request/>", index, id: "")
                #expect(field("Code", answer) == nil)
                guard let text = field("ContentData", answer) else { continue }
                shown[text, default: 0] += 1
                if confirmation == .status {
                    let id = try #require(field("TransactionID", answer))
                    let more = exchange(
                        "<Status><Result><Code>200</Code></Result></Status>", index, id: id, mode: "Response")
                    if let text = field("ContentData", more) { shown[text, default: 0] += 1 }
                }
            }
        }
        #expect(sent.count > 900)
        #expect(Set(sent) == Set(shown.keys))
        let repeated = shown.values.filter { $0 > 1 }.count
        print("family M: \(confirmation): \(sent.count) messages, \(repeated) of them shown more than once")
        #expect(shown.values.allSatisfy { $0 <= SilentClientSimulationTests.deliveriesMax })
        // Where nothing can tell, the first ones teach it.
        #expect(confirmation == .none ? repeated <= 40 : repeated == 0)
    }
}
