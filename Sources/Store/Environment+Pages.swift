import CLMDB
import Octets

/// Which pages of the store are in use, and which are free. LMDB asks neither whether a page is the one that it looked for,
/// nor whether a free one is in use: it would overwrite it.
extension Environment {
    /// Whether each page with records, as far as one can be told from outside, is where its number says, is in the tree once,
    /// and is not free; and whether the free ones are as many as the trees leave.
    ///
    /// - Parameter used: Takes the pages in use, a bit for each; 0 before, and long enough for the file.
    public func hasSoundPages(_ used: inout Slab<UInt8>) -> Bool {
        let trees = pagesOfCommit().trees
        guard let end = pageEnd, end <= used.count * 8, state.beginReading() else { return false }
        var pages = PagesInUse(pageByteCount: Int(state.facts.pageByteCount), end: end)
        defer { state.endReading() }
        var cursor: OpaquePointer?
        guard unsafe mdb_cursor_open(state.reader, state.database, &cursor) == 0 else { return false }
        defer { unsafe mdb_cursor_close(cursor) }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        while unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0 {
            guard let data = unsafe value.mv_data, unsafe pages.note(data, &used) else { return false }
        }
        pages.last = 0
        while unsafe mdb_cursor_get(state.readerCursor, &key, &value, MDB_NEXT) == 0 {
            guard let data = unsafe value.mv_data, unsafe pages.note(data, &used) else { return false }
        }
        return hasSoundFreeList(pages, used, trees: Int(trees))
    }

    /// Notes the pages that are free, a bit for each; false when nobody knows which are.
    ///
    /// - Parameter free: 0 before, and long enough for the file; what lies behind is left out.
    public func noteFreePages(_ free: inout Slab<UInt8>) -> Bool {
        let trees = pagesOfCommit().trees
        guard let end = pageEnd, state.beginReading() else { return false }
        defer { state.endReading() }
        var count = 0
        let isRead = tellFree(end) { page in
            count += 1
            if page / 8 < free.count { free[page / 8] |= 1 << UInt8(page % 8) }
            return true
        }
        return isRead && count + Int(trees) + 2 == end
    }

    /// The number of the first page that there is not; nil when it is none.
    private var pageEnd: Int? {
        var info = unsafe MDB_envinfo()
        unsafe mdb_env_info(state.environment, &info)
        let end = unsafe info.me_last_pgno &+ 1
        return end > 1 && end < 1 << 30 ? end : nil
    }

    /// The transaction for reading has begun.
    private func hasSoundFreeList(_ pages: PagesInUse, _ used: borrowing Slab<UInt8>, trees: Int) -> Bool {
        var count = 0
        let isRead = tellFree(pages.end) { page in
            count += 1
            return used[page / 8] >> UInt8(page % 8) & 1 == 0
        }
        return isRead && count + trees + 2 == pages.end
    }

    /// Tells each free page; false when the list is none, or `take` says so. The transaction for reading has begun.
    private func tellFree(_ end: Int, _ take: (Int) -> Bool) -> Bool {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let size = MemoryLayout<Int>.size
        var code = unsafe mdb_cursor_get(state.readerCursor, &key, &value, MDB_FIRST)
        while code == 0 {
            guard let data = unsafe value.mv_data, unsafe value.mv_size >= size else { return false }
            let free = unsafe data.load(as: Int.self)
            guard free >= 0, unsafe free < value.mv_size / size else { return false }
            // The highest is first.
            var last = end
            for index in 0..<free {
                let page = unsafe data.load(fromByteOffset: (index + 1) * size, as: Int.self)
                guard page >= 2, page < last, take(page) else { return false }
                last = page
            }
            code = unsafe mdb_cursor_get(state.readerCursor, &key, &value, MDB_NEXT)
        }
        return code == MDB_NOTFOUND
    }
}

/// Pages by the numbers that they bear, and whether they lie there.
private struct PagesInUse {
    let pageByteCount: Int
    /// The number of the first page that there is not.
    let end: Int
    /// The page that was noted last, by its place: many records lie in one.
    var last = 0
    /// Where page 0 lies, as the first page says.
    private var base: Int?

    init(pageByteCount: Int, end: Int) {
        self.pageByteCount = pageByteCount
        self.end = end
    }

    /// Notes the page of a value; false when it cannot be.
    mutating func note(_ data: UnsafeMutableRawPointer, _ used: inout Slab<UInt8>) -> Bool {
        let place = Int(bitPattern: data) & ~(pageByteCount - 1)
        if place == last { return true }
        last = place
        // A page begins with its number.
        guard let start = unsafe UnsafeRawPointer(bitPattern: place) else { return false }
        let number = unsafe start.load(as: Int.self)
        guard number >= 2, number < end else { return false }
        let base = base ?? place - number * pageByteCount
        self.base = base
        guard base == place - number * pageByteCount, used[number / 8] >> UInt8(number % 8) & 1 == 0 else {
            return false
        }
        used[number / 8] |= 1 << UInt8(number % 8)
        return true
    }
}
