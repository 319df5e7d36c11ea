import Files
import IMPSEngine
import Octets
import Transport

/// The fields of a campaign as an operator gives them, on a command line or in a section of the configuration, on their
/// way to the engine.
public struct CampaignFields: ~Copyable {
    /// What the operator calls the campaign.
    public var name = InlineBytes<64>()
    /// Key and value of each field, with a zero behind each.
    private var fields: FixedBytes

    /// No fields, in memory that is kept for the life of the process.
    public init() {
        fields = Memory.buffer(24_000)
    }

    /// Begins another campaign.
    public mutating func removeAll() {
        fields.removeAll()
        name = InlineBytes()
    }

    /// Adds a field with the key of the configuration: `kind`, `text`, `lead_in`, `option`, ...
    public mutating func add(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        fields.append(key)
        fields.append(0)
        fields.append(value)
        fields.append(0)
    }

    /// False when there was no room for all of them.
    public var isComplete: Bool { !fields.isOverflowed }

    /// One number for all that the fields say; never 0.
    public var hash: UInt64 { max(1, Hash64(fields.span).value) }

    /// Calls `send` with each command, as long as it returns true: one that makes the campaign, and some for a long list.
    ///
    /// - Parameters:
    ///   - section: The hash of the section that the fields come from; nil for those of an operator.
    ///   - line: Where the commands are put together, `ControlCommand.lineByteCountMax` octets.
    ///   - send: Takes a command with a line feed at its end.
    public borrowing func send(
        section: UInt64?, through line: inout FixedBytes, _ send: (borrowing FixedBytes) -> Bool
    ) -> SendOutcome {
        var list: Range<Int>?
        begin("add", &line)
        var start = 0
        while start < fields.count {
            let keyEnd = fields.span.firstIndex(of: 0, from: start) ?? fields.count
            let valueEnd = fields.span.firstIndex(of: 0, from: keyEnd + 1) ?? fields.count
            let key = start..<keyEnd
            let value = keyEnd + 1..<valueEnd
            start = valueEnd + 1
            append(key, value, &line)
            let prefix: StaticString = "list:"
            if fields.span(key).equals("audience"), fields.span(value).starts(with: prefix) {
                list = value.lowerBound + prefix.utf8CodeUnitCount..<value.upperBound
            }
        }
        if let section {
            line.append(" section=")
            line.append(decimal: section)
        }
        guard let list else { return finish(&line, send) ? .done : .refused }
        // Nothing is made for a list that cannot be read.
        var reader: LineReader
        do throws(File.Failure) {
            reader = try LineReader(fields.span(list))
        } catch {
            return .unreadable
        }
        guard finish(&line, send) else { return .refused }
        return sendMembers(&reader, &line, send) ? .done : .refused
    }

    /// Adds a field; a long text in pieces, because a word of a command is not that long.
    private func append(_ key: Range<Int>, _ value: Range<Int>, _ line: inout FixedBytes) {
        var start = value.lowerBound
        repeat {
            let end = fields.span(key).equals("text") ? min(start + 400, value.upperBound) : value.upperBound
            line.append(0x20)
            line.append(copy: fields, key)
            line.append(0x3D)
            line.append(escaped: fields.span(start..<end))
            start = end
        } while start < value.upperBound
    }

    /// Sends the names in a file, one a line, many in a command; a line that begins with `#` says nothing.
    private func sendMembers(
        _ reader: inout LineReader, _ line: inout FixedBytes, _ send: (borrowing FixedBytes) -> Bool
    ) -> Bool {
        begin("member", &line)
        while let name = reader.next() {
            if name.isEmpty || name.span[0] == 0x23 { continue }
            line.append(0x20)
            line.append(escaped: name.span)
            guard line.count > 16_384 else { continue }
            guard finish(&line, send) else { return false }
            begin("member", &line)
        }
        return finish(&line, send)
    }

    private func begin(_ verb: StaticString, _ line: inout FixedBytes) {
        line.removeAll()
        line.append("sysmsg ")
        line.append(verb)
        line.append(0x20)
        line.append(escaped: name.span)
    }

    private func finish(_ line: inout FixedBytes, _ send: (borrowing FixedBytes) -> Bool) -> Bool {
        line.append(0x0A)
        return !line.isOverflowed && send(line)
    }
}

/// What came of the commands for a campaign.
public enum SendOutcome {
    /// It is started.
    case done
    /// It was refused.
    case refused
    /// The file of the audience cannot be read.
    case unreadable
}
