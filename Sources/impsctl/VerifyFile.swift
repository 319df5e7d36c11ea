import Digests
import Files
import IMPSEngine
import Octets
import Setup
import Transport

/// `sysmsg verify NAME --file FILE`: whether a journal that was kept elsewhere, as `--raw sysmsg journal` wrote it, is still
/// what was written. A file may have the journals of several campaigns, one after the other.
func verifyFile(_ path: InlineBytes<200>) -> ExitCode {
    var text = Memory.buffer(4096)
    var previous = Memory.buffer(64)
    var count: UInt64 = 0
    var lines: JournalLines
    do throws(File.Failure) {
        lines = try JournalLines(path.span)
    } catch {
        Terminal.printError("impsctl: the file of the journal cannot be read\n")
        return .badData
    }
    while lines.next() {
        count += 1
        let mark: StaticString = " hash="
        let end = lines.line.count - 64 - mark.utf8CodeUnitCount
        guard end > 0, lines.line.span(end..<end + mark.utf8CodeUnitCount).equals(mark) else {
            return refuse(count, "is no event with its hash")
        }
        // The first event of a campaign follows on zeros.
        if lines.line.span.starts(with: "n=1 ") {
            previous.removeAll()
            for _ in 0..<64 { previous.append(0x30) }
        }
        text.removeAll()
        text.append(copy: previous, 0..<previous.count)
        text.append(0x0A)
        text.append(copy: lines.line, 0..<end)
        let digest = DigestAlgorithm.sha256.digest(text.span)
        previous.removeAll()
        previous.append(hexadecimal: digest.span)
        guard lines.line.span(end + mark.utf8CodeUnitCount..<lines.line.count).equals(previous.span) else {
            return refuse(count, "is not what was written, or does not follow on the one before")
        }
    }
    guard count > 0 else { return refuse(1, "is missing") }
    text.removeAll()
    text.append(decimal: count)
    text.append(" events, the last hash is ")
    text.append(copy: previous, 0..<previous.count)
    text.append("\nCompare it with: impsctl sysmsg verify NAME; what is cut off at the end cannot be seen otherwise.\n")
    Terminal.print(text.span)
    return .success
}

private func refuse(_ line: UInt64, _ words: StaticString) -> ExitCode {
    var text = Memory.buffer(256)
    text.append("impsctl: line ")
    text.append(decimal: line)
    text.append(0x20)
    text.append(words)
    text.append(0x0A)
    Terminal.printError(text.span)
    return .failure
}

/// The lines of a file, each as long as an event may be.
private struct JournalLines: ~Copyable {
    private let descriptor: Int32
    private var part = Memory.buffer(16_384)
    private var position = 0
    private(set) var line = Memory.buffer(3072)

    init(_ path: Span<UInt8>) throws(File.Failure) {
        descriptor = try File.open(path)
    }

    deinit { File.close(descriptor) }

    /// Reads the next line that is not empty; false at the end. What is too long is no event and has no hash.
    mutating func next() -> Bool {
        line.removeAll()
        while true {
            if position == part.count {
                part.removeAll()
                position = 0
                let free = unsafe part.freeStorage()
                var space = unsafe MutableSpan(_unsafeElements: free)
                let count = File.read(descriptor, into: &space)
                guard count > 0 else { return line.count > 0 }
                part.advance(by: count)
            }
            let octet = part[position]
            position += 1
            if octet == 0x0A {
                if line.count > 0 { return true }
            } else {
                line.append(octet)
            }
        }
    }
}
