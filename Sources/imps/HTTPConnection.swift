import CLibC
import Files
import Octets
import Transport

/// One connection to the server, made again when it was closed.
struct HTTPConnection: ~Copyable {
    private var server: ServerAddress
    private var descriptor: Int32 = -1
    private var head = Memory.buffer(1024)
    private var input: FixedBytes
    private var bodyStart = 0
    /// Seconds for a connect, and for an answer.
    private let patience: Int32

    /// - Parameter byteCountMax: Octets of the longest answer.
    init(_ server: ServerAddress = ServerAddress(), byteCountMax: Int, patience: Int32 = 30) {
        self.server = server
        input = Memory.buffer(byteCountMax)
        self.patience = patience
    }

    /// Goes to another server from now on.
    mutating func change(to server: ServerAddress) {
        hangUp()
        self.server = server
    }

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
    }

    private mutating func hangUp() {
        if descriptor >= 0 { _ = close(descriptor) }
        descriptor = -1
    }

    /// The body of the last answer.
    var body: Span<UInt8> {
        @_lifetime(borrow self)
        get { input.span(bodyStart..<input.count) }
    }

    /// Posts a body and waits for the answer.
    ///
    /// When the connection ends before the answer the same body is posted once more; the server knows it by its
    /// TransactionID and does nothing twice. Source: protocol/transport.md §1.3.
    ///
    /// - Returns: the HTTP status; 0 when the server cannot be reached.
    mutating func post(_ body: borrowing FixedBytes, contentType: StaticString) -> Int {
        for _ in 0..<2 {
            if descriptor < 0 { open() }
            guard descriptor >= 0 else { return 0 }
            writeHead("POST ", contentType, body.count)
            if send(head), send(body), let status = receive() { return status }
            hangUp()
        }
        return 0
    }

    /// Asks for what is at the URL; the HTTP status, 0 when the server cannot be reached.
    mutating func get() -> Int {
        for _ in 0..<2 {
            if descriptor < 0 { open() }
            guard descriptor >= 0 else { return 0 }
            writeHead("GET ")
            if send(head), let status = receive() { return status }
            hangUp()
        }
        return 0
    }

    private mutating func open() {
        let server = self.server
        descriptor = unsafe File.withPath(server.host.span) { host in
            unsafe File.withPath(server.port.span) { port in unsafe libc_connect_host(host, port, patience) }
        }
    }

    private mutating func writeHead(_ method: StaticString, _ contentType: StaticString? = nil, _ byteCount: Int = 0) {
        head.removeAll()
        head.append(method)
        head.append(server.path.span)
        head.append(" HTTP/1.1\r\nHost: ")
        head.append(server.host.span)
        head.append("\r\nUser-Agent: imps")
        if let contentType {
            head.append("\r\nContent-Type: ")
            head.append(contentType)
            head.append("\r\nContent-Length: ")
            head.append(decimal: UInt64(byteCount))
        }
        head.append("\r\n\r\n")
    }

    private func send(_ octets: borrowing FixedBytes) -> Bool {
        var offset = 0
        while offset < octets.count {
            let sent = unsafe octets.span(offset..<octets.count).withUnsafeBufferPointer { buffer in
                unsafe CLibC.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            offset += sent
        }
        return true
    }

    /// Reads an answer with its length; nil when the connection ends before it is whole.
    private mutating func receive() -> Int? {
        input.removeAll()
        bodyStart = 0
        var contentLength = 0
        var status = 0
        while true {
            if bodyStart == 0, let end = headEnd() {
                bodyStart = end
                status = statusCode()
                contentLength = self.contentLength(end)
            }
            if bodyStart > 0, input.count - bodyStart >= contentLength {
                input.truncate(to: bodyStart + contentLength)
                return status
            }
            let free = unsafe input.freeStorage()
            let count = unsafe recv(descriptor, free.baseAddress, free.count, 0)
            guard count > 0 else { return nil }
            input.advance(by: count)
        }
    }

    private func headEnd() -> Int? {
        let octets = input.span
        var index = 3
        while index < octets.count {
            if octets[index] == 0x0A, octets[index - 1] == 0x0D, octets[index - 2] == 0x0A { return index + 1 }
            index += 1
        }
        return nil
    }

    private func statusCode() -> Int {
        guard input.count >= 12 else { return 0 }
        return Int(Decimal.parse(input.span(9..<12)) ?? 0)
    }

    private func contentLength(_ end: Int) -> Int {
        let head = input.span(0..<end)
        let name: StaticString = "content-length:"
        var start = 0
        while let stop = head.firstIndex(of: 0x0D, from: start) {
            let line = head.extracting(start..<stop)
            if line.count > name.utf8CodeUnitCount,
                line.extracting(0..<name.utf8CodeUnitCount).equalsIgnoringCase(name)
            {
                return Int(clamping: Decimal.parse(line.extracting(name.utf8CodeUnitCount..<line.count).trimmed()) ?? 0)
            }
            start = stop + 2
            if start >= head.count { break }
        }
        return 0
    }
}
