import CLMDB
import CLibC
import Files
import IMPSEngine
import Octets

/// Where the live store lies.
public enum DataMode: Sendable {
    /// On the volume of the data folder; every commit is durable.
    case flash
    /// In the runtime folder, a RAM disk; the data folder has a copy from time to time.
    case memory

    /// The word in configuration and log.
    public var name: StaticString { self == .flash ? "flash" : "ram+checkpoint" }
}

/// Why a store cannot be opened.
public enum StoreOpenError: Error, Equatable {
    /// Another process has it open.
    case inUse
    /// The folder is on a volume that cannot be written.
    case readOnly
    /// The volume has no room for a store.
    case noRoom
    /// What lies there is no store that LMDB can read on this machine; the code is LMDB's.
    case unreadable(Int32)
    /// The lock file or the data file cannot be made or read; the code is errno or LMDB's.
    case failed(Int32)

    init(code: Int32) {
        switch code {
        case EROFS: self = .readOnly
        case ENOSPC, EDQUOT: self = .noRoom
        case MDB_INVALID, MDB_VERSION_MISMATCH, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC: self = .unreadable(code)
        default: self = .failed(code)
        }
    }
}

/// The files of the store: which there are, which one is live, and who may use them.
///
/// | File | In |
/// |---|---|
/// | `store.mdb` the live store, or its last copy | data folder |
/// | `store.log` what the live store there has not yet | data folder |
/// | `store.id` what its runtime files are named after | data folder |
/// | `store-….ram` the live store in the mode `ram+checkpoint` | runtime folder, which may be the same |
/// | `store-….exit` the last words of a process with a defect | runtime folder |
/// | `store.lock` held by whoever has the store open | data folder |
/// | `store.dump` the store as text, from the last upgrade | data folder |
/// | `store.new` a store that is being restored or copied | with the file that it becomes |
/// | `store.try` a store that is read by another of its heads | with the live store |
/// | `store.bad` a damaged store, kept aside | data folder |
/// | `device.key` what secrets are sealed with | data folder |
public final class DataFolder {
    /// Where the live store lies.
    public let mode: DataMode
    /// Why it lies there.
    public let reason: StaticString
    /// The data folder.
    public let path: InlineBytes<200>
    private let runtime: InlineBytes<200>
    private let lock: Int32
    private let byteCountMax: UInt64
    private let memory: StoreMemory
    /// 16 digits that no other data folder has: several engines may share a runtime folder.
    private var identity = InlineBytes<16>()
    /// A file lay where the live store goes in memory that is not this folder's; it was not used.
    public private(set) var hasRefused = false

    /// Takes the data folder for this process.
    ///
    /// - Parameters:
    ///   - path: The data folder, which is there.
    ///   - runtime: A folder that does not survive a reboot.
    ///   - wanted: The mode; nil probes the volume.
    ///   - byteCountMax: The most octets of a store; less when the volume has not that much room.
    ///   - memory: What the store may take of the memory.
    public init(
        _ path: InlineBytes<200>, runtime: InlineBytes<200>, wanted: DataMode?, byteCountMax: UInt64,
        memory: StoreMemory
    ) throws(StoreOpenError) {
        self.path = path
        self.runtime = runtime
        self.byteCountMax = byteCountMax
        self.memory = memory
        let lockPath = File.path(path.span, "/store.lock")
        lock = unsafe File.withPath(lockPath.span) { unsafe libc_open($0, O_RDWR | O_CREAT, 0o600) }
        let failure = StoreOpenError(code: libc_errno())
        if let wanted {
            mode = wanted
            reason = "the configuration says so"
        } else {
            // The lock file is one that the store's file can be like; mapping it changes nothing.
            let canMap = lock < 0 || libc_can_map_shared(lock) != 0
            mode = canMap ? .flash : .memory
            reason = canMap ? "the volume can be mapped" : "the volume cannot be mapped shared, as with JFFS2"
        }
        guard lock >= 0 else { throw failure }
        guard libc_flock(lock) == 0 else { throw .inUse }
        identity = try DataFolder.identity(of: path)
    }

