import CLMDB
import CLibC
import Files
import IMPSEngine
import Octets

/// The store in LMDB: one file, one unnamed database, and a log of what its last commit has not.
///
/// A turn ends with `commit`. Its changes are made in LMDB's write transaction, and become durable in the log; the
/// transaction stays open for the turns to come, and is committed when the log is full, when many pages were changed, and
/// when the shell says so (`settle`). Without a log, and where a turn does not fit into it, each turn is a commit of LMDB.
/// What a turn that fails has changed goes with the transaction; the next one begins with what the log has, as it does
/// after a crash.
///
/// Values are read in place from the map: they are valid until the next change, which their lifetime says.
///
/// Every LMDB handle here has one owner, this structure, and is used by one thread. That is why each `unsafe` below is
/// sound: keys and values are passed as pointers that live through the call, and results are copied or borrowed from
/// the map before the transaction can change.
@safe
public struct Environment: ~Copyable, StorePort {
    let state = StoreState()

    // MARK: Opening

    /// Opens or makes a store; the caller holds the lock of its folder.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - log: The file of its log, on a volume that survives a power cut; nil for a store without one.
    ///   - isInMemory: The log's volume has not the store itself, but a copy of it.
    ///   - isReading: Nothing is changed, and the log is not done again: what may be damaged is only read.
    ///   - isOld: It may be older than the log that there is, which then is not void: it follows with a gap.
    ///   - replacedByteCount: Octets of the file that this one is going to take the place of.
    ///   - byteCountMax: The size of the map in octets; less when the volume has not that much room.
    ///   - memory: What it may take of the memory, with a log.
    public init(
        path: Span<UInt8>, log: Span<UInt8>?, isInMemory: Bool = false, isReading: Bool = false, isOld: Bool = false,
        replacedByteCount: UInt64 = 0, byteCountMax: UInt64, memory: StoreMemory
    ) throws(StoreOpenError) {
        let present = max(File.size(of: path) ?? 0, replacedByteCount)
        let count = Environment.mapByteCount(byteCountMax, present: present, free: Environment.freeByteCount(at: path))
        let code = unsafe File.withPath(path) { [state] path in unsafe state.open(path, count) }
        guard code == 0 else { throw StoreOpenError(code: code) }
        state.treePageCount = pagesOfCommit().trees
        state.pageCountMax = memory.pageCount
        state.isInMemory = isInMemory
        state.isReading = isReading
        look()
        state.isSealed = findSeal()
        let generation = isOld ? nil : storedGeneration()
        abortTransaction()
        // What cannot be read now says so again when it is asked for.
        state.failure = nil
        guard let log else { return }
        state.log = RedoLog(
            path: log, byteCountMax: memory.logByteCount, generation: generation, commit: lastCommit)
        guard !isReading else { return }
        state.needsReplay = state.log?.hasTurns == true
        // What lies behind a damaged turn would follow the one that comes in its place.
        state.wantsStoreCommit = lostTurnCount > 0
        // Else it may be what the copy of the store needs, which is an older one.
        if isInMemory, state.log?.isBegun != true {
            state.nextGeneration = generation ?? 0
            state.log?.begin(0)
        }
    }

    /// Octets that the volume of a file has left, or that of its folder when it is not there yet; the highest number when
    /// nobody knows.
    private static func freeByteCount(at path: Span<UInt8>) -> UInt64 {
        let free = unsafe File.withPath(path) { unsafe libc_volume_free_at($0) }
        guard free == .max else { return free }
        var end = path.count
        while end > 1, path[end - 1] != UInt8(ascii: "/") { end -= 1 }
        return unsafe File.withPath(path.extracting(0..<end)) { unsafe libc_volume_free_at($0) }
    }

    /// At most 60 % of what the volume has, counting what the file has already; on 32 bits at most 64 MB; whole pages.
    private static func mapByteCount(_ wanted: UInt64, present: UInt64, free: UInt64) -> Int {
        let available = free == .max ? wanted : present + free / 10 * 6
        let most: UInt64 = MemoryLayout<Int>.size == 4 ? 64 << 20 : .max
        return Int(max(1 << 18, min(wanted, available, most)) & ~0xFFFF)
    }

