import CSP
import Octets
import Wire

extension Component where Port: ~Copyable {
    // MARK: From there

    /// Whether somebody is there, or what he says of watching a user.
    mutating func presenceArrived(
        _ document: borrowing Document, _ stanza: Stanza, _ people: borrowing People<Port>,
        _ accounts: inout Accounts<Port>, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) {
        let type = document.value(.type, of: stanza.element)
        let peer = InlineBytes<100>(stanza.peer.canonical) ?? InlineBytes()
        guard let account = stanza.account, account.isOwn else {
            if type.equals("subscribe") || type.equals("probe"), let to = InlineBytes<100>(stanza.to.canonical) {
                writePresence("unsubscribed", to, peer, into: &writer)
            }
            return
        }
        if type.equals("subscribe") {
            accounts.sweepRemoteUsers(&sessions, &records)
            guard let watcher = accounts.remoteUser(peer.span, &records, turn),
                let answer = people.remoteAsks(watcher, toSee: account.number, &sessions, mailboxes, &records),
                let to = InlineBytes<100>(stanza.to.canonical)
            else { return }
            return writePresence(answer, to, peer, into: &writer)
        }
        guard let other = records.account(peer.span), other.kind == .remote else { return }
        if type.equals("subscribed") || type.equals("unsubscribed") {
            people.remoteAnswered(
                other.number, to: account.number, accepts: type.equals("subscribed"), &sessions, &records)
            // What he said before was not for this user yet.
            if type.equals("subscribed") { probe(other.number, records, into: &writer) }
        } else if type.equals("unsubscribe") {
            people.remoteLeaves(other.number, account.number, &mailboxes, &records)
        } else if type.equals("probe") {
            tell(other.number, of: account.number, sessions, records, into: &writer)
        } else if type.equals("unavailable")
            || records.permission(of: account.number, for: other.number).contains(.onlineStatus)
        {
            note(document, stanza, other.number, &sessions, records, into: &writer)
        }
    }

    /// Somebody is there, with a resource of his, or has gone with it: then his server is asked for others.
    private func note(
        _ document: borrowing Document, _ stanza: Stanza, _ user: UInt32, _ sessions: inout Sessions<Port>,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        let type = document.value(.type, of: stanza.element)
        let resource = JID.resource(document.value(.from, of: stanza.element))
        if type.equals("unavailable") {
            guard let person = sessions.remotes.person(user), resource == nil || resource == person.resource else {
                return
            }
            sessions.remoteChanged(user, nil, records)
            if resource != nil { probe(user, records, into: &writer) }
        } else if type.count == 0 {
            var person = RemotePerson()
            switch document.value(.show, of: stanza.element).place(among: "away xa dnd") {
            case 0, 1: person.availability = 1
            case 2: person.availability = 2
            default: person.availability = 0
            }
            person.resource = resource ?? 0
            let text = document.value(.status, of: stanza.element)
            person.text = InlineBytes(prefix: text.extracting(0..<UTF8.prefixByteCount(of: text, most: 64)))
            sessions.remoteChanged(user, person, records)
        }
    }

    // MARK: To there

    /// Octets that one presence takes at most.
    private static var presenceByteCount: Int { 2500 }
    /// People who are looked at in one turn.
    private static var tellCountMax: Int { 256 }

    /// Tells those who watch users of this server what has changed of them, as far as there is room.
    mutating func tell(
        _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        var left = Component.tellCountMax
        while left > 0, writer.output.freeCapacity > Component.presenceByteCount {
            left -= 1
            guard let now = telling ?? nextToTell(&sessions, records).map({ (user: $0, watcher: 0) }) else { return }
            telling = nil
            if now.user.isRemoteUser {
                probe(now.user, records, into: &writer)
                continue
            }
            let last = max(now.watcher, UInt32.remoteUserBit - 1)
            guard let watcher = records.owner(listing: now.user, after: last), watcher.isRemoteUser else { continue }
            telling = (now.user, watcher)
            tell(watcher, of: now.user, sessions, records, into: &writer)
        }
    }

    /// The next user who changed, or whose turn it is when everybody is told of; nil when there is none.
    private func nextToTell(_ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>) -> UInt32? {
        if let user = sessions.remotes.takeChanged() { return user }
        guard let last = sessions.remotes.sweepsFrom else { return nil }
        let next = records.number(in: Key.kind(RecordKind.user), after: last)
        // Numbers of guests come last.
        let user = next.flatMap { $0 >> 31 == 0 ? $0 : nil }
        sessions.remotes.endSweep(before: user)
        return user
    }

    /// Tells somebody there what he may see of a user.
    private func tell(
        _ watcher: UInt32, of user: UInt32, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        guard let address = records.address(of: user), let peer = records.address(of: watcher) else { return }
        let permitted = records.permission(of: watcher, for: user)
        guard permitted.contains(.onlineStatus), sessions.isOnline(user, records) else {
            return writePresence("unavailable", address, peer, into: &writer)
        }
        writer.openStanza("presence", from: address.span, to: peer.span)
        writer.output.append(0x3E)
        if let show = show(user, permitted, records) { writer.output.append(show) }
        let key = Key.presence(user, .statusText)
        if permitted.contains(.statusText), let record = records.store.value(for: key.span),
            let text = PresenceValue.text(record), text.count > 0
        {
            writer.output.append("<status>")
            writer.appendText(text.extracting(0..<UTF8.prefixByteCount(of: text, most: 200)))
            writer.output.append("</status>")
        }
        writer.output.append("</presence>")
    }

    private func show(
        _ user: UInt32, _ permitted: PresenceAttributes, _ records: borrowing Records<Port>
    ) -> StaticString? {
        let key = Key.presence(user, .userAvailability)
        guard permitted.contains(.userAvailability), let record = records.store.value(for: key.span),
            let word = PresenceValue.text(record)
        else { return nil }
        if word.equals("NOT_AVAILABLE") { return "<show>away</show>" }
        return word.equals("DISCREET") ? "<show>dnd</show>" : nil
    }

    /// Asks for the presence of somebody whom a user may see.
    private func probe(_ user: UInt32, _ records: borrowing Records<Port>, into writer: inout Writer) {
        guard let peer = records.address(of: user) else { return }
        var last: UInt32 = 0
        while let watcher = records.watcher(askedOf: user, after: last) {
            last = watcher
            guard records.permission(of: watcher, for: user).contains(.onlineStatus),
                let address = records.address(of: watcher)
            else { continue }
            return writePresence("probe", address, peer, into: &writer)
        }
    }
}
