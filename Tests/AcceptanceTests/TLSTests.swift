import Foundation
import Harness
import Testing

/// The encrypted door, with other people's programs in front of it: OpenSSL, curl, Python's ssl.
@Suite struct TLSTests {
    private static let rsa = ["rsa:2048"]
    private static let discovery =
        "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.2\"><Session><SessionDescriptor><SessionType>Outband</SessionType></SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode><TransactionID>1</TransactionID></TransactionDescriptor><TransactionContent xmlns=\"http://www.openmobilealliance.org/DTD/WV-TRC1.2\"><WV-CSP-VersionDiscovery-Request/></TransactionContent></Transaction></Session></WV-CSP-Message>"

    /// An engine with a certificate of its own.
    private func engine(
        _ settings: [String: String] = [:], _ certificate: (URL) throws -> Certificate = { try Certificate(in: $0) }
    ) throws -> EngineProcess {
        let engine = try EngineProcess(starts: false)
        let certificate = try certificate(engine.folder)
        try engine.set(
            ["tls_port": "0", "tls_cert": certificate.certificate, "tls_key": certificate.key].merging(settings) { $1 })
        try engine.start()
        return engine
    }

    /// What `openssl s_client` says of a connection that it begins and ends.
    private func probe(_ engine: EngineProcess, _ options: [String]) throws -> (isOpen: Bool, text: String) {
        let ending = try runCommand(
            ["timeout", "-s", "KILL", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(engine.tlsPort)"] + options,
            input: "Q\n")
        let text = ending.output + ending.errors
        return (text.contains("Cipher is ECDHE"), text)
    }

    private func python(_ engine: EngineProcess, _ script: String, input: String = "") throws -> String {
        let front = """
            import socket, ssl, sys
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            port = \(engine.tlsPort)
            def connect(**words):
                return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), **words)
            def answer(connection):
                data = b""
                while b"</WV-CSP-Message>" not in data and b"Length: 0" not in data:
                    part = connection.recv(65536)
                    if not part: return data
                    data += part
                return data
            def shake(memory, raw, inner, outer):
                while True:
                    try:
                        memory.do_handshake(); raw.sendall(outer.read()); break
                    except ssl.SSLWantReadError:
                        raw.sendall(outer.read()); inner.write(raw.recv(65536))
            def post(body, *headers):
                lines = [b"POST / HTTP/1.1", b"Host: x", b"Content-Type: application/vnd.wv.csp.xml",
                    b"Content-Length: %d" % len(body), *headers]
                return b"\\r\\n".join(lines) + b"\\r\\n\\r\\n" + body
            discovery = b'\(TLSTests.discovery)'
            ask = post(discovery)

            """
        let ending = try runCommand(["timeout", "-s", "KILL", "60", "python3", "-c", front + script], input: input)
        #expect(ending.code == 0, "\(ending.errors)")
        return ending.output
    }

    /// TLS 1.2 with suites that keep what was recorded closed, with keys of both kinds; nothing older and nothing weaker.
    @Test(arguments: [true, false]) func onlyWhatIsSafeIsSpoken(isECDSA: Bool) throws {
        let engine = try engine { isECDSA ? try Certificate(in: $0) : try Certificate(in: $0, algorithm: Self.rsa) }
        let kind = isECDSA ? "ECDSA" : "RSA"
        for suite in ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"] {
            let (isOpen, text) = try probe(engine, ["-tls1_2", "-cipher", "ECDHE-\(kind)-\(suite)"])
            #expect(isOpen && text.contains("ECDHE-\(kind)-\(suite)"), "\(suite): \(text)")
        }
        // The client's list is about the key of the certificate too.
        for (curve, name) in isECDSA
            ? [("X25519:P-256", "X25519"), ("P-256", "prime256v1")]
            : [("X25519", "X25519"), ("P-256", "prime256v1"), ("P-384", "secp384r1")]
        {
            let (isOpen, text) = try probe(engine, ["-tls1_2", "-groups", curve])
            let isUsed = text.split(separator: "\n").contains { $0.contains("Temp Key: ") && $0.contains(name) }
            #expect(isOpen && isUsed, "\(curve): \(text)")
        }
        // A handset of 2010 names no server and says nothing that came later.
        #expect(try probe(engine, ["-tls1_2", "-noservername", "-no_ticket", "-legacy_renegotiation"]).isOpen)
        #expect(try probe(engine, ["-tls1_2", "-servername", "other.home"]).isOpen)
        for refused in [
            ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_3"],
            ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-\(kind)-AES128-SHA"],
            ["-tls1_2", "-cipher", "ECDHE-\(kind)-AES128-SHA256"], ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"], ["-tls1_2", "-alpn", "h2"], ["-tls1_2", "-groups", "P-521"],
        ] {
            #expect(try !probe(engine, refused).isOpen, "\(refused)")
        }
        #expect(try probe(engine, ["-tls1_2", "-alpn", "h2,http/1.1"]).text.contains("ALPN protocol: http/1.1"))
        #expect(engine.isRunning)
    }

