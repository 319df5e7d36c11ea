import CSP
import Octets
import Wire

/// Commands of the operator about `People/`: profiles, contact lists, presence.
extension Engine where Port: ~Copyable {
    /// `user set NAME FIELD VALUE`: without a value, the field is taken away.
    mutating func setProfile(_ words: inout Words) throws(OperatorError) {
        let account = try operatorAccount(words.next().span)
        guard let field = ProfileField(name: words.next().span) else {
            throw .usage("user set NAME msisdn|first_name|last_name|email|offline_sender_policy|searchable VALUE")
        }
        let value = words.next()
        guard field.allows(value.span) else {
            throw .usage(
                "msisdn is + and 3 to 15 digits, offline_sender_policy all or contacts, searchable yes or no, others have 100 octets"
            )
        }
        guard records.store.hasRoom else { throw .storeFull }
        records.setProfile(account.number, field, value.span)
    }

    func operatorAccount(_ name: Span<UInt8>) throws(OperatorError) -> Account {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        return account
    }

    /// The profile of an account, in its line.
    func writeProfile(of user: UInt32, into output: inout FixedBytes) {
        var raw: UInt8 = 1
        while let field = ProfileField(rawValue: raw) {
            raw += 1
            if let value = records.profile(user, field) { output.field(field.name, value.span) }
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
        let isAdding = action.span.equals("add")
        let isRemoving = action.span.equals("remove")
        guard isAdding || isRemoving || action.span.equals("drop") else {
            throw .usage(
                "contacts list NAME, add NAME LIST CONTACT [NICKNAME], remove NAME LIST CONTACT, drop NAME LIST")
        }
        let name = words.next()
        var list = records.list(named: name.span, of: account.number)
        guard isAdding || isRemoving else {
            guard let list else { throw .usage("there is no such contact list") }
            people.drop(list, of: account.number, &sessions, &mailboxes, &records)
            return .done
        }
        let contact = try operatorAccount(words.next().span).number
        let nickname = words.next()
        if isAdding {
            guard records.store.hasRoom else { throw .storeFull }
            if list == nil {
                guard isListName(name.span) else {
                    throw .usage("the name of a list has 1 to 60 printable characters without blank, @ and /")
                }
                do throws(Refusal) {
                    list = try records.makeList(InlineBytes(prefix: name.span), of: account.number)
                } catch { throw .usage("as many contact lists as there may be") }
            }
            guard let list else { return .done }
            if records.contact(contact, on: list, of: account.number) == nil {
                guard records.contactTotals(of: account.number).contacts < records.settings.contactsMax else {
                    throw .usage("as many contacts as there may be")
                }
            }
            let before = records.permission(of: contact, for: account.number)
            records.put(contact, Contact(prefix: nickname.span), on: list, of: account.number)
            people.added(
                contact, to: list, of: account.number, isByOperator: true, &sessions, mailboxes, systemMessages,
                &records, &turn)
            people.permissionChanged(of: account.number, for: contact, since: before, &sessions, records)
        } else if let list {
            let before = records.permission(of: contact, for: account.number)
            people.takeOff(contact, list, of: account.number, sessions, &mailboxes, &records)
            people.permissionChanged(of: account.number, for: contact, since: before, &sessions, records)
        }
        return .done
    }

    private func isListName(_ name: Span<UInt8>) -> Bool {
        guard name.count > 0, name.count <= 60 else { return false }
        for index in name.indices {
            let octet = name[index]
            guard octet > 0x20, octet < 0x7F, octet != 0x40, octet != 0x2F else { return false }
        }
        return true
    }

    /// A line for each list and for each who is on it, of one user or of all.
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
            if let account = records.account(of: user) { output.field("owner", account.display.span) }
            output.field("list", contactList.name.span)
            if reader.isAtEnd {
                output.field("default", (contactList.isDefault ? "yes" : "no" as StaticString).octets)
                output.field("display_name", contactList.displayName.span)
                output.field("contacts", UInt64(contactList.contactCount))
            } else {
                let contact: UInt32 = reader.integer()
                if let account = records.account(of: contact) { output.field("user", account.display.span) }
                output.field("nickname", (records.contact(contact, on: list, of: user) ?? Contact()).span)
            }
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
