import CSP
import Digests
import Octets
import Wire

/// A client that is logged in.
///
/// What a restart must not lose is also in the store (`SessionRecord.swift`); the rest begins anew with the process:
/// the time of the last message, what was sent and not answered.
public struct Session: ZeroInitializable {
    /// When the session ends by itself; free slots have none.
    var isOpen = false
    /// The code of a Disconnect that waits for the client, after which nothing else is done for it; 0 for none.
    var closing: UInt16 = 0
    var closingReason = DisconnectReason.none
    /// Unique for all time; drawn from the sequence, so messages with a lower number are older than the session.
    var number: UInt64 = 0
    var user: UInt32 = 0
    /// The part of the SessionID that nobody can guess.
    var secret = InlineArray<16, UInt8>(repeating: 0)
    var cookieHash: UInt64 = 0
    var clientHash: UInt64 = 0
    var version = Version.v1_2
    /// Where its client differs from the protocol.
    var quirks = Quirks()
    var keepAliveSeconds: UInt32 = 0
    var expiresAt = Instant(milliseconds: 0)
    var lastSeen = Instant(milliseconds: 0)
    var capabilities = Capabilities()
    /// Capabilities were negotiated.
    var hasCapabilities = false
    /// What service negotiation granted; everything that is offered before it.
    var functions = FunctionSet()
    var isServiceAgreed = false
    /// True once deliveries may begin. Source: protocol/system-message.md §6.4, rule 1.
    var isReady = false
    /// What `Messaging/` has to know of it, and alone changes.
    var delivery = SessionDelivery()
    /// What `SystemMessage/` has to know of it, and alone changes.
    var access = SessionAccess()
    var calling = SessionCalling()
    var presence = SessionPresence()
    /// What `Gateway/` has to know of it, and alone changes.
    var upstream = UpstreamPart()
    /// The address that the client was heard of from last, and to which datagrams are sent.
    var addressHash: UInt32 = 0
    /// The network of that address.
    var networkHash: UInt32 = 0
    /// What it calls itself; 0 when that is not known.
    var agentHash: UInt32 = 0
    var answers = AnswerChain()
    // What the table and its lists keep of it.
    /// The next slot of the same bucket, or of the free list.
    var nextSlot: UInt16 = .max
    private var networkLink = SessionLink()
    private var callLink = SessionLink()
    /// When time alone has something to do here, and its place among the timers, counted from 1; 0 for none.
    var dueAt = Instant(milliseconds: 0)
    var timerPlace: UInt16 = 0

    /// A free slot.
    public init() {}

    /// Takes over what was negotiated with its client.
    mutating func agree(on capabilities: Capabilities) {
        self.capabilities = capabilities
        hasCapabilities = true
        calling.agreedAt = lastSeen
        delivery.method = capabilities.initialDeliveryMethod
    }

    /// The largest content that its client wants to be sent.
    mutating func setAcceptedContentLength(_ length: UInt64) {
        capabilities.acceptedContentLength = UInt32(min(length, UInt64(UInt32.max)))
    }

    func link(_ kind: SessionListKind) -> SessionLink {
        switch kind {
        case .network: return networkLink
        case .call: return callLink
        }
    }

    mutating func setLink(_ kind: SessionListKind, _ link: SessionLink) {
        switch kind {
        case .network: networkLink = link
        case .call: callLink = link
        }
    }

    /// What its client is recognised by in other sessions.
    var clientKey: UInt64 { KnownClient.key(clientHash: clientHash, agentHash: agentHash) }
}
