import Foundation
import Harness
import Testing

/// Requests of the engine to somebody else's server, as `impsctl reach` makes one, with real peers on the other side.
@Suite struct OutgoingTests {
    /// Servers of all kinds, and an engine that trusts the authority of the good ones.
    private final class Peers {
        let engine: EngineProcess
        let folder: URL
        private var ports: [String: Int] = [:]
        private var child: BackgroundCommand

        init(
            _ settings: [String: String] = [:], bundle: String = "bundle.pem", environment: [String: String] = [:]
        ) throws {
            engine = try EngineProcess(starts: false)
            folder = engine.folder
            child = try BackgroundCommand(
                ["python3", Programs.package.path + "/Tests/Support/peers.py", folder.path],
                errors: folder.path + "/peers.log")
            let file = folder.path + "/ports"
            try wait("the peers", seconds: 60 * Programs.slowness) { FileManager.default.fileExists(atPath: file) }
            let value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
            ports = try #require(value as? [String: Int])
            try engine.set(["ca_file": folder.path + "/" + bundle].merging(settings) { $1 })
            try engine.start(environment: environment)
        }

        func url(_ peer: String, host: String = "127.0.0.1", isSealed: Bool = true) throws -> String {
            "\(isSealed ? "https" : "http")://\(host):\(try #require(ports[peer]))/"
        }

        /// What `impsctl reach` says of a peer.
        func reach(
            _ peer: String, host: String = "127.0.0.1", isSealed: Bool = true, pin: String? = nil
        ) throws -> Ending {
            try engine.control(["reach", url(peer, host: host, isSealed: isSealed)] + (pin.map { [$0] } ?? []))
        }

        /// The SHA-256 of a certificate, as OpenSSL writes it.
        func fingerprint(_ name: String) throws -> String {
            let path = folder.path + "/" + name + ".pem"
            let ending = try runCommand(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"])
            return ending.output.split(separator: "=").last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
                ?? ""
        }
    }

    @Test func politePeersAnswer() throws {
        let peers = try Peers()
        for (peer, isSealed, bytes) in [
            ("plain", false, 5), ("chunked", false, 14), ("good", true, 5), ("rsa", true, 5), ("tls12", true, 5),
            ("tls-chunked", true, 14),
        ] {
            let ending = try peers.reach(peer, isSealed: isSealed)
            #expect(ending.code == 0, "\(peer): \(ending.errors)")
            #expect(
                ending.output.contains("status=200") && ending.output.contains("bytes=\(bytes)"), "\(ending.output)")
            #expect(ending.output.contains("sha256=") == isSealed)
        }
        // By name, which is looked up beside the loop, and tried at each of its addresses.
        #expect(try peers.reach("good", host: "localhost").code == 0)
        #expect(try peers.reach("plain", host: "localhost", isSealed: false).code == 0)
        #expect(peers.engine.records("OUT-FAIL") == [])
    }

    /// Nothing is said to who is not the one that we went to, and it is told why.
    @Test func whoIsNotTheOneIsNotBelieved() throws {
        let peers = try Peers()
        for (peer, words) in [
            ("wrongname", "for another name"), ("unknown", "nobody in ca_file signed"),
            ("self", "nobody in ca_file signed"),
            ("expired", "has ended"), ("forclients", "not for servers"),
            ("future", "not good yet, or the clock is wrong"),
        ] {
            let ending = try peers.reach(peer)
            #expect(ending.code == 1 && ending.errors.contains(words), "\(peer): \(ending.errors)")
            try peers.engine.awaitRecord("OUT-FAIL", words, "host=127.0.0.1")
            // Whose certificate is pinned is the one, whatever else is in it.
            #expect(try peers.reach(peer, pin: peers.fingerprint(peer)).code == 0, "\(peer)")
            let other = try peers.reach(peer, pin: peers.fingerprint("root"))
            #expect(other.code == 1 && other.errors.contains("the one that is pinned"), "\(other.errors)")
        }
        #expect(try peers.reach("good", pin: "1234").errors.contains("usage"))
    }

