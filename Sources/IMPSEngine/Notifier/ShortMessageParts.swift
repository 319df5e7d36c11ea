import Octets

/// A text as a modem sends it: one short message, or several that the phone puts together.
///
/// Source: 3GPP TS 23.038 (alphabet), TS 23.040 §9.2.2.2 (SMS-SUBMIT) and §9.2.3.24.1 (parts).
struct ShortMessageParts: ~Copyable {
    /// Septets of the default alphabet, or octets of UCS-2.
    private var units = InlineBytes<2100>()
    /// It is in the default alphabet.
    let isPacked: Bool
    /// How the units are to be read. Source: 3GPP TS 23.038 §4.
    private let coding: UInt8

    /// Octets for an application.
    init(octets: Span<UInt8>) {
        isPacked = false
        coding = 4
        _ = units.append(octets)
    }

    init(_ text: Span<UInt8>) {
        isPacked = ShortMessage.isInAlphabet(text)
        coding = isPacked ? 0 : 8
        var index = 0
        while index < text.count, let (scalar, byteCount) = UTF8.scalar(in: text, at: index) {
            index += byteCount
            if isPacked { appendSeptets(scalar) } else { appendUnits(scalar) }
        }
    }

    private mutating func appendSeptets(_ scalar: UInt32) {
        if let place = ShortMessage.place(of: scalar, in: ShortMessage.alphabet) {
            _ = units.append(UInt8(place))
        } else if let place = ShortMessage.place(of: scalar, in: ShortMessage.extensions) {
            let numbers: InlineArray<9, UInt8> = [0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65]
            _ = units.append(0x1B)
            _ = units.append(numbers[place])
        }
    }

    private mutating func appendUnits(_ scalar: UInt32) {
        if scalar < 0x10000 {
            appendUnit(scalar)
        } else {
            appendUnit(0xD800 + (scalar - 0x10000) >> 10)
            appendUnit(0xDC00 + (scalar - 0x10000) & 0x3FF)
        }
    }

    private mutating func appendUnit(_ unit: UInt32) {
        _ = units.append(UInt8(unit >> 8))
        _ = units.append(UInt8(unit & 0xFF))
    }

    /// Where a part that begins at `start` ends: an escape stays with its character, and so do both halves of one.
    private func end(of start: Int, most: Int) -> Int {
        guard units.count - start > most else { return units.count }
        let end = start + most
        if isPacked { return units.span[end - 1] == 0x1B ? end - 1 : end }
        return 0xD8...0xDB ~= units.span[end - 2] ? end - 2 : end
    }

    /// Adds a line for each part: the octets of the message without the address of the centre, a space, and all of it in
    /// hexadecimal.
    ///
    /// - Parameter reference: The same in all parts.
    func write(to number: Span<UInt8>, reference: UInt8, into text: inout FixedBytes) {
        let whole = isPacked ? 160 : 140
        guard units.count > whole else {
            return write(0..<units.count, to: number, header: Span(), into: &text)
        }
        let most = isPacked ? 153 : 134
        var count: UInt8 = 0
        var start = 0
        while start < units.count {
            start = end(of: start, most: most)
            count += 1
        }
        start = 0
        for part in 1...count {
            let end = end(of: start, most: most)
            let header: InlineArray<6, UInt8> = [5, 0, 3, reference, count, part]
            write(start..<end, to: number, header: header.span, into: &text)
            start = end
        }
    }

    /// Whether it is in the default alphabet, and so many septets at most.
    func fits(_ most: Int) -> Bool { isPacked && units.count <= most }

    /// Adds the line for a message with a header, which has to fit into one.
    func write(to number: Span<UInt8>, header: Span<UInt8>, into text: inout FixedBytes) {
        write(0..<units.count, to: number, header: header, into: &text)
    }

    private func write(
        _ range: Range<Int>, to number: Span<UInt8>, header: Span<UInt8>, into text: inout FixedBytes
    ) {
        let digits = number.extracting(1..<number.count)
        // A header takes the place of whole septets, of which the last is filled up with bits.
        let skipped = isPacked ? (header.count * 8 + 6) / 7 : 0
        let octetCount = isPacked ? ((range.count + skipped) * 7 + 7) / 8 : range.count + header.count
        text.append(decimal: UInt64(8 - 1 + (digits.count + 1) / 2 + octetCount))
        text.append(0x20)
        // The centre that the card knows; SUBMIT, with a header or without; a reference that the modem gives.
        text.append(header.count > 0 ? "004100" : "000100")
        text.append(hexadecimal: UInt8(digits.count))
        text.append("91")
        for index in stride(from: 0, to: digits.count, by: 2) {
            text.append(index + 1 < digits.count ? digits[index + 1] : UInt8(ascii: "F"))
            text.append(digits[index])
        }
        text.append("00")
        text.append(hexadecimal: coding)
        text.append(hexadecimal: UInt8(isPacked ? range.count + skipped : octetCount))
        text.append(hexadecimal: header)
        if isPacked {
            writePacked(range, filling: UInt32(skipped * 7 - header.count * 8), into: &text)
        } else {
            text.append(hexadecimal: units.span.extracting(range))
        }
        text.append(0x0A)
    }

    /// Septets one behind the other, from the lowest bit on.
    ///
    /// - Parameter filling: Bits before the first.
    private func writePacked(_ range: Range<Int>, filling: UInt32, into text: inout FixedBytes) {
        var bits: UInt32 = 0
        var count = filling
        for index in range {
            bits |= UInt32(units.span[index]) << count
            count += 7
            while count >= 8 {
                text.append(hexadecimal: UInt8(bits & 0xFF))
                bits >>= 8
                count -= 8
            }
        }
        if count > 0 { text.append(hexadecimal: UInt8(bits & 0xFF)) }
    }
}

extension FixedBytes {
    /// Adds an octet as two digits.
    fileprivate mutating func append(hexadecimal octet: UInt8) {
        append(Hexadecimal.digit(octet >> 4))
        append(Hexadecimal.digit(octet))
    }
}
