import CSP
import Octets
import Wire

/// SubscribePresence and UnsubscribePresence. Source: protocol/primitives.md §4.
extension People where Port: ~Copyable {
    /// SubscribePresence-Request: a session wants to be told of the presence of users, or of all on its lists. It is told
    /// what there is now first.
    ///
    /// A list is watched with whoever is on it at any time when AutoSubscribe is T, else who is on it now.
    ///
    /// - Throws: 402 without anybody named, 750 for what is no attribute, 531, 516 and 700 when nobody that is named is
    ///   there, 402 and 403 for the name of a list.
    /// - Source: protocol/primitives.md §4.2, rules 1 to 5 and 11; CL-1, CL-3, CL-8, CL-36.
    func subscribePresence(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>,
        _ turn: borrowing Turn, into writer: inout Writer
    ) throws(Refusal) {
        let attributes = try PresenceAttributes.wanted(document, element)
        let isAutomatic = request.version > .v1_1 && document.flag(.autoSubscribe, in: element) == true
        let user = sessions[slot].user
        guard records.store.hasRoom else { throw Refusal(.messageQueueFull) }
        var failure: StatusCode?
        var isAnybody = false
        var visited = 0
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            switch document.tag(of: child) {
            case .user, .userID:
                guard let named = records.user(document, in: child) else { continue }
                guard case .known(let other) = named else {
                    failure = failure ?? named.code
                    continue
                }
                isAnybody = true
                try subscribe(slot, to: other, attributes, &sessions, &mailboxes, &records, turn)
            case .contactList:
                let named = try records.named(document, child, of: user)
                guard let list = named.number else {
                    guard records.isPremade(named.name.span) else {
                        failure = failure ?? .contactListDoesNotExist
                        continue
                    }
                    isAnybody = true
                    // What is put on it later is to be seen too.
                    if isAutomatic {
                        let list = try records.makeList(named.name, of: user)
                        subscribe(slot, toList: list, attributes, &sessions, &mailboxes, &records, turn, &visited)
                    }
                    continue
                }
                isAnybody = true
                if isAutomatic {
                    subscribe(slot, toList: list, attributes, &sessions, &mailboxes, &records, turn, &visited)
                    guard visited <= Limits.visitedCountMax else { throw Refusal(.badParameter, "too many lists") }
                    continue
                }
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    visited += 1
                    guard visited <= Limits.visitedCountMax else { throw Refusal(.badParameter, "too many lists") }
                    try subscribe(slot, to: contact, attributes, &sessions, &mailboxes, &records, turn)
                }
            default: continue
            }
        }
        guard isAnybody else { throw failure.map { Refusal($0) } ?? Refusal(.badParameter, "names nobody") }
        writer.status(.success)
    }

    private func subscribe(
        _ slot: UInt16, to other: UInt32, _ attributes: PresenceAttributes, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) throws(Refusal) {
        let user = sessions[slot].user
        guard records.subscribe(slot, user, to: other, attributes, &sessions[slot].presence) else {
            throw Refusal(.maximumNumberOfContactsReached, "more than a session may watch")
        }
        sessions[slot].presence.watches = true
        sessions.mark(other, for: slot, records)
        askForPermission(of: other, attributes, for: user, &sessions, mailboxes, &records, turn)
    }

    private func subscribe(
        _ slot: UInt16, toList list: UInt8, _ attributes: PresenceAttributes, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: borrowing Turn,
        _ visited: inout Int
    ) {
        let user = sessions[slot].user
        records.store(attributes.rawValue, for: Key.subscription(slot, to: .list, UInt32(list)))
        sessions[slot].presence.watches = true
        var last: UInt32 = 0
        while let contact = records.contact(after: last, on: list, of: user) {
            last = contact
            visited += 1
            sessions.mark(contact, for: slot, records)
            askForPermission(of: contact, attributes, for: user, &sessions, mailboxes, &records, turn)
        }
    }

    /// UnsubscribePresence-Request: a session is told no more of users, or of all on a list. Whom it does not watch is no
    /// error.
    ///
    /// - Throws: 402 and 403 for the name of a list.
    /// - Source: CL-36.
    func unsubscribePresence(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        var visited = 0
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            switch document.tag(of: child) {
            case .user, .userID:
                guard case .known(let other)? = records.user(document, in: child) else { continue }
                sessions.unsubscribe(slot, from: other, &mailboxes, &records)
            case .contactList:
                guard let list = try records.named(document, child, of: user).number else { continue }
                records.store.delete(Key.subscription(slot, to: .list, UInt32(list)).span)
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    visited += 1
                    guard visited <= Limits.visitedCountMax else { throw Refusal(.badParameter, "too many lists") }
                    sessions.unsubscribe(slot, from: contact, &mailboxes, &records)
                }
            default: continue
            }
        }
        sessions[slot].presence.watches = records.hasSubscriptions(slot)
        writer.status(.success)
    }
}
