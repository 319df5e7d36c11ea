import CSP
import Octets
import Wire

/// Whether a user was told that somebody put him on a contact list; the number is a stored record.
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
        let key = Key.addedNotice(user, by: owner)
        guard user != owner, records.store.value(for: key.span) == nil, records.letsThrough(owner, to: user) else {
            return
        }
        let isKnown = records.isContact(owner, of: user)
        records.store(isKnown ? AddedNotice.told.rawValue : AddedNotice.waiting.rawValue, for: key)
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
        let prefix = Key.addedNotices(user)
        guard records.key(in: prefix, after: Key()) != nil,
            !systemMessages.isOpen(.added, of: user, evenIfShown: !isLogin, records)
        else { return }
        var last = Key()
        while let key = records.key(in: prefix, after: last) {
            last = key
            guard records.number(for: key, UInt8.self) == AddedNotice.waiting.rawValue else { continue }
            var reader = RecordReader(key.span.extracting(prefix.count..<key.count))
            let owner: UInt32 = reader.integer()
            records.store(AddedNotice.told.rawValue, for: key)
            guard records.account(of: owner) != nil, !records.isContact(owner, of: user) else { continue }
            systemMessages.notify(.added, owner, user, &sessions, mailboxes, &records, &turn)
            return
        }
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
        records.put(owner, Contact(), on: list, of: user)
        added(owner, to: list, of: user, &sessions, mailboxes, systemMessages, &records, &turn)
    }
}
