import CSP
import Octets

/// When a campaign's message is put before a user.
enum CampaignKind: UInt8, Sendable {
    /// As part of the login. Source: SM-2.
    case login = 1
    /// In a session, those that are open already included. Source: SM-5.
    case online
    /// In the first session that a user begins after the campaign. Source: SM-5.
    case welcome
    /// The server's own; nobody makes one. Source: protocol/system-message.md §5.2, §6.3.
    case notice

    static func named(_ word: Span<UInt8>) -> CampaignKind? {
        word.equals("login") ? .login : word.equals("online") ? .online : word.equals("welcome") ? .welcome : nil
    }

    var name: StaticString {
        switch self {
        case .login: return "login"
        case .online: return "online"
        case .welcome: return "welcome"
        case .notice: return "notice"
        }
    }
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
    /// The accounts that a file names, as it was when the campaign was made.
    case list
    /// Users whose answers leave them the level `full`, or less: `limited`.
    case level

    var name: StaticString {
        switch self {
        case .all: return "all"
        case .new: return "new"
        case .user: return "user"
        case .list: return "list"
        case .level: return "level"
        }
    }
}

/// What the server does when an option is chosen, besides keeping the answer. Source: SM-47.
enum OptionAction: UInt8, Sendable {
    case none = 0
    /// No more help messages, or help messages again. Source: SM-50, SM-52.
    case helpOff
    case helpOn
    /// What waits stays in the mailbox in this session. Source: protocol/system-message.md §6.3.
    case hold
    /// The user whom the notice is about comes to the contact list. Source: SM-48.
    case addContact

    static func named(_ word: Span<UInt8>) -> OptionAction? {
        word.equals("none")
            ? OptionAction.none : word.equals("help-off") ? .helpOff : word.equals("help-on") ? .helpOn : nil
    }

    var name: StaticString {
        switch self {
        case .none: return "none"
        case .helpOff: return "help-off"
        case .helpOn: return "help-on"
        case .hold: return "hold"
        case .addContact: return "add-contact"
        }
    }
}

/// What becomes of a client that does not know System Messages. Source: protocol/system-message.md §4.6.
public enum LegacyPolicy: UInt8, BitwiseCopyable, Sendable {
    /// It is asked by an ordinary message, and everything else stays closed.
    case limited = 1
    /// It is refused with the text as the reason.
    case deny

