import Foundation
import Harness
import Testing

/// Short messages by a modem on a serial line, which is a pseudo-terminal here.
@Suite struct ModemTests {
    /// A modem, `modem.py`, and what it was told.
    private final class ModemProcess {
        let folder: URL
        private var child: BackgroundCommand

        init(_ kind: String) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("modem-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            child = try BackgroundCommand(
                ["python3", Programs.package.path + "/Tests/Support/modem.py", folder.path, kind],
                errors: folder.path + "/log")
            try wait("the modem", seconds: 20) { FileManager.default.fileExists(atPath: folder.path + "/device") }
        }

        deinit {
            child.kill()
            try? FileManager.default.removeItem(at: folder)
        }

        var device: String { (try? String(contentsOfFile: folder.path + "/device", encoding: .utf8)) ?? "" }

        /// The lines that it was told.
        var said: [Substring] {
            ((try? String(contentsOfFile: folder.path + "/said", encoding: .utf8)) ?? "").split(separator: "\n")
        }

        /// The short messages that it took.
        var messages: [[String: Any]] {
            ((try? String(contentsOfFile: folder.path + "/messages", encoding: .utf8)) ?? "").split(separator: "\n")
                .compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        }
    }

    private func engine(_ modem: ModemProcess, _ lines: String = "", users: [String] = ["alice", "bob"]) throws
        -> EngineProcess
    {
        let engine = try EngineProcess(["log_level": "info"], users: users, starts: false)
        engine.sections =
            "config notify 'modem'\n\toption bearer 'modem'\n\toption device '\(modem.device)'\n" + lines
        for (index, user) in users.dropFirst().enumerated() {
            try engine.mustControl(["--offline", "user", "set", user, "msisdn", "+49170000000\(index)"])
        }
        try engine.start()
        return engine
    }

    private func write(_ engine: EngineProcess, to user: String = "bob") throws {
        let alice = try engine.client("alice")
        try alice.logIn()
        #expect(try alice.send("hello", to: "wv:\(user)@home.test").code == 200)
    }

    private func awaitState(_ engine: EngineProcess, _ state: String, of user: String = "bob") throws -> [String: Any] {
        var found: [String: Any] = [:]
        try wait("\(state) for \(user)", seconds: 30 * Programs.slowness) {
            found =
                try engine.records(of: ["notifications"]).first { $0["user"] as? String == "wv:\(user)@home.test" }
                ?? [:]
            return found["state"] as? String == state
        }
        return found
    }

    @Test(arguments: ["ok", "noecho", "noise", "deaf"]) func aModemSendsShortMessages(_ kind: String) throws {
        let modem = try ModemProcess(kind)
        let engine = try engine(
            modem, "\toption text '%sender schrieb: [grüße] {€}'\n", users: ["alice", "bob", "carla"])
        try write(engine)
        _ = try awaitState(engine, "sent")
        #expect(modem.messages.count == 1)
        let message = try #require(modem.messages.first)
        #expect(message["text"] as? String == "alice schrieb: [grüße] {€}", "\(message)")
        #expect(message["to"] as? String == "+491700000000")
        // Another one, to a modem that is in use already or was let go.
        try write(engine, to: "carla")
        _ = try awaitState(engine, "sent", of: "carla")
        #expect(modem.messages.last?["to"] as? String == "+491700000001")
    }

    @Test(arguments: [
        (String(repeating: "Straße{} ", count: 19), 2), (String(repeating: "привет 🙂 ", count: 11), 2),
        (String(repeating: "x", count: 160), 1), (String(repeating: "x", count: 161), 2),
        (String(repeating: "x", count: 152) + "€" + String(repeating: "y", count: 20), 2),
        (String(repeating: "ж", count: 70), 1), (String(repeating: "ж", count: 66) + "🙂" + "жжж", 2),
    ]) func longTextsGoInParts(_ text: String, _ count: Int) throws {
        let modem = try ModemProcess("ok")
        let engine = try engine(modem, "\toption text '\(text)'\n")
        try write(engine)
        _ = try awaitState(engine, "sent")
        let messages = modem.messages
        #expect(messages.count == count, "\(messages)")
        let joined = messages.compactMap { $0["text"] as? String }.joined()
        #expect(joined == text.trimmingCharacters(in: .whitespaces), "\(messages)")
        guard count > 1 else { return }
        let parts = messages.compactMap { $0["part"] as? [Int] }
        #expect(parts.map { $0[2] } == Array(1...count) && Set(parts.map { $0[0] }).count == 1)
        #expect(parts.allSatisfy { $0[1] == count })
    }

    @Test func aModemOfTextsGetsTexts() throws {
        let modem = try ModemProcess("ok")
        let engine = try engine(modem, "\toption mode 'text'\n\toption text '%sender schrieb: grüße'\n")
        try write(engine)
        _ = try awaitState(engine, "sent")
        #expect(modem.messages.first?["text"] as? String == "alice schrieb: gr??e")
        #expect(modem.said.contains("AT+CMGF=1"))
    }

    /// Who is logged in and asleep is called by a short message to the port of his client.
    @Test(arguments: [("SSMS", 3716), ("WAPSMS", 2948)]) func whoSleepsIsCalled(_ method: String, _ port: Int) throws {
        let modem = try ModemProcess("ok")
        let engine = try engine(modem)
        try engine.set(["cir": "sudp ssms wapsms"])
        try engine.restart()
        let bob = try engine.client("bob", "1.2", cookie: "im.user.com#20011224#328746293")
        try bob.logIn()
        _ = try bob.negotiateCapabilities("<SupportedCIRMethod>\(method)</SupportedCIRMethod>")
        try write(engine)
        try wait("a call", seconds: 20 * Programs.slowness) { modem.messages.count == 1 }
        let call = try #require(modem.messages.first)
        #expect(call["port"] as? Int == port && call["to"] as? String == "+491700000000", "\(call)")
        let words = "WVCI 1.2 im.user.com#20011224#328746293"
        let octets = ([1, 6, 3, 0xC6, 0xAF, 0x8A] + Array(words.utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(call["text"] as? String == (method == "SSMS" ? words : octets), "\(call)")
        #expect(call["coding"] as? Int == (method == "SSMS" ? 0 : 4))
        #expect(try bob.receiveTexts() == ["hello"])
    }

    @Test func aCardGetsItsPIN() throws {
        let modem = try ModemProcess("pin")
        let engine = try engine(modem, "\toption sim_pin '1234'\n")
        try write(engine)
        _ = try awaitState(engine, "sent")
        #expect(!engine.log.contains("1234"))
    }

    /// Three wrong ones lock a card for ever.
    @Test func aWrongPINIsSaidOnce() throws {
        let modem = try ModemProcess("wrongpin")
        let engine = try engine(modem, "\toption sim_pin '1234'\n", users: ["alice", "bob", "carla"])
        try write(engine)
        try engine.awaitRecord("NOTIFY-FAIL", "the card needs its PIN")
        try write(engine, to: "carla")
        Thread.sleep(forTimeInterval: 1)
        #expect(modem.said.filter { $0.hasPrefix("AT+CPIN=") }.count == 1, "\(modem.said)")
        #expect(try awaitState(engine, "waiting", of: "carla")["tries"] as? Int == 0)
    }

    @Test(arguments: [
        ("full", "the modem refused it"), ("locked", "the card needs its PIN"), ("silent", "does not answer"),
        ("gone", "device cannot be opened"),
    ]) func aModemThatIsNoneIsTold(_ kind: String, _ why: String) throws {
        let modem = try ModemProcess(kind)
        let engine = try engine(modem)
        try write(engine)
        try wait("the record", seconds: 20 * Programs.slowness) { !engine.records("NOTIFY-FAIL").isEmpty }
        try engine.awaitRecord("NOTIFY-FAIL", why)
        let state = try awaitState(engine, "waiting")
        if kind == "full" { #expect(state["code"] as? Int == 322) }
        // Nobody else waits for it.
        let bob = try engine.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["hello"])
    }

    @Test func theDeviceIsLookedAt() throws {
        let engine = try EngineProcess(["log_level": "info"], starts: false)
        func findings(_ lines: String) throws -> String {
            engine.sections = "config notify 'm'\n\toption bearer 'modem'\n\(lines)\n"
            return try run("impsd", ["--config", engine.configuration, "--check", "--allow-root"]).errors
        }
        #expect(try findings("").contains("needs a device"))
        #expect(try findings("\toption device 'ttyUSB0'").contains("m.device: a path that begins with /"))
        #expect(try findings("\toption device '/dev/x'\n\toption baud '300'").contains("9600, 19200"))
        #expect(try findings("\toption device '/dev/x'\n\toption sim_pin '12a4'").contains("4 to 8 digits"))
        #expect(try findings("\toption device '/dev/x'\n\toption mode 'fax'").contains("pdu or text"))
        #expect(try findings("\toption device '/dev/x'\n\toption mode 'text'") == "")
        // One that is not there, and one that is no line.
        for device in ["/dev/nothing", "/etc/passwd"] {
            engine.sections = "config notify 'm'\n\toption bearer 'modem'\n\toption device '\(device)'\n"
            try engine.mustControl(["--offline", "user", "set", "bob", "msisdn", "+491700000001"])
            try engine.start()
            try write(engine)
            try engine.awaitRecord("NOTIFY-FAIL", "device cannot be opened")
            engine.stop()
            try FileManager.default.removeItem(atPath: engine.folder.path + "/data/store.mdb")
            for user in ["alice", "bob"] {
                let made = try engine.control(
                    ["--offline", "user", "add", user], input: engine.password(of: user) + "\n")
                #expect(made.code == 0)
            }
        }
    }
}
