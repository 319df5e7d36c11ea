import IMPSEngine
import Octets
import TLS

/// A connection of a client; its libuv handle lies in a table of its own, at the same place.
struct Connection: ZeroInitializable {
    enum Phase {
        /// No connection.
        case free
        /// Octets of a request are awaited.
        case reading
        /// A request is handled, and its answer waits for the end of the turn.
        case held
        /// The answer comes from elsewhere.
        case awaiting
        /// The answer did not go out at once.
        case writing
        /// Everything is said; what the client still sends is thrown away until it closes.
        case draining
        /// libuv still has the handle.
        case closing
    }

    var phase = Phase.free
    var client = Client(address: InlineBytes())
    /// It is known whose it is, and counted for his network.
    var isNamed = false
    /// When the connection is cut, whatever it waits for.
    var deadline = Instant(milliseconds: 0)
    var reader = RequestReader()
    /// The borrowed buffer with what arrived of a request, and of the next one.
    var buffer = BufferPool.none
    /// The borrowed buffer with the rest of an answer.
    var output = BufferPool.none
    /// When its request began, or its answer that does not go out.
    var startedAt = Instant(milliseconds: 0)
    /// Its place for TLS; none for a plain one.
    var tls = TLSConnections.none
    /// The borrowed buffer with sealed octets that there is no room for yet.
    var sealed = BufferPool.none
    /// It is in the list of those that are looked at again without hearing from their clients.
    var isWaiting = false
    /// Its request waits for a place among those whose answers come from elsewhere.
    var isParked = false
    /// How long it does so; nil when it does not.
    var parkedUntil: Instant?
    /// Which of the connections at this place it is.
    var number: UInt32 = 0
    /// What was found wrong behind requests whose answers go out first.
    var refusal: HTTPStatus?
    /// The rest of a request lies there since the one before it was handled: its time begins now.
    var beginsAnew = false
    /// Its client sends the next request before it has the answer.
    var isPipelining = false
    /// It came to the operator's page.
    var isAdmin = false
    var closesAfterReply = false
    /// The client will send nothing more, but may wait for answers. Source: CL-41.
    var hasEnded = false
    var saidContinue = false
    /// Reading is paused, because the buffer is full while an answer is held.
    var isPaused = false
    /// Octets that were thrown away since everything was said.
    var drained = 0

    init() {}
}

/// An answer that waits for the end of the turn.
struct HeldReply: ZeroInitializable {
    var connection: UInt16 = 0
    /// Where head and body lie among the held answers.
    var start = 0
    var bodyStart = 0
    var end = 0
    /// The answer tells of a change, so it may go out only when the change is durable.
    var isDurable = false

    init() {}
}
