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
