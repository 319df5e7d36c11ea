import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// GetMessage-Request: the message stays until MessageDelivered.
    ///
    /// - Throws: 402 without MessageID, 426 for a message that does not wait for this user.
    mutating func getMessage(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        let sequence = try ownMessage(document, element, in: slot, sessions, records)
        guard let header = records.messageHeader(sequence), !records.isExpired(header, turn.wall) else {
            expire(sequence, of: sessions[slot].user, &sessions, &records, &turn)
            throw Refusal(.invalidMessageID)
        }
        let recipient = records.account(of: sessions[slot].user)?.display ?? InlineBytes<100>()
        writer.open(.getMessageResponse)
        writer.messageInfo(sequence, header, recipient: recipient.span)
        records.writeContent(sequence, header, into: &writer)
        writer.close(.getMessageResponse)
        guard writer.output.freeCapacity > Limits.envelopeEndByteCount else { throw Refusal(.responseTooLarge) }
        sessions.noteFetched(sequence, in: slot, turn.now)
    }
}
