import Foundation
import Synchronization

/// A running engine with a folder of its own, driven from outside.
public final class EngineProcess: @unchecked Sendable {
    public let folder: URL
    public private(set) var port: UInt16 = 0
    /// Where clients keep connections to be called on; 0 when STCP is off.
    /// Where clients of the tests keep connections to be called on.
    public private(set) var cirPort: UInt16 = 0
    /// The port for these that clients are told.
    public private(set) var toldCIRPort: UInt16 = 0
    /// The same by TLS.
    public private(set) var cirTLSPort: UInt16 = 0
    /// The port of TLS; 0 when there is none.
    public private(set) var tlsPort: UInt16 = 0
    private var child: Child?
    /// The gateway that clients of the tests go through.
    public private(set) var door: EngineProcess?
    private let isDoor: Bool
    /// Takes the plain connections of the tests to the port of TLS.
    private var fronts: [UInt16: TLSFront] = [:]
    /// Where what goes by TLS is taken in plain, by the port.
    private static let plainPorts = Mutex<[UInt16: UInt16]>([:])
    private var settings: [(String, String)]

    /// Makes a folder and a configuration, adds the users, and starts the engine on a free port.
    ///
    /// - Parameter settings: Options of the configuration beside or instead of those for tests.
    public init(
        _ settings: [String: String] = [:], users: [String] = ["alice", "bob"], starts: Bool = true,
        isDoor: Bool = false
    ) throws {
        self.isDoor = isDoor
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("impsd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var options = [
            "listen": "127.0.0.1", "port": "0", "domain": "home.test", "data_dir": folder.path + "/data",
            "control": folder.path + "/control", "poll_min": "1", "clock": "trusted", "log_rate": "0",
            "cir_port": "0", "max_connections_per_address": "16000", "login_failures": "0",
        ]
        if Programs.usesTLS {
            let certificate = Certificate.shared
            options.merge([
                "tls_port": "0", "cir_tls_port": "0", "tls_cert": certificate.certificate, "tls_key": certificate.key,
            ]) { $1 }
        }
        options.merge(settings) { $1 }
        self.settings = options.sorted { $0.key < $1.key }
        try writeConfiguration()
        for user in users {
            let ending = try control(["--offline", "user", "add", user], input: password(of: user) + "\n")
            guard ending.code == 0 else { throw HarnessError("user add \(user): \(ending.errors)") }
        }
        if starts { try start() }
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    public var configuration: String { folder.path + "/impsd.conf" }

    /// The password that the harness gives to a user.
    public func password(of user: String) -> String { "secret of \(user)" }

    /// The library of a fault, to be preloaded: made of the source of that name.
    public func faultLibrary(_ name: String) throws -> String {
        let library = "\(folder.path)/\(name).so"
        let source = "\(Programs.package.path)/Tests/Support/faults/\(name).c"
        let ending = try runCommand(["clang", "-shared", "-fPIC", "-o", library, source])
        guard ending.code == 0 else { throw HarnessError("\(source): \(ending.errors)") }
        return library
    }

    /// Where a process with a defect leaves its last words; the engine runs, and ends with one.
    public func findLastWords() throws -> String {
        signal(SIGSEGV)
        _ = child?.wait()
        guard
            let name = try FileManager.default.contentsOfDirectory(atPath: folder.path).first(where: {
                $0.hasSuffix(".exit")
            })
        else { throw HarnessError("no last words in \(folder.path)") }
        return folder.path + "/" + name
    }

    /// Changes options of the configuration file.
    public func set(_ changes: [String: String]) throws {
        var options = Dictionary(uniqueKeysWithValues: settings)
        // Where clients come to is the gateway's matter.
        let ports = door == nil ? [] : ["port", "cir_port"]
        options.merge(changes.filter { !ports.contains($0.key) }) { $1 }
        settings = options.sorted { $0.key < $1.key }
        try writeConfiguration()
    }

    /// Takes an option out of the configuration file.
    public func unset(_ key: String) throws {
        settings.removeAll { $0.0 == key }
        try writeConfiguration()
    }

    /// Sections of the configuration beside the main one.
    public var sections = "" {
        didSet { try? writeConfiguration() }
    }

    private func writeConfiguration() throws {
        let lines = settings.map { "\toption \($0.0) '\($0.1)'\n" }.joined()
        try "config imps 'main'\n\(lines)\n\(sections)".write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    // MARK: Running

    /// Starts the engine and waits until it is ready.
    public func start(prefix: [String] = [], environment: [String: String] = [:]) throws {
        let words = prefix + Programs.command("impsd", ["--config", configuration, "--allow-root"])
        let begin = log.utf8.count
        child = try Child(words, errors: logPath, environment: environment)
        try wait("READY") {
            let text = String(decoding: log.utf8.dropFirst(begin), as: UTF8.self)
            guard child?.isRunning() == true else { throw HarnessError("the engine ended:\n\(text)") }
            guard let match = text.firstMatch(of: /READY port=(\d+)( [^\n]*)?\n/) else { return false }
            let ports = String(match.2 ?? "")
            func port(_ name: String) -> UInt16 {
                ports.firstMatch(of: try! Regex(" \(name)=(\\d+)", as: (Substring, Substring).self)).flatMap {
                    UInt16($0.1)
                } ?? 0
            }
            self.port = UInt16(match.1)!
            (cirPort, tlsPort, cirTLSPort) = (port("cir_port"), port("tls_port"), port("cir_tls_port"))
            return true
        }
        toldCIRPort = cirPort
        if let syntax = Programs.gateway, !isDoor { try startDoor(syntax) }
        guard Programs.usesTLS, tlsPort != 0 else { return }
        port = try startFront(tlsPort)
        toldCIRPort = cirTLSPort
        cirPort = cirTLSPort == 0 ? 0 : try startFront(cirTLSPort)
    }

    /// Has clients of the tests go through a gateway, which begins and ends with the engine and keeps its ports.
    private func startDoor(_ syntax: String) throws {
        if door == nil {
            // The gateway knows where it is.
            try set(["port": "\(port)"])
            door = try EngineProcess([:], users: [], starts: false, isDoor: true)
        }
        guard let door else { return }
        door.stop()
        let own = ["port", "cir_port", "data_dir", "control", "log_level"]
        try door.set(Dictionary(uniqueKeysWithValues: settings.filter { !own.contains($0.0) }))
        let clients = sections.components(separatedBy: "config ").filter { $0.hasPrefix("client") }
        door.sections = """
            config upstream 'behind'
            	option domain 'home.test'
            	option url 'http://127.0.0.1:\(port)/'
            	option syntax '\(syntax)'
            	option poll '1'

            """ + clients.map { "config \($0)" }.joined()
        try door.start()
        try door.set(["port": "\(door.port)", "cir_port": "\(door.cirPort)"])
        (port, cirPort, toldCIRPort) = (door.port, door.cirPort, door.toldCIRPort)
    }

    /// A client by TLS with a connection of its own, not logged in.
    public func sealedClient(_ user: String, _ version: String = "1.2") throws -> Client {
        let connection = try HTTPConnection(port: startFront(tlsPort))
        return Client(connection, user: "wv:\(user)@home.test", password: password(of: user), version)
    }

    /// Begins to take plain connections to a port of TLS; the port where.
    public func startFront(_ sealed: UInt16) throws -> UInt16 {
        let front = try TLSFront(to: sealed, in: folder)
        fronts[sealed] = front
        EngineProcess.plainPorts.withLock { $0[sealed] = front.port }
        return front.port
    }

    /// Where a client of the tests, which has no TLS, connects to reach a port that it was told.
    static func plainPort(_ told: Int) -> UInt16 {
        let port = UInt16(told)
        return plainPorts.withLock { $0[port] } ?? port
    }

    private var logPath: String { folder.path + "/log" }

    /// The number of the process.
    public var processID: Int32 { child?.id ?? 0 }

    /// True as long as the process lives.
    public var isRunning: Bool { child?.isRunning() == true }

    /// What the engine logged since the first start.
    public var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Records of the log with this code.
    public func records(_ code: String) -> [Substring] {
        log.split(separator: "\n").filter { $0.contains(" \(code) ") || $0.hasSuffix(" \(code)") }
    }

    /// Waits for a record with this code in which all of the words occur; answers go out before records.
    public func awaitRecord(_ code: String, _ words: String...) throws {
        try wait("a record \(code) \(words)") {
            records(code).contains { record in words.allSatisfy { record.contains($0) } }
        }
    }

    /// Ends the engine as an operator does; the exit code.
    @discardableResult
    public func stop() -> Int32 {
        door?.stop()
        signal(SIGTERM)
        return child?.wait() ?? -1
    }

    /// Waits until the engine has ended by itself; the exit code.
    public func awaitEnd() -> Int32 { child?.wait() ?? -1 }

    /// Ends the engine as a power cut does.
    public func kill() {
        door?.kill()
        signal(SIGKILL)
        _ = child?.wait()
    }

    /// Sends a signal, unless the process has ended.
    public func signal(_ number: Int32) {
        guard isRunning else { return }
        Foundation.kill(processID, number)
    }

    /// Stops and starts it.
    public func restart() throws {
        stop()
        try start()
    }

    /// Runs `impsctl`.
    @discardableResult
    public func control(_ arguments: [String], input: String = "") throws -> Ending {
        try run("impsctl", ["--config", configuration] + arguments, input: input)
    }

    /// Does a command that has to succeed.
    public func mustControl(_ arguments: [String]) throws {
        let ending = try control(arguments)
        guard ending.code == 0 else { throw HarnessError("\(arguments): \(ending.errors)") }
    }

    /// A number from `impsctl status`: the first record that has the key.
    public func status(_ key: String) throws -> Int {
        guard let value = try records(of: ["status"]).lazy.compactMap({ $0[key] as? Int }).first else {
            throw HarnessError("no \(key) in the status")
        }
        return value
    }

    /// A number of a pool from `impsctl status`.
    public func pool(_ name: String, _ key: String) throws -> Int {
        guard let pool = try records(of: ["status"]).first(where: { $0["pool"] as? String == name }),
            let value = pool[key] as? Int
        else { throw HarnessError("no pool \(name) with \(key)") }
        return value
    }

    /// The answer of a command of `impsctl` for machines.
    public func records(of arguments: [String]) throws -> [[String: Any]] {
        let ending = try control(["--json"] + arguments)
        guard ending.code == 0 else { throw HarnessError("impsctl \(arguments): \(ending.errors)") }
        let value = try JSONSerialization.jsonObject(with: Data(ending.output.utf8))
        guard let records = value as? [[String: Any]] else { throw HarnessError("no list: \(ending.output)") }
        return records
    }

    /// Resident octets of the process.
    public func residentBytes() throws -> Int { try memory("VmRSS") }

    /// Resident octets of the process that are no pages of a file, nor addresses in them that the loader put right:
    /// programs without libraries have none of those.
    public func ownBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(processID)/smaps", encoding: .utf8)
        var isWritten = false
        var sum = 0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 5, words[0].contains("-") { isWritten = words[1].dropFirst().first == "w" }
            if isWritten, words.first == "Anonymous:", let kilobytes = Int(words[1]) { sum += kilobytes * 1024 }
        }
        return sum
    }

    private func memory(_ name: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        guard let match = text.firstMatch(of: try Regex("\(name):\\s+(\\d+) kB", as: (Substring, Substring).self))
        else {
            throw HarnessError("no \(name)")
        }
        return Int(match.1)! * 1024
    }

    /// A connection to the engine.
    public func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }

    /// A client with a connection of its own, not logged in.
    public func client(_ user: String, _ version: String = "1.2", cookie: String? = nil) throws -> Client {
        Client(try connect(), user: "wv:\(user)@home.test", password: password(of: user), version, cookie: cookie)
    }
}

/// Waits until something is so; fails with its name after a while.
public func wait(_ what: String, seconds: Double = 10, until isSo: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(seconds * Programs.slowness)
    while Date() < end {
        if try isSo() { return }
        Thread.sleep(forTimeInterval: 0.005)
    }
    throw HarnessError("waited in vain for \(what)")
}
