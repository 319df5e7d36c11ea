import CLMDB
import CLibC
import Files
import IMPSEngine
import Octets

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
    /// Octets that commits wrote to the volume since the store was opened, in whole pages.
    public var writtenByteCount: UInt64 = 0
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
        /// A reading transaction and its cursor over the list of free pages, taken once and renewed for each look.
        var reader: OpaquePointer?
        var readerCursor: OpaquePointer?
        var database: MDB_dbi = 0
        var failure: StoreError?
        var isChanged = false
        var hasRoom = true
        var hasReserve = true
        /// Commits until room is looked at again.
        var commitsToLook = 0
        var facts = StoreFacts()
        /// Pages of both trees after the last commit.
        var treePageCount: UInt64 = 0

        /// Opens the file; the result is errno or LMDB's.
        func open(_ path: UnsafePointer<CChar>, _ mapByteCount: Int) -> Int32 {
            var code = unsafe mdb_env_create(&environment)
            guard code == 0 else { return code }
            unsafe mdb_env_set_mapsize(environment, mapByteCount)
            // NOLOCK: the folder's lock keeps other processes away, no reading outlives a commit, and a table of readers
            // would be one more file that is written. NOTLS: no thread-local reader slot. Never WRITEMAP or NOSYNC:
            // they lose what was acknowledged.
            let flags = UInt32(MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD)
            code = unsafe mdb_env_open(environment, path, flags, 0o600)
            guard code == 0 else { return code }
            code = unsafe mdb_txn_begin(environment, nil, 0, &transaction)
            guard code == 0 else { return code }
            code = unsafe mdb_dbi_open(transaction, nil, 0, &database)
            guard code == 0 else {
                unsafe mdb_txn_abort(transaction)
                unsafe transaction = nil
                return code
            }
            code = unsafe mdb_txn_commit(transaction)
            unsafe transaction = nil
            guard code == 0 else { return code }
            code = unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &reader)
            guard code == 0 else { return code }
            // The list of free pages is database 0.
            code = unsafe mdb_cursor_open(reader, 0, &readerCursor)
            unsafe mdb_txn_reset(reader)
            return code
        }

        /// Renews the reading transaction; false when that is not possible. `endReading` ends it.
        func beginReading() -> Bool {
            guard unsafe mdb_txn_renew(reader) == 0 else { return false }
            guard unsafe mdb_cursor_renew(reader, readerCursor) == 0 else {
                unsafe mdb_txn_reset(reader)
                return false
            }
            return true
        }

        func endReading() { unsafe mdb_txn_reset(reader) }
    }

    private let state = State()

    // MARK: Opening

    /// Opens or makes a store; the caller holds the lock of its folder.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - byteCountMax: The size of the map in octets; less when the volume has not that much room.
    public init(path: Span<UInt8>, byteCountMax: UInt64) throws(StoreOpenError) {
        let present = File.size(of: path) ?? 0
        let count = Environment.mapByteCount(byteCountMax, present: present, free: Environment.freeByteCount(at: path))
        let code = unsafe File.withPath(path) { [state] path in unsafe state.open(path, count) }
        guard code == 0 else { throw StoreOpenError(code: code) }
        state.treePageCount = pagesOfCommit().trees
        look()
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
        switch code {
        case MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT, EFBIG: state.failure = .full
        // LMDB says so when only a part of its pages could be written, which is how a volume becomes full.
        case EIO where libc_volume_free(descriptor) < 1 << 20: state.failure = .full
        default: state.failure = .failed(code)
        }
    }

    /// The data file's, for questions about its volume.
    private var descriptor: Int32 {
        var descriptor: Int32 = -1
        unsafe mdb_env_get_fd(state.environment, &descriptor)
        return descriptor
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
        noteWritten()
        state.commitsToLook -= 1
        if state.commitsToLook <= 0 { look() }
    }

    private func noteFailure(_ failure: StoreError) {
        state.facts.failedCommitCount += 1
        if failure == .full {
            state.hasRoom = false
            state.hasReserve = false
        }
        state.commitsToLook = 0
    }

    // MARK: Room

    /// False when new messages have to be refused: what is left is for taking messages away, which needs pages too.
    public var hasRoom: Bool { state.hasRoom }

    /// False when not even a small message may be taken from somebody who has none in the store.
    public var hasReserve: Bool { state.hasReserve }

    /// Octets of the map.
    public var byteCountMax: UInt64 { state.facts.pageByteCount * state.facts.pageCountMax }

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
        let fresh = min(most - min(most, used), libc_volume_free(descriptor) / pageByteCount)
        let room = fresh > reserve ? fresh : fresh + freePageCount()
        state.hasRoom = room > reserve
        state.hasReserve = room > reserve / 2
        // A commit of a full turn may take a hundred pages; far from the end it is enough to look now and then.
        state.commitsToLook = room > reserve + 4096 ? 16 : 1
    }

    /// Pages that LMDB can use again.
    private func freePageCount() -> UInt64 {
        guard state.beginReading() else { return 0 }
        defer { state.endReading() }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        var count: UInt64 = 0
        // Each value begins with its count.
        while unsafe mdb_cursor_get(state.readerCursor, &key, &value, MDB_NEXT) == 0 {
            guard let data = unsafe value.mv_data, unsafe value.mv_size >= MemoryLayout<Int>.size else { continue }
            count += unsafe UInt64(data.load(as: Int.self))
        }
        return count
    }

    /// What the operator sees.
    public var facts: StoreFacts { state.facts }

    // MARK: Wear

    /// Adds up what the commit wrote: LMDB never overwrites, so every page that it gave back has a new one in its place,
    /// and so has every page by which the trees grew; one of the two pages of the file's head comes with each commit.
    private func noteWritten() {
        let pages = pagesOfCommit()
        let written = pages.freed + pages.trees - min(pages.freed + pages.trees, state.treePageCount) + 1
        state.treePageCount = pages.trees
        state.facts.writtenByteCount += written * state.facts.pageByteCount
    }

    /// Pages that the last commit gave back, and those of both trees after it.
    private func pagesOfCommit() -> (freed: UInt64, trees: UInt64) {
        var info = unsafe MDB_envinfo()
        unsafe mdb_env_info(state.environment, &info)
        guard state.beginReading() else { return (0, 0) }
        defer { state.endReading() }
        var trees: UInt64 = 0
        for database in 0..<2 {
            var tree = MDB_stat()
            unsafe mdb_stat(state.reader, MDB_dbi(database), &tree)
            trees += UInt64(tree.ms_branch_pages + tree.ms_leaf_pages + tree.ms_overflow_pages)
        }
        // What a transaction gave back is kept under its number, and begins with the count of pages.
        var number = unsafe info.me_last_txnid
        let count = unsafe withUnsafeMutablePointer(to: &number) { number in
            var key = unsafe MDB_val(mv_size: MemoryLayout<Int>.size, mv_data: number)
            var value = unsafe MDB_val()
            guard unsafe mdb_cursor_get(state.readerCursor, &key, &value, MDB_SET) == 0, let data = unsafe value.mv_data
            else {
                return 0
            }
            return unsafe data.load(as: Int.self)
        }
        return (UInt64(count), trees)
    }

    /// Writes a compact copy of the whole store; the result is errno or LMDB's.
    func copy(to descriptor: Int32) -> Int32 {
        unsafe mdb_env_copyfd2(state.environment, descriptor, UInt32(MDB_CP_COMPACT))
    }

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
