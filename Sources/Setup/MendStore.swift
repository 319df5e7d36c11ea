import CLibC
import Configuration
import Files
import IMPSEngine
import Octets
import Store
import Transport

/// What was found when a store was looked through, and what became of it.
public struct StoreMending: Sendable {
    /// Why the store was left for another one.
    public var why: StaticString
    /// It was of a version whose values had no seals.
    public var isOlder = false
    /// Records that were carried.
    public var carried: UInt64 = 0
    /// Records that were not what was written; `impsctl check` tells which.
    public var damaged: UInt64 = 0
    /// Records that were there and could not be reached.
    public var missing: UInt64 = 0
    /// Records that were taken away because they were half without those.
    public var leftOut: UInt64 = 0
    /// Turns of the log that were lost.
    public var lostTurns: UInt64 = 0
    /// The damaged store was kept as `store.bad`.
    public var isKept = false
}

/// Looks through a store before anybody trusts it, in a child that may die of it, and carries what is whole into a new one
/// when it is not what was written.
struct StoreMender: ~Copyable {
    let folder: DataFolder
    let configuration: Configuration
    /// Seconds since 1970; what is set aside has them.
    let wall: WallTime

    /// Seconds that a child has to read, and to write some of it: a full store of 8 MB takes a fraction of one.
    private static var seconds: UInt32 { 10 }
    /// Seconds that it has when somebody waits for it who asked.
    private static var patientSeconds: UInt32 { 600 }
    /// Octets of the longest value, with its seal: no turn has more.
    private static var valueByteCountMax: Int { 1 << 16 }
    /// Octets of a store that is not looked through, because it would hold up the start.
    static var byteCountMax: UInt64 { 64 << 20 }
    /// Records that are carried with a commit.
    private static var batchCount: Int { 64 }

    /// Looks at the live store.
    ///
    /// - Parameters:
    ///   - always: Also when the process before ended as it should, and however large it is.
    ///   - mends: The engine could not work with it.
    /// - Returns: what was found; nil when there is no store, or it is too large to look at, or that took too long.
    func look(always: Bool, mends: Bool) throws(SetupError) -> WalkProgress? {
        do throws(StoreOpenError) {
            try folder.prepareLive()
        } catch {
            throw .store(error)
        }
        guard let size = folder.liveByteCount, size > 0, always || size <= StoreMender.byteCountMax,
            let progress = SharedProgress()
        else { return nil }
        progress.value.isUnusable = mends
        let end = inChild(seconds: always ? StoreMender.patientSeconds : StoreMender.seconds) { [folder] in
            guard let store = StoreMender.open(folder, head: nil, progress) else { return false }
            store.look(byteCount: size, always: always || mends, progress)
            return true
        }
        switch end {
        case .done: return progress.value
        case .barred, .late: return nil
        case .died:
            if progress.value.isBarred { return nil }
            if progress.value.code == 0 { progress.value.code = -1 }
            return progress.value
        }
    }

    /// - Parameter head: Which of its two heads alone; nil for what the store says itself.
    private static func open(_ folder: DataFolder, head: Int?, _ progress: SharedProgress) -> Environment? {
        do throws(StoreOpenError) {
            if let head { return try folder.openTrial(head: head) }
            return try folder.openReading()
        } catch {
            switch error {
            case .unreadable(let code): progress.value.code = code
            case .failed(let code) where code < 0 || code == EIO: progress.value.code = code
            case .failed, .inUse, .readOnly, .noRoom: progress.value.isBarred = true
            }
            return nil
        }
    }

    // MARK: Reading

    /// How the records of a damaged store are found.
    private enum Way {
        /// By the tree of one of its heads alone; nil for the one that counts.
        case tree(head: Int?)
        /// In all pages that are not free, as one of its heads says.
        case pages(head: Int?)
        /// Accounts, in all pages. They may be older ones, but without them nobody can come back.
        case accounts
    }

