import CLibC
import Files
import Octets

/// The changes of the turns since the store's last commit, in a file of fixed size beside the store.
///
/// LMDB makes a commit durable with two flushes and writes each changed page whole. A turn is smaller: here it is one write
/// behind the one before, and one flush. Store and log belong together by a number that each commit of the store changes
/// (`generation`): with the commit all that lies here is void, and nothing has to be wiped.
///
/// A turn is a batch. It begins at a sector of the disk, so that no write touches what was acknowledged:
///
/// | Octets | |
/// |---|---|
/// | 8 | hash of what follows |
/// | 8 | generation |
/// | 4 | number of the batch, from 0 |
/// | 4 | octets of all changes |
/// | … | changes: 1 octet the key's count; 4 octets the value's count and 1, or 0 when the key is taken away; key; value |
@safe
struct RedoLog: ~Copyable {
    /// Octets of the largest log that there is.
    static var largestByteCount: UInt64 { 1 << 20 }
    /// Octets of the largest batch, head and all, whatever size the log has; a larger turn is one for the store.
    static var batchByteCountMax: Int { 1 << 16 }
    private static var headByteCount: Int { 24 }
    private static var sectorByteCount: Int { 512 }
    private static var pageByteCount: Int { 4096 }

    private let path: File.Path
    /// Octets of the file, whole pages.
    let byteCountMax: Int
    private let memory: UnsafeMutableRawPointer
    private var descriptor: Int32 = -1
    /// The file is there in its size: only then turns are added.
    private var isWhole = false
    /// The file is written past the system's cache, which would write whole pages.
    private var isDirect = false
    /// The changes of the turn behind their head; while the log is read, a batch of it.
    private var batch: FixedBytes
    private var generation: UInt64 = 0
    private var batchCount: UInt32 = 0
    /// The first batch is an empty one.
    private var isMarked = false
    /// Turns that lie behind a place that cannot be read. A log that ends where the power was cut has none: each turn was
    /// durable before the next was written.
    private(set) var lostTurnCount = 0
    /// Octets that hold batches of this generation; the next one begins there.
    private(set) var byteCount = 0
    /// Octets written to the volume since the log was opened.
    private(set) var writtenByteCount: UInt64 = 0

    /// Opens the file, which may be none yet; nil when there is no memory.
    ///
    /// - Parameters:
    ///   - generation: What the store's last commit has for the log; nil when nobody knows, and the log's own counts.
    ///   - commit: The number of the store's last commit: a log that is older than that is void.
    init?(path: Span<UInt8>, byteCountMax: Int, generation: UInt64?, commit: UInt64) {
        let count = RedoLog.batchByteCountMax
        guard let path = File.Path(path), let memory = unsafe libc_map_zeros(UInt(count)) else { return nil }
        self.path = path
        self.byteCountMax = byteCountMax
        unsafe self.memory = memory
        batch = unsafe FixedBytes(Slab(lent: memory.bindMemory(to: UInt8.self, capacity: count), count: count))
        self.generation = generation ?? 0
        open()
        if generation == nil, descriptor >= 0, read(RedoLog.sectorByteCount, at: 0) {
            var reader = RecordReader(batch.span(8..<16))
            let own: UInt64 = reader.integer()
            if own >> 32 >= commit & 0xFFFF_FFFF { self.generation = own }
        }
        while readBatch(at: byteCount) {
            if batchCount == 0 { isMarked = batch.count == RedoLog.headByteCount }
            batchCount += 1
        }
        countLost()
        forgetTurn()
    }

    private mutating func countLost() {
        let end = byteCount
        let expected = batchCount
        defer { (byteCount, batchCount) = (end, expected) }
        var last = Int(batchCount) - 1
        while descriptor >= 0, generation > 0, let place = laterHead(than: last) {
            byteCount = place
            // The number that it bears is the one that is looked for.
            guard readBatch(at: place) else {
                byteCount = place + RedoLog.sectorByteCount
                continue
            }
            lostTurnCount += Int(batchCount) - last
            last = Int(batchCount)
        }
    }

