import CSP
import Octets

/// Whether and how a login tells of messages that wait. Source: protocol/system-message.md §6.3.
public enum Announcement: BitwiseCopyable, Sendable {
    case off
    /// With the login.
    case announce
    /// Before it: the user is asked whether to log in at all.
    case prompt

    /// The choice that a word stands for.
    public init?(name: Span<UInt8>) {
        if name.equals("off") {
            self = .off
        } else if name.equals("announce") {
            self = .announce
        } else if name.equals("prompt") {
            self = .prompt
        } else {
            return nil
        }
    }
}

/// What an operator may choose about the engine. The defaults are those of `protocol/` and fit a home gateway.
public struct Settings: ZeroInitializable, Sendable {
    /// The domain of this server's addresses.
    public var domain = InlineBytes<64>()
    /// Name in GetSPInfo.
    public var serviceName = InlineBytes<64>()
    /// Description in GetSPInfo; left out when empty.
    public var serviceDescription = InlineBytes<200>()
    /// URL in GetSPInfo; left out when empty.
    public var serviceURL = InlineBytes<200>()

    /// Seconds without a message after which a session ends, when the client proposes none.
    public var keepAliveDefault: UInt32 = 3600
    /// The least of these seconds a client may have.
    public var keepAliveMin: UInt32 = 60
    /// The most of these seconds a client may have.
    public var keepAliveMax: UInt32 = 86_400
    /// The least seconds between two polls that a client is asked to keep.
    public var serverPollMin: UInt16 = 30
    /// Sessions that one user may have at once; one more ends the oldest.
    public var sessionsOfUserMax: UInt32 = 8
    /// Whether a login may choose the schema PWD, a password in clear after a challenge.
    public var allowsPWD = false
    /// Seconds that a challenge may wait for its answer.
    public var challengeSeconds: UInt32 = 120
    /// Failed logins from one address or for one user before it has to wait.
    public var loginFailuresMax: UInt32 = 5

    /// The largest content of a message in octets.
    public var messageByteCountMax: UInt32 = 32_768
    /// Whether messages to somebody offline are kept.
    public var storesOffline = true
    /// Whether only contacts of somebody may write while he is offline; an account may say otherwise.
    public var offlineOnlyContacts = false
    /// Contact lists that one user may have, at most 255.
    public var contactListsMax: UInt32 = 32
    /// Contacts on all lists of one user.
    public var contactsMax: UInt32 = 500
    /// The name of a list that everybody has, empty until it is written; empty for none.
    public var premadeList = InlineBytes<64>()
    /// What accounts can be searched by.
    public var searchFields = SearchFields.all
    /// Messages that wait for one user.
    public var offlineMessagesMax: UInt32 = 100
    /// Octets of all messages that wait for one user.
    public var offlineByteCountMax: UInt32 = 512 * 1024
    /// Seconds that a message waits at most.
    public var lifetimeSeconds: UInt64 = 7 * 86_400
    /// Seconds after which an unanswered server transaction is sent again.
    public var guardSeconds: UInt32 = 30
    /// How often a server transaction is sent in one session.
    public var deliveriesMax: UInt8 = 3
    /// Seconds that the answer to a repeated request is kept.
    public var answerSeconds: UInt32 = 120

    /// What links begin with that log in; empty for none.
    public var pageURL = InlineBytes<128>()
    /// Seconds that such a link holds.
    public var linkSeconds: UInt64 = 86_400

    /// How clients may be called to poll.
    public var cirMethods = CIRMethods(rawValue: 15)
    /// The name or address at which clients reach this server; empty for the one that each of them reached it by.
    public var cirAddress = InlineBytes<64>()

    /// The domains whose users belong to a service behind this one, by the place of the upstream.
    public internal(set) var upstreamDomains = InlineArray<4, InlineBytes<64>>(repeating: InlineBytes())

    /// The domain that is reached by XMPP, `*` for all that are no other; empty for none.
    public internal(set) var remoteDomain = InlineBytes<64>()

    /// Where clients differ from the protocol.
    public var quirks = QuirkTable()

    /// What becomes of clients that do not know System Messages, where a message does not say.
    public var legacyPolicy = LegacyPolicy.limited
    /// Whether a login tells of messages that wait.
    public var announcement = Announcement.announce
    /// Characters of the text of a System Message.
    public var systemTextMax: UInt32 = 512
    /// Seconds after which a required answer that blocks nothing is asked for again.
    public var remindSeconds: UInt32 = 86_400
    /// Refusals of one code within ten minutes that bring help; 0 for no help.
    public var helpErrors: UInt8 = 3

    /// The defaults.
    public init() {}
}

extension Settings {
    /// The place of the upstream that the user of an address belongs to, as a client writes it; nil for none.
    func upstream(of text: Span<UInt8>) -> Int? {
        guard hasUpstreams, let address = Address(text, homeDomain: domain.span), address.kind == .user else {
            return nil
        }
        return upstream(of: address)
    }

    /// Whether the user of an address is reached by XMPP.
    @inline(never)
    func isRemote(_ address: Address) -> Bool {
        guard !remoteDomain.isEmpty, !address.isLocal, address.kind == .user else { return false }
        if remoteDomain.span.equals("*") { return upstream(of: address) == nil }
        return Settings.domain(of: address.canonical).equals(remoteDomain.span)
    }

    @_lifetime(copy text)
    private static func domain(of text: Span<UInt8>) -> Span<UInt8> {
        text.extracting((text.firstIndex(of: 0x40) ?? text.count - 1) + 1..<text.count)
    }

    /// The place of the upstream that the user of an address belongs to; nil for none.
    func upstream(of address: Address) -> Int? {
        guard hasUpstreams else { return nil }
        let text = address.canonical
        let domain = Settings.domain(of: text)
        for place in upstreamDomains.indices where !upstreamDomains[place].isEmpty {
            if domain.equals(upstreamDomains[place].span) { return place }
        }
        return nil
    }

    private var hasUpstreams: Bool { !upstreamDomains[0].isEmpty }
}
