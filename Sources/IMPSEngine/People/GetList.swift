import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetList-Request: the contact lists of a user, the default one apart from the others.
    ///
    /// It never fails, whatever the session may do: before it has an answer, A shows no message at all.
    ///
    /// - Source: protocol/primitives.md §2, rule 1; CL-2, CL-7.
    func getList(
        in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        let user = sessions[slot].user
        writer.open(.getListResponse)
        if let account = records.account(of: user) {
            var standard: ContactList?
            var hasPremade = records.settings.premadeList.isEmpty
            var last: UInt8 = 0
            while let number = records.list(after: last, of: user) {
                last = number
                guard let list = records.contactList(number, of: user) else { continue }
                if list.name.span.equalsIgnoringCase(records.settings.premadeList.span) { hasPremade = true }
                if list.isDefault {
                    standard = list
                } else {
                    records.writeContactList(list.name.span, as: .contactList, of: account, into: &writer)
                }
            }
            if !hasPremade {
                records.writeContactList(
                    records.settings.premadeList.span, as: .contactList, of: account, into: &writer)
            }
            if let standard {
                records.writeContactList(standard.name.span, as: .defaultContactList, of: account, into: &writer)
            }
        }
        writer.close(.getListResponse)
    }
}