    /// The policy that a word stands for.
    public static func named(_ word: Span<UInt8>) -> LegacyPolicy? {
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

extension Campaign {
    /// Gives a field its value, in the words of `impsctl sysmsg add` and of a section of the configuration.
    ///
    /// - Throws: `campaignRefused` with what is allowed, `usage` for a field that there is not.
    mutating func set(_ field: Span<UInt8>, _ value: Span<UInt8>) throws(OperatorError) {
        if field.equals("kind") {
            guard let kind = CampaignKind.named(value) else {
                throw .campaignRefused("kind is login, online or welcome")
            }
            self.kind = kind
        } else if field.equals("policy") {
            guard let policy = CampaignPolicy.named(value) else {
                throw .campaignRefused("policy is once, every-login or until-answered")
            }
            self.policy = policy
        } else if field.equals("legacy") {
            guard let legacy = LegacyPolicy.named(value) else { throw .campaignRefused("legacy is limited or deny") }
            self.legacy = legacy
        } else if field.equals("audience") {
            try setAudience(value)
        } else if field.equals("required") {
            isRequired = try Campaign.flag(value)
        } else if field.equals("blocking") {
            isBlocking = try Campaign.flag(value)
        } else if field.equals("reoffer") {
            reoffers = try Campaign.flag(value)
        } else if field.equals("verify") {
            guard let mechanism = InlineBytes<16>(value) else {
                throw .campaignRefused("verify names the way of the key in at most 16 characters")
            }
            self.mechanism = mechanism
        } else if field.equals("from") {
            from = try Campaign.date(value)
        } else if field.equals("until") {
            until = try Campaign.date(value)
        } else if field.equals("timeout") {
            guard let number = Decimal.parse(value), (10...86_400).contains(number) else {
                throw .campaignRefused("timeout is 10 to 86400 seconds")
            }
            timeout = UInt32(number)
        } else if field.equals("try_again") {
            guard let number = Decimal.parse(value), number <= 2_592_000 else {
                throw .campaignRefused("try_again is 0 to 2592000 seconds")
            }
            tryAgain = UInt32(number)
        } else {
            throw .usage("no such field; impsctl --help lists them")
        }
    }

    private mutating func setAudience(_ value: Span<UInt8>) throws(OperatorError) {
        let colon = value.firstIndex(of: 0x3A) ?? value.count
        let word = value.extracting(0..<colon)
        let name = value.extracting(min(value.count, colon + 1)..<value.count)
        guard let copy = InlineBytes<100>(name) else { throw .campaignRefused("a name of at most 100 octets") }
        audienceName = copy
        if value.equals("all") {
            audience = .all
        } else if value.equals("new") {
            audience = .new
        } else if word.equals("user"), name.count > 0 {
            audience = .user
        } else if word.equals("list"), name.count > 0 {
            audience = .list
        } else if word.equals("level"), name.equals("full") || name.equals("limited") {
            audience = .level
        } else {
            throw .campaignRefused("audience is all, new, user:NAME, list:FILE, level:full or level:limited")
        }
    }

    private static func flag(_ value: Span<UInt8>) throws(OperatorError) -> Bool {
        guard let isOn = Bool(word: value) else {
            throw .campaignRefused("required, blocking and reoffer are 0 or 1")
        }
        return isOn
    }

    /// A day as `2026-12-31`, a minute as `2026-12-31T18:00`, both UTC, or seconds since 1970.
    private static func date(_ value: Span<UInt8>) throws(OperatorError) -> UInt64 {
        if let seconds = Decimal.parse(value) { return seconds }
        guard let seconds = CivilTime.seconds(of: value) else {
            throw .campaignRefused("a date is 2026-12-31 or 2026-12-31T18:00, in UTC")
        }
        return seconds
    }

    /// What every message needs, whatever its audience is.
    ///
    /// - Parameters:
    ///   - textLength: Characters of the text; nil when it is no UTF-8.
    ///   - most: What the configuration allows of them. Source: protocol/system-message.md §3.2.
    func check(textLength: Int?, most: UInt32 = 512) throws(OperatorError) {
        guard let textLength, (1...512).contains(textLength) else {
            throw .campaignRefused("the text has 1 to 512 characters of UTF-8")
        }
        guard textLength <= Int(most) else { throw .campaignRefused("the text is longer than sysmsg_max_text allows") }
        guard !isRequired || optionCount > 0 else { throw .campaignRefused("a required answer needs an option") }
        guard !isBlocking || isRequired else { throw .campaignRefused("blocking needs required") }
    }
}

extension Campaign {
    /// Letters, digits, `-` and `_`, 1 to 24 of them.
    static func isName(_ name: Span<UInt8>) -> Bool {
        for index in name.indices {
            let octet = name[index]
            guard octet.isASCIIDigit || octet.isASCIILetter || octet == 0x2D || octet == 0x5F else { return false }
        }
        return (1...24).contains(name.count)
    }
}

extension CampaignOption {
    /// `ID|TEXT|GRANT`, or `ID|TEXT|GRANT|ACTION`.
    init(word: Span<UInt8>) throws(OperatorError) {
        self.init()
        let form: StaticString = "an option is 'ID|TEXT|GRANT' or 'ID|TEXT|GRANT|ACTION'"
        guard let first = word.firstIndex(of: 0x7C), var last = CampaignOption.lastBar(word, before: word.count),
            last > first
        else { throw .campaignRefused(form) }
        var end = word.count
        if let action = OptionAction.named(word.extracting(last + 1..<word.count)),
            let before = CampaignOption.lastBar(word, before: last), before > first
        {
            self.action = action
            end = last
            last = before
        }
        guard let id = Decimal.parse(word.extracting(0..<first)), (1...65_535).contains(id) else {
            throw .campaignRefused("the identifier of an option is 1 to 65535")
        }
        self.id = UInt16(id)
        guard let grant = Grant(word.extracting(last + 1..<end)) else {
            throw .campaignRefused("a grant is full, deny, or limited: with features and functions")
        }
        self.grant = grant
        let text = word.extracting(first + 1..<last)
        guard let count = UTF8.scalarCount(text), (1...64).contains(count), let copy = InlineBytes<256>(text) else {
            throw .campaignRefused("the text of an option has 1 to 64 characters")
        }
        self.text = copy
    }

    private static func lastBar(_ word: Span<UInt8>, before end: Int) -> Int? {
        var index = end
        while index > 0 {
            index -= 1
            if word[index] == 0x7C { return index }
        }
        return nil
    }
}
