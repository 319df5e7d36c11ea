/// A second of the UTC calendar.
public struct CivilTime: Equatable, Sendable {
    /// 1970 and later.
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 0 to 23.
    public var hour: Int
    /// 0 to 59.
    public var minute: Int
    /// 0 to 59.
    public var second: Int

    /// The civil time of a count of seconds since 1970-01-01T00:00:00Z.
    public init(secondsSince1970 seconds: UInt64) {
        let days = Int(seconds / 86_400)
        let rest = Int(seconds % 86_400)
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        // Eras of 400 years that begin on 1 March, so that the leap day is the last day of a year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension CivilTime {
    /// Seconds since 1970 of `20261121T023109Z`, or without the `Z`, in UTC; nil for anything else. Source:
    /// protocol/wbxml.md §6.2.
    public static func seconds(ofBasic text: Span<UInt8>) -> UInt64? {
        guard text.count >= 15, text[8] == UInt8(ascii: "T"),
            let hours = Decimal.parse(text.extracting(9..<11)), hours < 24,
            let minutes = Decimal.parse(text.extracting(11..<13)), minutes < 60,
            let seconds = Decimal.parse(text.extracting(13..<15)), seconds < 61
        else { return nil }
        var day = InlineBytes<10>()
        for index in 0..<8 {
            if index == 4 || index == 6 { _ = day.append(UInt8(ascii: "-")) }
            _ = day.append(text[index])
        }
        return self.seconds(of: day.span).map { $0 + hours * 3600 + minutes * 60 + seconds }
    }

    /// Seconds since 1970 of the beginning of a day, 1970 and later.
    public static func seconds(year: UInt64, month: UInt64, day: UInt64) -> UInt64 {
        let fromMarch = (month + 9) % 12
        let shifted = month < 3 ? year - 1 : year
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * fromMarch + 2) / 5 + day - 1
        return (days - 719_468) * 86_400
    }

    /// Seconds since 1970 of `2026-12-31` or `2026-12-31T18:00`, in UTC; nil for anything else.
    public static func seconds(of text: Span<UInt8>) -> UInt64? {
        guard text.count == 10 || text.count == 16, text[4] == 0x2D, text[7] == 0x2D,
            let year = Decimal.parse(text.extracting(0..<4)), year >= 1970,
            let month = Decimal.parse(text.extracting(5..<7)), (1...12).contains(month),
            let day = Decimal.parse(text.extracting(8..<10)), day >= 1
        else { return nil }
        var seconds: UInt64 = 0
        if text.count == 16 {
            guard text[10] == 0x54, text[13] == 0x3A, let hour = Decimal.parse(text.extracting(11..<13)), hour < 24,
                let minute = Decimal.parse(text.extracting(14..<16)), minute < 60
            else { return nil }
            seconds = hour * 3600 + minute * 60
        }
        seconds += self.seconds(year: year, month: month, day: day)
        // The 31st of a short month would be a day of the next one.
        return CivilTime(secondsSince1970: seconds).day == Int(day) ? seconds : nil
    }
}

extension FixedBytes {
    /// Adds `20261121T023109Z`, the form that every client reads. Source: protocol/wbxml.md §6.2.
    public mutating func append(basicTime seconds: UInt64) {
        let time = CivilTime(secondsSince1970: seconds)
        append(decimal: UInt64(time.year), width: 4)
        append(decimal: UInt64(time.month), width: 2)
        append(decimal: UInt64(time.day), width: 2)
        append(0x54)
        append(decimal: UInt64(time.hour), width: 2)
        append(decimal: UInt64(time.minute), width: 2)
        append(decimal: UInt64(time.second), width: 2)
        append(0x5A)
    }

    /// Adds `2026-11-21T02:31:09Z`, the form of the log.
    public mutating func append(extendedTime seconds: UInt64) {
        let time = CivilTime(secondsSince1970: seconds)
        append(decimal: UInt64(time.year), width: 4)
        append(0x2D)
        append(decimal: UInt64(time.month), width: 2)
        append(0x2D)
        append(decimal: UInt64(time.day), width: 2)
        append(0x54)
        append(decimal: UInt64(time.hour), width: 2)
        append(0x3A)
        append(decimal: UInt64(time.minute), width: 2)
        append(0x3A)
        append(decimal: UInt64(time.second), width: 2)
        append(0x5A)
    }
}
