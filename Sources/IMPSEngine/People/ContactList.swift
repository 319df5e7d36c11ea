import CSP
import Octets
import Wire

/// A contact list of a user.
struct ContactList {
    var isDefault = false
    var contactCount: UInt16 = 0
    /// Its name, with the letters that its creator used. Source: CL-7.
    var name = InlineBytes<100>()
    /// The property DisplayName; empty when it was not set.
    var displayName = InlineBytes<200>()

    /// An empty list.
    init(name: InlineBytes<100>) { self.name = name }

    /// Reads a stored list; nil when the record is broken.
    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        isDefault = reader.integer(UInt8.self) & 1 != 0
        contactCount = reader.integer()
        name = reader.counted()
        displayName = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(isDefault ? 1 : 0)
        record.append(bigEndian: contactCount)
        record.append(counted: name.span)
        record.append(counted: displayName.span)
    }
}

/// Somebody on a contact list; the record is his nickname, empty when he has none.
typealias Contact = InlineBytes<200>

/// What a list in a request is: its name and, when it exists, its number.
struct NamedList {
    var name: InlineBytes<100>
    var number: UInt8?
}

/// Lists as they are stored: by owner and number; who is on which list is also found by who it is.
extension Records where Port: ~Copyable {
    // MARK: Lists

    @inline(never)
    func contactList(_ list: UInt8, of user: UInt32) -> ContactList? {
        let key = Key.contactList(user, list)
        guard let record = store.value(for: key.span) else { return nil }
        return ContactList(record)
    }

    @inline(never)
    mutating func store(_ contactList: ContactList, _ list: UInt8, of user: UInt32) {
        scratch.removeAll()
        contactList.write(into: &scratch)
        let key = Key.contactList(user, list)
        if let former = store.value(for: key.span), former.equals(scratch.span) { return }
        store.put(key.span, scratch)
    }

    /// The number of the list that follows `list`, 0 for the first; nil when it was the last.
    @inline(never)
    func list(after list: UInt8, of user: UInt32) -> UInt8? {
        number(in: Key.contactLists(user), after: list)
    }

    /// The list with this name, in any case of letters.
    @inline(never)
    func list(named name: Span<UInt8>, of user: UInt32) -> UInt8? {
        var last: UInt8 = 0
        while let list = list(after: last, of: user) {
            last = list
            if contactList(list, of: user)?.name.span.equalsIgnoringCase(name) == true { return list }
        }
        return nil
    }

    @inline(never)
    func defaultList(of user: UInt32) -> UInt8? {
        var last: UInt8 = 0
        while let list = list(after: last, of: user) {
            last = list
            if contactList(list, of: user)?.isDefault == true { return list }
        }
        return nil
    }

    /// How many lists a user has, and how many contacts on all of them.
    @inline(never)
    func contactTotals(of user: UInt32) -> (lists: UInt32, contacts: UInt32) {
        var totals: (lists: UInt32, contacts: UInt32) = (0, 0)
        var last: UInt8 = 0
        while let list = list(after: last, of: user) {
            last = list
            totals.lists += 1
            totals.contacts += UInt32(contactList(list, of: user)?.contactCount ?? 0)
        }
        return totals
    }

    /// Makes an empty list; the first one of a user is his default.
    ///
    /// - Throws: 753 when he has as many as he may.
    @inline(never)
    mutating func makeList(_ name: InlineBytes<100>, of user: UInt32) throws(Refusal) -> UInt8 {
        let most = min(settings.contactListsMax, 255)
        guard store.hasRoom else { throw Refusal(.messageQueueFull, "no room for contact lists") }
        guard contactTotals(of: user).lists < most else { throw Refusal(.maximumNumberOfContactListsReached) }
        var number: UInt8 = 1
        while contactList(number, of: user) != nil { number += 1 }
        var list = ContactList(name: name)
        list.isDefault = defaultList(of: user) == nil
        store(list, number, of: user)
        return number
    }

    /// Makes a list the default, and the one that was it an ordinary one; or the other way round.
    mutating func setDefault(_ list: UInt8, _ isDefault: Bool, of user: UInt32) {
        if isDefault, let former = defaultList(of: user), former != list { setDefault(former, false, of: user) }
        guard var changed = contactList(list, of: user), changed.isDefault != isDefault else { return }
        changed.isDefault = isDefault
        store(changed, list, of: user)
    }

    // MARK: Contacts

