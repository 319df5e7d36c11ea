import Foundation

/// A virtual board: a machine with 64 MB, a read-only root, a data disk, a LAN port that is forwarded here, and a serial
/// console that is read and written.
public final class VirtualBoard: @unchecked Sendable {
    /// The boards whose image is built.
    public static let architectures = ["aarch64", "armv7"].filter {
        FileManager.default.fileExists(atPath: "\(Programs.package.path)/.build-board/\($0)/root.squashfs")
    }

    /// Whom the engine runs as.
    private static let user: UInt32 = 200
    /// How much longer things take than on the machine that emulates it.
    public static let slowness = 8.0

    public let architecture: String
    public let folder: URL
    public let port: UInt16
    /// Where its clients connect when it speaks nothing but TLS.
    public var front: TLSFront?
    private var child: Child?
    private var console: Int32 = -1
    private var bootCount = 0
    private var commandCount = 0

    /// Makes the data disk, with the files given on it.
    public init(_ architecture: String, megabytes: Int = 32, files: [String: String] = [:]) throws {
        self.architecture = architecture
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("board-\(UUID().uuidString)")
        let content = folder.appendingPathComponent("content")
        try FileManager.default.createDirectory(at: content, withIntermediateDirectories: true)
        for (name, text) in files {
            let file = content.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
            // What lies in the data folder is the engine's.
            guard name.hasPrefix("imps/") else { continue }
            for path in [file.path, file.deletingLastPathComponent().path] {
                guard chown(path, VirtualBoard.user, VirtualBoard.user) == 0 else {
                    throw HarnessError("chown \(path)")
                }
            }
        }
        port = try VirtualBoard.freePort()
        let disk = try Child(
            [
                VirtualBoard.script("disk.sh"), folder.path + "/data.img", "\(megabytes)", content.path,
            ], errors: folder.path + "/errors")
        var maker = disk
        guard maker.wait() == 0 else { throw HarnessError("disk.sh: \(errors)") }
    }

