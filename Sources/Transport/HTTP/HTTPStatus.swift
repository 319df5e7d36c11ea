/// The HTTP status codes that this server sends. Source: protocol/transport.md §1.2.
public enum HTTPStatus: UInt16, BitwiseCopyable, Sendable {
    /// 200: the answer is a message, or nothing when it is empty.
    case ok = 200
    /// 204: nothing waits for the client that asks by SHTTP.
    case noContent = 204
    /// 304: the browser has the page already.
    case notModified = 304
    /// 400: the request breaks the rules of HTTP, or its body is no message at all.
    case badRequest = 400
    /// 401: the operator's page asks for its password.
    case unauthorized = 401
    /// 403: a page of somebody else in a browser sent it.
    case forbidden = 403
    /// 404: there is no session for a URL of SHTTP, and no page.
    case notFound = 404
    /// 405: another method than POST, or than GET for the URLs of SHTTP and for pages.
    case methodNotAllowed = 405
    /// 408: the request did not arrive in time.
    case requestTimeout = 408
    /// 411: a POST that does not say how long it is.
    case lengthRequired = 411
    /// 413: the body is larger than this server takes.
    case contentTooLarge = 413
    /// 415: neither the type nor the body is one of ours.
    case unsupportedMediaType = 415
    /// 417: an expectation that nobody here can meet.
    case expectationFailed = 417
    /// 429: somebody guesses the password of the operator's page.
    case tooManyRequests = 429
    /// 431: the head is larger than this server takes.
    case headerFieldsTooLarge = 431
    /// 501: a transfer coding that this server does not know.
    case notImplemented = 501
    /// 503: no memory for the request now.
    case serviceUnavailable = 503
    /// 505: neither HTTP/1.0 nor HTTP/1.1.
    case versionNotSupported = 505

    /// What is wrong with a request that gets it, for the log.
    var why: StaticString {
        switch self {
        case .ok, .noContent, .notModified: return "nothing"
        case .badRequest: return "no HTTP, or a body that is no message"
        case .unauthorized: return "without the password of the operator's page"
        case .forbidden: return "sent by a page of another site in a browser"
        case .notFound: return "no session to be called has this URL"
        case .methodNotAllowed: return "another method than POST"
        case .requestTimeout: return "it did not arrive in time"
        case .lengthRequired: return "no Content-Length"
        case .contentTooLarge: return "larger than max_message allows"
        case .unsupportedMediaType: return "neither XML nor WBXML of a known version, or compressed"
        case .expectationFailed: return "an Expect other than 100-continue"
        case .tooManyRequests: return "too many wrong passwords before it"
        case .headerFieldsTooLarge: return "a head over 8 KB"
        case .notImplemented: return "a transfer coding other than chunked"
        case .serviceUnavailable: return "no buffer or connection is free"
        case .versionNotSupported: return "neither HTTP/1.0 nor HTTP/1.1"
        }
    }

    /// The words behind the code.
    public var reason: StaticString {
        switch self {
        case .ok: return "OK"
        case .noContent: return "No Content"
        case .notModified: return "Not Modified"
        case .badRequest: return "Bad Request"
        case .unauthorized: return "Unauthorized"
        case .forbidden: return "Forbidden"
        case .notFound: return "Not Found"
        case .methodNotAllowed: return "Method Not Allowed"
        case .requestTimeout: return "Request Timeout"
        case .lengthRequired: return "Length Required"
        case .contentTooLarge: return "Content Too Large"
        case .unsupportedMediaType: return "Unsupported Media Type"
        case .expectationFailed: return "Expectation Failed"
        case .tooManyRequests: return "Too Many Requests"
        case .headerFieldsTooLarge: return "Request Header Fields Too Large"
        case .notImplemented: return "Not Implemented"
        case .serviceUnavailable: return "Service Unavailable"
        case .versionNotSupported: return "HTTP Version Not Supported"
        }
    }
}
