import Foundation
import Harness
import Testing

/// What no client should send: each is answered as specified, and afterwards the engine is as it was.
@Suite struct MalformedTests {
    /// What has to come back.
    private enum Expectation {
        /// An HTTP status.
        case http(Int)
        /// A Status with this code.
        case code(Int)
        /// HTTP 400, or Status 400 once the transaction is known. Source: protocol/transport.md §1.2, rule 4.
        case broken
    }

    private struct Case {
        var name: String
        var body: [UInt8]
        var expectation: Expectation

        init(_ name: String, _ text: String, _ expectation: Expectation) {
            self.init(name, Array(text.utf8), expectation)
        }

        init(_ name: String, _ body: [UInt8], _ expectation: Expectation) {
            self.name = name
            self.body = body
            self.expectation = expectation
        }
    }

    private static func bodies(_ valid: String) -> [Case] {
        var cases: [Case] = []
        let octets = Array(valid.utf8)
        // Cut off anywhere.
        for index in stride(from: 1, to: octets.count - 1, by: max(1, octets.count / 110)) {
            cases.append(Case("cut at \(index)", Array(octets[..<index]), .broken))
        }
        // What is no UTF-8, within the text of an element.
        let place = valid.utf8.count - valid[valid.range(of: "TRANSACTION")!.lowerBound...].utf8.count
        for bad: [UInt8] in [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x80, 0x80], [0xE0, 0xA0], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE],
            [0xFF], [0xFF, 0xFE], [0x00], [0x01], [0x08], [0x0B], [0x0C], [0x0E], [0x1F],
        ] {
            cases.append(Case("octets \(bad)", Array(octets[..<place]) + bad + Array(octets[place...]), .broken))
        }
        // What is no XML, each put where the TransactionID has its text.
        for bad in [
            "&", "&;", "&amp", "&nbsp;", "&lol;", "&#;", "&#x;", "&#0;", "&#x0;", "&#xD800;", "&#x110000;",
            "&#99999999999;",
            "&#-1;", "&#xG;", "<", "< x/>", "</>", "<>", "<1/>", "<-a/>", "<a", "<a b/>", "<a b=c/>", "<a b='c'd='e'/>",
            "<a b='<'/>", "<a b=\"x/>", "<a></b>", "</a>", "<a><b></a></b>", "<![CDATA[", "<![CDATA[ ]]",
            "<![cdata[x]]>",
            "<!-- ", "<!-- -- -->", "<!-->", "<!x>", "<?", "<?xml version='1.0'?>", "<? ?>", "]]>",
            "<a/", "<a / >", "<a b='&lt'/>", "<!DOCTYPE a>",
        ] {
            cases.append(Case("text \(bad)", valid.replacing("TRANSACTION", with: bad), .broken))
        }
        // What stands before or behind the root.
        let body = valid[valid.range(of: "<WV-CSP-Message")!.lowerBound...]
        for (name, text) in [
            ("two roots", "\(body)\(body)"), ("text before", "x\(body)"), ("text behind", "\(body)x"),
            ("an end behind", "\(body)</WV-CSP-Message>"),
            ("a subset", "<!DOCTYPE WV-CSP-Message [<!ENTITY a 'b'>]>\(body)"),
            ("an external entity", "<!DOCTYPE WV-CSP-Message [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\(body)"),
            (
                "laughs",
                "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>\(body.replacing("TRANSACTION", with: "&b;"))"
            ),
            ("an empty subset", "<!DOCTYPE WV-CSP-Message []>\(body)"),
            ("a doctype twice", "<!DOCTYPE a><!DOCTYPE a>\(body)"), ("an open doctype", "<!DOCTYPE a \(body)"),
            ("a declaration twice", "<?xml version='1.0'?><?xml version='1.0'?>\(body)"),
            ("nothing", ""), ("white space", " \r\n\t"), ("only a declaration", "<?xml version='1.0'?>"),
            ("only a comment", "<!-- x -->"), ("JSON", "{\"a\": 1}"), ("HTML", "<html><body>x</body></html>"),
            ("another root", "<Message>x</Message>"), ("a bare word", "x"),
            ("zeros", String(repeating: "\0", count: 100)),
            ("a soap envelope", "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'/>"),
        ] {
            cases.append(Case(name, text, .broken))
        }
        cases.append(Case("UTF-16 declared", "<?xml version='1.0' encoding='UTF-16'?>\(body)", .http(415)))
        // Too deep, too many, too long.
        let deep = String(repeating: "<a>", count: 2000) + String(repeating: "</a>", count: 2000)
        cases.append(Case("deep", valid.replacing("TRANSACTION", with: deep), .broken))
        cases.append(
            Case(
                "many",
                valid.replacing(
                    "<GetSPInfo-Request/>",
                    with: "<GetSPInfo-Request>\(String(repeating: "<Code>1</Code>", count: 3000))</GetSPInfo-Request>"),
                .broken))
        cases.append(
            Case("a long text", valid.replacing("TRANSACTION", with: String(repeating: "n", count: 60_000)), .broken)
        )
        cases.append(
            Case(
                "many attributes",
                valid.replacing(
                    "TRANSACTION", with: "<a \((0..<2000).map { "a\($0)='1'" }.joined(separator: " "))></a>"), .broken))
        // Well formed, but no message.
        for element in ["Session", "Transaction", "TransactionDescriptor", "TransactionMode"] {
            let start = valid.range(of: "<\(element)>")!
            let end = valid.range(of: "</\(element)>")!
            let without = valid[..<start.lowerBound] + valid[end.upperBound...]
            cases.append(Case("without \(element)", String(without), .broken))
        }
        for (old, new) in [
            ("Request</TransactionMode>", "Question</TransactionMode>"),
            ("<TransactionContent", "<Elsewhere"),
        ] {
            cases.append(
                Case(
                    "\(new) for \(old)",
                    valid.replacing(old, with: new).replacing(
                        "</TransactionContent", with: old.hasPrefix("<") ? "</Elsewhere" : "</TransactionContent"),
                    .broken))
        }
        return cases
    }

    @Test(arguments: versions) func brokenDocumentsAreRefused(version: String) throws {
        let engine = try EngineProcess()
        let client = try engine.client("alice", version)
        let valid = client.document("<GetSPInfo-Request/>", transaction: "TRANSACTION")
        #expect(try client.exchange(valid)?.name == "GetSPInfo-Response")
        let cases = MalformedTests.bodies(valid)
        #expect(cases.count >= 200, "\(cases.count)")
        // Once to warm up, once to look at the memory.
        for round in 0..<2 {
            let heap = try engine.status("heap_bytes")
            for test in cases {
                let answer = try engine.connect().post(test.body, type: client.contentType)
                switch test.expectation {
                case .http(let status): #expect(answer.status == status, "\(test.name)")
                case .code(let code): #expect(try Client.reply(answer)?.code == code, "\(test.name)")
                case .broken:
                    guard answer.status == 200 else {
                        #expect(answer.status == 400, "\(test.name)")
                        continue
                    }
                    let reply = try Client.reply(answer)
                    #expect(reply?.name == "Status", "\(test.name): \(answer.text)")
                    #expect(reply.map { [400, 402, 501].contains($0.code) } == true, "\(test.name): \(answer.text)")
                }
            }
            let now = try engine.status("heap_bytes")
            if round == 1 { #expect(now == heap) }
        }
        #expect(engine.isRunning)
        #expect(try engine.pool("connections", "used") <= 2)
        #expect(try engine.pool("request_buffers", "used") == 0)
        #expect(try client.exchange(valid)?.name == "GetSPInfo-Response")
    }

    @Test func anUnknownVersionIsTold() throws {
        let engine = try EngineProcess()
        let client = try engine.client("alice")
        let other = client.document("<GetSPInfo-Request/>", transaction: "1").replacing("WV-CSP1.2", with: "WV-CSP9.9")
        let answer = try client.connection.post(other)
        let reply = answer.status == 200 ? try Client.reply(answer) : nil
        #expect(answer.status == 400 || reply?.code == 505)
    }

    /// Octets changed at random in a real conversation: no answer is wrong but the engine has to stay.
    @Test func aStormOfChangedRequestsLeavesTheEngineAsItWas() throws {
        let engine = try EngineProcess(["log_rate": "5"])
        let client = try engine.client("alice")
        try client.logIn()
        let seed =
            UInt64(ProcessInfo.processInfo.environment["IMPSD_SIMULATION_SEED"] ?? "") ?? UInt64.random(in: 0 ... .max)
        var random = Seeded(seed)
        let body = Array(client.document(client.sendContent("text", to: ["wv:bob@home.test"]), transaction: "1").utf8)
        let head = Array(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: \(body.count)\r\n\r\n".utf8)
        var heap = 0
        for round in 0..<1500 {
            if round == 300 { heap = try engine.status("heap_bytes") }
            var request = head + body
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<request.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: request[index] = UInt8.random(in: 0...255, using: &random)
                case 1: request.remove(at: index)
                default: request.insert(request[Int.random(in: 0..<request.count, using: &random)], at: index)
                }
            }
            let connection = try engine.connect()
            try? connection.send(request)
            connection.finishSending()
            _ = try? connection.receive()
            connection.close()
        }
        #expect(engine.isRunning, "seed \(seed)")
        try wait("closed connections") { try engine.pool("connections", "used") == 1 }
        #expect(try engine.pool("request_buffers", "used") == 0)
        // LMDB keeps a buffer for each page of its largest transaction; a leak would be one of thousands of requests.
        let growth = try engine.status("heap_bytes") - heap
        #expect(growth >= 0 && growth <= 4 * 4112, "\(growth), seed \(seed)")
    }
}

/// Numbers that one seed decides.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
