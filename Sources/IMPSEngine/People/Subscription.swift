import CSP
import Octets
import Wire

/// What a session subscribes to; the number is part of keys.
enum SubscriptionTarget: UInt8 {
    case user = 0
    /// A contact list, with whoever is on it at any time.
    case list = 1
    /// What is done to the user himself, by the number of its `NotificationType`.
    case notification = 2
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
        var prefix = Key.subscriptions(slot)
        _ = prefix.append(target.rawValue)
        return number(in: prefix, after: last)
    }

    /// The next whom a session watches behind a place, which moves on to him; nil when there are no more.
    @inline(never)
    func watched(_ slot: UInt16, _ owner: UInt32, after place: inout WatchedPlace) -> UInt32? {
        if place.list == 0 {
            if let user = target(.user, of: slot, after: place.user == 0 ? nil : place.user) {
                place.user = user
                return user
            }
            guard let first = target(.list, of: slot, after: nil) else { return nil }
            place = WatchedPlace(list: UInt8(truncatingIfNeeded: first), user: 0)
        }
        while true {
            if let user = contact(after: place.user, on: place.list, of: owner) {
                place.user = user
                return user
            }
            guard let next = target(.list, of: slot, after: UInt32(place.list)) else { return nil }
            place = WatchedPlace(list: UInt8(truncatingIfNeeded: next), user: 0)
        }
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

    /// Has a session watch a user; false when it watches as many as it may.
    @inline(never)
    mutating func subscribe(
        _ slot: UInt16, _ owner: UInt32, to user: UInt32, _ attributes: PresenceAttributes,
        _ presence: inout SessionPresence
    ) -> Bool {
        if subscription(of: slot, to: .user, user) == nil {
            guard presence.watchedCount < Limits.watchedCountMax else { return false }
            presence.watchedCount += 1
        }
        store(attributes.rawValue, for: Key.subscription(slot, to: .user, user))
        if !isContact(user, of: owner) { store(UInt8(1), for: Key.listed(user, by: owner, 0)) }
        return true
    }
}

extension Sessions where Port: ~Copyable {
    /// A session does not watch a user any more; not by himself, at least. Who has him on no list is not decided on then.
    @inline(never)
    mutating func unsubscribe(
        _ slot: UInt16, from user: UInt32, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard records.store.delete(Key.subscription(slot, to: .user, user).span) else { return }
        table[slot].presence.watchedCount -= min(1, table[slot].presence.watchedCount)
        let owner = table[slot].user
        guard !records.isSubscribed(owner, to: user, besides: slot, self) else { return }
        records.store.delete(Key.listed(user, by: owner, 0).span)
        if !records.isContact(user, of: owner) { mailboxes.dropQuestion(to: user, about: owner, &records) }
    }

    /// Forgets whom a session watches, because it ends.
    mutating func endSubscriptions(
        _ slot: UInt16, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard table[slot].presence.watches else { return }
        while let user = records.target(.user, of: slot, after: nil) {
            unsubscribe(slot, from: user, &mailboxes, &records)
        }
        endNotifications(slot, &mailboxes, &records)
        records.removeAll(in: Key.subscriptions(slot))
    }
}

extension Mailboxes where Port: ~Copyable {
    /// Takes a question back that a user was asked about a watcher and has not answered.
    mutating func dropQuestion(to user: UInt32, about watcher: UInt32, _ records: inout Records<Port>) {
        guard var authorization = records.authorization(of: user, for: watcher), authorization.state == .pending else {
            return
        }
        removeEntry(authorization.entry, of: user, &records)
        guard !authorization.granted.isEmpty else {
            records.store.delete(Key.authorization(user, of: watcher).span)
            return
        }
        authorization.state = .granted
        authorization.entry = 0
        authorization.wanted = authorization.granted
        records.store(authorization, of: user, for: watcher)
    }
}
