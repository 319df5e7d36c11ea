import CLibC
import Configuration
import Digests
import Files
import IMPSEngine
import Octets
import Store
import Transport

/// Why there is no store to work with.
public enum SetupError: Error {
    /// The data folder cannot be made; the code is errno.
    case folder(Int32)
    /// The store cannot be opened.
    case store(StoreOpenError)
    /// It is of a later version, and there is no dump that this one can read.
    case laterSchema
    /// `device.key` cannot be read or made; the code is errno.
    case deviceKey(Int32)
    /// The dump cannot be read.
    case dump(DumpError)
    /// The store is not empty.
    case notEmpty
    /// What was to be written was not; the code is errno or LMDB's, 0 for a full volume.
    case write(Int32)

    /// What is wrong and what to do.
    public var explanation: StaticString {
        switch self {
        case .folder: return "the data folder cannot be made"
        case .store(.inUse): return "another process has the store open"
        case .store(.readOnly): return "the data folder is on a volume that cannot be written"
        case .store(.noRoom): return "the volume of the data folder has no room for a store"
        case .store(.unreadable): return "the store cannot be read and there is no store.dump; restore a dump"
        case .store(.failed(EACCES)): return "the files in the data folder are another user's"
        case .store(.failed): return "the store cannot be opened"
        case .laterSchema: return "the store is of a later version; restore a dump with this version"
        case .deviceKey: return "device.key in the data folder cannot be used"
        case .dump(.notADump): return "this is no dump of impsd"
        case .dump(.laterSchema): return "the dump is of a later version"
        case .dump(.brokenLine): return "a line of the dump cannot be read"
        case .dump(.cutOff): return "the dump is cut off"
        case .notEmpty: return "the store is not empty; move its files away first"
        case .write: return "the store cannot be written; has the volume room?"
        }
    }

    /// The number that goes with it: errno, LMDB's, the line of a dump; 0 when there is none.
    public var code: UInt64 {
        switch self {
        case .folder(let code), .deviceKey(let code), .write(let code), .store(.unreadable(let code)),
            .store(.failed(let code)):
            return UInt64(code.magnitude)
        case .dump(.brokenLine(let number)), .dump(.laterSchema(let number)): return number
        default: return 0
        }
    }

    /// The exit code of a process that ends for it.
    public var exitCode: ExitCode {
        switch self {
        case .store(.inUse): return .alreadyRunning
        case .folder, .laterSchema, .store(.failed): return .cannotCreate
        case .dump: return .badData
        case .notEmpty: return .failure
        case .store(.readOnly), .store(.noRoom), .store(.unreadable), .deviceKey, .write: return .inputOutput
        }
    }
}

/// What became of the store while it was opened.
public enum StoreEvent: Sendable {
    /// It was there.
    case opened
    /// It is new.
    case made
    /// It was of this older schema.
    case migrated(UInt64)
    /// It was filled from the dump in the data folder.
    case restored(RestoredCounts, because: StaticString)
    /// It was not what was written: what is whole was carried into a new one.
    case mended(StoreMending)
}

/// How much of a dump was taken.
public struct RestoredCounts: Sendable {
    /// Records of the dump.
    public var taken: UInt64 = 0
    /// Those that were left out because they were half.
    public var leftOut: UInt64 = 0
}

/// Takes the data folder for this process, and makes it when it is not there.
public func openDataFolder(_ configuration: Configuration) throws(SetupError) -> DataFolder {
    let path = configuration.dataFolder
    do throws(File.Failure) {
        try File.makeFolder(path.span)
    } catch {
        throw libc_errno() == EROFS ? .store(.readOnly) : .folder(libc_errno())
    }
    do throws(StoreOpenError) {
        return try DataFolder(
            path, runtime: configuration.runtimeFolder, wanted: configuration.dataMode.mode,
            byteCountMax: UInt64(configuration.databaseKB) * 1024, memory: configuration.storeMemory)
    } catch {
        throw .store(error)
    }
}

extension Configuration {
    /// What the store may take of the memory.
    public var storeMemory: StoreMemory {
        StoreMemory(memory: Int(memoryKB) * 1024, store: UInt64(databaseKB) * 1024)
    }
}

extension DataModeChoice {
    fileprivate var mode: DataMode? {
        switch self {
        case .automatic: return nil
        case .flash: return .flash
        case .memory: return .memory
        }
    }
}

