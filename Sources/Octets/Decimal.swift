/// Unsigned decimal numbers as text.
public enum Decimal {
    /// The number that `octets` spell, digits only; nil when empty, not a number or above 64 bits.
    public static func parse(_ octets: Span<UInt8>) -> UInt64? {
        guard octets.count > 0, octets.count <= 20 else { return nil }
        var value: UInt64 = 0
        for index in octets.indices {
            guard octets[index].isASCIIDigit else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(octets[index] & 0x0F))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// The digits of `value` without leading zeros.
    public static func digits(of value: UInt64) -> InlineBytes<20> {
        var reversed = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = value
        repeat {
            reversed[count] = UInt8(truncatingIfNeeded: rest % 10) | 0x30
            rest /= 10
            count += 1
        } while rest > 0
        var text = InlineBytes<20>()
        while count > 0 {
            count -= 1
            _ = text.append(reversed[count])
        }
        return text
    }
}

extension FixedBytes {
    /// Adds `value` in decimal, with zeros in front up to `width` digits.
    public mutating func append(decimal value: UInt64, width: Int = 1) {
        let digits = Decimal.digits(of: value)
        for _ in 0..<max(0, width - digits.count) { append(0x30) }
        append(digits.span)
    }

    /// Adds `value` in decimal with its sign.
    public mutating func append(decimal value: Int) {
        if value < 0 { append(0x2D) }
        append(decimal: UInt64(value.magnitude))
    }
}