    /// Tells the records that can be found in a way, and then the changes of the log.
    ///
    /// - Parameters:
    ///   - count: How many records are read at most.
    ///   - take: Hears each; without a value it is not what was written, or gone by the log. False ends it.
    /// - Returns: false when the records could not be gone through.
    private func tell(
        _ way: Way, _ count: UInt64, _ progress: SharedProgress,
        _ take: (_ key: Span<UInt8>, _ value: Span<UInt8>?, _ isLogged: Bool) -> Bool
    ) -> Bool {
        var left = count
        // It ends behind the last one, without a look at the next.
        func takeNext(_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool {
            left -= 1
            progress.value.told += 1
            return take(key, value, false) && left > 0
        }
        switch way {
        case .tree(let head):
            guard let source = open(head, progress), !progress.value.isUnsealed || source.isOlder else { return false }
            guard source.walk(takeNext) || left == 0 else { return false }
            _ = source.tellTurns { take($0, $1, true) }
            return true
        case .pages(let head):
            guard let source = open(head, progress) else { return false }
            let page = Int(source.facts.pageByteCount)
            var free = Memory.slab(Int(folder.liveByteCount ?? 0) / page / 8 + 1, UInt8.self)
            guard source.noteFreePages(&free) else { return false }
            guard scan(page, { free[$0 / 8] >> UInt8($0 % 8) & 1 == 0 }, takeNext) || left == 0 else { return false }
            _ = source.tellTurns { take($0, $1, true) }
            return true
        case .accounts:
            let isRead = scan(DataFolder.pageByteCount, { _ in true }) {
                !Engine<Environment>.isAccount($0) || takeNext($0, $1)
            }
            guard isRead || left == 0 else { return false }
            _ = folder.tellLog { take($0, $1, true) }
            return true
        }
    }

    private func scan(
        _ pageByteCount: Int, _ isUsed: (Int) -> Bool, _ take: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) -> Bool {
        let long = Memory.buffer(StoreMender.valueByteCountMax)
        guard var scan = folder.openScan(page: Memory.buffer(pageByteCount), long: long) else { return false }
        return scan.tell(isUsed, take)
    }

    private func open(_ head: Int?, _ progress: SharedProgress) -> Environment? {
        guard let source = StoreMender.open(folder, head: head, progress) else { return nil }
        progress.value.isUnsealed = !source.isSealed
        progress.value.expected = UInt64(source.recordCount)
        progress.value.byteCount = source.treeByteCount
        progress.value.isOpen = true
        return source
    }

    /// What a child finds in a way, before it ends or dies of it.
    private func count(_ way: Way) throws(SetupError) -> WalkProgress {
        var (found, end) = try goThrough(way, .max, writes: false)
        if end == .barred || found.isBarred { throw .write(0) }
        // There are more than it had time for.
        if end == .late { found.told = .max }
        return found
    }

    /// The way in which most is found, and what that is; nil when there is no account in any.
    private func bestWay() throws(SetupError) -> (way: Way, found: WalkProgress)? {
        var best: (way: Way, found: WalkProgress)?
        func consider(_ way: Way, _ found: WalkProgress) {
            // More than there are: then other pages are free than it says.
            if case .pages = way, found.whole > found.expected { return }
            if found.accounts > 0, found.whole > (best?.found.whole ?? 0) { best = (way, found) }
        }
        try consider(.tree(head: nil), count(.tree(head: nil)))
        try consider(.pages(head: nil), count(.pages(head: nil)))
        if let best, best.found.whole >= best.found.expected { return best }
        let trials: InlineArray<4, Way> = [.pages(head: 0), .pages(head: 1), .tree(head: 0), .tree(head: 1)]
        for index in trials.indices {
            do throws(SetupError) {
                try consider(trials[index], count(trials[index]))
            } catch {
                // A copy of the store finds no room.
            }
        }
        return best
    }

    // MARK: Carrying

    /// Carries what is whole into a new store and puts that in the place of the live one.
    ///
    /// A power cut begins it again or finds it done: the new store takes the place of the old one in one step. Where the new
    /// one finds no room, or no child can do the work, the old one is left as it is.
    ///
    /// - Returns: nil when there is no account among what can be read.
    func mend(_ found: WalkProgress) throws(SetupError) -> StoreMending? {
        if found.isComplete { return try end(carry(.tree(head: nil), .max, found.byteCount), found) }
        defer { folder.forgetTrial() }
        guard let (way, best) = try bestWay() else { return nil }
        folder.forgetTrial()
        return try end(carry(way, best.told, best.byteCount), found)
    }

    /// Does the same with the accounts alone, wherever they lie; what the log has of others goes with them.
    func mendAccounts(_ found: WalkProgress) throws(SetupError) -> StoreMending? {
        let accounts = try count(.accounts)
        return accounts.told > 0 ? try end(carry(.accounts, accounts.told, 0), found) : nil
    }

    private func end(_ carried: WalkProgress, _ found: WalkProgress) throws(SetupError) -> StoreMending {
        var mending = StoreMending(why: found.why, isOlder: found.isUnsealed)
        (mending.carried, mending.damaged) = try countFresh()
        mending.lostTurns = found.lostTurns
        let expected = max(carried.expected, found.expected)
        // A tree that says it has more than fits says nothing.
        if expected > carried.told, expected < (folder.liveByteCount ?? 0) / 8 {
            mending.missing = expected - carried.told
        }
        try finish(&mending)
        do throws(StoreOpenError) {
            try folder.becomeLive()
        } catch {
            throw .store(error)
        }
        return mending
    }

    /// Has a child put what it finds in a way into the new store. Where it cannot, the old one stays.
    ///
    /// - Parameters:
    ///   - count: How many records it reads; who counted them may have died behind these.
    ///   - byteCount: How much room they take.
    private func carry(_ way: Way, _ count: UInt64, _ byteCount: UInt64) throws(SetupError) -> WalkProgress {
        folder.forgetFresh()
        guard folder.hasRoom(byteCount: byteCount) else { throw .write(0) }
        let (carried, end) = try goThrough(way, count, writes: true)
        guard end == .done, !carried.isBarred else {
            folder.forgetFresh()
            throw .write(0)
        }
        return carried
    }

    private func goThrough(
        _ way: Way, _ count: UInt64, writes: Bool
    ) throws(SetupError) -> (found: WalkProgress, end: ChildEnd) {
        guard let progress = SharedProgress() else { throw .write(ENOMEM) }
        let end = inChild(seconds: StoreMender.seconds) { goThrough(way, count, writes: writes, progress) }
        return (progress.value, end)
    }

    /// In a child; false when it could not come to the end.
    private func goThrough(_ way: Way, _ count: UInt64, writes: Bool, _ progress: SharedProgress) -> Bool {
        var engine: Engine<Environment>?
        do throws(SetupError) {
            if writes { engine = try openFresh() }
        } catch {
            progress.value.isBarred = true
            return false
        }
        var changes = 0
        let isComplete = tell(way, count, progress) { key, value, isLogged in
            if !isLogged { progress.value.note(key, isWhole: value != nil) }
            guard engine != nil else { return !isLogged }
            if Environment.isOwn(key) { return true }
            if let value {
                engine?.carry(key, value)
            } else if isLogged {
                engine?.drop(key)
            } else {
                engine?.leaveBehind(key, wall)
            }
            changes += 1
            return changes % StoreMender.batchCount != 0 || keepPart(&engine, progress)
        }
        return keepPart(&engine, progress) && isComplete
    }

    /// Commits what was carried; when that fails it is not for what was read.
    private func keepPart(_ engine: inout Engine<Environment>?, _ progress: SharedProgress) -> Bool {
        do throws(StoreError) {
            try engine?.store.commit()
            // Flash may be slow, but not that slow.
            _ = alarm(StoreMender.seconds)
            return true
        } catch {
            progress.value.isBarred = true
            return false
        }
    }

    private func openFresh() throws(SetupError) -> Engine<Environment> {
        let store: Environment
        do throws(StoreOpenError) {
            store = try folder.openFresh(goesOn: true)
        } catch {
            throw .store(error)
        }
        return try toolEngine(store, configuration)
    }

    private func countFresh() throws(SetupError) -> (carried: UInt64, damaged: UInt64) {
        let engine = try openFresh()
        let damaged = engine.setAsideCount
        return (UInt64(engine.store.recordCount) - damaged, damaged)
    }

    /// Sets right what was carried; from here on it can be the live store.
    private func finish(_ mending: inout StoreMending) throws(SetupError) {
        var engine = try openFresh()
        if !mending.isOlder { mending.leftOut = engine.mend() }
        // Before a step that cannot be taken back.
        try commit(&engine)
        if !mending.isOlder || mending.missing > 0 { mending.isKept = folder.keepBad() }
    }
}
