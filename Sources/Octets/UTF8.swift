/// UTF-8 as octets: the engine never makes a `String` of it.
public enum UTF8 {
    /// The scalar that begins at `index` and its length in octets; nil when the octets there are not valid UTF-8.
    ///
    /// Overlong forms, surrogates and values above U+10FFFF are not valid.
    public static func scalar(in octets: Span<UInt8>, at index: Int) -> (value: UInt32, byteCount: Int)? {
        let first = octets[index]
        if first < 0x80 { return (UInt32(first), 1) }
        let byteCount: Int
        var value: UInt32
        let lowest: UInt32
        switch first {
        case 0xC2...0xDF: (byteCount, value, lowest) = (2, UInt32(first & 0x1F), 0x80)
        case 0xE0...0xEF: (byteCount, value, lowest) = (3, UInt32(first & 0x0F), 0x800)
        case 0xF0...0xF4: (byteCount, value, lowest) = (4, UInt32(first & 0x07), 0x1_0000)
        default: return nil
        }
        guard byteCount <= octets.count - index else { return nil }
        for offset in 1..<byteCount {
            let octet = octets[index + offset]
            guard octet & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(octet & 0x3F)
        }
        guard value >= lowest, value <= 0x10_FFFF, value & 0xFFFF_F800 != 0xD800 else { return nil }
        return (value, byteCount)
    }

    /// Octets of a surrogate pair in which each half is written by itself.
    public static var surrogatePairByteCount: Int { 6 }

    /// The scalar of two halves, each written by itself in three octets, as clients do whose texts are UTF-16; nil when none
    /// begins at `index`. Source: CL-14.
    public static func surrogatePair(in octets: Span<UInt8>, at index: Int) -> UInt32? {
        guard octets.count - index >= surrogatePairByteCount, octets[index] == 0xED, octets[index + 3] == 0xED,
            octets[index + 1] & 0xF0 == 0xA0, octets[index + 4] & 0xF0 == 0xB0, octets[index + 2] & 0xC0 == 0x80,
            octets[index + 5] & 0xC0 == 0x80
        else { return nil }
        let high = 0xD800 | UInt32(octets[index + 1] & 0x0F) << 6 | UInt32(octets[index + 2] & 0x3F)
        let low = 0xDC00 | UInt32(octets[index + 4] & 0x0F) << 6 | UInt32(octets[index + 5] & 0x3F)
        return scalar(high: high, low: low)
    }

    /// The scalar of a high and a low half; nil when they are none.
    public static func scalar(high: UInt32, low: UInt32) -> UInt32? {
        guard isHighSurrogate(high), 0xDC00...0xDFFF ~= low else { return nil }
        return 0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    /// Whether it is the first half of a pair.
    public static func isHighSurrogate(_ value: UInt32) -> Bool { 0xD800...0xDBFF ~= value }

    /// Whether XML has a character, and with it the protocol. Source: protocol/session.md §1.2.
    public static func isXMLCharacter(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x1_0000...0x10_FFFF: return true
        default: return false
        }
    }

    /// The number of scalars of valid UTF-8; nil when it is not valid.
    public static func scalarCount(_ octets: Span<UInt8>) -> Int? {
        var index = 0
        var scalarCount = 0
        while index < octets.count {
            guard let scalar = scalar(in: octets, at: index) else { return nil }
            index += scalar.byteCount
            scalarCount += 1
        }
        return scalarCount
    }

    /// Octets of as many whole scalars from the beginning as have at most `most` octets.
    public static func prefixByteCount(of octets: Span<UInt8>, most: Int) -> Int {
        var end = 0
        while end < octets.count, let scalar = scalar(in: octets, at: end), end + scalar.byteCount <= most {
            end += scalar.byteCount
        }
        return end
    }

    /// Whether a scalar stands between words: white space and punctuation, of ASCII and what is common beside it.
    public static func separatesWords(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0...0x7F:
            let octet = UInt8(scalar)
            return !octet.isASCIILetter && !octet.isASCIIDigit
        case 0x80...0xA9, 0xAB...0xB1, 0xB4, 0xB6...0xB8, 0xBB, 0xBF: return true
        case 0x2000...0x206F, 0x3000...0x3003, 0x3008...0x3011, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0xFE0F: return true
        default: return false
        }
    }

    /// The small letter of a capital of Latin, Greek, Cyrillic or Armenian script; other scalars as they are.
    public static func lowercased(_ scalar: UInt32) -> UInt32 {
        switch scalar {
        case 0x41...0x5A, 0xC0...0xD6, 0xD8...0xDE, 0x391...0x3A1, 0x3A3...0x3AB, 0x410...0x42F: return scalar + 32
        case 0x100...0x12F, 0x132...0x137, 0x14A...0x177, 0x460...0x481, 0x48A...0x4BF, 0x4D0...0x52F, 0x1E00...0x1E95,
            0x1EA0...0x1EFF:
            return scalar | 1
        case 0x139...0x148, 0x179...0x17E: return scalar & 1 == 1 ? scalar + 1 : scalar
        case 0x178: return 0xFF
        case 0x386: return 0x3AC
        case 0x388...0x38A: return scalar + 37
        case 0x38C: return 0x3CC
        case 0x38E, 0x38F: return scalar + 63
        case 0x400...0x40F: return scalar + 80
        case 0x531...0x556: return scalar + 48
        default: return scalar
        }
    }

    /// The same text in ISO-8859-1; nil when a character has no place there or the text is too long.
    public static func latin1<let capacity: Int>(_ octets: Span<UInt8>) -> InlineBytes<capacity>? {
        var text = InlineBytes<capacity>()
        var index = 0
        while index < octets.count {
            guard let scalar = scalar(in: octets, at: index), scalar.value < 0x100 else { return nil }
            guard text.append(UInt8(scalar.value)) else { return nil }
            index += scalar.byteCount
        }
        return text
    }
}

extension UTF8 {
    /// Writes a scalar, which the caller made sure it is.
    ///
    /// - Returns: How many octets it has.
    static func encode(_ value: UInt32, into octets: inout InlineArray<4, UInt8>) -> Int {
        if value < 0x80 {
            octets[0] = UInt8(value)
            return 1
        }
        let count = value < 0x800 ? 2 : value < 0x1_0000 ? 3 : 4
        var rest = value
        for index in stride(from: count - 1, to: 0, by: -1) {
            octets[index] = UInt8(0x80 | rest & 0x3F)
            rest >>= 6
        }
        octets[0] = UInt8(truncatingIfNeeded: 0xF00 >> UInt32(count)) | UInt8(rest)
        return count
    }
}

extension FixedBytes {
    /// Adds a Unicode scalar in UTF-8; the caller made sure that it is one.
    public mutating func append(scalar value: UInt32) {
        var octets = InlineArray<4, UInt8>(repeating: 0)
        let count = UTF8.encode(value, into: &octets)
        for index in 0..<count { append(octets[index]) }
    }
}
