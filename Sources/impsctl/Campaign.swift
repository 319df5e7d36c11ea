import Configuration
import IMPSEngine
import Octets
import Transport

/// `sysmsg add`: makes a draft, fills it, and starts it; nobody sees it before the last step.
func addCampaign(_ options: Options, _ configuration: Configuration) -> ExitCode {
    guard options.wordCount == 3 else {
        Terminal.printError("impsctl: sysmsg add NAME --kind login --text TEXT; impsctl --help tells more\n")
        return .usage
    }
    var line = Memory.buffer(ControlCommand.lineByteCountMax)
    var code = draft(options, configuration, &line)
    var start = 0
    let fields = options.fields
    while code == .success, start < fields.count {
        let end = fields.span.firstIndex(of: 0, from: start) ?? fields.count
        code = fill(options, configuration, fields.span.extracting(start..<end), &line)
        start = end + 1
    }
    guard code == .success else { return code }
    begin("start", options, &line)
    return finish(options, configuration, &line)
}

/// `sysmsg VERB NAME`
private func begin(_ verb: StaticString, _ options: Options, _ line: inout FixedBytes) {
    line.removeAll()
    line.append("sysmsg ")
    line.append(verb)
    line.append(0x20)
    line.append(escaped: options.words[2].span)
}

private func finish(_ options: Options, _ configuration: Configuration, _ line: inout FixedBytes) -> ExitCode {
    line.append(0x0A)
    guard !line.isOverflowed else { return .usage }
    return send(line, options, configuration, to: 1)
}

private func draft(_ options: Options, _ configuration: Configuration, _ line: inout FixedBytes) -> ExitCode {
    begin("draft", options, &line)
    if !options.kind.isEmpty {
        line.append(" kind=")
        line.append(escaped: options.kind.span)
    }
    var start = 0
    let fields = options.fields
    while start < fields.count {
        let end = fields.span.firstIndex(of: 0, from: start) ?? fields.count
        let value = fields.span.extracting(start + 1..<end)
        if let field = Options.Field(rawValue: fields.span[start]), let key = field.key {
            line.append(0x20)
            line.append(key)
            line.append(0x3D)
            if field == .required || field == .blocking { line.append("1") }
            line.append(escaped: value)
        }
        start = end + 1
    }
    return finish(options, configuration, &line)
}

extension Options.Field {
    /// The key of the draft; nil for what is sent on its own.
    fileprivate var key: StaticString? {
        switch self {
        case .text, .leadIn, .option: return nil
        case .audience: return "audience"
        case .policy: return "policy"
        case .timeout: return "timeout"
        case .tryAgain: return "try-again"
        case .legacy: return "legacy"
        case .verify: return "verify"
        case .required: return "required"
        case .blocking: return "blocking"
        case .from: return "from"
        case .until: return "until"
        }
    }
}

/// Sends a text in pieces, the lead-in, or an option.
private func fill(
    _ options: Options, _ configuration: Configuration, _ field: Span<UInt8>, _ line: inout FixedBytes
) -> ExitCode {
    let value = field.extracting(1..<field.count)
    switch Options.Field(rawValue: field[0]) {
    case .text:
        var start = 0
        while start < value.count {
            let end = min(start + 180, value.count)
            begin("text", options, &line)
            line.append(0x20)
            line.append(escaped: value.extracting(start..<end))
            let code = finish(options, configuration, &line)
            guard code == .success else { return code }
            start = end
        }
        return .success
    case .leadIn:
        begin("lead-in", options, &line)
        line.append(0x20)
        line.append(escaped: value)
        return finish(options, configuration, &line)
    case .option:
        guard let first = value.firstIndex(of: 0x7C), let last = lastBar(value), last > first else {
            Terminal.printError("impsctl: an option is 'ID|TEXT|GRANT'\n")
            return .usage
        }
        begin("option", options, &line)
        line.append(0x20)
        line.append(escaped: value.extracting(0..<first))
        line.append(0x20)
        line.append(escaped: value.extracting(last + 1..<value.count))
        line.append(0x20)
        line.append(escaped: value.extracting(first + 1..<last))
        return finish(options, configuration, &line)
    default: return .success
    }
}

private func lastBar(_ text: Span<UInt8>) -> Int? {
    var found: Int?
    for index in text.indices where text[index] == 0x7C { found = index }
    return found
}
