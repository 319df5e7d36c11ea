import CLMDB
import CLibC

/// How much room there is, and what is written.
extension Environment {
    // MARK: Room

    /// False when new messages have to be refused: what is left is for taking messages away, which needs pages too.
    public var hasRoom: Bool { state.hasRoom }

    /// False when not even a small message may be taken from somebody who has none in the store.
    public var hasReserve: Bool { state.hasReserve }

    /// Octets of the map.
    public var byteCountMax: UInt64 { state.facts.pageByteCount * state.facts.pageCountMax }

    /// Looks at the map and the volume again; the shell calls it while there is no room and nothing is committed.
    public mutating func lookForRoom() { look() }

    /// Looks when it is time: somebody else may fill the volume too.
    func lookAgain() {
        state.commitsToLook -= 1
        if state.commitsToLook <= 0 { look() }
    }

    func look() {
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
        // Near the end each turn is a commit, so that no turn is promised pages that are not there.
        if room <= reserve + 2 * UInt64(pageBudget) {
            state.changeCountMax = 0
        } else if state.changeCountMax == 0 {
            state.changeCountMax = pageBudget
        }
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
    public var facts: StoreFacts {
        var facts = state.facts
        facts.writtenByteCount += state.log?.writtenByteCount ?? 0
        facts.logByteCount = UInt64(state.log?.byteCount ?? 0)
        facts.logByteCountMax = UInt64(state.log?.byteCountMax ?? 0)
        return facts
    }

    // MARK: Wear

    /// Pages that a transaction should change at most: they are kept in memory until it is committed.
    ///
    /// That it does is an estimate, so it plans with fewer than there may be.
    var pageBudget: Int { min(state.pageCountMax * 4 / 5, max(8, Int(state.facts.pageCountMax / 8))) }

    /// Adds up what the commit wrote: LMDB never overwrites, so every page that it gave back has a new one in its place,
    /// and so has every page by which the trees grew; one of the two pages of the file's head comes with each commit.
    ///
    /// It tells too how many changes go with how many pages. A change alone may touch a page; of many, most touch the same.
    func noteWritten(_ changeCount: Int) {
        let pages = pagesOfCommit()
        let written = pages.freed + pages.trees - min(pages.freed + pages.trees, state.treePageCount) + 1
        state.treePageCount = pages.trees
        if !state.isInMemory { state.facts.writtenByteCount += written * state.facts.pageByteCount }
        if changeCount > pageBudget / 2 {
            let next = changeCount * pageBudget / Int(written) * 7 / 8
            state.changeCountMax = min(16 * pageBudget, max(pageBudget, next))
        }
    }

    /// Pages that the last commit gave back, and those of both trees after it.
    func pagesOfCommit() -> (freed: UInt64, trees: UInt64) {
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
}
