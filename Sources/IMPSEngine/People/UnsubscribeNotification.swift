import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// UnsubscribeNotification-Request: what a session does not subscribe to is no error.
    ///
    /// - Throws: 402 without a type, 501 for types that this server does not know.
    /// - Source: protocol/system-message.md §6.5.
    func unsubscribeNotification(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        try checkTypes(document, element)
        sessions.endNotifications(slot, &mailboxes, &records)
        sessions[slot].presence.watches = records.hasSubscriptions(slot)
        writer.status(.success)
    }
}
