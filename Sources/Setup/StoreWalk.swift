import CLibC
import IMPSEngine
import Octets
import Store
import Transport

/// What a child that goes through a store has told so far. It may die at any moment, and this is what is left of it.
struct WalkProgress: BitwiseCopyable {
    /// The store could be opened, and the log read.
    var isOpen = false
    /// Records that the tree says there are.
    var expected: UInt64 = 0
    /// Octets that they take.
    var byteCount: UInt64 = 0
    /// Records that were read one after the other, damaged ones among them.
    var told: UInt64 = 0
    /// Records that are what was written.
    var whole: UInt64 = 0
    /// Accounts among them.
    var accounts: UInt64 = 0
    /// Records that are not.
    var damaged: UInt64 = 0
    /// Records that lie where their key does not belong.
    var misplaced: UInt64 = 0
    /// Turns of the log behind a place that cannot be read.
    var lostTurns: UInt64 = 0
    /// LMDB's word for what cannot be read.
    var code: Int32 = 0
    /// It cannot be opened, or the new one not be written, for a reason that lies elsewhere.
    var isBarred = false
    /// A page does not lie where it says, or is in use and free.
    var hasUnsoundPages = false
    /// Its values have no seals: it is of an older version.
    var isUnsealed = false
    /// Nobody looked: the process before ended as it should, or the store is of a later version or somebody else's.
    var isSkipped = false
    /// The engine could not work with it, or died of it, whatever it looks like.
    var isUnusable = false

    /// Counts a record.
    mutating func note(_ key: Span<UInt8>, isWhole: Bool) {
        if isWhole { whole += 1 } else { damaged += 1 }
        if isWhole, Engine<Environment>.isAccount(key) { accounts += 1 }
    }

    /// What is wrong, in words.
    var why: StaticString {
        if isUnsealed { return "it was of an older version" }
        if code != 0 { return "it could not be read to its end" }
        if misplaced > 0 { return "records lay where they do not belong" }
        if damaged > 0 { return "records were not what was written" }
        if hasUnsoundPages { return "its pages did not lie where they should" }
        if lostTurns > 0 { return "its log could not be read to its end" }
        return looksWhole ? "the engine could not work with it" : "records were missing"
    }

    /// It can stay what it is.
    var isWhole: Bool { looksWhole && (isSkipped || !isUnusable) }

    /// All records can be reached by the tree, whatever they are.
    var isComplete: Bool { isOpen && code == 0 && !isSkipped && !hasUnsoundPages && whole + damaged == expected }

    /// Everything is there, and as it was written.
    var looksWhole: Bool {
        isOpen && damaged == 0 && misplaced == 0 && code == 0 && !hasUnsoundPages && lostTurns == 0
            && (isSkipped || whole == expected)
    }
}

/// The progress of a child, in memory that it has in common with this process.
@safe
final class SharedProgress {
    private let memory: UnsafeMutablePointer<WalkProgress>

    init?() {
        guard let pages = unsafe libc_map_common(4096) else { return nil }
        unsafe memory = pages.bindMemory(to: WalkProgress.self, capacity: 1)
        unsafe memory.initialize(to: WalkProgress())
    }

    deinit { unsafe munmap(memory, 4096) }

    var value: WalkProgress {
        _read { yield unsafe memory.pointee }
        _modify { yield unsafe &memory.pointee }
    }
}

/// What became of a child.
enum ChildEnd {
    case done
    /// A signal ended it, or it could not go on.
    case died
    /// It took too long.
    case late
    /// There was no child, or somebody else ended it: that says nothing of what it read.
    case barred
}

/// Does something in a child process, which may die of what it reads.
///
/// - Parameter seconds: How long it may take.
func inChild(seconds: UInt32, _ body: () -> Bool) -> ChildEnd {
    let child = libc_begin_child(seconds)
    if child == 0 {
        // What ends it is not the engine's end.
        unsafe LastWords.hook = nil
        libc_end_child(body() ? 0 : 1)
    }
    guard child > 0 else { return .barred }
    switch libc_await_child(child) {
    case 0: return .done
    case -SIGALRM: return .late
    // The kernel takes memory back in this way.
    case -SIGKILL, -SIGTERM, -SIGINT: return .barred
    default: return .died
    }
}

extension Environment {
    /// Reads everything once: each record with its seal, their order, how many there are, and the list of free pages.
    ///
    /// - Parameters:
    ///   - byteCount: Octets of its file.
    ///   - always: Also when the process before ended as it should.
    func look(byteCount: UInt64, always: Bool, _ progress: SharedProgress) {
        progress.value.isUnsealed = isOlder
        progress.value.lostTurns = UInt64(lostTurnCount)
        progress.value.expected = UInt64(recordCount)
        progress.value.byteCount = treeByteCount
        let running: StaticString = "!running"
        // A store without its own facts has lost them.
        let isUnclean = hasTurns || value(for: running.octets) != nil || storedSchema == 0 && recordCount > 0
        progress.value.isOpen = true
        progress.value.code = failureCode
        guard progress.value.code == 0 else { return }
        let isLater = storedSchema > Engine<Environment>.schema
        guard isOlder || isSealed && !isLater && (isUnclean || always || lostTurnCount > 0) else {
            progress.value.isSkipped = true
            return
        }
        // A bit for each page that the file has.
        var pages = Memory.slab(Int(byteCount / facts.pageByteCount / 8 + 1), UInt8.self)
        progress.value.hasUnsoundPages = !hasSoundPages(&pages)
        let first = InlineArray<1, UInt8>(repeating: 0)
        var found = stored(atOrAfter: first.span)
        var last = InlineBytes<112>()
        while let entry = found {
            progress.value.note(entry.key, isWhole: value(of: entry) != nil)
            if !last.isEmpty, !last.span.isBelow(entry.key) { progress.value.misplaced += 1 }
            // Whatever leads in a circle ends here.
            guard progress.value.misplaced < 1000 else { return }
            last = InlineBytes(prefix: entry.key)
            found = storedNext(first.span)
        }
        progress.value.code = failureCode
    }

    /// It is of a version whose values have no seals.
    var isOlder: Bool { !isSealed && (1...4).contains(storedSchema) }

    /// What the store says of its version; 0 when it does not.
    private var storedSchema: UInt64 {
        let key: StaticString = "!schema"
        guard let value = value(for: key.octets) else { return 0 }
        var reader = RecordReader(value)
        let schema: UInt64 = reader.integer()
        return reader.isBroken ? 0 : schema
    }

    /// Tells every record, in the order in which they lie; the value is nil when it is not what was written.
    ///
    /// - Parameter take: Hears each; false ends it.
    /// - Returns: false when it could not be gone to its end, or `take` said so.
    func walk(_ take: (_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool) -> Bool {
        let first = InlineArray<1, UInt8>(repeating: 0)
        // Whatever leads in a circle ends here.
        var left = 2 * recordCount + 1000
        var found = stored(atOrAfter: first.span)
        while let entry = found {
            left -= 1
            guard left > 0, take(entry.key, value(of: entry)) else { return false }
            found = storedNext(first.span)
        }
        return failureCode == 0
    }
}
