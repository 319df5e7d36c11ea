import Configuration
import Files
import IMPSEngine
import Octets
import Setup
import Transport

/// `user add --file FILE`: an account for each line, a name and behind white space the password; a line that begins with
/// `#` says nothing.
///
/// Some hundred accounts make one command. Who cannot be taken is told, and the others are taken.
func addUsers(_ options: inout Options, _ configuration: Configuration) -> ExitCode {
    guard options.wordCount == 2 else {
        Terminal.printError("impsctl: user add --file FILE has a name and a password in each line\n")
        return .usage
    }
    var reader: LineReader
    do throws(File.Failure) {
        reader = try LineReader(options.filePath.span)
    } catch {
        Terminal.printError("impsctl: the file of the accounts cannot be read\n")
        return .badData
    }
    options.words[1] = InlineBytes(prefix: .constant("import"))
    let kind = options.kind
    var printer = Printer(options, to: 1)
    var progress = Progress("accounts")
    var brokenCount: UInt64 = 0
    let code = send(isOffline: options.isOffline, configuration, &printer) { command, printer in
        progress.show(printer.addedCount + printer.refusedCount, of: nil)
        return write(&reader, kind, &brokenCount, into: &command)
    }
    progress.end()
    guard code == .success else { return code }
    return finish(printer.addedCount, refused: printer.refusedCount + brokenCount)
}

/// Writes a command with the accounts of the next lines; false when there are none.
private func write(
    _ reader: inout LineReader, _ kind: InlineBytes<32>, _ brokenCount: inout UInt64, into command: inout FixedBytes
) -> Bool {
    command.append("user import ")
    if kind.isEmpty { command.append("digest") }
    command.append(escaped: kind.span)
    let start = command.count
    while command.count < 24_000, let line = reader.next() {
        if line.isEmpty || line.span[0] == 0x23 { continue }
        guard !reader.isCut, append(line.span, to: &command) else {
            brokenCount += 1
            tellBroken(reader.lineNumber)
            continue
        }
    }
    command.append(0x0A)
    return command.count > start + 1
}

/// Adds name and password of a line; false when one is missing.
private func append(_ line: Span<UInt8>, to command: inout FixedBytes) -> Bool {
    var end = 0
    while end < line.count, line[end] != 0x20, line[end] != 0x09 { end += 1 }
    let password = line.extracting(end..<line.count).trimmed()
    guard password.count > 0 else { return false }
    command.append(0x20)
    command.append(escaped: line.extracting(0..<end))
    command.append(0x20)
    command.append(escaped: password)
    return true
}

private func tellBroken(_ number: UInt64) {
    Terminal.printError("impsctl: line ")
    Terminal.printError(Decimal.digits(of: number).span)
    Terminal.printError(": expected a name and a password\n")
}

private func finish(_ added: UInt64, refused: UInt64) -> ExitCode {
    var text = Memory.buffer(128)
    text.append(decimal: added)
    text.append(" accounts added, ")
    text.append(decimal: refused)
    text.append(" refused\n")
    Terminal.printError(text.span)
    return refused == 0 ? .success : .failure
}
