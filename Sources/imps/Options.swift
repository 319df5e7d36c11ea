import CLibC
import Files
import IMPSEngine
import Octets
import Transport
import Wire

/// What the command line asks for.
struct Options {
    enum Command {
        case chat
        case send
        case receive
        case decode
        case encode
    }

    var server = ServerAddress()
    var user = InlineBytes<100>()
    var password = InlineBytes<128>()
    private var passwordPath = InlineBytes<256>()
    /// Authorities that the server's certificate has to come from; empty for a server that is known from before.
    var authorities = InlineBytes<256>()
    /// Where the certificates of servers are kept; empty for the place of all.
    var known = InlineBytes<256>()
    var version = Version.v1_3
    var syntax = Syntax.xml
    var callMethod = CallMethod.none
    var usesDigest = false
    var command = Command.chat
    var recipient = InlineBytes<100>()
    var text = InlineBytes<4000>()
    /// The document to decode or encode.
    var path = InlineBytes<256>()
    var waitSeconds: UInt64 = 5
    /// What to do with System Messages that `presets` does not name.
    var systemMessages = SystemMessagePolicy.ask
    var presets = InlineArray<8, Preset>(repeating: Preset())
    var presetCount = 0

    enum SystemMessagePolicy {
        /// Ask on the terminal; without one a required answer fails.
        case ask
        /// The first option.
        case accept
        /// The last option.
        case decline
        case fail
    }

    /// `--answer NAME=OPTION` or `--answer NAME=OPTION:KEY`
    struct Preset: BitwiseCopyable {
        var name = InlineBytes<24>()
        var option: UInt16 = 0
        var key = InlineBytes<16>()
    }

    enum Outcome {
        case run(Options)
        /// Everything is said.
        case stop(ExitCode)
    }

    private static let help: StaticString = """
        Usage: imps --server URL --user NAME [OPTIONS]              chat
               imps --server URL --user NAME [OPTIONS] send TO TEXT
               imps --server URL --user NAME [OPTIONS] recv [--wait SECONDS]
               imps decode FILE          prints a captured message, XML or WBXML
               imps encode FILE          writes a message as WBXML

        A terminal client for OMA IMPS / Wireless Village.

          -s, --server URL          http://host:port/ or https://host:port/
              --ca-file FILE        https: trust certificates that somebody in FILE signed
              --known FILE          https: where certificates of servers that were met before
                                    are kept (~/.imps_known)
          -u, --user NAME           wv:alice@home.test
          -v, --version VERSION     1.1, 1.2 or 1.3 (default)
          -b, --wbxml               speak WBXML instead of XML
          -c, --cir METHOD          be called when something waits, instead of polling: tcp,
                                    udp or http
          -d, --digest              log in by digest (4 messages) instead of password
          -p, --password-file FILE  the password is the first line of FILE
          -w, --wait SECONDS        recv: stop when nothing came for so long (5)
          -a, --answer NAME=OPTION  what to answer to the system message NAME, as often as
                                    needed; NAME=OPTION:KEY when it wants a key
              --on-system-message WORD
                                    what to do with others: accept (the first option),
                                    decline (the last) or fail; without it they are
                                    asked on the terminal
              --help                print this

        The password comes from --password-file, from the environment variable
        IMPS_PASSWORD, or is asked for.

        Exit codes: 0 done, 1 refused or nothing received, 64 usage, 65 bad input,
        69 no server answers, 77 login refused.

        """