    /// Reads what the runtime files of the folder are named after, or makes it. A copy of the folder elsewhere has files of
    /// its own: where it lies is part of it.
    private static func identity(of path: InlineBytes<200>) throws(StoreOpenError) -> InlineBytes<16> {
        let file = File.path(path.span, "/store.id")
        var octets = InlineArray<16, UInt8>(repeating: 0)
        do throws(File.Failure) {
            var space = octets.mutableSpan
            if File.size(of: file.span) == nil {
                unsafe space.withUnsafeMutableBufferPointer { _ = unsafe getrandom($0.baseAddress, $0.count, 0) }
                try File.create(file.span, octets.span)
            } else {
                let descriptor = try File.open(file.span)
                defer { File.close(descriptor) }
                _ = File.read(descriptor, into: &space)
            }
        } catch {
            if case .failed(let code) = error { throw StoreOpenError(code: code) }
            throw .failed(ENOENT)
        }
        var hash = Hash64(octets.span)
        hash.combine(File.canonical(path.span).span)
        var text = InlineBytes<16>()
        for digit in 0..<16 {
            _ = text.append(Hexadecimal.digit(UInt8(truncatingIfNeeded: hash.value >> UInt64(60 - 4 * digit) & 0xF)))
        }
        return text
    }

    deinit {
        if lock >= 0 { _ = close(lock) }
    }

    /// True when what lies on the live store's volume is gone after a reboot.
    public var isVolatile: Bool { unsafe File.withPath(path.span) { unsafe libc_is_memory_volume($0) } != 0 }

    // MARK: The live store

    private var stored: File.Path { stored(as: "/store.mdb") }
    private var log: File.Path { stored(as: "/store.log") }
    private var volatile: File.Path { File.path(runtime.span, "/store-", identity.span, ".ram") }
    /// Where a process leaves its last words.
    public var lastWords: File.Path { File.path(runtime.span, "/store-", identity.span, ".exit") }
    private var liveFolder: InlineBytes<200> { mode == .flash ? path : runtime }
    private var live: File.Path { mode == .flash ? stored : volatile }
    private var fresh: File.Path { mode == .flash ? stored(as: "/store.new") : volatileNew }
    private var volatileNew: File.Path { File.path(runtime.span, "/store-", identity.span, ".new") }
    /// The dump that an upgrade leaves for the next version.
    public var dump: File.Path { File.path(path.span, "/store.dump") }

    /// Opens the live store, or makes an empty one.
    public func open() throws(StoreOpenError) -> Environment {
        try prepareLive()
        return try environment(live)
    }

    private func environment(
        _ file: File.Path, isReading: Bool = false, isOld: Bool = false
    ) throws(StoreOpenError) -> Environment {
        try Environment(
            path: file.span, log: log.span, isInMemory: mode == .memory, isReading: isReading, isOld: isOld,
            byteCountMax: byteCountMax, memory: memory)
    }

    /// Opens the live store to look at it as it lies there.
    public func openReading() throws(StoreOpenError) -> Environment { try environment(live, isReading: true) }

    /// Puts the live store where it belongs.
    ///
    /// A store in the runtime folder is what a process left that did not end well: it is newer than the copy.
    public func prepareLive() throws(StoreOpenError) {
        let inMemory = try findVolatile()
        do throws(File.Failure) {
            if mode == .flash, inMemory {
                try take(volatile, as: stored, by: stored(as: "/store.new"), in: path)
                File.remove(volatile.span)
            } else if mode == .memory, !inMemory, File.size(of: stored.span) != nil {
                try take(stored, as: volatile, by: volatileNew, in: runtime)
            }
        } catch {
            if case .failed(let code) = error { throw StoreOpenError(code: code) }
            throw .failed(ENOENT)
        }
    }

    private func stored(as name: StaticString) -> File.Path { File.path(path.span, name) }

