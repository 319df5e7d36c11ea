import Foundation
import Octets
import Testing

@testable import Transport

private func lent(_ byteCount: Int) -> FixedBytes {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCount)
    memory.initialize(repeating: 0, count: byteCount)
    return FixedBytes(Slab(lent: memory, count: byteCount))
}

/// The reader of HTTP requests: the same whatever pieces the network makes of them.
@Suite struct RequestReaderTests {
    private let limits = RequestLimits(headByteCountMax: 500, bodyByteCountMax: 1000)

    /// What becomes of a request that arrives in pieces of these sizes.
    private func outcome(_ request: [UInt8], pieces: (Int) -> Int) -> String {
        var reader = RequestReader()
        var buffer = lent(4096)
        var offset = 0
        var round = 0
        while true {
            switch reader.advance(&buffer, limits) {
            case .complete:
                let body = buffer.span(reader.bodyRange)
                let type = buffer.span(reader.contentType)
                return "complete \(body.indices.map { body[$0] }) \(type.indices.map { type[$0] }) \(reader.keepsAlive)"
            case .refused(let status): return "refused \(status)"
            case .incomplete: break
            }
            guard offset < request.count else { return "incomplete" }
            let end = min(request.count, offset + max(1, pieces(round)))
            for octet in request[offset..<end] { buffer.append(octet) }
            offset = end
            round += 1
        }
    }

    private static let requests = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type:  text/xml \r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        "\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=\"y\"\r\n world\r\n0\r\nA: b\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n",
        "POST / HTTP/1.1\r\nA: \(String(repeating: "b", count: 600))\r\n\r\n",
    ]

    @Test func piecesMakeNoDifference() {
        for text in RequestReaderTests.requests {
            let request = Array(text.utf8)
            let whole = outcome(request) { _ in request.count }
            for size in 1...7 { #expect(outcome(request) { _ in size } == whole, "\(text) by \(size)") }
            for cut in 1..<request.count {
                #expect(outcome(request) { $0 == 0 ? cut : request.count } == whole, "\(text) at \(cut)")
            }
        }
    }

    @Test func aRequestThatIsCutOffIsIncomplete() {
        for text in RequestReaderTests.requests.prefix(5) {
            let request = Array(text.utf8)
            for cut in 0..<request.count {
                #expect(outcome(Array(request[..<cut])) { _ in 3 } == "incomplete", "\(text) at \(cut)")
            }
        }
    }
}
