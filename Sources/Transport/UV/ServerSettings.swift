import Octets
import TLS

/// How the network side is set up.
public struct ServerSettings: Sendable {
    /// Addresses to listen on.
    public var listen = InlineArray<4, InlineBytes<46>>(repeating: InlineBytes())
    /// How many of them there are.
    public var listenCount = 0
    /// The port; 0 takes any.
    public var port: UInt16 = 0
    /// Clients may keep connections to be called on.
    public var hasChannels = false
    /// The port for these; 0 takes any.
    public var cirPort: UInt16 = 0
    /// There is a port for TLS.
    public var hasTLS = false
    /// The port for TLS; 0 takes any.
    public var tlsPort: UInt16 = 0
    /// Nothing is said without TLS.
    public var isTLSOnly = false
    /// Clients that came by TLS may keep connections to be called on, by TLS.
    public var hasSealedChannels = false
    /// The port for these; 0 takes any.
    public var cirTLSPort: UInt16 = 0
    /// The certificate, with those that prove it, in PEM.
    public var certificatePath = InlineBytes<200>()
    /// Its key, in PEM.
    public var keyPath = InlineBytes<200>()
    /// There is a page for the operator.
    public var hasAdmin = false
    /// The address that it is reached at.
    public var adminAddress = InlineBytes<46>()
    /// Its port; 0 takes any.
    public var adminPort: UInt16 = 0
    /// It is reached by TLS alone.
    public var adminHasTLS = false
    /// Requests of ours may go by TLS.
    public var hasOutgoingTLS = false
    /// The certificates that are trusted for them, in PEM.
    public var authoritiesPath = InlineBytes<200>()
    /// The device of a modem; empty for none.
    public var modemPath = InlineBytes<64>()
    /// The process gives up what it does not need once it runs.
    public var isConfined = true
    /// Where the store lies.
    public var dataFolder = InlineBytes<200>()
    /// The path of the control socket.
    public var controlPath = InlineBytes<100>()
    /// Connections from one address.
    public var connectionsOfAddressMax = 64
    /// Milliseconds that a turn may stay open for more requests.
    public var batchMilliseconds: UInt64 = 0
    /// Seconds for the head of a request.
    public var headerTimeout: UInt64 = 10
    /// Seconds for the body of a request.
    public var bodyTimeout: UInt64 = 20
    /// Seconds that a connection may be idle.
    public var idleTimeout: UInt64 = 90
    /// The watchdog device; empty for none.
    public var watchdogPath = InlineBytes<64>()

    /// The defaults.
    public init() {}
}

/// How many of everything the network side has.
public struct ServerSizes: Sendable {
    /// Connections at once.
    public var connections = 64
    /// Connections by TLS at once.
    public var sealed = 0
    /// Connections of clients that want to be called.
    public var channels = 0
    /// Sessions, of which each may have such a connection.
    public var sessions = 0
    /// Buffers for requests in pieces and answers that do not go out at once.
    public var buffers = BufferSizes()
    /// Answers of other services that are awaited at once.
    public var relays = 0
    /// There is a stream to an XMPP server.
    public var hasStream = false
    /// There is a page for the operator.
    public var hasAdmin = false
    /// The largest request.
    public var limits = RequestLimits(headByteCountMax: 4096, bodyByteCountMax: 65_536)
    /// Octets of the largest answer.
    public var replyByteCountMax = 65_536
    /// Octets of the largest stanza that is taken.
    public var stanzaByteCountMax = 65_536
    /// Octets of all answers of one turn.
    public var heldByteCountMax = 262_144

    /// The defaults.
    public init() {}

    /// What is read of a request for the operator's page, which is there whether that for clients is or not.
    var adminLimits: RequestLimits {
        var limits = limits
        limits.hasPages = true
        return limits
    }

    /// Octets of the largest buffer: for the largest request, with room to read on while chunks are joined, or answer.
    public var largeBufferByteCount: Int {
        max(
            limits.headByteCountMax + limits.bodyByteCountMax + 4096,
            TLSConnections.sealedByteCount(replyByteCountMax + ResponseHead.byteCountMax),
            replyByteCountMax + ResponseHead.byteCountMax + Server.runByteCountMax)
    }
    /// Octets of the largest answer when it is sealed.
    var sealedByteCountMax: Int { TLSConnections.sealedByteCount(replyByteCountMax + ResponseHead.byteCountMax) }
    /// Answers that one turn may hold.
    public var heldCountMax: Int { 512 }
    /// Connections above the limit that are told so.
    public var shedCount: Int { 8 }
}
