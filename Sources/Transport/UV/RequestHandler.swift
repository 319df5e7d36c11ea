import IMPSEngine
import Octets
import TLS
import Wire

/// What a handler made of a request.
public struct HandledRequest: Sendable {
    /// What to send.
    public var reply: Reply
    /// True when the answer tells of a change and may go out only after the commit.
    public var isDurable: Bool
    /// The version of the message, for the content type.
    public var version: Version
    /// The request has credentials in it, and is to be overwritten.
    public var hasCredentials = false

    /// What a handler made of a request.
    public init(reply: Reply, isDurable: Bool, version: Version) {
        self.reply = reply
        self.isDurable = isDurable
        self.version = version
    }
}

/// A request of ours that the handler wants to be made.
public struct OutgoingOrder: Sendable {
    /// Names it when it has ended.
    public var number: UInt64
    /// Where it goes.
    public var target: Target
    /// The certificate that the other side has to have; nil when authorities vouch for it.
    public var pin: Fingerprint?
    /// Octets of the request, at most.
    public var byteCount: Int
    /// It is a modem's, and goes nowhere else.
    public var modem: ModemOrder?
    /// Seconds for the whole of it, for somebody who waits.
    public var seconds: UInt64 = 0

    /// A request to `target`.
    public init(
        number: UInt64, target: Target, pin: Fingerprint?, byteCount: Int, modem: ModemOrder? = nil, seconds: UInt64 = 0
    ) {
        self.number = number
        self.target = target
        self.pin = pin
        self.byteCount = byteCount
        self.modem = modem
        self.seconds = seconds
    }
}

/// Who understands what the network carries: the executable joins engine and store here.
///
/// A class, because the callbacks of libuv cannot be generic over the store; its methods are called from one thread, one
/// after the other.
open class RequestHandler {
    /// A handler of nothing.
    public init() {}

    /// The wall clock began to be trusted: what hangs on the date is due to be looked at.
    open func clockBegan(_ now: Instant) {}

    /// Handles a message; a reply is then in the handler's writer.
    ///
    /// - Parameters:
    ///   - octets: The buffer that the request is in.
    ///   - body: Where in it the message is.
    ///   - isCut: The message is too large, and this is how it begins.
    ///   - agent: Where in it the client says what it is.
    open func handle(
        _ octets: borrowing FixedBytes, body: Range<Int>, isCut: Bool, _ syntax: Syntax, _ client: Client,
        agent: Range<Int>, _ turn: inout Turn
    ) -> HandledRequest {
        HandledRequest(reply: .malformed, isDurable: false, version: .v1_2)
    }

    /// Octets of the reply in the writer.
    open var replyByteCount: Int { 0 }

    /// Adds the reply in the writer to `buffer`.
    open func appendReply(to buffer: inout FixedBytes) {}

    /// Whether something waits for the session that asks at a URL of its own; nil when there is no such session.
    open func waits(callKey: Span<UInt8>, _ now: Instant) -> Bool? { nil }

    /// A client keeps a connection on which it is called; the slot and number of its session, nil when there is none.
    open func openChannel(_ id: Span<UInt8>, _ now: Instant) -> (slot: UInt16, number: UInt64)? { nil }

    /// The connection of a session is still there, though the handler went back.
    open func keepChannel(_ slot: UInt16, _ number: UInt64) {}

    /// The connection of a session is gone.
    open func closeChannel(_ slot: UInt16, _ number: UInt64) {}

    /// Whether a session is still there.
    open func hasSession(_ slot: UInt16, _ number: UInt64) -> Bool { false }

    /// How often the handler went back to what is stored, and forgot who keeps a connection.
    open var reloadCount: UInt64 { 0 }

    /// How many sessions have ended.
    open var endedSessionCount: UInt64 { 0 }

    /// The next client to be called, with the words to send; asked for after each commit.
    open func nextCall(_ now: Instant, into words: inout FixedBytes) -> Call? { nil }

    /// Whether it is worth asking for a request of ours.
    open func hasOrders(_ wall: WallTime) -> Bool { false }

    /// The next request of ours to be made; asked for after each commit, and may itself change what is stored.
    ///
    /// Then either it is written, or cancelled.
    open func nextOrder(_ turn: inout Turn) -> OutgoingOrder? { nil }

    /// Writes the order that was asked for last, from its first line.
    open func writeOrder(into request: inout FixedBytes) {}

    /// What a modem made of an order; nil when it has sent it.
    open func modemEnded(_ number: UInt64, _ failure: ModemFailure?, _ turn: inout Turn) {}

    /// The order is not carried out after all; it is given out again.
    open func cancelOrder(_ number: UInt64, _ turn: borrowing Turn) {}

