import Foundation
import Octets
import Testing

/// An engine and an XMPP server that forgets what it has just taken, refuses for now or for good, ends, says everything twice
/// and is asked to say it again, while commits fail and the engine crashes: in an order that one seed decides.
@Suite struct XMPPSimulationTests {
    private final class Run {
        let world = World(users: ["alice", "bob"])
        private var random: Seeded
        private var faults: Double
        private(set) var violations: [String] = []
        private var history: [String] = []
        private var phone: Phone
        private var isOpen = false
        private var number = 0

        /// Messages that were acknowledged to alice, and what the server has of them, by the ids that they have.
        private(set) var acknowledged: [String] = []
        private var kept: [String: String] = [:]
        /// What it has not written down yet, and loses with its life.
        private var taken: [String: String] = [:]
        private var refused: Set<String> = []

        /// What somebody there says to alice, until it is known that she has it; and what she got.
        private var waiting: [(id: String, text: String)] = []
        private var inFlight: [(id: String, text: String)] = []
        private(set) var said: [String] = []
        private(set) var received: [String] = []

        init(seed: UInt64) {
            random = Seeded(seed)
            faults = Double.random(in: 0...0.4, using: &random)
            world.configureXMPP()
            phone = world.phone("alice")
        }

        private func chance(_ rate: Double) -> Bool { Double.random(in: 0..<1, using: &random) < rate }

        private func violate(_ words: String) {
            violations.append("\(words)\n  after \(history.suffix(30).joined(separator: "\n        "))")
        }

        private func attribute(_ name: String, _ stanza: String) -> String? {
            stanza.components(separatedBy: " \(name)='").dropFirst().first?.components(separatedBy: "'").first
        }

        func run(_ count: Int) {
            for _ in 0..<count { step() }
            faults = 0
            for _ in 0..<200 {
                if !isOpen { open() }
                talk()
                say()
                take()
                world.pass(seconds: 100)
            }
            world.checkInvariants()
            let all = kept.merging(taken) { $1 }
            for text in acknowledged where !all.values.contains(text) && !refused.contains(text) {
                violate("\(text) is lost")
            }
            if Set(all.values).count != all.count { violate("one message has two ids") }
            if received.sorted() != said.sorted() {
                violate("alice got \(received.count) of \(said.count), \(Set(received).count) different")
            }
        }

        private func step() {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<5: send()
            case 5..<9: talk()
            case 9..<12: say()
            case 12..<15: take()
            case 15: if !isOpen { open() }
            case 16:
                // A server writes down what it has within a minute.
                writeDown()
                world.pass(seconds: UInt64.random(in: 0...90, using: &random))
            case 17 where chance(faults):
                history.append("the server dies")
                taken = [:]
                end()
            case 18 where chance(faults):
                history.append("the engine crashes")
                world.crash()
                isOpen = false
                inFlight = []
                phone = world.phone("alice")
            default:
                if chance(0.5) { writeDown() }
            }
        }

        private func writeDown() {
            kept.merge(taken) { $1 }
            taken = [:]
        }

        private func open() {
            history.append("a stream")
            guard world.beginStream().contains("<stream:stream "),
                world.stanza("<stream:stream id='1' from='home.test'>")?.contains("<handshake>") == true,
                world.stanza("<handshake/>") != nil
            else { return violate("no stream") }
            isOpen = true
        }

        private func end() {
            guard isOpen else { return }
            history.append("the stream ends")
            world.endStream()
            isOpen = false
            inFlight = []
        }

        /// Alice sends something.
        private func send() {
            number += 1
            let text = "to romeo \(number)"
            let answer = phone.say(
                "<SendMessage-Request><DeliveryReport>\(chance(0.3) ? "T" : "F")</DeliveryReport><MessageInfo><Recipient><User><UserID>wv:romeo@x.test</UserID></User></Recipient></MessageInfo><ContentData>\(text)</ContentData></SendMessage-Request>"
            )
            if answer.contains("<Code>200</Code>") { acknowledged.append(text) } else { violate("refused: \(answer)") }
        }

