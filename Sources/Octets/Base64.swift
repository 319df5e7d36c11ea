/// Base64 with the standard alphabet.
public enum Base64 {
    private static func digit(_ value: UInt8) -> UInt8 {
        switch value & 0x3F {
        case 0..<26: return value & 0x3F + 0x41
        case 26..<52: return value & 0x3F - 26 + 0x61
        case 52..<62: return value & 0x3F - 52 + 0x30
        case 62: return 0x2B
        default: return 0x2F
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x41...0x5A: return digit - 0x41
        case 0x61...0x7A: return digit - 0x61 + 26
        case 0x30...0x39: return digit - 0x30 + 52
        case 0x2B: return 62
        case 0x2F: return 63
        default: return nil
        }
    }

    /// Adds `octets` in Base64 with padding and without line breaks.
    public static func encode(_ octets: Span<UInt8>, into text: inout FixedBytes) {
        var index = 0
        while index < octets.count {
            let first = octets[index]
            let second = index + 1 < octets.count ? octets[index + 1] : 0
            let third = index + 2 < octets.count ? octets[index + 2] : 0
            text.append(digit(first >> 2))
            text.append(digit(first << 4 | second >> 4))
            text.append(index + 1 < octets.count ? digit(second << 2 | third >> 6) : 0x3D)
            text.append(index + 2 < octets.count ? digit(third) : 0x3D)
            index += 3
        }
    }

    /// The octets of a short Base64 text. White space and missing padding are tolerated, because clients do so.
    ///
    /// - Returns: nil when another character occurs, when a character is left over, or when the octets do not fit.
    /// - Source: protocol/session.md §3.4.
    public static func decode<let capacity: Int>(_ text: Span<UInt8>) -> InlineBytes<capacity>? {
        var octets = InlineBytes<capacity>()
        var bits: UInt32 = 0
        var bitCount = 0
        var isPadded = false
        for index in text.indices {
            let character = text[index]
            if character.isASCIIWhitespace { continue }
            if character == 0x3D {
                isPadded = true
                continue
            }
            guard !isPadded, let value = value(character) else { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                guard octets.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))) else { return nil }
            }
        }
        return bitCount < 6 ? octets : nil
    }
}
