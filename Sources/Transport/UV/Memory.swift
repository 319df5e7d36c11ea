import CLibC
import Octets

/// Storage that is taken at start and lent for the life of the process; it is never given back.
///
/// The pages of a pool cost nothing until they are used: they come from the system as they are.
public enum Memory {
    /// `count` elements of zero bits; their pages are touched only when they are used.
    public static func slab<Element: ZeroInitializable>(_ count: Int, _ type: Element.Type) -> Slab<Element> {
        let memory = unsafe zeros(max(1, count) * MemoryLayout<Element>.stride)
        return unsafe Slab(lent: memory.bindMemory(to: Element.self, capacity: count), count: count)
    }

    /// A buffer of `byteCount` octets; its pages are touched only as it fills.
    public static func buffer(_ byteCount: Int) -> FixedBytes {
        FixedBytes(octets(byteCount))
    }

    /// `byteCount` zero octets.
    public static func octets(_ byteCount: Int) -> Slab<UInt8> { slab(byteCount, UInt8.self) }

    /// `count` buffers side by side, each of as many octets as `byteCount` says of its place.
    public static func buffers(_ count: Int, byteCount: (Int) -> Int) -> Slab<FixedBytes> {
        var total = 0
        for index in 0..<count { total += byteCount(index) }
        var memory = unsafe zeros(max(1, total)).bindMemory(to: UInt8.self, capacity: total)
        let base = UnsafeMutablePointer<FixedBytes>.allocate(capacity: max(1, count))
        for index in 0..<count {
            unsafe (base + index).initialize(to: FixedBytes(Slab(lent: memory, count: byteCount(index))))
            unsafe memory += byteCount(index)
        }
        return unsafe Slab(lent: base, count: count)
    }

    /// Zero octets: small ones from the heap, large ones straight from the system, which gives pages as they are touched.
    static func zeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = unsafe byteCount < 16_384 ? calloc(1, byteCount) : libc_map_zeros(UInt(byteCount))
        guard let memory = unsafe memory else { fatalError() }
        return unsafe memory
    }
}
