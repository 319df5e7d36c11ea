import CLibC
import Configuration
import IMPSEngine
import Octets
import Store
import Transport

/// Takes a dump from standard input into an empty store: all of it in one transaction, or nothing.
func restore(_ configuration: Configuration) -> ExitCode {
    var failure = ExitCode.success
    do throws(File.Failure) {
        try File.makeFolder(configuration.dataFolder.span)
    } catch {
        Terminal.printError("impsctl: the data folder cannot be made\n")
        return .cannotCreate
    }
    guard var engine = openEngine(configuration, &failure) else { return failure }
    guard engine.isEmpty else {
        Terminal.printError("impsctl: the store is not empty; move its files away first\n")
        return .failure
    }
    var reader = DumpReader()
    while reader.next() {
        guard reader.take(into: &engine) else {
            Terminal.printError("impsctl: line ")
            printNumber(reader.lineNumber)
            Terminal.printError(" is no line of a dump of this version; nothing was restored\n")
            return .badData
        }
    }
    guard reader.isComplete else {
        Terminal.printError("impsctl: the dump is cut off; nothing was restored\n")
        return .badData
    }
    let removed = engine.repair()
    do throws(StoreError) {
        try engine.store.commit()
    } catch {
        Terminal.printError("impsctl: the store is full or broken; nothing was restored\n")
        return .inputOutput
    }
    printNumber(reader.recordCount)
    Terminal.printError(" records restored, ")
    printNumber(removed)
    Terminal.printError(" left out because they were half\n")
    return .success
}

private func printNumber(_ value: UInt64) {
    let digits = Decimal.digits(of: value)
    Terminal.printError(digits.span)
}

/// Reads a dump line by line.
private struct DumpReader: ~Copyable {
    private var input = Memory.buffer(65_536)
    private var start = 0
    private var line = Memory.buffer(16_384)
    private(set) var lineNumber: UInt64 = 0
    private(set) var recordCount: UInt64 = 0
    private(set) var isComplete = false

    /// Reads a line; false at the end of the input.
    mutating func next() -> Bool {
        line.removeAll()
        while true {
            while start < input.count {
                let octet = input[start]
                start += 1
                if octet == 0x0A {
                    lineNumber += 1
                    return true
                }
                line.append(octet)
            }
            input.removeAll()
            start = 0
            let free = unsafe input.freeStorage()
            let count = unsafe CLibC.read(0, free.baseAddress, free.count)
            guard count > 0 else { return false }
            input.advance(by: count)
        }
    }

    /// Takes the line: the head, a record or the end; false when it is none of them.
    mutating func take(into engine: inout Engine<Environment>) -> Bool {
        guard !isComplete, !line.isOverflowed else { return false }
        if lineNumber == 1 {
            let head: StaticString = "impsd-dump schema="
            guard line.span.starts(with: head) else { return false }
            return Decimal.parse(line.span(head.utf8CodeUnitCount..<line.count)) == Engine<Environment>.schema
        }
        let end: StaticString = "end records="
        if line.span.starts(with: end) {
            isComplete = Decimal.parse(line.span(end.utf8CodeUnitCount..<line.count)) == recordCount
            return isComplete
        }
        recordCount += 1
        return engine.restore(line: line.span)
    }
}