    @Test func aRequestIsAnsweredAndTheEndIsSaid() throws {
        let engine = try engine()
        let curl = try runCommand([
            "curl", "-sk", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "-d",
            Self.discovery,
            "-H", "Content-Type: application/vnd.wv.csp.xml", "https://127.0.0.1:\(engine.tlsPort)/",
        ])
        #expect(curl.output == "200 1.1")
        // With suppress_ragged_eofs off an end that is not said is an error.
        let output = try python(
            engine,
            """
            connection = connect(suppress_ragged_eofs=False)
            connection.sendall(post(discovery, b"Connection: close"))
            print(answer(connection).split(b"\\r\\n")[0].decode(), connection.recv(100))
            """)
        #expect(output.hasPrefix("HTTP/1.1 200") && output.hasSuffix(" b''\n"), "\(output)")
    }

    /// Who comes back with a ticket is let in without another proof by the key.
    @Test func sessionsAreResumed() throws {
        let engine = try engine()
        let output = try python(
            engine,
            """
            first = connect()
            first.sendall(ask); answer(first)
            second = connect(session=first.session)
            second.sendall(ask)
            print(first.session_reused, second.session_reused, answer(second)[:8].decode())
            """)
        #expect(output == "False True HTTP/1.1\n")
    }

    /// What comes in many records, many in one packet, one octet at a time, far more than there is room for, or behind
    /// another request, is read as it was written.
    @Test func recordsAreCutAnywhere() throws {
        let engine = try engine(["max_message": "60000"])
        let output = try python(
            engine,
            """
            large = post(discovery.replace(b"<Session>", b"<Session><!--" + b"y" * 50000 + b"-->"))
            def status(connection):
                return answer(connection).split(b" ")[1].decode()
            whole = connect(); whole.sendall(large); print(status(whole))
            small = connect()
            for octet in range(0, 400): small.send(large[octet:octet + 1])
            for start in range(400, len(large), 700): small.send(large[start:start + 700])
            print(status(small))
            # Records that lie in one packet, and packets that end within a record.
            inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
            import time
            raw = socket.create_connection(("127.0.0.1", port), 20)
            memory = context.wrap_bio(inner, outer)
            shake(memory, raw, inner, outer)
            def receive():
                while True:
                    try: return memory.read(65536)
                    except ssl.SSLWantReadError: inner.write(raw.recv(65536))
            for start in range(0, len(ask), 30): memory.write(ask[start:start + 30])
            sealed = outer.read()
            raw.sendall(sealed[:-5]); time.sleep(0.2); raw.sendall(sealed[-5:])
            print(receive().split(b" ")[1].decode())
            # Many requests one behind the other, whose answers nobody reads for a while.
            many = connect()
            count = 1000
            many.settimeout(60)
            import threading
            sender = threading.Thread(target=lambda: many.sendall(ask * count)); sender.start()
            data = b""
            time.sleep(0.5)
            while data.count(b"HTTP/1.1 200") < count:
                part = many.recv(65536)
                if not part: break
                data += part
            sender.join()
            print(data.count(b"HTTP/1.1 200"))
            """)
        let lines = output.split(separator: "\n")
        #expect(lines == ["200", "200", "200", "1000"], "\(output)")
        #expect(try engine.pool("tls_connections", "refused") == 0)
    }

