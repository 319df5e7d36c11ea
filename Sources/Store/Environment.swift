import CLMDB
import CLibC
import IMPSEngine
import Octets

/// Why a store cannot be opened.
public enum StoreOpenError: Error {
    /// Another process has it open.
    case inUse
    /// The lock file or the data file cannot be made or read; the code is errno or LMDB's.
    case failed(Int32)
}

/// What the operator sees of a store.
public struct StoreFacts: Sendable {
    /// Octets of a page.
    public var pageByteCount: UInt64 = 0
    /// Pages that the map has room for.
    public var pageCountMax: UInt64 = 0
    /// Pages that were ever used.
    public var pageCount: UInt64 = 0
    /// Commits since the store was opened.
    public var commitCount: UInt64 = 0
    /// Commits that failed.
    public var failedCommitCount: UInt64 = 0
    /// Changes since the store was opened.
    public var changeCount: UInt64 = 0
}

/// The store in LMDB: one file, one unnamed database, one write transaction a turn.
///
/// The transaction begins with the first access and ends with `commit`; a turn that does not touch the store costs
/// nothing. Values are read in place from the map: they are valid until the next change, which their lifetime says.
///
/// Every LMDB handle here has one owner, this structure, and is used by one thread. That is why each `unsafe` below is
/// sound: keys and values are passed as pointers that live through the call, and results are copied or borrowed from
/// the map before the transaction can change.
@safe
public struct Environment: ~Copyable, StorePort {
    /// One object, so that reading may begin the transaction too.
    @safe
    private final class State {
        var environment: OpaquePointer?
        var transaction: OpaquePointer?
        var cursor: OpaquePointer?
        var database: MDB_dbi = 0
        var failure: StoreError?
        var isChanged = false
        var hasRoom = true
        /// Commits until room is looked at again.
        var commitsToLook = 0
        var facts = StoreFacts()
        var lock: Int32 = -1
    }

    private let state = State()
    private let path: UnsafeMutablePointer<CChar>

    // MARK: Opening

    /// Opens or makes the store in a folder.
    ///
    /// - Parameters:
    ///   - folder: Where `store.mdb` and its lock lie, with a zero at the end.
    ///   - byteCountMax: The size of the map in octets; less when the volume has not that much room.
    /// - Throws: `StoreOpenError.inUse` when another process has it open.
    public init(folder: Span<UInt8>, byteCountMax: UInt64) throws(StoreOpenError) {
        unsafe path = .allocate(capacity: folder.count + 32)
        unsafe Environment.join(folder, "/store.lock", path)
        let lock = unsafe libc_open(path, O_RDWR | O_CREAT, 0o600)
        state.lock = lock
        guard lock >= 0 else { throw .failed(libc_errno()) }
        guard libc_flock(lock) == 0 else { throw .inUse }
        unsafe Environment.join(folder, "/store.mdb", path)
        try open(byteCountMax)
    }

    private static func join(_ folder: Span<UInt8>, _ name: StaticString, _ path: UnsafeMutablePointer<CChar>) {
        var count = 0
        for index in folder.indices where folder[index] != 0 {
            unsafe path[count] = CChar(bitPattern: folder[index])
            count += 1
        }
        let name = name.octets
        for index in name.indices {
            unsafe path[count] = CChar(bitPattern: name[index])
            count += 1
        }
        unsafe path[count] = 0
    }

