import Octets

/// Values of the engine's records as people read them: what a number counts is told by the key that it goes with.
enum Quantity {
    /// Adds the value of a key.
    static func write(_ key: Span<UInt8>, _ value: Span<UInt8>, into text: inout FixedBytes) {
        guard value.count > 0 else { return text.append("-") }
        guard let number = Decimal.parse(value) else { return text.append(readable: value) }
        if isTime(key) {
            date(number, into: &text)
        } else if key.equals("required") || key.equals("blocking") || key.equals("verified")
            || key.equals("by_operator")
        {
            text.append(number == 0 ? "no" : "yes")
        } else if ends(key, "_s") {
            duration(number * 1000, into: &text)
        } else if ends(key, "_ms") {
            duration(number, into: &text)
        } else if ends(key, "bytes") {
            size(number, into: &text)
        } else {
            text.append(decimal: number)
        }
    }

    private static func isTime(_ key: Span<UInt8>) -> Bool {
        key.equals("at") || key.equals("began") || key.equals("ended") || key.equals("sent") || key.equals("shown")
            || key.equals("answered")
            || key.equals("created") || key.equals("from") || key.equals("until") || key.equals("due")
    }

    private static func ends(_ key: Span<UInt8>, _ end: StaticString) -> Bool {
        let count = end.utf8CodeUnitCount
        return key.count >= count && key.extracting(key.count - count..<key.count).equals(end)
    }

    /// `2026-11-27 16:58` in UTC; `-` for an unknown time.
    static func date(_ seconds: UInt64, into text: inout FixedBytes) {
        guard seconds > 0 else { return text.append("-") }
        let time = CivilTime(secondsSince1970: seconds)
        text.append(decimal: UInt64(time.year))
        part(0x2D, time.month, into: &text)
        part(0x2D, time.day, into: &text)
        part(0x20, time.hour, into: &text)
        part(0x3A, time.minute, into: &text)
    }

    private static func part(_ mark: UInt8, _ number: Int, into text: inout FixedBytes) {
        text.append(mark)
        text.append(decimal: UInt64(number), width: 2)
    }

    /// `250 ms`, `3 s`, `12 min`, `5 h 3 min`, `3 d 2 h`.
    static func duration(_ milliseconds: UInt64, into text: inout FixedBytes) {
        let seconds = milliseconds / 1000
        switch seconds {
        case 0 where milliseconds > 0: pair(milliseconds, " ms", 0, "", into: &text)
        case 0..<120: pair(seconds, " s", 0, "", into: &text)
        case 120..<7200: pair(seconds / 60, " min", 0, "", into: &text)
        case 7200..<172_800: pair(seconds / 3600, " h", seconds / 60 % 60, " min", into: &text)
        default: pair(seconds / 86_400, " d", seconds / 3600 % 24, " h", into: &text)
        }
    }

    private static func pair(
        _ first: UInt64, _ unit: StaticString, _ second: UInt64, _ smaller: StaticString, into text: inout FixedBytes
    ) {
        text.append(decimal: first)
        text.append(unit)
        guard second > 0 else { return }
        text.append(0x20)
        text.append(decimal: second)
        text.append(smaller)
    }

    /// `512 B`, `1.5 KB`, `24 MB`: two digits at least, of 1,024 octets a KB.
    static func size(_ byteCount: UInt64, into text: inout FixedBytes) {
        guard byteCount >= 1024 else {
            text.append(decimal: byteCount)
            text.append(" B")
            return
        }
        var tenths = byteCount * 10 / 1024
        var unit = 0
        while tenths >= 10_240, unit < 3 {
            tenths /= 1024
            unit += 1
        }
        text.append(decimal: tenths / 10)
        if tenths < 100, tenths % 10 > 0 {
            text.append(0x2E)
            text.append(decimal: tenths % 10)
        }
        text.append(unit == 0 ? " KB" : unit == 1 ? " MB" : unit == 2 ? " GB" : " TB")
    }
}

extension FixedBytes {
    /// Adds a value without its escapes, but for control characters: they may not reach the terminal.
    mutating func append(readable value: Span<UInt8>) {
        var index = 0
        while index < value.count {
            var octet = value[index]
            var length = 1
            if octet == 0x5C, index + 3 < value.count, let high = Hexadecimal.value(value[index + 2]),
                let low = Hexadecimal.value(value[index + 3])
            {
                octet = high << 4 | low
                length = 4
            }
            if octet >= 0x20, octet != 0x7F {
                append(octet)
            } else {
                append(value.extracting(index..<index + length))
            }
            index += length
        }
    }

    /// The same for a part of another text.
    mutating func append(readable other: borrowing FixedBytes, _ range: Range<Int>) {
        append(readable: other.span(range))
    }
}