    /// Strangers that begin and say nothing take nobody's place for long, and no more memory.
    @Test func stalledHandshakesGiveWay() throws {
        let engine = try engine(["tls_connections": "8", "header_timeout": "30"])
        let before = try engine.residentBytes()
        let stalled = try (0..<200).map { number in
            let connection = try HTTPConnection(port: engine.tlsPort)
            // Half of them have begun to say hello.
            if number % 2 == 0 { try connection.send([0x16, 0x03, 0x01, 0x01, 0x00, 0x01, 0x00]) }
            return connection
        }
        for _ in 0..<3 {
            let begin = Date()
            #expect(try python(engine, "c = connect(); c.sendall(ask); print(answer(c)[:8].decode())") == "HTTP/1.1\n")
            #expect(Date().timeIntervalSince(begin) < 5 * Programs.slowness)
        }
        #expect(try engine.pool("tls_connections", "most") <= 8)
        // An emulator has memory of its own for each thing it sees the first time.
        if Programs.runner.isEmpty { #expect(try engine.residentBytes() - before < 2 << 20) }
        withExtendedLifetime(stalled) {}
    }

    /// Who came by TLS asks by TLS whether something waits.
    @Test func theURLOfACallIsSealedToo() throws {
        let engine = try engine(["cir": "shttp"])
        let alice = try engine.sealedClient("alice", "1.3")
        #expect(try alice.logIn().code == 200)
        let reply = try alice.negotiateCapabilities("<SupportedCIRMethod>SHTTP</SupportedCIRMethod>")
        let url = try #require(reply.primitive?["AgreedCapabilityList/CIRHTTPAddress/URL"]?.text)
        #expect(url.hasPrefix("https://127.0.0.1:\(engine.tlsPort)/cir/"))
        func ask() throws -> String {
            try runCommand(["curl", "-sk", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", url]).output
        }
        #expect(try alice.poll() == nil)
        #expect(try ask() == "204")
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        #expect(try bob.send("hello", to: "wv:alice@home.test").code == 200)
        #expect(try ask() == "200")
    }

    /// Who came by TLS is called by TLS, and told nothing of the plain port, where it would say its SessionID.
    @Test func clientsAreCalledByTLS() throws {
        let engine = try engine(["cir": "stcp", "cir_tls_port": "0"])
        let alice = try engine.sealedClient("alice")
        #expect(try alice.logIn().code == 200)
        func agree(_ client: Client) throws -> Int? {
            let reply = try client.negotiateCapabilities("<SupportedCIRMethod>STCP</SupportedCIRMethod>")
            return reply.primitive?["AgreedCapabilityList/TCPPort"]?.number
        }
        #expect(engine.cirTLSPort != 0)
        #expect(try agree(alice) == Int(engine.cirTLSPort))
        let line = try HTTPConnection(port: engine.startFront(engine.cirTLSPort))
        try line.send("HELO \(alice.sessionID ?? "")\r\n")
        #expect(try line.receiveSegment() == "OK\r\n")
        let bob = try engine.client("bob")
        #expect(try bob.logIn().code == 200)
        for _ in 0..<3 {
            #expect(try bob.send("hello", to: "wv:alice@home.test").code == 200)
            #expect(try line.receiveSegment()?.hasPrefix("WVCI ") == true)
            #expect(try alice.receiveTexts() == ["hello"])
        }
        try line.send("PING\r\nPING\r\n")
        #expect(try line.receiveSegment()?.hasPrefix("OK\r\n") == true)
        // The plain port and this one are for whoever came that way.
        if !Programs.usesTLS { #expect(try agree(bob) == Int(engine.cirPort)) }
        let other = try self.engine(["cir": "stcp"])
        let carol = try other.sealedClient("alice")
        #expect(try carol.logIn().code == 200)
        #expect(try agree(carol) == nil)
    }

    /// Strangers at the door for calls do not keep requests out, however many they are, and those who are called go on.
    @Test func callsTakeNoMoreThanHalfOfThePlaces() throws {
        let engine = try engine(["cir": "stcp", "cir_tls_port": "0", "tls_connections": "8"])
        let stalled = try (0..<100).map { number in
            let connection = try HTTPConnection(port: engine.cirTLSPort)
            if number % 2 == 0 { try connection.send([0x16, 0x03, 0x01, 0x01, 0x00, 0x01, 0x00]) }
            return connection
        }
        #expect(try python(engine, "c = connect(); c.sendall(ask); print(answer(c)[:8].decode())") == "HTTP/1.1\n")
        // Whole handshakes and no word after them.
        let output = try python(
            engine,
            """
            calls = []
            door, port = port, \(engine.cirTLSPort)
            for _ in range(20): calls.append(connect())
            port = door
            c = connect(); c.sendall(ask); print(answer(c)[:8].decode())
            """)
        #expect(output == "HTTP/1.1\n")
        withExtendedLifetime(stalled) {}
    }

    /// What is idle gives its buffers back: all places are in use, and nothing is under way on any of them.
    @Test func whatIsIdleHasNoBuffers() throws {
        let engine = try engine(["tls_connections": "64"])
        #expect(try engine.pool("tls_busy", "count") == 16)
        let output = try python(
            engine,
            """
            all = [connect() for _ in range(64)]
            for turn in range(3):
                for connection in all: connection.sendall(ask)
                print(sum(answer(connection).startswith(b"HTTP/1.1 200") for connection in all))
            input()
            for connection in all: connection.sendall(ask)
            print(sum(answer(connection).startswith(b"HTTP/1.1 200") for connection in all))
            """, input: "go on\n")
        #expect(output == "64\n64\n64\n64\n")
        #expect(try engine.pool("tls_connections", "most") == 64)
        #expect(try engine.pool("tls_busy", "used") == 0)
        #expect(try engine.pool("tls_busy", "most") <= 16)
        #expect(try engine.pool("tls_connections", "refused") == 0)
    }

    /// Many whole handshakes at once take a third of the time: requests in plain go on beside them, and an honest client
    /// from another address has its own done before they are.
    @Test func aFloodOfHandshakesHoldsUpNobody() throws {
        let engine = try engine(["tls_connections": "64", "log_level": "info"])
        let output = try python(
            engine,
            """
            import threading, time, statistics
            stop = False
            done = 0
            def flood():
                global done
                while not stop:
                    try:
                        s = socket.create_connection(("127.0.0.1", port), 20, source_address=("127.0.0.9", 0))
                        context.wrap_socket(s).close(); done += 1
                    except OSError: pass
            def plain():
                s = socket.create_connection(("127.0.0.1", \(engine.port)), 20)
                times = []
                for _ in range(200):
                    begin = time.monotonic(); s.sendall(ask); answer(s); times.append(time.monotonic() - begin)
                return max(times)
            threads = [threading.Thread(target=flood) for _ in range(12)]
            for t in threads: t.start()
            time.sleep(0.5)
            slowest = plain()
            begin = time.monotonic(); c = connect(); c.sendall(ask); first = answer(c)[:8].decode()
            took = time.monotonic() - begin
            stop = True
            for t in threads: t.join()
            print(first, slowest, took, done)
            """)
        let words = output.split(separator: " ")
        #expect(words.first == "HTTP/1.1", "\(output)")
        #expect(Double(words[1])! < 1 * Programs.slowness && Double(words[2])! < 1 * Programs.slowness, "\(output)")
    }

    /// A handshake within a connection is refused, and the connection goes on or ends.
    @Test func nobodyNegotiatesAgain() throws {
        let engine = try engine()
        let ending = try runCommand(
            [
                "timeout", "-s", "KILL", "10", "openssl", "s_client", "-connect", "127.0.0.1:\(engine.tlsPort)",
                "-tls1_2",
            ],
            input: "R\nR\nR\nQ\n")
        #expect(ending.errors.contains("no renegotiation"), "\(ending.errors)")
        #expect(try probe(engine, ["-tls1_2"]).isOpen)
    }

    /// All places at once are served; one more takes that of who waits longest for another request, and no more memory.
    @Test func whoIsIdleMakesRoom() throws {
        let engine = try engine(["tls_connections": "16"])
        let output = try python(
            engine,
            """
            all = [connect() for _ in range(16)]
            for connection in all: connection.sendall(ask)
            served = sum(answer(connection).startswith(b"HTTP/1.1 200") for connection in all)
            more = connect(); more.sendall(ask)
            print(served, answer(more).startswith(b"HTTP/1.1 200"))
            ended = 0
            for connection in all:
                try:
                    connection.sendall(ask)
                    if not answer(connection): ended += 1
                except OSError: ended += 1
            print(ended)
            """)
        #expect(output == "16 True\n1\n")
        #expect(try engine.pool("tls_connections", "most") == 16)
        #expect(try engine.pool("tls_connections", "refused") == 0)
    }

    @Test func whatIsNoTLSIsRefused() throws {
        let engine = try engine(["log_level": "info"])
        for text in [
            "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{FF}\u{FF}rubbish", String(repeating: "x", count: 70_000),
        ] {
            let connection = try HTTPConnection(port: engine.tlsPort)
            try? connection.send(text)
            #expect(try connection.isClosed())
        }
        try engine.awaitRecord("TLS-FAIL", "in=handshake", "ip=127.0.0.1")
        #expect(try probe(engine, ["-tls1_2"]).isOpen)
    }

    /// Half a record behind what is answered, or refused, keeps nobody's buffers from others.
    @Test(arguments: [true, false]) func halfARecordKeepsNoBuffers(isRefused: Bool) throws {
        let engine = try engine(["tls_connections": "16", "header_timeout": "60", "body_timeout": "60"])
        let output = try python(
            engine,
            """
            held = []
            for number in range(12):
                inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
                raw = socket.create_connection(("127.0.0.1", port), 20, source_address=("127.0.0.9", 0))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                memory = context.wrap_bio(inner, outer)
                shake(memory, raw, inner, outer)
                if \(isRefused ? "True" : "False"):
                    memory.write(b"NONSENSE\\r\\n\\r\\n")
                else:
                    for _ in range(200): memory.write(ask)
                whole = outer.read()
                memory.write(ask)
                raw.settimeout(1)
                try: raw.sendall(whole + outer.read()[:40])
                except OSError: pass
                held.append(raw)
            for _ in range(5):
                c = connect(); c.sendall(ask); print(answer(c)[:8].decode(), end=" ")
            """)
        #expect(output == String(repeating: "HTTP/1.1 ", count: 5))
        #expect(engine.isRunning)
    }

    /// Certificates that prove the first one go out in one record with it.
    @Test func aChainThatCannotBeSentIsRefused() throws {
        let engine = try EngineProcess(starts: false)
        let certificate = try Certificate(in: engine.folder)
        let one = try String(contentsOfFile: certificate.certificate, encoding: .utf8)
        // Boards send 4 KB in a record; on other machines the file is too long before that.
        let (count, words) = Programs.runner.isEmpty ? (60, "longer than 16 KB") : (24, "leave the last ones out")
        try String(repeating: one, count: count).write(
            toFile: certificate.certificate, atomically: true, encoding: .utf8)
        try engine.set(["tls_port": "0", "tls_cert": certificate.certificate, "tls_key": certificate.key])
        try engine.start()
        try engine.awaitRecord("TLS-CERT-REFUSED", words, "no TLS")
        // The one that is left to the operator puts it right.
        try engine.set(["tls_only": "1"])
        try engine.restart()
        #expect(engine.tlsPort == 0 && engine.port == 0)
        try one.write(toFile: certificate.certificate, atomically: true, encoding: .utf8)
        engine.signal(SIGHUP)
        try engine.awaitRecord("TLS-CERT", "sha256=")
    }

    /// A new certificate is taken without an end of what is open; one that is no good leaves the old one in use.
    @Test func theCertificateIsExchanged() throws {
        let engine = try engine()
        let text = try String(contentsOfFile: engine.configuration, encoding: .utf8)
        let path = try #require(text.firstMatch(of: /tls_cert '([^']+)'/)).1
        let key = try #require(text.firstMatch(of: /tls_key '([^']+)'/)).1
        let first = try String(contentsOfFile: String(path), encoding: .utf8)
        func fingerprint() throws -> String? {
            let shown = try probe(engine, ["-tls1_2"]).text
            return shown.firstMatch(of: /-----BEGIN CERTIFICATE-----\n([^-]*)-/).map { String($0.1) }
        }
        let before = try fingerprint()
        let other = try Certificate(in: engine.folder, name: "other", algorithm: Self.rsa)
        func put(_ file: String, _ target: Substring) throws {
            try Data(contentsOf: URL(fileURLWithPath: file)).write(to: URL(fileURLWithPath: String(target)))
        }
        // The key of another certificate, a file that is cut, and none.
        try put(other.certificate, path)
        engine.signal(SIGHUP)
        try engine.awaitRecord("TLS-CERT-REFUSED", "the key is of another certificate", "the one before stays")
        try String(first.prefix(300)).write(toFile: String(path), atomically: true, encoding: .utf8)
        engine.signal(SIGHUP)
        try engine.awaitRecord("TLS-CERT-REFUSED", "no certificate in PEM", "the one before stays")
        try FileManager.default.removeItem(atPath: String(path))
        engine.signal(SIGHUP)
        try engine.awaitRecord("TLS-CERT-REFUSED", "there is no such file", "the one before stays")
        #expect(try fingerprint() == before)
        try put(other.certificate, path)
        try "not a key".write(toFile: String(key), atomically: true, encoding: .utf8)
        engine.signal(SIGHUP)
        try engine.awaitRecord("TLS-CERT-REFUSED", "no key in PEM", "the one before stays")
        #expect(try fingerprint() == before)
        try put(other.key, key)
        engine.signal(SIGHUP)
        try wait("the other certificate") { engine.records("TLS-CERT").count == 2 }
        let after = try fingerprint()
        #expect(after != nil && after != before)
    }

    /// What is open goes on while the certificate changes.
    @Test func anOpenConnectionOutlivesTheCertificate() throws {
        let engine = try engine()
        let output = try python(
            engine,
            """
            import os, signal, time
            connection = connect()
            connection.sendall(ask); first = answer(connection)
            os.kill(\(engine.processID), signal.SIGHUP); time.sleep(1)
            connection.sendall(ask); print(answer(connection) == first and first[:8].decode())
            """)
        #expect(output == "HTTP/1.1\n")
    }

    /// A certificate at its end is told of, and served all the same.
    @Test func aCertificateAtItsEndIsToldOf() throws {
        func date(_ days: Double) -> String {
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = TimeZone(identifier: "UTC")
            format.dateFormat = "yyyyMMddHHmmss'Z'"
            return format.string(from: Date().addingTimeInterval(days * 86_400))
        }
        let over = try engine { try Certificate(in: $0, from: date(-30), to: date(-2)) }
        try over.awaitRecord("TLS-CERT-ENDS", "days=0", "over=yes")
        #expect(try probe(over, ["-tls1_2"]).isOpen)
        let soon = try engine { try Certificate(in: $0, to: date(10.5)) }
        try soon.awaitRecord("TLS-CERT-ENDS", "days=10", "over=no")
        #expect(try engine().records("TLS-CERT-ENDS") == [])
        // Without a right clock nobody knows.
        let early = try engine(["clock": "untrusted"]) { try Certificate(in: $0, from: date(-30), to: date(-2)) }
        #expect(early.records("TLS-CERT-ENDS") == [])
        #expect(try probe(early, ["-tls1_2"]).isOpen)
    }

    @Test func thePlainDoorMayBeClosed() throws {
        let engine = try engine(["tls_only": "1", "port": "0"])
        #expect(engine.port == 0)
        #expect(try python(engine, "c = connect(); c.sendall(ask); print(answer(c)[:8].decode())") == "HTTP/1.1\n")
        #expect(engine.stop() == 0)
        for (changes, words) in [
            (["tls_only": "1"], "tls_only"), (["tls_port": "0"], "needs tls_cert and tls_key"),
            (["tls_port": "0", "tls_cert": "/c.pem"], "needs tls_cert and tls_key"),
        ] {
            let other = try EngineProcess(users: [], starts: false)
            try other.set(changes)
            let check = try run("impsd", ["--config", other.configuration, "--check"])
            #expect(check.code == 65 && check.errors.contains(words), "\(check.errors)")
        }
    }

    /// Without a certificate there is no door for TLS, and the plain one is open all the same.
    @Test func withoutACertificateThereIsNoTLS() throws {
        let engine = try EngineProcess(starts: false)
        try engine.set(["tls_port": "0", "tls_cert": "/nowhere/c.pem", "tls_key": "/nowhere/k.pem"])
        try engine.start()
        try engine.awaitRecord("TLS-CERT-REFUSED", "there is no such file", "no TLS")
        #expect(try engine.client("alice").logIn().code == 200)
        #expect(engine.tlsPort == 0)
    }
}