        /// What the engine has for the server.
        private func talk() {
            guard isOpen else { return }
            guard let octets = world.stanzas() else { return end() }
            if octets.utf8.count > 50_000 { violate("\(octets.utf8.count) octets at once") }
            for part in octets.components(separatedBy: "</message>").flatMap({ $0.components(separatedBy: "</iq>") }) {
                guard isOpen else { return }
                if part.hasPrefix("<message"), part.contains("<body>"), let id = attribute("id", part) {
                    hear(part, id)
                } else if part.hasPrefix("<iq type='get'"), chance(0.9) {
                    history.append("an answer")
                    if world.stanza(part + "</iq>", commits: !chance(faults)) == nil { end() }
                    if chance(0.1), isOpen, world.stanza(part + "</iq>") == nil { end() }
                }
            }
        }

        private func hear(_ part: String, _ id: String) {
            let text = part.components(separatedBy: "<body>")[1].components(separatedBy: "</body>")[0]
            let error = "<message type='error' from='romeo@x.test' to='alice@home.test' id='\(id)'><error type="
            if chance(faults / 4) {
                history.append("not now: \(text)")
                for _ in 0...(chance(0.3) ? 2 : 0) where isOpen {
                    if world.stanza(error + "'wait'><x/></error></message>", commits: !chance(faults)) == nil { end() }
                }
            } else if chance(faults / 8) {
                history.append("never: \(text)")
                refused.insert(text)
                if world.stanza(error + "'cancel'><x/></error></message>", commits: !chance(faults)) == nil { end() }
            } else {
                history.append("taken: \(text)")
                if kept[id] == nil { taken[id] = text }
                guard chance(0.3) else { return }
                let receipt =
                    "<message from='romeo@x.test/a' to='alice@home.test'><received xmlns='urn:xmpp:receipts' id='\(id)'/></message>"
                // Who has it says so to whoever asks.
                kept[id] = text
                if world.stanza(receipt, commits: !chance(faults)) == nil { end() }
            }
        }

        /// Somebody there says something to alice, and what is not known to have arrived once more.
        private func say() {
            if waiting.count < 5, faults > 0 {
                let text = "to alice \(said.count)"
                said.append(text)
                waiting.append(("r\(said.count)", text))
            }
            guard isOpen else { return }
            for (id, text) in waiting {
                guard isOpen else { return }
                let stanza =
                    "<message from='romeo@x.test/a' to='alice@home.test' id='\(id)'><body>\(text)</body><origin-id xmlns='urn:xmpp:sid:0' id='\(id)'/><request xmlns='urn:xmpp:receipts'/></message>"
                history.append("said: \(text)")
                guard let reply = world.stanza(stanza, commits: !chance(faults)) else { return end() }
                if reply.contains("error") { violate("refused: \(reply)") }
            }
            guard chance(0.8), isOpen else { return }
            if world.stanza("<iq type='get' id='1' from='x.test' to='home.test'><ping/></iq>", commits: !chance(faults))
                != nil
            {
                waiting = []
            } else {
                end()
            }
        }

        /// Alice looks what there is for her.
        private func take() {
            for _ in 0..<20 {
                let delivery = phone.delivery()
                guard !delivery.isEmpty, delivery.contains("<TransactionMode>Request") else { return }
                if let text = field("ContentData", delivery) { received.append(text) }
                phone.close(delivery)
            }
        }
    }

    @Test func whatIsAcknowledgedArrivesOnce() {
        var acknowledged = 0
        var said = 0
        for seed in simulationSeeds(30) {
            let run = Run(seed: seed)
            run.run(300)
            #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.first ?? "")")
            acknowledged += run.acknowledged.count
            said += run.said.count
        }
        #expect(acknowledged > 500 && said > 250, "\(acknowledged) \(said)")
    }
}
