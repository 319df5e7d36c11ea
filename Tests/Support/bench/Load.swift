import Foundation
import Harness

/// Requests on many connections from one thread, with as little work of its own as possible, so that the other
/// processor has nothing to do but the engine.
final class Load {
    private struct Line {
        var descriptor: Int32
        var requests: [[UInt8]]
        var next = 0
        var input = [UInt8](repeating: 0, count: 65_536)
        var inputCount = 0
    }

    private var lines: [Line] = []
    /// What has to be in each answer; with nothing, answers have to be empty.
    private let expected: String

    /// - Parameter requests: For each connection what it posts, one after the other.
    init(port: UInt16, requests: [[[UInt8]]], expecting text: String) throws {
        expected = text
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
                } else {
                    entries[index].fd = -1
                    open -= 1
                }
            }
        }
        return Date().timeIntervalSince(start)
    }

    private func post(_ index: Int) throws {
        let request = lines[index].requests[lines[index].next]
        lines[index].next += 1
        let count = request.withUnsafeBufferPointer {
            send(lines[index].descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == request.count else { throw HarnessError("send") }
    }

    /// True when an answer is complete.
    private func receive(_ index: Int) throws -> Bool {
        let descriptor = lines[index].descriptor
        let before = lines[index].inputCount
        let count = lines[index].input.withUnsafeMutableBytes {
            recv(descriptor, $0.baseAddress! + before, 65_535 - before, 0)
        }
        guard count > 0 else { throw HarnessError("the connection ended") }
        lines[index].inputCount += count
        let total = lines[index].inputCount
        lines[index].input[total] = 0
        return try lines[index].input.withUnsafeBytes { (input: UnsafeRawBufferPointer) throws -> Bool in
            let text = input.baseAddress!.assumingMemoryBound(to: CChar.self)
            guard let end = strstr(text, "\r\n\r\n"), let name = strstr(text, "Content-Length: ") else { return false }
            let length = strtol(name + 16, nil, 10)
            let bodyStart = UnsafePointer(end) + 4 - text
            guard total >= bodyStart + length else { return false }
            let isRight = expected.isEmpty ? length == 0 : strstr(text + bodyStart, expected) != nil
            guard isRight, total == bodyStart + length else {
                throw HarnessError("not what was expected: \(String(decoding: input[..<total], as: UTF8.self))")
            }
            lines[index].inputCount = 0
            return true
        }
    }
}
