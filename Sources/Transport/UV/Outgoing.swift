import CUV
import IMPSEngine
import Octets
import TLS

/// Why a request of ours was not answered.
public enum OutgoingFailure: Error, Equatable, BitwiseCopyable, Sendable {
    /// As many as there may be are under way, or there is no memory.
    case busy
    /// It goes by TLS, and there is no memory set aside for that.
    case noTLS
    /// Nobody knows the name.
    case noName
    /// Nobody takes a connection at any of its addresses; the code is libuv's.
    case unreachable(Int32)
    /// The other side took too long.
    case timeout
    /// The other side is not the one that we went to.
    case distrust(Distrust)
    /// The other side speaks no TLS that we speak; the code is the library's.
    case tls(Int32)
    /// What came is no answer, is too large, or was cut off.
    case noAnswer

    /// What is wrong and what would be right, for people.
    public var explanation: StaticString {
        switch self {
        case .busy: return "too many requests of the engine are under way"
        case .noTLS: return "no memory is set aside for https; set ca_file"
        case .noName: return "its name is not known"
        case .unreachable: return "nobody takes a connection there"
        case .timeout: return "no answer came in time"
        case .distrust(let distrust): return distrust.explanation
        case .tls: return "it speaks no TLS 1.2 with the suites of today"
        case .noAnswer: return "what came is no whole answer of HTTP, or too large"
        }
    }

    /// The code of the library that knows more, without its sign; 0 for none.
    public var code: UInt64 {
        switch self {
        case .unreachable(let code), .tls(let code): return UInt64(code.magnitude)
        case .busy, .noTLS, .noName, .timeout, .distrust, .noAnswer: return 0
        }
    }
}

/// What became of a request of ours.
public struct OutgoingResult: BitwiseCopyable, Sendable {
    /// Why there is no answer; nil when there is one.
    public var failure: OutgoingFailure?
    /// The status of the answer; 0 when there is none.
    public var status = 0
    /// Octets of its body.
    public var byteCount = 0
    /// The numeric address that was tried last.
    public var address = InlineBytes<46>()
    /// The SHA-256 of the certificate that was shown; nil without one.
    public var fingerprint: Fingerprint?
    /// Milliseconds from the beginning to here.
    public var milliseconds: UInt64 = 0
}

/// Who wants to know what became of a request of ours.
enum OutgoingOwner: BitwiseCopyable {
    case none
    /// The operator's connection at a place, with the number that it had then.
    case control(Int, UInt64)
    /// The handler, for its order of this number.
    case order(UInt64)
    /// The handler, for its relay, and the client whose answer it is.
    case relay
    /// The stream to an XMPP server.
    case stream
}

/// A request of ours to somebody else's server: one connection, one request, one bounded answer.
struct OutgoingRequest: ZeroInitializable {
    enum Phase {
        /// Nothing under way.
        case free
        /// Its name is being looked up.
        case resolving
        /// It connects to one of the addresses.
        case connecting
        /// The handshake of TLS is under way.
        case shaking
        /// The request goes out, or its answer is awaited.
        case answering
        /// libuv still has the handle, or the lookup.
        case closing
        /// It goes out when the turn is durable.
        case queued
        /// A connection that was kept is closed, for another one.
        case reopening
        /// Nothing under way, but the connection is kept.
        case idle
        /// It is a stream, and goes both ways.
        case streaming
    }

    var phase = Phase.free
    var owner = OutgoingOwner.none
    var target = Target.none
    var pin: Fingerprint?
    var addresses = InlineArray<4, sockaddr_storage>(repeating: sockaddr_storage())
    var addressCount = 0
    var nextAddress = 0
    /// It connects to the next address as soon as the handle is back.
    var triesNext = false
    var result = OutgoingResult()
    var began = Instant(milliseconds: 0)
    /// When what it waits for has to be there.
    var deadline = Instant(milliseconds: 0)
    var tls = TLSConnections.none
    /// The borrowed buffer with the request.
    var request = BufferPool.none
    /// The borrowed buffer with the answer.
    var answer = BufferPool.none
    var reader = ResponseReader()

