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
    /// Seconds between two polls of a client that is not called.
    public var serverPollMin: UInt16 = 30

    /// The capabilities of a client that negotiated none.
    public init() {}
}
