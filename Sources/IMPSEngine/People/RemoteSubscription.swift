import CSP
import Octets
import Wire

/// Watching across XMPP, both ways. What somebody there lets a user see, and is asked for, is kept as for a user of this
/// server; a user whom somebody there watches, or wants to, is on his one contact list.
extension Records where Port: ~Copyable {
    /// The list of a user of XMPP: whom he watches, or wants to.
    private var remoteList: UInt8 { 1 }

    /// A user has taken somebody off his last list.
    @inline(never)
    mutating func endRemoteSubscription(of user: UInt32, to contact: UInt32) {
        guard store.delete(Key.authorization(contact, of: user).span) else { return }
        send(.unsubscribe, from: user, to: contact)
    }

    /// A user has said whether somebody may see him; who is no user of XMPP hears of it in another way.
    @inline(never)
    mutating func answerRemote(_ watcher: UInt32, about user: UInt32, accepts: Bool) {
        guard watcher.isRemoteUser else { return }
        keepRemote(watcher)
        guard isContact(user, of: watcher) else { return }
        if !accepts { remove(user, from: remoteList, of: watcher) }
        send(accepts ? .subscribed : .unsubscribed, from: user, to: watcher)
    }

    /// Whether one more may watch a user, or want to: strangers do not fill the store.
    fileprivate func mayBeWatched(_ user: UInt32) -> Bool {
        guard store.hasRoom else { return false }
        var (asked, count) = (0, 0)
        var last = UInt32.remoteUserBit
        while let watcher = owner(listing: user, after: last), watcher.isRemoteUser {
            last = watcher
            count += 1
            if authorization(of: user, for: watcher)?.state == .pending { asked += 1 }
        }
        return asked < 32 && count < 500
    }

    fileprivate mutating func noteWatcher(_ watcher: UInt32, of user: UInt32) {
        if contactList(remoteList, of: watcher) == nil {
            store(ContactList(name: InlineBytes()), remoteList, of: watcher)
        }
        put(user, Contact(), on: remoteList, of: watcher)
    }
}

extension People where Port: ~Copyable {
    /// Somebody wants to watch a user, who is asked unless he lets him already.
    ///
    /// - Returns: what he is told at once; nil when he has to wait.
    func remoteAsks(
        _ watcher: UInt32, toSee user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>
    ) -> StaticString? {
        let isPermitted = records.permission(of: watcher, for: user).contains(.onlineStatus)
        let isDenied = records.authorization(of: user, for: watcher)?.state == .denied
        guard isPermitted || !isDenied && records.letsThrough(watcher, to: user),
            records.isContact(user, of: watcher) || records.mayBeWatched(user)
        else { return "unsubscribed" }
        records.noteWatcher(watcher, of: user)
        guard !isPermitted else {
            sessions.remotes.note(user)
            return "subscribed"
        }
        askForPermission(of: user, RemotePerson.attributes, for: watcher, &sessions, mailboxes, &records)
        return nil
    }

    /// Somebody does not want to watch a user any more.
    func remoteLeaves(
        _ watcher: UInt32, _ user: UInt32, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        settle(watcher, of: user, &mailboxes, &records)
        records.answerRemote(watcher, about: user, accepts: false)
    }

    /// Somebody lets a user see him, or does so no more.
    func remoteAnswered(
        _ contact: UInt32, to user: UInt32, accepts: Bool, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>
    ) {
        let before = records.permission(of: user, for: contact)
        // Nobody is believed who was not asked.
        guard records.authorization(of: contact, for: user) != nil else { return }
        var authorization = Authorization()
        authorization.state = accepts ? .granted : .denied
        authorization.wanted = .all
        authorization.granted = accepts ? .all : .none
        records.store(authorization, of: contact, for: user)
        permissionChanged(of: contact, for: user, since: before, &sessions, records)
    }
}

extension RemotePerson {
    /// What XMPP tells of somebody.
    static var attributes: PresenceAttributes {
        PresenceAttributes(.onlineStatus).union(PresenceAttributes(.userAvailability))
            .union(PresenceAttributes(.statusText))
    }
}
