import CSP
import Octets
import Wire

/// For whom an attribute list is. Source: protocol/primitives.md §3.
enum PresenceAudience {
    /// Everybody for whom there is no other.
    case everybody
    /// Who is on one of the user's contact lists.
    case list(UInt8)
    case user(UInt32)

    /// What keys have of it.
    var rawValue: UInt8 {
        switch self {
        case .everybody: return 0
        case .list: return 1
        case .user: return 2
        }
    }

    var number: UInt32 {
        switch self {
        case .everybody: return 0
        case .list(let list): return UInt32(list)
        case .user(let user): return user
        }
    }
}

extension Records where Port: ~Copyable {
    /// What of a user's presence an audience may see without asking; nil when he never said.
    @inline(never)
    func attributeList(of user: UInt32, for audience: PresenceAudience) -> PresenceAttributes? {
        number(for: Key.attributeList(user, for: audience), UInt32.self).map { PresenceAttributes(rawValue: $0) }
    }

    /// The user behind `last`, 0 for the first, for whom there is an attribute list of his own.
    func userWithAttributeList(of user: UInt32, after last: UInt32) -> UInt32? {
        let prefix = Key.attributeLists(user)
        guard last < .max else { return nil }
        let start = Key.attributeList(user, for: .user(last + 1))
        guard let entry = store.entry(atOrAfter: start.span), entry.key.starts(with: prefix.span) else { return nil }
        var reader = RecordReader(entry.key.extracting(prefix.count + 1..<entry.key.count))
        return reader.integer()
    }
}

/// CreateAttributeList, DeleteAttributeList and GetAttributeList: what others may see without asking. In 1.3 they are not
/// among the functions, but still known, and served.
///
/// - Source: protocol/primitives.md §3.
extension People where Port: ~Copyable {
    /// CreateAttributeList-Request: says what the named may see; for each of them it takes the place of what was said.
    ///
    /// - Throws: 402 without PresenceSubList or anybody named, 750 for what is no attribute, 531 and 700 when nobody that
    ///   is named is there, 402 and 403 for the name of a list.
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
        // All names are looked at before the first is served.
        try change(.look, document, element, of: user, &mailboxes, &records)
        let before = records.openedWidely(by: user)
        let permissions = PermissionSnapshot(of: user, sessions, records)
        try change(.create(attributes), document, element, of: user, &mailboxes, &records)
        let opened = records.openedWidely(by: user).subtracting(before)
        settleCovered(of: user, &mailboxes, &records)
        permissionsChanged(of: user, since: permissions, &sessions, records)
        if attributes == .all && document.flag(.defaultList, in: element) == true
            || !attributes.intersection(.sensitive).intersection(opened).isEmpty
        {
            advisePrivacy(user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
        writer.status(.success)
    }

    /// DeleteAttributeList-Request: takes back what was said of the named; where nothing was said, that is no error.
    ///
    /// - Throws: as CreateAttributeList, but for whom there is nothing.
    /// - Source: CL-36.
    func deleteAttributeList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        try change(.look, document, element, of: user, mayBeNobody: true, &mailboxes, &records)
        let permissions = PermissionSnapshot(of: user, sessions, records)
        try change(.delete, document, element, of: user, mayBeNobody: true, &mailboxes, &records)
        permissionsChanged(of: user, since: permissions, &sessions, records)
        writer.status(.success)
    }

    private enum Change {
        /// Looks only whether what is named can be.
        case look
        case create(PresenceAttributes)
        case delete
    }

    /// Changes the lists of all whom a request names: users, contact lists, everybody.
    @inline(never)
    private func change(
        _ change: Change, _ document: borrowing Document, _ element: Document.Element, of user: UInt32,
        mayBeNobody: Bool = false, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) throws(Refusal) {
        var failure: StatusCode?
        var isAnybody = false
        if document.flag(.defaultList, in: element) == true {
            isAnybody = true
            self.change(change, of: user, for: .everybody, &mailboxes, &records)
        }
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            switch document.tag(of: child) {
            case .userID, .user:
                guard let named = records.user(document, in: child) else { continue }
                guard case .known(let other) = named else {
                    failure = failure ?? named.code
                    continue
                }
                isAnybody = true
                self.change(change, of: user, for: .user(other), &mailboxes, &records)
            case .contactList:
                let named = try records.named(document, child, of: user)
                guard let list = named.number else {
                    if !records.isPremade(named.name.span) { failure = failure ?? .contactListDoesNotExist }
                    continue
                }
                isAnybody = true
                self.change(change, of: user, for: .list(list), &mailboxes, &records)
            default: continue
            }
        }
        if isAnybody || mayBeNobody { return }
        throw failure.map { Refusal($0) } ?? Refusal(.badParameter, "names nobody")
    }

    @inline(never)
    private func change(
        _ change: Change, of user: UInt32, for audience: PresenceAudience, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        switch change {
        case .look: break
        case .create(let attributes):
            records.store(attributes.rawValue, for: Key.attributeList(user, for: audience))
            // What was asked about somebody is answered by what is said of him.
            if case .user(let watcher) = audience { settle(watcher, of: user, &mailboxes, &records) }
        case .delete: records.store.delete(Key.attributeList(user, for: audience).span)
        }
    }

    /// GetAttributeList-Request: what was said of the named; of everybody for whom there is something when it names none.
    ///
    /// - Throws: 402 and 403 for the name of a list, 700 for one that is not there, 531 for a user.
    func getAttributeList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        guard let account = records.account(of: user) else { throw Refusal(.forbidden) }
        writer.open(.getAttributeListResponse)
        writer.result(.success)
        let namesAny =
            document.first(.user, in: element) != nil || document.first(.userID, in: element) != nil
            || document.first(.contactList, in: element) != nil
        if document.flag(.defaultList, in: element) ?? !namesAny {
            writer.open(.defaultAttributeList)
            records.attributeList(of: user, for: .everybody)?.write(into: &writer)
            writer.close(.defaultAttributeList)
        }
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            switch document.tag(of: child) {
            case .user, .userID:
                guard let named = records.user(document, in: child) else { continue }
                guard case .known(let other) = named else { throw Refusal(named.code) }
                write(of: user, .user(other), account, records, into: &writer)
            case .contactList:
                let named = try records.named(document, child, of: user)
                guard let list = named.number else { throw Refusal(.contactListDoesNotExist) }
                write(of: user, .list(list), account, records, into: &writer)
            default: continue
            }
        }
        if !namesAny {
            var list: UInt8 = 0
            while let next = records.list(after: list, of: user) {
                list = next
                write(of: user, .list(list), account, records, into: &writer)
            }
            var other: UInt32 = 0
            while let next = records.userWithAttributeList(of: user, after: other) {
                other = next
                write(of: user, .user(other), account, records, into: &writer)
            }
        }
        writer.close(.getAttributeListResponse)
    }

    /// Writes `Presence` with whom an attribute list is for and what is on it; nothing when there is none.
    private func write(
        of user: UInt32, _ audience: PresenceAudience, _ account: Account, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        guard let attributes = records.attributeList(of: user, for: audience) else { return }
        // Somebody whom there is no more.
        if case .user(let other) = audience, records.account(of: other) == nil { return }
        writer.open(.presence)
        switch audience {
        case .everybody: break
        case .list(let list):
            if let list = records.contactList(list, of: user) {
                records.writeContactList(list.name.span, as: .contactList, of: account, into: &writer)
            }
        case .user(let other):
            if let account = records.account(of: other) { writer.text(.userID, account.display.span) }
        }
        attributes.write(into: &writer)
        writer.close(.presence)
    }
}