    /// Where the next head of this generation with a later number begins, which `batchCount` is then; nil when there is none.
    private mutating func laterHead(than last: Int) -> Int? {
        while byteCount < byteCountMax {
            let count = min(batch.capacity, byteCountMax - byteCount)
            guard read(count, at: byteCount) else { return nil }
            var place = 0
            while place < count {
                defer { place += RedoLog.sectorByteCount }
                var reader = RecordReader(batch.span(place + 8..<place + 20))
                let found: UInt64 = reader.integer()
                let number: UInt32 = reader.integer()
                guard found == generation, Int(number) > last else { continue }
                batchCount = number
                return byteCount + place
            }
            byteCount += count
        }
        return nil
    }

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
        unsafe munmap(memory, batch.capacity)
    }

    private mutating func open() {
        isWhole = false
        if descriptor >= 0 { _ = close(descriptor) }
        descriptor = unsafe File.withPath(path.span) { unsafe libc_open($0, O_RDWR | libc_direct, 0) }
        isDirect = descriptor >= 0
        // Not every volume can, and some only in larger sectors.
        if isDirect, !read(RedoLog.sectorByteCount, at: 0) {
            _ = close(descriptor)
            isDirect = false
        }
        if !isDirect { descriptor = unsafe File.withPath(path.span) { unsafe libc_open($0, O_RDWR, 0) } }
        isWhole = File.size(of: descriptor) == UInt64(byteCountMax)
    }

    // MARK: Turns

    /// True when turns lie here that the store has not.
    var hasTurns: Bool { batchCount > (isMarked ? 1 : 0) }

    /// True when the log says that it belongs to this commit of the store, though there may be no turns.
    var isBegun: Bool { batchCount > 0 }

    /// True when the file is there, though it may have another size.
    var isThere: Bool { descriptor >= 0 }

    /// True when the turn has room.
    var hasRoom: Bool {
        isWhole && generation > 0 && !batch.isOverflowed && byteCount + RedoLog.sectors(batch.count) <= byteCountMax
    }

    /// Notes a change of the turn.
    ///
    /// - Parameter value: What the key gets; nil when it is taken away.
    mutating func note(_ key: Span<UInt8>, _ value: Span<UInt8>?) {
        batch.append(UInt8(truncatingIfNeeded: key.count))
        guard let value else {
            batch.append(bigEndian: UInt32(0))
            batch.append(key)
            return
        }
        batch.append(bigEndian: UInt32(truncatingIfNeeded: value.count + 1))
        batch.append(key)
        batch.append(value)
    }

    /// Forgets the changes of the turn.
    mutating func forgetTurn() {
        batch.removeAll()
        batch.advance(by: RedoLog.headByteCount)
    }

    /// Makes the turn durable; false when it is too large, when there is no room, or when the file cannot be written.
    mutating func appendTurn() -> Bool {
        guard hasRoom else { return false }
        let count = RedoLog.sectors(batch.count)
        writeHead()
        guard write(count, at: byteCount), fdatasync(descriptor) == 0 else { return false }
        byteCount += count
        batchCount += 1
        forgetTurn()
        return true
    }

    private mutating func writeHead() {
        let count = batch.count
        batch.removeAll()
        batch.append(bigEndian: UInt64(0))
        batch.append(bigEndian: generation)
        batch.append(bigEndian: batchCount)
        batch.append(bigEndian: UInt32(count - RedoLog.headByteCount))
        batch.advance(by: count - batch.count)
        let hash = Hash64(batch.span(8..<count)).value
        batch.removeAll()
        batch.append(bigEndian: hash)
        batch.advance(by: count - batch.count)
    }

    private static func sectors(_ count: Int) -> Int { (count + sectorByteCount - 1) & ~(sectorByteCount - 1) }

    // MARK: Store

    /// The store was committed: what lies here is void, and the next turn is the first one of `generation`. With 0 it takes
    /// no turns, and what lies here is left alone.
    ///
    /// - Parameter marks: An empty batch says at once whose turns are going to follow.
    mutating func begin(_ generation: UInt64, marks: Bool = false) {
        self.generation = generation
        isMarked = false
        batchCount = 0
        byteCount = 0
        if !isWhole, generation > 0 || !isThere { make() }
        forgetTurn()
        if marks { isMarked = appendTurn() }
    }

    /// Gives the file its room, once, so that a full volume cannot take it.
    private mutating func make() {
        do throws(File.Failure) {
            let new = try File.openNew(path.span)
            defer { _ = close(new) }
            File.giveToOwner(new, of: File.folder(of: path.span))
            let zeros = InlineArray<4096, UInt8>(repeating: 0)
            for _ in 0..<byteCountMax / zeros.count { try File.write(new, zeros.span) }
            guard fsync(new) == 0 else { throw .failed(libc_errno()) }
            try File.syncFolder(File.folder(of: path.span))
            writtenByteCount += UInt64(byteCountMax)
            open()
        } catch {
            File.remove(path.span)
            if isThere { _ = close(descriptor) }
            descriptor = -1
        }
    }

    /// Tells each change of all turns, in their order; false when the file cannot be read any more or `change` says so.
    mutating func replay(_ change: (_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool) -> Bool {
        defer { forgetTurn() }
        let (end, count) = (byteCount, batchCount)
        byteCount = 0
        batchCount = 0
        while byteCount < end {
            guard readBatch(at: byteCount) else { break }
            batchCount += 1
            guard RedoLog.tell(batch.span(RedoLog.headByteCount..<batch.count), change) else { break }
        }
        let isComplete = byteCount == end && batchCount == count
        byteCount = end
        batchCount = count
        return isComplete
    }

    private static func tell(
        _ changes: Span<UInt8>, _ change: (_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool
    ) -> Bool {
        var reader = RecordReader(changes)
        while !reader.isAtEnd {
            let keyCount = Int(reader.integer(UInt8.self))
            let valueCount = Int(truncatingIfNeeded: reader.integer(UInt32.self))
            let key = reader.octets(keyCount)
            let value = reader.octets(max(0, valueCount - 1))
            guard !reader.isBroken, change(key, valueCount > 0 ? value : nil) else { return false }
        }
        return true
    }

    // MARK: File

    /// Reads the batch at a place into `batch` and goes on behind it; false when there is none of this generation and number.
    private mutating func readBatch(at place: Int) -> Bool {
        guard descriptor >= 0, read(RedoLog.sectorByteCount, at: place) else { return false }
        var reader = RecordReader(batch.span)
        let hash: UInt64 = reader.integer()
        let found: UInt64 = reader.integer()
        let number: UInt32 = reader.integer()
        let count = RedoLog.headByteCount + Int(truncatingIfNeeded: reader.integer(UInt32.self))
        guard found == generation, number == batchCount, count >= RedoLog.headByteCount,
            count <= batch.capacity, read(RedoLog.sectors(count), at: place)
        else { return false }
        batch.truncate(to: count)
        guard Hash64(batch.span(8..<count)).value == hash else { return false }
        byteCount = place + RedoLog.sectors(count)
        return true
    }

    /// Reads whole sectors into `batch`; false when there are fewer.
    private mutating func read(_ count: Int, at place: Int) -> Bool {
        batch.removeAll()
        let memory = unsafe batch.freeStorage()
        guard unsafe pread(descriptor, memory.baseAddress, count, off_t(place)) == count else { return false }
        batch.advance(by: count)
        return true
    }

    /// Writes what `batch` has, in whole sectors: what lies behind it in the last one is nobody's.
    private mutating func write(_ count: Int, at place: Int) -> Bool {
        let used = batch.count
        batch.removeAll()
        let memory = unsafe batch.freeStorage()
        let written = unsafe pwrite(descriptor, memory.baseAddress, count, off_t(place))
        batch.advance(by: used)
        let page = RedoLog.pageByteCount
        writtenByteCount += UInt64(isDirect ? count : (place + count + page - 1) / page * page - place / page * page)
        return written == count
    }
}