    // Of a relay.
    /// The handler's place.
    var relay = 0
    /// Seconds that its answer may take.
    var seconds: UInt64 = 0
    /// The client's connection, with the number that it had then.
    var connection = OutgoingRequest.noConnection
    var connectionNumber: UInt32 = 0
    var contentType = InlineBytes<100>()
    var needsKeepAliveField = false
    /// The connection has been used before.
    var isReused = false
    /// A connection to another place has to be closed first.
    var goesElsewhere = false
    /// libuv still writes the request.
    var isWriting = false
    /// The borrowed buffer with the request as it goes by TLS.
    var sealed = BufferPool.none

    static var noConnection: UInt16 { .max }

    init() {}
}

/// Requests of ours that are under way, a few at once. Each waits for its own peer and for nobody else, as everybody else
/// does not wait for it.
@safe
struct Outgoing: ~Copyable {
    /// Requests at once, besides those that are relayed.
    static var ownCount: Int { 4 }
    /// Seconds that a connection is kept for another request.
    static var idleSeconds: UInt64 { 50 }
    /// Seconds for a name, for a connection, and for a handshake.
    static var connectSeconds: UInt64 { 5 }
    /// Seconds for an answer to an operator, who waits for it.
    static var answerSeconds: UInt64 { 10 }
    /// Seconds for an answer that nobody waits for.
    static var orderSeconds: UInt64 { 30 }
    /// Places that are left free for the operator.
    static var keptCount: Int { 1 }

    /// Requests at once.
    let count: Int
    let handles: UnsafeMutablePointer<uv_tcp_t>
    let connects: UnsafeMutablePointer<uv_connect_t>
    let writes: UnsafeMutablePointer<uv_write_t>
    let lookups: UnsafeMutablePointer<uv_getaddrinfo_t>
    var requests: Slab<OutgoingRequest>

    private let hasStream: Bool

    init(_ sizes: ServerSizes) {
        count = Outgoing.count(sizes)
        hasStream = sizes.hasStream
        unsafe handles = .allocate(capacity: count)
        unsafe connects = .allocate(capacity: count)
        unsafe writes = .allocate(capacity: count)
        unsafe lookups = .allocate(capacity: count)
        requests = Memory.slab(count, OutgoingRequest.self)
    }

    /// A few connections more than answers, for some are being closed.
    private static func count(_ sizes: ServerSizes) -> Int {
        ownCount + (sizes.relays > 0 ? sizes.relays + 4 : 0) + (sizes.hasStream ? 1 : 0)
    }

    /// The place of the stream; nil when there is to be none.
    var streamPlace: Int? { hasStream ? count - 1 : nil }

    /// Another stream can be made.
    var isStreamFree: Bool { streamPlace.map { requests[$0].phase == .free } ?? false }

    /// The places of what is relayed.
    var relayPlaces: Range<Int> { Outgoing.ownCount..<(streamPlace ?? count) }

    /// Relays that are under way.
    var relayCount: Int {
        var count = 0
        for place in relayPlaces where isUnderWay(place) || requests[place].phase == .queued { count += 1 }
        return count
    }

    /// Whether there is a place for another relay.
    var hasRelayPlace: Bool {
        for place in relayPlaces where requests[place].phase == .free || requests[place].phase == .idle { return true }
        return false
    }

    /// What the requests need.
    static func pool(_ sizes: ServerSizes) -> Pool {
        let octets =
            unsafe MemoryLayout<uv_tcp_t>.stride + MemoryLayout<uv_connect_t>.stride + MemoryLayout<uv_write_t>.stride
            + MemoryLayout<uv_getaddrinfo_t>.stride
        return Pool("outgoing", count: count(sizes), byteCount: octets + MemoryLayout<OutgoingRequest>.stride)
    }

    /// When the first of them has waited long enough; nil when none is under way.
    var deadline: Instant? {
        var next: Instant?
        for index in 0..<count where isUnderWay(index) || requests[index].phase == .idle {
            next = min(next ?? requests[index].deadline, requests[index].deadline)
        }
        return next
    }

    var freeCount: Int {
        var count = 0
        for index in 0..<Outgoing.ownCount where requests[index].phase == .free { count += 1 }
        return count
    }

    func isUnderWay(_ index: Int) -> Bool {
        switch requests[index].phase {
        case .resolving, .connecting, .shaking, .answering, .reopening: return true
        case .free, .closing, .queued, .idle, .streaming: return false
        }
    }
}
