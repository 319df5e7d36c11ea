import Octets

/// How far a request is.
public enum RequestProgress: Equatable, Sendable {
    /// More octets have to come.
    case incomplete
    /// The request is whole; see `bodyRange` and `endIndex`.
    case complete
    /// The request cannot be served; nothing after it on the connection can be trusted.
    case refused(HTTPStatus)
}

/// What is read of a request at most, and what there is to ask for.
public struct RequestLimits: Sendable {
    /// Octets of the request line and the header fields.
    public var headByteCountMax: Int
    /// Octets of a body.
    public var bodyByteCountMax: Int
    /// Whether there are pages to be asked for by GET and HEAD.
    public var hasPages = false
    /// The name by which the page is reached; empty for none but numbers.
    public var pageHost = InlineBytes<128>()

    /// Bounds of a request.
    public init(headByteCountMax: Int, bodyByteCountMax: Int) {
        self.headByteCountMax = headByteCountMax
        self.bodyByteCountMax = bodyByteCountMax
    }
}

/// Reads one HTTP request out of a buffer, however it arrives.
///
/// The framing is strict, because whatever two readers understand differently is a way to smuggle a request past one of
/// them: line ends are CR LF and nothing else, there is one length or one chunked coding and never both, and a field
/// has no white space before its colon and no continuation lines. When the framing is in doubt the connection ends.
///
/// Source: protocol/transport.md §1.
public struct RequestReader: BitwiseCopyable, Sendable {
    private enum Phase {
        case head, body, chunkSize, chunkData, chunkEnd, trailer, complete
    }

    private struct OctetRange: Sendable {
        var start = 0
        var count = 0

        /// Towards the front; what was not read yet is nowhere.
        mutating func move(by octetCount: Int) { start = max(0, start - octetCount) }
    }

    /// Octets that chunk sizes, extensions and trailers may take: whoever needs more does not send messages.
    private static var chunkOverheadMax: Int { 16_384 }
    /// Octets of a body that is too large in which its transaction is named.
    private static var beginningByteCount: Int { 1500 }
    private var phase = Phase.head
    /// Octets of the buffer that were looked at.
    private var index: Int
    /// Where the line that is being looked for begins.
    private var lineStart: Int
    private var bodyStart = 0
    private var bodyCount = 0
    private var contentLength: Int?
    private var isChunked = false
    private var chunkLeft = 0
    private var overhead = 0
    private var contentTypeRange = OctetRange()
    private var hostRange = OctetRange()
    private var originRange: OctetRange?
    private var userAgentRange = OctetRange()
    private var callKeyRange = OctetRange()
    private var pathRange = OctetRange()
    private var knownTagRange = OctetRange()
    private var authorizationRange = OctetRange()

    /// True for a GET or HEAD of a page.
    private var isFetch = false

    /// True for a HEAD, of which only the head of the answer is sent.
    public private(set) var isHead = false
    /// True when the connection stays open after the answer.
    public private(set) var keepsAlive = true
    /// True when the answer has to say so, to a client of HTTP/1.0.
    public private(set) var needsKeepAliveField = false
    /// True when the client waits for 100 Continue before it sends the body.
    public private(set) var expectsContinue = false

    /// A reader at the beginning of a request.
    ///
    /// - Parameter start: Where in the buffer it begins.
    public init(at start: Int = 0) {
        startIndex = start
        index = start
        lineStart = start
    }

    /// Where in the buffer the request begins.
    public private(set) var startIndex: Int

    /// The same for when the request was moved to the front of its buffer.
    var atFront: RequestReader {
        var reader = self
        reader.startIndex = 0
        reader.index -= startIndex
        reader.lineStart -= startIndex
        reader.bodyStart = max(0, bodyStart - startIndex)
        reader.contentTypeRange.move(by: startIndex)
        reader.hostRange.move(by: startIndex)
        reader.originRange?.move(by: startIndex)
        reader.userAgentRange.move(by: startIndex)
        reader.callKeyRange.move(by: startIndex)
        reader.pathRange.move(by: startIndex)
        reader.knownTagRange.move(by: startIndex)
        reader.authorizationRange.move(by: startIndex)
        return reader
    }

    /// True when no octet of the request was seen yet.
    public var isIdle: Bool { phase == .head && index == startIndex }

