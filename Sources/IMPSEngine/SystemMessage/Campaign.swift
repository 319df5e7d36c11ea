import CSP
import Octets

/// How far a campaign is.
enum CampaignState: UInt8, Sendable {
    case active = 1
    /// It is not shown any more.
    case ended
    /// Its name is free again; what was asked stays as part of the proof.
    case deleted

    var name: StaticString {
        switch self {
        case .active: return "active"
        case .ended: return "ended"
        case .deleted: return "deleted"
        }
    }
}

/// An option of a message.
struct CampaignOption: BitwiseCopyable, Sendable {
    /// 1 to 65,535, unique in the message.
    var id: UInt16 = 0
    var grant = Grant.full
    /// 1 to 64 characters.
    var text = InlineBytes<256>()
    /// What else the server does when it is chosen.
    var action = OptionAction.none

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        id = reader.integer()
        grant.isAdmitted = reader.integer(UInt8.self) != 0
        grant.functions = FunctionSet(rawValue: reader.integer())
        let count: UInt16 = reader.integer()
        text = InlineBytes(reader.octets(Int(count))) ?? InlineBytes()
        let action = OptionAction(rawValue: reader.integer())
        guard !reader.isBroken, let action else { return nil }
        self.action = action
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: id)
        record.append(grant.isAdmitted ? 1 : 0)
        record.append(bigEndian: grant.functions.rawValue)
        // 64 characters may have 256 octets.
        record.append(bigEndian: UInt16(text.count))
        record.append(text.span)
        record.append(action.rawValue)
    }
}

/// A message of the operator and whom it is for; its texts are in the store. Source: SM-55, SM-56, SM-57.
public struct Campaign: ZeroInitializable {
    /// Unique for all time; 0 for a free place.
    var number: UInt32 = 0
    /// How often it was renewed: answers of an earlier generation count no more.
    var generation: UInt16 = 1
    /// The generation that its text and its options are from: a changed section of the configuration begins another one.
    var edition: UInt16 = 1
    var kind = CampaignKind.login
    var state = CampaignState.active
    var isRequired = false
    var isBlocking = false
    var audience = Audience.all
    /// The audience as the operator wrote it, what follows the colon.
    var audienceName = InlineBytes<100>()
    /// The account of the audience `user`; for `new`, accounts from this number on.
    var audienceUser: UInt32 = 0
    var policy = CampaignPolicy.untilAnswered
    /// Seconds since 1970 between which it is shown; 0 for no bound.
    var from: UInt64 = 0
    var until: UInt64 = 0
    /// Seconds for the answer.
    var timeout: UInt32 = 300
    /// Seconds before the next attempt after a denial; 0 when none is told.
    var tryAgain: UInt32 = 0
    /// Who declined is asked again at his next login; else he stays out until the message is renewed.
    var reoffers = true
    /// nil follows the setting.
    var legacy: LegacyPolicy?
    /// Sessions with a higher number began after the campaign did; what `welcome` is for.
    var sequence: UInt64 = 0
    /// What a section of the configuration says, as one number; 0 for a campaign that the operator made.
    var section: UInt64 = 0
    var optionCount: UInt8 = 0
    /// Octets of the text, which lies in parts.
    var textByteCount: UInt16 = 0
    var created: UInt64 = 0
    /// What the operator calls it.
    var name = InlineBytes<24>()
    /// How the verification key gets to the user; empty for no verification.
    var mechanism = InlineBytes<16>()
    /// What the verification keys are made from.
    var secret = InlineArray<16, UInt8>(repeating: 0)
    /// There is a lead-in for the options, which lies in a part.
    var hasLeadIn = false
    /// What a notice is about: a status code, a user, a count. Not stored.
    var argument: UInt32 = 0

    /// A free place.
    public init() {}

    /// True when somebody's login or session has to wait for the answer.
    var blocks: Bool { isRequired && isBlocking }

    var isActive: Bool { state == .active }

    /// Of the audience `level`: the users of the full one.
    var isForFullLevel: Bool { audienceName.span.equals("full") }

