import IMPSEngine
import Octets
import TLS

/// A connection that a client keeps open to be called on. Source: protocol/transport.md §6.1.
struct Channel: ZeroInitializable {
    enum Phase {
        /// No connection.
        case free
        /// The client has to say whose it is.
        case greeting
        /// It is called on it.
        case open
        /// libuv still has the handle.
        case closing
    }

    static var none: UInt16 { .max }

    var phase = Phase.free
    /// The session, once it is known.
    var slot = Channel.none
    var session: UInt64 = 0
    /// When the connection is cut, if nothing is heard on it.
    var deadline = Instant(milliseconds: 0)
    /// Its place for TLS; none for a plain one.
    var tls = TLSConnections.none
    /// The network of a sealed one, as connections have it.
    var networkHash: UInt32 = 0
    /// The line that is not whole yet: a HELO with a SessionID is the longest that there is.
    var line = InlineBytes<80>()

    init() {}
}
