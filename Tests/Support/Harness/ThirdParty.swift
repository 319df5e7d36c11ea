import Foundation

/// An engine that is somebody else's service, a gateway in front of it, and `upstream.py` between the two, which keeps what
/// the gateway sends and may spoil what it gets.
public final class ThirdParty {
    /// The service behind, with its accounts.
    public let service: EngineProcess
    /// The gateway that clients come to.
    public let door: EngineProcess
    private let folder: URL
    private var child: BackgroundCommand
    /// Where the one between listens.
    public let port: UInt16

    /// Starts all three; the domain of the service is `home.test`, that of the gateway `gateway.test`.
    ///
    /// - Parameters:
    ///   - options: Lines of the `upstream` section besides domain and URL.
    ///   - urls: What comes before the URL.
    public init(
        _ settings: [String: String] = [:], options: String = "", urls: [String] = [], starts: Bool = true
    ) throws {
        service = try EngineProcess(["poll_min": "1"], isDoor: true)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("upstream-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        child = try BackgroundCommand(
            [
                "python3", Programs.package.path + "/Tests/Support/upstream.py", "\(service.port)", folder.path,
            ], errors: folder.path + "/errors")
        let file = folder.path + "/port"
        try wait("the one between") { FileManager.default.fileExists(atPath: file) }
        port = UInt16(try String(contentsOfFile: file, encoding: .utf8)) ?? 0
        door = try EngineProcess(
            ["domain": "gateway.test"].merging(settings) { $1 }, users: [], starts: false, isDoor: true)
        let list = urls + ["http://127.0.0.1:\(port)/"]
        door.sections =
            "config upstream 'behind'\n\toption domain 'home.test'\n"
            + list.map { "\tlist url '\($0)'\n" }.joined() + "\toption poll '1'\n\(options)"
        if starts { try door.start() }
    }

    deinit {
        child.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What the gateway sent, in order.
    public var requests: String {
        (try? Data(contentsOf: folder.appendingPathComponent("requests"))).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    /// How the one between treats what it gets from now on.
    public func set(mode: String) throws {
        try mode.write(toFile: folder.path + "/mode", atomically: true, encoding: .utf8)
    }

    /// A client of the gateway, who is known to the service.
    public func client(_ user: String, _ version: String = "1.3", cookie: String? = nil) throws -> Client {
        try door.client(user, version, cookie: cookie)
    }
}

extension EngineProcess {
    /// Where a text lies in the memory of the process, in what can be written to: how often.
    public func countInMemory(_ text: String) throws -> Int {
        let maps = try String(contentsOfFile: "/proc/\(processID)/maps", encoding: .utf8)
        let memory = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/\(processID)/mem"))
        defer { try? memory.close() }
        let pattern = Data(text.utf8)
        var count = 0
        for line in maps.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[1].hasPrefix("rw"), !line.hasSuffix("[vvar]") else { continue }
            let bounds = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard bounds.count == 2, (try? memory.seek(toOffset: bounds[0])) != nil,
                let octets = try? memory.read(upToCount: Int(bounds[1] - bounds[0]))
            else { continue }
            var start = octets.startIndex
            while let range = octets.range(of: pattern, in: start..<octets.endIndex) {
                count += 1
                start = range.upperBound
            }
        }
        return count
    }

    /// How often a text occurs in the files of the process: its store, its log.
    public func countInFiles(_ text: String) throws -> Int {
        var count = 0
        for case let file as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)! {
            guard let octets = try? Data(contentsOf: file) else { continue }
            if octets.range(of: Data(text.utf8)) != nil { count += 1 }
        }
        return count
    }
}
