import Octets
import Testing

@testable import Transport

@Suite struct ResponseReaderTests {
    /// What is read of an answer that comes in pieces of a size, and whether it ends with the connection.
    private func read(_ text: String, pieces: Int, room: Int = 4096) -> (ResponseProgress, Int, String) {
        var buffer = Memory.buffer(room)
        var reader = ResponseReader()
        var rest = Array(text.utf8)[...]
        var progress = ResponseProgress.incomplete
        while progress == .incomplete, !rest.isEmpty {
            let piece = rest.prefix(min(pieces, buffer.freeCapacity))
            for octet in piece { buffer.append(octet) }
            rest = rest.dropFirst(piece.count)
            progress = reader.advance(&buffer)
        }
        if progress == .incomplete { progress = reader.advance(&buffer, hasEnded: true) }
        var octets: [UInt8] = []
        if progress == .complete { for index in reader.bodyRange { octets.append(buffer[index]) } }
        return (progress, reader.status, String(decoding: octets, as: Unicode.UTF8.self))
    }

    @Test(arguments: [1, 2, 3, 7, 100, 4096]) func answersAreReadHoweverTheyArrive(pieces: Int) {
        for (text, status, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
            ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""),
            ("HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nup to the end", 404, "up to the end"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length:2\r\n\r\nok", 201, "ok"),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0A ;x=y\r\n, you all!\r\n0\r\nA: b\r\n\r\n",
                200, "hello, you all!"
            ),
        ] {
            let (progress, code, read) = read(text, pieces: pieces)
            #expect(progress == .complete && code == status && read == body, "\(text)")
        }
    }

    @Test(arguments: [1, 4096]) func whatIsNoAnswerIsRefused(pieces: Int) {
        for text in [
            "", "HTTP/1.1 200 OK\r\n", "HTTP/2 200\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\n\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        ] {
            #expect(read(text, pieces: pieces).0 == .refused, "\(text)")
        }
        let large = String(repeating: "x", count: 5000)
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n\(large)", pieces: pieces).0 == .refused)
        #expect(read("HTTP/1.1 200 OK\r\n\r\n\(large)", pieces: pieces).0 == .refused)
        #expect(read("HTTP/1.1 200 OK\r\nX: \(large)", pieces: pieces).0 == .refused)
    }
}
