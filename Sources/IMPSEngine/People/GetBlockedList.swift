import CSP
import Wire

extension Sessions where Port: ~Copyable {
    /// GetBlockedList-Request: whom a user blocks, and whom alone he lets through; nobody has such lists yet.
    ///
    /// - Source: protocol/primitives.md §5, CL-6.
    func getBlockedList(_ request: Request, into writer: inout Writer) {
        writer.open(.getBlockedListResponse)
        if request.version == .v1_3 {
            writer.flag(.blockListInUse, false)
            writer.flag(.grantListInUse, false)
        } else {
            writeEmpty(.blockList, into: &writer)
            writeEmpty(.grantList, into: &writer)
        }
        writer.close(.getBlockedListResponse)
    }

    private func writeEmpty(_ list: Tag, into writer: inout Writer) {
        writer.open(list)
        writer.flag(.inUse, false)
        writer.open(.entityList)
        writer.close(.entityList)
        writer.close(list)
    }
}
