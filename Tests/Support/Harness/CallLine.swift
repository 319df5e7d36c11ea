import Foundation

/// Where a client of the tests is called.
final class CallLine {
    private enum Way {
        case stcp(HTTPConnection)
        case sudp(CallSocket)
        case shttp(HTTPConnection, path: String)
    }

    private let way: Way

    /// Agrees with the server on the method of this run and begins to listen; nil when the version has no such method in
    /// the syntax of the client, and for a session that has to answer a question before anything else.
    init?(_ client: Client) throws {
        let method = Programs.call?.uppercased() ?? "NONE"
        let socket = try CallSocket()
        let reply = try client.negotiateCapabilities(
            "<SupportedCIRMethod>\(method)</SupportedCIRMethod><UDPPort>\(socket.port)</UDPPort>")
        if reply.code == 403 { return nil }
        guard let list = reply.primitive?["AgreedCapabilityList"] ?? reply.primitive?["CapabilityList"],
            list["SupportedCIRMethod"]?.text == method
        else { throw HarnessError("\(method) is not agreed: \(reply.root)") }
        if method == "SUDP" {
            way = .sudp(socket)
        } else if method == "STCP", let port = list["TCPPort"]?.number {
            let connection = try HTTPConnection(port: EngineProcess.plainPort(port))
            try connection.send("HELO \(client.sessionID ?? "")\r\n")
            guard try connection.receiveSegment() == "OK\r\n" else { throw HarnessError("HELO is not answered") }
            way = .stcp(connection)
        } else if let text = (list["CIRHTTPAddress/URL"] ?? list["CIRURL/URL"])?.text, let url = URL(string: text) {
            way = .shttp(try HTTPConnection(port: EngineProcess.plainPort(url.port ?? 80)), path: url.path)
        } else if method == "SHTTP", client.version == "1.1" || client.version == "1.2" && client.syntax == "wbxml" {
            return nil
        } else {
            throw HarnessError("\(method) without an address: \(reply.root)")
        }
    }

    /// False when the server has closed the connection that it calls on.
    var isOpen: Bool {
        guard case .stcp(let connection) = way, !connection.isSilent(milliseconds: 0) else { return true }
        return (try? connection.isClosed()) != true
    }

    /// Forgets calls that came so far.
    func forget() throws {
        switch way {
        case .stcp(let connection):
            while !connection.isSilent(milliseconds: 0), try connection.receiveSegment() != nil {}
        case .sudp(let socket): while socket.receive(seconds: 0) != nil {}
        case .shttp: break
        }
    }

    /// Whether the server calls within a second, or says at the URL that something waits.
    func isCalled() throws -> Bool {
        switch way {
        case .stcp(let connection):
            guard !connection.isSilent(milliseconds: Int32(1000 * Programs.slowness)) else { return false }
            return try connection.receiveSegment()?.hasPrefix("WVCI ") == true
        case .sudp(let socket): return socket.receive(seconds: 1)?.hasPrefix("WVCI ") == true
        case .shttp(let connection, let path):
            try connection.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            return try connection.receive()?.status == 200
        }
    }
}
