import Foundation
import Harness

/// Requests on many connections from one thread, with as little work of its own as possible, so that the other
/// processor has nothing to do but the engine.
final class Load {
    private struct Line {
        var descriptor: Int32
        var requests: [[UInt8]]
        var next = 0
        /// Requests whose answers are awaited.
        var open = 0
        var input = [UInt8](repeating: 0, count: 65_536)
        var inputCount = 0
    }

    private var lines: [Line] = []
    /// What has to be in each answer; with nothing, answers have to be empty.
    private let expected: String
    /// Requests that each connection has under way at most.
    private let depth: Int

    /// - Parameter requests: For each connection what it posts, one after the other.
    init(port: UInt16, requests: [[[UInt8]]], expecting text: String, depth: Int = 1) throws {
        expected = text
        self.depth = depth
        for requests in requests {
            lines.append(Line(descriptor: try HTTPConnection(port: port).takeDescriptor(), requests: requests))
        }
    }

    deinit { for line in lines { close(line.descriptor) } }

    /// Posts everything; the seconds that it took.
    func run() throws -> Double {
        var entries = lines.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let start = Date()
        var open = lines.count
        for index in lines.indices { try post(index) }
        while open > 0 {
            poll(&entries, UInt(entries.count), -1)
            for index in entries.indices where entries[index].revents != 0 {
                guard try receive(index) else { continue }
                if lines[index].next < lines[index].requests.count {
                    try post(index)
                } else if lines[index].open == 0 {
                    entries[index].fd = -1
                    open -= 1
                }
            }
        }
        return Date().timeIntervalSince(start)
    }

    private func post(_ index: Int) throws {
        // When half of what may be under way is answered it goes on, with as many as there may be.
        guard lines[index].open <= depth / 2 else { return }
        var request: [UInt8] = []
        while lines[index].open < depth, lines[index].next < lines[index].requests.count {
            request += lines[index].requests[lines[index].next]
            lines[index].next += 1
            lines[index].open += 1
        }
        let count = request.withUnsafeBufferPointer {
            send(lines[index].descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == request.count else { throw HarnessError("send") }
    }

    /// True when an answer is complete, or several are.
    private func receive(_ index: Int) throws -> Bool {
        let descriptor = lines[index].descriptor
        let before = lines[index].inputCount
        let count = lines[index].input.withUnsafeMutableBytes {
            recv(descriptor, $0.baseAddress! + before, 65_535 - before, 0)
        }
        guard count > 0 else {
            throw HarnessError(
                "the connection ended: \(count) \(errno), \(before) octets, \(lines[index].open) open, \(lines[index].next) sent"
            )
        }
        lines[index].inputCount += count
        let total = lines[index].inputCount
        lines[index].input[total] = 0
        var start = 0
        var answered = 0
        try lines[index].input.withUnsafeBytes { (input: UnsafeRawBufferPointer) throws in
            let all = input.baseAddress!.assumingMemoryBound(to: CChar.self)
            while start < total {
                let text = all + start
                guard let end = strstr(text, "\r\n\r\n"), let name = strstr(text, "Content-Length: ") else { return }
                let length = strtol(name + 16, nil, 10)
                let bodyStart = UnsafePointer(end) + 4 - text
                guard total - start >= bodyStart + length else { return }
                let found = strstr(text + bodyStart, expected)
                let isRight =
                    expected.isEmpty
                    ? length == 0 : found.map { UnsafePointer($0) < text + bodyStart + length } ?? false
                guard isRight, answered < lines[index].open else {
                    throw HarnessError(
                        "not what was expected: \(String(decoding: input[start..<total], as: UTF8.self))")
                }
                start += bodyStart + length
                answered += 1
            }
        }
        guard answered > 0 else { return false }
        lines[index].input.withUnsafeMutableBytes { input in
            input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<total]))
        }
        lines[index].inputCount = total - start
        lines[index].open -= answered
        return true
    }
}
