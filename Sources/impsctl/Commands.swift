import Octets
import Transport

private let commands: StaticString = """
    user import contacts presence watchers notifications accounting sysmsg status sessions disconnect log log-level clock ping reach cert check dump checkpoint factory-reset restore
    """
private let userCommands: StaticString = "add passwd del set show forget list"
private let certificateCommands: StaticString = "make request show"
private let contactCommands: StaticString = "list add remove drop"
private let messageCommands: StaticString =
    "add list renew end del show member progress results journal verify answer key"

/// Says which command was meant by one that there is not; nil when there is such a command.
func refuseUnknown(_ options: borrowing Options) -> ExitCode? {
    if let refusal = refuse(options, 0, commands) { return refusal }
    if options.word(0, is: "user") { return refuse(options, 1, userCommands) }
    if options.word(0, is: "cert") { return refuse(options, 1, certificateCommands) }
    if options.word(0, is: "contacts") { return refuse(options, 1, contactCommands) }
    if options.word(0, is: "sysmsg") { return refuse(options, 1, messageCommands) }
    return nil
}

private func refuse(_ options: borrowing Options, _ index: Int, _ known: StaticString) -> ExitCode? {
    let word = index < options.wordCount ? options.words[index] : InlineBytes()
    let nearest = NearestWord.of(word.span, in: known)
    if let nearest, nearest.span.equals(word.span) { return nil }
    var text = Memory.buffer(1024)
    text.append("impsctl: ")
    if word.isEmpty {
        text.append(options.words[0].span)
        text.append(" needs one of: ")
        text.append(known)
    } else {
        text.append("unknown command '")
        text.append(word.span)
        text.append(nearest == nil ? "'; there are: " : "'; did you mean '")
        if let nearest {
            text.append(nearest.span)
            text.append("'?")
        } else {
            text.append(known)
        }
    }
    text.append(0x0A)
    Terminal.printError(text.span)
    return .usage
}