    /// True when the head is read and the body is not.
    public var isInBody: Bool { phase != .head && phase != .complete }

    /// Where the body lies in the buffer, once the request is complete.
    public var bodyRange: Range<Int> { bodyStart..<bodyStart + bodyCount }

    /// True when the body is larger than what is read: only how it begins is in the buffer, for an answer that names its
    /// transaction, and nothing after it can be used. Source: CL-16.
    public private(set) var isCut = false

    /// Octets that a buffer has to hold for the request to go on.
    ///
    /// - Parameter count: Those that are there.
    public func byteCountNeeded(has count: Int) -> Int {
        phase == .body
            ? max(count, bodyStart + (isCut ? RequestReader.beginningByteCount : contentLength ?? 0)) : count + 1
    }

    /// The octets of the buffer that belong to the request, once it is complete; the next one begins behind them.
    public var endIndex: Int { index }

    /// The value of Content-Type, trimmed; empty when there is none.
    public var contentType: Range<Int> { contentTypeRange.start..<contentTypeRange.start + contentTypeRange.count }

    /// The value of User-Agent, trimmed; empty when there is none.
    public var userAgent: Range<Int> { userAgentRange.start..<userAgentRange.start + userAgentRange.count }

    /// What names the session in a GET of SHTTP; nil for a POST. Source: protocol/transport.md §6.4.
    public var callKey: Range<Int>? {
        callKeyRange.count > 0 ? callKeyRange.start..<callKeyRange.start + callKeyRange.count : nil
    }

    /// The path of a page, for a GET or HEAD; nil for everything else.
    public var page: Range<Int>? { isFetch ? path : nil }

    /// The path that is asked for, without what stands behind a question mark.
    public var path: Range<Int> { pathRange.start..<pathRange.start + pathRange.count }

    /// The value of Authorization, trimmed; empty when there is none.
    public var authorization: Range<Int> {
        authorizationRange.start..<authorizationRange.start + authorizationRange.count
    }

    /// The value of If-None-Match, trimmed; empty when there is none.
    public var knownTag: Range<Int> { knownTagRange.start..<knownTagRange.start + knownTagRange.count }

    /// Reads on after octets were added to the buffer.
    ///
    /// - Parameters:
    ///   - buffer: What has the request, from its first octet on; chunks are joined in place.
    ///   - limits: What is the most.
    public mutating func advance(_ buffer: inout FixedBytes, _ limits: RequestLimits) -> RequestProgress {
        while true {
            let step: RequestProgress?
            switch phase {
            case .head: step = advanceHead(buffer, limits)
            case .body: step = advanceBody(buffer)
            case .chunkSize: step = advanceChunkSize(buffer, limits)
            case .chunkData: step = advanceChunkData(&buffer)
            case .chunkEnd: step = advanceChunkEnd(buffer)
            case .trailer: step = advanceTrailer(buffer)
            case .complete: step = .complete
            }
            if let step {
                if isChunked, step == .incomplete { compact(&buffer) }
                return step
            }
        }
    }

    // MARK: Head

    private mutating func advanceHead(_ buffer: borrowing FixedBytes, _ limits: RequestLimits) -> RequestProgress? {
        let octets = buffer.span
        while index < octets.count {
            let octet = octets[index]
            if octet >= 0x20, octet != 0x7F, index == lineStart || octets[index - 1] != 0x0D {
                index += 1
                continue
            }
            if octet == 0x0A {
                guard index > lineStart, octets[index - 1] == 0x0D else { return .refused(.badRequest) }
                index += 1
                if index == lineStart + 2 {
                    // An empty line before the request line is left over from a client that ends its body with one.
                    lineStart = index
                    overhead += 2
                    guard overhead <= 8 else { return .refused(.badRequest) }
                } else if index >= lineStart + 4, octets[index - 3] == 0x0A, octets[index - 4] == 0x0D {
                    guard index - lineStart <= limits.headByteCountMax else { return .refused(.headerFieldsTooLarge) }
                    return readHead(octets.extracting(lineStart..<index), at: lineStart, limits)
                }
                continue
            }
            guard index == lineStart || octets[index - 1] != 0x0D else { return .refused(.badRequest) }
            guard octet == 0x0D || octet == 0x09 else { return .refused(.badRequest) }
            index += 1
        }
        return index - lineStart > limits.headByteCountMax ? .refused(.headerFieldsTooLarge) : .incomplete
    }

