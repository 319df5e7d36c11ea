import Foundation
import IMPSEngine
import Octets
import Testing

@testable import Store

/// A store in a folder of its own, and what should be in it.
private final class Subject {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)")
    private var environment: EnvironmentBox?
    /// What is durable, and what the turn makes of it.
    var durable: [[UInt8]: [UInt8]] = [:]
    var turn: [[UInt8]: [UInt8]] = [:]
    var byteCountMax: UInt64

    /// The environment cannot be copied; a class can.
    private final class EnvironmentBox {
        var environment: Environment
        init(_ environment: consuming Environment) { self.environment = environment }
    }

    init(byteCountMax: UInt64 = 8 << 20) throws {
        self.byteCountMax = byteCountMax
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try open()
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> [UInt8] { Array(url(name).path.utf8) }
    func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    func open() throws {
        environment = nil
        environment = EnvironmentBox(
            try Environment(
                path: path("store.mdb").span, log: path("store.log").span, byteCountMax: byteCountMax,
                memory: StoreMemory(memory: 24 << 20, store: byteCountMax)))
        turn = durable
    }

    /// The process is gone; what was not durable is too.
    func crash() { environment = nil }

    func put(_ key: [UInt8], _ value: [UInt8]) {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, value.count))
        defer { memory.deallocate() }
        var record = FixedBytes(Slab(lent: memory, count: value.count))
        record.append(value.span)
        environment!.environment.put(key.span, record)
        turn[key] = value
    }

    func put(_ key: String, _ value: String) { put(Array(key.utf8), Array(value.utf8)) }

    func delete(_ key: [UInt8]) {
        #expect(environment!.environment.delete(key.span) == (turn[key] != nil))
        turn[key] = nil
    }

    /// Ends the turn; false when it was not kept.
    @discardableResult
    func commit(settles: Bool = false) -> Bool {
        do {
            if settles { try environment!.environment.settle() } else { try environment!.environment.commit() }
            durable = turn
            return true
        } catch {
            turn = durable
            return false
        }
    }

    var facts: StoreFacts { environment!.environment.facts }
    var isSettled: Bool { environment!.environment.isSettled }

    /// Every entry that the store has for the engine.
    var entries: [[UInt8]: [UInt8]] { Subject.entries(of: environment!.environment) }

    var isAsExpected: Bool { entries == durable }
    var holdsTurn: Bool { entries == turn }

    private static func entries(of environment: borrowing Environment) -> [[UInt8]: [UInt8]] {
        var all: [[UInt8]: [UInt8]] = [:]
        var key: [UInt8] = []
        while let entry = environment.entry(atOrAfter: key.span) {
            let found = entry.key.indices.map { entry.key[$0] }
            all[found] = entry.value.indices.map { entry.value[$0] }
            key = found + [0]
        }
        return all
    }
}

/// The log in front of the store: what a turn made durable is there again, whatever happens before the store gets it.
@Suite struct RedoLogTests {
    @Test func whatWasCommittedIsThereAfterACrash() throws {
        let store = try Subject()
        store.put("first", "1")
        store.commit()
        let made = store.facts
        #expect(made.storeCommitCount == 1 && made.logByteCountMax == 1 << 20)
        for number in 0..<100 {
            store.put("key \(number)", "value \(number)")
            if number % 3 == 0 { store.delete(Array("key \(number / 2)".utf8)) }
            store.commit()
        }
        #expect(store.facts.storeCommitCount == 1)
        // 100 turns of one sector each.
        #expect(store.facts.writtenByteCount - made.writtenByteCount == 100 * 512)
        store.put("not", "committed")
        store.crash()
        try store.open()
        #expect(store.isAsExpected)
        #expect(!store.isSettled)
        store.commit(settles: true)
        #expect(store.isSettled && store.isAsExpected)
        store.crash()
        try store.open()
        #expect(store.isSettled && store.isAsExpected)
    }

