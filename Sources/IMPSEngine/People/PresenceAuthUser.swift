import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// PresenceAuth-User: a user answers whether somebody may see him; asked or not.
    ///
    /// - Throws: 402 without UserID or Acceptance, 531 and 516 for who is not there, 750 for what is no attribute.
    func presenceAuthUser(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) {
        guard let named = records.user(document, in: element) else { throw Refusal(.badParameter, "UserID missing") }
        guard case .known(let watcher) = named else { throw Refusal(named.code) }
        guard let accepts = document.flag(.acceptance, in: element) else {
            throw Refusal(.badParameter, "Acceptance is T or F")
        }
        let user = sessions[slot].user
        var authorization = records.authorization(of: user, for: watcher) ?? Authorization()
        let wanted = try PresenceAttributes.wanted(document, element)
        // Who names nothing says yes to what he was asked.
        let isNamed = document.first(.presenceSubList, in: element) != nil
        let isAsked = authorization.state == .pending && authorization.entry != 0
        let attributes = isNamed || !isAsked ? wanted : authorization.granted.union(authorization.wanted)
        let before = records.permission(of: watcher, for: user)
        let opened = attributes.subtracting(authorization.granted)
        if authorization.entry != 0 { mailboxes.removeEntry(authorization.entry, of: user, &records) }
        authorization.entry = 0
        authorization.state = accepts ? .granted : .denied
        authorization.granted = accepts ? attributes : .none
        authorization.wanted = authorization.wanted.union(attributes)
        records.store(authorization, of: user, for: watcher)
        records.answerRemote(watcher, about: user, accepts: accepts)
        permissionChanged(of: user, for: watcher, since: before, &sessions, records)
        // Once; a list of attributes for many is told of each time.
        if accepts, !opened.intersection(.sensitive).isEmpty, !systemMessages.wasRaised(.privacy, for: user, records) {
            advisePrivacy(user, &sessions, mailboxes, systemMessages, &records, &turn)
        }
    }
}
