import Octets

/// The room of who knows whom: contact lists, what may be seen of whom, presence, who is let through, search.
///
/// Nearly all of it is in the store. What a watcher has not been told yet belongs to his session (`SessionPresence`).
struct People<Port: StorePort & ~Copyable>: ~Copyable {
    /// Searches that may go on.
    var searches: Slab<SearchSession>

    init(_ searches: consuming Slab<SearchSession>) { self.searches = searches }

    /// Takes away all that there is of a user, because he is deleted.
    func removeUser(_ user: UInt32, _ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>) {
        var last: UInt8 = 0
        while let list = records.list(after: last, of: user) {
            last = list
            while let contact = records.contact(after: 0, on: list, of: user) {
                records.store.delete(Key.addedNotice(contact, .told, by: user).span)
                records.store.delete(Key.addedNotice(contact, .waiting, by: user).span)
                records.store.delete(Key.attributeList(contact, for: .user(user)).span)
                records.remove(contact, from: list, of: user)
            }
            records.store.delete(Key.contactList(user, list).span)
        }
        while let owner = records.owner(listing: user, after: nil) {
            while let list = records.list(with: user, of: owner, after: 0) {
                records.remove(user, from: list, of: owner)
                // Also when the other half is missing.
                records.store.delete(Key.listed(user, by: owner, list).span)
            }
            records.store.delete(Key.listed(user, by: owner, 0).span)
            var next = sessions.first(of: owner)
            while let slot = next {
                next = sessions.next(after: slot)
                records.store.delete(Key.subscription(slot, to: .user, user).span)
            }
        }
        records.removeAll(in: Key.attributeLists(user))
        records.removeAll(in: Key.presence(user))
        records.removeAll(in: Key.screening(user))
        records.removeAll(in: Key.authorizations(user))
        records.removeAll(in: Key.addedNotices(user))
        records.removeAll(in: Key.profile(user))
        records.removeNotification(of: user)
    }
}
