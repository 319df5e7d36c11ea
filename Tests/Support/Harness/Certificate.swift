import Foundation

/// A certificate that signs itself, and its key, made by `openssl`.
public struct Certificate: Sendable {
    public var certificate: String
    public var key: String

    /// Makes one in a folder.
    ///
    /// - Parameters:
    ///   - algorithm: What `openssl req -newkey` takes.
    ///   - subject: Whose it is; nil for the name, at home.
    ///   - from, to: When it begins and ends, as `20261231000000Z`; nil for now, and for in a year.
    public init(
        in folder: URL, name: String = "gateway", algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        subject: String? = nil, from: String? = nil, to: String? = nil
    ) throws {
        certificate = folder.appendingPathComponent(name + ".pem").path
        key = folder.appendingPathComponent(name + ".key").path
        let request = folder.appendingPathComponent(name + ".csr").path
        try Certificate.openssl(
            ["req", "-new", "-nodes", "-newkey"] + algorithm + [
                "-subj", subject ?? "/CN=\(name).home", "-keyout", key, "-out", request,
            ])
        let (database, configuration) = (folder.path + "/\(name).index", folder.path + "/\(name).ca")
        try Data().write(to: URL(fileURLWithPath: database))
        let policy = """
            [ca]
            default_ca=own
            [own]
            database=\(database)
            new_certs_dir=\(folder.path)
            rand_serial=yes
            default_md=sha256
            policy=any
            [any]
            commonName=supplied
            """
        try policy.write(toFile: configuration, atomically: true, encoding: .utf8)
        try Certificate.openssl(
            [
                "ca", "-batch", "-notext", "-config", configuration, "-selfsign", "-in", request, "-keyfile", key,
                "-out", certificate,
            ]
                + (from.map { ["-startdate", $0] } ?? []) + (to.map { ["-enddate", $0] } ?? ["-days", "365"]))
    }

    private static func openssl(_ arguments: [String]) throws {
        let ending = try runCommand(["openssl"] + arguments)
        guard ending.code == 0 else { throw HarnessError("openssl \(arguments): \(ending.errors)") }
    }

    /// One for all engines of a test run.
    static let shared: Certificate = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("impsd-cert-\(getpid())")
        try! FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try! Certificate(in: folder)
    }()
}
