import CSP
import Octets
import Wire

/// A change of the contact list that the user wants.
enum ContactChange {
    case add, remove
}

/// Requests about people. Source: protocol/primitives.md §2 to §5.
extension Session {
    /// Reads the contact lists with who is on them, and has the server tell of their presence.
    mutating func loadContacts(into roster: inout Roster) -> Outcome {
        var outcome = request(.getListRequest) { _ in }
        guard case .answered(200) = outcome, let lists = primitive, document.tag(of: lists) == .getListResponse else {
            return outcome
        }
        roster.forgetContacts()
        var names = InlineArray<32, InlineBytes<100>>(repeating: InlineBytes())
        var count = 0
        var next = document.firstChild(of: lists)
        while let list = next, count < names.count {
            next = document.nextSibling(of: list)
            names[count] = InlineBytes(prefix: document.word(of: list))
            if document.tag(of: list) == .defaultContactList || roster.standardList.isEmpty {
                roster.standardList = names[count]
            }
            count += 1
        }
        for index in 0..<count {
            outcome = loadContacts(of: names[index], into: &roster)
            if case .answered = outcome { continue }
            return outcome
        }
        return .answered(200)
    }

    private mutating func loadContacts(of list: InlineBytes<100>, into roster: inout Roster) -> Outcome {
        let outcome = request(.listManageRequest) { writer in
            writer.text(.contactList, list.span)
            if writer.version > .v1_1 { writer.flag(.receiveList, true) }
        }
        guard case .answered(200) = outcome, let primitive, let nicks = document.first(.nickList, in: primitive) else {
            return outcome
        }
        var next = document.firstChild(of: nicks)
        while let nick = next {
            next = document.nextSibling(of: nick)
            let isBare = document.tag(of: nick) == .userID
            guard let id = isBare ? nick : document.first(.userID, in: nick),
                let place = roster.find(document.word(of: id))
            else { continue }
            roster[place].isContact = true
            if let name = document.first(.name, in: nick) {
                roster[place].nickname = InlineBytes(prefix: document.word(of: name))
            }
        }
        return subscribe(to: list)
    }

    private mutating func subscribe(to list: InlineBytes<100>) -> Outcome {
        request(.subscribePresenceRequest) { writer in
            writer.text(.contactList, list.span)
            if writer.version > .v1_1 { writer.flag(.autoSubscribe, true) }
        }
    }

    /// Puts somebody on the list for new contacts, which is made when there is none, or takes him off.
    mutating func change(
        _ change: ContactChange, _ address: InlineBytes<100>, nickname: InlineBytes<64>, _ roster: inout Roster
    ) -> Outcome {
        if roster.standardList.isEmpty, change == .add {
            guard let list = ownList() else { return .nothing }
            let outcome = request(.createListRequest) { writer in writer.text(.contactList, list.span) }
            switch outcome {
            case .answered(200), .answered(701): roster.standardList = list
            default: return outcome
            }
            if case .unreachable = subscribe(to: list) { return .unreachable }
        }
        let list = roster.standardList
        let outcome = request(.listManageRequest) { writer in
            writer.text(.contactList, list.span)
            switch change {
            case .add:
                writer.open(.addNickList)
                if nickname.isEmpty {
                    writer.text(.userID, address.span)
                } else {
                    writer.open(.nickName)
                    writer.text(.name, nickname.span)
                    writer.text(.userID, address.span)
                    writer.close(.nickName)
                }
                writer.close(.addNickList)
            case .remove:
                writer.open(.removeNickList)
                writer.text(.userID, address.span)
                writer.close(.removeNickList)
            }
            if writer.version > .v1_1 { writer.flag(.receiveList, false) }
        }
        // In 1.1 a subscription is to who was on the list when it was made.
        if version == .v1_1, change == .add, case .answered(200) = outcome {
            guard case .unreachable = subscribe(to: list) else { return outcome }
            return .unreachable
        }
        return outcome
    }

    /// Blocks somebody, or lets him through again.
    mutating func block(_ address: InlineBytes<100>, _ isBlocked: Bool) -> Outcome {
        request(.blockEntityRequest) { writer in
            if writer.version == .v1_3 { writer.flag(.blockListInUse, true) }
            writer.open(.blockList)
            if writer.version < .v1_3 { writer.flag(.inUse, true) }
            let change: Tag = isBlocked ? .addList : .removeList
            writer.open(change)
            writer.text(.userID, address.span)
            writer.close(change)
            writer.close(.blockList)
        }
    }

    /// Says how the user is.
    ///
    /// - Parameters:
    ///   - availability: `AVAILABLE`, `NOT_AVAILABLE` or `DISCREET`; nil to be invisible.
    ///   - text: nil leaves it as it is.
    mutating func update(_ availability: StaticString?, text: InlineBytes<100>?) -> Outcome {
        request(.updatePresenceRequest) { writer in
            writer.open(.presenceSubList)
            writer.presence(.onlineStatus, Span.constant(availability == nil ? "F" : "T"))
            if let availability { writer.presence(.userAvailability, availability.octets) }
            if let text { writer.presence(.statusText, text.span) }
            writer.close(.presenceSubList)
        }
    }

    /// Says how the user wants to be called.
    mutating func update(alias: InlineBytes<64>) -> Outcome {
        request(.updatePresenceRequest) { writer in
            writer.open(.presenceSubList)
            writer.presence(.alias, alias.span)
            writer.close(.presenceSubList)
        }
    }

    /// Says whether somebody may see the user.
    mutating func allow(_ address: InlineBytes<100>, _ isAllowed: Bool) -> Outcome {
        request(.presenceAuthUser) { writer in
            writer.text(.userID, address.span)
            writer.flag(.acceptance, isAllowed)
        }
    }
}

extension Writer {
    fileprivate mutating func presence(_ tag: Tag, _ value: Span<UInt8>) {
        open(tag)
        flag(.qualifier, true)
        text(.presenceValue, value)
        close(tag)
    }
}
