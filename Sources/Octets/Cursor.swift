/// Reads octets from front to back; every step checks the end, and nothing past it is ever read.
public struct Cursor: ~Escapable {
    /// All octets, those already read included.
    public let octets: Span<UInt8>

    /// The number of octets read so far.
    public private(set) var index: Int

    /// A cursor before the first of `octets`.
    @_lifetime(copy octets)
    public init(_ octets: Span<UInt8>) {
        self.octets = octets
        index = 0
    }

    /// True when everything is read.
    public var isAtEnd: Bool { index >= octets.count }

    /// The next octet without reading it; nil at the end.
    public var peek: UInt8? { index < octets.count ? octets[index] : nil }

    /// Reads one octet; nil at the end.
    public mutating func next() -> UInt8? {
        guard index < octets.count else { return nil }
        index += 1
        return octets[index - 1]
    }

    /// Reads one octet if it is `octet`.
    public mutating func skip(_ octet: UInt8) -> Bool {
        guard peek == octet else { return false }
        index += 1
        return true
    }

    /// Reads the constant if it stands next.
    public mutating func skip(_ text: StaticString) -> Bool {
        guard rest.starts(with: text) else { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    /// Reads as long as `condition` holds and returns what was read.
    @_lifetime(copy self)
    public mutating func take(while condition: (UInt8) -> Bool) -> Span<UInt8> {
        let start = index
        while index < octets.count, condition(octets[index]) { advance() }
        return octets.extracting(start..<index)
    }

    /// Reads exactly `count` octets; nil, and nothing read, when there are fewer.
    @_lifetime(copy self)
    public mutating func take(_ count: Int) -> Span<UInt8>? {
        guard count >= 0, count <= octets.count - index else { return nil }
        index += count
        return octets.extracting(index - count..<index)
    }

    /// What is not read yet.
    public var rest: Span<UInt8> {
        @_lifetime(copy self)
        get { octets.extracting(index..<octets.count) }
    }

    mutating func advance() { index += 1 }
}
