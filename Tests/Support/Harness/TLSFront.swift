import Foundation

/// Takes connections in plain and passes them on by TLS, for clients of the tests, which have none.
public final class TLSFront {
    /// Where connections are taken.
    public let port: UInt16
    private var child: Child

    /// Begins to pass on to a port of TLS.
    ///
    /// - Parameter folder: Where it may write.
    public init(to sealed: UInt16, in folder: URL) throws {
        let (script, file) = (Programs.package.path + "/Tests/Support/tlsfront.py", folder.path + "/front-\(sealed)")
        try? FileManager.default.removeItem(atPath: file)
        child = try Child(["python3", script, "\(sealed)", file], errors: file + ".log")
        try wait("the front") { FileManager.default.fileExists(atPath: file) }
        port = UInt16(try String(contentsOfFile: file, encoding: .utf8)) ?? 0
    }

    deinit {
        kill(child.id, SIGKILL)
        _ = child.wait()
    }
}
