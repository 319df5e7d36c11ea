import Files
import Octets
import Transport

/// Where the tool writes its answer, in parts of 64 KB.
struct Output: ~Copyable {
    private let descriptor: Int32
    private var text = Memory.buffer(65_536)
    /// It could not be written.
    private(set) var isLost = false

    init(to descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Adds a line, or more of them.
    mutating func take(_ line: borrowing FixedBytes) {
        if text.freeCapacity < line.count { flush() }
        text.append(copy: line, 0..<line.count)
    }

    mutating func take(_ words: StaticString) {
        if text.freeCapacity < words.utf8CodeUnitCount { flush() }
        text.append(words)
    }

    mutating func flush() {
        do throws(File.Failure) {
            try File.write(descriptor, text.span)
        } catch {
            isLost = true
        }
        text.removeAll()
    }
}