    deinit {
        abortTransaction()
        if let cursor = unsafe state.readerCursor { unsafe mdb_cursor_close(cursor) }
        if let reader = unsafe state.reader { unsafe mdb_txn_abort(reader) }
        unsafe mdb_env_close(state.environment)
    }

    // MARK: Transaction

    /// The transaction, with all that the log has; nil when that is not possible, which makes the turn fail.
    func openTransaction() -> OpaquePointer? {
        if let open = unsafe state.transaction { return unsafe open }
        guard state.failure == nil else { return nil }
        let flags = state.isReading ? UInt32(MDB_RDONLY) : 0
        var code = unsafe mdb_txn_begin(state.environment, nil, flags, &state.transaction)
        if code == 0, state.needsReplay { code = replay() }
        guard code == 0 else {
            abortTransaction()
            fail(code)
            return nil
        }
        return unsafe state.transaction
    }

    /// Makes the changes of the log again; the result is errno or LMDB's.
    private func replay() -> Int32 {
        var code: Int32 = 0
        let transaction = unsafe state.transaction
        let database = state.database
        var count = 0
        let isComplete =
            state.log?.replay { key, value in
                if let value {
                    code = unsafe put(key, value, transaction)
                } else {
                    code = unsafe Environment.delete(key, transaction, database)
                    if code == MDB_NOTFOUND { code = 0 }
                }
                count += 1
                return code == 0
            } ?? true
        state.changeCount = count
        state.needsReplay = false
        return code != 0 || isComplete ? code : EIO
    }

    /// Whether the values have seals: one that fits is enough, and an empty store gets them. Those of the schemas before 5
    /// have none.
    private func findSeal() -> Bool {
        let key = InlineArray<1, UInt8>(repeating: Environment.generationKey)
        var found = find(MDB_FIRST, key.span)
        guard found != nil || state.failure != nil else { return true }
        for _ in 0..<1000 {
            guard let entry = found else { return false }
            if Seal.open(entry.value, of: entry.key) != nil { return true }
            found = find(MDB_NEXT, key.span)
        }
        return false
    }

    /// Commits of the store change this number, and with it the log is void. Its key lies before all those of the engine.
    static var generationKey: UInt8 { 0 }

    /// nil when it is not what was written. Then the log's own will do, when it is not older than the store: that begins with
    /// the number of the commit that made it.
    private func storedGeneration() -> UInt64? {
        let key = InlineArray<1, UInt8>(repeating: Environment.generationKey)
        guard stored(for: key.span) != nil else {
            // Every commit of the store has it.
            return state.failure != nil || recordCount > 0 && state.isSealed ? nil : 0
        }
        guard let value = value(for: key.span) else { return nil }
        var reader = RecordReader(value)
        let generation: UInt64 = reader.integer()
        return reader.isBroken ? 0 : generation
    }

    /// The number of the last commit of the store.
    private var lastCommit: UInt64 {
        var info = unsafe MDB_envinfo()
        unsafe mdb_env_info(state.environment, &info)
        return unsafe UInt64(info.me_last_txnid)
    }

