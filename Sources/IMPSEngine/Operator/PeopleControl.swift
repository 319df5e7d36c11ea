import CSP
import Octets
import Wire

/// Commands of the operator about `People/`: profiles, contact lists, presence.
extension Engine where Port: ~Copyable {
    /// `user set NAME FIELD VALUE`: without a value, the field is taken away.
    mutating func setProfile(_ words: inout Words) throws(OperatorError) {
        let account = try operatorAccount(words.next().span)
        guard let field = ProfileField(name: words.next().span) else {
            throw .usage(
                "user set NAME msisdn|first_name|last_name|email|offline_sender_policy|searchable|notify|push_url|language VALUE"
            )
        }
        let value = words.next()
        try check(field, value.span)
        records.setProfile(account.number, field, value.span)
        if field == .number || field == .notify || field == .pushURL { records.tellAnew(account.number) }
    }

    @inline(never)
    func check(_ field: ProfileField, _ value: Span<UInt8>) throws(OperatorError) {
        guard field.allows(value) else {
            throw .usage(
                "msisdn is + and 3 to 15 digits, offline_sender_policy all or contacts, searchable yes or no, notify yes, no or a section, push_url an address of 200 octets, language as de, others have 100 octets"
            )
        }
        guard records.store.hasRoom else { throw .storeFull }
    }

    func operatorAccount(_ name: Span<UInt8>) throws(OperatorError) -> Account {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        return account
    }

    /// The profile of an account, in its line; in a list each field, so that all lines have the same.
    func writeProfile(of user: UInt32, isInList: Bool, into output: inout FixedBytes) {
        var raw: UInt8 = 1
        while let field = ProfileField(rawValue: raw) {
            raw += 1
            let value =
                field == .pushURL
                ? records.pushURL(of: user) : records.profile(user, field).map { InlineBytes(prefix: $0.span) }
            if value != nil || isInList { output.field(field.name, (value ?? InlineBytes()).span) }
        }
    }

    /// `contacts list|add|remove|drop NAME …`.
    mutating func executeContacts(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        var words = Words(command.line.span)
        _ = words.next()
        let action = words.next()
        let owner = words.next()
        if action.span.equals("list") {
            let prefix =
                owner.isEmpty
                ? Key.kind(RecordKind.contactList) : Key.contactLists(try operatorAccount(owner.span).number)
            return listContacts(in: prefix, &command, into: &output)
        }
        let account = try operatorAccount(owner.span)
        let name = words.next()
        if action.span.equals("add") {
            let contact = words.next()
            try addContact(contact.span, words.next().span, to: name.span, of: account, &turn)
            return .done
        }
        let isRemoving = action.span.equals("remove")
        guard isRemoving || action.span.equals("drop") else {
            throw .usage(
                "contacts list NAME, add NAME LIST CONTACT [NICKNAME], remove NAME LIST CONTACT, drop NAME LIST")
        }
        guard let list = records.list(named: name.span, of: account.number) else {
            throw .usage("there is no such contact list")
        }
        guard isRemoving else {
            people.drop(list, of: account.number, &sessions, &mailboxes, &records)
            return .done
        }
        let contact = try operatorAccount(words.next().span).number
        let before = records.permission(of: contact, for: account.number)
        people.takeOff(contact, list, of: account.number, sessions, &mailboxes, &records)
        people.permissionChanged(of: account.number, for: contact, since: before, &sessions, records)
        return .done
    }

    /// Puts somebody on a list, which is made when there is none; nobody is told.
    ///
    /// - Parameters:
    ///   - displayName: That of a list that is made.
    ///   - isRehearsal: Only looks whether it can be done.
    @inline(never)
    mutating func addContact(
        _ contact: Span<UInt8>, _ nickname: Span<UInt8>, to name: Span<UInt8>, _ displayName: Span<UInt8> = Span(),
        of account: Account, isRehearsal: Bool = false, _ turn: inout Turn
    ) throws(OperatorError) {
        let owner = account.number
        guard isListName(name) else {
            throw .usage("the name of a list has 1 to 60 printable characters without blank, @ and /")
        }
        guard records.store.hasRoom else { throw .storeFull }
        // An empty list is one without a contact.
        let contact = contact.count == 0 ? nil : try operatorAccount(contact).number
        let former = records.list(named: name, of: owner)
        let totals = records.contactTotals(of: owner)
        guard former != nil || totals.lists < min(records.settings.contactListsMax, 255) else {
            throw .usage("as many contact lists as there may be")
        }
        if let contact, former.map({ records.contact(contact, on: $0, of: owner) == nil }) ?? true {
            guard totals.contacts < records.settings.contactsMax else {
                throw .usage("as many contacts as there may be")
            }
        }
        guard !isRehearsal else { return }
        var list = former
        if list == nil {
            do throws(Refusal) { list = try records.makeList(InlineBytes(prefix: name), of: owner) } catch {}
            if let list, var made = records.contactList(list, of: owner) {
                made.displayName = InlineBytes(prefix: displayName)
                records.store(made, list, of: owner)
            }
        }
        guard let list, let contact else { return }
        let before = records.permission(of: contact, for: owner)
        records.put(contact, Contact(prefix: nickname), on: list, of: owner)
        people.added(
            contact, to: list, of: owner, isByOperator: true, &sessions, mailboxes, systemMessages, &records, &turn)
        people.permissionChanged(of: owner, for: contact, since: before, &sessions, records)
    }

