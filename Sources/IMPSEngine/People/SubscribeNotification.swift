import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// SubscribeNotification-Request: a session is told when something is done to its user.
    ///
    /// - Throws: 402 without a type, 501 for types that this server does not know.
    /// - Source: protocol/system-message.md §6.5.
    func subscribeNotification(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        try checkTypes(document, element)
        guard records.store.hasRoom else { throw Refusal(.messageQueueFull) }
        let key = Key.subscription(slot, to: .notification, NotificationType.addedToContactList.rawValue)
        records.store(UInt8(1), for: key)
        sessions[slot].presence.isNotified = true
        sessions[slot].presence.watches = true
        writer.status(.success)
    }
}
