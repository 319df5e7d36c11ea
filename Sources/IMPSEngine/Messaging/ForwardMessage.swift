import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// ForwardMessage-Request: a message that waits goes to somebody else instead.
    ///
    /// - Throws: as `sendMessage`, and 426 for a message that does not wait for this user.
    /// - Source: protocol/primitives.md §6.1; §6.2, rule 7 (report 541).
    mutating func forwardMessage(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ systemMessages: inout SystemMessages<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        let original = try ownMessage(document, element, in: slot, sessions, records)
        guard var header = records.messageHeader(original), let account = records.account(of: sessions[slot].user)
        else {
            throw Refusal(.invalidMessageID)
        }
        var deliveries = try recipients(
            document, element, from: slot, header.contentByteCount, sessions, &systemMessages, records, &turn)
        refuseToRemotes(header, &deliveries)
        guard !deliveries.includesSystem else { throw Refusal(.badParameter, "the system takes no messages of others") }
        try refuseIfNobody(deliveries, in: slot, sessions)
        let sequence = records.takeSequence()
        let originalByteCount = header.byteCount
        header.sender = account.display
        header.senderNumber = account.number
        header.wantsReport = false
        header.validity = 0
        header.campaign = 0
        header.generation = 0
        header.remoteID = InlineBytes()
        header.written = 0
        header.recipientCount = 0
        accept(&header, sequence, MessageContent(Span()), deliveries, &sessions, &records, turn)
        copyContent(of: original, from: originalByteCount, to: sequence, &records)
        report(.messageForwarded, about: original, to: sessions[slot].user, &sessions, &records, turn.wall)
        sessions.forget(original, in: slot)
        removeEntry(original, of: sessions[slot].user, &records)
        if deliveries.failureCount == 0 {
            writer.status(.success)
        } else {
            writer.open(.status)
            writeResult(document, request, deliveries, records, into: &writer)
            writer.close(.status)
        }
    }

    /// Gives a message that was stored without content the content of another, each piece one place further on.
    private func copyContent(
        of original: UInt64, from headerByteCount: Int, to sequence: UInt64, _ records: inout Records<Port>
    ) {
        var piece: UInt8 = 0
        while piece < .max {
            records.scratch.removeAll()
            let key = Key.message(original, piece: piece)
            Records<Port>.append(
                key, in: records.store, skipping: piece == 0 ? headerByteCount : 0, to: &records.scratch)
            guard records.scratch.count > 0 else { return }
            piece += 1
            records.store.put(Key.message(sequence, piece: piece).span, records.scratch)
        }
    }
}
