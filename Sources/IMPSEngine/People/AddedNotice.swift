import CSP
import Octets
import Wire

/// Whether a user was told that somebody put him on a contact list; the number is part of keys.
enum AddedNotice: UInt8 {
    case waiting = 1
    case told
}

/// "B added you", once a pair. Source: SM-41, SM-48, protocol/system-message.md §5.2.
extension People where Port: ~Copyable {
    /// Somebody was put on a list of `owner`: he is told the first time, unless he has the owner on a list himself.
    func noteAdded(
        _ user: UInt32, by owner: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard user != owner, !user.isRemoteUser, records.letsThrough(owner, to: user),
            !isNoted(.told, user, owner, records),
            !isNoted(.waiting, user, owner, records)
        else { return }
        let isKnown = records.isContact(owner, of: user)
        records.store(UInt8(1), for: Key.addedNotice(user, isKnown ? .told : .waiting, by: owner))
        notify(user, of: owner, &sessions, mailboxes, &records)
        guard !isKnown else { return }
        tellAdded(user, &sessions, mailboxes, systemMessages, &records, &turn)
    }

    /// Tells a user of the next who put him on a list, when he is not being told of another.
    ///
    /// - Parameter isLogin: What he saw before and did not answer is over.
    func tellAdded(
        _ user: UInt32, isLogin: Bool = false, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let prefix = Key.addedNotices(user, .waiting)
        guard records.key(in: prefix, after: Key()) != nil,
            !systemMessages.isOpen(.added, of: user, evenIfShown: !isLogin, records)
        else { return }
        while let key = records.key(in: prefix, after: Key()) {
            var reader = RecordReader(key.span.extracting(prefix.count..<key.count))
            let owner: UInt32 = reader.integer()
            records.store.delete(key.span)
            guard records.account(of: owner) != nil else { continue }
            records.store(UInt8(1), for: Key.addedNotice(user, .told, by: owner))
            guard !records.isContact(owner, of: user) else { continue }
            systemMessages.notify(.added, owner, user, &sessions, mailboxes, &records, &turn)
            return
        }
    }

    private func isNoted(
        _ state: AddedNotice, _ user: UInt32, _ owner: UInt32, _ records: borrowing Records<Port>
    ) -> Bool {
        let key = Key.addedNotice(user, state, by: owner)
        return records.store.value(for: key.span) != nil
    }

    /// Puts somebody on a user's default list, because he said so when he was told of him.
    func addBack(
        _ owner: UInt32, for user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard records.account(of: owner) != nil else { return }
        var list = records.defaultList(of: user)
        if list == nil {
            var name = InlineBytes<100>()
            _ = name.append("contacts")
            do throws(Refusal) { list = try records.makeList(name, of: user) } catch { return }
        }
        guard let list, records.contactTotals(of: user).contacts < records.settings.contactsMax,
            records.contact(owner, on: list, of: user) == nil
        else { return }
        let before = records.permission(of: owner, for: user)
        records.put(owner, Contact(), on: list, of: user)
        added(owner, to: list, of: user, &sessions, mailboxes, systemMessages, &records, &turn)
        permissionChanged(of: user, for: owner, since: before, &sessions, records)
    }
}
