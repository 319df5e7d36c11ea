import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetWatcherList-Request: who watches the user now. Former watchers are not kept, whatever HistoryPeriod says.
    ///
    /// - Source: protocol/primitives.md §4.1.
    func getWatcherList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        let user = sessions[slot].user
        let most = document.integer(.maxWatcherList, in: element) ?? .max
        writer.open(.getWatcherListResponse)
        if writer.version == .v1_3 { writer.integer(.watcherCount, count(of: user, sessions, records)) }
        if writer.version > .v1_1, document.first(.historyPeriod, in: element) != nil {
            writer.integer(.historyPeriod, 0)
        }
        var written: UInt64 = 0
        var last: UInt32?
        while written < most, let watcher = records.owner(listing: user, after: last) {
            last = watcher
            guard isWatching(watcher, user, sessions, records), let account = records.account(of: watcher) else {
                continue
            }
            written += 1
            if writer.version > .v1_1 { writer.open(.watcher) }
            writer.open(.user)
            writer.text(.userID, account.display.span)
            writer.close(.user)
            if writer.version > .v1_1 {
                writer.text(.watcherStatus, "CURRENT_SUBSCRIBER")
                writer.close(.watcher)
            }
        }
        writer.close(.getWatcherListResponse)
    }

    private func count(of user: UInt32, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>)
        -> UInt64
    {
        var count: UInt64 = 0
        var last: UInt32?
        while let watcher = records.owner(listing: user, after: last) {
            last = watcher
            if isWatching(watcher, user, sessions, records) { count += 1 }
        }
        return count
    }

    /// Whether a session of somebody watches a user, other than himself.
    func isWatching(
        _ watcher: UInt32, _ user: UInt32, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>
    ) -> Bool {
        // Who blocks the user or does not want to be seen does not show here either.
        guard watcher != user, records.wantsToBeSeen(watcher), records.letsThrough(user, to: watcher) else {
            return false
        }
        var next = sessions.first(of: watcher)
        while let slot = next {
            next = sessions.next(after: slot)
            if sessions[slot].presence.watches, sessions[slot].presence.isVisible,
                !records.subscriptions(of: slot, watcher, to: user).isEmpty
            {
                return true
            }
        }
        return false
    }
}
