import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// StopSearch-Request: ends a search.
    ///
    /// - Throws: 424 for what is no search of this session.
    mutating func stopSearch(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ now: Instant, into writer: inout Writer
    ) throws(Refusal) {
        guard let id = document.first(.searchID, in: element),
            let place = find(document.word(of: id), sessions[slot].number, now)
        else { throw Refusal(.invalidSearchID) }
        searches[place] = SearchSession()
        writer.status(.success)
    }
}
