import CSP
import Octets
import Wire

/// Looking at an upstream for clients that are called: it only knows polling, so this server asks it whether something
/// waits, by a KeepAlive-Request, and looks at the Poll flag of the answer. What waits stays there until the client has
/// come for it, so nothing has to be kept here.
extension Engine where Port: ~Copyable {
    /// Whether a look is due.
    public var hasWatches: Bool { gateway.hasWatches }

    /// Writes the next look; its place, or nil when none is due or as many relays are under way as can be.
    public mutating func nextWatch(_ turn: borrowing Turn, into writer: inout Writer) -> Int? {
        // One place is left for clients, who wait.
        while gateway.relayCount + 1 < gateway.relays.count, let place = gateway.freeRelay(),
            let slot = gateway.takeWatch()
        {
            guard slot < sessions.end, sessions[slot].isOpen, sessions[slot].isRelayed else { continue }
            guard sessions.isTold(slot), let record = records.upstreamRecord(of: slot) else {
                gateway.goOnWatching(slot, &sessions, turn.now)
                continue
            }
            let upstream = Int(sessions[slot].upstream.place) - 1
            guard var relay = gateway.relay(.watch, to: upstream, sessions[slot].version, turn.now) else {
                gateway.goOnWatching(slot, &sessions, turn.now)
                continue
            }
            relay.slot = slot
            relay.session = sessions[slot].number
            relay.sessionHash = Hash64(record.id.span).value
            beginUpstreamMessage(relay, into: &writer)
            var envelope = Envelope(sessionID: record.id.span, into: &writer)
            // Not one that it had before, or an upstream might take it for a repeat.
            let id = sessions[slot].transactionID(turn.now.milliseconds)
            relay.ask(id.span)
            envelope.openTransaction(.request, id: id.span, into: &writer)
            writer.empty(.keepAliveRequest)
            envelope.closeTransaction(into: &writer)
            envelope.close(poll: nil, into: &writer)
            gateway.relays[place] = relay
            return place
        }
        return nil
    }

    /// The upstream says whether something waits.
    mutating func watchAnswered(
        _ document: borrowing Document, _ relay: Relay, _ hasSession: Bool, isEmpty: Bool, _ turn: inout Turn
    ) -> Reply {
        guard hasSession else { return .empty }
        let code = isEmpty ? 0 : self.code(document)
        if code == UInt64(StatusCode.invalidSession.rawValue) {
            sessions.disconnect(relay.slot, .sessionExpired, &mailboxes, &records, &turn)
            return .empty
        }
        // What says that the session is over waits too.
        if !isEmpty, hasMore(document) || code >= UInt64(StatusCode.sessionExpired.rawValue) {
            gateway.note(hasMore: true, relay.slot, &sessions)
            sessions.call(relay.slot)
        }
        gateway.goOnWatching(relay.slot, &sessions, turn.now)
        return .empty
    }

    /// The code of the first answer, or of a Disconnect; 0 for none.
    private func code(_ document: borrowing Document) -> UInt64 {
        guard let root = document.root, let session = document.first(.session, in: root),
            let transaction = document.first(.transaction, in: session),
            let content = document.first(.transactionContent, in: transaction),
            let element = document.firstChild(of: content)
        else { return 0 }
        return document.resultCode(in: element)
    }
}
