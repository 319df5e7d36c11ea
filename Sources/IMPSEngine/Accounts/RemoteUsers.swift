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
        return number
    }

    /// Looks at the next two with whom nobody may have to do any more, and forgets them; called with each new one, so that
    /// there are never many.
    mutating func sweepRemoteUsers(besides new: UInt32, _ records: inout Records<Port>) {
        for _ in 0..<2 {
            let next = records.number(in: Key.kind(RecordKind.user), after: max(remoteCursor, UInt32.remoteUserBit))
            guard let user = next, user.isRemoteUser else {
                remoteCursor = 0
                return
            }
            remoteCursor = user
            guard user != new, records.owner(listing: user, after: nil) == nil,
                records.contact(after: 0, on: 1, of: user) == nil, records.entryNumber(after: 0, of: user) == nil
            else { continue }
            records.removeAll(in: Key.authorizations(user))
            records.removeAll(in: Key.contactLists(user))
            if let address = records.address(of: user) { records.store.delete(Key.account(address.span).span) }
            records.store.delete(Key.user(user).span)
        }
    }
}