/// Sees to it that the folder has a store of this version.
///
/// A store that is missing, cannot be read on this machine, or is of a later version, is filled from the dump that the
/// upgrade left, if there is one. It is filled beside the live one and then takes its place, so that a power cut in
/// between only begins it again.
///
/// - Parameters:
///   - wall: The time, for what is set aside.
///   - always: The store is looked through also when the process before ended as it should.
///   - mends: The engine could not work with it, so it is left for another one whatever it looks like.
public func prepareStore(
    _ folder: DataFolder, _ configuration: Configuration, _ wall: WallTime, always: Bool = false, mends: Bool = false
) throws(SetupError) -> StoreEvent {
    let mending = try mend(folder, configuration, wall, always: always, mends: mends)
    // What was begun before.
    folder.forgetFresh()
    folder.forgetTrial()
    let event = try claimStore(folder, configuration, isUnreadable: mending?.carried == 0)
    guard let mending else { return event }
    switch event {
    case .opened, .made, .mended: return .mended(mending)
    case .migrated, .restored: return mending.missing > 0 ? .mended(mending) : event
    }
}

/// Looks through the store, and leaves it for a new one when it is not what was written, or of a version without seals; nil
/// when it is as it should be, or nothing of it can be read.
private func mend(
    _ folder: DataFolder, _ configuration: Configuration, _ wall: WallTime, always: Bool, mends: Bool
) throws(SetupError) -> StoreMending? {
    let mender = StoreMender(folder: folder, configuration: configuration, wall: wall)
    let hasVolatile = folder.hasVolatile
    guard let found = try mender.look(always: always, mends: mends), !found.isWhole || found.isUnsealed else {
        return nil
    }
    do throws(SetupError) {
        if let mending = try mender.mend(found) { return mending }
        if hasVolatile, folder.returnToCopy() {
            return try mend(folder, configuration, wall, always: always, mends: mends)
        }
        let hasDump = File.size(of: folder.dump.span) != nil
        if !hasDump, let mending = try mender.mendAccounts(found) { return mending }
    } catch {
        // What looks as it should is no worse than none.
        guard found.looksWhole, !found.isUnsealed else { throw error }
        return nil
    }
    folder.putAside()
    return StoreMending(why: "nothing of it could be read", isKept: true)
}

/// - Parameter isUnreadable: There was a store, and it was put aside.
private func claimStore(
    _ folder: DataFolder, _ configuration: Configuration, isUnreadable: Bool
) throws(SetupError) -> StoreEvent {
    let hasDump = File.size(of: folder.dump.span) != nil
    let reason: StaticString
    do throws(SetupError) {
        switch try claim(folder, configuration, keepsNew: !hasDump) {
        case .current: return .opened
        case .migrated(let schema): return .migrated(schema)
        case .made:
            guard hasDump else { return .made }
            reason = isUnreadable ? "the store could not be read" : "the store was missing"
        case .later:
            guard hasDump else { throw SetupError.laterSchema }
            reason = "the store was of a later version"
            folder.putAside()
        }
    } catch {
        // One of a machine with other words or pages.
        guard case .store(.unreadable) = error, hasDump else { throw error }
        reason = "the store could not be read"
        folder.putAside()
    }
    return try .restored(restoreDump(folder, configuration), because: reason)
}

/// Gives the live store this version's schema; what that changes is kept, but for a new store only when `keepsNew`.
private func claim(
    _ folder: DataFolder, _ configuration: Configuration, keepsNew: Bool
) throws(SetupError) -> SchemaState {
    var engine = try toolEngine(open(folder), configuration)
    let state = engine.claimSchema(pageByteCount: engine.store.facts.pageByteCount, isSealed: engine.store.isSealed)
    if state != .made || keepsNew { try commit(&engine) }
    return state
}

private func open(_ folder: DataFolder) throws(SetupError) -> Environment {
    do throws(StoreOpenError) {
        return try folder.open()
    } catch {
        throw .store(error)
    }
}

func commit(_ engine: inout Engine<Environment>) throws(SetupError) {
    do throws(StoreError) {
        try engine.store.commit()
    } catch {
        switch error {
        case .full: throw .write(0)
        case .failed(let code): throw .write(code)
        }
    }
}

/// Opens the prepared store and makes the engine over it.
public func openEngine(
    _ folder: DataFolder, _ configuration: Configuration, memory: consuming EngineMemory
) throws(SetupError) -> Engine<Environment> {
    let store = try open(folder)
    guard let vault = Vault.ofDevice(folder: configuration.dataFolder.span) else { throw .deviceKey(libc_errno()) }
    return Engine(store: store, settings: configuration.engine, vault: vault, memory: memory)
}

