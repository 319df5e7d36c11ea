import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// DeleteList-Request: takes a contact list away, with the subscriptions and the attribute list for it.
    ///
    /// - Throws: 700 when there is none, 402 and 403 for its name.
    /// - Source: protocol/primitives.md §2, rule 7.
    func deleteList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        let named = try records.named(document, document.first(.contactList, in: element), of: user)
        guard let list = named.number else {
            guard records.isPremade(named.name.span) else { throw Refusal(.contactListDoesNotExist) }
            return writer.status(.success)
        }
        drop(list, of: user, &sessions, &mailboxes, &records)
        writer.status(.success)
    }

    /// Takes a list away; another one is the default, when it was that.
    @inline(never)
    func drop(
        _ list: UInt8, of user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        let wasDefault = records.contactList(list, of: user)?.isDefault ?? false
        let hasAttributeList = records.attributeList(of: user, for: .list(list)) != nil
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            records.store.delete(Key.subscription(slot, to: .list, UInt32(list)).span)
        }
        while let contact = records.contact(after: 0, on: list, of: user) {
            let before = hasAttributeList ? records.permission(of: contact, for: user) : nil
            takeOff(contact, list, of: user, sessions, &mailboxes, &records)
            guard let before else { continue }
            permissionChanged(of: user, for: contact, since: before, &sessions, records)
        }
        records.store.delete(Key.attributeList(user, for: .list(list)).span)
        records.store.delete(Key.contactList(user, list).span)
        if wasDefault, let other = records.list(after: 0, of: user) { records.setDefault(other, true, of: user) }
    }

    /// Takes somebody off a list; whoever watches him by himself goes on. Who does not is not asked about any more.
    @inline(never)
    func takeOff(
        _ contact: UInt32, _ list: UInt8, of user: UInt32, _ sessions: borrowing Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard records.remove(contact, from: list, of: user), !records.isContact(contact, of: user) else { return }
        if contact.isRemoteUser { records.endRemoteSubscription(of: user, to: contact) }
        if records.isSubscribed(user, to: contact, sessions) {
            records.store(UInt8(1), for: Key.listed(contact, by: user, 0))
        } else {
            mailboxes.dropQuestion(to: contact, about: user, &records)
        }
    }
}
