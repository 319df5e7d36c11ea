import Foundation
import Harness
import Testing

/// The terminal client by https: whom it believes, and what it says when it does not.
@Suite struct SealedClientTests {
    private func engine(_ certificate: Certificate, _ settings: [String: String] = [:]) throws -> EngineProcess {
        let engine = try EngineProcess(starts: false)
        try engine.set(
            ["tls_port": "0", "tls_cert": certificate.certificate, "tls_key": certificate.key].merging(settings) { $1 })
        try engine.start()
        return engine
    }

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("known-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private func imps(
        _ engine: EngineProcess, _ user: String, home: URL, host: String = "127.0.0.1", _ words: [String]
    ) throws -> Ending {
        try run(
            "imps", ["--server", "https://\(host):\(engine.tlsPort)", "--user", "wv:\(user)@home.test"] + words,
            environment: ["IMPS_PASSWORD": engine.password(of: user), "HOME": home.path])
    }

    /// Whom nobody vouches for is kept at the first time, and has to be the same afterwards.
    @Test func aCertificateIsKeptAndHasToBeTheSame() throws {
        let home = try folder()
        defer { try? FileManager.default.removeItem(at: home) }
        let certificate = try Certificate(in: home)
        let engine = try engine(certificate)
        let first = try imps(engine, "alice", home: home, ["send", "wv:bob@home.test", "one"])
        #expect(first.code == 0 && first.errors.contains("is new. Compare its certificate"), "\(first.errors)")
        let record = try #require(engine.records("TLS-CERT").first)
        let shown = try #require(first.errors.firstMatch(of: /[0-9a-f]{64}/)).0
        #expect(record.contains("sha256=\(shown)"))
        let path = home.path + "/.imps_known"
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "127.0.0.1:\(engine.tlsPort) \(shown)\n")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let second = try imps(engine, "alice", home: home, ["send", "wv:bob@home.test", "two"])
        #expect(second.code == 0 && !second.errors.contains("certificate"), "\(second.errors)")
        // Another certificate at the same address: nothing is said to it, the password above all.
        let other = try Certificate(in: home, name: "other")
        try Data(contentsOf: URL(fileURLWithPath: other.certificate)).write(
            to: URL(fileURLWithPath: certificate.certificate))
        try Data(contentsOf: URL(fileURLWithPath: other.key)).write(to: URL(fileURLWithPath: certificate.key))
        engine.signal(SIGHUP)
        try wait("the other certificate") { engine.records("TLS-CERT").count == 2 }
        let logins = engine.records("LOGIN").count
        let third = try imps(engine, "alice", home: home, ["send", "wv:bob@home.test", "three"])
        #expect(third.code == 69 && third.errors.contains("another certificate than before"), "\(third.errors)")
        #expect(third.errors.contains(path) && third.errors.contains("before \(shown)"))
        #expect(engine.records("LOGIN").count == logins)
        let received = try imps(
            engine, "bob", home: home, ["--known", home.path + "/elsewhere", "recv", "--wait", "2"])
        #expect(received.code == 0 && received.output.contains("one") && received.output.contains("two"))
        #expect(!received.output.contains("three"))
    }

    @Test func authoritiesVouchForTheName() throws {
        let home = try folder()
        defer { try? FileManager.default.removeItem(at: home) }
        let certificate = try Certificate(in: home, name: "localhost", subject: "/CN=localhost")
        let engine = try engine(certificate)
        let trusting = ["--ca-file", certificate.certificate, "send", "wv:bob@home.test", "hello"]
        let right = try imps(engine, "alice", home: home, host: "localhost", trusting)
        #expect(right.code == 0 && right.errors == "", "\(right.errors)")
        let wrong = try imps(engine, "alice", home: home, trusting)
        #expect(wrong.code == 69 && wrong.errors.contains("for another name"), "\(wrong.errors)")
        let other = try Certificate(in: home, name: "other")
        let stranger = try imps(
            engine, "alice", home: home, host: "localhost",
            ["--ca-file", other.certificate, "send", "wv:bob@home.test", "hello"])
        #expect(stranger.code == 69 && stranger.errors.contains("nobody in ca_file signed"), "\(stranger.errors)")
        #expect(!FileManager.default.fileExists(atPath: home.path + "/.imps_known"))
    }

    /// A client that sleeps until it is called does so by TLS, with the same server, and by a URL of its own.
    @Test(arguments: ["tcp", "http", "udp"]) func itIsCalledByTLS(method: String) throws {
        let home = try folder()
        defer { try? FileManager.default.removeItem(at: home) }
        let engine = try engine(Certificate(in: home), ["cir_tls_port": "0"])
        let bob = try BackgroundCommand(
            Programs.command(
                "imps",
                [
                    "--server", "https://127.0.0.1:\(engine.tlsPort)", "--user", "wv:bob@home.test", "--cir", method,
                    "recv",
                    "--wait", "60",
                ]), output: home.path + "/received", errors: home.path + "/errors",
            environment: ["IMPS_PASSWORD": engine.password(of: "bob"), "HOME": home.path])
        try wait("bob") { try engine.control(["sessions"]).output.contains("wv:bob") }
        // He is called when he has done with the login.
        Thread.sleep(forTimeInterval: 1)
        let sent = try imps(engine, "alice", home: home, ["send", "wv:bob@home.test", "by \(method)"])
        #expect(sent.code == 0, "\(sent.errors)")
        try wait("the message", seconds: 20 * Programs.slowness) {
            (try? String(contentsOfFile: home.path + "/received", encoding: .utf8))?.contains("by \(method)") == true
        }
        let said = try String(contentsOfFile: home.path + "/errors", encoding: .utf8)
        #expect(!said.contains("does not call this way"), "\(said)")
        withExtendedLifetime(bob) {}
    }
}
