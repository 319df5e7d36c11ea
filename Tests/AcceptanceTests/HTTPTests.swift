import Foundation
import Harness
import Testing

/// The HTTP layer octet by octet. Source: protocol/transport.md §1.
@Suite struct HTTPTests {
    let engine: EngineProcess

    init() throws { engine = try EngineProcess(["header_timeout": "1", "body_timeout": "2", "idle_timeout": "4"]) }

    private let type = "Content-Type: application/vnd.wv.csp.xml\r\n"

    /// A body that is answered.
    private func body() throws -> String {
        try self.engine.client("alice").document("<GetSPInfo-Request/>", transaction: "1")
    }

    private func post(_ head: String, _ body: String) -> String { "POST / HTTP/1.1\r\nHost: x\r\n\(head)\r\n\(body)" }

    // MARK: What is accepted

    @Test func oneConnectionServesManyRequests() throws {
        let connection = try engine.connect()
        let body = try body()
        for _ in 0..<5 { #expect(try connection.post(body).status == 200) }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let client = try engine.client("alice")
        var all = ""
        for id in 0..<40 {
            let body = client.document("<GetSPInfo-Request/>", transaction: "p\(id)")
            all += post("\(type)Content-Length: \(body.utf8.count)\r\n", body)
        }
        try client.connection.send(all)
        for id in 0..<40 {
            let answer = try #require(try client.connection.receive())
            #expect(try Client.reply(answer)?.transactionID == "p\(id)")
        }
    }

    private func reply(_ connection: HTTPConnection) throws -> Reply? {
        try connection.receive().flatMap { try Client.reply($0) }
    }

    /// What is broken behind good requests takes nothing from them, and what follows an end is not looked at.
    @Test func goodRequestsBeforeABrokenOneAreAnswered() throws {
        let client = try engine.client("alice")
        func good(_ id: String, _ fields: String = "") -> String {
            let body = client.document("<GetSPInfo-Request/>", transaction: id)
            return post("\(type)\(fields)Content-Length: \(body.utf8.count)\r\n", body)
        }
        for (tail, status) in [
            ("BROKEN\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
            (post("\(type)Content-Length: 5\r\nContent-Length: 6\r\n", "12345"), 400),
        ] {
            let connection = try engine.connect()
            try connection.send(good("a") + good("b") + tail + good("never"))
            for id in ["a", "b"] {
                #expect(try reply(connection)?.transactionID == id)
            }
            #expect(try connection.receive()?.status == status)
            #expect(try connection.isClosed())
        }
        let connection = try engine.connect()
        try connection.send(good("a") + good("last", "Connection: close\r\n") + good("never"))
        #expect(try reply(connection)?.transactionID == "a")
        #expect(try reply(connection)?.transactionID == "last")
        #expect(try connection.receive() == nil)
        // Half a request behind two waits for its end.
        let slow = try engine.connect()
        let third = good("c")
        try slow.send(good("a") + good("b") + third.prefix(60))
        for id in ["a", "b"] { #expect(try reply(slow)?.transactionID == id) }
        #expect(slow.isSilent(milliseconds: 100))
        try slow.send(String(third.dropFirst(60)))
        #expect(try reply(slow)?.transactionID == "c")
        // Half of a chunked one behind a good one.
        let halves = client.document("<GetSPInfo-Request/>", transaction: "halves")
        let first = halves.prefix(halves.count / 2)
        let second = halves.dropFirst(first.count)
        let part = "\(String(first.utf8.count, radix: 16))\r\n\(first)\r\n\(String(second.utf8.count, radix: 16))\r\n"
        try slow.send(good("a") + post("\(type)Transfer-Encoding: chunked\r\n", part + second.prefix(20)))
        #expect(try reply(slow)?.transactionID == "a")
        #expect(slow.isSilent(milliseconds: 100))
        try slow.send(second.dropFirst(20) + "\r\n0\r\n\r\n" + good("behind"))
        for id in ["halves", "behind"] { #expect(try reply(slow)?.transactionID == id) }
        // Chunks in the middle.
        let body = client.document("<GetSPInfo-Request/>", transaction: "chunked")
        let chunks = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        try slow.send(good("a") + post("\(type)Transfer-Encoding: chunked\r\n", chunks) + good("z"))
        for id in ["a", "chunked", "z"] {
            #expect(try reply(slow)?.transactionID == id)
        }
    }

    /// Answers that fill all the room there is, again and again within a turn, from as many connections as there are buffers for.
    @Test func manyConnectionsMayPipelineAtOnce() throws {
        let engine = try EngineProcess(starts: false)
        engine.sections = "config page 'main'\n\toption enabled '1'\n\toption url 'http://gateway.lan:8080/'\n"
        try engine.start()
        let page = "GET /page.js HTTP/1.1\r\nHost: x\r\n\r\n"
        let call = "GET /cir/nobody HTTP/1.1\r\nHost: x\r\n\r\n"
        for (request, count, status) in [(page, 8, 200), (call, 40, 404)] {
            let connections = try (0..<40).map { _ in try engine.connect() }
            for _ in 0..<3 {
                for connection in connections { try connection.send(String(repeating: request, count: count)) }
                for connection in connections {
                    for _ in 0..<count { try #require(try connection.receive()?.status == status) }
                }
            }
        }
        #expect(engine.isRunning)
        for name in ["request_buffers", "medium_buffers", "large_buffers"] {
            #expect(try engine.pool(name, "used") == 0)
        }
    }

    @Test func aRequestMayComeOctetByOctet() throws {
        let connection = try engine.connect()
        let body = try body()
        for octet in post("\(type)Content-Length: \(body.utf8.count)\r\n", body).utf8 { try connection.send([octet]) }
        #expect(try connection.receive()?.status == 200)
    }

    @Test func expectContinueIsAnswered() throws {
        let connection = try engine.connect()
        let body = try body()
        try connection.send(
            "POST / HTTP/1.1\r\nHost: x\r\n\(type)Content-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.receive()?.status == 100)
        try connection.send(body)
        #expect(try connection.receive()?.status == 200)
    }

    @Test func aBodyMayComeInChunks() throws {
        let connection = try engine.connect()
        let body = Array(try body().utf8)
        for size in [1, 7, 100, body.count] {
            var chunks: [UInt8] = []
            var index = 0
            while index < body.count {
                let end = min(index + size, body.count)
                chunks += Array("\(String(end - index, radix: 16))\r\n".utf8) + body[index..<end] + Array("\r\n".utf8)
                index = end
            }
            try connection.send(
                Array("POST / HTTP/1.1\r\nHost: x\r\n\(type)transfer-encoding: Chunked\r\n\r\n".utf8) + chunks
                    + Array("0\r\nTrailer: x\r\n\r\n".utf8))
            #expect(try connection.receive()?.status == 200, "chunks of \(size)")
        }
    }

    @Test(arguments: [
        "application/vnd.wv.csp.xml", "application/vnd.wv.csp+xml", "Application/VND.WV.CSP.XML", "application/xml",
        "text/xml", "text/xml; charset=utf-8", "application/vnd.wv.csp+xml;charset=\"UTF-8\"",
    ]) func anySpellingOfTheTypeIsAnsweredInKind(spelling: String) throws {
        let answer = try engine.connect().post(try body(), type: spelling)
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"]?.split(separator: ";").first == spelling.split(separator: ";").first)
    }

    @Test func anUnknownTypeIsSniffed() throws {
        let body = try body()
        #expect(try engine.connect().post(body, type: "text/plain").status == 200)
        #expect(try engine.connect().post("\u{FEFF}" + body, type: "application/octet-stream").status == 200)
        let connection = try engine.connect()
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try connection.receive()?.status == 200)
    }

    @Test func anyPathIsServed() throws {
        let body = try body()
        for path in ["/", "/wv/csp", "http://impsd/", "/?x=y"] {
            let connection = try engine.connect()
            try connection.send(
                "POST \(path) HTTP/1.1\r\nHost: x\r\n\(type)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(try connection.receive()?.status == 200)
        }
    }

    @Test func http10EndsTheConnection() throws {
        let body = try body()
        let connection = try engine.connect()
        try connection.send("POST / HTTP/1.0\r\n\(type)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        let answer = try #require(try connection.receive())
        #expect(answer.status == 200)
        #expect(answer.headers["connection"] == "close")
        #expect(try connection.isClosed())
    }

    @Test func connectionCloseIsObeyed() throws {
        let connection = try engine.connect()
        #expect(try connection.post(try body(), headers: "Connection: close\r\n").headers["connection"] == "close")
        #expect(try connection.isClosed())
    }

    @Test func namesOfHeadersHaveAnyCase() throws {
        let body = try body()
        let connection = try engine.connect()
        try connection.send(
            "POST / HTTP/1.1\r\nhOST: x\r\nCONTENT-type: text/xml\r\ncontent-LENGTH:\t\(body.utf8.count) \r\n\r\n\(body)"
        )
        #expect(try connection.receive()?.status == 200)
    }

    // MARK: What clients of the field do

    /// A client may close its side as soon as it has sent everything. Source: CL-41.
    @Test(arguments: ["0", "20"]) func cl41AClientMayCloseItsSide(batch: String) throws {
        let engine = try EngineProcess(["batch_ms": batch])
        let alice = try engine.client("alice")
        try alice.logIn()
        let body = alice.document(alice.sendContent("hello", to: ["wv:bob@home.test"]), transaction: "m1")
        let other = alice.document("<KeepAlive-Request/>", transaction: "m2")
        let connection = try engine.connect()
        try connection.send(
            post("\(type)Content-Length: \(body.utf8.count)\r\n", body)
                + post("\(type)Content-Length: \(other.utf8.count)\r\n", other))
        connection.finishSending()
        for id in ["m1", "m2"] {
            let answer = try #require(try connection.receive())
            #expect(try Client.reply(answer)?.transactionID == id)
        }
        #expect(try connection.isClosed())
        // What is not whole is not answered.
        let half = try engine.connect()
        try half.send(post("\(type)Content-Length: \(body.utf8.count)\r\n", String(body.dropLast())))
        half.finishSending()
        #expect(try half.receive() == nil)
    }

    @Test func cl42ChunkSizesMayBePadded() throws {
        let body = try body()
        let size = String(body.utf8.count, radix: 16)
        for (line, status) in [("\(size) ", 200), ("\(size)\t  ", 200), ("0\(size)  ;x=y", 200), ("\(size) 0", 400)] {
            let connection = try engine.connect()
            try connection.send(post("\(type)Transfer-Encoding: chunked\r\n", "\(line)\r\n\(body)\r\n0  \r\n\r\n"))
            #expect(try connection.receive()?.status == status, "\(line)")
        }
    }

    @Test func cl43OldWordsOfHTTPAreUnderstood() throws {
        let body = try body()
        let length = "Content-Length: \(body.utf8.count)\r\n"
        let old = try engine.connect()
        try old.send("POST / HTTP/1.0\r\n\(type)\(length)Expect: 100-continue\r\n\r\n")
        #expect(old.isSilent(milliseconds: 200))
        try old.send(body)
        #expect(try old.receive()?.status == 200)
        let identity = try engine.connect()
        try identity.send(post("\(type)\(length)Transfer-Encoding: identity\r\n", body))
        #expect(try identity.receive()?.status == 200)
        let fields = (0..<80).map { "X-Field-\($0): x\r\n" }.joined()
        #expect(try engine.connect().post(body, headers: fields).status == 200)
    }

    @Test func cl44CompressedBodiesAreRefusedByName() throws {
        let connection = try engine.connect()
        try connection.send(post("\(type)Content-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"))
        #expect(try connection.receive()?.status == 415)
        #expect(try engine.connect().post(try body(), headers: "Content-Encoding: identity\r\n").status == 200)
    }

    // MARK: What is refused

    /// Sends a request and expects a status, the end of the connection if so, and one record of the log.
    private func expectRefusal(
        _ request: String, _ status: Int, closes: Bool = true, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = engine.records("HTTP-REFUSED").count
        let connection = try engine.connect()
        try connection.send(request)
        let answer = try connection.receive()
        #expect(answer?.status == status, sourceLocation: location)
        if closes { #expect(try connection.isClosed(), sourceLocation: location) }
        try wait("the record") { engine.records("HTTP-REFUSED").count > before }
        #expect(engine.records("HTTP-REFUSED").count == before + 1, sourceLocation: location)
        #expect(engine.records("HTTP-REFUSED").last?.contains("status=\(status)") == true, sourceLocation: location)
        #expect(engine.records("HTTP-REFUSED").last?.contains("why=") == true, sourceLocation: location)
    }

    /// Whoever is not named by the beginning, or never sends it.
    @Test func aBodyOverTheLimitIs413() throws {
        let beginning = String(repeating: "<a>", count: 600)
        for length in ["9999999", "99999999999999999999"] {
            try expectRefusal(post("\(type)Content-Length: \(length)\r\n", beginning), 413)
        }
        try expectRefusal(post("\(type)Content-Length: 9999999\r\nExpect: 100-continue\r\n", ""), 413)
        try expectRefusal(post("\(type)Transfer-Encoding: chunked\r\n", "FFFFFF\r\n\(beginning)"), 413)
        try expectRefusal(post("\(type)Content-Length: 9999999\r\n", ""), 413)
    }

    @Test func aHeadOverTheLimitIs431() throws {
        try expectRefusal(post("X: \(String(repeating: "x", count: 9000))\r\n", ""), 431)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "PUT / HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n",
    ]) func otherMethodsAre405(request: String) throws {
        try expectRefusal(request, 405, closes: false)
    }

    /// A page that somebody at home opens in a browser cannot write to the engine, whatever it calls itself.
    @Test func pagesOfOthersAre403() throws {
        let body = try self.body()
        for origin in [
            "http://evil.example", "null", "http://x", "https://x", "http://127.0.0.1", "http://evil.example:8080",
            "http://127.0.0.1.evil.example", "file://", "",
        ] {
            let head = "Content-Type: text/plain\r\nOrigin: \(origin)\r\nContent-Length: \(body.utf8.count)\r\n"
            try expectRefusal(post(head, body), 403)
        }
        let own = "Content-Type: text/plain\r\nHost: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080\r\n"
        let connection = try engine.connect()
        try connection.send("POST / HTTP/1.1\r\n\(own)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try connection.receive()?.status == 200)
    }

    @Test func anUnknownTypeOfUnknownContentIs415() throws {
        try expectRefusal(post("Content-Type: image/png\r\nContent-Length: 4\r\n", "\u{7F}PNG"), 415, closes: false)
    }

    @Test(arguments: [
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: -3\r\n",
        "Content-Length: +3\r\n", "Content-Length: 3x\r\n", "Content-Length: 0x3\r\n", "Content-Length: \r\n",
        "Content-Length: 3\nX: y\r\n",
        "Content-Length: 3\r\nX: a\rb\r\n", "Content-Length: 3\r\nX: a\r\n folded\r\n", "Content-Length : 3\r\n",
        "Content-Length: 3\r\n: empty\r\n", "Content-Length: 3\r\nno colon\r\n", "Content-Length: 3\r\nX: a\0b\r\n",
        "Content-Length: 3\r\nB@d: a\r\n",
    ]) func ambiguousHeadersAre400(headers: String) throws {
        try expectRefusal(post("\(type)\(headers)", "abc"), 400)
    }

    @Test(arguments: [
        "\r\r\n\r\n", "POST\r\n\r\n", "POST / HTTP/1.1\n\n", "POST  / HTTP/1.1\r\n\r\n",
        "POST / http/1.1\r\n\r\n", "PO\u{1}ST / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "POST /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n",
    ]) func brokenRequestLinesAre400(request: String) throws {
        try expectRefusal(request, 400)
    }

    @Test(arguments: [
        "x\r\n", "-1\r\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "0\r\nbad\r\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n",
    ]) func brokenChunksAre400(chunks: String) throws {
        let connection = try engine.connect()
        try connection.send(post("\(type)Transfer-Encoding: chunked\r\n", chunks))
        let status = try connection.receive()?.status
        #expect(status == 400 || status == 413)
        #expect(try connection.isClosed())
    }

    @Test func whoHoldsABufferLongestGivesWay() throws {
        let engine = try EngineProcess(["request_buffers": "2", "body_timeout": "20"])
        let body = try engine.client("alice").document("<GetSPInfo-Request/>", transaction: "1")
        let beginning = post("\(type)Content-Length: \(body.utf8.count)\r\n", String(body.prefix(10)))
        var connections: [HTTPConnection] = []
        // Of addresses of their own, so that none has more than its share.
        for number in 2...4 {
            let connection = try HTTPConnection(port: engine.port, from: UInt32(number))
            try connection.send(beginning)
            connections.append(connection)
            try wait("the buffer") { try engine.pool("request_buffers", "used") == min(2, connections.count) }
            Thread.sleep(forTimeInterval: 0.05)
        }
        #expect(try connections[0].receive()?.status == 408)
        for connection in connections.dropFirst() {
            try connection.send(String(body.dropFirst(10)))
            #expect(try connection.receive()?.status == 200)
        }
        try wait("the record") { engine.records("NO-BUFFER").count == 1 }
    }

    /// Sockets that hold half a request shut the door for nobody else.
    @Test func halfRequestsOfAStrangerCostOthersNothing() throws {
        let engine = try EngineProcess(["body_timeout": "60", "header_timeout": "60"])
        let body = try engine.client("alice").document("<GetSPInfo-Request/>", transaction: "1")
        let head = "POST / HTTP/1.1\r\nHost: x\r\n\(type)Content-Length: \(body.utf8.count)\r\n\r\n"
        let stranger = try (0..<200).map { number in
            let connection = try HTTPConnection(port: engine.port, from: 66)
            try connection.send(number % 2 == 0 ? "POST / HT" : head + String(body.prefix(100)))
            return connection
        }
        let clients = try (0..<40).map { try HTTPConnection(port: engine.port, from: 256 + UInt32($0)) }
        for client in clients { try client.send(head) }
        Thread.sleep(forTimeInterval: 0.5)
        for client in clients { try client.send(body) }
        for client in clients { #expect(try client.receive()?.status == 200) }
        withExtendedLifetime(stranger) {}
    }

    @Test func whatHTTPHasOwnWordsForGetsThem() throws {
        try expectRefusal("POST / HTTP/2.0\r\n\r\n", 505)
        try expectRefusal(post("\(type)Transfer-Encoding: gzip\r\n", "abc"), 501)
        try expectRefusal(post("\(type)Transfer-Encoding: chunked, gzip\r\n", "abc"), 501)
        try expectRefusal(post(type, ""), 411)
    }

    // MARK: Time and number

    @Test func aDribblingClientIsCut() throws {
        let head = try engine.connect()
        let body = try engine.connect()
        try head.send("POST / HTT")
        try body.send(post("\(type)Content-Length: 100\r\n", "<"))
        let start = Date()
        while Date().timeIntervalSince(start) < 1 {
            try? head.send("P")
            Thread.sleep(forTimeInterval: 0.3)
        }
        Thread.sleep(forTimeInterval: 2)
        #expect(try head.receive() == nil || head.isClosed())
        Thread.sleep(forTimeInterval: 1)
        #expect(try body.receive() == nil || body.isClosed())
        #expect(try engine.connect().post(self.body()).status == 200)
    }

    @Test func aSilentConnectionIsClosed() throws {
        let connection = try engine.connect()
        #expect(try connection.post(try body()).status == 200)
        let start = Date()
        #expect(try connection.isClosed())
        #expect(Date().timeIntervalSince(start) > 3)
    }

    @Test func connectionsOfAnAddressAreLimited() throws {
        let engine = try EngineProcess(["max_connections_per_address": "5"])
        let body = try body()
        let allowed = try (0..<5).map { _ in try engine.connect() }
        for connection in allowed { #expect(try connection.post(body).status == 200) }
        let sixth = try engine.connect()
        try? sixth.send(post("\(type)Content-Length: \(body.utf8.count)\r\n", body))
        let answer = try? sixth.receive()
        #expect(answer == nil || answer?.status == 503)
        try wait("the record") { engine.records("CONN-LIMIT").count == 1 }
        allowed[0].close()
        try wait("a free place") { (try? engine.connect().post(body).status) == 200 }
    }

    @Test func acceptDoesNotSpinWithoutDescriptors() throws {
        let engine = try EngineProcess(starts: false)
        try engine.set(["max_connections": "100"])
        // The engine takes what it needs at start; then the limit sinks under it.
        try engine.start(prefix: ["prlimit", "--nofile=64"])
        var connections: [HTTPConnection] = []
        for _ in 0..<80 { if let connection = try? engine.connect() { connections.append(connection) } }
        Thread.sleep(forTimeInterval: 0.5)
        let before = try cpuTicks(engine)
        Thread.sleep(forTimeInterval: 2)
        #expect(try cpuTicks(engine) - before < 20)
        connections.removeAll()
        let body = try engine.client("alice").document("<GetSPInfo-Request/>", transaction: "1")
        try wait("service") { (try? engine.connect().post(body).status) == 200 }
    }

    /// Hundredths of a second of processor time.
    private func cpuTicks(_ engine: EngineProcess) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(engine.processID)/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last!.split(separator: " ")
        return Int(fields[11])! + Int(fields[12])!
    }
}
