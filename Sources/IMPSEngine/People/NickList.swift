import CSP
import Octets
import Wire

/// Who is named in a request.
enum NamedUser: Equatable {
    case known(UInt32)
    case unknown
    /// He belongs to another domain.
    case foreign

    /// The code of a DetailedResult.
    var code: StatusCode {
        switch self {
        case .known: return .success
        case .unknown: return .unknownUser
        case .foreign: return .domainNotSupported
        }
    }
}

extension Records where Port: ~Copyable {
    /// The user whom an address names, in whatever form clients write it.
    @inline(never)
    func user(named name: Span<UInt8>) -> NamedUser {
        guard let address = Address(name, homeDomain: settings.domain.span), address.kind == .user else {
            return .unknown
        }
        guard address.isLocal || settings.isRemote(address) else { return .foreign }
        guard let account = account(address.canonical), account.kind != .upstream else { return .unknown }
        return .known(account.number)
    }

    /// The user whom a UserID in an element, or in a User in it, names; nil when there is none.
    @inline(never)
    func user(_ document: borrowing Document, in element: Document.Element) -> NamedUser? {
        guard let id = Records.userID(document, in: element) else { return nil }
        return user(named: document.word(of: id))
    }

    /// The UserID that an element is, has, or has in a User: `NickName{Name, UserID}`, `NickName{Name, User{UserID}}`,
    /// `User{UserID}` and `UserID` are all in use.
    ///
    /// - Source: protocol/clients.md §2.
    @inline(never)
    static func userID(_ document: borrowing Document, in element: Document.Element) -> Document.Element? {
        if document.tag(of: element) == .userID { return element }
        if let id = document.first(.userID, in: element) { return id }
        guard let user = document.first(.user, in: element) else { return nil }
        return document.first(.userID, in: user)
    }
}

/// NickList and AddNickList: people with their nicknames. Source: protocol/primitives.md §2.
extension Records where Port: ~Copyable {
    /// Puts everybody whom a NickList names on a list, as far as there is room, and says what became of it.
    ///
    /// - Throws: 402 for a nickname that is too long, before anything is changed.
    @inline(never)
    mutating func add(
        _ document: borrowing Document, _ nickList: Document.Element, to list: UInt8, of user: UInt32
    ) throws(Refusal) {
        try Records.checkNicknames(document, nickList)
        var left = Int(settings.contactsMax) - Int(contactTotals(of: user).contacts)
        var next = document.firstChild(of: nickList)
        while let element = next {
            next = document.nextSibling(of: element)
            guard case .known(let contact) = self.user(document, in: element) else { continue }
            let former = self.contact(contact, on: list, of: user)
            if former == nil {
                guard left > 0, store.hasRoom else { continue }
                left -= 1
            }
            var nickname = former ?? Contact()
            if let name = document.first(.name, in: element) { nickname = Contact(prefix: document.word(of: name)) }
            put(contact, nickname, on: list, of: user)
        }
    }

    /// Looks whether all nicknames can be kept.
    ///
    /// - Throws: 402 for one that is too long.
    static func checkNicknames(_ document: borrowing Document, _ nickList: Document.Element) throws(Refusal) {
        var next = document.firstChild(of: nickList)
        while let element = next {
            next = document.nextSibling(of: element)
            guard let name = document.first(.name, in: element), document.word(of: name).count > Contact.capacity
            else { continue }
            throw Refusal(.badParameter, "a nickname of more than 200 octets")
        }
    }

    /// What became of one whom a NickList named, afterwards.
    private func code(
        _ document: borrowing Document, _ element: Document.Element, _ list: UInt8, of user: UInt32
    ) -> StatusCode {
        guard let named = self.user(document, in: element) else { return .success }
        guard case .known(let contact) = named else { return named.code }
        return contact == 0 || self.contact(contact, on: list, of: user) == nil
            ? .maximumNumberOfContactsReached : .success
    }

    /// The code of a request that put people on a list: 200, 201 when some could not be, or the code of all.
    ///
    /// - Source: protocol/primitives.md §2, rule 5.
    @inline(never)
    func outcome(
        _ document: borrowing Document, _ nickList: Document.Element?, _ list: UInt8, of user: UInt32
    ) -> StatusCode {
        guard let nickList else { return .success }
        var worst = StatusCode.success
        var hasSuccess = false
        var next = document.firstChild(of: nickList)
        while let element = next {
            next = document.nextSibling(of: element)
            let code = code(document, element, list, of: user)
            if code == .success { hasSuccess = true } else { worst = code }
        }
        return worst == .success ? .success : hasSuccess ? .partialSuccess : worst
    }

