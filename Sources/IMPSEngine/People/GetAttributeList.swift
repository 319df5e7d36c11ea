import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetAttributeList-Request: what was said of the named; of everybody for whom there is something when it names none.
    ///
    /// - Throws: 402 and 403 for the name of a list, 531, 516 and 700 when nobody that is named is there.
    /// - Source: protocol/primitives.md §3.
    func getAttributeList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        guard let account = records.account(of: user) else { throw Refusal(.forbidden) }
        writer.open(.getAttributeListResponse)
        writer.result(.success)
        var people = NamedPeople<Port>(document, in: element, of: user)
        var target = try people.take(document, records)
        let namesAny = !people.isEmpty
        if document.flag(.defaultList, in: element) ?? !namesAny {
            writer.open(.defaultAttributeList)
            records.attributeList(of: user, for: .everybody)?.write(into: &writer)
            writer.close(.defaultAttributeList)
        }
        while let named = target {
            switch named {
            case .user(let other): write(of: user, .user(other), account, records, into: &writer)
            case .list(let list): write(of: user, .list(list), account, records, into: &writer)
            case .premade: break
            }
            target = try people.take(document, records)
        }
        if namesAny {
            try people.refuseIfNobody()
        } else {
            var list: UInt8 = 0
            while let next = records.list(after: list, of: user) {
                list = next
                write(of: user, .list(list), account, records, into: &writer)
            }
            var other: UInt32?
            while let next = records.userWithAttributeList(of: user, after: other) {
                other = next
                write(of: user, .user(next), account, records, into: &writer)
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