    /// Takes a whole head apart: every line of it ends with CR LF, and the last one is empty.
    private mutating func readHead(_ head: Span<UInt8>, at offset: Int, _ limits: RequestLimits) -> RequestProgress? {
        var start = head.firstIndex(of: 0x0D) ?? 0
        if let refusal = readRequestLine(head.extracting(0..<start), at: offset, limits) { return .refused(refusal) }
        start += 2
        while start < head.count - 2 {
            let end = head.firstIndex(of: 0x0D, from: start) ?? head.count
            if let refusal = readField(head.extracting(start..<end), at: offset + start) { return .refused(refusal) }
            start = end + 2
        }
        if let originRange, !isOwn(originRange, head, at: offset, limits) {
            return .refused(.forbidden)
        }
        return beginBody(limits)
    }

    private func isOwn(
        _ origin: OctetRange, _ head: Span<UInt8>, at offset: Int, _ limits: RequestLimits
    ) -> Bool {
        let origin = head.extracting(origin.start - offset..<origin.start - offset + origin.count)
        guard hostRange.count > 0 else { return false }
        return Origin.isOwn(
            origin, host: head.extracting(hostRange.start - offset..<hostRange.start - offset + hostRange.count),
            page: limits.pageHost.span)
    }

    private mutating func readRequestLine(
        _ line: Span<UInt8>, at offset: Int, _ limits: RequestLimits
    ) -> HTTPStatus? {
        guard let first = line.firstIndex(of: 0x20), let second = line.firstIndex(of: 0x20, from: first + 1),
            line.firstIndex(of: 0x20, from: second + 1) == nil, first > 0, second > first + 1,
            line.firstIndex(of: 0x09) == nil
        else { return .badRequest }
        let method = line.extracting(0..<first)
        for index in method.indices where !RequestReader.isTokenCharacter(method[index]) { return .badRequest }
        let version = line.extracting(second + 1..<line.count)
        guard version.count == 8, version.starts(with: "HTTP/"), version[5].isASCIIDigit, version[6] == 0x2E,
            version[7].isASCIIDigit
        else { return .badRequest }
        guard version[5] == 0x31 else { return .versionNotSupported }
        if version[7] == 0x30 { keepsAlive = false }
        isVersion10 = version[7] == 0x30
        let target = line.extracting(first + 1..<second)
        pathRange = OctetRange(start: offset + first + 1, count: target.firstIndex(of: 0x3F) ?? target.count)
        if method.equals("POST") { return nil }
        isHead = limits.hasPages && method.equals("HEAD")
        guard isHead || method.equals("GET") else { return .methodNotAllowed }
        if !isHead, readCallKey(target, at: offset + first + 1) { return nil }
        guard limits.hasPages, target[0] == 0x2F else { return .methodNotAllowed }
        isFetch = true
        return nil
    }

    /// What follows `/cir/` in the target of a GET; false for any other target.
    private mutating func readCallKey(_ target: Span<UInt8>, at offset: Int) -> Bool {
        let prefix: StaticString = "/cir/"
        var start = 0
        while let slash = target.firstIndex(of: 0x2F, from: start) {
            let rest = target.extracting(slash..<target.count)
            if rest.starts(with: prefix) {
                let first = slash + prefix.utf8CodeUnitCount
                let end = target.firstIndex(of: 0x3F, from: first) ?? target.count
                callKeyRange = OctetRange(start: offset + first, count: end - first)
                return end > first
            }
            start = slash + 1
        }
        return false
    }

    private var isVersion10 = false

