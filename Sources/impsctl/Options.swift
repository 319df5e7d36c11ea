import CLibC
import IMPSEngine
import Octets
import Setup
import Transport

/// What the command line asks for.
struct Options: ~Copyable {
    var configPath = InlineBytes<200>()
    var isOffline = false
    var isJSON = false
    var isCSV = false
    var isRaw = false
    /// What `--file` names.
    var filePath = InlineBytes<200>()
    var isSaved = false
    var isSure = false
    /// Nothing is to be changed.
    var isRehearsal = false
    /// The fields of a campaign, as they were given.
    var fields = CampaignFields()
    var kind = InlineBytes<32>()
    var number = InlineBytes<32>()
    var words = InlineArray<10, InlineBytes<200>>(repeating: InlineBytes())
    var wordCount = 0

    enum Outcome: ~Copyable {
        case run(Options)
        /// Everything is said.
        case stop(ExitCode)
    }

    static let help: StaticString = """
        Usage: impsctl [--config FILE] [--offline] [--json|--csv|--raw] COMMAND

        Talks to a running impsd over its control socket, or with --offline to its
        store alone, which is refused while the engine runs.

        Accounts; a password is read from standard input or asked for:
          user add NAME [--kind digest|password-only] [--msisdn NUMBER]
          user add --file FILE one for each line, a name and a password
          user passwd NAME [--kind digest|password-only]
          user del NAME        takes the mailbox and the sessions too
          user show NAME       with what was seen of the user's clients
          user forget NAME     forgets that
          user set NAME FIELD [VALUE]
                               msisdn, first_name, last_name, email, searchable yes|no,
                               offline_sender_policy all|contacts, language as de,
                               notify yes|no|SECTION, push_url; without a value, none
          user list
          import --file FILE [--dry-run]
                               accounts and contacts of a file in CSV or JSON, as
                               user list and contacts list write them, or with columns
                               user, password, kind, or owner, list, user, nickname

        People:
          contacts list [NAME] who is on the contact lists of a user, or of all
          contacts add NAME LIST CONTACT [NICKNAME]
          contacts remove NAME LIST CONTACT
          contacts drop NAME LIST
          presence NAME        whether a user is there, and what he says of himself
          watchers NAME        who watches him now, and who asked to see him
          notifications        who was told while offline that messages wait, or is to be
          accounting           sessions at services behind this one: who was asked, what was granted, how much reached them

        System Messages:
          sysmsg add NAME --kind login|online|welcome --text TEXT [--lead-in TEXT]
                 [--option 'ID|TEXT|GRANT' ...] [--required] [--blocking]
                 [--audience all|new|user:NAME|list:FILE|level:full|level:limited]
                 [--policy once|every-login|until-answered]
                 [--from DATE] [--until DATE] [--timeout SECONDS]
                 [--try-again SECONDS] [--no-reoffer] [--legacy limited|deny] [--verify WAY]
                               GRANT: full, deny, or limited:FundamentalFeat,PresenceFeat;
                               a fourth part may be help-on or help-off
                               DATE: 2026-12-31 or 2026-12-31T18:00, in UTC
          sysmsg list | renew NAME | end NAME | del NAME
          sysmsg show NAME [GENERATION]
                               what it asks, or asked in an earlier generation
          sysmsg progress NAME how many were asked, have seen it, have answered
          sysmsg results NAME  where each user is with it
          sysmsg journal NAME  every event: sent, shown, answered, declined, timed out
          sysmsg verify NAME [--file FILE]
                               whether the journal is what was written; of an exported
                               one: --raw sysmsg journal NAME > FILE
          sysmsg answer NAME USER ID
                               takes what a user said by another way
          sysmsg key NAME USER the verification key of a user

        Operation:
          status               memory, store, counters
          sessions             who is logged in
          disconnect NAME      ends all sessions of a user (601)
          log                  the last records, from memory
          log-level [LEVEL]    err, warning, notice, info or debug
          clock WORD           trusted: somebody set it right; untrusted; auto: ask the kernel
          ping                 exit code 0 when the engine works and its store can be read
          reach URL [SHA-256]  has the engine ask another server, by http or https: what it
                               answers, or why it is not believed

        Certificate of https, on its files alone:
          cert make [NAME...]  makes a key and a certificate that signs itself, for names and
                               addresses, or for those that this device has
          cert request [NAME...]
                               prints a request to sign the key, for an authority
          cert show            whose it is, until when, its fingerprint; whether the key fits

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
              --json, --csv    for machines
              --raw            all fields, as the engine names them
              --version        print the version
              --help           print this

        Exit codes: 0 done, 1 refused, 64 usage, 65 bad input, 69 the engine does not
        run, 74 input or output, 75 the engine runs.

        """

