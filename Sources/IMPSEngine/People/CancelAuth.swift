import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// CancelAuth-Request: takes back what was granted to somebody; what was not is no error. Source: CL-36.
    ///
    /// - Throws: 402 without UserID, 531 and 516 for who is not there.
    func cancelAuth(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard let named = records.user(document, in: element) else { throw Refusal(.badParameter, "UserID missing") }
        guard case .known(let watcher) = named else { throw Refusal(named.code) }
        let user = sessions[slot].user
        let before = records.permission(of: watcher, for: user)
        settle(watcher, of: user, &mailboxes, &records)
        records.answerRemote(watcher, about: user, accepts: false)
        permissionChanged(of: user, for: watcher, since: before, &sessions, records)
        writer.status(.success)
    }
}
