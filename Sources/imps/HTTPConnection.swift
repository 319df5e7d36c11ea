import CLibC
import Files
import Octets
import Transport

/// One connection to the server, made again when it was closed.
struct HTTPConnection: ~Copyable {
    private var server: ServerAddress
    private var line: Line
    private var head = Memory.buffer(1024)
    private var input: FixedBytes
    private var reader = ResponseReader()
    /// Seconds for a connect, and for an answer.
    private let patience: Int32

    /// - Parameter byteCountMax: Octets of the longest answer.
    init(_ server: ServerAddress = ServerAddress(), byteCountMax: Int, patience: Int32 = 30, _ sealing: Sealing) {
        self.server = server
        line = Line(sealing)
        input = Memory.buffer(byteCountMax)
        self.patience = patience
    }

    /// Goes to another server from now on.
    mutating func change(to server: ServerAddress) {
        line.hangUp()
        self.server = server
    }

    /// The body of the last answer.
    var body: Span<UInt8> {
        @_lifetime(borrow self)
        get { input.span(reader.bodyRange) }
    }

    /// Posts a body and waits for the answer.
    ///
    /// When the connection ends before the answer the same body is posted once more; the server knows it by its
    /// TransactionID and does nothing twice. Source: protocol/transport.md §1.3.
    ///
    /// - Returns: the HTTP status; 0 when the server cannot be reached.
    mutating func post(_ body: borrowing FixedBytes, contentType: StaticString) -> Int {
        for _ in 0..<2 {
            guard line.isOpen || open() else { return 0 }
            writeHead("POST ", contentType, body.count)
            if line.send(head), line.send(body), let status = receive() { return status }
            line.hangUp()
        }
        return 0
    }

    /// Asks for what is at the URL; the HTTP status, 0 when the server cannot be reached.
    mutating func get() -> Int {
        for _ in 0..<2 {
            guard line.isOpen || open() else { return 0 }
            writeHead("GET ")
            if line.send(head), let status = receive() { return status }
            line.hangUp()
        }
        return 0
    }

    private mutating func open() -> Bool {
        line.open(server.host, server.port, isSealed: server.isSealed, patience: patience)
    }

    private mutating func writeHead(_ method: StaticString, _ contentType: StaticString? = nil, _ byteCount: Int = 0) {
        head.removeAll()
        head.append(method)
        head.append(server.path.span)
        head.append(" HTTP/1.1\r\nHost: ")
        server.writeHost(into: &head)
        head.append("\r\nUser-Agent: imps")
        if let contentType {
            head.append("\r\nContent-Type: ")
            head.append(contentType)
            head.append("\r\nContent-Length: ")
            head.append(decimal: UInt64(byteCount))
        }
        head.append("\r\n\r\n")
    }

    /// Reads an answer; nil when the connection ends before it is whole, or it is none.
    private mutating func receive() -> Int? {
        input.removeAll()
        reader = ResponseReader()
        while true {
            let hasEnded = line.receive(into: &input) != .octets
            switch reader.advance(&input, hasEnded: hasEnded) {
            case .incomplete: continue
            case .refused: return nil
            case .complete:
                if !reader.keepsAlive { line.hangUp() }
                return reader.status
            }
        }
    }
}
