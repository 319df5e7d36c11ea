import Files
import Octets

/// Reads a file line by line, without holding more of it than a part.
public struct LineReader: ~Copyable {
    private let descriptor: Int32
    private var part = InlineArray<512, UInt8>(repeating: 0)
    private var position = 0
    private var count = 0
    /// The last line was longer than what was given out of it.
    public private(set) var isCut = false
    /// Lines so far.
    public private(set) var lineNumber: UInt64 = 0

    /// Opens a file.
    @inline(never)
    public init(_ path: Span<UInt8>) throws(File.Failure) {
        descriptor = try File.open(path)
    }

    deinit { File.close(descriptor) }

    /// The next line without white space at its ends, cut off after 240 octets; nil at the end.
    public mutating func next() -> InlineBytes<240>? {
        var line = InlineBytes<240>()
        isCut = false
        var hasAny = false
        while let octet = nextOctet() {
            hasAny = true
            if octet == 0x0A { break }
            if line.isEmpty, octet.isASCIIWhitespace { continue }
            if !line.append(octet) { isCut = true }
        }
        guard hasAny else { return nil }
        lineNumber += 1
        return InlineBytes(line.span.trimmed())
    }

    /// The next octet; nil at the end.
    @inline(never)
    public mutating func nextOctet() -> UInt8? {
        if position == count {
            var space = part.mutableSpan
            count = File.read(descriptor, into: &space)
            position = 0
            guard count > 0 else { return nil }
        }
        position += 1
        return part[position - 1]
    }
}
