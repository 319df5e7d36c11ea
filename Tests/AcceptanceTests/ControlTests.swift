import Foundation
import Harness
import Testing

/// Operators at the control socket: none waits for another, whatever the others do with theirs.
@Suite struct ControlTests {
    /// A connection to the control socket that says and reads what it is told, and no more.
    private final class Connection {
        private let descriptor: Int32

        init(_ engine: EngineProcess) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: Array((engine.folder.path + "/control").utf8))
            }
            let code = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard code == 0 else { throw HarnessError("no control socket: \(errno)") }
            var patience = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }

        deinit { close(descriptor) }

        func say(_ text: String, closing: Bool = false) {
            _ = text.withCString { send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            if closing { shutdown(descriptor, Int32(SHUT_WR)) }
        }

        /// Everything until the engine closes.
        func readAll() -> String {
            var octets: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &part, part.count, 0)
                guard count > 0 else { return String(decoding: octets, as: UTF8.self) }
                octets += part[..<count]
            }
        }
    }

    /// A store whose dump does not fit into the buffers of a socket.
    private func fill(_ engine: EngineProcess) throws {
        let alice = try engine.client("alice")
        try alice.logIn()
        let text = String(repeating: "x", count: 8000)
        for _ in 0..<80 { #expect(try alice.send(text, to: "wv:bob@home.test").code == 200) }
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = Date()
        try body()
        return Date().timeIntervalSince(start)
    }

    @Test func whoReadsNothingHoldsUpNobody() throws {
        let patience = String(Int(2 * Programs.slowness))
        let engine = try EngineProcess([
            "header_timeout": patience, "body_timeout": patience, "offline_max_kb": "2000",
        ])
        try fill(engine)
        let stuck = try (0..<2).map { _ in try Connection(engine) }
        for connection in stuck { connection.say("dump\n") }
        let half = try Connection(engine)
        half.say("user li")
        var longest = 0.0
        for _ in 0..<(Programs.slowness > 1 ? 2 : 10) {
            for command in ["ping", "status"] {
                longest = try max(longest, seconds { try engine.mustControl([command]) })
            }
        }
        print("beside two dumps that nobody reads: ping and status \(Int(longest * 1000)) ms at most")
        // A dump that is read is whole, beside them.
        let dump = try engine.control(["dump"])
        #expect(dump.code == 0 && dump.output.utf8.count > 500_000)
        #expect(engine.records("CONTROL-CUT") == [])
        try wait("the end of their time") { engine.records("CONTROL-CUT").count == 3 }
        #expect(engine.records("CONTROL-CUT").filter { $0.contains("not read") }.count == 2)
        #expect(half.readAll() == "")
        #expect(!stuck[0].readAll().hasSuffix("ok\n"))
        Thread.sleep(forTimeInterval: 1)
        #expect(engine.records("CONTROL-CUT").count == 3)
    }

    @Test func whoComesWhenAllPlacesAreStuckGetsOne() throws {
        let engine = try EngineProcess()
        var idle: [Connection] = []
        for _ in 0..<20 { idle.append(try Connection(engine)) }
        let longest = try seconds { try engine.mustControl(["ping"]) }
        print("behind twenty connections that say nothing: ping \(Int(longest * 1000)) ms")
        #expect(engine.records("CONTROL-CUT").contains { $0.contains("others waited") })
    }

    /// Those that are at work are left to it.
    @Test func manyCommandsAtOnceAreAllDone() throws {
        let engine = try EngineProcess()
        let connections = try (0..<40).map { number in
            let connection = try Connection(engine)
            connection.say("user add u\(number) digest secret-\(number)\n")
            return connection
        }
        for connection in connections { #expect(connection.readAll() == "ok\n") }
        #expect(try engine.control(["user", "list"]).output.matches(of: /wv:u/).count == 40)
        #expect(engine.records("CONTROL-CUT") == [])
    }

    @Test func aCommandMayComeInAnyPieces() throws {
        let engine = try EngineProcess()
        let closing = try Connection(engine)
        closing.say("ping\n", closing: true)
        #expect(closing.readAll() == "ok\n")
        let slow = try Connection(engine)
        for letter in "ping\n" {
            slow.say(String(letter))
            Thread.sleep(forTimeInterval: 0.02)
        }
        #expect(slow.readAll() == "ok\n")
        let texts = (1...16).map { "option=\($0)|\(String(repeating: "\\xC3\\xA9", count: 60))|full" }.joined(
            separator: " ")
        let long =
            "sysmsg add terms kind=login required=1 text=\(String(repeating: "\\xC3\\xA9", count: 200)) \(texts)\n"
        #expect(long.utf8.count > 8000)
        for _ in 0..<2 {
            let connection = try Connection(engine)
            connection.say(long)
            #expect(connection.readAll() == "ok\n")
            #expect(try engine.control(["sysmsg", "del", "terms"]).code == 0)
        }
        // One long command at a time; short ones go on.
        let first = try Connection(engine)
        first.say(String(long.prefix(5000)))
        Thread.sleep(forTimeInterval: 0.1)
        let second = try Connection(engine)
        second.say(long)
        #expect(second.readAll().hasPrefix("error busy"))
        #expect(try engine.control(["ping"]).code == 0)
        first.say(String(long.dropFirst(5000)))
        #expect(first.readAll() == "ok\n")
        let endless = try Connection(engine)
        endless.say(String(repeating: "x", count: 60_000))
        #expect(endless.readAll().hasPrefix("error usage"))
    }
}