    /// Writes Result; with 201, whom it could not be done for, by code.
    @inline(never)
    func writeOutcome(
        _ outcome: StatusCode, _ document: borrowing Document, _ nickList: Document.Element?, _ list: UInt8,
        of user: UInt32, into writer: inout Writer
    ) {
        guard outcome == .partialSuccess, let nickList else { return writer.result(outcome) }
        writer.open(.result)
        writer.integer(.code, UInt64(StatusCode.partialSuccess.rawValue))
        writer.text(.description, StatusCode.partialSuccess.meaning)
        writeFailed(.unknownUser, document, nickList, list, of: user, into: &writer)
        writeFailed(.domainNotSupported, document, nickList, list, of: user, into: &writer)
        writeFailed(.maximumNumberOfContactsReached, document, nickList, list, of: user, into: &writer)
        writer.close(.result)
    }

    @inline(never)
    private func writeFailed(
        _ code: StatusCode, _ document: borrowing Document, _ nickList: Document.Element, _ list: UInt8,
        of user: UInt32, into writer: inout Writer
    ) {
        var isOpen = false
        var next = document.firstChild(of: nickList)
        while let element = next {
            next = document.nextSibling(of: element)
            guard self.code(document, element, list, of: user) == code,
                let id = Records.userID(document, in: element)
            else { continue }
            if !isOpen {
                isOpen = true
                writer.open(.detailedResult)
                writer.integer(.code, UInt64(code.rawValue))
                writer.text(.description, code.meaning)
            }
            writer.text(.userID, document.word(of: id))
        }
        if isOpen { writer.close(.detailedResult) }
    }

    /// Writes NickList. Without a nickname, 1.1 gets the user part of the address, later versions the bare UserID.
    ///
    /// - Parameter list: nil for a list that nobody made.
    func writeNickList(_ list: UInt8?, of user: UInt32, into writer: inout Writer) {
        writer.open(.nickList)
        var last: UInt32 = 0
        while let list, let contact = contact(after: last, on: list, of: user) {
            last = contact
            guard let account = account(of: contact) else { continue }
            let nickname = self.contact(contact, on: list, of: user) ?? Contact()
            if nickname.isEmpty, writer.version > .v1_1 {
                writer.text(.userID, account.display.span)
                continue
            }
            writer.open(.nickName)
            if nickname.isEmpty {
                writer.text(.name, account.alias)
            } else {
                writer.text(.name, nickname.span)
            }
            writer.text(.userID, account.display.span)
            writer.close(.nickName)
        }
        writer.close(.nickList)
    }

    // MARK: Properties

    /// Takes over the properties of a request.
    ///
    /// - Throws: 752 for one that is not known, or a value that is none, before anything is changed.
    mutating func setProperties(
        _ document: borrowing Document, _ properties: Document.Element, of list: UInt8, _ user: UInt32
    ) throws(Refusal) {
        try Records.checkProperties(document, properties)
        var next = document.first(.property, in: properties)
        while let property = next {
            next = document.next(after: property)
            guard let name = document.word(.name, in: property) else { continue }
            if name.equalsIgnoringCase(StaticString("Default").octets) {
                if let isDefault = document.flag(.value, in: property) { setDefault(list, isDefault, of: user) }
            } else if var changed = contactList(list, of: user) {
                changed.displayName = InlineBytes()
                if let value = document.first(.value, in: property) {
                    changed.displayName = InlineBytes(prefix: document.word(of: value))
                }
                store(changed, list, of: user)
            }
        }
    }

    /// Looks whether all properties are known.
    ///
    /// - Throws: 752.
    static func checkProperties(
        _ document: borrowing Document, _ properties: Document.Element
    ) throws(Refusal) {
        var next = document.first(.property, in: properties)
        while let property = next {
            next = document.next(after: property)
            guard let name = document.word(.name, in: property) else {
                throw Refusal(.invalidOrUnsupportedContactListProperty, "Property without Name")
            }
            if name.equalsIgnoringCase(StaticString("Default").octets) {
                guard document.flag(.value, in: property) != nil else {
                    throw Refusal(.invalidOrUnsupportedContactListProperty, "Default is T or F")
                }
            } else {
                let count = document.first(.value, in: property).map { document.word(of: $0).count } ?? 0
                guard name.equalsIgnoringCase(StaticString("DisplayName").octets), count <= 200 else {
                    throw Refusal(.invalidOrUnsupportedContactListProperty)
                }
            }
        }
    }

    /// Writes ContactListProperties.
    ///
    /// - Parameter list: nil for a list that nobody made.
    func writeProperties(_ list: ContactList?, into writer: inout Writer) {
        writer.open(.contactListProperties)
        writer.open(.property)
        writer.text(.name, "DisplayName")
        if let list, !list.displayName.isEmpty {
            writer.text(.value, list.displayName.span)
        } else {
            writer.empty(.value)
        }
        writer.close(.property)
        writer.open(.property)
        writer.text(.name, "Default")
        writer.flag(.value, list?.isDefault ?? false)
        writer.close(.property)
        writer.close(.contactListProperties)
    }
}
