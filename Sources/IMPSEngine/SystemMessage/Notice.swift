import CSP
import Octets

/// What the server tells a user by itself. The texts are in the configuration, with defaults here.
///
/// - Source: protocol/system-message.md §5.2, §6.3.
public enum Notice: UInt8, Sendable {
    /// The same error came three times; the argument is its code.
    case help = 1
    /// The level of service is another; the argument is 1 for the full one.
    case level
    /// The mailbox was full; the argument is how many messages were refused.
    case quota
    /// Somebody put the user on his contact list; the argument is who.
    case added
    /// Location or contact attributes are open to others now.
    case privacy
    /// Messages wait, as the argument says; part of the login.
    case waiting

    @_transparent static var count: Int { 6 }
    @_transparent private static var base: UInt32 { 0xFFFF_FF00 }

    /// What its instances have in place of a campaign's number.
    var number: UInt32 { Notice.base | UInt32(rawValue) }

    init?(number: UInt32) {
        guard number > Notice.base, let notice = Notice(rawValue: UInt8(truncatingIfNeeded: number)) else { return nil }
        self = notice
    }

    /// The name of its section in the configuration; help has the code of the error instead.
    public init?(name: Span<UInt8>) {
        if name.equals("level") {
            self = .level
        } else if name.equals("quota") {
            self = .quota
        } else if name.equals("added") {
            self = .added
        } else if name.equals("privacy") {
            self = .privacy
        } else if name.equals("waiting") {
            self = .waiting
        } else {
            return nil
        }
    }

    /// The word in the log.
    var name: StaticString {
        switch self {
        case .help: return "help"
        case .level: return "level"
        case .quota: return "quota"
        case .added: return "added"
        case .privacy: return "privacy"
        case .waiting: return "waiting"
        }
    }

    /// The text when the configuration has none; `%` stands for what it is about. nil for an error without help.
    func defaultText(_ argument: UInt32) -> StaticString? {
        switch self {
        case .help: return Notice.helpText(argument)
        case .level:
            return argument == 1
                ? "All functions of the service are open to you now."
                : "Your level of service has changed: some functions are closed to you now."
        case .quota: return "Messages for you that were refused because your mailbox was full: %."
        case .added: return "% added you to a contact list."
        case .privacy: return "Others can see where you are or how to reach you now."
        case .waiting: return "Messages waiting for you: %."
        }
    }

    /// What may help after the same error came again and again.
    private static func helpText(_ code: UInt32) -> StaticString? {
        guard let code = StatusCode(rawValue: UInt16(truncatingIfNeeded: code)) else { return nil }
        switch code {
        case .badRequest: return "The service cannot read what your client sends. Please update the client."
        case .badParameter: return "Something is missing in what your client sends. Please check the names you entered."
        case .forbidden: return "This is not allowed now. There may be a question from the system to answer first."
        case .notFound: return "What you look for is not there any more."
        case .serviceNotSupported: return "This service does not offer that function."
        case .unsupportedMediaType: return "This kind of content cannot be sent here. Plain text always can."
        case .invalidMessageID: return "The message is gone: it was read, has expired, or belongs to somebody else."
        case .responseTooLarge: return "The answer is too large for your client. Ask for less at once."
        case .internalServerError: return "The service has a problem. Please tell whoever runs it."
        case .notImplemented: return "This service does not know that function."
        case .serviceUnavailable: return "The service is busy. Please try again later."
        case .serviceNotAgreed:
            return "That function is closed to you. Log in again; what you answered to the terms decides it."
        case .messageQueueFull: return "The mailbox of the recipient is full. Please try again later."
        case .domainNotSupported: return "Only users of this service can be reached."
        case .unknownUser: return "There is no such user. Please check how the name is written."
        case .recipientBlockedTheSender: return "The recipient takes no messages from you."
        case .recipientNotLoggedIn: return "The recipient is offline, and messages are not kept here."
        case .recipientUnauthorized: return "Only contacts of the recipient may write while he is offline."
        case .contactListDoesNotExist: return "There is no such contact list. Please look at your lists again."
        case .groupDoesNotExist: return "There is no such group."
        default: return nil
        }
    }

    // MARK: Options

    var optionCount: UInt8 {
        switch self {
        case .level, .quota: return 0
        case .privacy: return 1
        case .help, .added, .waiting: return 2
        }
    }

    /// An option, from place 0; the grants are full but for a login that is asked first.
    func option(_ place: UInt8, isAskedFirst: Bool) -> CampaignOption? {
        guard place < optionCount else { return nil }
        var option = CampaignOption()
        option.id = UInt16(place) + 1
        switch self {
        case .help where place == 1:
            option.action = .helpOff
            _ = option.text.append("Do not show again")
        case .added:
            option.action = place == 0 ? .addContact : .none
            _ = option.text.append(place == 0 ? "Add too" : "Ignore")
        case .waiting where place == 1:
            option.action = .hold
            if isAskedFirst { option.grant = .deny }
            _ = option.text.append("Ignore")
        case .waiting: _ = option.text.append("Log in")
        case .help, .level, .quota, .privacy: _ = option.text.append("OK")
        }
        return option
    }

    /// What stands for it among the campaigns.
    var campaign: Campaign {
        var campaign = Campaign()
        campaign.number = number
        campaign.kind = .notice
        campaign.state = .active
        campaign.optionCount = optionCount
        return campaign
    }
}
