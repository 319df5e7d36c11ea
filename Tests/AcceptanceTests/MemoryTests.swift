import Foundation
import Harness
import Testing

/// What the engine takes, and that it takes no more. Resident sizes are those of a native process.
@Suite struct MemoryTests {
    @Test func theEngineIsSmallAfterStart() throws {
        guard Programs.runner.isEmpty else { return }
        let engine = try EngineProcess()
        try engine.client("alice").logIn()
        let resident = try engine.residentBytes()
        let own = try engine.ownBytes()
        print("memory: \(resident / 1024) KB resident after start, \(own / 1024) KB of them its own")
        // How much of the program itself is resident is up to the system: this one has libraries in it that boards have not.
        #expect(resident <= 9 << 20)
        #expect(own <= 640 << 10)
    }

    /// The pages are part of the program; the pool of the operator's is all that they take.
    @Test func pagesTakeNothingWhileNobodyOpensThem() throws {
        guard Programs.runner.isEmpty else { return }
        func own(_ sections: String) throws -> Int {
            let engine = try EngineProcess(starts: false)
            engine.sections = sections
            try engine.start()
            return try engine.ownBytes()
        }
        let without = try own("")
        let with = try own(
            """
            config page 'main'
            \toption enabled '1'
            \toption url 'http://gateway.lan:8080/'

            config admin 'main'
            \toption port '0'
            \toption password_file '/nowhere'

            """)
        print("memory: \(without / 1024) KB of its own without pages, \(with / 1024) KB with them")
        #expect(with - without <= 32 << 10)
    }

    @Test func tenThousandRequestsLeaveTheHeapAsItWas() throws {
        let engine = try EngineProcess(["sessions_per_user": "64"])
        let clients = try versions.map { try engine.client("alice", $0) }
        let bob = try engine.client("bob")
        try bob.logIn()
        for client in clients { try client.logIn() }
        func work(_ count: Int) throws {
            let target = try engine.status("requests") + count
            while try engine.status("requests") < target {
                for client in clients {
                    #expect(try client.send("a message", to: "wv:bob@home.test", report: true).code == 200)
                    _ = try bob.receiveAll()
                    _ = try client.receiveAll()
                    _ = try client.request("<GetSPInfo-Request/>")
                }
                try clients[0].logOut()
                try clients[0].logInByDigest()
                _ = try engine.connect().post("<broken")
            }
        }
        try work(1000)
        let heap = try engine.status("heap_bytes")
        let requests = try engine.status("requests")
        try work(10_000)
        let done = try engine.status("requests") - requests
        #expect(done >= 10_000, "\(done)")
        let after = try engine.status("heap_bytes")
        // The open transaction has the numbers of pages that are free: 8 octets for each, of 2,048 at most.
        #expect(abs(after - heap) <= 8 * 2048, "\(after - heap) bytes more than \(heap)")
        print("memory: \(done) requests, heap \(heap) bytes before and \(after) after")
    }

    @Test func aThousandSessionsCostLessThanOneKilobyteEach() throws {
        guard Programs.runner.isEmpty else { return }
        let users = 20
        let engine = try EngineProcess(["sessions_per_user": "64"], users: (0..<users).map { "user\($0)" })
        let connection = try engine.connect()
        func logIn(_ range: Range<Int>) throws {
            for index in range {
                let user = "user\(index % users)"
                let client = Client(
                    connection, user: "wv:\(user)@home.test", password: engine.password(of: user), "1.2",
                    cookie: "c\(index)")
                #expect(try client.logIn().code == 200)
                _ = try client.poll()
            }
        }
        try logIn(0..<10)
        let heap = try engine.status("heap_bytes")
        let resident = try engine.residentBytes()
        try logIn(10..<1010)
        #expect(try engine.status("sessions") == 1010)
        // A place in the pool, and what LMDB keeps of a larger store.
        let pooled = try engine.pool("sessions", "bytes")
        let grown = try engine.status("heap_bytes") - heap
        #expect(pooled + grown / 1000 <= 1024)
        print(
            "memory: \(pooled) bytes of the pool and \(grown / 1000) of the heap a session, \((try engine.residentBytes() - resident) / 1000) resident with its store pages"
        )
    }
}
