import CSP
import Octets
import Wire

/// What became of the question whether a watcher may see somebody; the number is part of stored records.
enum AuthorizationState: UInt8 {
    case pending = 1
    case granted, denied

    var name: StaticString {
        switch self {
        case .pending: return "PENDING"
        case .granted: return "GRANTED"
        case .denied: return "DENIED"
        }
    }
}

/// Reactive permission: what a user was asked of a watcher, and what he answered.
struct Authorization {
    var state = AuthorizationState.pending
    /// What the watcher wanted and might not see.
    var wanted = PresenceAttributes.none
    /// What the user lets him see.
    var granted = PresenceAttributes.none
    /// The entry of the user's mailbox that asks him; 0 when none does.
    var entry: UInt64 = 0

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        guard let state = AuthorizationState(rawValue: reader.integer()) else { return nil }
        self.state = state
        wanted = PresenceAttributes(rawValue: reader.integer())
        granted = PresenceAttributes(rawValue: reader.integer())
        entry = reader.integer()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(state.rawValue)
        record.append(bigEndian: wanted.rawValue)
        record.append(bigEndian: granted.rawValue)
        record.append(bigEndian: entry)
    }
}

extension Records where Port: ~Copyable {
    @inline(never)
    func authorization(of user: UInt32, for watcher: UInt32) -> Authorization? {
        let key = Key.authorization(user, of: watcher)
        guard let record = store.value(for: key.span) else { return nil }
        return Authorization(record)
    }

    @inline(never)
    mutating func store(_ authorization: Authorization, of user: UInt32, for watcher: UInt32) {
        scratch.removeAll()
        authorization.write(into: &scratch)
        let key = Key.authorization(user, of: watcher)
        if let former = store.value(for: key.span), former.equals(scratch.span) { return }
        store.put(Key.authorization(user, of: watcher).span, scratch)
    }

    /// The watcher behind `last`, 0 for the first, of whom a user was asked.
    @inline(never)
    func watcher(askedOf user: UInt32, after last: UInt32) -> UInt32? {
        number(in: Key.authorizations(user), after: last)
    }

    /// Writes PresenceAuth-Request; false when there is nothing to ask any more: the watcher is gone.
    mutating func writePresenceAuth(_ sequence: UInt64, into writer: inout Writer) -> Bool {
        guard let request = people(sequence, .presenceAuth),
            let authorization = authorization(of: request.user, for: request.other),
            authorization.state == .pending, authorization.entry == sequence
        else { return false }
        guard let account = account(of: request.other) else {
            store.delete(Key.authorization(request.user, of: request.other).span)
            return false
        }
        writer.open(.presenceAuthRequest)
        writer.text(.userID, account.display.span)
        authorization.wanted.write(into: &writer)
        writer.close(.presenceAuthRequest)
        return true
    }
}

/// Asking somebody whether a watcher may see him, and what he answers.
///
/// The question lies in his mailbox until it is decided: each of his sessions is sent it once.
///
/// - Source: protocol/primitives.md §4.2, rules 8 and 9.
extension People where Port: ~Copyable {
    /// Asks a user whether a watcher may see what he wants to and may not, once. Who said something of this watcher is not
    /// asked, nor who blocks him.
    @inline(never)
    func askForPermission(
        of user: UInt32, _ wanted: PresenceAttributes, for watcher: UInt32, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        // Somebody who is asked himself has to wait with it until he is in.
        guard user != watcher, sessions.isThere(watcher) || watcher.isRemoteUser else { return }
        let missing = wanted.subtracting(records.permission(of: watcher, for: user))
        guard !missing.isEmpty, records.attributeList(of: user, for: .user(watcher)) == nil,
            records.letsThrough(watcher, to: user), records.store.hasRoom
        else { return }
        var authorization = Authorization()
        if let former = records.authorization(of: user, for: watcher) {
            // Who said yes is asked once more about what he was not asked about.
            guard former.state == .granted, !missing.subtracting(former.wanted).isEmpty else { return }
            authorization = former
            authorization.state = .pending
        }
        authorization.wanted = authorization.wanted.union(missing)
        if user.isRemoteUser {
            records.store(authorization, of: user, for: watcher)
            return records.send(.subscribe, from: watcher, to: user)
        }
        authorization.entry = records.takeSequence()
        records.store(authorization, of: user, for: watcher)
        mailboxes.enqueue(.presenceAuth, about: watcher, authorization.entry, for: user, &sessions, &records)
    }

    /// Asks what could not be asked while a user's question was not settled: for those whom his sessions watch already.
    func askWhatWasNotAsked(
        by watcher: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        var next = sessions.first(of: watcher)
        while let slot = next {
            next = sessions.next(after: slot)
            guard sessions[slot].presence.watches else { continue }
            var place = WatchedPlace()
            while let user = records.watched(slot, watcher, after: &place) {
                let wanted = records.subscriptions(of: slot, watcher, to: user)
                askForPermission(of: user, wanted, for: watcher, &sessions, mailboxes, &records)
            }
        }
    }

    /// What a user was asked of a watcher is settled in another way.
    @inline(never)
    func settle(
        _ watcher: UInt32, of user: UInt32, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard let authorization = records.authorization(of: user, for: watcher) else { return }
        if authorization.entry != 0 { mailboxes.removeEntry(authorization.entry, of: user, &records) }
        records.store.delete(Key.authorization(user, of: watcher).span)
    }

    /// Settles the questions whose watchers may see by now what they wanted to.
    func settleCovered(of user: UInt32, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>) {
        var last: UInt32 = 0
        while let watcher = records.watcher(askedOf: user, after: last) {
            last = watcher
            guard let authorization = records.authorization(of: user, for: watcher), authorization.state == .pending,
                authorization.wanted.subtracting(records.permission(of: watcher, for: user)).isEmpty
            else { continue }
            mailboxes.dropQuestion(to: user, about: watcher, &records)
        }
    }
}
