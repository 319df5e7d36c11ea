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
    @_transparent static var byteCount: Int { 37 }

    var campaign: UInt32 = 0
    var generation: UInt16 = 0
    /// How often this generation was asked anew after an answer; part of what the message is called by.
    var instance: UInt16 = 0
    var state = AnswerState.asked
    var option: UInt16 = 0
    /// Wrong verification keys so far.
    var tries: UInt8 = 0
    var grant = Grant.full
    /// The login that waited for this answer, by its `PendingLogin.tag`; 0 for an answer that was given elsewhere.
    var answeredBy: UInt32 = 0
    /// What a notice is about.
    var argument: UInt32 = 0
    /// Seconds since 1970 of the last change; 0 when the clock was not trusted.
    var at: UInt64 = 0

    init(campaign: UInt32, generation: UInt16) {
        self.campaign = campaign
        self.generation = generation
    }

    /// Takes over from what was known what asking again does not change: the level, until there is another answer, and
    /// how many keys were wrong.
    mutating func keep(_ former: SheetEntry?, of campaign: Campaign) {
        guard let former else { return }
        let isSame = former.campaign == campaign.number && former.generation == campaign.generation
        if isSame {
            tries = former.tries
            instance = former.state == .asked ? former.instance : former.instance &+ 1
        }
        if former.state != .denied, campaign.blocks || isSame { grant = former.grant }
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        campaign = reader.integer()
        generation = reader.integer()
        instance = reader.integer()
        let state = AnswerState(rawValue: reader.integer())
        option = reader.integer()
        tries = reader.integer()
        grant.isAdmitted = reader.integer(UInt8.self) != 0
        grant.functions = FunctionSet(rawValue: reader.integer())
        answeredBy = reader.integer()
        argument = reader.integer()
        at = reader.integer()
        guard !reader.isBroken, let state else { return nil }
        self.state = state
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: campaign)
        record.append(bigEndian: generation)
        record.append(bigEndian: instance)
        record.append(state.rawValue)
        record.append(bigEndian: option)
        record.append(tries)
        record.append(grant.isAdmitted ? 1 : 0)
        record.append(bigEndian: grant.functions.rawValue)
        record.append(bigEndian: answeredBy)
        record.append(bigEndian: argument)
        record.append(bigEndian: at)
    }
}

/// All that a login has to know of a user's answers, in one record: what he was asked and what he said, as far as the
/// campaign is active. Read where it lies in the store: a login looks at every campaign.
struct AnswerSheet: ~Escapable {
    private let record: Span<UInt8>

    /// - Parameter record: Flags, then the entries; empty for a user who was never asked anything.
    @_lifetime(copy record)
    init(_ record: Span<UInt8>) {
        self.record = record
    }

    /// The user wants no help messages. Source: SM-50.
    var isHelpOff: Bool { record.count > 0 && record[0] & 1 != 0 }

    var count: Int { max(0, record.count - 1) / SheetEntry.byteCount }

    subscript(index: Int) -> SheetEntry? {
        let start = 1 + index * SheetEntry.byteCount
        return SheetEntry(record.extracting(start..<start + SheetEntry.byteCount))
    }

    /// What is known of a campaign; nil for nothing, and for an earlier generation of it.
    func entry(_ campaign: borrowing Campaign) -> SheetEntry? {
        guard let entry = entry(of: campaign.number), entry.generation == campaign.generation else { return nil }
        return entry
    }

    /// What is known of a campaign of any generation.
    func entry(of number: UInt32) -> SheetEntry? {
        var start = 1
        while start + SheetEntry.byteCount <= record.count {
            if UInt8(truncatingIfNeeded: number) == record[start + 3] {
                var reader = RecordReader(record.extracting(start..<start + 4))
                if reader.integer(UInt32.self) == number {
                    return SheetEntry(record.extracting(start..<start + SheetEntry.byteCount))
                }
            }
            start += SheetEntry.byteCount
        }
        return nil
    }
}
