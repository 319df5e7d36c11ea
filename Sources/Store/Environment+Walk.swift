import CLMDB
import IMPSEngine
import Octets

/// What lies in the store as it lies there, for who looks whether it is what was written. LMDB believes its pages, so this
/// is for a process that may die of it.
extension Environment {
    /// True when the values have seals; without them nobody knows what was written.
    public var isSealed: Bool { state.isSealed }

    /// Turns that lie in the log behind a place that cannot be read, and are lost.
    public var lostTurnCount: Int { state.log?.lostTurnCount ?? 0 }

    /// True when the log has turns that the store has not.
    public var hasTurns: Bool { state.log?.hasTurns == true }

    /// Tells each change of the log, in their order; false when it cannot be read any more or `change` says so.
    public func tellTurns(_ change: (_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool) -> Bool {
        state.log?.replay(change) ?? true
    }

    /// Records that the tree says it has.
    public var recordCount: Int {
        var tree = MDB_stat()
        guard let transaction = unsafe openTransaction(), unsafe mdb_stat(transaction, state.database, &tree) == 0
        else {
            return 0
        }
        return tree.ms_entries
    }

    /// Octets that a new store with the same records takes, as far as this one's trees are what they say.
    public var treeByteCount: UInt64 { state.treePageCount * state.facts.pageByteCount }

    /// The error that nothing can be read for; 0 when there is none.
    public var failureCode: Int32 {
        switch state.failure {
        case nil: return 0
        case .full: return MDB_MAP_FULL
        case .failed(let code): return code
        }
    }

    /// The first record from `key` on, whatever its value is.
    @_lifetime(borrow self)
    public func stored(atOrAfter key: Span<UInt8>) -> StoreEntry? { find(MDB_SET_RANGE, key) }

    /// What lies behind the record that was found last, on the way that began with a key of the same letter.
    @_lifetime(borrow self)
    public func storedNext(_ key: Span<UInt8>) -> StoreEntry? { find(MDB_NEXT, key) }

    /// The value of such a record; nil when it is not what was written.
    @_lifetime(copy entry)
    public func value(of entry: StoreEntry) -> Span<UInt8>? {
        state.isSealed ? Seal.open(entry.value, of: entry.key) : entry.value
    }

    /// True for the record that is the store's own.
    public static func isOwn(_ key: Span<UInt8>) -> Bool { key.count == 1 && key[0] == generationKey }
}
