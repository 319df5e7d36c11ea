import Digests
import Foundation
import Octets
import Testing

@testable import IMPSEngine

/// The journal of what was asked and answered, and the state that it leaves. Source: SM-69.
@Suite struct ProofTests {
    /// What may happen to a question, at one of two devices or at the operator's.
    private enum Act: String, CaseIterable {
        case accept, limited, decline, wrongKey, timeout, operatorAccepts, operatorDeclines

        var option: Int? {
            switch self {
            case .accept, .operatorAccepts, .wrongKey: return 1
            case .limited: return 2
            case .decline, .operatorDeclines: return 3
            case .timeout: return nil
            }
        }

        /// What the journal calls it.
        var event: String? {
            switch self {
            case .accept, .limited, .operatorAccepts: return "answered"
            case .decline, .operatorDeclines: return "declined"
            case .wrongKey: return "wrong-key"
            case .timeout: return "timeout"
            }
        }

        var isByOperator: Bool { self == .operatorAccepts || self == .operatorDeclines }
    }

    /// A user with two devices that were both asked.
    private struct Scene {
        let world = World(seed: 1)
        var ids: [String] = []
        let key: String

        init() throws {
            _ = world.control("user add alice digest password")
            _ = world.control("user add bob digest password")
            let added = world.control(
                "sysmsg add terms kind=login text=Terms? required=1 blocking=1 verify=sms timeout=60 option=1|Accept|full option=2|Some|limited:FundamentalFeat,PresenceFeat option=3|Decline|deny"
            )
            try #require(added == "ok\n", "\(added)")
            key = try #require(
                world.control("sysmsg key terms alice").firstMatch(of: /key=(\d{8})/).map { String($0.1) })
            for device in 0..<2 {
                let asked = logIn(device)
                try #require(field("Code", asked) == "403", "\(asked)")
                try ids.append(#require(field("SystemMessageID", asked)))
            }
        }

        func logIn(_ device: Int, answering option: Int? = nil, key: String? = nil) -> String {
            let answer = option.map {
                "<SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(ids[device])</SystemMessageID>\(key.map { "<VerificationKey>\($0)</VerificationKey>" } ?? "")<ChosenOptionID>\($0)</ChosenOptionID></SystemMessageResponse></SystemMessageResponseList>"
            }
            let reply = world.handle(
                document(
                    login(
                        "alice", password: "password", cookie: "cookie\(device)", client: "device\(device)",
                        extra: answer ?? ""), id: "\(UInt32.random(in: 1...UInt32.max))", session: nil, version: "1.3"),
                from: "192.0.2.\(device + 1)", agent: "Handset/\(device)")
            world.disk.commit(succeeds: true)
            return reply
        }

        /// - Returns: The answer of the engine to a device, nil for the operator's doing and for nothing.
        func perform(_ act: Act, at device: Int) -> String? {
            switch act {
            case .timeout:
                world.pass(seconds: 61)
                return nil
            case .operatorAccepts, .operatorDeclines:
                _ = world.control("sysmsg answer terms alice \(act.option!)")
                return nil
            case .wrongKey: return logIn(device, answering: act.option, key: "00000000")
            case .accept, .limited, .decline: return logIn(device, answering: act.option, key: key)
            }
        }

        var state: String {
            world.control("sysmsg results terms").split(separator: "\n").first.map(String.init) ?? ""
        }

        var events: [String] {
            world.control("sysmsg journal terms").split(separator: "\n").map(String.init).filter { $0.hasPrefix("n=") }
        }

        func kinds() -> [String] {
            events.map { event in event.firstMatch(of: /\ event=(\S+)/).map { String($0.1) } ?? "?" }
        }
    }

    /// What a user may do who logs in now: `in` with all functions, `some` without messages, `asked`, `out`.
    private func access(_ scene: Scene) -> String {
        let reply = scene.logIn(0)
        guard let session = field("SessionID", reply) else {
            return reply.contains("<SystemMessageList>") ? "asked" : "out"
        }
        let sent = scene.world.handle(
            document(send("hello", to: "wv:bob@home.test"), id: "77", session: session, version: "1.3"),
            from: "192.0.2.1", agent: "Handset/0")
        scene.world.disk.commit(succeeds: true)
        return field("Code", sent) == "200" ? "in" : "some"
    }

    /// What a second act after a first one leaves: the state, the option, and what the user may do.
    private func outcome(_ first: Act, _ second: Act) -> (state: String, option: Int, access: String) {
        switch (first, second) {
        case (_, .operatorDeclines): return ("denied", 3, "asked")
        case (_, .operatorAccepts), (.accept, _), (.operatorAccepts, _): return ("answered", 1, "in")
        case (.limited, _): return ("answered", 2, "some")
        // Who declined is asked anew when he tries again; what he had open counts no more.
        case (.decline, .timeout), (.operatorDeclines, .timeout): return ("denied", 3, "asked")
        case (.decline, _), (.operatorDeclines, _): return ("sent", 3, "asked")
        case (_, .accept): return ("answered", 1, "in")
        case (_, .limited): return ("answered", 2, "some")
        case (_, .decline): return ("denied", 3, "asked")
        case (_, .timeout): return ("timeout", 0, "asked")
        case (_, .wrongKey): return ("shown", 0, "asked")
        }
    }

