import CLMDB
import Foundation
import Harness
import Wire

/// Measures the built engine beside what the same disk does, and prints a table; with the word `syntaxes` or `logins` only
/// what those cost; so with `tls`, `gateway` and `xmpp`; with `commits` only what the disk does.
@main struct Bench {
    static func main() throws {
        // For those who only want the disk's figure.
        if CommandLine.arguments.contains("commits") { return print(try commitsPerSecond()) }
        print("impsd, measured on this machine in this run (\(cpuName()))\n")
        if CommandLine.arguments.contains("syntaxes") { return show(try syntaxes()) }
        if CommandLine.arguments.contains("logins") { return show(try loginRows()) }
        if CommandLine.arguments.contains("tls") { return show(try tlsRows()) }
        if CommandLine.arguments.contains("gateway") { return show(try gatewayRows()) }
        if CommandLine.arguments.contains("xmpp") { return show(try clusterRows()) }
        var rows: [(String, String)] = []
        let single = try commitsPerSecond()
        rows.append(("single durable LMDB commits", format(single, "/s")))
        for connectionCount in [1, 16, 64] {
            let result = try accept(connections: connectionCount)
            rows.append(
                (
                    "messages accepted durably, \(connectionCount) connections",
                    "\(format(result.rate, "/s")), \(format(result.rate / single, "times the commits", 1)), "
                        + "\(format(result.microseconds, "µs CPU each", 1))"
                ))
        }
        let pipelined = try accept(connections: 16, depth: 32)
        rows.append(
            (
                "the same, 16 connections with 32 under way each",
                "\(format(pipelined.rate, "/s")), \(format(pipelined.microseconds, "µs CPU each", 1))"
            ))
        if CommandLine.arguments.contains("accept") { return show(rows) }
        rows.append(("messages delivered at login", format(try deliveries(), "/s")))
        let poll = try polls()
        rows.append(
            (
                "empty polls, 16 connections",
                "\(format(poll.rate, "/s")), \(format(poll.microseconds, "µs CPU each", 1))"
            ))
        rows += try loginRows()
        rows += try tlsRows()
        rows += try gatewayRows()
        rows += try clusterRows()
        let campaign = try campaignForMany()
        rows.append(
            (
                "a campaign for 100,000 accounts",
                "\(format(campaign.milliseconds, "ms", 1)) with impsctl, \(campaign.kilobytes) KB written"
            ))
        rows += try syntaxes()
        let channels = try channels(5000)
        rows.append(
            (
                "5,000 idle channels",
                "\(format(channels.idlePercent, "percent of a core", 2)), \(channels.kilobytes) KB, "
                    + "all called within \(format(channels.callMilliseconds, "ms", 0))"
            ))
        rows.append(("start until READY", format(try startMilliseconds(), "ms", 1)))
        let engine = try EngineProcess()
        try engine.client("alice").logIn()
        rows.append(("resident after start and one login", format(Double(try engine.residentBytes()) / 1024, "KB")))
        show(rows)
    }

    /// What TLS costs, with Python's client on the other side.
    private static func tlsRows() throws -> [(String, String)] {
        let engine = try EngineProcess(starts: false)
        try engine.set(["tls_port": "0", "tls_self_signed": "1", "tls_connections": "32"])
        try engine.start()
        let script = Programs.package.path + "/Tests/Support/tlsbench.py"
        let counter = ProcessInfo.processInfo.environment["IMPSD_COUNT"].map { [$0] } ?? []
        let ending = try runCommand(
            ["python3", script, "\(engine.port)", "\(engine.tlsPort)", "\(engine.processID)"] + counter)
        guard ending.code == 0 else { throw HarnessError("tlsbench.py: \(ending.errors)") }
        return ending.output.split(separator: "\n").map { line in
            let words = line.split(separator: "\t")
            return (String(words[0]), words.count > 1 ? String(words[1]) : "")
        }
    }

    private static func show(_ rows: [(String, String)]) {
        for (name, value) in rows { print(name.padding(toLength: 60, withPad: " ", startingAt: 0) + value) }
    }

    static func format(_ value: Double, _ unit: String, _ digits: Int = 0) -> String {
        String(format: "%.\(digits)f \(unit)", value)
    }

