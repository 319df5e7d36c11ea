import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// ListManage-Request: reads a contact list, puts people on it, takes them off, or changes its properties.
    ///
    /// - Throws: 700 when there is no such list, 402 and 403 for its name, 752 for a property, 403 for a change before a
    ///   question is answered, 531, 516 or 754 when nobody could be put on it.
    /// - Source: protocol/primitives.md §2; CL-3, CL-35.
    func listManage(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        let named = try records.named(document, document.first(.contactList, in: element), of: user)
        let adds = document.first(.addNickList, in: element)
        let removes = document.first(.removeNickList, in: element)
        let properties = document.first(.contactListProperties, in: element)
        let changes = adds != nil || removes != nil || properties != nil
        guard !changes || !sessions[slot].access.isRestricted else {
            throw Refusal(.forbidden, "first answer the message from the system")
        }
        if let properties { try Records<Port>.checkProperties(document, properties) }
        if let adds { try Records<Port>.checkNicknames(document, adds) }
        var number = named.number
        if number == nil {
            guard records.isPremade(named.name.span) else { throw Refusal(.contactListDoesNotExist) }
            if changes { number = try records.makeList(named.name, of: user) }
        }
        var outcome = StatusCode.success
        if let list = number {
            if let properties { try records.setProperties(document, properties, of: list, user) }
            if let removes { remove(document, removes, from: list, of: user, &sessions, &mailboxes, &records) }
            if let adds {
                try add(document, adds, to: list, of: user, &sessions, mailboxes, systemMessages, &records, &turn)
                outcome = records.outcome(document, adds, list, of: user)
                guard outcome.isSuccess else { throw Refusal(outcome) }
            }
        }
        // 1.1 gets what was asked for, a read both; later versions choose.
        let isFirst = writer.version == .v1_1
        let wantsList = isFirst ? properties == nil : document.flag(.receiveList, in: element) ?? !changes
        let wantsProperties = properties != nil || !changes && (isFirst || wantsList)
        writer.open(.listManageResponse)
        records.writeOutcome(outcome, document, adds, number ?? 0, of: user, into: &writer)
        if wantsList { records.writeNickList(number, of: user, into: &writer) }
        if wantsProperties {
            records.writeProperties(number.flatMap { records.contactList($0, of: user) }, into: &writer)
        }
        writer.close(.listManageResponse)
    }

    /// Takes off a list whom RemoveNickList names; who is not on it is no error.
    private func remove(
        _ document: borrowing Document, _ removes: Document.Element, from list: UInt8, of user: UInt32,
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        let hasAttributeList = records.attributeList(of: user, for: .list(list)) != nil
        var next = document.firstChild(of: removes)
        while let element = next {
            next = document.nextSibling(of: element)
            guard case .known(let contact) = records.user(document, in: element) else { continue }
            let before = hasAttributeList ? records.permission(of: contact, for: user) : nil
            takeOff(contact, list, of: user, sessions, &mailboxes, &records)
            guard let before else { continue }
            permissionChanged(of: user, for: contact, since: before, &sessions, records)
        }
    }
}