    private func isListName(_ name: Span<UInt8>) -> Bool {
        guard name.count > 0, name.count <= 60 else { return false }
        for index in name.indices {
            let octet = name[index]
            guard octet > 0x20, octet < 0x7F, octet != 0x40, octet != 0x2F else { return false }
        }
        return true
    }

    /// A line for each who is on a list, of one user or of all.
    private func listContacts(
        in prefix: Key, _ command: inout ControlCommand, into output: inout FixedBytes
    ) -> ControlProgress {
        while output.freeCapacity > 2048 {
            guard let key = records.key(in: prefix, after: command.lastKey) else { return .done }
            command.lastKey = key
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            let list: UInt8 = reader.integer()
            guard let contactList = records.contactList(list, of: user) else { continue }
            // A list is told of with those who are on it, and by itself when it is empty.
            let contact: UInt32? = reader.isAtEnd ? nil : reader.integer()
            guard (contact == nil) == (contactList.contactCount == 0) else { continue }
            output.field("owner", records.display(of: user).span)
            output.field("list", contactList.name.span)
            output.field("default", (contactList.isDefault ? "yes" : "no" as StaticString).octets)
            output.field("display_name", contactList.displayName.span)
            output.field("user", (contact.map { records.display(of: $0) } ?? InlineBytes()).span)
            output.field("nickname", (contact.flatMap { records.contact($0, on: list, of: user) } ?? Contact()).span)
            output.endRecord()
        }
        return .more
    }

    /// `presence NAME`: whether a user is there, and what he says of himself.
    func showPresence(_ name: Span<UInt8>, into output: inout FixedBytes) throws(OperatorError) {
        let account = try operatorAccount(name)
        output.field("user", account.display.span)
        output.field("attribute", PresenceAttribute.onlineStatus.tag.name.octets)
        output.field("valid", StaticString("yes").octets)
        output.field("value", (sessions.isOnline(account.number, records) ? "T" : "F" as StaticString).octets)
        output.field("there", (sessions.isThere(account.number) ? "yes" : "no" as StaticString).octets)
        output.endRecord()
        var next: PresenceAttribute? = .registration
        while let attribute = next {
            next = attribute.next
            let key = Key.presence(account.number, attribute)
            guard let record = records.store.value(for: key.span) else { continue }
            output.field("user", account.display.span)
            output.field("attribute", attribute.tag.name.octets)
            output.field("valid", (record.count > 0 && record[0] == 1 ? "yes" : "no" as StaticString).octets)
            if let text = PresenceValue.text(record) {
                output.field("value", text.extracting(0..<min(100, text.count)))
            }
            output.endRecord()
        }
    }

    /// `watchers NAME`: who watches a user now, who asked to, and what became of it.
    func listWatchers(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        let user = try operatorAccount(name).number
        while output.freeCapacity > 512 {
            // First who watches, by the number of the last; then what he was asked of others.
            let last: UInt32? = command.count == 0 ? nil : UInt32(truncatingIfNeeded: command.count - 1)
            if command.position == 0 {
                guard let watcher = records.owner(listing: user, after: last) else {
                    command.position = 1
                    command.count = 0
                    continue
                }
                command.count = UInt64(watcher) + 1
                guard people.isWatching(watcher, user, sessions, records), let account = records.account(of: watcher)
                else { continue }
                output.field("watcher", account.display.span)
                output.field("state", StaticString("WATCHES").octets)
                output.field("attributes", UInt64(records.permission(of: watcher, for: user).count))
            } else {
                guard let watcher = records.watcher(askedOf: user, after: last ?? 0) else { return .done }
                command.count = UInt64(watcher) + 1
                guard let account = records.account(of: watcher),
                    let authorization = records.authorization(of: user, for: watcher)
                else { continue }
                output.field("watcher", account.display.span)
                output.field("state", authorization.state.name.octets)
            }
            output.endRecord()
        }
        return .more
    }
}
