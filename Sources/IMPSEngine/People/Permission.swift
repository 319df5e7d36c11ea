import CSP
import Octets
import Wire

/// What a watcher may see of somebody's presence.
extension Records where Port: ~Copyable {
    /// The attributes of a user that a watcher may see now.
    ///
    /// A watcher who is blocked sees nothing. Else what the user said of him alone, or of the lists he is on, or of
    /// everybody, whatever comes first; and besides what the user granted when he was asked.
    ///
    /// - Source: protocol/primitives.md §3, rule 3; §4.2, rules 8, 10 and 11.
    @inline(never)
    func permission(of watcher: UInt32, for user: UInt32) -> PresenceAttributes {
        if watcher == user { return .all }
        guard letsThrough(watcher, to: user) else { return .none }
        let granted = authorization(of: user, for: watcher)?.granted ?? .none
        return said(by: user, of: watcher).union(granted)
    }

    /// What attribute lists say.
    private func said(by user: UInt32, of watcher: UInt32) -> PresenceAttributes {
        if let attributes = attributeList(of: user, for: .user(watcher)) { return attributes }
        var ofLists: PresenceAttributes?
        var list: UInt8 = 0
        while let next = self.list(with: watcher, of: user, after: list) {
            list = next
            guard let attributes = attributeList(of: user, for: .list(list)) else { continue }
            ofLists = (ofLists ?? .none).union(attributes)
        }
        return ofLists ?? attributeList(of: user, for: .everybody) ?? .none
    }

    /// What of the attributes to be careful with more than one person may see without asking.
    func openedWidely(by user: UInt32) -> PresenceAttributes {
        var attributes = attributeList(of: user, for: .everybody) ?? .none
        var list: UInt8 = 0
        while let next = self.list(after: list, of: user) {
            list = next
            attributes = attributes.union(attributeList(of: user, for: .list(list)) ?? .none)
        }
        return attributes
    }
}

/// What those who watch a user may see of him, before something changes it.
struct PermissionSnapshot {
    private var watchers = InlineArray<64, UInt32>(repeating: 0)
    private var attributes = InlineArray<64, PresenceAttributes>(repeating: .none)
    private var count = 0

    init<Port: StorePort & ~Copyable>(
        of user: UInt32, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>
    ) {
        var last: UInt32?
        while count < watchers.count, let watcher = records.owner(listing: user, after: last) {
            last = watcher
            guard sessions.first(of: watcher) != nil else { continue }
            watchers[count] = watcher
            attributes[count] = records.permission(of: watcher, for: user)
            count += 1
        }
    }

    /// What a watcher might see; nil when he is one more than are looked at.
    func permission(of watcher: UInt32) -> PresenceAttributes? {
        for index in 0..<count where watchers[index] == watcher { return attributes[index] }
        return nil
    }
}

extension People where Port: ~Copyable {
    /// What others may see of a user may be another: those for whom it is are told what they see now. Others do not hear that
    /// he did anything.
    func permissionsChanged(
        of user: UInt32, since before: PermissionSnapshot, _ sessions: inout Sessions<Port>,
        _ records: borrowing Records<Port>
    ) {
        var last: UInt32?
        while let watcher = records.owner(listing: user, after: last) {
            last = watcher
            guard sessions.first(of: watcher) != nil || watcher.isRemoteUser else { continue }
            permissionChanged(of: user, for: watcher, since: before.permission(of: watcher), &sessions, records)
        }
    }

    /// The same for one watcher.
    ///
    /// - Parameter before: What he might see; nil when nobody knows.
    @inline(never)
    func permissionChanged(
        of user: UInt32, for watcher: UInt32, since before: PresenceAttributes?, _ sessions: inout Sessions<Port>,
        _ records: borrowing Records<Port>
    ) {
        if before == records.permission(of: watcher, for: user) { return }
        sessions.mark(user, ofWatcher: watcher, changed: nil, records)
    }

    /// Tells a user that others can see where he is or how he is reached. Source: SM-41, SM-48.
    @inline(never)
    func advisePrivacy(
        _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        systemMessages.notify(.privacy, 0, user, &sessions, mailboxes, &records, &turn)
    }
}