    /// Reads the command line.
    static func read(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Outcome {
        var options = Options()
        _ = options.configPath.append("/etc/config/imps")
        let names: InlineArray<28, option> = unsafe [
            Terminal.option("config", takesValue: true, 0x63), Terminal.option("offline", 1),
            Terminal.option("json", 2),
            Terminal.option("kind", takesValue: true, 3), Terminal.option("version", 4), Terminal.option("help", 5),
            Terminal.option("save", 6), Terminal.option("yes", 7), Terminal.option("csv", 8), Terminal.option("raw", 9),
            Terminal.option("file", takesValue: true, 10), Terminal.option("dry-run", 11),
            Terminal.option("msisdn", takesValue: true, 12),
            Terminal.option("text", takesValue: true, 0x80), Terminal.option("lead-in", takesValue: true, 0x81),
            Terminal.option("option", takesValue: true, 0x82), Terminal.option("audience", takesValue: true, 0x83),
            Terminal.option("policy", takesValue: true, 0x84), Terminal.option("timeout", takesValue: true, 0x85),
            Terminal.option("try-again", takesValue: true, 0x86), Terminal.option("legacy", takesValue: true, 0x87),
            Terminal.option("verify", takesValue: true, 0x88), Terminal.option("from", takesValue: true, 0x89),
            Terminal.option("until", takesValue: true, 0x8A), Terminal.option("required", 0x8B),
            Terminal.option("blocking", 0x8C), Terminal.option("no-reoffer", 0x8D), option(),
        ]
        while true {
            let next = unsafe names.span.withUnsafeBufferPointer { names in
                unsafe getopt_long(count, arguments, "c:", names.baseAddress, nil)
            }
            switch next {
            case -1:
                guard unsafe options.readWords(count, arguments) else { return misuse() }
                return .run(options)
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
            case 8: options.isCSV = true
            case 9: options.isRaw = true
            case 10:
                guard let path: InlineBytes<200> = unsafe Terminal.text(of: libc_option_value()) else {
                    return misuse()
                }
                options.filePath = path
            case 11: options.isRehearsal = true
            case 12:
                guard let number: InlineBytes<32> = unsafe Terminal.text(of: libc_option_value()) else {
                    return misuse()
                }
                options.number = number
            case 0x80...0x8A:
                guard let value: InlineBytes<2200> = unsafe Terminal.text(of: libc_option_value()) else {
                    return misuse()
                }
                options.fields.add(fieldKey(next).octets, value.span)
            case 0x8B...0x8C: options.fields.add(fieldKey(next).octets, .constant("1"))
            case 0x8D: options.fields.add(.constant("reoffer"), .constant("0"))
            default: return misuse()
            }
        }
    }

    /// The key of a section of the configuration that an option of `sysmsg add` stands for.
    private static func fieldKey(_ option: Int32) -> StaticString {
        switch option {
        case 0x80: return "text"
        case 0x81: return "lead_in"
        case 0x82: return "option"
        case 0x83: return "audience"
        case 0x84: return "policy"
        case 0x85: return "timeout"
        case 0x86: return "try_again"
        case 0x87: return "legacy"
        case 0x88: return "verify"
        case 0x89: return "from"
        case 0x8A: return "until"
        case 0x8B: return "required"
        default: return "blocking"
        }
    }

    private mutating func readWords(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Bool {
        var index = Int(libc_option_index())
        while index < Int(count) {
            guard wordCount < words.count, let word: InlineBytes<200> = unsafe Terminal.text(of: arguments[index])
            else { return false }
            words[wordCount] = word
            wordCount += 1
            index += 1
        }
        return wordCount > 0
    }

    static func misuse() -> Outcome {
        Terminal.printError(
            "Usage: impsctl [--config FILE] [--offline] [--json|--csv|--raw] COMMAND; impsctl --help tells more\n")
        return .stop(.usage)
    }

    /// A word of the command is this constant.
    func word(_ index: Int, is text: StaticString) -> Bool {
        index < wordCount && words[index].span.equals(text)
    }
}
