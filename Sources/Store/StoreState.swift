import CLMDB
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
    /// Turns whose changes were made durable since the store was opened, in the log or in the store.
    public var commitCount: UInt64 = 0
    /// Those of them that were commits of the store, each with all that lay in the log.
    public var storeCommitCount: UInt64 = 0
    /// Turns that were not kept.
    public var failedCommitCount: UInt64 = 0
    /// Changes since the store was opened.
    public var changeCount: UInt64 = 0
    /// Octets written to the volume since the store was opened: pages of the store, sectors of the log.
    public var writtenByteCount: UInt64 = 0
    /// Octets of the log with changes that the store has not yet.
    public var logByteCount: UInt64 = 0
    /// Octets that the log has room for; 0 without one.
    public var logByteCountMax: UInt64 = 0
}

/// What an `Environment` has: one object, so that reading may begin the transaction too.
@safe
final class StoreState {
    var environment: OpaquePointer?
    var transaction: OpaquePointer?
    static var cursorCount: Int { 7 }
    /// Cursors of the transaction, by the first octet of a key: those that have the same lie together, so the next one is
    /// mostly on the page of the one before, where LMDB finds it without a way through the tree.
    var cursors = unsafe InlineArray<7, OpaquePointer?>(repeating: nil)
    /// A reading transaction and its cursor over the list of free pages, taken once and renewed for each look.
    var reader: OpaquePointer?
    var readerCursor: OpaquePointer?
    var database: MDB_dbi = 0
    var failure: StoreError?
    var isChanged = false
    var hasRoom = true
    var hasReserve = true
    /// Turns until room is looked at again.
    var commitsToLook = 0
    var log: RedoLog?
    /// Changes in the transaction, and how many it may have: what they touch is kept in memory until the commit.
    var changeCount = 0
    var changeCountMax = 0
    /// Changed pages that may be kept in memory.
    var pageCountMax = 0
    /// It lies in memory, and its log on the volume.
    var isInMemory = false
    /// It is only read, and without what the log has.
    var isReading = false
    /// What the log is called once the store in memory is copied; 0 when it has a name.
    var nextGeneration: UInt64 = 0
    /// The transaction that begins next has to begin with what the log has.
    var needsReplay = false
    /// Something failed that the next commit of the store may mend.
    var wantsStoreCommit = false
    /// Its values have seals; those of the schemas before 5 have none.
    var isSealed = true
    var verified = VerifiedPlaces()
    /// Keys whose records are not what was written, and that nobody was told of yet; those that find no room are found again.
    private var damaged = InlineArray<8, InlineBytes<112>>(repeating: InlineBytes())
    private(set) var damagedCount = 0
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

    func noteDamage(_ key: Span<UInt8>) {
        guard damagedCount < damaged.count, let key = InlineBytes<112>(key) else { return }
        for index in 0..<damagedCount where damaged[index].span.equals(key.span) { return }
        damaged[damagedCount] = key
        damagedCount += 1
    }

    func takeDamaged() -> InlineBytes<112>? {
        guard damagedCount > 0 else { return nil }
        damagedCount -= 1
        return damaged[damagedCount]
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
