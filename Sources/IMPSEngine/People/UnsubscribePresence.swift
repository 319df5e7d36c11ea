import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// UnsubscribePresence-Request: a session is told no more of users, or of all on a list. Whom it does not watch is no
    /// error.
    ///
    /// - Throws: 402 and 403 for the name of a list.
    /// - Source: protocol/primitives.md §4, CL-36.
    func unsubscribePresence(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        try NamedPeople.check(document, in: element, of: user, records)
        var people = NamedPeople<Port>(document, in: element, of: user)
        while let target = try people.take(document, records) {
            switch target {
            case .user(let other): sessions.unsubscribe(slot, from: other, &mailboxes, &records)
            case .list(let list):
                records.store.delete(Key.subscription(slot, to: .list, UInt32(list)).span)
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    sessions.unsubscribe(slot, from: contact, &mailboxes, &records)
                }
            case .premade: break
            }
        }
        sessions[slot].presence.watches = records.hasSubscriptions(slot)
        writer.status(.success)
    }
}
