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
    options.words[1] = InlineBytes()
    _ = options.words[1].append("import")
    var printer = Printer(options, to: 1)
    var command = Memory.buffer(ControlCommand.lineByteCountMax)
    var progress = Progress("accounts")
    var brokenCount: UInt64 = 0
    begin(&command, options.kind)
    var isEmpty = true
    while true {
        let line = reader.next()
        if let line {
            if line.isEmpty || line.span[0] == 0x23 { continue }
            if reader.isCut || !append(line.span, to: &command) {
                brokenCount += 1
                tellBroken(reader.lineNumber)
                continue
            }
            isEmpty = false
        }
        guard command.count > 24_000 || line == nil else { continue }
        if !isEmpty {
            command.append(0x0A)
            let code = send(command, options, configuration, &printer)
            guard code == .success else { return code }
            progress.show(printer.addedCount + printer.refusedCount, of: nil)
        }
        guard line != nil else { break }
        begin(&command, options.kind)
        isEmpty = true
    }
    progress.end()
    return finish(printer.addedCount, refused: printer.refusedCount + brokenCount)
}

private func begin(_ command: inout FixedBytes, _ kind: InlineBytes<32>) {
    // It had passwords.
    for index in 0..<command.count { command[index] = 0 }
    command.removeAll()
    command.append("user import ")
    if kind.isEmpty { command.append("digest") }
    command.append(escaped: kind.span)
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
    var text = Memory.buffer(128)
    text.append("impsctl: line ")
    text.append(decimal: number)
    text.append(": expected a name and a password\n")
    Terminal.printError(text.span)
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
