import IMPSEngine
import Octets

/// A store in memory with the faults of a real one: a commit may fail, and a crash forgets what was not committed.
struct MemoryStore: ~Copyable, StorePort {
    /// What outlives a crash of the engine.
    final class Disk {
        fileprivate var working: [(key: [UInt8], value: Blob)] = []
        fileprivate var committed: [(key: [UInt8], value: Blob)] = []
        fileprivate var changeCount: UInt64 = 0
        /// Whether new messages find room.
        var hasRoom = true
        /// Octets of the whole store.
        var byteCountMax: UInt64 = 8 << 20
        /// A defect on purpose: this change is lost although its commit succeeds.
        var losesChange: UInt64?

        /// The number of the next change.
        var nextChange: UInt64 { changeCount + 1 }

        /// Makes the changes durable, or forgets them.
        func commit(succeeds: Bool) {
            if succeeds { committed = working } else { working = committed }
        }

        /// The committed records whose keys begin with a letter: where they are, and how many octets they have.
        func records(of letter: Character) -> [(place: Int, count: Int)] {
            committed.indices.filter { committed[$0].key[0] == letter.asciiValue }
                .map { ($0, committed[$0].value.count) }
        }

        /// A defect on purpose: one bit of a committed record is another one; the same again sets it right.
        func flip(bit: Int, ofOctet octet: Int, at place: Int) { committed[place].value.octets[octet] ^= 1 << bit }

        /// A defect on purpose: records with such keys begin with an octet that none begins with.
        func damage(_ isMeant: ([UInt8]) -> Bool) {
            for place in working.indices where isMeant(working[place].key) { working[place].value.octets[0] = 0x3F }
        }

        /// The first place whose key is not below `key`.
        fileprivate func place(of key: Span<UInt8>) -> Int {
            var low = 0
            var high = working.count
            while low < high {
                let middle = (low + high) / 2
                if Disk.isBelow(working[middle].key, key) { low = middle + 1 } else { high = middle }
            }
            return low
        }

        private static func isBelow(_ first: [UInt8], _ second: Span<UInt8>) -> Bool {
            for index in 0..<min(first.count, second.count) where first[index] != second[index] {
                return first[index] < second[index]
            }
            return first.count < second.count
        }

        fileprivate func holds(_ key: Span<UInt8>, at place: Int) -> Bool {
            guard place < working.count, working[place].key.count == key.count else { return false }
            return key.indices.allSatisfy { working[place].key[$0] == key[$0] }
        }
    }

    /// Octets that stay where they are.
    fileprivate final class Blob {
        let octets: UnsafeMutableBufferPointer<UInt8>

        init(_ array: [UInt8]) {
            octets = .allocate(capacity: max(1, array.count))
            _ = octets.initialize(from: array)
            count = array.count
        }

        init(_ span: Span<UInt8>) {
            octets = .allocate(capacity: max(1, span.count))
            for index in span.indices { octets[index] = span[index] }
            count = span.count
        }

        let count: Int

        deinit { octets.deallocate() }
    }

    let disk: Disk

    @_lifetime(borrow self)
    private func lend(_ blob: Blob) -> Span<UInt8> {
        let span = Span<UInt8>(_unsafeStart: blob.octets.baseAddress!, count: blob.count)
        return _overrideLifetime(span, borrowing: self)
    }

    @_lifetime(borrow self)
    private func entry(at place: Int) -> StoreEntry? {
        guard disk.working.indices.contains(place) else { return nil }
        let key = Blob(disk.working[place].key)
        keys.append(key)
        return StoreEntry(key: lend(key), value: lend(disk.working[place].value))
    }

    /// Keys that were lent out.
    private final class Keys {
        private var all: [Blob] = []

        func append(_ key: Blob) { all.append(key) }
    }

    private let keys = Keys()

    init(_ disk: Disk) { self.disk = disk }

    @_lifetime(borrow self)
    func value(for key: Span<UInt8>) -> Span<UInt8>? {
        let place = disk.place(of: key)
        guard disk.holds(key, at: place) else { return nil }
        return lend(disk.working[place].value)
    }

    @_lifetime(borrow self)
    func entry(atOrAfter key: Span<UInt8>) -> StoreEntry? { entry(at: disk.place(of: key)) }

    @_lifetime(borrow self)
    func entry(before key: Span<UInt8>) -> StoreEntry? { entry(at: disk.place(of: key) - 1) }

    mutating func put(_ key: Span<UInt8>, _ value: borrowing FixedBytes) {
        disk.changeCount += 1
        if disk.losesChange == disk.changeCount { return }
        let place = disk.place(of: key)
        let blob = Blob(value.span)
        if disk.holds(key, at: place) {
            keys.append(disk.working[place].value)
            disk.working[place].value = blob
        } else {
            disk.working.insert((key.indices.map { key[$0] }, blob), at: place)
        }
    }

    @discardableResult
    mutating func delete(_ key: Span<UInt8>) -> Bool {
        let place = disk.place(of: key)
        guard disk.holds(key, at: place) else { return false }
        disk.changeCount += 1
        keys.append(disk.working.remove(at: place).value)
        return true
    }

    mutating func takeDamaged() -> InlineBytes<112>? { nil }

    var changeCount: UInt64 { disk.changeCount }

    var hasRoom: Bool { disk.hasRoom }

    var hasReserve: Bool { disk.hasRoom }

    var byteCountMax: UInt64 { disk.byteCountMax }
}