/// An engine for work on the store that has neither sessions nor secrets.
func toolEngine(
    _ store: consuming Environment, _ configuration: Configuration
) throws(SetupError) -> Engine<Environment> {
    let key = InlineArray<32, UInt8>(repeating: 0)
    guard let vault = Vault.open(key: key.span) else { throw .deviceKey(ENOMEM) }
    let memory = EngineMemory(
        sessions: Memory.slab(1, Session.self), buckets: Memory.slab(1, UInt16.self),
        networks: Memory.slab(EngineMemory.networkCount(sessions: 1), HashMapPlace<SessionList>.self),
        timers: Memory.slab(1, UInt16.self),
        outstanding: Memory.slab(1, OutstandingTable.self),
        freeOutstanding: Memory.slab(1, UInt16.self),
        answers: Memory.slab(EngineMemory.answerCount(sessions: 1), KeptAnswer.self),
        marks: Memory.slab(EngineMemory.markCount(sessions: 1), PresenceMark.self),
        searches: Memory.slab(EngineMemory.searchCount, SearchSession.self),
        challenges: Memory.slab(1, Challenge.self), throttles: Memory.slab(1, Throttle.self),
        campaigns: Memory.slab(EngineMemory.campaignCount, Campaign.self),
        pendingLogins: Memory.slab(1, PendingLogin.self), refused: Memory.slab(1, RefusedMessages.self),
        senders: Memory.slab(1, SenderShare.self), settings: Memory.slab(1, Settings.self),
        notifySections: Memory.slab(1, NotifySection.self), upstreams: Memory.slab(0, Upstream.self),
        relays: Memory.slab(0, Relay.self), remotes: Memory.slab(2, HashMapPlace<RemotePerson>.self),
        scratch: Memory.buffer(EngineMemory.scratchByteCount))
    return Engine(store: store, settings: configuration.engine, vault: vault, memory: memory)
}

// MARK: - Restoring

private func restoreDump(
    _ folder: DataFolder, _ configuration: Configuration
) throws(SetupError) -> RestoredCounts {
    let descriptor: Int32
    do throws(File.Failure) {
        descriptor = try File.open(folder.dump.span)
    } catch {
        throw .dump(.notADump)
    }
    defer { _ = close(descriptor) }
    return try restore(from: descriptor, folder, configuration)
}

/// Takes a dump from a descriptor into the folder, whose store must be empty.
///
/// - Parameter progress: Hears now and then how many octets were read, and how many records.
public func restoreIntoEmpty(
    from descriptor: Int32, _ folder: DataFolder, _ configuration: Configuration,
    _ progress: (UInt64, UInt64) -> Void
) throws(SetupError) -> RestoredCounts {
    guard try isEmpty(folder, configuration) else { throw .notEmpty }
    let counts = try restore(from: descriptor, folder, configuration, progress)
    var store = try open(folder)
    guard folder.settle(&store) else { throw .write(0) }
    return counts
}

private func isEmpty(_ folder: DataFolder, _ configuration: Configuration) throws(SetupError) -> Bool {
    try toolEngine(open(folder), configuration).isEmpty
}

private func restore(
    from descriptor: Int32, _ folder: DataFolder, _ configuration: Configuration,
    _ progress: (UInt64, UInt64) -> Void = { _, _ in }
) throws(SetupError) -> RestoredCounts {
    let counts = try fill(from: descriptor, folder, configuration, progress)
    do throws(StoreOpenError) {
        try folder.becomeLive()
    } catch {
        throw .store(error)
    }
    return counts
}

/// Fills the fresh store, some records a commit: what a commit changes is kept in memory until then.
private func fill(
    from descriptor: Int32, _ folder: DataFolder, _ configuration: Configuration, _ progress: (UInt64, UInt64) -> Void
) throws(SetupError) -> RestoredCounts {
    let store: Environment
    do throws(StoreOpenError) {
        store = try folder.openFresh()
    } catch {
        throw .store(error)
    }
    var engine = try toolEngine(store, configuration)
    var reader = DumpReader(line: Memory.buffer(DumpReader.lineByteCountMax))
    var part = Memory.buffer(32_768)
    var counts = RestoredCounts()
    var octetCount: UInt64 = 0
    do throws(DumpError) {
        while true {
            part.removeAll()
            let free = unsafe part.freeStorage()
            let count = unsafe read(descriptor, free.baseAddress, free.count)
            guard count > 0 else { break }
            part.advance(by: count)
            try reader.take(part.span, into: &engine)
            guard commitPart(&engine) else { throw .cutOff }
            octetCount += UInt64(count)
            progress(octetCount, reader.recordCount)
        }
        counts.leftOut = try reader.finish(&engine)
        counts.taken = reader.recordCount
    } catch {
        if !engine.store.hasRoom { throw .write(0) }
        throw .dump(error)
    }
    _ = engine.claimSchema(pageByteCount: engine.store.facts.pageByteCount, isSealed: engine.store.isSealed)
    try commit(&engine)
    return counts
}

func commitPart(_ engine: inout Engine<Environment>) -> Bool {
    do throws(StoreError) {
        try engine.store.commit()
        return true
    } catch {
        return false
    }
}
