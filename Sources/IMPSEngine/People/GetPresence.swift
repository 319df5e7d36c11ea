import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetPresence-Request: what there is to see of users, or of all on lists, now.
    ///
    /// A stops for good when `Presence` is missing, and other clients when there is no Alias in one's own.
    ///
    /// - Throws: 402 when it names nobody, 403 for others before a question is answered, 506 for them without the
    ///   function, 531, 516 and 700 when nobody that is named is there, 750 for what is no attribute.
    /// - Source: protocol/primitives.md §4.2, rules 10 and 11; CL-4, CL-33.
    func getPresence(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let attributes = try PresenceAttributes.wanted(document, element)
        let user = sessions[slot].user
        writer.open(.getPresenceResponse)
        writer.result(.success)
        var people = NamedPeople<Port>(document, in: element, of: user)
        while let target = try people.take(document, records) {
            switch target {
            case .user(let other): try write(other, attributes, for: slot, sessions, records, into: &writer)
            case .list(let list):
                var last: UInt32 = 0
                while let contact = records.contact(after: last, on: list, of: user) {
                    last = contact
                    try write(contact, attributes, for: slot, sessions, records, into: &writer)
                }
            case .premade: break
            }
        }
        try people.refuseIfNobody()
        writer.close(.getPresenceResponse)
    }

    private func write(
        _ user: UInt32, _ attributes: PresenceAttributes, for slot: UInt16, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let watcher = sessions[slot].user
        if user != watcher {
            // The login of a client asks for its own presence, whatever it may do; that of others is a function.
            guard !sessions[slot].access.isRestricted else {
                throw Refusal(.forbidden, "first answer the message from the system")
            }
            guard sessions.isAgreed(.getPresenceRequest, in: slot) else { throw Refusal(.serviceNotAgreed) }
        }
        guard !writer.isOverflowed else { throw Refusal(.responseTooLarge) }
        _ = records.writePresence(
            of: user, attributes, records.permission(of: watcher, for: user),
            isOnline: sessions.isOnline(user, records), sessions.remotes.person(user), into: &writer)
    }
}