    private func open(_ byteCountMax: UInt64) throws(StoreOpenError) {
        try unsafe check(mdb_env_create(&state.environment))
        try unsafe check(mdb_env_set_maxreaders(state.environment, 4))
        try unsafe check(mdb_env_set_mapsize(state.environment, mapByteCount(byteCountMax)))
        // NOTLS: no thread-local reader slot. Never WRITEMAP or NOSYNC: they lose what was acknowledged.
        let flags = UInt32(MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
        try unsafe check(mdb_env_open(state.environment, path, flags, 0o600))
        try unsafe check(mdb_txn_begin(state.environment, nil, 0, &state.transaction))
        try unsafe check(mdb_dbi_open(state.transaction, nil, 0, &state.database))
        let code = unsafe mdb_txn_commit(state.transaction)
        unsafe state.transaction = nil
        try check(code)
        look()
    }

    private func check(_ code: Int32) throws(StoreOpenError) {
        guard code == 0 else { throw .failed(code) }
    }

    /// At most 60 % of what the volume has, counting what the file has already; whole pages.
    private func mapByteCount(_ wanted: UInt64) -> Int {
        let free = libc_volume_free(state.lock)
        var facts = stat()
        let present = unsafe stat(path, &facts) == 0 ? UInt64(max(0, facts.st_size)) : 0
        let available = free == .max ? wanted : present + free / 10 * 6
        let byteCount = max(1 << 18, min(wanted, available))
        return Int(byteCount & ~0xFFFF)
    }

    deinit {
        abortTransaction()
        unsafe mdb_env_close(state.environment)
        if state.lock >= 0 { _ = close(state.lock) }
        unsafe path.deallocate()
    }

    // MARK: Transaction

    /// The transaction of the turn; nil when it cannot begin, which makes the turn fail.
    private func transaction() -> OpaquePointer? {
        if let open = unsafe state.transaction { return unsafe open }
        guard state.failure == nil else { return nil }
        let code = unsafe mdb_txn_begin(state.environment, nil, 0, &state.transaction)
        guard code == 0 else {
            fail(code)
            return nil
        }
        return unsafe state.transaction
    }

    private func cursor() -> OpaquePointer? {
        if let open = unsafe state.cursor { return unsafe open }
        guard let transaction = unsafe transaction() else { return nil }
        let code = unsafe mdb_cursor_open(transaction, state.database, &state.cursor)
        guard code == 0 else {
            fail(code)
            return nil
        }
        return unsafe state.cursor
    }

    private func fail(_ code: Int32) {
        guard state.failure == nil else { return }
        let isFull = code == MDB_MAP_FULL || code == MDB_TXN_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG
        state.failure = isFull ? .full : .failed(code)
    }

    private func abortTransaction() {
        if let cursor = unsafe state.cursor { unsafe mdb_cursor_close(cursor) }
        if let transaction = unsafe state.transaction { unsafe mdb_txn_abort(transaction) }
        unsafe state.cursor = nil
        unsafe state.transaction = nil
        state.isChanged = false
    }

    /// True when the turn changed something.
    public var isChanged: Bool { state.isChanged }

    /// Makes everything that was changed since the last commit durable; without a change it only ends the transaction.
    ///
    /// - Throws: `StoreError` when nothing of it was kept.
    public mutating func commit() throws(StoreError) {
        defer { state.failure = nil }
        guard state.isChanged, state.failure == nil else {
            abortTransaction()
            if let failure = state.failure {
                noteFailure(failure)
                throw failure
            }
            return
        }
        if let cursor = unsafe state.cursor { unsafe mdb_cursor_close(cursor) }
        unsafe state.cursor = nil
        // Frees the transaction, also when it fails.
        let code = unsafe mdb_txn_commit(state.transaction)
        unsafe state.transaction = nil
        state.isChanged = false
        guard code == 0 else {
            fail(code)
            let failure = state.failure ?? .failed(code)
            noteFailure(failure)
            throw failure
        }
        state.facts.commitCount += 1
        state.commitsToLook -= 1
        if state.commitsToLook <= 0 { look() }
    }

    private func noteFailure(_ failure: StoreError) {
        state.facts.failedCommitCount += 1
        if failure == .full { state.hasRoom = false }
        state.commitsToLook = 0
    }

    // MARK: Room

    /// False when new messages have to be refused: what is left is for taking messages away, which needs pages too.
    public var hasRoom: Bool { state.hasRoom }

    /// Looks at the map and the volume again; the shell calls it while there is no room and nothing is committed.
    public mutating func lookForRoom() { look() }

    private func look() {
        var info = unsafe MDB_envinfo()
        var statistics = MDB_stat()
        unsafe mdb_env_info(state.environment, &info)
        unsafe mdb_env_stat(state.environment, &statistics)
        let pageByteCount = UInt64(statistics.ms_psize)
        let most = unsafe UInt64(info.me_mapsize) / pageByteCount
        let used = unsafe UInt64(info.me_last_pgno) + 1
        state.facts.pageByteCount = pageByteCount
        state.facts.pageCountMax = most
        state.facts.pageCount = used
        let reserve = max(32, most * 15 / 100)
        let fresh = min(most - min(most, used), libc_volume_free(state.lock) / pageByteCount)
        let room = fresh > reserve ? fresh : fresh + freePageCount()
        state.hasRoom = room > reserve
        // A commit of a full turn may take a hundred pages; far from the end it is enough to look now and then.
        state.commitsToLook = room > reserve + 4096 ? 16 : 1
    }

    /// Pages that LMDB can use again.
    private func freePageCount() -> UInt64 {
        var transaction: OpaquePointer?
        guard unsafe mdb_txn_begin(state.environment, nil, UInt32(MDB_RDONLY), &transaction) == 0 else {
            return 0
        }
        defer { unsafe mdb_txn_abort(transaction) }
        var cursor: OpaquePointer?
        // The list of free pages is database 0; each value begins with its count.
        guard unsafe mdb_cursor_open(transaction, 0, &cursor) == 0 else { return 0 }
        defer { unsafe mdb_cursor_close(cursor) }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        var count: UInt64 = 0
        while unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0 {
            guard let data = unsafe value.mv_data, unsafe value.mv_size >= MemoryLayout<Int>.size else { continue }
            count += unsafe UInt64(data.load(as: Int.self))
        }
        return count
    }

    /// What the operator sees.
    public var facts: StoreFacts { state.facts }

    // MARK: StorePort

    /// The number of changes since the store was opened.
    public var changeCount: UInt64 { state.facts.changeCount }

    /// The value of a key, in place.
    @_lifetime(borrow self)
    public func value(for key: Span<UInt8>) -> Span<UInt8>? {
        guard let transaction = unsafe transaction() else { return nil }
        var value = unsafe MDB_val()
        let code = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe Environment.value(buffer)
            return unsafe mdb_get(transaction, state.database, &key, &value)
        }
        guard code == 0 else {
            if code != MDB_NOTFOUND { fail(code) }
            return nil
        }
        return unsafe _overrideLifetime(Environment.span(value), borrowing: self)
    }

