import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// DeleteAttributeList-Request: takes back what was said of the named; where nothing was said, that is no error.
    ///
    /// - Throws: 402 and 403 for the name of a list.
    /// - Source: protocol/primitives.md §3, CL-36.
    func deleteAttributeList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        try NamedPeople.check(document, in: element, of: user, records)
        let permissions = PermissionSnapshot(of: user, sessions, records)
        if document.flag(.defaultList, in: element) == true {
            records.store.delete(Key.attributeList(user, for: .everybody).span)
        }
        var people = NamedPeople<Port>(document, in: element, of: user)
        while let target = try people.take(document, records) {
            switch target {
            case .user(let other): records.store.delete(Key.attributeList(user, for: .user(other)).span)
            case .list(let list): records.store.delete(Key.attributeList(user, for: .list(list)).span)
            case .premade: break
            }
        }
        permissionsChanged(of: user, since: permissions, &sessions, records)
        writer.status(.success)
    }
}