    deinit {
        cut()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func script(_ name: String) -> String { "\(Programs.package.path)/board/virtual/\(name)" }

    /// A port of loopback that nobody has now.
    public static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, count) == 0 ? getsockname(descriptor, $0, &count) : -1
            }
        }
        guard code == 0 else { throw HarnessError("no free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    // MARK: Power

    /// Switches it on.
    ///
    /// - Parameters:
    ///   - words: More words for the kernel's command line.
    ///   - options: More options for the emulator.
    public func powerOn(_ words: [String] = [], options: String = "") throws {
        bootCount += 1
        let path = folder.path + "/console"
        try? FileManager.default.removeItem(atPath: path)
        child = try Child(
            [VirtualBoard.script("run.sh"), architecture] + words, errors: folder.path + "/errors",
            environment: [
                "BOARD_DATA": folder.path + "/data.img", "BOARD_PORT": "\(port)", "BOARD_SERIAL": "chardev:console",
                "BOARD_OPTIONS":
                    "-chardev socket,id=console,path=\(path),server=on,wait=off,logfile=\(logPath) \(options)",
            ])
        try wait("the console", seconds: 20) {
            guard isOn else { throw HarnessError("the board does not start: \(errors)") }
            return FileManager.default.fileExists(atPath: path) && connectConsole(path)
        }
    }

    /// Switches it on, and waits until requests are accepted; the seconds between init and that.
    @discardableResult
    public func boot(_ words: [String] = [], options: String = "") throws -> Double {
        try powerOn(words, options: options)
        try awaitLine("board: init at")
        let start = Date()
        try awaitLine("READY port=8080")
        return Date().timeIntervalSince(start)
    }

    /// Cuts the power.
    public func cut() {
        if console >= 0 {
            shutdown(console, Int32(SHUT_RDWR))
            close(console)
        }
        console = -1
        if isOn, let child { kill(child.id, SIGKILL) }
        _ = child?.wait()
    }

    /// True as long as it has power.
    public var isOn: Bool { child?.isRunning() == true }

    /// Shuts it down as an operator does.
    public func powerOff() throws {
        try type("poweroff\n")
        try wait("the power", seconds: 60) { !isOn }
        cut()
    }

    // MARK: Console

    private var logPath: String { folder.path + "/log.\(bootCount)" }
    private var errors: String { (try? String(contentsOfFile: folder.path + "/errors", encoding: .utf8)) ?? "" }

    /// What the console has shown since the last start.
    public var log: String {
        let octets = (try? Data(contentsOf: URL(fileURLWithPath: logPath))) ?? Data()
        return String(decoding: octets.filter { $0 != 0x0D }, as: UTF8.self)
    }

    /// Records with this code.
    public func records(_ code: String) -> [Substring] {
        log.split(separator: "\n").filter { $0.contains(" \(code) ") || $0.hasSuffix(" \(code)") }
    }

    /// Waits for a line with these words.
    public func awaitLine(_ words: String..., seconds: Double = 60) throws {
        do {
            try wait("\(words) on the console", seconds: seconds) {
                log.split(separator: "\n").contains { line in words.allSatisfy { line.contains($0) } }
            }
        } catch {
            throw HarnessError("\(error): \(log.suffix(2000)) \(errors)")
        }
    }

    private func connectConsole(_ path: String) -> Bool {
        console = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(console, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if code == 0 { drainConsole() } else { close(console) }
        return code == 0
    }

    private func type(_ text: String) throws {
        if shellBoot != bootCount {
            try openShell()
            shellBoot = bootCount
        }
        try write(text)
    }

    /// Has a shell on the console that, because it writes to no terminal, neither prompts nor echoes. What is typed while
    /// the first one begins is lost, as on any serial line; so it is typed again.
    private func openShell() throws {
        for attempt in 1... {
            try write("\n")
            Thread.sleep(forTimeInterval: 0.5)
            try write("stty -echo; sh -s 2>&1 | cat; sleep 1000\n")
            try write("echo CONSOLE\"\"-OPEN\n")
            do {
                return try awaitLine("CONSOLE-OPEN", seconds: 10)
            } catch {
                if attempt == 6 { throw error }
            }
        }
    }

    /// The start in which the console has a shell.
    private var shellBoot = 0

    /// Takes what the console sends, so that it never waits; it is in the file too.
    private func drainConsole() {
        let descriptor = dup(console)
        let thread = Thread {
            var octets = [UInt8](repeating: 0, count: 4096)
            while recv(descriptor, &octets, octets.count, 0) > 0 {}
            close(descriptor)
        }
        thread.start()
    }

    private func write(_ text: String) throws {
        // No more at once than a serial line buffers.
        for part in Array(text.utf8).chunks(of: 64) {
            let count = part.withUnsafeBytes { send(console, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count == part.count else { throw HarnessError("the console cannot be written") }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    /// Has the shell on the console do something; what it printed, without records of the log, and its exit code.
    @discardableResult
    public func shell(_ command: String, seconds: Double = 60) throws -> (output: String, code: Int) {
        commandCount += 1
        let mark = "MARK-\(commandCount)"
        try type("echo \(mark)\"\"-BEGIN; \(command)\necho \(mark)\"\"-END $?\n")
        try awaitLine("\(mark)-END", seconds: seconds)
        let lines = log.split(separator: "\n", omittingEmptySubsequences: false)
        guard let begin = lines.lastIndex(where: { $0.contains("\(mark)-BEGIN") }),
            let end = lines[(begin + 1)...].firstIndex(where: { $0.contains("\(mark)-END") })
        else { throw HarnessError("no answer of the shell: \(log.suffix(1000))") }
        let output = lines[(begin + 1)..<end].filter { !$0.hasPrefix("up=") }.joined(separator: "\n")
        return (output, Int(lines[end].split(separator: " ").last ?? "") ?? -1)
    }

    /// The first number that the shell prints.
    public func number(_ command: String) throws -> Int {
        let output = try shell(command).output
        guard let match = output.firstMatch(of: /\d+/), let number = Int(match.0) else {
            throw HarnessError("no number: \(output)")
        }
        return number
    }

    /// Resident KB of the engine.
    public func residentKB() throws -> Int {
        try number("sed -n 's/^VmRSS:[^0-9]*//p' /proc/$(pidof impsd)/status")
    }

    /// Octets that were written to the data disk since the start, once everything is there.
    public func diskBytesWritten() throws -> Int {
        try number("sync; awk '{ print $7 * 512 }' /sys/class/block/$(basename $(readlink /dev/data-disk))/stat")
    }

    // MARK: LAN

    /// A connection to the engine.
    public func connect() throws -> HTTPConnection { try HTTPConnection(port: front?.port ?? port, timeout: 60) }

    /// A client with a connection of its own, not logged in; passwords are those that `provision` gives.
    public func client(_ user: String, _ version: String = "1.2", cookie: String? = nil) throws -> Client {
        Client(
            try connect(), user: "wv:\(user)@home.arpa", password: VirtualBoard.password(of: user), version,
            cookie: cookie)
    }

    public static func password(of user: String) -> String { "secret of \(user)" }

    /// The file of the factory with these accounts.
    public static func provision(_ users: [String]) -> String {
        users.map { "config account '\($0)'\n\toption password '\(password(of: $0))'\n" }.joined()
    }

    /// The default configuration with other values.
    public static func configuration(_ changes: [String: String]) throws -> String {
        let text = try String(
            contentsOf: Programs.package.appendingPathComponent("board/imps.config"), encoding: .utf8)
        let kept = text.split(separator: "\n").filter { line in
            !changes.keys.contains { line.contains("option \($0) ") }
        }
        return (kept.map(String.init) + changes.map { "\toption \($0.key) '\($0.value)'" }).joined(separator: "\n")
            + "\n"
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
