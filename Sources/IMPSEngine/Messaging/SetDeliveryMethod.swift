import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// SetDeliveryMethod-Request: how messages reach this session from now on.
    ///
    /// - Throws: 402 without a method, 800 for a group.
    func setDeliveryMethod(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard document.first(.groupID, in: element) == nil else { throw Refusal(.groupDoesNotExist) }
        guard let word = document.first(.deliveryMethod, in: element),
            let method = DeliveryMethod(document.word(of: word))
        else { throw Refusal(.badParameter, "DeliveryMethod is P or N") }
        sessions[slot].delivery.method = method
        if let length = document.integer(.acceptedContentLength, in: element) {
            sessions[slot].setAcceptedContentLength(length)
        }
        sessions.storeSession(slot, &records)
        writer.status(.success)
    }
}