    /// Nothing that lies behind the last whole turn counts, wherever it is torn and whatever bit is another one.
    @Test func aTornEndIsTheTurnBefore() throws {
        let store = try Subject(byteCountMax: 1 << 19)
        store.put("first", "1")
        store.commit()
        for number in 0..<10 {
            store.put("key", String(repeating: "\(number)", count: 100))
            store.commit()
        }
        let before = store.durable
        let start = Int(store.facts.logByteCount)
        store.put("key", String(repeating: "torn", count: 300))
        store.delete(Array("first".utf8))
        store.commit()
        let end = Int(store.facts.logByteCount)
        let after = store.durable
        store.crash()
        let log = try Data(contentsOf: store.url("store.log"))
        let database = try Data(contentsOf: store.url("store.mdb"))
        func restart(_ change: (inout Data) -> Void) throws -> String {
            var damaged = log
            change(&damaged)
            try damaged.write(to: store.url("store.log"))
            try database.write(to: store.url("store.mdb"))
            try store.open()
            defer { store.crash() }
            if store.entries == before { return "before" }
            if store.entries == after { return "after" }
            return store.entries.map { String(decoding: $0.key + [61] + $0.value.prefix(1), as: Unicode.UTF8.self) }
                .sorted()
                .joined(separator: " ")
        }
        #expect(try restart { _ in } == "after")
        let used = start + 24 + 5 + 3 + 1200 + 5 + 5
        for place in stride(from: start, to: used, by: 41) {
            #expect(try restart { $0.replaceSubrange(place..<end, with: Data(count: end - place)) } == "before")
        }
        for place in start..<used where place % 31 == 0 || place < start + 40 {
            #expect(try restart { $0[place] ^= 1 << (place % 8) } == "before", "octet \(place - start)")
        }
        for count in [start, start + 1, start + 512, end - 1] {
            #expect(try restart { $0 = $0.prefix(count) } == "before")
        }
        for count in [0, 1, 511] { #expect(try restart { $0 = $0.prefix(count) } == "first=1") }
        // A damaged middle gives what lies before it.
        #expect(try restart { $0[600] ^= 1 } == "first=1 key=0")
    }

    /// A log belongs to one commit of one store: another one's, and what was there before, is void.
    @Test func aLogOfAnotherCommitIsVoid() throws {
        let store = try Subject()
        store.put("a", "1")
        store.commit()
        store.put("a", "2")
        store.commit()
        store.crash()
        let old = try Data(contentsOf: store.url("store.log"))
        try store.open()
        store.put("a", "3")
        store.commit(settles: true)
        store.crash()
        try old.write(to: store.url("store.log"))
        try store.open()
        #expect(store.isAsExpected)
        store.put("b", "4")
        store.commit()
        store.crash()
        // A store that was taken away is new, whatever lies beside it.
        try FileManager.default.removeItem(at: store.url("store.mdb"))
        try store.open()
        #expect(store.entries.isEmpty)
    }

    /// With another size of the map the log gets another one too, but not before the store has what lies in it.
    @Test(arguments: [(8 << 20, 1 << 20), (1 << 20, 8 << 20)] as [(UInt64, UInt64)])
    func aLogOfAnotherSizeIsRead(from first: UInt64, to second: UInt64) throws {
        let store = try Subject(byteCountMax: first)
        store.put("a", "1")
        store.commit()
        let large = String(repeating: "x", count: 60_000)
        store.put("a", large)
        store.commit()
        #expect(!store.isSettled)
        store.crash()
        store.byteCountMax = second
        try store.open()
        #expect(store.isAsExpected)
        store.put("b", "2")
        store.commit()
        #expect(store.isSettled)
        store.put("b", "3")
        store.commit()
        #expect(!store.isSettled && store.facts.logByteCountMax == second / 8)
        store.crash()
        try store.open()
        #expect(store.isAsExpected)
    }

    /// A turn that finds no room is not kept, and those before it are, though the store has not got them yet.
    @Test func aTurnThatFailsLeavesTheTurnBefore() throws {
        let store = try Subject(byteCountMax: 1 << 20)
        store.put("a", "1")
        store.commit()
        for number in 0..<20 {
            store.put("small \(number)", "value")
            store.commit()
        }
        #expect(!store.isSettled)
        for _ in 0..<3 {
            for number in 0..<2000 { store.put("large \(number)", String(repeating: "x", count: 1000)) }
            #expect(!store.commit())
            #expect(store.isAsExpected)
            store.put("after", "value")
            #expect(store.commit())
        }
        #expect(store.facts.failedCommitCount == 3)
        store.crash()
        try store.open()
        #expect(store.isAsExpected)
    }

    /// Whatever was acknowledged is there, in any order of turns large and small, failures, quiet times and crashes.
    @Test(arguments: 0..<12) func nothingCommittedIsLost(seed: UInt64) throws {
        var random = Sequence64(seed)
        let store = try Subject(byteCountMax: random.next(below: 2) == 0 ? 1 << 19 : 2 << 20)
        for _ in 0..<200 {
            for _ in 0..<random.next(below: 12) {
                let key = Array("k\(random.next(below: 150))".utf8)
                switch random.next(below: 8) {
                case 0, 1: store.delete(key)
                case 2: store.put(key, (0..<random.next(below: 9000)).map { UInt8(truncatingIfNeeded: $0) })
                default: store.put(key, (0..<random.next(below: 300)).map { _ in UInt8(random.next(below: 256)) })
                }
            }
            switch random.next(below: 20) {
            case 0: store.commit(settles: true)
            case 1:
                store.crash()
                try store.open()
            default: store.commit()
            }
            guard store.holdsTurn else {
                Issue.record("not what was put")
                return
            }
        }
        #expect(store.facts.commitCount > 0)
    }
}

/// Numbers that are the same for each run of a seed.
private struct Sequence64 {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