    /// A board without a battery begins in 1970, until somebody tells it the time.
    @Test(.enabled(if: Programs.runner.isEmpty)) func in1970OnlyThePinnedIsBelieved() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("impsd-1970-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let certificate = try Certificate(in: folder)
        let peers = try Peers(
            ["tls_port": "0", "tls_cert": certificate.certificate, "tls_key": certificate.key],
            environment: [
                "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME": "1970-01-01 00:05:00",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            ])
        #expect(peers.engine.log.contains("1970-01-01"))
        let ending = try peers.reach("good")
        #expect(ending.code == 1 && ending.errors.contains("not good yet, or the clock is wrong"), "\(ending.errors)")
        try peers.engine.awaitRecord("OUT-FAIL", "not good yet, or the clock is wrong")
        #expect(try peers.reach("good", pin: peers.fingerprint("good")).code == 0)
        // Who comes to it knows what time it is, and is served.
        let served = try runCommand([
            "openssl", "s_client", "-connect", "127.0.0.1:\(peers.engine.tlsPort)", "-CAfile", certificate.certificate,
            "-verify_return_error",
        ])
        #expect(served.code == 0 && served.output.contains("Verify return code: 0"), "\(served.errors)")
    }

    @Test func whatIsOldIsNotSpoken() throws {
        let peers = try Peers()
        for peer in ["tls11", "tls13", "oldsuites", "plain"] {
            let ending = try peers.reach(peer)
            #expect(ending.code == 1 && ending.errors.contains("no TLS 1.2"), "\(peer): \(ending.errors)")
        }
    }

    @Test(arguments: ["nowhere.pem", "empty.pem", "stranger.pem"]) func withoutAuthoritiesNobodyIsBelieved(
        bundle: String
    ) throws {
        let peers = try Peers(bundle: bundle)
        let ending = try peers.reach("good")
        #expect(ending.code == 1 && ending.errors.contains("ca_file"), "\(ending.errors)")
        // A bundle may be as short as the one authority that is needed, with line ends of any kind, and none at its end.
        for right in ["root.pem", "crlf.pem"] {
            try peers.engine.set(["ca_file": peers.folder.path + "/" + right])
            try peers.engine.restart()
            #expect(try peers.reach("good").code == 0, "\(right)")
        }
    }

    /// Who is slow, says too much, or stops in the middle costs nothing but the one request, and nobody waits for it.
    @Test func impolitePeersCostNobodyElse() throws {
        let peers = try Peers()
        for (peer, isSealed, words) in [
            ("nonsense", false, "no whole answer"), ("hangup", false, "no whole answer"),
            ("cut", false, "no whole answer"),
            ("endless", false, "no whole answer"), ("tls-endless", true, "no whole answer"),
            ("tls-cut", true, "no whole answer"), ("tls-ragged", true, "no whole answer"),
            ("hangup", true, "no TLS 1.2"),
            ("dribble", false, "in time"), ("silent", false, "in time"), ("silent", true, "in time"),
            ("tls-silent", true, "in time"),
        ] {
            let ending = try peers.reach(peer, isSealed: isSealed)
            #expect(ending.code == 1 && ending.errors.contains(words), "\(peer) \(isSealed): \(ending.errors)")
        }
        for (url, words) in [
            ("http://127.0.0.1:1/", "nobody takes a connection"),
            ("http://user:secret@127.0.0.1/", "usage"), ("gopher://x/", "usage"), ("http://127.0.0.1:0/", "usage"),
        ] {
            let ending = try peers.engine.control(["reach", url])
            #expect(ending.code == 1 && ending.errors.contains(words), "\(url): \(ending.errors)")
        }
        // Whether a name is unknown, or nobody can be asked, is up to the network of the test.
        let unknown = try peers.engine.control(["reach", "http://nowhere.invalid/"])
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("name is not known") || unknown.errors.contains("in time"), "\(unknown.errors)")
        for pool in ["request_buffers", "medium_buffers", "large_buffers", "tls_connections", "tls_busy"] {
            #expect(try peers.engine.pool(pool, "used") == 0, "\(pool)")
        }
        #expect(try peers.engine.client("alice").logIn().code == 200)
    }

    /// An operator who asks and goes home, four times over: the fifth is answered, and clients are served meanwhile.
    @Test func whoDoesNotWaitHoldsNothing() throws {
        let peers = try Peers()
        let alice = try peers.engine.client("alice")
        #expect(try alice.logIn().code == 200)
        for _ in 0..<3 {
            let asking = try (0..<3).map { number in
                try BackgroundCommand(
                    Programs.command(
                        "impsctl",
                        ["--config", peers.engine.configuration, "reach", peers.url("silent", isSealed: number > 0)]),
                    errors: peers.folder.path + "/asking.log")
            }
            try wait("questions") { try peers.engine.pool("tls_busy", "used") == 2 }
            #expect(try alice.request("<KeepAlive-Request/>").code == 200)
            for command in asking { command.kill() }
            try wait("the end of the questions") { try peers.engine.pool("tls_busy", "used") == 0 }
            #expect(try peers.reach("good").code == 0)
        }
        #expect(try alice.request("<KeepAlive-Request/>").code == 200)
    }
}
