import Octets

/// The head of an answer. Source: protocol/transport.md §1.2, rules 2 and 3.
public struct ResponseHead {
    /// Octets of the longest head that `write` makes, without one of a page.
    public static var byteCountMax: Int { 320 }

    /// The status code.
    public var status: HTTPStatus
    /// Octets of the body; always said, also when there is none.
    public var contentLength: Int
    /// True when the connection ends after the answer.
    public var closes = false
    /// True when a client of HTTP/1.0 has to be told that it does not.
    public var needsKeepAliveField = false
    /// How long the body is is not known: it ends with the connection.
    var isStream = false
    /// What it says is for who asked alone, and only now.
    var isPrivate = false
    /// The page that it is the head of.
    var page: Page?

    /// The head of an answer with a body of `contentLength` octets.
    public init(_ status: HTTPStatus, contentLength: Int) {
        self.status = status
        self.contentLength = contentLength
    }

    /// Writes the head.
    ///
    /// - Parameter contentType: The type of the body; left out when empty.
    public func write(contentType: Span<UInt8>, into buffer: inout FixedBytes) {
        buffer.append("HTTP/1.1 ")
        buffer.append(decimal: UInt64(status.rawValue))
        buffer.append(0x20)
        buffer.append(status.reason)
        if contentType.count > 0 {
            buffer.append("\r\nContent-Type: ")
            buffer.append(contentType)
        }
        // 204 has no body by itself.
        if status != .noContent, status != .notModified, !isStream {
            buffer.append("\r\nContent-Length: ")
            buffer.append(decimal: UInt64(contentLength))
        }
        if status == .methodNotAllowed { buffer.append("\r\nAllow: POST") }
        if status == .unauthorized { buffer.append("\r\nWWW-Authenticate: Basic realm=\"impsd\", charset=\"UTF-8\"") }
        if status == .tooManyRequests { buffer.append("\r\nRetry-After: 60") }
        if isPrivate { buffer.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff") }
        if let page { page.writeFields(status, into: &buffer) }
        if closes {
            buffer.append("\r\nConnection: close")
        } else if needsKeepAliveField {
            buffer.append("\r\nConnection: keep-alive")
        }
        buffer.append("\r\n\r\n")
    }
}
