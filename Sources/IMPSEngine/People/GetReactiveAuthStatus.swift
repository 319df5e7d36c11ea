import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetReactiveAuthStatus-Request: what the user was asked of the named watchers, of all when it names none.
    func getReactiveAuthStatus(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        let user = sessions[slot].user
        writer.open(.getReactiveAuthStatusResponse)
        writer.open(.reactiveAuthStatusList)
        var next = document.first(.userID, in: element)
        if next == nil {
            var watcher: UInt32 = 0
            while let asked = records.watcher(askedOf: user, after: watcher) {
                watcher = asked
                writeStatus(of: user, for: watcher, records, into: &writer)
            }
        }
        while let id = next {
            next = document.next(after: id)
            guard case .known(let watcher)? = records.user(document, in: id) else { continue }
            writeStatus(of: user, for: watcher, records, into: &writer)
        }
        writer.close(.reactiveAuthStatusList)
        writer.close(.getReactiveAuthStatusResponse)
    }

    private func writeStatus(
        of user: UInt32, for watcher: UInt32, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        guard let authorization = records.authorization(of: user, for: watcher),
            let account = records.account(of: watcher)
        else { return }
        writer.open(.reactiveAuthStatus)
        writer.text(.userID, account.display.span)
        writer.text(.reactiveAuthState, authorization.state.name)
        let attributes = authorization.state == .granted ? authorization.granted : authorization.wanted
        attributes.write(into: &writer)
        writer.close(.reactiveAuthStatus)
    }
}
