import CLibC
import Files
import Octets

/// The records of a store by its pages alone, for one whose tree leads nowhere. Only the file is read, and nothing that lies
/// there is believed: the seal of a record says whether it is one.
///
/// A page of LMDB begins with its number, two octets that are not used, its kind, and the end of the list of its records, all as
/// the machine writes them; behind that head lie the places of the records. A record is the count of its value, its kind, the
/// count of its key, the key and the value, or the number of the pages where a long value lies.
public struct PageScan: ~Copyable {
    private let descriptor: Int32
    private let pageCount: Int
    private var page: FixedBytes
    private var long: FixedBytes

    private static var wordByteCount: Int { MemoryLayout<Int>.size }
    private static var headByteCount: Int { wordByteCount + 8 }
    private static var recordHeadByteCount: Int { 8 }
    private static var isLeaf: Int { 2 }
    private static var isLong: Int { 1 }

    /// - Parameters:
    ///   - path: The file.
    ///   - page: As long as a page of the store.
    ///   - long: As long as the longest value.
    init?(path: Span<UInt8>, page: consuming FixedBytes, long: consuming FixedBytes) {
        guard let count = File.size(of: path) else { return nil }
        let descriptor = unsafe File.withPath(path) { unsafe libc_open($0, O_RDONLY, 0) }
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.page = page
        self.long = long
        pageCount = Int(count) / self.page.capacity
    }

    deinit { _ = close(descriptor) }

    /// Tells each record that is what was written.
    ///
    /// - Parameters:
    ///   - isUsed: Whether the page of this number is one of the store.
    ///   - take: Hears each; false ends it.
    /// - Returns: false when `take` said so.
    public mutating func tell(
        _ isUsed: (Int) -> Bool, _ take: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) -> Bool {
        // The first two are its heads.
        for number in 2..<max(2, pageCount) where isUsed(number) && readLeaf(number) {
            var place = PageScan.headByteCount
            let end = min(number16(at: PageScan.wordByteCount + 4), page.count)
            while place + 2 <= end {
                guard tellRecord(at: number16(at: place), take) else { return false }
                place += 2
            }
        }
        return true
    }

    private mutating func readLeaf(_ number: Int) -> Bool {
        page.removeAll()
        guard PageScan.read(descriptor, page.capacity, at: number * page.capacity, into: &page) else { return false }
        return word(at: 0) == number && number16(at: PageScan.wordByteCount + 2) == PageScan.isLeaf
    }

    private mutating func tellRecord(
        at place: Int, _ take: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) -> Bool {
        let start = place + PageScan.recordHeadByteCount
        guard place >= PageScan.headByteCount, start <= page.count else { return true }
        let valueCount = number16(at: place) | number16(at: place + 2) << 16
        let kind = number16(at: place + 4)
        let end = start + number16(at: place + 6)
        guard end > start, end <= page.count, valueCount >= 0, valueCount <= long.capacity else { return true }
        if kind == PageScan.isLong {
            let head = PageScan.headByteCount
            guard end + PageScan.wordByteCount <= page.count else { return true }
            let number = word(at: end)
            guard number >= 2, number < pageCount else { return true }
            long.removeAll()
            guard PageScan.read(descriptor, valueCount, at: number * page.capacity + head, into: &long) else {
                return true
            }
            return PageScan.tell(page.span(start..<end), long.span, take)
        }
        guard kind == 0, end + valueCount <= page.count else { return true }
        return PageScan.tell(page.span(start..<end), page.span(end..<end + valueCount), take)
    }

    private static func tell(
        _ key: Span<UInt8>, _ stored: Span<UInt8>, _ take: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) -> Bool {
        guard let value = Seal.open(stored, of: key) else { return true }
        return take(key, value)
    }

    private static func read(_ descriptor: Int32, _ count: Int, at place: Int, into buffer: inout FixedBytes) -> Bool {
        let free = unsafe buffer.freeStorage()
        guard free.count >= count, unsafe pread(descriptor, free.baseAddress, count, off_t(place)) == count else {
            return false
        }
        buffer.advance(by: count)
        return true
    }

    private func number16(at place: Int) -> Int { Int(page.span[place]) | Int(page.span[place + 1]) << 8 }

    /// -1 for one that is none.
    private func word(at place: Int) -> Int {
        var value: UInt = 0
        for index in 0..<PageScan.wordByteCount { value |= UInt(page.span[place + index]) << UInt(8 * index) }
        return Int(exactly: value) ?? -1
    }
}
