import Configuration
import Files
import IMPSEngine
import Octets
import Store
import Transport

/// What became of the file that the factory left.
public struct Provisioning: Sendable {
    /// Accounts that were made.
    public var accounts: UInt64 = 0
    /// The line of the first entry that was refused; 0 when none was.
    public var refusedLine: UInt64 = 0
    /// Why it was refused.
    public var words = InlineBytes<120>()
}

/// Makes the accounts and contacts of a provisioning file, when there is one and the store has no account yet: at the first
/// start, and after a factory reset.
///
/// The file has the syntax of the configuration, a section for each account and each contact, with the fields of an import:
///
///     config account 'alice'
///         option password 'of-the-sticker'
///         option kind 'digest'
///
///     config contact
///         option owner 'alice'
///         option list 'friends'
///         option user 'bob'
///
/// - Returns: nil when there is nothing to do.
public func provision(
    _ path: InlineBytes<200>, _ engine: inout Engine<Environment>, _ turn: inout Turn
) -> Provisioning? {
    guard !engine.hasAccounts else { return nil }
    var text = Memory.buffer(16_384)
    do throws(File.Failure) {
        try File.read(path.span, into: &text)
    } catch {
        guard case .missing = error else {
            var result = Provisioning()
            result.refusedLine = 1
            _ = result.words.append("the file cannot be read, or has more than 16 KB")
            return result
        }
        return nil
    }
    var reader = UCIReader(text.span)
    var result = Provisioning()
    var line: UInt64 = 0
    var command = ControlCommand(line: Memory.buffer(ControlCommand.lineByteCountMax))
    var answer = Memory.buffer(4096)
    while true {
        do throws(UCIError) {
            guard let statement = try reader.next() else { break }
            if case .section = statement {
                make(line, &command, &answer, &engine, &turn, &result)
                line = reader.line
                guard reader.word.span.equals("account") || reader.word.span.equals("contact") else { continue }
                command.line.append("import")
                if reader.word.span.equals("account") { command.line.field("user", reader.value.span) }
            } else if command.line.count > 0 {
                command.line.field(reader.word.span, reader.value.span)
            }
        } catch {
            result.refuse(reader.line, error.explanation.octets)
        }
    }
    make(line, &command, &answer, &engine, &turn, &result)
    return result
}

extension Provisioning {
    fileprivate mutating func refuse(_ line: UInt64, _ why: Span<UInt8>) {
        guard refusedLine == 0 else { return }
        refusedLine = line
        words = InlineBytes(why.extracting(0..<min(why.count, 120))) ?? InlineBytes()
    }
}

/// Ends an entry and does it, by the command that the operator's tool sends.
@inline(never)
private func make(
    _ line: UInt64, _ command: inout ControlCommand, _ answer: inout FixedBytes, _ engine: inout Engine<Environment>,
    _ turn: inout Turn, _ result: inout Provisioning
) {
    guard command.line.count > 0 else { return }
    command.line.append(" .")
    answer.removeAll()
    turn.entropy = Clock.entropy()
    // What is refused is told first.
    while case .more = engine.control(&command, &turn, into: &answer) {}
    if answer.span.starts(with: "added=1 ") {
        if command.line.span.starts(with: "import user=") { result.accounts += 1 }
    } else if let why = answer.span.value(of: "refused=") {
        result.refuse(line, why)
    } else {
        result.refuse(line, .constant("more than an entry may have"))
    }
    command.reset()
}

extension Span where Element == UInt8 {
    /// The word behind a key and an equals sign.
    @_lifetime(copy self)
    fileprivate func value(of key: StaticString) -> Span<UInt8>? {
        var start = 0
        while start < count {
            var end = start
            while end < count, !self[end].isASCIIWhitespace { end += 1 }
            let word = extracting(start..<end)
            if word.starts(with: key) { return word.extracting(key.utf8CodeUnitCount..<word.count) }
            start = end + 1
        }
        return nil
    }
}
