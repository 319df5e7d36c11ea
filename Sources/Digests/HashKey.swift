import Octets

/// A secret with which names become numbers that nobody outside can foresee: for tables that a stranger could fill on
/// purpose otherwise.
public struct HashKey: Sendable {
    private let key: InlineBytes<32>

    /// - Parameter key: 32 octets that belong to this device.
    init(_ key: InlineBytes<32>) { self.key = key }

    /// The number of one or two names; of 128 octets in all, what is behind them does not count.
    ///
    /// - Parameter subject: Keeps the same names in other roles apart.
    public func hash(_ subject: UInt8, _ name: Span<UInt8>, _ other: Span<UInt8> = Span()) -> UInt64 {
        var input = InlineBytes<192>()
        _ = input.append(key.span)
        _ = input.append(subject)
        _ = input.append(UInt8(truncatingIfNeeded: name.count))
        _ = input.append(name.extracting(0..<min(name.count, 100)))
        _ = input.append(other.extracting(0..<min(other.count, 46)))
        let digest = DigestAlgorithm.sha1.digest(input.span)
        var value: UInt64 = 0
        for index in 0..<8 { value = value << 8 | UInt64(digest.span[index]) }
        return value
    }
}
