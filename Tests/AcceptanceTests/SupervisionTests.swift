import Foundation
import Harness
import Testing

/// What supervisors see, and what a technician finds after the process has ended.
@Suite struct SupervisionTests {
    /// A socket like systemd's.
    private final class Supervisor {
        let path: String
        private let descriptor: Int32

        init(_ folder: URL) throws {
            path = folder.path + "/notify"
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let code = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard code == 0 else { throw HarnessError("bind \(path)") }
        }

        deinit { close(descriptor) }

        /// What was said until now.
        func words() -> [String] {
            var all: [String] = []
            var octets = [UInt8](repeating: 0, count: 200)
            while true {
                let count = recv(descriptor, &octets, octets.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { return all }
                all.append(String(decoding: octets[..<count], as: UTF8.self))
            }
        }
    }

    @Test func aSupervisorHearsThatItIsReadyWorksAndEnds() throws {
        let engine = try EngineProcess(starts: false)
        let supervisor = try Supervisor(engine.folder)
        try engine.start(environment: ["NOTIFY_SOCKET": supervisor.path, "WATCHDOG_USEC": "600000"])
        var heard: [String] = []
        try wait("READY=1") {
            heard += supervisor.words()
            return heard.contains("READY=1")
        }
        try wait("three meals") {
            heard += supervisor.words()
            return heard.count { $0 == "WATCHDOG=1" } >= 3
        }
        // A process that does not turn its loop does not say that it works.
        engine.signal(SIGSTOP)
        Thread.sleep(forTimeInterval: 0.2)
        _ = supervisor.words()
        Thread.sleep(forTimeInterval: 1)
        #expect(supervisor.words() == [])
        engine.signal(SIGCONT)
        #expect(engine.stop() == 0)
        #expect(supervisor.words().last == "STOPPING=1")
        // The watching wrote nothing.
        try engine.start(environment: ["NOTIFY_SOCKET": supervisor.path, "WATCHDOG_USEC": "400000"])
        let commits = try engine.status("commits")
        Thread.sleep(forTimeInterval: 1)
        #expect(supervisor.words().contains("WATCHDOG=1"))
        #expect(try engine.status("commits") == commits)
    }

    @Test func aPingTellsThatTheLoopTurnsAndTheStoreCanBeRead() throws {
        let engine = try EngineProcess()
        #expect(try engine.control(["ping"]).code == 0)
        engine.stop()
        #expect(try engine.control(["ping"]).code == 69)
    }

    @Test func aWatchdogDeviceThatIsNotThereIsTold() throws {
        let engine = try EngineProcess(["watchdog": "/dev/nowhere"])
        try engine.awaitRecord("WATCHDOG", "device=/dev/nowhere", "cannot be opened")
    }

    @Test func aFatalSignalLeavesItsReason() throws {
        let engine = try EngineProcess()
        let build = try #require(engine.records("START").first?.firstMatch(of: /build=([0-9a-f]{40})/)?.1)
        for (number, name) in [(SIGSEGV, "SIGSEGV"), (SIGBUS, "SIGBUS"), (SIGABRT, "SIGABRT")] {
            engine.signal(number)
            #expect(engine.awaitEnd() == 128 + number)
            try engine.awaitRecord("FATAL", "signal=\(name)", "pc=0x", "build=\(build)")
            try engine.start()
            try engine.awaitRecord("LAST-EXIT", "why=defect", "signal=\(name)", "\(build)")
            let words = try engine.records(of: ["status"]).compactMap { $0["last_exit"] as? String }
            #expect(words == ["defect"])
        }
        for record in engine.log.split(separator: "\n") { #expect(record.utf8.count <= 240) }
        engine.stop()
        try engine.start()
        #expect(engine.records("LAST-EXIT").count == 3)
    }

    @Test func whoWasKilledIsToldApartFromWhoWasStopped() throws {
        let engine = try EngineProcess()
        #expect(engine.records("LAST-EXIT").isEmpty)
        try engine.restart()
        #expect(engine.records("LAST-EXIT").isEmpty)
        engine.kill()
        try engine.start()
        try engine.awaitRecord("LAST-EXIT", "why=killed")
    }
}
