import CSP
import Octets
import Wire

/// What a session subscribes to; the number is part of keys.
enum SubscriptionTarget: UInt8 {
    case user = 0
    /// A contact list, with whoever is on it at any time.
    case list = 1
}

/// Whom a session watches. Subscriptions live with the session, and a restart knows them.
///
/// A subscription to a list is one record. Who is watched by whom is found by the lists that he is on (`Key.listed`);
/// somebody on no list of his watcher has a mark there, list 0.
extension Records where Port: ~Copyable {
    /// What a session wants to know of a target; nil when it does not watch it.
    @inline(never)
    func subscription(of slot: UInt16, to target: SubscriptionTarget, _ number: UInt32) -> PresenceAttributes? {
        self.number(for: Key.subscription(slot, to: target, number), UInt32.self)
            .map { PresenceAttributes(rawValue: $0) }
    }

    /// What a session of `owner` wants to know of a user, by whatever subscription.
    @inline(never)
    func subscriptions(of slot: UInt16, _ owner: UInt32, to user: UInt32) -> PresenceAttributes {
        var attributes = subscription(of: slot, to: .user, user) ?? .none
        var list: UInt8 = 0
        while let next = self.list(with: user, of: owner, after: list) {
            list = next
            attributes = attributes.union(subscription(of: slot, to: .list, UInt32(list)) ?? .none)
        }
        return attributes
    }

    /// The next target of a kind behind `last` that a session watches; nil when there is none.
    @inline(never)
    func target(_ target: SubscriptionTarget, of slot: UInt16, after last: UInt32?) -> UInt32? {
        if last == .max { return nil }
        var prefix = Key.subscriptions(slot)
        _ = prefix.append(target.rawValue)
        let start = Key.subscription(slot, to: target, last.map { $0 + 1 } ?? 0)
        guard let entry = store.entry(atOrAfter: start.span), entry.key.starts(with: prefix.span) else { return nil }
        var reader = RecordReader(entry.key.extracting(prefix.count..<entry.key.count))
        return reader.integer()
    }

    func hasSubscriptions(_ slot: UInt16) -> Bool { key(in: Key.subscriptions(slot), after: Key()) != nil }

    /// Whether a session of `owner` watches a user by himself.
    @inline(never)
    func isSubscribed(
        _ owner: UInt32, to user: UInt32, besides ending: UInt16? = nil, _ sessions: borrowing Sessions<Port>
    ) -> Bool {
        var next = sessions.first(of: owner)
        while let slot = next {
            next = sessions.next(after: slot)
            if slot != ending, subscription(of: slot, to: .user, user) != nil { return true }
        }
        return false
    }

    /// Has a session watch a user.
    @inline(never)
    mutating func subscribe(_ slot: UInt16, _ owner: UInt32, to user: UInt32, _ attributes: PresenceAttributes) {
        store(attributes.rawValue, for: Key.subscription(slot, to: .user, user))
        if !isContact(user, of: owner) { store(UInt8(1), for: Key.listed(user, by: owner, 0)) }
    }

    /// A session does not watch a user any more; not by himself, at least.
    @inline(never)
    mutating func unsubscribe(_ slot: UInt16, _ owner: UInt32, from user: UInt32, _ sessions: borrowing Sessions<Port>)
    {
        guard store.delete(Key.subscription(slot, to: .user, user).span) else { return }
        if !isSubscribed(owner, to: user, besides: slot, sessions) {
            store.delete(Key.listed(user, by: owner, 0).span)
        }
    }
}

extension Sessions where Port: ~Copyable {
    /// Forgets whom a session watches, because it ends.
    func endSubscriptions(_ slot: UInt16, _ records: inout Records<Port>) {
        guard table[slot].presence.watches else { return }
        let owner = table[slot].user
        while let user = records.target(.user, of: slot, after: nil) {
            records.unsubscribe(slot, owner, from: user, self)
        }
        records.removeAll(in: Key.subscriptions(slot))
    }
}
