import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// CreateList-Request: makes a contact list with who is on it.
    ///
    /// - Throws: 701 when there is one, 402 and 403 for its name, 752 for a property, 753 when there are too many.
    /// - Source: protocol/primitives.md §2.
    func createList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        let named = try records.named(document, document.first(.contactList, in: element), of: user)
        guard named.number == nil else { throw Refusal(.contactListAlreadyExists) }
        let properties = document.first(.contactListProperties, in: element)
        if let properties { try Records<Port>.checkProperties(document, properties) }
        let nickList = document.first(.nickList, in: element)
        if let nickList { try Records<Port>.checkNicknames(document, nickList) }
        let list = try records.makeList(named.name, of: user)
        if let properties { try records.setProperties(document, properties, of: list, user) }
        if let nickList {
            try add(document, nickList, to: list, of: user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
        // The list is there, whoever could not be put on it.
        let outcome = records.outcome(document, nickList, list, of: user)
        writer.open(.status)
        records.writeOutcome(
            outcome.isSuccess ? outcome : .partialSuccess, document, nickList, list, of: user, into: &writer)
        writer.close(.status)
    }

    /// Puts people on a list and does what follows from it: subscriptions to it are to them too, and they are told.
    @inline(never)
    func add(
        _ document: borrowing Document, _ nickList: Document.Element, to list: UInt8, of user: UInt32,
        _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) {
        // Attribute lists for a list are for whoever is on it.
        let permissions =
            records.attributeList(of: user, for: .list(list)) == nil
            ? nil : PermissionSnapshot(of: user, sessions, records)
        try records.add(document, nickList, to: list, of: user)
        var next = document.firstChild(of: nickList)
        while let element = next {
            next = document.nextSibling(of: element)
            guard case .known(let contact) = records.user(document, in: element),
                records.contact(contact, on: list, of: user) != nil
            else { continue }
            added(contact, to: list, of: user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
        if let permissions { permissionsChanged(of: user, since: permissions, &sessions, records) }
    }

    /// What follows when somebody was put on a list.
    @inline(never)
    func added(
        _ contact: UInt32, to list: UInt8, of user: UInt32, isByOperator: Bool = false,
        _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            guard let attributes = records.subscription(of: slot, to: .list, UInt32(list)) else { continue }
            beginWatching(contact, attributes, slot, &sessions, mailboxes, &records)
        }
        // What the operator does nobody is told.
        if !isByOperator {
            noteAdded(contact, by: user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
    }
}

extension StatusCode {
    /// It was done, or some of it.
    var isSuccess: Bool { rawValue < 400 }
}
