import Files
import Octets

/// What of this process lies in memory, in KB, as the kernel tells it: pages of the store's map are the cache of the system,
/// which it takes back when others need it, and are told apart from what is the engine's own.
struct ResidentMemory {
    /// Pages that are nobody else's.
    private(set) var own: UInt64 = 0
    /// Pages of the store.
    private(set) var map: UInt64 = 0
    /// The program and what belongs to it.
    private(set) var program: UInt64 = 0

    /// nil where the kernel does not tell, because it was built without.
    init?() {
        let path: StaticString = "/proc/self/smaps"
        guard let descriptor = try? File.open(path.octets) else { return nil }
        defer { File.close(descriptor) }
        var line = InlineBytes<200>()
        var isStore = false
        var isAny = false
        while true {
            var chunk = InlineArray<1024, UInt8>(repeating: 0)
            var space = chunk.mutableSpan
            let count = File.read(descriptor, into: &space)
            guard count > 0 else { break }
            for index in 0..<count {
                guard chunk[index] == 0x0A else {
                    // Of a longer path the beginning is enough: the store's is not as long.
                    _ = line.append(chunk[index])
                    continue
                }
                take(line.span, &isStore)
                line = InlineBytes()
                isAny = true
            }
        }
        if !isAny { return nil }
    }

    private mutating func take(_ line: Span<UInt8>, _ isStore: inout Bool) {
        if let resident = ResidentMemory.kilobytes("Rss:", line) {
            if isStore { map += resident } else { program += resident }
        } else if let anonymous = ResidentMemory.kilobytes("Anonymous:", line) {
            own += anonymous
            if !isStore { program -= min(program, anonymous) }
        } else if let slash = line.firstIndex(of: UInt8(ascii: "/")) {
            // The first line of a mapping has a path, if it has one at all.
            var end = slash
            for index in slash..<line.count where line[index] == UInt8(ascii: "/") { end = index }
            isStore = line.extracting(end..<line.count).starts(with: "/store")
        } else if line.firstIndex(of: UInt8(ascii: ":")).map({ $0 > 20 }) ?? false {
            // One without: `from-to rights offset device:number inode`.
            isStore = false
        }
    }

    private static func kilobytes(_ name: StaticString, _ line: Span<UInt8>) -> UInt64? {
        guard line.starts(with: name) else { return nil }
        let rest = line.extracting(name.utf8CodeUnitCount..<line.count).trimmed()
        return Decimal.parse(rest.extracting(0..<(rest.firstIndex(of: 0x20) ?? rest.count)))
    }
}
