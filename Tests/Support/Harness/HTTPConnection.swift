import Foundation

/// An answer as it came over the wire.
public struct Answer: Sendable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// A TCP connection that speaks HTTP octet by octet.
public final class HTTPConnection: @unchecked Sendable {
    private var descriptor: Int32
    private var input: [UInt8] = []
    private let port: UInt16

    /// - Parameter host: The last part of the loopback address that it comes from.
    public init(port: UInt16, timeout: Int = 20, from host: UInt32 = 1) throws {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: Int(Double(timeout) * Programs.slowness), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), 1 /* TCP_NODELAY */, &on, 4)
        var address = sockaddr_in()
        if host != 1 {
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0000 + host).bigEndian
            let code = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard code == 0 else { throw HarnessError("bind: \(String(cString: strerror(errno)))") }
        }
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close()
            throw HarnessError("connect: \(reason)")
        }
    }

    deinit { close() }

    public func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
    }

    /// The socket, which is the caller's from now on.
    public func takeDescriptor() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }

    /// Sends octets as they are.
    public func send(_ octets: [UInt8]) throws {
        var offset = 0
        while offset < octets.count {
            let count = octets.withUnsafeBufferPointer {
                Foundation.send(descriptor, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw HarnessError("send: \(String(cString: strerror(errno)))") }
            offset += count
        }
    }

    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Says that nothing more will be sent.
    public func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads what there is; false at the end of the connection.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0 {
            if errno == ECONNRESET { return false }
            throw HarnessError("recv: \(String(cString: strerror(errno)))")
        }
        input += chunk[0..<count]
        return count > 0
    }

    /// Reads one answer; nil when the connection ends before one begins.
    public func receive() throws -> Answer? {
        while true {
            if let end = input.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: input[0..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { throw HarnessError("header: \(line)") }
                    headers[line[..<colon].lowercased()] =
                        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                }
                let words = lines[0].split(separator: " ")
                guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
                    throw HarnessError("status line: \(lines[0])")
                }
                if status == 100 {
                    input.removeSubrange(0..<end.upperBound)
                    return Answer(status: 100, headers: headers, body: [])
                }
                guard let length = status == 204 ? 0 : headers["content-length"].flatMap(Int.init) else {
                    throw HarnessError("no Content-Length: \(lines)")
                }
                while input.count < end.upperBound + length {
                    guard try fill() else { throw HarnessError("the connection ended within an answer") }
                }
                let body = Array(input[end.upperBound..<end.upperBound + length])
                input.removeSubrange(0..<end.upperBound + length)
                return Answer(status: status, headers: headers, body: body)
            }
            guard try fill() else {
                guard input.isEmpty else { throw HarnessError("the connection ended within a head") }
                return nil
            }
        }
    }

    /// What comes in one segment, as text; nil at the end of the connection.
    public func receiveSegment() throws -> String? {
        if input.isEmpty, try !fill() { return nil }
        defer { input.removeAll() }
        return String(decoding: input, as: UTF8.self)
    }

    /// True when the peer has closed the connection and nothing is left to read.
    public func isClosed() throws -> Bool {
        guard input.isEmpty else { return false }
        return try !fill()
    }

    /// True when nothing arrives for some time.
    public func isSilent(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return input.isEmpty && poll(&entry, 1, milliseconds) == 0
    }

    /// Posts a body and reads the answer.
    public func post(
        _ body: [UInt8], type: String = "application/vnd.wv.csp.xml", headers: String = ""
    ) throws -> Answer {
        let head = "POST / HTTP/1.1\r\nHost: impsd\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n"
        try send(Array("\(head)\(headers)\r\n".utf8) + body)
        guard let answer = try receive() else { throw HarnessError("the connection ended instead of an answer") }
        return answer
    }

    public func post(
        _ body: String, type: String = "application/vnd.wv.csp.xml", headers: String = ""
    ) throws -> Answer {
        try post(Array(body.utf8), type: type, headers: headers)
    }
}
