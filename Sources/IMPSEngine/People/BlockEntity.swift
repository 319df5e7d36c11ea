import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// BlockEntity-Request, in 1.1 BlockUser-Request: changes whom a user lets through: what reaches him, and who sees him.
    ///
    /// - Throws: 402 for what is no address, or for more entries than there may be.
    /// - Source: protocol/primitives.md §5; protocol/clients.md §2.
    func blockEntity(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        // All of it is looked at before any is done: what is refused leaves everything as it was.
        try check(.block, document, element, of: user, records)
        try check(.grant, document, element, of: user, records)
        let before = PermissionSnapshot(of: user, sessions, records)
        change(.block, document, element, of: user, &records)
        change(.grant, document, element, of: user, &records)
        permissionsChanged(of: user, since: before, &sessions, records)
        writer.status(.success)
    }

    /// Looks whether each entry is one, and whether there is room for those that come.
    private func check(
        _ list: ScreeningList, _ document: borrowing Document, _ element: Document.Element, of user: UInt32,
        _ records: borrowing Records<Port>
    ) throws(Refusal) {
        guard let changes = document.first(list.tag, in: element) else { return }
        var count: UInt32 = 0
        count += try check(list, document, document.first(.entityList, in: changes), of: user, records)
        count += try check(list, document, document.first(.addList, in: changes), of: user, records)
        _ = try check(list, document, document.first(.removeList, in: changes), of: user, records)
        guard count > 0 else { return }
        guard records.screenedCount(of: user) + count <= Limits.screenedCountMax, records.store.hasRoom else {
            throw Refusal(.badParameter, "too many entries")
        }
    }

    /// The entries that are not on the list yet.
    private func check(
        _ list: ScreeningList, _ document: borrowing Document, _ entities: Document.Element?, of user: UInt32,
        _ records: borrowing Records<Port>
    ) throws(Refusal) -> UInt32 {
        var count: UInt32 = 0
        var next = entities.flatMap { document.firstChild(of: $0) }
        while let element = next {
            next = document.nextSibling(of: element)
            guard let entity = ScreenedEntity(document, element) else { continue }
            guard let key = entity.key(of: user, on: list, document, records) else {
                throw Refusal(.badParameter, "no address")
            }
            if records.store.value(for: key.span) == nil { count += 1 }
        }
        return count
    }

    /// Changes one of the two lists, wherever a version says what.
    private func change(
        _ list: ScreeningList, _ document: borrowing Document, _ element: Document.Element, of user: UInt32,
        _ records: inout Records<Port>
    ) {
        let changes = document.first(list.tag, in: element)
        if let changes {
            if let entities = document.first(.entityList, in: changes) {
                records.removeAll(in: Key.screened(user, on: list))
                change(list, document, entities, adds: true, of: user, &records)
            }
            if let adds = document.first(.addList, in: changes) {
                change(list, document, adds, adds: true, of: user, &records)
            }
            if let removes = document.first(.removeList, in: changes) {
                change(list, document, removes, adds: false, of: user, &records)
            }
        }
        // An empty InUse changes nothing.
        guard
            let isInUse = document.flag(list.inUseTag, in: element)
                ?? changes.flatMap({ document.flag(.inUse, in: $0) })
        else { return }
        var screening = records.screening(of: user)
        screening.set(list, isInUse: isInUse)
        records.store(screening.rawValue, for: Key.screening(user))
    }

    /// Puts entities on a list, or takes them off; who is not on it is no error.
    private func change(
        _ list: ScreeningList, _ document: borrowing Document, _ entities: Document.Element, adds: Bool,
        of user: UInt32, _ records: inout Records<Port>
    ) {
        var next = document.firstChild(of: entities)
        while let element = next {
            next = document.nextSibling(of: element)
            guard let entity = ScreenedEntity(document, element),
                let key = entity.key(of: user, on: list, document, records)
            else { continue }
            guard adds else {
                records.store.delete(key.span)
                continue
            }
            if records.store.value(for: key.span) != nil { continue }
            records.scratch.removeAll()
            records.scratch.append(entity.kind.rawValue)
            records.scratch.append(counted: document.word(of: entity.name))
            if let group = entity.group { records.scratch.append(counted: document.word(of: group)) }
            records.store.put(key.span, records.scratch)
        }
    }
}

/// What an entry of a block or grant list is; the number is part of stored records.
enum ScreenedKind: UInt8 {
    case user = 1
    case group, screenName
}

/// An entry of a block or grant list in a request. Source: protocol/primitives.md §5.
private struct ScreenedEntity {
    var kind: ScreenedKind
    var name: Document.Element
    /// The group that a screen name is one of.
    var group: Document.Element?

    /// nil for what is no entity.
    init?(_ document: borrowing Document, _ element: Document.Element) {
        name = element
        switch document.tag(of: element) {
        case .userID: kind = .user
        case .groupID: kind = .group
        case .screenName:
            guard let name = document.first(.sName, in: element), let group = document.first(.groupID, in: element)
            else { return nil }
            kind = .screenName
            self.name = name
            self.group = group
        default: return nil
        }
    }

    /// Where it is stored; nil when its address is none.
    func key<Port: StorePort & ~Copyable>(
        of user: UInt32, on list: ScreeningList, _ document: borrowing Document, _ records: borrowing Records<Port>
    ) -> Key? {
        guard
            let address = Address(document.word(of: group ?? name), homeDomain: records.settings.domain.span)
        else { return nil }
        var key = Key.screened(user, on: list, address.canonical)
        guard kind == .screenName else { return key }
        let name = document.word(of: name)
        guard name.count > 0, key.append(0), key.append(name), key.count <= Key.byteCountMax else { return nil }
        return key
    }
}