    private static func cpuName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let name = text.firstMatch(of: /model name\s+: (.*)/)?.1 ?? "unknown processor"
        return "\(ProcessInfo.processInfo.activeProcessorCount) x \(name)"
    }

    // MARK: Syntaxes

    /// Octets of a short conversation, and what reading and writing costs, in both syntaxes.
    private static func syntaxes() throws -> [(String, String)] {
        var octets: [String: Int] = [:]
        for syntax in ["xml", "wbxml"] {
            let engine = try EngineProcess()
            let bob = try engine.client("bob", "1.3")
            let alice = try engine.client("alice", "1.3")
            alice.syntax = syntax
            try bob.logIn()
            try alice.logIn()
            try alice.negotiateCapabilities(
                "<ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P</InitialDeliveryMethod><AcceptedContentType>text/plain</AcceptedContentType><SupportedBearer>HTTP</SupportedBearer><MultiTrans>1</MultiTrans><ParserSize>32767</ParserSize><SupportedCIRMethod>STCP</SupportedCIRMethod>"
            )
            try alice.negotiateServices("<FundamentalFeat/><IMFeat/>")
            try alice.send("See you at eight?", to: "wv:bob@home.test")
            try bob.send("At eight. I bring the cake.", to: "wv:alice@home.test")
            _ = try alice.receiveAll()
            try alice.logOut()
            octets[syntax] = alice.messageByteCount
        }
        let xml = octets["xml"] ?? 1
        let wbxml = octets["wbxml"] ?? 0
        let measured = try Codec().costs()
        let costs = [Syntax.xml, .wbxml].map { syntax in
            let cost = measured[syntax] ?? (0, 0)
            return "\(syntax) \(format(cost.microseconds, "µs", 2)), \(format(cost.perKilobyte, "µs/KB", 2))"
        }
        return [
            (
                "octets of a conversation, XML and WBXML",
                "\(xml) and \(wbxml), \(format(100 * Double(wbxml) / Double(xml), "percent", 1))"
            ), ("SendMessage read, its answer written", costs.joined(separator: "; ")),
        ]
    }

    // MARK: Calls

    /// Clients that keep connections to be called on: what they cost while nothing happens, and how long it takes to call
    /// all of them.
    private static func channels(
        _ count: Int
    ) throws -> (idlePercent: Double, kilobytes: Int, callMilliseconds: Double) {
        let users = (0..<(count + 63) / 64).map { "u\($0)" }
        let engine = try EngineProcess(
            [
                "max_sessions": "\(count)", "max_channels": "\(count + 64)", "mem_kb": "32768",
                "sessions_per_user": "64",
                "max_connections": "16", "db_kb": "65536",
            ], users: users)
        let connection = try engine.connect()
        var ids: [String] = []
        for index in 0..<count {
            let user = users[index / 64]
            let client = Client(
                connection, user: "wv:\(user)@home.test", password: engine.password(of: user), "1.3",
                cookie: "c\(index)")
            try client.logIn()
            try client.negotiateCapabilities("<SupportedCIRMethod>STCP</SupportedCIRMethod>")
            _ = try client.poll()
            ids.append(client.sessionID ?? "")
        }
        let before = try engine.residentBytes()
        let channels = try ids.map { id in
            let channel = try HTTPConnection(port: engine.cirPort)
            try channel.send("HELO \(id)\r\n")
            guard try channel.receiveSegment() == "OK\r\n" else { throw HarnessError("no OK") }
            return channel
        }
        Thread.sleep(forTimeInterval: 1)
        let kilobytes = (try engine.residentBytes() - before) / 1024
        let cpu = try engine.status("cpu_us")
        Thread.sleep(forTimeInterval: 10)
        let idle = Double(try engine.status("cpu_us") - cpu) / 10e6 * 100
        let start = Date()
        guard try engine.control(["sysmsg", "add", "hello", "--kind", "online", "--text", "Hello."]).code == 0 else {
            throw HarnessError("the message was refused")
        }
        for channel in channels {
            guard try channel.receiveSegment()?.hasPrefix("WVCI") == true else { throw HarnessError("no call") }
        }
        return (idle, kilobytes, Date().timeIntervalSince(start) * 1000)
    }

    // MARK: What the disk does

    /// Commits of one small record each, as durable as the engine's.
    private static func commitsPerSecond() throws -> Double {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment: OpaquePointer?
        mdb_env_create(&environment)
        mdb_env_set_mapsize(environment, 64 << 20)
        guard mdb_env_open(environment, folder.path + "/x.mdb", UInt32(MDB_NOSUBDIR), 0o600) == 0 else {
            throw HarnessError("no LMDB in \(folder.path)")
        }
        defer { mdb_env_close(environment) }
        var database: MDB_dbi = 0
        let start = Date()
        var count = 0
        while Date().timeIntervalSince(start) < 3 {
            var transaction: OpaquePointer?
            mdb_txn_begin(environment, nil, 0, &transaction)
            if count == 0 { mdb_dbi_open(transaction, nil, 0, &database) }
            var keyText = Array("key \(count)".utf8)
            var valueText = [UInt8](repeating: 120, count: 200)
            let code = keyText.withUnsafeMutableBytes { key in
                valueText.withUnsafeMutableBytes { value in
                    var keyValue = MDB_val(mv_size: key.count, mv_data: key.baseAddress)
                    var dataValue = MDB_val(mv_size: value.count, mv_data: value.baseAddress)
                    return mdb_put(transaction, database, &keyValue, &dataValue, 0)
                }
            }
            guard code == 0, mdb_txn_commit(transaction) == 0 else { throw HarnessError("LMDB: \(code)") }
            count += 1
        }
        return Double(count) / Date().timeIntervalSince(start)
    }

    // MARK: What the engine does

    private static func engine() throws -> EngineProcess {
        try EngineProcess([
            "offline_max_msgs": "100000", "offline_max_kb": "1000000", "db_kb": "1000000", "sessions_per_user": "64",
            "guard_s": "3600",
        ])
    }

    static func request(_ client: Client, _ content: String, _ id: String?) -> [UInt8] {
        let body = client.document(content, transaction: id)
        return Array(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: \(client.contentType)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                .utf8)
    }

    private static func accept(connections: Int, depth: Int = 1) throws -> (rate: Double, microseconds: Double) {
        let engine = try engine()
        let clients = try (0..<connections).map { try engine.client("alice", cookie: "c\($0)") }
        for client in clients { try client.logIn() }
        let each = connections == 1 ? 5000 : 100_000 / connections
        let requests = clients.map { client in
            (0..<each).map {
                request(
                    client, client.sendContent("a message of ordinary length, number \($0)", to: ["wv:bob@home.test"]),
                    "m\($0)")
            }
        }
        let load = try Load(port: engine.port, requests: requests, expecting: "<Code>200</Code>", depth: depth)
        let cpu = try engine.status("cpu_us")
        let seconds = try load.run()
        let count = Double(connections * each)
        return (count / seconds, Double(try engine.status("cpu_us") - cpu) / count)
    }

    private static func deliveries() throws -> Double {
        let engine = try engine()
        let alice = try engine.client("alice")
        try alice.logIn()
        let count = 3000
        let requests = (0..<count).map {
            request(alice, alice.sendContent("message \($0)", to: ["wv:bob@home.test"]), "m\($0)")
        }
        _ = try Load(port: engine.port, requests: [requests], expecting: "<Code>200</Code>").run()
        let bob = try engine.client("bob")
        try bob.logIn()
        let start = Date()
        var next = try bob.poll()
        var delivered = 0
        while let message = next, message.name == "NewMessage" {
            delivered += 1
            next = try bob.confirm(message)
        }
        guard delivered == count else { throw HarnessError("\(delivered) of \(count) delivered") }
        return Double(count) / Date().timeIntervalSince(start)
    }

    private static func polls() throws -> (rate: Double, microseconds: Double) {
        let engine = try engine()
        let clients = try (0..<16).map { try engine.client("alice", cookie: "c\($0)") }
        for client in clients {
            try client.logIn()
            _ = try client.poll()
        }
        let requests = clients.map { Array(repeating: request($0, "<Polling-Request/>", nil), count: 8000) }
        let load = try Load(port: engine.port, requests: requests, expecting: "")
        let cpu = try engine.status("cpu_us")
        let seconds = try load.run()
        let count = 16.0 * 8000
        return (count / seconds, Double(try engine.status("cpu_us") - cpu) / count)
    }

    // MARK: A service behind

    /// What a gateway adds to a transaction, in both syntaxes behind, and what a session takes there.
    private static func gatewayRows() throws -> [(String, String)] {
        var rows: [(String, String)] = []
        for syntax in ["xml", "wbxml"] {
            let service = try EngineProcess(
                ["max_sessions": "1100", "sessions_per_user": "64", "mem_kb": "8192"], isDoor: true)
            let door = try EngineProcess(
                ["domain": "gateway.test", "max_sessions": "1100", "sessions_per_user": "64", "mem_kb": "8192"],
                users: [],
                starts: false, isDoor: true)
            door.sections =
                "config upstream 'behind'\n\toption domain 'home.test'\n\toption syntax '\(syntax)'\n"
                + "\toption url 'http://127.0.0.1:\(service.port)/'\n"
            try door.start()
            let direct = try pollRate(service, connections: 1, count: 8000)
            let directMany = try pollRate(service, connections: 16, count: 2000)
            let relayed = try pollRate(door, connections: 1, count: 8000)
            let many = try pollRate(door, connections: 16, count: 2000)
            rows.append(
                (
                    "a relayed transaction adds, \(syntax) behind",
                    "\(format(relayed.microseconds - direct.microseconds, "µs CPU", 1)) alone, "
                        + "\(format(many.microseconds - directMany.microseconds, "µs", 1)) on 16 connections "
                        + "(\(format(many.rate, "/s", 0))), and \(format((1 / relayed.rate - 1 / direct.rate) * 1e6, "µs", 0))"
                ))
            guard syntax == "xml" else { continue }
            for user in 0..<16 {
                _ = try service.control(["user", "add", "u\(user)"], input: "secret of u\(user)\n")
            }
            try logIn(1, door)
            let before = try (door.ownBytes(), door.status("pages"))
            try logIn(1000, door)
            let octets = try door.pool("sessions", "bytes")
            rows.append(
                (
                    "1,000 relayed sessions",
                    "\(octets) octets each, set aside; \(try door.ownBytes() - before.0) more in all, "
                        + "and \(try (door.status("pages") - before.1) * 4) KB of the store"
                ))
        }
        return rows
    }

    private static func logIn(_ count: Int, _ engine: EngineProcess) throws {
        let client = try engine.client("u0")
        for number in 0..<count {
            let other = Client(
                client.connection, user: "wv:u\(number % 16)@home.test", password: "secret of u\(number % 16)", "1.2",
                cookie: "c\(number)")
            guard try other.logIn().code == 200 else { throw HarnessError("no login \(number)") }
        }
    }

    /// Empty polls.
    private static func pollRate(
        _ engine: EngineProcess, connections: Int, count: Int
    ) throws -> (rate: Double, microseconds: Double) {
        let clients = try (0..<connections).map { try engine.client("alice", cookie: "c\($0)") }
        for client in clients {
            try client.logIn()
            _ = try client.poll()
        }
        let requests = clients.map { Array(repeating: request($0, "<Polling-Request/>", nil), count: count) }
        let load = try Load(port: engine.port, requests: requests, expecting: "")
        let cpu = try engine.status("cpu_us")
        let seconds = try load.run()
        let total = Double(connections * count)
        return (total / seconds, Double(try engine.status("cpu_us") - cpu) / total)
    }

    // MARK: System Messages

    private static func loginRows() throws -> [(String, String)] {
        let login = try logins()
        return [
            ("login and logout, 5,000 accounts", "\(format(login.without, "µs CPU each", 1)), \(login.count) logins"),
            (
                "the same, 1000 ended and 20 active campaigns",
                "\(format((login.ratio - 1) * 100, "percent more CPU", 1)) (median of \(login.rounds) pairs)"
            ),
        ]
    }

    /// Logins of a user to whom nothing is due, in turns with and without campaigns in the store.
    private static func logins() throws -> (without: Double, ratio: Double, count: Int, rounds: Int) {
        let engines = try [populated(5000), populated(5000)]
        try addCampaigns(engines[1])
        let rounds = 40
        let each = 500
        var ratios: [Double] = []
        var without: [Double] = []
        for round in 0..<rounds + 2 {
            var microseconds = [0.0, 0.0]
            // Who is first changes, so that nobody always has the warmer machine.
            for index in round % 2 == 0 ? [0, 1] : [1, 0] {
                let client = try engines[index].client("u1", "1.3", cookie: "round")
                let cpu = try engines[index].status("cpu_us")
                for _ in 0..<each {
                    guard try client.logIn().code == 200, try client.logOut().code == 200 else {
                        throw HarnessError("a login was refused")
                    }
                }
                microseconds[index] = Double(try engines[index].status("cpu_us") - cpu) / Double(each)
            }
            // The first rounds are for caches.
            guard round > 1 else { continue }
            ratios.append(microseconds[1] / microseconds[0])
            without.append(microseconds[0])
        }
        return (without.sorted()[rounds / 2], ratios.sorted()[rounds / 2], rounds * each, rounds)
    }

    /// 1,000 that ended; 20 that are active: half of them alice has answered, half are for somebody else.
    private static func addCampaigns(_ engine: EngineProcess) throws {
        func control(_ words: String...) throws {
            guard try engine.control(["sysmsg"] + words).code == 0 else { throw HarnessError("\(words)") }
        }
        for number in 0..<1000 {
            try control("add", "old-\(number)", "--text", "It was asked once.", "--option", "1|OK|full")
            try control("end", "old-\(number)")
        }
        for number in 0..<20 {
            try control(
                "add", "now-\(number)", "--text", "It is asked.", "--option", "1|OK|full", "--required", "--blocking",
                "--audience", number < 10 ? "user:u1" : "user:u2")
            if number < 10 { try control("answer", "now-\(number)", "u1", "1") }
        }
    }

    /// An engine with accounts u1, u2 and so on, of which only the first can log in.
    private static func populated(_ count: Int) throws -> EngineProcess {
        let engine = try EngineProcess(["db_kb": "200000"], users: ["u1"], starts: false)
        let dump = try engine.control(["--offline", "dump"]).output
        guard let account = dump.split(separator: "\n").first(where: { $0.hasPrefix("A") }),
            let value = account.split(separator: " ").last
        else { throw HarnessError("no account in the dump") }
        var lines = dump.split(separator: "\n").map(String.init).filter {
            $0.hasPrefix("impsd-dump") || $0.hasPrefix("!") && !$0.hasPrefix("!user ")
        }
        func octets(_ number: Int) -> String {
            let digits = String(format: "%08x", number)
            return stride(from: 0, to: 8, by: 2).map { "\\x" + digits.dropFirst($0).prefix(2) }.joined()
        }
        for number in 1...count {
            // The record begins with the number of the user in four octets.
            lines.append("Awv:u\(number)@home.test \(octets(number))\(value.dropFirst(16))")
            lines.append("U\(octets(number)) wv:u\(number)@home.test")
        }
        lines.append("!user \(octets(count + 1))")
        lines.append("end records=\(lines.count - 1)")
        try FileManager.default.removeItem(atPath: engine.folder.path + "/data/store.mdb")
        let ending = try engine.control(["--offline", "restore"], input: lines.joined(separator: "\n") + "\n")
        guard ending.code == 0 else { throw HarnessError("restore: \(ending.errors)") }
        try engine.start()
        return engine
    }

    /// A store of 100,000 accounts gets a campaign for all of them.
    private static func campaignForMany() throws -> (milliseconds: Double, kilobytes: Int) {
        let engine = try populated(100_000)
        let written = try engine.status("written_kb")
        let start = Date()
        let added = try engine.control([
            "sysmsg", "add", "all", "--text", String(repeating: "x", count: 500), "--required", "--blocking",
            "--option",
            "1|Accept|full", "--option", "2|Decline|deny",
        ])
        let milliseconds = Date().timeIntervalSince(start) * 1000
        guard added.code == 0 else { throw HarnessError("sysmsg add: \(added.errors)") }
        return (milliseconds, try engine.status("written_kb") - written)
    }

    private static func startMilliseconds() throws -> Double {
        let engine = try EngineProcess()
        var best = Double.infinity
        for _ in 0..<5 {
            engine.stop()
            let start = Date()
            try engine.start()
            best = min(best, Date().timeIntervalSince(start) * 1000)
        }
        return best
    }
}