    /// Puts a new one into the transaction; never 0, which stands for none.
    private func renewGeneration() -> UInt64 {
        var octets = InlineArray<8, UInt8>(repeating: 0)
        var space = octets.mutableSpan
        let count = unsafe space.withUnsafeMutableBufferPointer { unsafe getrandom($0.baseAddress, $0.count, 0) }
        // The same number twice would make old turns new.
        guard count == octets.count else {
            fail(libc_errno())
            return 0
        }
        let number = unsafe UInt32(truncatingIfNeeded: mdb_txn_id(state.transaction))
        for index in 0..<4 { octets[index] = UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * index)) }
        octets[7] |= 1
        let key = InlineArray<1, UInt8>(repeating: Environment.generationKey)
        let code = unsafe put(key.span, octets.span, state.transaction)
        if code != 0 { fail(code) }
        var reader = RecordReader(octets.span)
        return reader.integer()
    }

    /// The cursor for a key, which is on the page of the one before that began alike.
    private func cursor(for key: Span<UInt8>) -> OpaquePointer? {
        let place = key.count > 0 ? Int(key[0]) % StoreState.cursorCount : 0
        if let open = unsafe state.cursors[place] { return unsafe open }
        guard let transaction = unsafe openTransaction() else { return nil }
        var cursor: OpaquePointer?
        let code = unsafe mdb_cursor_open(transaction, state.database, &cursor)
        guard code == 0 else {
            fail(code)
            return nil
        }
        unsafe state.cursors[place] = cursor
        return unsafe cursor
    }

    private func closeCursors() {
        for place in 0..<StoreState.cursorCount {
            if let cursor = unsafe state.cursors[place] { unsafe mdb_cursor_close(cursor) }
            unsafe state.cursors[place] = nil
        }
    }

    private func fail(_ code: Int32) {
        guard state.failure == nil else { return }
        switch code {
        case MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT, EFBIG: state.failure = .full
        // LMDB says so when only a part of its pages could be written, which is how a volume becomes full.
        case EIO where libc_volume_free(descriptor) < 1 << 20: state.failure = .full
        default: state.failure = .failed(code)
        }
    }

    /// The data file's, for questions about its volume.
    var descriptor: Int32 {
        var descriptor: Int32 = -1
        unsafe mdb_env_get_fd(state.environment, &descriptor)
        return descriptor
    }

    private func abortTransaction() {
        closeCursors()
        state.verified.forget()
        if let transaction = unsafe state.transaction { unsafe mdb_txn_abort(transaction) }
        unsafe state.transaction = nil
        state.isChanged = false
        state.changeCount = 0
        state.needsReplay = !state.isReading && state.log?.hasTurns == true
    }

    /// True when the turn changed something.
    public var isChanged: Bool { state.isChanged }

    /// True when the store has all that is durable: the log has nothing.
    public var isSettled: Bool { !state.isChanged && state.log?.hasTurns != true }

    /// True when a store in memory has to be copied before the log takes more.
    public var needsCopy: Bool { state.nextGeneration > 0 && state.log?.isThere == true }

    /// The copy is durable and has all that the store has: the log is void and takes turns again.
    public mutating func noteCopy() {
        guard state.nextGeneration > 0 else { return }
        state.log?.begin(state.nextGeneration, marks: true)
        state.nextGeneration = 0
    }

    /// Makes what the turn changed durable.
    ///
    /// - Throws: `StoreError` when nothing of it was kept; what was durable before is.
    public mutating func commit() throws(StoreError) {
        guard state.isChanged || state.failure != nil else { return }
        if state.failure == nil, !state.wantsStoreCommit, state.changeCount <= state.changeCountMax,
            state.log?.appendTurn() == true
        {
            state.isChanged = false
            state.facts.commitCount += 1
            lookAgain()
            return
        }
        // A store in memory gives its pages back, and the log goes on: to make it again changes nothing.
        let goesOn = state.isInMemory && !state.wantsStoreCommit && state.log?.hasRoom == true
        try commitStore(renews: !goesOn)
    }

    /// Makes everything durable in the store, so that the log has nothing: at the end, before a copy, after a quiet while.
    ///
    /// - Throws: `StoreError` when nothing of the turn was kept; what was durable before is.
    public mutating func settle() throws(StoreError) {
        guard !isSettled else { return }
        _ = unsafe openTransaction()
        try commitStore(renews: true)
    }

    /// - Parameter renews: With it the log is void, else it goes on with the turn.
    private mutating func commitStore(renews: Bool) throws(StoreError) {
        defer { state.failure = nil }
        let changeCount = state.changeCount
        var generation: UInt64 = 0
        if renews, state.failure == nil { generation = renewGeneration() }
        if state.failure == nil {
            closeCursors()
            // Frees the transaction, also when it fails.
            let code = unsafe mdb_txn_commit(state.transaction)
            unsafe state.transaction = nil
            if code != 0 { fail(code) }
        }
        abortTransaction()
        if let failure = state.failure {
            state.log?.forgetTurn()
            state.wantsStoreCommit = true
            noteFailure(failure)
            throw failure
        }
        state.needsReplay = false
        state.facts.storeCommitCount += 1
        noteWritten(changeCount)
        lookAgain()
        if !renews, state.log?.appendTurn() != true {
            _ = unsafe openTransaction()
            return try commitStore(renews: true)
        }
        state.facts.commitCount += 1
        state.wantsStoreCommit = false
        guard renews else { return }
        // What the log has is worth something until the copy has it too.
        if state.isInMemory { state.nextGeneration = generation }
        state.log?.begin(state.isInMemory ? 0 : generation)
    }

    private func noteFailure(_ failure: StoreError) {
        state.facts.failedCommitCount += 1
        if failure == .full {
            state.hasRoom = false
            state.hasReserve = false
        }
        state.commitsToLook = 0
    }

    /// Writes a compact copy of the whole store; the result is errno or LMDB's.
    func copy(to descriptor: Int32) -> Int32 {
        unsafe mdb_env_copyfd2(state.environment, descriptor, UInt32(MDB_CP_COMPACT))
    }

    // MARK: StorePort

    /// True when something was found that is not what was written.
    public var hasDamage: Bool { state.damagedCount > 0 }

    /// The key of such a record, each once.
    public mutating func takeDamaged() -> InlineBytes<112>? { state.takeDamaged() }

    /// The number of changes since the store was opened.
    public var changeCount: UInt64 { state.facts.changeCount }

    /// The value of a key, in place; nil too when it is not what was written.
    @_lifetime(borrow self)
    public func value(for key: Span<UInt8>) -> Span<UInt8>? {
        guard let stored = stored(for: key) else { return nil }
        return unseal(stored, of: key)
    }

    /// A value without its seal; nil, and a note of it, when it is not what was written.
    @_lifetime(copy stored)
    private func unseal(_ stored: Span<UInt8>, of key: Span<UInt8>) -> Span<UInt8>? {
        guard state.isSealed else { return stored }
        guard stored.count >= Seal.byteCount else {
            state.noteDamage(key)
            return nil
        }
        let mark = unsafe stored.withUnsafeBytes { octets in
            let seal = unsafe octets.loadUnaligned(fromByteOffset: octets.count - Seal.byteCount, as: UInt32.self)
            return unsafe Environment.mark(octets.baseAddress, octets.count, seal)
        }
        if state.verified.has(mark) { return stored.extracting(0..<stored.count - Seal.byteCount) }
        guard let value = Seal.open(stored, of: key) else {
            state.noteDamage(key)
            return nil
        }
        state.verified.note(mark)
        return value
    }

    /// Where a value lies, how long it is with its seal, and that: another one may come to lie there.
    private static func mark(_ place: UnsafeRawPointer?, _ count: Int, _ seal: UInt32) -> UInt {
        UInt(bitPattern: place) &* 31 &+ UInt(bitPattern: count) ^ UInt(seal) &* 0x9E37_79B1
    }

    /// What lies under a key, with its seal.
    @_lifetime(borrow self)
    func stored(for key: Span<UInt8>) -> Span<UInt8>? {
        guard let cursor = unsafe cursor(for: key) else { return nil }
        var value = unsafe MDB_val()
        let code = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe Environment.value(buffer)
            return unsafe mdb_cursor_get(cursor, &key, &value, MDB_SET)
        }
        guard code == 0 else {
            if code != MDB_NOTFOUND { fail(code) }
            return nil
        }
        return unsafe _overrideLifetime(Environment.span(value), borrowing: self)
    }

    /// The entry with the lowest key that is not below `key`, of those that are what was written.
    @_lifetime(borrow self)
    public func entry(atOrAfter key: Span<UInt8>) -> StoreEntry? {
        // LMDB has no key of no octets, and the first one is our own.
        let first = InlineArray<1, UInt8>(repeating: Environment.generationKey + 1)
        return key.count == 0 ? entry(MDB_SET_RANGE, first.span) : entry(MDB_SET_RANGE, key)
    }

    /// The entry with the highest key below `key`, of those that are what was written.
    @_lifetime(borrow self)
    public func entry(before key: Span<UInt8>) -> StoreEntry? {
        // From the first entry that is not below it one step back; from behind the end to the last one.
        let operation = find(MDB_SET_RANGE, key) == nil ? MDB_LAST : MDB_PREV
        guard let found = entry(operation, key), found.key[0] != Environment.generationKey else { return nil }
        return found
    }

    @_lifetime(borrow self)
    private func entry(_ operation: MDB_cursor_op, _ key: Span<UInt8>) -> StoreEntry? {
        var found = find(operation, key)
        while let entry = found {
            if let value = unseal(entry.value, of: entry.key) { return StoreEntry(key: entry.key, value: value) }
            found = find(operation == MDB_SET_RANGE ? MDB_NEXT : MDB_PREV, key)
        }
        return nil
    }

    /// What lies there, with its seal.
    ///
    /// - Parameter key: What the cursor goes to, or where it was sent to before.
    @_lifetime(borrow self)
    func find(_ operation: MDB_cursor_op, _ key: Span<UInt8>) -> StoreEntry? {
        guard let cursor = unsafe cursor(for: key) else { return nil }
        var found = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe key.withUnsafeBufferPointer { buffer in
            unsafe found = Environment.value(buffer)
            return unsafe mdb_cursor_get(cursor, &found, &value, operation)
        }
        guard code == 0 else {
            if code != MDB_NOTFOUND { fail(code) }
            return nil
        }
        let entry = unsafe StoreEntry(key: Environment.span(found), value: Environment.span(value))
        // Pages that lie in each other's place lead whoever goes through them in a circle.
        guard operation != MDB_SET_RANGE || !entry.key.isBelow(key) else {
            fail(MDB_CORRUPTED)
            return nil
        }
        return unsafe _overrideLifetime(entry, borrowing: self)
    }

    /// Gives a key a value.
    public mutating func put(_ key: Span<UInt8>, _ value: borrowing FixedBytes) {
        guard let cursor = unsafe cursor(for: key) else { return }
        let code = unsafe write(key, value.span) { key, place in
            unsafe mdb_cursor_put(cursor, &key, &place, UInt32(MDB_RESERVE))
        }
        state.log?.note(key, value.span)
        noteChange(code)
    }

    private func put(_ key: Span<UInt8>, _ value: Span<UInt8>, _ transaction: OpaquePointer?) -> Int32 {
        unsafe write(key, value) { [database = state.database] key, place in
            unsafe mdb_put(transaction, database, &key, &place, UInt32(MDB_RESERVE))
        }
    }

    /// Has LMDB make room for a value and its seal, and fills it.
    private func write(
        _ key: Span<UInt8>, _ value: Span<UInt8>, _ reserve: (inout MDB_val, inout MDB_val) -> Int32
    ) -> Int32 {
        let sealCount = state.isSealed ? Seal.byteCount : 0
        return unsafe key.withUnsafeBufferPointer { keyBuffer in
            var name = unsafe Environment.value(keyBuffer)
            var place = unsafe MDB_val(mv_size: value.count + sealCount, mv_data: nil)
            let code = unsafe reserve(&name, &place)
            guard code == 0, let data = unsafe place.mv_data else { return code }
            unsafe value.withUnsafeBufferPointer { buffer in
                guard let first = buffer.baseAddress else { return }
                unsafe data.copyMemory(from: first, byteCount: buffer.count)
            }
            if sealCount > 0 {
                let seal = Seal.of(key, value).bigEndian
                unsafe data.storeBytes(of: seal, toByteOffset: value.count, as: UInt32.self)
                state.verified.note(unsafe Environment.mark(data, value.count + sealCount, seal))
            }
            return 0
        }
    }

    /// Takes a key away; false when it was not there.
    @discardableResult
    public mutating func delete(_ key: Span<UInt8>) -> Bool {
        guard let cursor = unsafe cursor(for: key) else { return false }
        var code = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe Environment.value(buffer)
            return unsafe mdb_cursor_get(cursor, &key, nil, MDB_SET)
        }
        if code == MDB_NOTFOUND { return false }
        if code == 0 { code = unsafe mdb_cursor_del(cursor, 0) }
        state.log?.note(key, nil)
        noteChange(code)
        return code == 0
    }

    private static func delete(_ key: Span<UInt8>, _ transaction: OpaquePointer?, _ database: MDB_dbi) -> Int32 {
        unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe Environment.value(buffer)
            return unsafe mdb_del(transaction, database, &key, nil)
        }
    }

    private func noteChange(_ code: Int32) {
        state.facts.changeCount += 1
        state.changeCount += 1
        state.isChanged = true
        if code != 0 { fail(code) }
    }

    private static func value(_ buffer: UnsafeBufferPointer<UInt8>) -> MDB_val {
        unsafe MDB_val(mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
    }

    @_lifetime(immortal)
    private static func span(_ value: MDB_val) -> Span<UInt8> {
        guard let data = unsafe value.mv_data else { return Span() }
        let start = unsafe data.assumingMemoryBound(to: UInt8.self)
        return unsafe _overrideLifetime(Span(_unsafeStart: start, count: value.mv_size), copying: ())
    }
}
