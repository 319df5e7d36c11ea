import CSP
import Octets

/// Where a user is with a message.
enum AnswerState: UInt8, Sendable {
    /// It was sent and not answered yet.
    case asked = 1
    /// It was answered, and the answer counts.
    case answered
    /// The answer was to deny, or the verification failed too often.
    case denied
}

/// What the store knows of a user and an active campaign.
struct SheetEntry: BitwiseCopyable, Sendable {
    var campaign: UInt32 = 0
    var generation: UInt16 = 0
    var state = AnswerState.asked
    var option: UInt16 = 0
    /// Wrong verification keys so far.
    var tries: UInt8 = 0
    var grant = Grant.full
    /// What a notice is about.
    var argument: UInt32 = 0
    /// Seconds since 1970 of the last change; 0 when the clock was not trusted.
    var at: UInt64 = 0
}

/// All that a login has to know of a user's answers, in one record: what he was asked and what he said, as far as the
/// campaign is active.
struct AnswerSheet: BitwiseCopyable, Sendable {
    /// The user wants no help messages. Source: SM-50.
    var isHelpOff = false

    private var entries = InlineArray<40, SheetEntry>(repeating: SheetEntry())
    private(set) var count = 0

    init() {}

    init(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        isHelpOff = reader.integer(UInt8.self) & 1 != 0
        while !reader.isAtEnd, count < entries.count {
            var entry = SheetEntry()
            entry.campaign = reader.integer()
            entry.generation = reader.integer()
            let state = AnswerState(rawValue: reader.integer())
            entry.option = reader.integer()
            entry.tries = reader.integer()
            entry.grant.isAdmitted = reader.integer(UInt8.self) != 0
            entry.grant.functions = FunctionSet(rawValue: reader.integer())
            entry.argument = reader.integer()
            entry.at = reader.integer()
            guard !reader.isBroken, let state else { return }
            entry.state = state
            entries[count] = entry
            count += 1
        }
    }

    /// Nothing that would have to be kept.
    var isEmpty: Bool { count == 0 && !isHelpOff }

    func write(into record: inout FixedBytes) {
        record.append(isHelpOff ? 1 : 0)
        for index in 0..<count {
            let entry = entries[index]
            record.append(bigEndian: entry.campaign)
            record.append(bigEndian: entry.generation)
            record.append(entry.state.rawValue)
            record.append(bigEndian: entry.option)
            record.append(entry.tries)
            record.append(entry.grant.isAdmitted ? 1 : 0)
            record.append(bigEndian: entry.grant.functions.rawValue)
            record.append(bigEndian: entry.argument)
            record.append(bigEndian: entry.at)
        }
    }

    /// What is known of a campaign; nil for nothing, and for an earlier generation of it.
    func entry(_ campaign: Campaign) -> SheetEntry? {
        guard let entry = entry(of: campaign.number), entry.generation == campaign.generation else { return nil }
        return entry
    }

    /// What is known of a campaign of any generation.
    func entry(of number: UInt32) -> SheetEntry? {
        for index in 0..<count where entries[index].campaign == number { return entries[index] }
        return nil
    }

    /// Takes over what is known of a campaign now.
    mutating func set(_ entry: SheetEntry) {
        for index in 0..<count where entries[index].campaign == entry.campaign {
            entries[index] = entry
            return
        }
        guard count < entries.count else { return }
        entries[count] = entry
        count += 1
    }

    /// Forgets what belongs to no active campaign; the proof is kept elsewhere.
    mutating func keep(_ isActive: (UInt32) -> Bool) {
        var kept = 0
        for index in 0..<count where isActive(entries[index].campaign) {
            entries[kept] = entries[index]
            kept += 1
        }
        count = kept
    }
}
