import Foundation

/// Debian's Prosody or ejabberd on loopback, with users of the domain `people.test` whose password is `secret`, and a place for
/// components.
public final class XMPPServer {
    public enum Kind: String, Sendable, CaseIterable { case prosody, ejabberd }

    public static let domain = "people.test"
    private static let secret = "the component's secret"

    public let kind: Kind
    public let folder: URL
    /// Where components come to, and clients.
    public let componentPort: UInt16
    public let clientPort: UInt16
    private var child: BackgroundCommand?

    /// - Parameters:
    ///   - components: The domains of the components.
    ///   - people: Users of Prosody, which has to know them; ejabberd takes everybody.
    public init(_ kind: Kind, components: [String] = ["home.test"], people: [String] = ["romeo", "juliet"]) throws {
        self.kind = kind
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("xmpp-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        (componentPort, clientPort) = (try VirtualBoard.freePort(), try VirtualBoard.freePort())
        try XMPPServer.secret.write(toFile: secretPath, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secretPath)
        switch kind {
        case .prosody: try configureProsody(components, people)
        case .ejabberd: try configureEjabberd(components)
        }
        try start()
    }

    deinit {
        child = nil
        try? FileManager.default.removeItem(at: folder)
    }

    public var secretPath: String { folder.path + "/secret" }
    private var file: String { folder.path + (kind == .prosody ? "/server.cfg.lua" : "/server.yml") }

    /// The section of an engine that is a component of it.
    public func section(domain: String = XMPPServer.domain) -> String {
        """
        config upstream 'world'
        	option domain '\(domain)'
        	option url 'xmpp-component://127.0.0.1:\(componentPort)'
        	option secret_file '\(secretPath)'

        """
    }

    private func configureProsody(_ components: [String], _ people: [String]) throws {
        let accounts = folder.path + "/data/" + XMPPServer.domain.replacing(".", with: "%2e") + "/accounts"
        try FileManager.default.createDirectory(atPath: accounts, withIntermediateDirectories: true)
        for name in people {
            try "return { [\"password\"] = \"secret\" };\n".write(
                toFile: accounts + "/\(name).dat", atomically: true, encoding: .utf8)
        }
        let places = components.map {
            "Component \"\($0)\"\n\tcomponent_secret = \"\(XMPPServer.secret)\"\n"
        }.joined()
        try """
        data_path = "\(folder.path)/data"
        pidfile = "\(folder.path)/pid"
        interfaces = { "127.0.0.1" }
        c2s_ports = { \(clientPort) }
        component_ports = { \(componentPort) }
        run_as_root = true
        modules_enabled = { "roster", "saslauth", "ping", "offline", "disco", "posix" }
        modules_disabled = { "s2s" }
        authentication = "internal_plain"
        c2s_require_encryption = false
        allow_unencrypted_plain_auth = true
        log = { info = "\(folder.path)/log" }
        VirtualHost "\(XMPPServer.domain)"
        \(places)
        """.write(toFile: file, atomically: true, encoding: .utf8)
    }

    private func configureEjabberd(_ components: [String]) throws {
        let places = components.map { "      \"\($0)\": {password: \"\(XMPPServer.secret)\"}\n" }.joined()
        try """
        hosts: ["\(XMPPServer.domain)"]
        loglevel: info
        listen:
          - {port: \(clientPort), ip: "127.0.0.1", module: ejabberd_c2s}
          - port: \(componentPort)
            ip: "127.0.0.1"
            module: ejabberd_service
            global_routes: false
            hosts:
        \(places)
        auth_method: external
        extauth_program: "\(Programs.package.path)/Tests/Support/everybody.py"
        auth_use_cache: false
        modules: {mod_roster: {}, mod_offline: {}, mod_ping: {}, mod_disco: {}}

        """.write(toFile: file, atomically: true, encoding: .utf8)
    }

    // MARK: Running

    /// Starts it again after `kill`.
    public func start() throws {
        let output = folder.path + "/output"
        switch kind {
        case .prosody:
            child = try BackgroundCommand(["prosody", "--config", file, "-F"], output: output, errors: output)
        case .ejabberd:
            let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
            let library = folders.lazy.compactMap { folder in
                (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/" + folder))?
                    .first { $0.hasPrefix("ejabberd-") }.map { "\(folder)/\($0)/ebin" }
            }.first
            guard let library else { throw HarnessError("ejabberd is not installed") }
            child = try BackgroundCommand(
                [
                    "erl", "-noinput", "-pa", "/usr/lib/" + library, "-mnesia", "dir", "\"\(folder.path)/data\"", "-s",
                    "ejabberd",
                ], output: output, errors: output,
                environment: [
                    "EJABBERD_CONFIG_PATH": file, "EJABBERD_LOG_PATH": folder.path + "/log", "HOME": folder.path,
                ])
        }
        for port in [componentPort, clientPort] {
            do {
                try wait("\(kind) on \(port)", seconds: 30) { (try? HTTPConnection(port: port)) != nil }
            } catch { throw HarnessError("\(error): \((try? String(contentsOfFile: output, encoding: .utf8)) ?? "")") }
        }
    }

    /// Microseconds of CPU that it has taken.
    public var cpuMicroseconds: Int {
        let text = try? String(contentsOfFile: "/proc/\(child?.processID ?? 0)/stat", encoding: .utf8)
        let fields = text?.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11])! + Int(fields[12])!) * 10_000 : 0
    }

    /// Ends it without a word.
    public func kill() { child = nil }

    /// Somebody at it.
    public func person(_ name: String) throws -> Person { try Person(name, at: self) }
}