    /// Whether a process left its store in memory. Others may put files into the runtime folder: what is not ours is not
    /// opened, and where it is in the way it is taken away.
    private func findVolatile() throws(StoreOpenError) -> Bool {
        switch File.kind(of: volatile.span) {
        case .own: return true
        case .none: return false
        case .foreign:
            hasRefused = true
            if mode == .memory, !File.remove(volatile.span) { throw .failed(EEXIST) }
            return false
        }
    }

    private func take(
        _ source: File.Path, as target: File.Path, by part: File.Path, in folder: InlineBytes<200>
    ) throws(File.Failure) {
        File.remove(part.span)
        try File.copy(source.span, to: part.span)
        try File.replace(target.span, by: part.span, in: folder.span)
    }

    // MARK: Another one in its place

    /// Octets of the live store; nil when there is none.
    public var liveByteCount: UInt64? { File.size(of: live.span) }

    /// Opens the live store by one of its two heads alone, for when the other one leads nowhere: each is what a commit left,
    /// and the older one knows a whole store too. It is a copy that is opened; `forgetTrial` takes it away.
    public func openTrial(head: Int) throws(StoreOpenError) -> Environment {
        let page = UInt64(DataFolder.pageByteCount)
        do throws(File.Failure) {
            File.remove(trial.span)
            try File.copy(live.span, to: trial.span)
            guard (File.size(of: trial.span) ?? 0) >= 2 * page else { throw .missing }
            try File.repeatPart(of: trial.span, from: UInt64(head) * page, to: UInt64(1 - head) * page, count: page)
        } catch {
            // A part of a head is none.
            guard case .failed(let code) = error else { throw .unreadable(MDB_INVALID) }
            throw StoreOpenError(code: code)
        }
        return try environment(trial, isReading: true, isOld: true)
    }

    /// Octets of a page of a store that was made here, where LMDB has no larger ones than 32 KB.
    public static var pageByteCount: Int { min(sysconf(Int32(_SC_PAGESIZE)), 0x8000) }

    /// Reads the pages of the live store without its tree; nil when that is not possible.
    ///
    /// - Parameters:
    ///   - page: As long as a page of the store.
    ///   - long: As long as the longest value.
    public func openScan(page: consuming FixedBytes, long: consuming FixedBytes) -> PageScan? {
        PageScan(path: live.span, page: page, long: long)
    }

    /// Tells each change of the log, for a store that cannot say whether it has them; false when `change` says so.
    public func tellLog(_ change: (_ key: Span<UInt8>, _ value: Span<UInt8>?) -> Bool) -> Bool {
        var log = RedoLog(path: log.span, byteCountMax: memory.logByteCount, generation: nil, commit: 0)
        return log?.replay(change) ?? true
    }

    /// Takes such a copy away.
    public func forgetTrial() { File.remove(trial.span) }

    private var trial: File.Path {
        mode == .flash ? stored(as: "/store.try") : File.path(runtime.span, "/store-", identity.span, ".try")
    }

    /// Keeps the live store as `store.bad`, under both names until another one takes its place; false when the volume has no
    /// room for both, or no way to do it.
    public func keepBad() -> Bool {
        let bad = stored(as: "/store.bad")
        let room = unsafe File.withPath(path.span) { unsafe libc_volume_free_at($0) }
        guard mode == .flash, room > byteCountMax else { return false }
        File.remove(bad.span)
        return File.link(stored.span, as: bad.span)
    }

    /// A process left its store in memory, which is newer than the copy on the volume.
    public var hasVolatile: Bool { mode == .memory && File.kind(of: volatile.span) == .own }

    /// Forgets the store in memory, so that its copy on the volume is what there is; false when there is no copy.
    public func returnToCopy() -> Bool {
        guard mode == .memory, File.size(of: stored.span) != nil else { return false }
        return File.remove(volatile.span)
    }