    /// Every order of two acts from two devices, with the engine killed after each.
    @Test func journalStateAndSessionsAgreeInEveryOrder() throws {
        for first in Act.allCases {
            for second in Act.allCases {
                let words: Comment = "\(first.rawValue), then \(second.rawValue)"
                let scene = try Scene()
                _ = scene.perform(first, at: 0)
                scene.world.crash()
                let reply = scene.perform(second, at: 1) ?? ""
                scene.world.crash()
                let outcome = outcome(first, second)
                #expect(scene.state.contains(" state=\(outcome.state) option=\(outcome.option) "), words)
                #expect(scene.world.control("sysmsg verify terms").hasSuffix("ok\n"), words)
                let kinds = scene.kinds()
                #expect(kinds.first == "started", words)
                // The first answer stays in the journal, whatever the second is.
                if let event = first.event { #expect(kinds.contains(event), words) }
                let wasOpen = first == .wrongKey || first == .timeout
                if let event = second.event, wasOpen || second.isByOperator { #expect(kinds.contains(event), words) }
                // Who comes too late is told, and it is written down.
                let isLate = !wasOpen && !second.isByOperator && second.option != nil && second.option != first.option
                #expect(kinds.contains("too-late") == isLate, words)
                #expect((reply.contains("(426)") || reply.contains("<Code>426<")) == isLate, "\(words): \(reply)")
                #expect(access(scene) == outcome.access, words)
                #expect(scene.world.control("sysmsg verify terms").hasSuffix("ok\n"), words)
            }
        }
    }

    @Test func whoDeclinesAndThenAcceptsHasAccepted() throws {
        let scene = try Scene()
        _ = scene.perform(.decline, at: 0)
        #expect(scene.state.contains(" state=denied option=3 verified=1 "))
        scene.world.crash()
        var again = scene
        again.ids[0] = try #require(field("SystemMessageID", scene.logIn(0)))
        #expect(field("Code", try #require(again.perform(.accept, at: 0))) == "200")
        #expect(scene.state.contains(" state=answered option=1 verified=1 "))
        #expect(
            scene.kinds() == ["started", "sent", "sent-again", "shown", "declined", "sent", "shown", "answered"])
        let events = scene.events
        #expect(events[1].contains(" ip=192.0.2.1 client=Handset/0 "))
        #expect(events[2].contains(" ip=192.0.2.2 client=Handset/1 "))
        #expect(events[4].contains(" option=3 verified=1 "))
        #expect(events[7].contains(" option=1 verified=1 "))
    }

    /// The chain is what anybody computes from what is printed.
    @Test func theHashIsThatOfTheLineBeforeAndThisOne() throws {
        let scene = try Scene()
        _ = scene.perform(.wrongKey, at: 0)
        _ = scene.perform(.limited, at: 1)
        _ = scene.world.control("sysmsg renew terms")
        var previous = String(repeating: "0", count: 64)
        for (number, event) in scene.events.enumerated() {
            let parts = event.components(separatedBy: " hash=")
            #expect(parts[0].hasPrefix("n=\(number + 1) campaign=1 "))
            let digest = DigestAlgorithm.sha256.digest(Array("\(previous)\n\(parts[0])".utf8).span)
            previous = (0..<32).map { String(format: "%02x", digest.span[$0]) }.joined()
            #expect(parts[1] == previous)
        }
        #expect(scene.events.count == 8)
        #expect(scene.world.control("sysmsg verify terms").contains("events=8 users=1 head=\(previous)"))
    }

    /// Whatever bit of the journal is another one than was written.
    @Test func aChangedBitIsFound() throws {
        let scene = try Scene()
        _ = scene.perform(.wrongKey, at: 0)
        _ = scene.perform(.decline, at: 1)
        let world = scene.world
        var tries = 0
        for record in world.disk.records(of: "J") {
            for octet in 0..<record.count {
                let bit = (octet + record.place) % 8
                world.disk.flip(bit: bit, ofOctet: octet, at: record.place)
                let found = world.control("sysmsg verify terms")
                #expect(found.contains("error proof-broken"), "record \(record.place), octet \(octet): \(found)")
                world.disk.flip(bit: bit, ofOctet: octet, at: record.place)
                tries += 1
            }
        }
        #expect(tries > 800)
        #expect(world.control("sysmsg verify terms").hasSuffix("ok\n"))
    }

    /// The journal of somebody who writes and writes is bounded, and his answer is in it all the same.
    @Test func nobodyDrownsHisAnswer() throws {
        let world = World(seed: 2)
        _ = world.control("user add alice digest password")
        _ = world.control(
            "sysmsg add terms kind=login text=Terms? required=1 blocking=1 legacy=limited option=1|Accept|full option=2|No|deny"
        )
        let session = try #require(
            field(
                "SessionID",
                world.handle(document(login("alice", password: "password", cookie: "c"), id: "1", session: nil))))
        world.disk.commit(succeeds: true)
        for number in 0..<400 {
            _ = world.handle(
                document(
                    send("1 question: what \(number)?", to: "wv:system@home.test"), id: "m\(number)", session: session))
            world.disk.commit(succeeds: true)
        }
        var events = world.control("sysmsg journal terms").split(separator: "\n")
        #expect(events.count { $0.contains(" event=not-understood ") } <= 100)
        #expect(events.contains { $0.contains("words=1\\x20question:\\x20what\\x200?") })
        #expect(world.control("sysmsg results terms").contains(" omitted=3"))
        _ = world.handle(document(send("1 accept, thanks!", to: "wv:system@home.test"), id: "last", session: session))
        world.disk.commit(succeeds: true)
        events = world.control("sysmsg journal terms").split(separator: "\n")
        #expect(events.contains { $0.contains(" event=answered ") })
        #expect(world.control("sysmsg verify terms").hasSuffix("ok\n"))
    }