/// Somebody with a client of XMPP, which is slixmpp.
public final class Person {
    public let jid: String
    private let commands: String
    private let output: String
    private let child: BackgroundCommand
    private var begin = 0

    init(_ name: String, at server: XMPPServer) throws {
        jid = "\(name)@\(XMPPServer.domain)"
        let base = server.folder.path + "/\(name)-\(UUID().uuidString.prefix(8))"
        (commands, output) = (base + ".commands", base + ".output")
        try "".write(toFile: commands, atomically: true, encoding: .utf8)
        child = try BackgroundCommand(
            [
                "/usr/bin/python3", Programs.package.path + "/Tests/Support/person.py", "127.0.0.1",
                "\(server.clientPort)", jid,
                "secret", commands,
            ], output: output, errors: base + ".errors")
        try see("online")
    }

    /// Has the client do something; see `person.py`.
    public func obey(_ line: String) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: commands))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((line + "\n").utf8))
        try handle.close()
    }

    /// All that has happened so far, a line each.
    public var seen: [String] {
        // The last one may not be whole yet.
        ((try? String(contentsOfFile: output, encoding: .utf8)) ?? "").split(
            separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init)
    }

    /// Waits for a line that begins so.
    @discardableResult
    public func see(_ words: String, seconds: Double = 15) throws -> String {
        var found: String?
        do {
            try wait("\(jid): \(words)", seconds: seconds * Programs.slowness) {
                found = seen.first { $0.hasPrefix(words) }
                return found != nil
            }
        } catch { throw HarnessError("\(error); seen \(seen)") }
        return found ?? ""
    }
}

/// An XMPP server that does what one should not; see `xmppd.py`.
public final class OddXMPPServer {
    public let folder: URL
    public let port: UInt16
    private let child: BackgroundCommand

    public init(mode: String = "good") throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("xmppd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try mode.write(toFile: folder.path + "/mode", atomically: true, encoding: .utf8)
        try "secret\n".write(toFile: folder.path + "/secret", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path + "/secret")
        child = try BackgroundCommand(
            ["python3", Programs.package.path + "/Tests/Support/xmppd.py", folder.path], errors: folder.path + "/errors"
        )
        let file = folder.path + "/port"
        try wait("the odd server") { FileManager.default.fileExists(atPath: file) }
        port = UInt16(try String(contentsOfFile: file, encoding: .utf8)) ?? 0
    }

    deinit {
        child.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    public func set(mode: String) throws {
        try mode.write(toFile: folder.path + "/mode", atomically: true, encoding: .utf8)
    }

    public var section: String {
        """
        config upstream 'world'
        	option domain '*'
        	option url 'xmpp-component://127.0.0.1:\(port)/'
        	option secret_file '\(folder.path)/secret'

        """
    }

    /// All that it got.
    public var heard: String {
        (try? Data(contentsOf: folder.appendingPathComponent("heard"))).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    /// How often somebody came.
    public var streams: Int { Int((try? String(contentsOfFile: folder.path + "/streams", encoding: .utf8)) ?? "") ?? 0 }

    /// Has it say something.
    public func say(_ octets: String) throws {
        let path = folder.path + "/say"
        if !FileManager.default.fileExists(atPath: path) {
            try "".write(toFile: path, atomically: true, encoding: .utf8)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(octets.utf8))
        try handle.close()
    }
}
