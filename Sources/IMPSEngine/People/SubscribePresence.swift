import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// SubscribePresence-Request: a session wants to be told of the presence of users, or of all on its lists. It is told
    /// what there is now first.
    ///
    /// A list is watched with whoever is on it at any time when AutoSubscribe is T, else who is on it now.
    ///
    /// - Throws: 402 without anybody named, 750 for what is no attribute, 531, 516 and 700 when nobody that is named is
    ///   there, 402 and 403 for the name of a list; 754 for more than a session may watch, of whom the first are watched.
    /// - Source: protocol/primitives.md §4.2, rules 1 to 5 and 11; CL-1, CL-3, CL-8, CL-36.
    func subscribePresence(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>,
        into writer: inout Writer
    ) throws(Refusal) {
        let attributes = try PresenceAttributes.wanted(document, element)
        let isAutomatic = request.version > .v1_1 && document.flag(.autoSubscribe, in: element) == true
        let user = sessions[slot].user
        guard records.store.hasRoom else { throw Refusal(.messageQueueFull) }
        try NamedPeople.check(document, in: element, of: user, records).refuseIfNobody()
        sessions[slot].presence.watches = true
        var people = NamedPeople<Port>(document, in: element, of: user)
        while let target = try people.take(document, records) {
            switch target {
            case .user(let other): try subscribe(slot, to: other, attributes, &sessions, mailboxes, &records)
            case .list(let list) where isAutomatic:
                records.store(attributes.rawValue, for: Key.subscription(slot, to: .list, UInt32(list)))
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    beginWatching(contact, attributes, slot, &sessions, mailboxes, &records)
                }
            case .list(let list):
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    try subscribe(slot, to: contact, attributes, &sessions, mailboxes, &records)
                }
            case .premade(let name):
                // What is put on it later is to be seen too.
                guard isAutomatic else { continue }
                let list = try records.makeList(name, of: user)
                records.store(attributes.rawValue, for: Key.subscription(slot, to: .list, UInt32(list)))
            }
        }
        // Who named only lists without anybody on them watches nobody.
        sessions[slot].presence.watches = records.hasSubscriptions(slot)
        writer.status(.success)
    }

    private func subscribe(
        _ slot: UInt16, to other: UInt32, _ attributes: PresenceAttributes, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>
    ) throws(Refusal) {
        guard records.subscribe(slot, sessions[slot].user, to: other, attributes, &sessions[slot].presence) else {
            throw Refusal(.maximumNumberOfContactsReached, "more than a session may watch")
        }
        beginWatching(other, attributes, slot, &sessions, mailboxes, &records)
    }

    /// What follows when a session begins to watch somebody: it is told of him, and he is asked for what it may not see.
    @inline(never)
    func beginWatching(
        _ other: UInt32, _ attributes: PresenceAttributes, _ slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        sessions.mark(other, for: slot)
        askForPermission(of: other, attributes, for: sessions[slot].user, &sessions, mailboxes, &records)
    }
}
