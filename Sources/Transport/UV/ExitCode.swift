/// The exit codes of the programs, those of sysexits.
public enum ExitCode: Int32, Sendable {
    /// It went well.
    case success = 0
    /// The command was refused or failed as such.
    case failure = 1
    /// The command line is wrong.
    case usage = 64
    /// The configuration or the input is wrong.
    case badData = 65
    /// The other side is not there.
    case unavailable = 69
    /// A defect.
    case software = 70
    /// A file cannot be made.
    case cannotCreate = 73
    /// A file cannot be read or written.
    case inputOutput = 74
    /// Another one runs already.
    case alreadyRunning = 75
    /// The user may not do this.
    case noPermission = 77
}