    private mutating func readField(_ line: Span<UInt8>, at offset: Int) -> HTTPStatus? {
        guard let colon = line.firstIndex(of: 0x3A), colon > 0 else { return .badRequest }
        let name = line.extracting(0..<colon)
        // White space in a name is an obsolete continuation line, or a trick.
        for index in name.indices where !RequestReader.isTokenCharacter(name[index]) { return .badRequest }
        let rest = line.extracting(colon + 1..<line.count)
        let value = rest.trimmed()
        if name.equalsIgnoringCase("content-length") { return readContentLength(value) }
        if name.equalsIgnoringCase("transfer-encoding") { return readTransferEncoding(value) }
        if name.equalsIgnoringCase("content-encoding") {
            return value.count == 0 || value.equalsIgnoringCase("identity") ? nil : .unsupportedMediaType
        }
        if name.equalsIgnoringCase("content-type") {
            contentTypeRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("host") {
            hostRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("origin") {
            originRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("if-none-match") {
            knownTagRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("authorization") {
            authorizationRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("user-agent") {
            userAgentRange = RequestReader.range(of: value, in: rest, at: offset + colon + 1)
        } else if name.equalsIgnoringCase("connection") {
            readConnection(value)
        } else if name.equalsIgnoringCase("expect") {
            guard value.equalsIgnoringCase("100-continue") else { return .expectationFailed }
            // HTTP/1.0 has no interim answers.
            expectsContinue = !isVersion10
        }
        return nil
    }

    private static func range(of value: Span<UInt8>, in rest: Span<UInt8>, at offset: Int) -> OctetRange {
        var skipped = 0
        while skipped < rest.count, rest[skipped].isASCIIWhitespace { skipped += 1 }
        return OctetRange(start: offset + skipped, count: value.count)
    }

    private mutating func readContentLength(_ value: Span<UInt8>) -> HTTPStatus? {
        guard contentLength == nil, value.count > 0 else { return .badRequest }
        for index in value.indices where !value[index].isASCIIDigit { return .badRequest }
        // More digits than a number has are still a length, of a body that is too large.
        contentLength = Decimal.parse(value).map { Int(clamping: $0) } ?? .max
        return nil
    }

    private mutating func readTransferEncoding(_ value: Span<UInt8>) -> HTTPStatus? {
        guard !isChunked else { return .badRequest }
        // What it was called before the length alone said it. Source: CL-43.
        if value.equalsIgnoringCase("identity") { return nil }
        guard value.equalsIgnoringCase("chunked") else { return .notImplemented }
        isChunked = true
        return nil
    }

    private mutating func readConnection(_ value: Span<UInt8>) {
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: 0x2C, from: start) ?? value.count
            let token = value.extracting(start..<end).trimmed()
            if token.equalsIgnoringCase("close") { keepsAlive = false }
            if token.equalsIgnoringCase("keep-alive"), isVersion10 {
                keepsAlive = true
                needsKeepAliveField = true
            }
            start = end + 1
        }
    }

    private mutating func beginBody(_ limits: RequestLimits) -> RequestProgress? {
        bodyStart = index
        if callKey != nil || page != nil {
            guard !isChunked, contentLength ?? 0 == 0 else { return .refused(.badRequest) }
            phase = .complete
            return .complete
        }
        if isChunked {
            guard contentLength == nil, !isVersion10 else { return .refused(.badRequest) }
            phase = .chunkSize
            lineStart = index
            overhead = 0
            return nil
        }
        guard let contentLength else { return .refused(.lengthRequired) }
        if contentLength > limits.bodyByteCountMax {
            // Who asks first is told before he sends it.
            guard !expectsContinue else { return .refused(.contentTooLarge) }
            cut()
        }
        phase = .body
        return nil
    }

    /// Reads no more of the body than names its transaction; the connection ends with the answer.
    private mutating func cut() {
        isCut = true
        keepsAlive = false
    }

    // MARK: Body

    private mutating func advanceBody(_ buffer: borrowing FixedBytes) -> RequestProgress? {
        let length = isCut ? min(RequestReader.beginningByteCount, contentLength ?? 0) : contentLength ?? 0
        index = min(buffer.count, bodyStart + length)
        guard index == bodyStart + length else { return .incomplete }
        bodyCount = length
        phase = .complete
        return nil
    }

    /// A line with the size of a chunk, in hexadecimal, perhaps padded with blanks, and extensions that nobody uses.
    ///
    /// - Source: CL-42.
    private mutating func advanceChunkSize(
        _ buffer: borrowing FixedBytes, _ limits: RequestLimits
    ) -> RequestProgress? {
        let octets = buffer.span
        guard let lineEnd = lineEnd(octets) else { return overheadProgress(octets) }
        guard lineEnd >= 0 else { return .refused(.badRequest) }
        let line = octets.extracting(lineStart..<lineEnd)
        overhead += line.count + 2
        guard overhead <= RequestReader.chunkOverheadMax else { return .refused(.badRequest) }
        let semicolon = line.firstIndex(of: 0x3B)
        var end = semicolon ?? line.count
        while end > 0, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
        let digits = line.extracting(0..<end)
        guard digits.count > 0, digits.count <= 8 else { return .refused(.badRequest) }
        // Eight digits are more than a small Int holds.
        var size: UInt64 = 0
        for index in digits.indices {
            guard let digit = Hexadecimal.value(digits[index]) else { return .refused(.badRequest) }
            size = size << 4 | UInt64(digit)
        }
        lineStart = index
        phase = size == 0 ? .trailer : .chunkData
        chunkLeft = Int(min(size, UInt64(limits.bodyByteCountMax - bodyCount)))
        if UInt64(chunkLeft) < size {
            cut()
            chunkLeft = max(0, min(chunkLeft, RequestReader.beginningByteCount - bodyCount))
        }
        return nil
    }

    /// Moves what is there of a chunk to the end of the body so far.
    private mutating func advanceChunkData(_ buffer: inout FixedBytes) -> RequestProgress? {
        let count = min(chunkLeft, buffer.count - index)
        if count > 0 {
            buffer.move(index..<index + count, to: bodyStart + bodyCount)
            bodyCount += count
            index += count
            chunkLeft -= count
        }
        guard chunkLeft == 0 else { return .incomplete }
        if isCut {
            phase = .complete
            return nil
        }
        lineStart = index
        phase = .chunkEnd
        return nil
    }

    private mutating func advanceChunkEnd(_ buffer: borrowing FixedBytes) -> RequestProgress? {
        let octets = buffer.span
        guard octets.count - index >= 2 else {
            return octets.count == index || octets[index] == 0x0D ? .incomplete : .refused(.badRequest)
        }
        guard octets[index] == 0x0D, octets[index + 1] == 0x0A else { return .refused(.badRequest) }
        index += 2
        overhead += 2
        lineStart = index
        phase = .chunkSize
        return nil
    }

    /// Trailer fields are read over; an empty line ends the request.
    private mutating func advanceTrailer(_ buffer: borrowing FixedBytes) -> RequestProgress? {
        let octets = buffer.span
        guard let end = lineEnd(octets) else { return overheadProgress(octets) }
        guard end >= 0 else { return .refused(.badRequest) }
        overhead += end - lineStart + 2
        guard overhead <= RequestReader.chunkOverheadMax else { return .refused(.badRequest) }
        let line = octets.extracting(lineStart..<end)
        lineStart = index
        if line.count == 0 {
            phase = .complete
            return nil
        }
        guard let colon = line.firstIndex(of: 0x3A), colon > 0 else { return .refused(.badRequest) }
        for index in 0..<colon where !RequestReader.isTokenCharacter(line[index]) { return .refused(.badRequest) }
        return nil
    }

    /// Where the line that begins at `lineStart` ends; nil when it has not ended, negative for a line end that is none.
    private mutating func lineEnd(_ octets: Span<UInt8>) -> Int? {
        while index < octets.count {
            let octet = octets[index]
            if octet == 0x0A {
                guard index > lineStart, octets[index - 1] == 0x0D else { return -1 }
                index += 1
                return index - 2
            }
            if index > lineStart, octets[index - 1] == 0x0D { return -1 }
            guard octet >= 0x20 || octet == 0x0D || octet == 0x09 else { return -1 }
            index += 1
        }
        return nil
    }

    private func overheadProgress(_ octets: Span<UInt8>) -> RequestProgress {
        overhead + octets.count - lineStart > RequestReader.chunkOverheadMax ? .refused(.badRequest) : .incomplete
    }

    /// Closes the gap that read chunk sizes leave between the body and what is not read yet.
    private mutating func compact(_ buffer: inout FixedBytes) {
        let end = bodyStart + bodyCount
        let start = phase == .chunkSize || phase == .trailer ? lineStart : index
        guard start > end else { return }
        buffer.move(start..<buffer.count, to: end)
        buffer.truncate(to: buffer.count - (start - end))
        index -= start - end
        lineStart = end
    }

    private static func isTokenCharacter(_ octet: UInt8) -> Bool {
        if octet.isASCIILetter || octet.isASCIIDigit { return true }
        let marks: StaticString = "!#$%&'*+-.^_`|~"
        return marks.octets.firstIndex(of: octet) != nil
    }
}
