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

/// Makes the accounts of a provisioning file, when there is one and the store has no account yet: at the first start,
/// and after a factory reset.
///
/// The file has the syntax of the configuration, a section for each account:
///
///     config account 'alice'
///         option password 'of-the-sticker'
///         option kind 'digest'
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
    var entry = Entry()
    var command = ControlCommand(line: Memory.buffer(ControlCommand.lineByteCountMax))
    var answer = Memory.buffer(4096)
    while true {
        do throws(UCIError) {
            guard let statement = try reader.next() else { break }
            if case .section = statement {
                make(entry, &command, &answer, &engine, &turn, &result)
                entry = Entry()
                entry.line = reader.line
                if reader.word.span.equals("account") { entry.name = InlineBytes(reader.value.span) ?? InlineBytes() }
            } else if reader.word.span.equals("password") {
                entry.password = InlineBytes(reader.value.span) ?? InlineBytes()
            } else if reader.word.span.equals("kind") {
                entry.kind = InlineBytes(reader.value.span) ?? InlineBytes()
            }
        } catch {
            result.refuse(reader.line, error.explanation.octets)
        }
    }
    make(entry, &command, &answer, &engine, &turn, &result)
    return result
}

private struct Entry {
    var line: UInt64 = 0
    var name = InlineBytes<100>()
    var password = InlineBytes<128>()
    var kind = InlineBytes<32>()
}

extension Provisioning {
    fileprivate mutating func refuse(_ line: UInt64, _ why: Span<UInt8>) {
        guard refusedLine == 0 else { return }
        refusedLine = line
        words = InlineBytes(why.extracting(0..<min(why.count, 120))) ?? InlineBytes()
    }
}

/// The same command that the operator's tool sends.
private func make(
    _ entry: Entry, _ command: inout ControlCommand, _ answer: inout FixedBytes, _ engine: inout Engine<Environment>,
    _ turn: inout Turn, _ result: inout Provisioning
) {
    guard !entry.name.isEmpty else { return }
    command.line.append("user add ")
    command.line.append(escaped: entry.name.span)
    command.line.append(0x20)
    if entry.kind.isEmpty { command.line.append("digest") }
    command.line.append(escaped: entry.kind.span)
    command.line.append(0x20)
    command.line.append(escaped: entry.password.span)
    answer.removeAll()
    turn.entropy = Clock.entropy()
    _ = engine.control(&command, &turn, into: &answer)
    command.reset()
    if answer.span.starts(with: "error ") {
        result.refuse(entry.line, answer.span(6..<max(6, answer.count - 1)))
    } else {
        result.accounts += 1
    }
}
