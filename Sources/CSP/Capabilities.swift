import Octets
import Wire

/// How a message reaches a session. Source: protocol/session.md §6.3.
public enum DeliveryMethod: UInt8, BitwiseCopyable, Sendable {
    /// P: the message itself, in NewMessage.
    case push = 0x50
    /// N: a MessageNotification, and the client fetches the message.
    case notify = 0x4E

    /// The method with this letter; nil when it is none.
    public init?(_ word: Span<UInt8>) {
        guard word.count == 1, let method = DeliveryMethod(rawValue: word[0] & 0xDF) else { return nil }
        self = method
    }

    /// The letter of the protocol.
    public var letter: StaticString { self == .push ? "P" : "N" }
}

/// The ways in which a client is called to poll that are used here. Source: protocol/transport.md §6.
public struct CIRMethods: BitwiseCopyable, Equatable, Sendable {
    /// A bit for each.
    public var rawValue: UInt8

    /// The methods with these bits.
    public init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

    /// A TCP connection that the client keeps open.
    public static var stcp: CIRMethods { CIRMethods(rawValue: 1) }
    /// A datagram.
    public static var sudp: CIRMethods { CIRMethods(rawValue: 2) }
    /// A URL that the client asks.
    public static var shttp: CIRMethods { CIRMethods(rawValue: 4) }

    /// A push of WAP in a datagram.
    public static var wapUDP: CIRMethods { CIRMethods(rawValue: 8) }

    /// A short message to a port. Source: protocol/transport.md §6.3.
    public static var ssms: CIRMethods { CIRMethods(rawValue: 16) }

    /// A push of WAP in a short message. Source: protocol/transport.md §6.5.
    public static var wapSMS: CIRMethods { CIRMethods(rawValue: 32) }

    /// Whether the client is called by short messages, which cost something.
    public var hasShortMessages: Bool {
        rawValue & (CIRMethods.ssms.rawValue | CIRMethods.wapSMS.rawValue) != 0
    }

    /// Whether the client is called by datagrams, of whatever content.
    public var hasDatagrams: Bool {
        rawValue & (CIRMethods.sudp.rawValue | CIRMethods.wapUDP.rawValue) != 0
    }

    /// The method with this name in SupportedCIRMethod; nil for those that are not here.
    public init?(_ word: Span<UInt8>) {
        if word.equalsIgnoringCase("STCP") {
            self = .stcp
        } else if word.equalsIgnoringCase("SUDP") {
            self = .sudp
        } else if word.equalsIgnoringCase("SHTTP") {
            self = .shttp
        } else if word.equalsIgnoringCase("WAPUDP") {
            self = .wapUDP
        } else if word.equalsIgnoringCase("SSMS") {
            self = .ssms
        } else if word.equalsIgnoringCase("WAPSMS") {
            self = .wapSMS
        } else {
            return nil
        }
    }

    /// Whether all of `methods` are in it.
    public func contains(_ methods: CIRMethods) -> Bool { rawValue & methods.rawValue == methods.rawValue }

    /// Those of both.
    public func union(_ methods: CIRMethods) -> CIRMethods { CIRMethods(rawValue: rawValue | methods.rawValue) }
}

/// What a client can take, as agreed in capability negotiation; the defaults hold before it.
///
/// - Source: protocol/session.md §6.3.
public struct Capabilities: BitwiseCopyable, Sendable {
    /// How messages reach the session.
    public var initialDeliveryMethod = DeliveryMethod.push
    /// True when any content type may be pushed.
    public var anyContent = false
    /// The largest content that may be pushed, in octets.
    public var acceptedContentLength: UInt32 = 32_767
    /// The largest document that the client can parse, in octets.
    public var parserSize: UInt32 = 32_767
    /// How many server transactions the client keeps open at once; 1 to 8 are used.
    public var multiTrans: UInt8 = 1
    /// How many transactions the client takes in one message; 1 to 8 are used. Source: protocol/transport.md §4.
    public var multiTransPerMessage: UInt8 = 1
    /// Seconds between two polls of a client that is not called.
    public var serverPollMin: UInt16 = 30
    /// How the client is called to poll.
    public var cirMethods = CIRMethods()
    /// Where it waits for datagrams.
    public var udpPort: UInt16 = 3717

    /// The capabilities of a client that negotiated none.
    public init() {}
}
