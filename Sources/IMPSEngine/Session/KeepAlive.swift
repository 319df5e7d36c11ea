import CSP
import Octets
import Wire

extension Engine where Port: ~Copyable {
    /// KeepAlive-Request: always 200 with the time that holds, because S ignores other codes.
    ///
    /// - Source: protocol/session.md §5.
    mutating func keepAlive(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ now: Instant,
        into writer: inout Writer
    ) {
        if document.first(.timeToLive, in: element) != nil {
            let seconds = keepAliveSeconds(document.integer(.timeToLive, in: element))
            if seconds != sessions[slot].keepAliveSeconds {
                sessions[slot].keepAliveSeconds = seconds
                touch(slot, now)
                scheduleSweep(at: sessions[slot].expiresAt)
                storeSession(slot)
            }
        }
        writer.open(.keepAliveResponse)
        writer.result(.success)
        writer.integer(.keepAliveTime, UInt64(sessions[slot].keepAliveSeconds))
        writer.close(.keepAliveResponse)
    }

    /// The server's decision about a client's proposal. Source: protocol/session.md §5.
    func keepAliveSeconds(_ proposal: UInt64?) -> UInt32 {
        guard let proposal, proposal > 0 else { return settings.keepAliveDefault }
        return max(settings.keepAliveMin, UInt32(min(proposal, UInt64(settings.keepAliveMax))))
    }

    /// Seconds of silence that end a session: a fifth more than was agreed. Source: protocol/transport.md §5.
    func expirySeconds(_ keepAlive: UInt32) -> UInt64 {
        UInt64(keepAlive) + UInt64(keepAlive) / 5
    }

    /// Counts the time of a session from now.
    mutating func touch(_ slot: UInt16, _ now: Instant) {
        guard sessions[slot].closing == 0 else { return }
        sessions[slot].lastSeen = now
        sessions[slot].expiresAt = now.adding(seconds: expirySeconds(sessions[slot].keepAliveSeconds))
    }
}