    /// Whether there is room for another store of so many octets beside the live one. Without it nothing is begun: whoever is
    /// started again and again would write again and again.
    public func hasRoom(byteCount: UInt64) -> Bool {
        let free = unsafe File.withPath(liveFolder.span) { unsafe libc_volume_free_at($0) }
        return free >= min(byteCount, liveByteCount ?? 0)
    }

    /// Takes away what was filled before.
    public func forgetFresh() { File.remove(fresh.span) }

    /// Opens a store beside the live one, to be filled and then to `becomeLive`.
    ///
    /// - Parameter goesOn: With what was begun before, else it is gone.
    public func openFresh(goesOn: Bool = false) throws(StoreOpenError) -> Environment {
        if !goesOn { File.remove(fresh.span) }
        return try Environment(
            path: fresh.span, log: nil, replacedByteCount: liveByteCount ?? 0, byteCountMax: byteCountMax,
            memory: memory)
    }

    /// Puts the filled store in the place of the live one; both are closed.
    public func becomeLive() throws(StoreOpenError) {
        do throws(File.Failure) {
            try File.replace(live.span, by: fresh.span, in: liveFolder.span)
        } catch {
            throw .failed(libc_errno())
        }
    }

    /// Puts a store aside that cannot be read, as `store.bad`.
    public func putAside() {
        let bad = File.path(path.span, "/store.bad")
        do throws(File.Failure) {
            try File.replace(bad.span, by: stored.span, in: path.span)
        } catch {}
        if mode == .memory { File.remove(volatile.span) }
    }

    // MARK: Copies

    /// Writes a compact copy of the live store into the data folder, whole or not at all, and reads it again before it
    /// replaces the one before.
    ///
    /// - Returns: octets written.
    public func checkpoint(_ store: inout Environment) throws(StoreError) -> UInt64 {
        let part = stored(as: "/store.new")
        do throws(File.Failure) {
            let descriptor = try File.openNew(part.span)
            defer { _ = close(descriptor) }
            let code = store.copy(to: descriptor)
            let written = File.hash(of: descriptor)
            guard code == 0, fsync(descriptor) == 0 else { throw .failed(code == 0 ? libc_errno() : code) }
            // What the flash has is looked at before it takes the place of a copy that was good.
            File.forgetCache(of: descriptor)
            guard written != nil, File.hash(of: descriptor) == written else { throw .failed(EIO) }
            let byteCount = File.size(of: part.span) ?? 0
            try File.replace(stored.span, by: part.span, in: path.span)
            store.noteCopy()
            return byteCount
        } catch {
            File.remove(part.span)
            guard case .failed(let code) = error else { throw .failed(ENOENT) }
            throw code == ENOSPC ? .full : .failed(code)
        }
    }

    /// Takes the live store out of the runtime folder, after the last checkpoint of a process that ends well.
    public func leaveMemory() {
        if mode == .memory { File.remove(volatile.span) }
    }

    /// Leaves the store on the volume, for a program that only changed it; false when it could not be written there.
    public func settle(_ store: inout Environment) -> Bool {
        guard mode == .memory else { return true }
        do throws(StoreError) {
            try store.settle()
            _ = try checkpoint(&store)
        } catch {
            return false
        }
        leaveMemory()
        return true
    }

    // MARK: Factory reset

    /// Takes everything away that was ever kept, accounts and keys with it.
    public func removeAll() throws(StoreOpenError) {
        let names: InlineArray<9, StaticString> = [
            "/store.mdb", "/store.log", "/store.new", "/store.try", "/store.bad", "/store.dump", "/store.dump.new",
            "/store.id",
            "/device.key",
        ]
        for index in names.indices { File.remove(File.path(path.span, names[index]).span) }
        File.remove(volatile.span)
        File.remove(fresh.span)
        forgetTrial()
        do throws(File.Failure) {
            try File.syncFolder(path.span)
        } catch {
            throw .failed(libc_errno())
        }
        guard File.size(of: stored.span) == nil else { throw .readOnly }
    }
}
