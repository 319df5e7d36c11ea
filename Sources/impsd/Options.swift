import CLibC
import IMPSEngine
import Octets
import Transport

/// What the command line asks for.
struct Options {
    var configPath = InlineBytes<200>()
    var allowsRoot = false
    var onlyChecks = false

    enum Outcome {
        case run(Options)
        /// Everything is said.
        case stop(ExitCode)
    }

    private static let help: StaticString = """
        Usage: impsd --config FILE [--check] [--allow-root]

        The engine of an OMA IMPS / Wireless Village messaging service. Stays in the
        foreground and logs to standard error.

          -c, --config FILE  the configuration, in UCI syntax
              --check        read the configuration, say what is wrong, and stop
              --allow-root   run as root; by default this is refused (exit code 77)
              --version      print the version
              --help         print this

        Signals: TERM stop, HUP read the configuration again, USR1 log the status,
        USR2 next log level.

        """

    /// Reads the command line.
    static func read(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Outcome {
        var options = Options()
        let names: InlineArray<6, option> = unsafe [
            Terminal.option("config", takesValue: true, 0x63), Terminal.option("check", 1),
            Terminal.option("allow-root", 2),
            Terminal.option("version", 3), Terminal.option("help", 4), option(),
        ]
        while true {
            let next = unsafe names.span.withUnsafeBufferPointer { names in
                unsafe getopt_long(count, arguments, "c:", names.baseAddress, nil)
            }
            switch next {
            case -1:
                guard libc_option_index() == count, !options.configPath.isEmpty else { return misuse() }
                return .run(options)
            case 0x63:
                guard let path: InlineBytes<200> = unsafe Terminal.text(of: libc_option_value()) else {
                    return misuse()
                }
                options.configPath = path
            case 1: options.onlyChecks = true
            case 2: options.allowsRoot = true
            case 3:
                Terminal.print("impsd ")
                Terminal.print(Release.version)
                Terminal.print("\n")
                return .stop(.success)
            case 4:
                Terminal.print(help)
                return .stop(.success)
            default: return misuse()
            }
        }
    }

    private static func misuse() -> Outcome {
        Terminal.printError("Usage: impsd --config FILE [--check] [--allow-root]; impsd --help tells more\n")
        return .stop(.usage)
    }
}
