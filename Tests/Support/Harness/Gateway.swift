import Foundation

/// A server that notifications are sent to, `gateway.py`, and what it was sent.
public final class Gateway {
    /// A request that came.
    public struct Request: Sendable {
        public var method: String
        public var path: String
        public var fields: [String: String]
        public var body: String
        public var time: Double

        /// The parameters of the query.
        public var query: [String: String] {
            var result: [String: String] = [:]
            for pair in path.split(separator: "?").dropFirst().joined().split(separator: "&") {
                let words = pair.split(separator: "=", maxSplits: 1).map(String.init)
                result[words[0]] = words.count > 1 ? words[1].removingPercentEncoding : ""
            }
            return result
        }
    }

    public let port: UInt16
    private let folder: URL
    private var child: BackgroundCommand

    /// Starts one.
    public init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("gateway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.path + "/port"
        child = try BackgroundCommand(
            ["python3", Programs.package.path + "/Tests/Support/gateway.py", folder.path],
            errors: folder.path + "/log")
        try wait("the gateway", seconds: 20) { FileManager.default.fileExists(atPath: file) }
        port = UInt16(try String(contentsOfFile: file, encoding: .utf8)) ?? 0
    }

    deinit {
        child.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Where the engine goes; the first part says how it is treated.
    public func url(_ kind: String) -> String { "http://127.0.0.1:\(port)/\(kind)" }

    /// Ends it, as a gateway that crashes.
    public func kill() { child.kill() }

    /// What came until now.
    public var requests: [Request] {
        let text = (try? String(contentsOfFile: folder.path + "/requests", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let value = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            return Request(
                method: value["method"] as? String ?? "", path: value["path"] as? String ?? "",
                fields: value["fields"] as? [String: String] ?? [:], body: value["body"] as? String ?? "",
                time: value["time"] as? Double ?? 0)
        }
    }

    /// Waits until so many came.
    public func await(_ count: Int, seconds: Double = 15) throws -> [Request] {
        try wait("\(count) requests", seconds: seconds * Programs.slowness) { requests.count >= count }
        return requests
    }
}
