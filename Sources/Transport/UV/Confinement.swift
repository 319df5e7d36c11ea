import CLibC
import Files
import Octets

/// What the process has given up for good: whoever takes it over by a defect finds it so too.
public struct Confinement: Sendable {
    /// Whether it has given something up.
    public enum State: Sendable {
        /// It has.
        case on
        /// The operator did not want it.
        case off
        /// The kernel cannot do it.
        case unavailable

        /// As the log and `status` have it.
        public var name: StaticString {
            switch self {
            case .on: return "on"
            case .off: return "off"
            case .unavailable: return "unavailable"
            }
        }
    }

    /// All calls of the kernel but those of a server (seccomp).
    public var calls = State.off
    /// Writing anywhere but in a few places, and starting programs (Landlock).
    public var places = State.off
    /// Something of what was given up was tried, and refused.
    public var isTried = false

    /// Nothing is given up.
    public init() {}

    /// Gives up what a running engine does not need. Everything that needs more is open by now.
    static func confine(to settings: ServerSettings) -> Confinement {
        var confinement = Confinement()
        let hasNoNewRights = libc_forbid_new_rights() == 0
        guard settings.isConfined else { return confinement }
        confinement.places = hasNoNewRights && confinePlaces(settings) ? .on : .unavailable
        confinement.calls = hasNoNewRights && libc_confine_calls() == 0 ? .on : .unavailable
        confinement.isTried =
            (confinement.calls != .on || libc_is_confined_to_calls() != 0)
            && (confinement.places != .on || libc_is_confined_to_places() != 0)
        return confinement
    }

    private static func confinePlaces(_ settings: ServerSettings) -> Bool {
        let list = libc_begin_places()
        guard list >= 0 else { return false }
        let device: StaticString = "/dev/null"
        let isListed =
            add(settings.dataFolder.span, to: list) && add(settings.watchdogPath.span, to: list)
            && add(File.folder(of: settings.controlPath.span), to: list) && add(device.octets, to: list)
            // A modem that was pulled out comes back as another file.
            && (settings.modemPath.isEmpty
                || add(File.folder(of: settings.modemPath.span), to: list, isForDevices: true))
        guard isListed else {
            File.close(list)
            return false
        }
        return libc_confine_to_places(list) == 0
    }

    private static func add(_ path: Span<UInt8>, to list: Int32, isForDevices: Bool = false) -> Bool {
        let code = unsafe File.withPath(path) { unsafe libc_add_place(list, $0, isForDevices ? 1 : 0) }
        return path.count == 0 || code == 0
    }
}
