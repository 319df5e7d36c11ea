import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// GetMessageList-Request: what waits for the user, the newest first, as far as it fits.
    ///
    /// - Throws: 821 for the history of a group, 402 for a MessageCount that is no number.
    func getMessageList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard document.first(.groupID, in: element) == nil else { throw Refusal(.historyNotSupported) }
        var left = UInt64.max
        if let count = document.first(.messageCount, in: element) {
            guard let value = Decimal.parse(document.word(of: count)) else {
                throw Refusal(.badParameter, "MessageCount is a number")
            }
            left = value
        }
        let user = sessions[slot].user
        let recipient = records.account(of: user)?.display ?? InlineBytes<100>()
        writer.open(.getMessageListResponse)
        var sequence = UInt64.max
        while left > 0, let next = records.entryNumber(before: sequence, of: user) {
            sequence = next
            guard let entry = records.mailboxEntry(user, next), entry.kind == .message, entry.confirmationCount == 0,
                ownMessage(MessageID.text(next).span, in: slot, sessions, records) != nil,
                let header = records.messageHeader(next),
                !records.isExpired(header, turn.wall)
            else { continue }
            let mark = writer.mark
            writer.messageInfo(next, header, recipient: recipient.span)
            if writer.isOverflowed || writer.output.freeCapacity < Limits.envelopeEndByteCount * 2 {
                writer.rewind(to: mark)
                break
            }
            left -= 1
        }
        writer.close(.getMessageListResponse)
    }
}