    /// The nickname of somebody on a list; nil when he is not on it.
    @inline(never)
    func contact(_ contact: UInt32, on list: UInt8, of user: UInt32) -> Contact? {
        let key = Key.contact(user, list, contact)
        guard let record = store.value(for: key.span) else { return nil }
        return Contact(prefix: record)
    }

    /// Whoever follows `contact` on a list, 0 for the first; nil when it was the last.
    @inline(never)
    func contact(after contact: UInt32, on list: UInt8, of user: UInt32) -> UInt32? {
        number(in: Key.contactList(user, list), after: contact)
    }

    /// Puts somebody on a list, or gives him another nickname.
    @inline(never)
    mutating func put(_ contact: UInt32, _ nickname: Contact, on list: UInt8, of user: UInt32) {
        let former = self.contact(contact, on: list, of: user)
        if let former, former.span.equals(nickname.span) { return }
        if former == nil, var changed = contactList(list, of: user) {
            changed.contactCount += 1
            store(changed, list, of: user)
            store(UInt8(1), for: Key.listed(contact, by: user, list))
        }
        scratch.removeAll()
        scratch.append(nickname.span)
        store.put(Key.contact(user, list, contact).span, scratch)
    }

    /// Takes somebody off a list; false when he is not on it.
    @inline(never)
    @discardableResult
    mutating func remove(_ contact: UInt32, from list: UInt8, of user: UInt32) -> Bool {
        guard store.delete(Key.contact(user, list, contact).span) else { return false }
        store.delete(Key.listed(contact, by: user, list).span)
        if var changed = contactList(list, of: user) {
            changed.contactCount -= min(1, changed.contactCount)
            store(changed, list, of: user)
        }
        return true
    }

    /// Whether an owner has somebody on any of his lists.
    @inline(never)
    func isContact(_ user: UInt32, of owner: UInt32) -> Bool { list(with: user, of: owner, after: 0) != nil }

    /// The next of an owner's lists that somebody is on, behind `list`; nil when there is none.
    @inline(never)
    func list(with user: UInt32, of owner: UInt32, after list: UInt8) -> UInt8? {
        number(in: Key.listed(user, by: owner), after: list)
    }

    /// The next user behind `owner` who has somebody on a list, or watches him; nil when there is none.
    @inline(never)
    func owner(listing user: UInt32, after owner: UInt32?) -> UInt32? {
        number(in: Key.listed(user), after: owner)
    }

    // MARK: Names

    /// The list of the session's user that an element names.
    ///
    /// - Throws: 402 for what is no name of a list, 403 for one of somebody else.
    /// - Source: protocol/primitives.md §2, rules 1 and 8.
    @inline(never)
    func named(
        _ document: borrowing Document, _ element: Document.Element?, of user: UInt32
    ) throws(Refusal) -> NamedList {
        guard let element else { throw Refusal(.badParameter, "ContactList missing") }
        let text = document.word(of: element)
        guard let address = Address(text, homeDomain: settings.domain.span), address.kind == .resource,
            let start = text.firstIndex(of: 0x2F)
        else { throw Refusal(.badParameter, "ContactList is wv:user/list@domain") }
        let canonical = address.canonical
        guard let own = self.address(of: user), let slash = canonical.firstIndex(of: 0x2F), address.isLocal,
            own.span.starts(with: canonical.extracting(0..<slash)), own.span[slash] == 0x40
        else { throw Refusal(.forbidden, "a contact list of somebody else") }
        let end = text.firstIndex(of: 0x40) ?? text.count
        let name = InlineBytes<100>(prefix: text.extracting(start + 1..<end))
        return NamedList(name: name, number: list(named: name.span, of: user))
    }

    /// Whether a list that nobody made is there all the same, empty: clients take it for granted. Source: CL-35.
    @inline(never)
    func isPremade(_ name: Span<UInt8>) -> Bool {
        let start: StaticString = "~pep1.0_"
        if name.count >= start.utf8CodeUnitCount,
            name.extracting(0..<start.utf8CodeUnitCount).equalsIgnoringCase(start.octets)
        {
            return true
        }
        return !settings.premadeList.isEmpty && name.equalsIgnoringCase(settings.premadeList.span)
    }

    /// Writes the address of a list.
    @inline(never)
    func writeContactList(_ name: Span<UInt8>, as tag: Tag, of account: Account, into writer: inout Writer) {
        writer.openText(tag)
        let display = account.display.span
        let at = display.firstIndex(of: 0x40) ?? display.count
        writer.appendText(display.extracting(0..<at))
        writer.appendText(StaticString("/").octets)
        writer.appendText(name)
        writer.appendText(display.extracting(at..<display.count))
        writer.closeText(tag)
    }
}
