import Configuration
import IMPSEngine
import Octets
import Setup
import Transport

/// `sysmsg add`: one command with all the fields, and some more for a long list of names.
func addCampaign(_ options: inout Options, _ configuration: Configuration) -> ExitCode {
    guard options.wordCount == 3, let name = InlineBytes<64>(options.words[2].span) else {
        Terminal.printError("impsctl: sysmsg add NAME --kind login --text TEXT; impsctl --help tells more\n")
        return .usage
    }
    var fields = CampaignFields()
    swap(&fields, &options.fields)
    fields.name = name
    if !options.kind.isEmpty { fields.add(.constant("kind"), options.kind.span) }
    guard fields.isComplete else {
        Terminal.printError("impsctl: the texts are too long\n")
        return .usage
    }
    var code = ExitCode.success
    var buffer = Memory.buffer(ControlCommand.lineByteCountMax)
    let outcome = fields.send(section: nil, through: &buffer) { line in
        code = send(line, options, configuration, to: 1)
        return code == .success
    }
    switch outcome {
    case .done, .refused: return code
    case .unreadable:
        Terminal.printError("impsctl: the file of the audience cannot be read\n")
        return .badData
    }
}
