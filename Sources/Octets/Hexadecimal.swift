/// Octets as pairs of hexadecimal digits.
public enum Hexadecimal {
    /// The digit of the low four bits, in lower case.
    public static func digit(_ value: UInt8) -> UInt8 {
        let nibble = value & 0x0F
        return nibble < 10 ? nibble + 0x30 : nibble + 0x57
    }

    /// The value of a digit in either case; nil when it is none.
    public static func value(_ digit: UInt8) -> UInt8? {
        if digit.isASCIIDigit { return digit & 0x0F }
        let letter = digit | 0x20
        return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : nil
    }
}

extension FixedBytes {
    /// Adds `octets` as hexadecimal digits in lower case.
    public mutating func append(hexadecimal octets: Span<UInt8>) {
        for index in octets.indices {
            append(Hexadecimal.digit(octets[index] >> 4))
            append(Hexadecimal.digit(octets[index]))
        }
    }

    /// Adds a number as hexadecimal digits in lower case, without zeros before it.
    public mutating func append(hexadecimal value: UInt64) {
        var shift: UInt64 = 60
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while true {
            append(Hexadecimal.digit(UInt8(truncatingIfNeeded: value >> shift)))
            if shift == 0 { return }
            shift -= 4
        }
    }
}

extension Hexadecimal {
    /// The number that digits spell; nil when there are none, or too many for it.
    public static func parse<Number: FixedWidthInteger & UnsignedInteger>(_ digits: Span<UInt8>) -> Number? {
        guard digits.count > 0, digits.count <= Number.bitWidth / 4 else { return nil }
        var number: Number = 0
        for index in digits.indices {
            guard let digit = value(digits[index]) else { return nil }
            number = number << 4 | Number(digit)
        }
        return number
    }

    /// The digits of a number in lower case, without zeros before them.
    public static func digits(of number: UInt32) -> InlineBytes<8> {
        var text = InlineBytes<8>()
        var shift = 28
        while shift > 0, number >> UInt32(shift) == 0 { shift -= 4 }
        while shift >= 0 {
            _ = text.append(digit(UInt8(truncatingIfNeeded: number >> UInt32(shift))))
            shift -= 4
        }
        return text
    }
}
