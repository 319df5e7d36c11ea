import Octets

/// How far an answer is.
public enum ResponseProgress: Equatable, Sendable {
    /// More octets have to come.
    case incomplete
    /// The answer is whole; see `status` and `bodyRange`.
    case complete
    /// It is no answer of HTTP/1.1, or one that is too large.
    case refused
}

/// Reads one HTTP answer out of a buffer, however it arrives: with a length, in chunks, or up to the end of the connection.
///
/// The framing is as strict as that of requests: an answer with two lengths, or a length and chunks, is none.
public struct ResponseReader: BitwiseCopyable, Sendable {
    private enum Phase {
        case head, length, chunkSize, chunkData, chunkEnd, trailer, untilEnd, complete
    }

    private var phase = Phase.head
    /// Octets of the buffer that were looked at.
    private var index = 0
    private var lineStart = 0
    private var bodyStart = 0
    private var bodyCount = 0
    private var contentLength: Int?
    private var isChunked = false
    private var chunkLeft = 0

    /// The status code; 0 as long as there is none.
    public private(set) var status = 0
    /// Whether the connection can be used again after the answer.
    public private(set) var keepsAlive = true

    /// A reader at the beginning of an answer.
    public init() {}

    /// Octets of the buffer that belong to the answer, once it is complete.
    public var endIndex: Int { isChunked ? index : bodyStart + bodyCount }

    /// Whether more room is all that was missing.
    public private(set) var mayGoOn = true

    /// Where the body lies in the buffer, once the answer is complete.
    public var bodyRange: Range<Int> { bodyStart..<bodyStart + bodyCount }

    /// Reads on after octets were added to the buffer, or the connection ended.
    ///
    /// - Parameter hasEnded: Nothing more will come.
    public mutating func advance(_ buffer: inout FixedBytes, hasEnded: Bool = false) -> ResponseProgress {
        while true {
            switch phase {
            case .head, .chunkSize, .trailer:
                guard let line = line(buffer) else { return stalled(buffer, hasEnded) }
                guard line.lowerBound >= 0, read(buffer, line) else {
                    mayGoOn = false
                    return .refused
                }
            case .length:
                bodyCount = min(buffer.count - bodyStart, contentLength ?? 0)
                guard bodyCount == contentLength ?? 0 else { return stalled(buffer, hasEnded) }
                phase = .complete
            case .untilEnd:
                bodyCount = buffer.count - bodyStart
                guard hasEnded else { return stalled(buffer, false) }
                phase = .complete
            case .chunkData:
                moveChunk(&buffer)
                guard chunkLeft == 0 else { return stalled(buffer, hasEnded) }
                phase = .chunkEnd
            case .chunkEnd:
                guard buffer.count - index >= 2 else { return stalled(buffer, hasEnded) }
                guard buffer[index] == 0x0D, buffer[index + 1] == 0x0A else {
                    mayGoOn = false
                    return .refused
                }
                index += 2
                lineStart = index
                phase = .chunkSize
            case .complete: return .complete
            }
        }
    }

    /// Nothing can be read now: that is an error when nothing more comes, or finds no room.
    private func stalled(_ buffer: borrowing FixedBytes, _ hasEnded: Bool) -> ResponseProgress {
        hasEnded || buffer.freeCapacity == 0 ? .refused : .incomplete
    }

    /// The next line, without its end; nil when it is not whole, from -1 on when its end is none.
    private mutating func line(_ buffer: borrowing FixedBytes) -> Range<Int>? {
        let octets = buffer.span
        while index < octets.count {
            defer { index += 1 }
            guard octets[index] == 0x0A else { continue }
            guard index > lineStart, octets[index - 1] == 0x0D else { return -1..<0 }
            defer { lineStart = index + 1 }
            return lineStart..<index - 1
        }
        return nil
    }

    private mutating func read(_ buffer: borrowing FixedBytes, _ range: Range<Int>) -> Bool {
        let line = buffer.span(range)
        switch phase {
        case .head where status == 0: return readStatus(line)
        case .head where line.count > 0: return readField(line)
        case .head: return beginBody()
        case .chunkSize: return readChunkSize(line)
        case .trailer:
            if line.count == 0 { phase = .complete }
            return true
        case .length, .chunkData, .chunkEnd, .untilEnd, .complete: return false
        }
    }

    private mutating func readStatus(_ line: Span<UInt8>) -> Bool {
        guard line.count >= 12, line.starts(with: "HTTP/1."), line[8] == 0x20,
            let code = Decimal.parse(line.extracting(9..<12)), code >= 100, line.count == 12 || line[12] == 0x20
        else { return false }
        status = Int(code)
        keepsAlive = line[7] == 0x31
        return true
    }

    private mutating func readField(_ line: Span<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: 0x3A), colon > 0, line[colon - 1] != 0x20 else { return false }
        let name = line.extracting(0..<colon)
        let value = line.extracting(colon + 1..<line.count).trimmed()
        if name.equalsIgnoringCase("content-length") {
            guard contentLength == nil, let length = Decimal.parse(value), length <= UInt64(Int32.max) else {
                return false
            }
            contentLength = Int(length)
        } else if name.equalsIgnoringCase("transfer-encoding") {
            guard !isChunked, value.equalsIgnoringCase("chunked") else { return false }
            isChunked = true
        } else if name.equalsIgnoringCase("connection"), value.equalsIgnoringCase("close") {
            keepsAlive = false
        }
        return true
    }

    private mutating func beginBody() -> Bool {
        bodyStart = index
        // What is said before the answer, as 100 Continue.
        if status < 200 {
            guard status != 101 else { return false }
            let start = index
            self = ResponseReader()
            index = start
            lineStart = start
            return true
        }
        guard !isChunked || contentLength == nil else { return false }
        if status == 204 || status == 304 {
            phase = .complete
        } else if isChunked {
            phase = .chunkSize
        } else if contentLength != nil {
            phase = .length
        } else {
            keepsAlive = false
            phase = .untilEnd
        }
        return true
    }

    private mutating func readChunkSize(_ line: Span<UInt8>) -> Bool {
        let digits = line.extracting(0..<(line.firstIndex(of: 0x3B) ?? line.count)).trimmed()
        guard digits.count > 0, digits.count <= 7 else { return false }
        var size = 0
        for index in digits.indices {
            guard let digit = Hexadecimal.value(digits[index]) else { return false }
            size = size << 4 | Int(digit)
        }
        chunkLeft = size
        phase = size == 0 ? .trailer : .chunkData
        return true
    }

    /// Moves what is there of a chunk to the end of the body, and what lies behind it after it: so there is room for more.
    private mutating func moveChunk(_ buffer: inout FixedBytes) {
        let end = bodyStart + bodyCount
        let count = min(chunkLeft, buffer.count - index)
        let rest = index..<buffer.count
        buffer.move(rest, to: end)
        buffer.truncate(to: end + rest.count)
        bodyCount += count
        chunkLeft -= count
        index = end + count
    }
}
