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

extension People where Port: ~Copyable {
    /// What a watcher may see of a user is another: he is told what he sees now.
    ///
    /// - Parameter watcher: nil for everybody who watches.
    @inline(never)
    func permissionChanged(
        of user: UInt32, for watcher: UInt32?, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>
    ) {
        if let watcher {
            sessions.mark(user, ofWatcher: watcher, changed: nil, records)
        } else {
            sessions.markWatchers(of: user, changed: nil, records)
        }
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
