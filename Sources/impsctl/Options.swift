import CLibC
import IMPSEngine
import Octets
import Transport

/// What the command line asks for.
struct Options {
    var configPath = InlineBytes<200>()
    var isOffline = false
    var isJSON = false
    var isSaved = false
    var isSure = false
    /// The fields of a campaign as they were given: the letter of each, its text, and a zero.
    var fields = InlineBytes<24_000>()
    var kind = InlineBytes<32>()
    var words = InlineArray<4, InlineBytes<200>>(repeating: InlineBytes())
    var wordCount = 0

    enum Outcome {
        case run(Options)
        /// Everything is said.
        case stop(ExitCode)
    }

    /// What `sysmsg add` takes, by the letter of the field.
    enum Field: UInt8 {
        case text = 0x61, leadIn, option, audience, policy, timeout, tryAgain, legacy, verify, required, blocking
        case from, until
    }

    static let help: StaticString = """
        Usage: impsctl [--config FILE] [--offline] [--json] COMMAND

        Talks to a running impsd over its control socket, or with --offline to its
        store alone, which is refused while the engine runs.

        Accounts; a password is read from standard input or asked for:
          user add NAME [--kind digest|password-only]
          user passwd NAME [--kind digest|password-only]
          user del NAME        takes the mailbox and the sessions too
          user show NAME
          user list

        System Messages:
          sysmsg add NAME --kind login --text TEXT
                 [--option 'ID|TEXT|GRANT' ...] [--lead-in TEXT] [--required] [--blocking]
                 [--audience all|new|user:NAME] [--policy once|every-login|until-answered]
                 [--from SECONDS] [--until SECONDS] [--timeout SECONDS]
                 [--try-again SECONDS] [--legacy limited|deny] [--verify WAY]
                               GRANT: full, deny, or limited:FundamentalFeat,PresenceFeat
          sysmsg list | show NAME | renew NAME | end NAME
          sysmsg results NAME  who was asked and answered what, and when
          sysmsg key NAME USER the verification key of a user

        Operation:
          status               memory, store, counters
          sessions             who is logged in
          disconnect NAME      ends all sessions of a user (601)
          log                  the last records, from memory
          log-level [LEVEL]    err, warning, notice, info or debug
          clock WORD           trusted: somebody set it right; untrusted; auto: ask the kernel
          ping                 exit code 0 when the engine works and its store can be read

        Store:
          dump [--save]        the whole store as text, to standard output; with --save
                               into store.dump of the data folder, which the next version
                               takes when it cannot read the store
          checkpoint           copies a store in memory to the volume now
          factory-reset --yes  forgets all accounts, messages and keys; a running engine
                               ends, for its supervisor to start it as new
          restore              a dump from standard input, into an empty store;
                               only with --offline

          -c, --config FILE    default /etc/config/imps
              --version        print the version
              --help           print this

        Exit codes: 0 done, 1 refused, 64 usage, 65 bad input, 69 the engine does not
        run, 74 input or output, 75 the engine runs.

        """

    /// Reads the command line.
    static func read(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Outcome {
        var options = Options()
        _ = options.configPath.append("/etc/config/imps")
        let names: InlineArray<22, option> = unsafe [
            Terminal.option("config", takesValue: true, 0x63), Terminal.option("offline", 1),
            Terminal.option("json", 2),
            Terminal.option("kind", takesValue: true, 3), Terminal.option("version", 4), Terminal.option("help", 5),
            Terminal.option("save", 6), Terminal.option("yes", 7),
            Terminal.option("text", takesValue: true, 0x61), Terminal.option("lead-in", takesValue: true, 0x62),
            Terminal.option("option", takesValue: true, 0x163), Terminal.option("audience", takesValue: true, 0x64),
            Terminal.option("policy", takesValue: true, 0x65), Terminal.option("timeout", takesValue: true, 0x66),
            Terminal.option("try-again", takesValue: true, 0x67), Terminal.option("legacy", takesValue: true, 0x68),
            Terminal.option("verify", takesValue: true, 0x69), Terminal.option("required", 0x6A),
            Terminal.option("blocking", 0x6B), Terminal.option("from", takesValue: true, 0x6C),
            Terminal.option("until", takesValue: true, 0x6D), option(),
        ]
        while true {
            let next = unsafe names.span.withUnsafeBufferPointer { names in
                unsafe getopt_long(count, arguments, "c:", names.baseAddress, nil)
            }
            switch next {
            case -1: return unsafe options.readWords(count, arguments)
            case 0x63:
                guard let path: InlineBytes<200> = unsafe Terminal.text(of: libc_option_value()) else {
                    return misuse()
                }
                options.configPath = path
            case 1: options.isOffline = true
            case 2: options.isJSON = true
            case 3:
                guard let kind: InlineBytes<32> = unsafe Terminal.text(of: libc_option_value()) else { return misuse() }
                options.kind = kind
            case 4:
                Terminal.print("impsctl ")
                Terminal.print(Release.version)
                Terminal.print("\n")
                return .stop(.success)
            case 5:
                Terminal.print(help)
                return .stop(.success)
            case 6: options.isSaved = true
            case 7: options.isSure = true
            case 0x61...0x6D, 0x163:
                guard unsafe options.addField(UInt8(truncatingIfNeeded: next), libc_option_value()) else {
                    return misuse()
                }
            default: return misuse()
            }
        }
    }

    private mutating func addField(_ letter: UInt8, _ value: UnsafePointer<CChar>?) -> Bool {
        var text = InlineBytes<2200>()
        let isFlag = letter == Field.required.rawValue || letter == Field.blocking.rawValue
        if !isFlag {
            guard let copy: InlineBytes<2200> = unsafe Terminal.text(of: value) else { return false }
            text = copy
        }
        return fields.append(letter) && fields.append(text.span) && fields.append(0)
    }

    private mutating func readWords(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Outcome {
        var index = Int(libc_option_index())
        while index < Int(count) {
            guard wordCount < words.count, let word: InlineBytes<200> = unsafe Terminal.text(of: arguments[index])
            else {
                return Options.misuse()
            }
            words[wordCount] = word
            wordCount += 1
            index += 1
        }
        return wordCount > 0 ? .run(self) : Options.misuse()
    }

    static func misuse() -> Outcome {
        Terminal.printError("Usage: impsctl [--config FILE] [--offline] [--json] COMMAND; impsctl --help tells more\n")
        return .stop(.usage)
    }

    /// A word of the command is this constant.
    func word(_ index: Int, is text: StaticString) -> Bool {
        index < wordCount && words[index].span.equals(text)
    }
}