    /// Reads the command line.
    static func read(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Outcome {
        var options = Options()
        let names: InlineArray<14, option> = unsafe [
            Terminal.option("server", takesValue: true, 0x73), Terminal.option("user", takesValue: true, 0x75),
            Terminal.option("version", takesValue: true, 0x76),
            Terminal.option("wbxml", 0x62), Terminal.option("digest", 0x64),
            Terminal.option("password-file", takesValue: true, 0x70),
            Terminal.option("wait", takesValue: true, 0x77), Terminal.option("cir", takesValue: true, 0x63),
            Terminal.option("answer", takesValue: true, 0x61),
            Terminal.option("on-system-message", takesValue: true, 2),
            Terminal.option("ca-file", takesValue: true, 3), Terminal.option("known", takesValue: true, 4),
            Terminal.option("help", 1), option(),
        ]
        while true {
            let next = unsafe names.span.withUnsafeBufferPointer { names in
                unsafe getopt_long(count, arguments, "s:u:v:bdp:w:a:c:", names.baseAddress, nil)
            }
            if next == -1 { return unsafe options.readWords(count, arguments) }
            if next == 1 {
                Terminal.print(help)
                return .stop(.success)
            }
            guard options.take(next) else { return misuse() }
        }
    }

    private mutating func take(_ letter: Int32) -> Bool {
        if letter == 0x64 {
            usesDigest = true
            return true
        }
        if letter == 0x62 {
            syntax = .wbxml
            return true
        }
        guard letter != 0x3F, let value: InlineBytes<256> = unsafe Terminal.text(of: libc_option_value()) else {
            return false
        }
        switch letter {
        case 0x73: return server.read(value.span)
        case 0x75:
            guard let name = InlineBytes<100>(value.span) else { return false }
            user = name
        case 0x76:
            if value.span.equals("1.1") {
                version = .v1_1
            } else if value.span.equals("1.2") {
                version = .v1_2
            } else if value.span.equals("1.3") {
                version = .v1_3
            } else {
                return false
            }
        case 0x63:
            guard let method = CallMethod(value.span) else { return false }
            callMethod = method
        case 0x70: passwordPath = value
        case 3: authorities = value
        case 4: known = value
        case 0x61: return addPreset(value.span)
        case 2:
            if value.span.equals("accept") {
                systemMessages = .accept
            } else if value.span.equals("decline") {
                systemMessages = .decline
            } else if value.span.equals("fail") {
                systemMessages = .fail
            } else {
                return false
            }
        case 0x77:
            guard let seconds = Decimal.parse(value.span) else { return false }
            waitSeconds = seconds
        default: return false
        }
        return true
    }

    private mutating func addPreset(_ value: Span<UInt8>) -> Bool {
        guard presetCount < presets.count, let equals = value.firstIndex(of: 0x3D),
            let name = InlineBytes<24>(value.extracting(0..<equals))
        else { return false }
        let colon = value.firstIndex(of: 0x3A, from: equals) ?? value.count
        guard let option = Decimal.parse(value.extracting(equals + 1..<colon)), option <= UInt64(UInt16.max),
            let key = InlineBytes<16>(value.extracting(min(value.count, colon + 1)..<value.count))
        else { return false }
        presets[presetCount] = Preset(name: name, option: UInt16(option), key: key)
        presetCount += 1
        return true
    }

    private mutating func readPasswordFile() -> Bool {
        var file = Memory.buffer(1024)
        do throws(File.Failure) {
            try File.read(passwordPath.span, into: &file)
        } catch {
            Terminal.printError("imps: the password file cannot be read\n")
            return false
        }
        let end = file.span.firstIndex(of: 0x0A) ?? file.count
        guard let line = InlineBytes<128>(file.span(0..<end)) else { return false }
        password = line
        return true
    }

    private mutating func readWords(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Outcome {
        var index = Int(libc_option_index())
        if index < Int(count) {
            guard let word: InlineBytes<16> = unsafe Terminal.text(of: arguments[index]) else {
                return Options.misuse()
            }
            index += 1
            if word.span.equals("send") {
                command = .send
                guard index + 2 == Int(count), let name: InlineBytes<100> = unsafe Terminal.text(of: arguments[index]),
                    let text: InlineBytes<4000> = unsafe Terminal.text(of: arguments[index + 1])
                else { return Options.misuse() }
                recipient = name
                self.text = text
                index += 2
            } else if word.span.equals("recv") {
                command = .receive
            } else if word.span.equals("decode") || word.span.equals("encode") {
                command = word.span.equals("decode") ? .decode : .encode
                guard index + 1 == Int(count), let path: InlineBytes<256> = unsafe Terminal.text(of: arguments[index])
                else { return Options.misuse() }
                self.path = path
                return .run(self)
            } else {
                return Options.misuse()
            }
        }
        guard index == Int(count), !server.host.isEmpty, !user.isEmpty else { return Options.misuse() }
        guard findPassword() else { return .stop(.badData) }
        return .run(self)
    }

    /// False when there is no password, and said so.
    private mutating func findPassword() -> Bool {
        if !passwordPath.isEmpty { return readPasswordFile() }
        if let value: InlineBytes<128> = unsafe Terminal.text(of: getenv("IMPS_PASSWORD")) {
            password = value
        } else if let value: InlineBytes<128> = Terminal.readSecret("Password: ") {
            password = value
        }
        if password.isEmpty { Terminal.printError("imps: no password\n") }
        return !password.isEmpty
    }

    private static func misuse() -> Outcome {
        Terminal.printError(
            "Usage: imps --server URL --user NAME [send TO TEXT | recv]\n       imps decode | encode FILE; imps --help tells more\n"
        )
        return .stop(.usage)
    }
}
