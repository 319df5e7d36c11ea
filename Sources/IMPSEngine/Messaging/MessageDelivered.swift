import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// MessageDelivered as a Request, after GetMessage: the message may go.
    ///
    /// - Throws: 402 without MessageID, 426 for a message that does not wait for this user.
    mutating func messageDelivered(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into writer: inout Writer
    ) throws(Refusal) {
        let sequence = try ownMessage(document, element, in: slot, sessions, records)
        guard wasSent(sequence, to: slot, sessions, records) else { throw Refusal(.invalidMessageID) }
        noteConfirms(slot, &sessions, &records)
        confirm(sequence, in: slot, &sessions, systemMessages, &records, &turn)
        writer.status(.success)
    }
}
