import Configuration
import Files
import Octets
import Setup
import Store
import Transport

/// Takes a dump from standard input into an empty store: all of it, or nothing.
func restore(_ configuration: Configuration) -> ExitCode {
    do throws(SetupError) {
        let folder = try openDataFolder(configuration)
        var progress = Progress("records")
        let size = File.size(of: 0)
        let counts = try restoreIntoEmpty(from: 0, folder, configuration) { octets, records in
            progress.show(records, of: size.map { octets * 100 / max(1, $0) })
        }
        progress.end()
        Terminal.printError(Decimal.digits(of: counts.taken).span)
        Terminal.printError(" records restored, ")
        Terminal.printError(Decimal.digits(of: counts.leftOut).span)
        Terminal.printError(" left out because they were half\n")
        return .success
    } catch {
        let code = explain(error, configuration)
        Terminal.printError("impsctl: nothing was restored\n")
        return code
    }
}
