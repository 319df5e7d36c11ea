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

    /// Seconds that a child has: a full store of 8 MB takes a fraction of one.
    private static var seconds: UInt32 { 10 }
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
        let end = inChild(seconds: StoreMender.seconds) { [folder] in
            guard let store = StoreMender.open(folder, head: nil, progress) else { return false }
            store.look(byteCount: size, always: always || mends, progress)
            return true
        }
        switch end {
        case .done: return progress.value
        case .barred: return nil
        case .late where !always: return nil
        case .late, .died:
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

    // MARK: Carrying

    /// Carries what is whole into a new store and puts that in the place of the live one; nil when there is nothing to carry.
    ///
    /// A power cut begins it again or finds it done: the new store takes the place of the old one in one step. Where the new
    /// one finds no room, or no child can do the work, the old one is left as it is.
    func mend(_ found: WalkProgress) throws(SetupError) -> StoreMending? {
        var best = try carry(head: nil)
        // What has its root and most of its records is taken as it is.
        if !best.isOpen || best.carried < 2 || 2 * best.carried < best.expected {
            var head: Int?
            for other in 0..<2 {
                let trial = try carry(head: other)
                if trial.carried > best.carried { (best, head) = (trial, other) }
            }
            best = try carry(head: head)
        }
        folder.forgetTrial()
        guard best.carried > 1 else { return nil }
        var mending = StoreMending(why: found.why, isOlder: found.isUnsealed)
        mending.carried = best.carried
        mending.damaged = best.damaged
        mending.lostTurns = found.lostTurns
        // A tree that says it has more than fits says nothing.
        if best.expected > best.walked, best.expected < (folder.liveByteCount ?? 0) / 8 {
            mending.missing = best.expected - best.walked
        }
        try finish(&mending)
        do throws(StoreOpenError) {
            try folder.becomeLive()
        } catch {
            throw .store(error)
        }
        return mending
    }

    /// Fills the new store with what can be read, in as many children as it takes.
    ///
    /// - Parameter head: By which of its two heads alone the store is read; nil for what it says itself.
    private func carry(head: Int?) throws(SetupError) -> WalkProgress {
        guard let progress = SharedProgress() else { throw .write(ENOMEM) }
        folder.forgetFresh()
        var lateCount = 0
        // Children one after the other that found nothing: where the root leads nowhere, no letter is better than another.
        var idleCount = 0
        while idleCount < 12 {
            let before = progress.value.taken
            let end = inChild(seconds: StoreMender.seconds) { carryOn(head: head, progress) }
            if end == .done { break }
            if end == .barred || progress.value.isBarred { throw .write(0) }
            if end == .late { lateCount += 1 }
            idleCount = progress.value.taken == before ? idleCount + 1 : 0
            guard progress.value.kind <= 0xFF else { break }
            guard progress.value.isOpen, lateCount < 2, progress.value.code == 0 else { break }
            if progress.value.kind > 0, !progress.value.isBackward {
                progress.value.isBackward = true
            } else {
                progress.value.kind += 1
                progress.value.isBackward = false
                progress.value.last = InlineBytes()
            }
        }
        var result = progress.value
        (result.carried, result.damaged) = try countFresh()
        return result
    }

    /// In a child: goes on where the one before ended; false when it could not come to the end.
    private func carryOn(head: Int?, _ progress: SharedProgress) -> Bool {
        guard let source = StoreMender.open(folder, head: head, progress) else { return false }
        do throws(StoreOpenError) {
            let fresh = try folder.openFresh(goesOn: true)
            do throws(SetupError) {
                var engine = try toolEngine(fresh, configuration)
                progress.value.isUnsealed = !source.isSealed
                progress.value.expected = UInt64(source.recordCount)
                progress.value.isOpen = true
                var count = 0
                let isComplete = source.walk(progress) { key, value in
                    if Environment.isOwn(key) { return true }
                    if let value { engine.carry(key, value) } else { engine.leaveBehind(key, wall) }
                    progress.value.taken += 1
                    count += 1
                    return count % StoreMender.batchCount != 0 || keepPart(&engine, progress)
                }
                guard keepPart(&engine, progress), isComplete else { return false }
                progress.value.walked = UInt64(engine.store.recordCount)
                // What the log has is the newest of all.
                let isTold = source.tellTurns { key, value in
                    if Environment.isOwn(key) { return true }
                    if let value { engine.carry(key, value) } else { engine.drop(key) }
                    count += 1
                    return count % StoreMender.batchCount != 0 || keepPart(&engine, progress)
                }
                return keepPart(&engine, progress) && isTold
            } catch {
                progress.value.isBarred = true
            }
        } catch {
            progress.value.isBarred = true
        }
        return false
    }

    /// Commits what was carried; when that fails it is not for what was read.
    private func keepPart(_ engine: inout Engine<Environment>, _ progress: SharedProgress) -> Bool {
        let isKept = commitPart(&engine)
        if !isKept { progress.value.isBarred = true }
        return isKept
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
        if !mending.isOlder { mending.isKept = folder.keepBad() }
    }
}
