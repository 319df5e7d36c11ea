import CSP
import Octets
import Wire

/// What a session may be notified of that others do to its user; the number is part of keys.
///
/// - Source: protocol/system-message.md §6.5. Of the words there only this one's meaning is known.
enum NotificationType: UInt32 {
    /// Somebody put the user on a contact list.
    case addedToContactList = 1

    static var name: StaticString { "ATCL" }
}

extension People where Port: ~Copyable {
    /// A request with a type that is not known does nothing: who asked for it would wait in vain.
    func checkTypes(_ document: borrowing Document, _ element: Document.Element) throws(Refusal) {
        var next = document.first(.notificationTypeList, in: element).flatMap { document.firstChild(of: $0) }
        guard next != nil else { throw Refusal(.badParameter, "name what to be notified of") }
        while let type = next {
            next = document.nextSibling(of: type)
            guard document.tag(of: type) == .notificationType else { continue }
            guard document.word(of: type).equals(NotificationType.name) else {
                throw Refusal(.notImplemented, "this server notifies of ATCL")
            }
        }
    }

    /// Notifies the sessions of a user that want it that `owner` put him on a list.
    func notify(
        _ user: UInt32, of owner: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        guard sessions.isNotified(user) else { return }
        mailboxes.enqueue(.notification, about: owner, records.takeSequence(), for: user, &sessions, &records)
    }
}

extension Sessions where Port: ~Copyable {
    /// Whether a session of a user is notified.
    func isNotified(_ user: UInt32) -> Bool {
        var next = first(of: user)
        while let slot = next {
            next = self.next(after: slot)
            if table[slot].presence.isNotified { return true }
        }
        return false
    }

    /// A session is notified no more; what waits and is for no other session of its user goes.
    mutating func endNotifications(
        _ slot: UInt16, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard table[slot].presence.isNotified else { return }
        table[slot].presence.isNotified = false
        let key = Key.subscription(slot, to: .notification, NotificationType.addedToContactList.rawValue)
        records.store.delete(key.span)
        let user = table[slot].user
        guard !isNotified(user) else { return }
        var sequence: UInt64 = 0
        while let next = records.entryNumber(after: sequence, of: user) {
            sequence = next
            guard records.mailboxEntry(user, next)?.kind == .notification else { continue }
            forget(next, in: slot)
            mailboxes.removeEntry(next, of: user, &records)
        }
    }
}

extension Records where Port: ~Copyable {
    /// Writes Notification-Request for an entry; false when who did something is gone.
    func writeNotification(_ sequence: UInt64, into writer: inout Writer) -> Bool {
        guard let owner = people(sequence, .notification)?.other, let account = account(of: owner) else { return false }
        writer.open(.notificationRequest)
        writer.text(.notificationType, NotificationType.name)
        writer.open(.user)
        writer.text(.userID, account.display.span)
        writer.close(.user)
        writer.close(.notificationRequest)
        return true
    }
}
