import CSP
import Octets

/// When a campaign's message is put before a user.
enum CampaignKind: UInt8, Sendable {
    /// As part of the login. Source: SM-2.
    case login = 1

    static func named(_ word: Span<UInt8>) -> CampaignKind? { word.equals("login") ? .login : nil }

    var name: StaticString { "login" }
}

/// How often a user is asked.
enum CampaignPolicy: UInt8, Sendable {
    /// One time, answered or not.
    case once = 1
    /// At every login.
    case everyLogin
    /// At every login until there is an answer.
    case untilAnswered

    static func named(_ word: Span<UInt8>) -> CampaignPolicy? {
        word.equals("once")
            ? .once : word.equals("every-login") ? .everyLogin : word.equals("until-answered") ? .untilAnswered : nil
    }

    var name: StaticString {
        switch self {
        case .once: return "once"
        case .everyLogin: return "every-login"
        case .untilAnswered: return "until-answered"
        }
    }
}

/// Whom a campaign is for.
enum Audience: UInt8, Sendable {
    case all = 1
    /// Accounts that were made after the campaign.
    case new
    /// One account.
    case user
}

/// What becomes of a client that does not know System Messages. Source: protocol/system-message.md §4.6.
enum LegacyPolicy: UInt8, Sendable {
    /// It is asked by an ordinary message, and everything else stays closed.
    case limited = 1
    /// It is refused with the text as the reason.
    case deny

    static func named(_ word: Span<UInt8>) -> LegacyPolicy? {
        word.equals("limited") ? .limited : word.equals("deny") ? .deny : nil
    }

    var name: StaticString { self == .limited ? "limited" : "deny" }
}

/// What an answer lets a user do. Source: SM-65, protocol/system-message.md §4.3.
struct Grant: BitwiseCopyable, Sendable, Equatable {
    /// False: no session at all.
    var isAdmitted = true
    /// The functions that are left; all of them for the full level.
    var functions = FunctionSet(rawValue: .max)

    static var full: Grant { Grant() }
    static var deny: Grant { Grant(isAdmitted: false, functions: FunctionSet()) }

    /// What two answers allow together.
    func intersection(_ other: Grant) -> Grant {
        Grant(
            isAdmitted: isAdmitted && other.isAdmitted, functions: functions.intersection(other.functions))
    }

    var isFull: Bool { isAdmitted && functions.rawValue == .max }

    init(isAdmitted: Bool = true, functions: FunctionSet = FunctionSet(rawValue: .max)) {
        self.isAdmitted = isAdmitted
        self.functions = functions
    }

    /// `full`, `deny`, or `limited:` with features and functions of the service tree, separated by commas.
    init?(_ word: Span<UInt8>) {
        self.init()
        if word.equals("full") { return }
        if word.equals("deny") {
            self = .deny
            return
        }
        let prefix: StaticString = "limited:"
        guard word.starts(with: prefix) else { return nil }
        functions = FunctionSet()
        var start = prefix.utf8CodeUnitCount
        while start <= word.count {
            let end = word.firstIndex(of: 0x2C, from: start) ?? word.count
            let below = FunctionSet.below(named: word.extracting(start..<end).trimmed())
            guard !below.isEmpty else { return nil }
            functions = functions.union(below)
            start = end + 1
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

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        id = reader.integer()
        grant.isAdmitted = reader.integer(UInt8.self) != 0
        grant.functions = FunctionSet(rawValue: reader.integer())
        text = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: id)
        record.append(grant.isAdmitted ? 1 : 0)
        record.append(bigEndian: grant.functions.rawValue)
        record.append(counted: text.span)
    }
}

/// A message of the operator and whom it is for; its texts are in the store. Source: SM-55, SM-56, SM-57.
public struct Campaign: ZeroInitializable {
    /// Unique for all time; 0 for a free place.
    var number: UInt32 = 0
    /// How often it was renewed: answers of an earlier generation count no more.
    var generation: UInt16 = 1
    var kind = CampaignKind.login
    /// A draft is not shown to anybody; an ended campaign not any more.
    var isActive = false
    var isEnded = false
    var isRequired = false
    var isBlocking = false
    var audience = Audience.all
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
    var legacy = LegacyPolicy.limited
    var optionCount: UInt8 = 0
    /// Octets of the text, which lies in parts.
    var textByteCount: UInt16 = 0
    var created: UInt64 = 0
    /// What the operator calls it.
    var name = InlineBytes<32>()
    /// How the verification key gets to the user; empty for no verification.
    var mechanism = InlineBytes<16>()
    /// What the verification keys are made from.
    var secret = InlineArray<16, UInt8>(repeating: 0)
    /// Lead-in for the options, at most 128 characters.
    var leadIn = InlineBytes<200>()

    /// A free place.
    public init() {}

    /// True when somebody's login or session has to wait for the answer.
    var blocks: Bool { isRequired && isBlocking }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        number = reader.integer()
        generation = reader.integer()
        let kind = CampaignKind(rawValue: reader.integer())
        isActive = reader.integer(UInt8.self) != 0
        isEnded = reader.integer(UInt8.self) != 0
        isRequired = reader.integer(UInt8.self) != 0
        isBlocking = reader.integer(UInt8.self) != 0
        let audience = Audience(rawValue: reader.integer())
        audienceUser = reader.integer()
        let policy = CampaignPolicy(rawValue: reader.integer())
        from = reader.integer()
        until = reader.integer()
        timeout = reader.integer()
        tryAgain = reader.integer()
        let legacy = LegacyPolicy(rawValue: reader.integer())
        optionCount = reader.integer()
        textByteCount = reader.integer()
        created = reader.integer()
        name = reader.counted()
        mechanism = reader.counted()
        let secret = reader.octets(16)
        guard !reader.isBroken, let kind, let audience, let policy, let legacy else { return nil }
        for index in 0..<16 { self.secret[index] = secret[index] }
        leadIn = reader.counted()
        guard !reader.isBroken else { return nil }
        self.kind = kind
        self.audience = audience
        self.policy = policy
        self.legacy = legacy
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: number)
        record.append(bigEndian: generation)
        record.append(kind.rawValue)
        record.append(isActive ? 1 : 0)
        record.append(isEnded ? 1 : 0)
        record.append(isRequired ? 1 : 0)
        record.append(isBlocking ? 1 : 0)
        record.append(audience.rawValue)
        record.append(bigEndian: audienceUser)
        record.append(policy.rawValue)
        record.append(bigEndian: from)
        record.append(bigEndian: until)
        record.append(bigEndian: timeout)
        record.append(bigEndian: tryAgain)
        record.append(legacy.rawValue)
        record.append(optionCount)
        record.append(bigEndian: textByteCount)
        record.append(bigEndian: created)
        record.append(counted: name.span)
        record.append(counted: mechanism.span)
        record.append(secret.span)
        record.append(counted: leadIn.span)
    }

    /// Whether it is shown now. Without a trusted clock the dates cannot be told; then it is shown.
    func isDue(_ wall: WallTime) -> Bool {
        guard isActive else { return false }
        guard wall.isTrusted else { return true }
        return (from == 0 || from <= wall.secondsSince1970) && (until == 0 || wall.secondsSince1970 < until)
    }

    /// Whether it is for a user.
    func isFor(_ user: UInt32) -> Bool {
        switch audience {
        case .all: return true
        case .new: return user >= audienceUser
        case .user: return user == audienceUser
        }
    }
}
