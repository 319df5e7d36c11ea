import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// CreateAttributeList-Request: says what the named may see; for each of them it takes the place of what was said.
    /// In 1.3 it is not among the functions, but still known, and served.
    ///
    /// - Throws: 402 without PresenceSubList or anybody named, 750 for what is no attribute, 531 and 700 when nobody that
    ///   is named is there, 402 and 403 for the name of a list.
    /// - Source: protocol/primitives.md §3.
    func createAttributeList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard let list = document.first(.presenceSubList, in: element) else {
            throw Refusal(.badParameter, "PresenceSubList missing")
        }
        let attributes = try PresenceAttributes.read(document, list)
        let user = sessions[slot].user
        guard records.store.hasRoom else { throw Refusal(.messageQueueFull) }
        let isForAll = document.flag(.defaultList, in: element) == true
        let named = try NamedPeople.check(document, in: element, of: user, records)
        if !isForAll { try named.refuseIfNobody() }
        let before = records.openedWidely(by: user)
        let permissions = PermissionSnapshot(of: user, sessions, records)
        if isForAll { records.store(attributes.rawValue, for: Key.attributeList(user, for: .everybody)) }
        var people = NamedPeople<Port>(document, in: element, of: user)
        while let target = try people.take(document, records) {
            switch target {
            case .user(let other):
                records.store(attributes.rawValue, for: Key.attributeList(user, for: .user(other)))
                records.keepRemote(other)
                // What was asked about somebody is answered by what is said of him.
                settle(other, of: user, &mailboxes, &records)
            case .list(let list): records.store(attributes.rawValue, for: Key.attributeList(user, for: .list(list)))
            case .premade: break
            }
        }
        let opened = records.openedWidely(by: user).subtracting(before)
        settleCovered(of: user, &mailboxes, &records)
        permissionsChanged(of: user, since: permissions, &sessions, records)
        if attributes == .all && isForAll
            || !attributes.intersection(.sensitive).intersection(opened).isEmpty
        {
            advisePrivacy(user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
        writer.status(.success)
    }
}
