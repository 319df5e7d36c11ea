import CUV
import IMPSEngine
import Octets
import Wire

/// The stream to an XMPP server: one connection that is always there, or made again.
@safe
struct XMPPStream: ~Copyable {
    /// What came and was not taken.
    var input: FixedBytes
    /// What is being sent.
    var output: FixedBytes
    let write = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    var splitter = StanzaSplitter()
    /// How far the splitter has looked.
    var looked = 0
    /// A stanza larger than `input` goes by.
    var skips = false
    /// A connection is there, or being made.
    var isUsed = false
    var isConnected = false
    /// libuv still has octets of `output`.
    var isWriting = false
    var isReading = false
    /// More has come than there was room to answer.
    var hasRest = false
    /// When it is tried again.
    var retryAt: Instant?
    var failures: UInt64 = 0

    /// What came can be taken now.
    var goesOn: Bool { hasRest && !isWriting }

    init(_ sizes: ServerSizes) {
        input = Memory.buffer(sizes.hasStream ? sizes.stanzaByteCountMax : 0)
        output = Memory.buffer(sizes.hasStream ? sizes.replyByteCountMax : 0)
    }

    /// Octets that a reply to one stanza takes at most.
    static var replyByteCount: Int { 4096 }
}
