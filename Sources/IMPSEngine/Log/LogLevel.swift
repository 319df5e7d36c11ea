import Octets

/// How much a record matters; the numbers are those of syslog.
public enum LogLevel: UInt8, Comparable, Sendable {
    /// Needs a human.
    case error = 3
    /// Degraded, or somebody tries something.
    case warning = 4
    /// A state changed.
    case notice = 5
    /// One record a session or message.
    case info = 6
    /// One record a packet.
    case debug = 7

    /// The letter in a record.
    public var letter: UInt8 {
        switch self {
        case .error: return 0x45
        case .warning: return 0x57
        case .notice: return 0x4E
        case .info: return 0x49
        case .debug: return 0x44
        }
    }

    /// The word in the configuration.
    public var name: StaticString {
        switch self {
        case .error: return "err"
        case .warning: return "warning"
        case .notice: return "notice"
        case .info: return "info"
        case .debug: return "debug"
        }
    }

    /// The level with this name; nil when it is none.
    public init?(name: Span<UInt8>) {
        for value in LogLevel.error.rawValue...LogLevel.debug.rawValue {
            if let level = LogLevel(rawValue: value), name.equalsIgnoringCase(level.name) {
                self = level
                return
            }
        }
        return nil
    }

    /// The less a level lets through, the lower it is.
    public static func < (first: LogLevel, second: LogLevel) -> Bool { first.rawValue < second.rawValue }
}
