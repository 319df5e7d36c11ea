import Octets

/// Whether the wall clock may be believed.
public enum ClockTrust: Sendable {
    /// When the kernel says that it is synchronised.
    case automatic
    /// Always: a machine with a battery-backed clock.
    case trusted
    /// Never.
    case untrusted

    /// The choice that a word stands for.
    public init?(name: Span<UInt8>) {
        if name.equals("auto") {
            self = .automatic
        } else if name.equals("trusted") {
            self = .trusted
        } else if name.equals("untrusted") {
            self = .untrusted
        } else {
            return nil
        }
    }

    /// nil asks the kernel.
    public var isTrusted: Bool? {
        switch self {
        case .automatic: return nil
        case .trusted: return true
        case .untrusted: return false
        }
    }
}

/// Where the live store lies.
public enum DataModeChoice: Sendable {
    /// Wherever the volume allows: on it when it can be mapped, else in memory with copies on it.
    case automatic
    /// On the volume.
    case flash
    /// In memory, with copies on the volume.
    case memory
}
