import Foundation
import Harness

/// Two engines as components of one XMPP server: what a message from a user of the one to a user of the other takes.
extension Bench {
    static func clusterRows() throws -> [(String, String)] {
        var rows: [(String, String)] = []
        for kind in XMPPServer.Kind.allCases {
            let server = try XMPPServer(kind, components: ["home.test", "b.test"])
            let limits = [
                "offline_max_msgs": "100000", "offline_max_kb": "1000000", "db_kb": "1000000",
                "sessions_per_user": "64",
            ]
            let first = try EngineProcess(limits, users: ["alice"], starts: false, isDoor: true)
            let second = try EngineProcess(
                limits.merging(["domain": "b.test"]) { $1 }, users: ["bob"], starts: false, isDoor: true)
            for engine in [first, second] {
                engine.sections = server.section(domain: "*")
                try engine.start()
                try engine.awaitRecord("XMPP-OPEN", "component=")
            }
            let count = 4000
            let clients = try (0..<8).map { try first.client("alice", cookie: "c\($0)") }
            for client in clients { try client.logIn() }
            let requests = clients.map { client in
                (0..<count / clients.count).map {
                    request(
                        client, client.sendContent("a message of ordinary length, number \($0)", to: ["wv:bob@b.test"]),
                        "m\($0)")
                }
            }
            let before = try (first.status("cpu_us"), second.status("cpu_us"), server.cpuMicroseconds)
            let commits = try (first.status("commits"), second.status("commits"))
            let start = Date()
            _ = try Load(port: first.port, requests: requests, expecting: "<Code>200</Code>").run()
            let accepted = Date().timeIntervalSince(start)
            try wait("all of them", seconds: 120) { try second.status("xmpp_received") >= count }
            let seconds = Date().timeIntervalSince(start)
            func each(_ after: Int, _ before: Int) -> String { format(Double(after - before) / Double(count), "", 0) }
            rows.append(
                (
                    "messages from engine to engine by \(kind), 8 clients",
                    "\(format(Double(count) / seconds, "/s")), accepted \(format(Double(count) / accepted, "/s"))"
                ))
            rows.append(
                (
                    "CPU for each",
                    "\(each(try first.status("cpu_us"), before.0)) and \(each(try second.status("cpu_us"), before.1)) µs the engines, "
                        + "\(each(server.cpuMicroseconds, before.2)) µs the server; "
                        + "\(format(Double(try first.status("commits") - commits.0) / Double(count), "", 2)) and "
                        + "\(format(Double(try second.status("commits") - commits.1) / Double(count), "", 2)) commits"
                ))
            rows.append(("memory of an engine with it", format(Double(try second.ownBytes()) / 1024, "KB")))
        }
        return rows
    }
}
