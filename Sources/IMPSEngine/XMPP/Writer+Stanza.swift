import Octets
import Wire

/// Stanzas, written with the writer of all other messages.
extension Writer {
    /// Begins a stanza between a user of this server and somebody there.
    @inline(never)
    mutating func openStanza(
        _ name: StaticString, from user: Span<UInt8>, to peer: Span<UInt8>, type: StaticString? = nil
    ) {
        output.append(0x3C)
        output.append(name)
        output.append(" from='")
        JID.write(user, into: &output)
        output.append("' to='")
        JID.write(peer, into: &output)
        output.append(0x27)
        if let type { attribute("type", type.octets) }
    }

    /// An attribute of the tag that is open. A value that came in one is written as it came.
    @inline(never)
    mutating func attribute(_ name: StaticString, _ value: Span<UInt8>) {
        output.append(0x20)
        output.append(name)
        output.append("='")
        var start = 0
        while let quote = value.firstIndex(of: 0x27, from: start) {
            output.append(value.extracting(start..<quote))
            output.append("&apos;")
            start = quote + 1
        }
        output.append(value.extracting(start..<value.count))
        output.append(0x27)
    }
}
