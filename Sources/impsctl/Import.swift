import Configuration
import Files
import IMPSEngine
import Octets
import Setup
import Transport

/// `import --file FILE`: accounts and contacts of a file in CSV or JSON, as `user list` and `contacts list` write them, or
/// as a spreadsheet does. `user add --file FILE`: accounts, a name and behind white space the password in each line.
///
/// Some hundred rows make one command. What cannot be taken is told, and the rest is taken.
func importFile(_ options: borrowing Options, _ configuration: Configuration) -> ExitCode {
    var source: CommandSource
    do throws(File.Failure) {
        let rows = try RowReader(options.filePath.span, isList: options.word(0, is: "user"), kind: options.kind)
        guard rows.isReadable else {
            Terminal.printError(
                "impsctl: the first line of the file names no column of an import; impsctl --help does\n")
            return .badData
        }
        source = CommandSource(rows, isRehearsal: options.isRehearsal)
    } catch {
        Terminal.printError("impsctl: the file cannot be read\n")
        return .badData
    }
    var printer = Printer(options, to: 1)
    let code = send(&source, isOffline: options.isOffline, configuration, &printer)
    guard code == .success else { return code }
    let refused = printer.refusedCount + (source.rows?.brokenCount ?? 0)
    var text = Memory.buffer(128)
    text.append(decimal: printer.addedCount)
    text.append(options.isRehearsal ? " can be imported, " : " imported, ")
    text.append(decimal: refused)
    text.append(" refused\n")
    Terminal.printError(text.span)
    return refused == 0 ? .success : .failure
}
