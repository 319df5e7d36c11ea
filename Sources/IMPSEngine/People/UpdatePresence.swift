import CSP
import Wire

extension Sessions where Port: ~Copyable {
    /// UpdatePresence-Request: what a client says of itself right after the login. Nobody can see it yet, so nothing is
    /// kept; a refusal would tell the user of an error that he did not make.
    ///
    /// - Throws: 402 without PresenceSubList.
    /// - Source: protocol/primitives.md §4.2, rules 12 and 13; CL-5, CL-34.
    func updatePresence(
        _ document: borrowing Document, _ element: Document.Element, into writer: inout Writer
    ) throws(Refusal) {
        guard document.first(.presenceSubList, in: element) != nil else {
            throw Refusal(.badParameter, "PresenceSubList missing")
        }
        writer.status(.success)
    }
}
