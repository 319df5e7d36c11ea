import CSP
import Wire

extension Sessions where Port: ~Copyable {
    /// GetList-Request: the contact lists of a user, of which nobody has any yet.
    ///
    /// It never fails, whatever the session may do: before it has an answer, A shows no message at all.
    ///
    /// - Source: protocol/primitives.md §2, CL-2.
    func getList(into writer: inout Writer) {
        writer.open(.getListResponse)
        writer.close(.getListResponse)
    }
}
