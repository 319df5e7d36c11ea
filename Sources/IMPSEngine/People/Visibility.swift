import CSP
import Octets
import Wire

/// Users of whom others may have to be told that they came or went, until somebody looks.
struct VisibilityChanges {
    private var users = InlineArray<32, UInt32>(repeating: 0)
    private var attributes = InlineArray<32, PresenceAttributes>(repeating: .none)
    private(set) var count = 0
    /// There were more than have a place: everybody is looked at.
    var isOverflowed = false

    /// - Parameter changed: What is another of his presence.
    mutating func append(_ user: UInt32, _ changed: PresenceAttributes) {
        for index in 0..<count where users[index] == user {
            attributes[index] = attributes[index].union(changed)
            return
        }
        guard count < users.count else {
            isOverflowed = true
            return
        }
        users[count] = user
        attributes[count] = changed
        count += 1
    }

    mutating func take() -> (user: UInt32, changed: PresenceAttributes)? {
        guard count > 0 else { return nil }
        count -= 1
        return (users[count], attributes[count])
    }

    mutating func removeAll() {
        count = 0
        isOverflowed = false
    }
}

extension Session {
    /// Whether its user is to be seen through it: not before a question is settled, nor before it was looked whether there is
    /// one, nor without a level that has presence, nor when it is over. Source: SM-67.
    var showsUser: Bool {
        isOpen && closing == 0 && !access.isRestricted && access.epoch != 0 && !isRelayed
            && !access.level.intersection(.below(.presenceFeat)).isEmpty
    }
}

/// When users come and go. A user is there while any of his sessions shows him.
extension Sessions where Port: ~Copyable {
    /// Whether a user is there, whatever he says of it.
    @inline(never)
    func isThere(_ user: UInt32) -> Bool {
        if user.isRemoteUser { return remotes.person(user) != nil }
        var next = first(of: user)
        while let slot = next {
            if table[slot].presence.isVisible { return true }
            next = self.next(after: slot)
        }
        return false
    }

    /// Whether others see that a user is there.
    @inline(never)
    func isOnline(_ user: UInt32, _ records: borrowing Records<Port>) -> Bool {
        isThere(user) && records.wantsToBeSeen(user)
    }

    /// Looks whether a session shows its user; called whenever it is stored, and when it ends.
    @inline(never)
    mutating func noteVisibility(_ slot: UInt16, isEnding: Bool = false) {
        let shows = !isEnding && table[slot].showsUser
        // What somebody said who was never seen is told when he is gone.
        let isUntold = isEnding && !table[slot].presence.changedUnseen.isEmpty
        guard shows != table[slot].presence.isVisible || isUntold else { return }
        let user = table[slot].user
        let wasThere = isThere(user)
        table[slot].presence.isVisible = shows
        var changed = table[slot].presence.changedUnseen
        if isThere(user) != wasThere { changed = changed.union(PresenceAttributes(.onlineStatus)) }
        table[slot].presence.changedUnseen = .none
        if !changed.isEmpty { changes.append(user, changed) }
    }

    /// Marks for his watchers that a user came or went; he is returned. nil when nobody else did.
    @inline(never)
    mutating func tellChange(_ records: borrowing Records<Port>) -> UInt32? {
        if changes.isOverflowed {
            changes.isOverflowed = false
            sweepAll()
        }
        guard let (user, changed) = changes.take() else { return nil }
        let hidden = records.wantsToBeSeen(user) ? PresenceAttributes.none : PresenceAttributes(.onlineStatus)
        let visible = changed.subtracting(hidden)
        if !visible.isEmpty { markWatchers(of: user, changed: visible, records) }
        return user
    }

    /// Tells all sessions of everybody they watch.
    mutating func sweepAll() {
        for slot in 0..<end where table[slot].isOpen && table[slot].presence.watches {
            table[slot].presence.beginSweep()
            call(slot)
        }
    }

    /// Begins anew with the sessions that were stored: newest states may be told once more.
    mutating func resumePresence(_ records: borrowing Records<Port>) {
        changes.removeAll()
        for slot in 0..<end where table[slot].isOpen {
            table[slot].presence.isVisible = table[slot].showsUser
            table[slot].presence.watches = records.hasSubscriptions(slot)
            table[slot].presence.isNotified = records.target(.notification, of: slot, after: nil) != nil
            var last: UInt32?
            while let user = records.target(.user, of: slot, after: last) {
                last = user
                table[slot].presence.watchedCount += 1
            }
        }
        sweepAll()
    }

    /// Forgets the subscriptions of a session that cannot be taken up again.
    func dropSubscriptions(_ slot: UInt16, _ records: inout Records<Port>) {
        while let user = records.target(.user, of: slot, after: nil) {
            if let owner = records.session(in: slot)?.user { records.store.delete(Key.listed(user, by: owner, 0).span) }
            records.store.delete(Key.subscription(slot, to: .user, user).span)
        }
        records.removeAll(in: Key.subscriptions(slot))
    }

    // MARK: Marks

    /// Marks that a session has not been told of a user.
    @inline(never)
    mutating func mark(_ user: UInt32, for slot: UInt16) {
        guard table[slot].closing == 0 else { return }
        if !marks.add(user, to: &table[slot].presence) {
            // It is told of everybody then, those who are marked too; their marks are for others.
            if !table[slot].presence.isSweeping { marks.removeAll(&table[slot].presence) }
            table[slot].presence.beginSweep()
        }
        call(slot)
    }

    /// Marks a user for the sessions of a watcher.
    ///
    /// - Parameter changed: What is another of his presence; nil when it is what may be seen of it.
    @inline(never)
    mutating func mark(
        _ user: UInt32, ofWatcher watcher: UInt32, changed: PresenceAttributes?, _ records: borrowing Records<Port>
    ) {
        if watcher.isRemoteUser { return remotes.note(user) }
        var permitted: PresenceAttributes?
        var next = first(of: watcher)
        while let slot = next {
            next = self.next(after: slot)
            guard table[slot].presence.watches else { continue }
            let wanted = records.subscriptions(of: slot, watcher, to: user)
            guard !wanted.isEmpty else { continue }
            if let changed {
                guard !wanted.intersection(changed).isEmpty else { continue }
                // Who may not see it does not hear that something changed either.
                let visible = permitted ?? records.permission(of: watcher, for: user)
                permitted = visible
                guard !wanted.intersection(changed).intersection(visible).isEmpty else { continue }
            }
            mark(user, for: slot)
        }
    }

    /// Marks a user for all who watch him: it costs what they are, and not what accounts or sessions are.
    @inline(never)
    mutating func markWatchers(
        of user: UInt32, changed: PresenceAttributes, _ records: borrowing Records<Port>
    ) {
        var last: UInt32?
        while let owner = records.owner(listing: user, after: last) {
            last = owner
            mark(user, ofWatcher: owner, changed: changed, records)
        }
    }
}
