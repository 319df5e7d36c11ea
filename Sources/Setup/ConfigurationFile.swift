import Configuration
import Files
import IMPSEngine
import Octets
import Store
import Transport

/// The file that the operator writes, read into memory that is taken once, however often it is read.
public struct ConfigurationFile: ~Copyable {
    /// What was read last.
    public private(set) var text = Memory.buffer(65_536)

    /// Nothing read yet.
    public init() {}

    /// Reads a configuration; nil when the file cannot be read.
    public mutating func read(_ path: InlineBytes<200>, _ diagnostics: inout Diagnostics) -> Configuration? {
        text.removeAll()
        do throws(File.Failure) {
            try File.read(path.span, into: &text)
        } catch {
            return nil
        }
        return Configuration.read(text.span, &diagnostics)
    }
}

/// Takes the `sysmsg` and `help` sections of a configuration into the store, and the `notify` and `upstream`
/// sections into the engine.
public struct SectionTaker: ~Copyable {
    private var fields = CampaignFields()
    private var line = Memory.buffer(ControlCommand.lineByteCountMax)
    private var command = ControlCommand(line: Memory.buffer(ControlCommand.lineByteCountMax))
    private var answer = Memory.buffer(4096)

    /// Takes its memory.
    public init() {}

    /// Takes the sections of a configuration without errors.
    ///
    /// A section that was taken already changes nothing; one that says something else replaces what it said before; what
    /// is not there any more ends.
    ///
    /// - Parameter refused: Is told the line of a section that cannot be taken now, and why.
    public mutating func take(
        _ text: Span<UInt8>, into engine: inout Engine<Environment>, _ turn: inout Turn,
        refused: (UInt64, Span<UInt8>, inout Turn) -> Void
    ) {
        // What is gone makes room for what is new.
        engine.endSections(&turn) { SectionTaker.has("sysmsg", $0, in: text) }
        engine.endHelp { SectionTaker.has("help", $0, in: text) }
        engine.beginNotifySections()
        SectionTaker.forEach("notify", in: text) { (section: borrowing NotifySection, name) in
            engine.take(section, name: name)
        }
        engine.endNotifySections()
        engine.beginUpstreams()
        SectionTaker.forEach("upstream", in: text) { (section: borrowing Upstream, name) in
            engine.take(section, name: name)
        }
        engine.endUpstreams(&turn)
        var reader = UCIReader(text)
        var type = InlineBytes<64>()
        var name = InlineBytes<64>()
        while true {
            let before = reader
            guard let statement = try? reader.next() else { break }
            if case .section = statement {
                type = reader.word
                let value = reader.value
                name = InlineBytes(value.span) ?? InlineBytes()
                if type.span.equals("sysmsg") {
                    collect(before, name)
                    takeCampaign(reader.line, into: &engine, &turn, refused)
                }
            } else if type.span.equals("help") {
                let word = reader.word
                let value = reader.value
                if word.span.equals("text") { engine.setHelp(name.span, value.span) }
            }
        }
    }

    /// Gives the sections of a type, one after the other, to who takes them.
    private static func forEach<Section: ConfiguredSection>(
        _ type: StaticString, in text: Span<UInt8>, _ take: (borrowing Section, Span<UInt8>) -> Void
    ) {
        var reader = UCIReader(text)
        var section = Section()
        var name = InlineBytes<2100>()
        var isOpen = false
        while let statement = try? reader.next() {
            let word = reader.word
            let value = reader.value
            if case .section = statement {
                if isOpen { take(section, name.span) }
                isOpen = word.span.equals(type)
                section = Section()
                name = value
            } else if isOpen {
                _ = section.take(word.span, value.span)
            }
        }
        if isOpen { take(section, name.span) }
    }

    /// Takes the fields of the section that comes next.
    private mutating func collect(_ start: UCIReader, _ name: InlineBytes<64>) {
        var reader = start
        fields.removeAll()
        fields.name = name
        _ = try? reader.next()
        while let statement = try? reader.next() {
            if case .section = statement { return }
            let word = reader.word
            let value = reader.value
            fields.add(word.span, value.span)
        }
    }

    private mutating func takeCampaign(
        _ number: UInt64, into engine: inout Engine<Environment>, _ turn: inout Turn,
        _ refused: (UInt64, Span<UInt8>, inout Turn) -> Void
    ) {
        let hash = fields.hash
        let name = fields.name
        guard !engine.hasTaken(section: name.span, hash) else { return }
        turn.entropy = Clock.entropy()
        switch SectionTaker.send(hash, fields, &line, &command, &answer, &engine, &turn) {
        case .done: break
        case .refused: refused(number, answer.span(6..<max(6, answer.count - 1)), &turn)
        case .unreadable: refused(number, .constant("the file of the audience cannot be read"), &turn)
        }
    }

    private static func send(
        _ hash: UInt64, _ fields: borrowing CampaignFields, _ line: inout FixedBytes, _ command: inout ControlCommand,
        _ answer: inout FixedBytes, _ engine: inout Engine<Environment>, _ turn: inout Turn
    ) -> SendOutcome {
        fields.send(section: hash, through: &line) { perform($0, &command, &answer, &engine, &turn) }
    }

    private static func perform(
        _ line: borrowing FixedBytes, _ command: inout ControlCommand, _ answer: inout FixedBytes,
        _ engine: inout Engine<Environment>, _ turn: inout Turn
    ) -> Bool {
        command.reset()
        command.line.append(copy: line, 0..<line.count - 1)
        answer.removeAll()
        _ = engine.control(&command, &turn, into: &answer)
        return !answer.span.starts(with: "error ")
    }

    /// Whether a file has a section of a type with a name.
    private static func has(_ type: StaticString, _ name: Span<UInt8>, in text: Span<UInt8>) -> Bool {
        var reader = UCIReader(text)
        while let statement = try? reader.next() {
            guard case .section = statement else { continue }
            let word = reader.word
            let value = reader.value
            if word.span.equals(type), value.span.equals(name) { return true }
        }
        return false
    }
}
