import CMbedTLS
import Octets

/// The buffers in which the library puts records together and takes them apart: a pair for each connection that is about it.
@safe
struct BufferPairs: ~Copyable {
    private let memory: UnsafeMutablePointer<UInt8>
    private var free: Slab<UInt16>
    private(set) var freeCount: Int

    /// No pair; they are numbered from 1.
    static var none: UInt16 { 0 }

    /// Octets of a pair.
    static var byteCount: Int { tls_shim_in_count() + tls_shim_out_count() }

    /// - Parameter memory: Zero octets, as many as the pairs take.
    init(count: Int, memory: consuming Slab<UInt8>) {
        var memory = memory
        var span = memory.mutableSpan(0..<count * BufferPairs.byteCount)
        // Lent for good, as all pools are.
        unsafe self.memory = span.withUnsafeMutableBufferPointer { unsafe $0.baseAddress ?? .allocate(capacity: 1) }
        free = TLSConnections.places(count)
        freeCount = count
    }

    mutating func take() -> UInt16? {
        guard freeCount > 0 else { return nil }
        freeCount -= 1
        return free[freeCount]
    }

    mutating func give(_ pair: UInt16) {
        free[freeCount] = pair
        freeCount += 1
    }

    /// Where the records of the peer are taken apart; those for it begin behind.
    @unsafe
    func start(_ pair: UInt16) -> UnsafeMutablePointer<UInt8> {
        unsafe memory + (Int(pair) - 1) * BufferPairs.byteCount
    }
}
