import Foundation

/// Debian's Kannel on loopback: an SMS centre that only writes down what it gets, with `sendsms` and a push gateway in front.
public final class Kannel {
    /// What the SMS centre was given.
    public struct ShortMessage: Sendable {
        public var from: String
        public var to: String
        /// `text`, `ucs-2` or `udh`.
        public var kind: String
        /// The header of user data; empty without one.
        public var header: [UInt8] = []
        public var octets: [UInt8]

        /// What somebody reads.
        public var text: String {
            kind == "ucs-2"
                ? String(data: Data(octets), encoding: .utf16BigEndian) ?? ""
                : String(decoding: octets, as: UTF8.self)
        }
    }

    /// The user that both interfaces know.
    public static let user = "imps"
    public static let password = "sms secret"

    public private(set) var smsPort: UInt16 = 0
    public private(set) var pushPort: UInt16 = 0
    private let folder: URL
    private var children: [BackgroundCommand] = []

    /// Starts all of it.
    public init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("kannel-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A port that was free may be somebody's by now.
        var isStarted = false
        for attempt in 1...3 where !isStarted {
            do {
                try start()
                isStarted = true
            } catch {
                children.removeAll()
                if attempt == 3 { throw error }
            }
        }
    }

    private func start() throws {
        let ports = try (0..<6).map { _ in try VirtualBoard.freePort() }
        (smsPort, pushPort) = (ports[4], ports[5])
        let configuration = """
            group = core
            admin-port = \(ports[0])
            admin-interface = 127.0.0.1
            admin-password = unused
            smsbox-port = \(ports[1])
            wapbox-port = \(ports[2])
            box-deny-ip = "*.*.*.*"
            box-allow-ip = "127.0.0.1"

            group = smsc
            smsc = fake
            smsc-id = fake
            port = \(ports[3])
            connect-allow-ip = 127.0.0.1

            group = smsbox
            bearerbox-host = 127.0.0.1
            sendsms-port = \(smsPort)
            sendsms-interface = 127.0.0.1

            group = sendsms-user
            username = \(Kannel.user)
            password = "\(Kannel.password)"
            concatenation = true
            max-messages = 5

            group = sms-service
            keyword = default
            text = "no"

            group = wapbox
            bearerbox-host = 127.0.0.1

            group = ppg
            ppg-url = /wappush
            ppg-port = \(pushPort)
            concurrent-pushes = 10
            users = 10
            service-name = ppg
            default-smsc = fake

            group = wap-push-user
            wap-push-user = \(Kannel.user)
            ppg-username = \(Kannel.user)
            ppg-password = "\(Kannel.password)"
            allow-ip = "127.0.0.1"

            """
        let file = folder.path + "/kannel.conf"
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        try begin("bearerbox", ["/usr/sbin/bearerbox", file])
        try Kannel.awaitPort(ports[3])
        try begin(
            "fakesmsc",
            ["/usr/lib/kannel/test/fakesmsc", "-H", "127.0.0.1", "-r", "\(ports[3])", "-m", "0", "1 2 text no"])
        try begin("smsbox", ["/usr/sbin/smsbox", file])
        try begin("wapbox", ["/usr/sbin/wapbox", file])
        try Kannel.awaitPort(smsPort)
        try Kannel.awaitPort(pushPort)
    }

    deinit {
        children.removeAll()
        try? FileManager.default.removeItem(at: folder)
    }

    private func begin(_ name: String, _ words: [String]) throws {
        let log = folder.path + "/\(name).log"
        children.append(try BackgroundCommand(words, output: log, errors: log))
    }

    private static func awaitPort(_ port: UInt16) throws {
        try wait("Kannel on \(port)", seconds: 15) { (try? HTTPConnection(port: port)) != nil }
    }

    /// What the SMS centre got until now.
    public var messages: [ShortMessage] {
        let log = (try? Data(contentsOf: folder.appendingPathComponent("fakesmsc.log"))) ?? Data()
        return String(decoding: log, as: UTF8.self).split(separator: "\n").compactMap { line in
            guard let match = line.firstMatch(of: /Got message \d+: <(.*)>$/) else { return nil }
            let words = match.1.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            guard words.count == 4 else { return nil }
            guard words[2] == "udh" else {
                let octets = words[2] == "text" ? Array(words[3].utf8) : Kannel.octets(words[3])
                return ShortMessage(from: words[0], to: words[1], kind: words[2], octets: octets)
            }
            // A header, what kind of data it is, and the data.
            let parts = words[3].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            return ShortMessage(
                from: words[0], to: words[1], kind: "udh", header: Kannel.octets(parts[0]),
                octets: Kannel.octets(parts.last ?? ""))
        }
    }

    /// Waits for a push, which may come in parts, and gives its Service Indication in WBXML.
    public func awaitIndication() throws -> [UInt8] {
        var octets: [UInt8] = []
        try wait("a push", seconds: 40 * Programs.slowness) {
            let parts = messages.filter { $0.kind == "udh" }
            // In the header of a part stands, behind the ports: of which message, how many, which one.
            let count = parts.first.map { $0.header.count > 7 ? Int($0.header[10]) : 1 } ?? .max
            guard parts.count >= count else { return false }
            octets = parts.sorted { ($0.header.last ?? 0) < ($1.header.last ?? 0) }.flatMap(\.octets)
            return true
        }
        // Of WSP: a transaction, Push, the length of the head, and behind it the content.
        guard octets.count > 3, octets[1] == 6 else { throw HarnessError("no push: \(octets)") }
        return Array(octets.dropFirst(3 + Int(octets[2])))
    }

    /// Waits until it got so many.
    public func await(_ count: Int) throws -> [ShortMessage] {
        try wait("\(count) short messages", seconds: 40 * Programs.slowness) { messages.count >= count }
        return messages
    }

    /// What is escaped as in a form.
    private static func octets(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%"), rest.count >= 2 {
                result.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            } else {
                result.append(octet == UInt8(ascii: "+") ? 0x20 : octet)
            }
        }
        return result
    }
}