    /// It is one of the server's own.
    var notice: Notice? { Notice(number: number) }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        number = reader.integer()
        generation = reader.integer()
        edition = reader.integer()
        let kind = CampaignKind(rawValue: reader.integer())
        let state = CampaignState(rawValue: reader.integer())
        isRequired = reader.integer(UInt8.self) != 0
        isBlocking = reader.integer(UInt8.self) != 0
        let audience = Audience(rawValue: reader.integer())
        audienceName = reader.counted()
        audienceUser = reader.integer()
        let policy = CampaignPolicy(rawValue: reader.integer())
        from = reader.integer()
        until = reader.integer()
        timeout = reader.integer()
        tryAgain = reader.integer()
        reoffers = reader.integer(UInt8.self) != 0
        legacy = LegacyPolicy(rawValue: reader.integer())
        sequence = reader.integer()
        section = reader.integer()
        optionCount = reader.integer()
        textByteCount = reader.integer()
        created = reader.integer()
        name = reader.counted()
        mechanism = reader.counted()
        let secret = reader.octets(16)
        guard !reader.isBroken, let kind, let state, let audience, let policy else { return nil }
        for index in 0..<16 { self.secret[index] = secret[index] }
        hasLeadIn = reader.integer(UInt8.self) != 0
        self.kind = kind
        self.audience = audience
        self.policy = policy
        self.state = state
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: number)
        record.append(bigEndian: generation)
        record.append(bigEndian: edition)
        record.append(kind.rawValue)
        record.append(state.rawValue)
        record.append(isRequired ? 1 : 0)
        record.append(isBlocking ? 1 : 0)
        record.append(audience.rawValue)
        record.append(counted: audienceName.span)
        record.append(bigEndian: audienceUser)
        record.append(policy.rawValue)
        record.append(bigEndian: from)
        record.append(bigEndian: until)
        record.append(bigEndian: timeout)
        record.append(bigEndian: tryAgain)
        record.append(reoffers ? 1 : 0)
        record.append(legacy?.rawValue ?? 0)
        record.append(bigEndian: sequence)
        record.append(bigEndian: section)
        record.append(optionCount)
        record.append(bigEndian: textByteCount)
        record.append(bigEndian: created)
        record.append(counted: name.span)
        record.append(counted: mechanism.span)
        record.append(secret.span)
        record.append(hasLeadIn ? 1 : 0)
    }

    /// Whether it is shown now. Without a trusted clock the dates cannot be told; then it is shown.
    func isDue(_ wall: WallTime) -> Bool {
        guard isActive else { return false }
        guard wall.isTrusted else { return true }
        return (from == 0 || from <= wall.secondsSince1970) && (until == 0 || wall.secondsSince1970 < until)
    }

    // MARK: What it asks

    /// Whether a login has to ask it.
    ///
    /// - Parameters:
    ///   - state: Where the user is with it; nil when he was not asked.
    ///   - isClosed: An answer was given to this very login.
    func isOpenAtLogin(_ state: AnswerState?, isClosed: Bool) -> Bool {
        // What was asked in a session and blocks has to be answered before the next one.
        if kind != .login { return blocks && (state ?? .answered) != .answered }
        guard let state else { return true }
        switch state {
        case .asked: return policy != .once || isRequired
        case .answered: return policy == .everyLogin && !isClosed
        case .denied: return true
        }
    }

    /// Whether who declined it may not try again yet, or not at all.
    ///
    /// Who guessed keys stays out until the operator lets him in.
    func keepsOut(_ entry: SheetEntry, _ wall: WallTime) -> Bool {
        if !reoffers || entry.tries >= Limits.verificationTries { return true }
        return wall.isTrusted && entry.at + UInt64(tryAgain) > wall.secondsSince1970
    }

    /// Whether it is put before a user in his session.
    ///
    /// - Parameters:
    ///   - session: The number of the session.
    ///   - isNew: The session has just begun.
    func isDueInSession(_ state: AnswerState?, session: UInt64, isNew: Bool) -> Bool {
        switch kind {
        case .login, .notice: return false
        case .welcome: guard session > sequence else { return false }
        case .online: break
        }
        guard let state else { return true }
        switch state {
        case .asked: return false
        case .answered, .denied: return isNew && policy == .everyLogin
        }
    }

    /// Whether it is sent once more without an answer: to a new session, and as a reminder.
    func isAskedAgain(isNew: Bool, reminds: Bool) -> Bool {
        if kind == .login { return reminds && isRequired }
        return isNew && (policy != .once || isRequired) || reminds && isRequired
    }
}
