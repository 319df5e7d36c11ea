import CSP
import Octets
import Wire

extension Settings {
    /// The server's decision about a client's proposal. Source: protocol/session.md §5.
    func keepAliveSeconds(_ proposal: UInt64?) -> UInt32 {
        guard let proposal, proposal > 0 else { return keepAliveDefault }
        return max(keepAliveMin, UInt32(min(proposal, UInt64(keepAliveMax))))
    }
}

extension Session {
    /// Seconds of silence that end it: a fifth more than was agreed. Source: protocol/transport.md §5.
    var expirySeconds: UInt64 { UInt64(keepAliveSeconds) + UInt64(keepAliveSeconds) / 5 }
}

extension Sessions where Port: ~Copyable {
    /// KeepAlive-Request: always 200 with the time that holds, because S ignores other codes.
    ///
    /// - Source: protocol/session.md §5.
    mutating func keepAlive(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ records: inout Records<Port>,
        _ now: Instant, into writer: inout Writer
    ) {
        if document.first(.timeToLive, in: element) != nil {
            let seconds = records.settings.keepAliveSeconds(document.integer(.timeToLive, in: element))
            if seconds != table[slot].keepAliveSeconds {
                table[slot].keepAliveSeconds = seconds
                touch(slot, now)
                table.schedule(slot, at: table[slot].expiresAt)
                storeSession(slot, &records)
            }
        }
        writer.open(.keepAliveResponse)
        writer.result(.success)
        writer.integer(.keepAliveTime, UInt64(table[slot].keepAliveSeconds))
        writer.close(.keepAliveResponse)
    }

    /// Counts the time of a session from now.
    mutating func touch(_ slot: UInt16, _ now: Instant) {
        guard table[slot].closing == 0 else { return }
        table[slot].lastSeen = now
        table.heard(slot, from: table[slot].networkHash)
        table[slot].expiresAt = now.adding(seconds: table[slot].expirySeconds)
    }
}