    /// The entry with the lowest key that is not below `key`.
    @_lifetime(borrow self)
    public func entry(atOrAfter key: Span<UInt8>) -> StoreEntry? {
        // LMDB has no key of no octets; the lowest is asked for instead.
        key.count == 0 ? entry(MDB_FIRST, key) : entry(MDB_SET_RANGE, key)
    }

    /// The entry with the highest key below `key`.
    @_lifetime(borrow self)
    public func entry(before key: Span<UInt8>) -> StoreEntry? {
        // From the first entry that is not below it one step back; from behind the end to the last one.
        let operation = entry(MDB_SET_RANGE, key) == nil ? MDB_LAST : MDB_PREV
        return entry(operation, key)
    }

    @_lifetime(borrow self)
    private func entry(_ operation: MDB_cursor_op, _ key: Span<UInt8>) -> StoreEntry? {
        guard let cursor = unsafe cursor() else { return nil }
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
        return unsafe _overrideLifetime(entry, borrowing: self)
    }

    /// Gives a key a value.
    public mutating func put(_ key: Span<UInt8>, _ value: borrowing FixedBytes) {
        guard let transaction = unsafe transaction() else { return }
        let code = unsafe key.withUnsafeBufferPointer { keyBuffer in
            unsafe value.span.withUnsafeBufferPointer { valueBuffer in
                var key = unsafe Environment.value(keyBuffer)
                var value = unsafe Environment.value(valueBuffer)
                return unsafe mdb_put(transaction, state.database, &key, &value, 0)
            }
        }
        noteChange(code)
    }

    /// Takes a key away; false when it was not there.
    @discardableResult
    public mutating func delete(_ key: Span<UInt8>) -> Bool {
        guard let transaction = unsafe transaction() else { return false }
        let code = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe Environment.value(buffer)
            return unsafe mdb_del(transaction, state.database, &key, nil)
        }
        if code == MDB_NOTFOUND { return false }
        noteChange(code)
        return code == 0
    }

    private func noteChange(_ code: Int32) {
        state.facts.changeCount += 1
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
