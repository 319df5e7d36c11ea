/// What a store may take of the memory that the operator promised.
public struct StoreMemory: Sendable {
    /// Octets of what a page takes; those of the usual size.
    public static var pageByteCount: Int { 4096 }

    /// Changed pages that are kept until the next commit of the store. LMDB takes them as it needs them, and keeps them.
    public let pageCount: Int
    /// Octets of the largest turn that the log takes, which are touched as they are used.
    public var batchByteCount: Int { RedoLog.batchByteCountMax }
    /// Octets of the log on the volume.
    let logByteCount: Int

    /// - Parameters:
    ///   - memory: Octets that the process may have for all its pools.
    ///   - store: Octets of the store when it is full.
    public init(memory: Int, store: UInt64) {
        pageCount = min(320, max(10, memory / 16 / StoreMemory.pageByteCount))
        // An eighth of the store lasts for hundreds of turns.
        logByteCount = Int(min(RedoLog.largestByteCount, max(1 << 16, store / 8))) & ~0xFFF
    }
}
