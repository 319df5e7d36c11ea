import Configuration
import Octets
import Setup
import Store
import Transport

/// Takes a dump from standard input into an empty store: all of it, or nothing.
func restore(_ configuration: Configuration) -> ExitCode {
    do throws(SetupError) {
        let folder = try openDataFolder(configuration)
        let counts = try restoreIntoEmpty(from: 0, folder, configuration)
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
