import Foundation

/// Where the built programs are; the tests drive them from outside and know nothing of their inside.
public enum Programs {
    /// The folder of the package.
    public static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of `impsd`, `impsctl` and `imps`: `IMPSD_PROGRAMS`, or the release build.
    public static let folder =
        ProcessInfo.processInfo.environment["IMPSD_PROGRAMS"].map { URL(fileURLWithPath: $0) }
        ?? package.appendingPathComponent(".build/release")

    /// What runs them, for another architecture: the words of `IMPSD_RUNNER`, an emulator with its options.
    public static let runner =
        (ProcessInfo.processInfo.environment["IMPSD_RUNNER"] ?? "").split(separator: " ").map(String.init)

    /// The syntax that the clients of the tests speak: `IMPSD_SYNTAX`, `xml` or `wbxml`.
    public static let syntax = ProcessInfo.processInfo.environment["IMPSD_SYNTAX"] ?? "xml"

    /// How the clients of the tests learn that something waits: `IMPSD_CALL`, one of `stcp`, `sudp` and `shttp`, or they
    /// poll.
    public static let call = ProcessInfo.processInfo.environment["IMPSD_CALL"]

    /// The clients of the tests speak to the engine by TLS: `IMPSD_TLS`.
    public static let usesTLS = ProcessInfo.processInfo.environment["IMPSD_TLS"] != nil

    /// The clients of the tests reach the engine through another one, which is its gateway and speaks this syntax with it:
    /// `IMPSD_GATEWAY`, `xml` or `wbxml`.
    public static let gateway = ProcessInfo.processInfo.environment["IMPSD_GATEWAY"]

    /// How much longer things take than they do natively.
    public static let slowness = !runner.isEmpty ? 8.0 : gateway != nil ? 3.0 : 1.0

    /// The command line of a program.
    public static func command(_ name: String, _ arguments: [String]) -> [String] {
        runner + [folder.appendingPathComponent(name).path] + arguments
    }
}

/// What a program that ended had to say.
public struct Ending: Sendable {
    public var code: Int32
    public var output: String
    public var errors: String
}

/// A failure of the harness itself, in words.
public struct HarnessError: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// Runs one of the programs to its end.
public func run(
    _ name: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
) throws -> Ending {
    try runCommand(Programs.command(name, arguments), input: input, environment: environment)
}

/// Runs any command to its end.
public func runCommand(
    _ words: [String], input: String = "", environment: [String: String] = [:]
) throws -> Ending {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (inPath, outPath, errorPath) = (folder.path + "/in", folder.path + "/out", folder.path + "/errors")
    try Data(input.utf8).write(to: URL(fileURLWithPath: inPath))
    var child = try Child(words, input: inPath, output: outPath, errors: errorPath, environment: environment)
    let code = child.wait()
    return Ending(
        code: code, output: try String(contentsOfFile: outPath, encoding: .utf8),
        errors: try String(contentsOfFile: errorPath, encoding: .utf8))
}

/// A child process that talks through files, so that nothing waits for a pipe that another child holds open.
struct Child {
    let id: pid_t
    private var code: Int32?

    init(
        _ words: [String], input: String = "/dev/null", output: String = "/dev/null", errors: String,
        environment: [String: String] = [:]
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var arguments = words.map { strdup($0) } + [nil]
        var variables = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var id: pid_t = 0
        let error = posix_spawnp(&id, words[0], &actions, nil, &arguments, &variables)
        guard error == 0 else { throw HarnessError("\(words[0]): \(String(cString: strerror(error)))") }
        self.id = id
    }

    /// True until the process has ended.
    mutating func isRunning() -> Bool {
        if code == nil { collect(WNOHANG) }
        return code == nil
    }

    /// Waits for the end; the exit code, or 128 and the signal.
    mutating func wait() -> Int32 {
        if code == nil { collect(0) }
        return code ?? -1
    }

    private mutating func collect(_ options: Int32) {
        var status: Int32 = 0
        guard waitpid(id, &status, options) == id else { return }
        code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }
}

/// A command that runs beside the tests and ends with this value.
public final class BackgroundCommand {
    private var child: Child

    /// Begins it.
    public init(
        _ words: [String], output: String = "/dev/null", errors: String, environment: [String: String] = [:]
    ) throws {
        child = try Child(words, output: output, errors: errors, environment: environment)
    }

    deinit { kill() }

    /// The number of the process.
    public var processID: Int32 { child.id }

    /// Ends it at once.
    public func kill() {
        guard child.isRunning() else { return }
        Foundation.kill(child.id, SIGKILL)
        _ = child.wait()
    }
}