    /// What became of it.
    ///
    /// - Parameters:
    ///   - answer: The buffer that the answer is in.
    ///   - body: Where in it the body is.
    open func orderEnded(
        _ number: UInt64, _ result: OutgoingResult, _ answer: borrowing FixedBytes, body: Range<Int>,
        _ turn: inout Turn
    ) {}

    /// Where the message of a deferred reply goes; nil when that is nowhere.
    open func relayOrder(_ relay: Int) -> OutgoingOrder? { nil }

    /// Writes the request that carries it, which was handled or asked for last.
    open func writeRelay(into request: inout FixedBytes) {}

    /// A deferred reply cannot be awaited; the refusal.
    open func cancelRelay(_ relay: Int, _ turn: inout Turn) -> Reply { .malformed }

    /// What became of a message that was sent elsewhere; the client's answer is then in the writer.
    ///
    /// - Parameters:
    ///   - sent: The buffer with the request.
    ///   - answer: The buffer that the answer is in, and `body` where in it the body is.
    open func relayEnded(
        _ relay: Int, _ result: OutgoingResult, sent: borrowing FixedBytes, answer: borrowing FixedBytes,
        body: Range<Int>, _ turn: inout Turn
    ) -> HandledRequest {
        HandledRequest(reply: .empty, isDurable: false, version: .v1_2)
    }

    /// The next relay for whose answer no client waits; nil when there is none.
    open func nextWatch(_ turn: inout Turn) -> Int? { nil }

    /// Where an XMPP server is to which a stream is to be; nil when there is none.
    open var streamTarget: Target? { nil }

    /// Writes what begins the stream.
    open func beginStream(_ turn: inout Turn, into output: inout FixedBytes) {}

    /// Takes a stanza, or the tag that begins the stream, and writes what is said to that.
    ///
    /// - Parameters:
    ///   - input: The buffer that it is in from the front.
    ///   - end: Where it ends there.
    ///   - isCut: It is larger than the buffer, which has its beginning.
    open func stanzaArrived(
        _ input: borrowing FixedBytes, end: Int, isHeader: Bool, isCut: Bool, _ turn: inout Turn,
        into output: inout FixedBytes
    ) -> StreamProgress { .ends }

    /// Whether the server has answered on the stream.
    open var isStreamSound: Bool { false }

    /// Writes what is to be sent by itself; asked for after each commit.
    open func writeStanzas(_ turn: inout Turn, into output: inout FixedBytes) {}

    /// Whether the stream is to be closed.
    ///
    /// - Parameter isBlocked: Nothing can be written to it now.
    open func isStreamLate(_ now: Instant, isBlocked: Bool) -> Bool { false }

    /// There is no stream any more, or none could be made.
    ///
    /// - Parameter isSaid: The server has said so.
    open func streamEnded(_ why: StaticString, isSaid: Bool, _ turn: inout Turn) {}

    /// Makes the turn durable; when that fails the engine is what it was before the turn, and the error is returned.
    open func commit(_ turn: inout Turn) -> StoreError? { nil }

    /// Turns an answer of a turn that was not kept into a refusal, which is then in the writer.
    open func revoke(_ octets: borrowing FixedBytes, answer: Range<Int>, _ error: StoreError) -> Reply { .empty }

    /// When `timePassed` should be called.
    open var deadline: Instant? { nil }

    /// Does what is due.
    open func timePassed(_ turn: inout Turn) {}

    /// Does a command of the operator, or goes on with its answer.
    open func control(
        _ command: inout ControlCommand, _ pools: borrowing PoolTable, _ turn: inout Turn,
        into output: inout FixedBytes
    ) -> ControlProgress { .done }

    /// Whether who asks for the operator's page may see it: 200, 401, 429, or 503 while there is no password.
    ///
    /// - Parameter authorization: What he says to prove it.
    open func admitsAdmin(_ authorization: Span<UInt8>, _ client: Client, _ turn: inout Turn) -> HTTPStatus {
        .serviceUnavailable
    }

    /// Reads from the store; false when that is not possible, and the supervisor should not think that all is well.
    open func answers() -> Bool { true }

    /// True when the process has to end by itself.
    open var wantsEnd: Bool { false }

    /// Does what belongs into the last commit.
    open func willEnd(_ turn: inout Turn) {}

    /// Does what comes after the last commit.
    open func ended(_ turn: inout Turn) {}

    /// Fills in how much of one of the handler's pools is in use.
    open func count(_ pool: inout Pool) {}

    /// The process gave up what it does not need.
    open func confined(_ confinement: Confinement) {}

    /// Whether the wall clock may be believed; nil asks the kernel.
    open var clockIsTrusted: Bool? { nil }

    /// Reads the configuration again.
    open func reloadConfiguration(_ turn: inout Turn) {}
}
