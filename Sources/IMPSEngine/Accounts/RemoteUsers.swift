import Octets

/// Users of XMPP servers have an account here as long as somebody has to do with them: what they are known by in lists,
/// mailboxes and permissions.
extension Accounts where Port: ~Copyable {
    /// The number of somebody, who gets an account when he has none; nil when there is no room, or he is none of them.
    @inline(never)
    mutating func remoteUser(_ address: Span<UInt8>, _ records: inout Records<Port>, _ turn: borrowing Turn) -> UInt32?
    {
        if let account = records.account(address) { return account.kind == .remote ? account.number : nil }
        guard records.store.hasRoom, let display = InlineBytes<100>(address) else { return nil }
        let number = takeUserNumber(&records) & (UInt32.remoteUserBit - 1) | UInt32.remoteUserBit
        let account = Account(
            number: number, kind: .remote, created: turn.wall.storedSeconds, display: display,
            credential: InlineBytes())
        records.store(account, address: address)
        metCount += 1
        return number
    }

    /// Looks at some with whom nobody may have to do any more, and forgets them: twice as many as were met since, so that there
    /// are never many. Called before others are met, for one may be among those.
    mutating func sweepRemoteUsers(_ sessions: inout Sessions<Port>, _ records: inout Records<Port>) {
        while metCount > 0 {
            metCount -= 1
            for _ in 0..<2 {
                let next = records.number(in: Key.kind(RecordKind.user), after: max(remoteCursor, UInt32.remoteUserBit))
                guard let user = next, user.isRemoteUser else {
                    remoteCursor = 0
                    return
                }
                remoteCursor = user
                if records.isForgettable(user) {
                    sessions.forgetRemote(user)
                    forgetRemote(user, &records)
                }
            }
        }
    }

    @inline(never)
    private func forgetRemote(_ user: UInt32, _ records: inout Records<Port>) {
        records.removeAll(in: Key.authorizations(user))
        records.removeAll(in: Key.contactLists(user))
        if let address = records.address(of: user) { records.store.delete(Key.account(address.span).span) }
        records.store.delete(Key.user(user).span)
    }
}

extension Records where Port: ~Copyable {
    /// Whether nobody lists or watches a user of XMPP, whom he does not watch, for whom nothing waits, and of whom nobody has
    /// said what he may see.
    fileprivate func isForgettable(_ user: UInt32) -> Bool {
        owner(listing: user, after: nil) == nil && contact(after: 0, on: 1, of: user) == nil
            && entryNumber(after: 0, of: user) == nil && account(of: user)?.credential.isEmpty != false
    }

    /// Somebody has said what a user of XMPP may see or not: he is not forgotten any more.
    @inline(never)
    mutating func keepRemote(_ user: UInt32) {
        guard user.isRemoteUser, var account = account(of: user), account.credential.isEmpty else { return }
        _ = account.credential.append(1)
        if let address = address(of: user) { store(account, address: address.span) }
    }
}