    /// Who declines without end fills his share of the journal; that he accepts at last is in it all the same.
    @Test func theFirstAnswerThatAdmitsIsKept() throws {
        var scene = try Scene()
        for _ in 0..<400 {
            _ = scene.perform(.decline, at: 0)
            scene.ids[0] = try #require(field("SystemMessageID", scene.logIn(0)))
        }
        #expect(!scene.state.contains(" omitted=0"))
        #expect(!scene.kinds().contains("answered"))
        _ = scene.perform(.accept, at: 0)
        #expect(scene.state.contains(" state=answered option=1 verified=1 "))
        #expect(scene.kinds().last == "answered")
        #expect(scene.events.count <= 1002)
        #expect(scene.world.control("sysmsg verify terms").hasSuffix("ok\n"))
    }

    @Test(arguments: [
        ("1", 1), ("1.", 1), ("(1)", 1), (" 1 ! ", 1), ("01", 1), ("accept", 1), ("Accept.", 1), ("ACCEPT", 1),
        ("1 accept", 1),
        ("1: Accept", 1), ("1, thanks", 1), ("Thank you, accept", 1), ("accept please!!", 1), ("#1", 1),
        ("«Accept»", 1),
        ("2", 2), ("no thanks", 2), ("No, thanks.", 2), ("No", 4), ("2 no thanks", 2), ("no thanks thank you", 2),
        ("3 jahre", 3), ("3 Jahre.", 3), ("JAHRE", 0), ("ПРИНЯТЬ", 5), ("принять…", 5), ("ÉTÉ", 6), ("6 été", 6),
        ("1 question: what does it cost?", 0), ("1 or 2", 0), ("12", 0), ("1 2", 0), ("1 no", 0), ("2 accept", 0),
        ("", 0),
        ("accept?no", 0), ("I accept", 0), ("do not accept", 0), ("thanks", 0), ("0", 0), ("99999999999999999999", 0),
        ("1.5", 0), ("-", 0), ("accept accept", 0), ("7", 7), ("ja", 0), ("ja!", 0),
    ])
    func anAnswerIsNumberOrWordsAndNothingElse(_ text: String, _ option: Int) throws {
        let world = World(seed: 3)
        _ = world.control("user add alice digest password")
        let options = [
            "1|Accept|full", "2|No\\x20thanks|full", "3|3\\x20Jahre|full", "4|No|full", "5|\(escaped("Принять"))|full",
            "6|\(escaped("Été"))|full", "7|Ja|full", "8|ja!|full",
        ].map { "option=\($0)" }.joined(separator: " ")
        let added = world.control(
            "sysmsg add terms kind=login text=Terms? required=1 blocking=1 legacy=limited \(options)")
        try #require(added == "ok\n", "\(added)")
        let session = try #require(
            field(
                "SessionID",
                world.handle(document(login("alice", password: "password", cookie: "c"), id: "1", session: nil))))
        world.disk.commit(succeeds: true)
        _ = world.handle(document(send(text, to: "wv:system@home.test"), id: "2", session: session))
        world.disk.commit(succeeds: true)
        let results = world.control("sysmsg results terms")
        #expect(results.contains(" option=\(option) "), "\(results)")
        #expect(results.contains(" state=\(option > 0 ? "answered" : "asked") "), "\(results)")
    }

    private func escaped(_ text: String) -> String {
        text.utf8.map { String(format: "\\x%02x", $0) }.joined()
    }
}
