import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// GetBlockedList-Request: whom a user blocks, and whom alone he lets through.
    ///
    /// - Source: protocol/primitives.md §5, rule 2; CL-6.
    func getBlockedList(
        _ request: Request, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        let user = sessions[slot].user
        let screening = records.screening(of: user)
        let isThird = request.version == .v1_3
        writer.open(.getBlockedListResponse)
        if isThird {
            writer.flag(.blockListInUse, screening.blocks)
            writer.flag(.grantListInUse, screening.grants)
        }
        write(.block, hasInUse: !isThird, screening, of: user, records, into: &writer)
        write(.grant, hasInUse: !isThird, screening, of: user, records, into: &writer)
        writer.close(.getBlockedListResponse)
    }

    private func write(
        _ list: ScreeningList, hasInUse: Bool, _ screening: Screening, of user: UInt32,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        writer.open(list.tag)
        if hasInUse { writer.flag(.inUse, screening.isInUse(list)) }
        writer.open(.entityList)
        let prefix = Key.screened(user, on: list)
        var last = Key()
        while let key = records.key(in: prefix, after: last) {
            last = key
            guard let record = records.store.value(for: key.span) else { continue }
            var reader = RecordReader(record)
            guard let kind = ScreenedKind(rawValue: reader.integer()) else { continue }
            let name = reader.counted()
            switch kind {
            case .user: writer.text(.userID, name)
            case .group: writer.text(.groupID, name)
            case .screenName:
                writer.open(.screenName)
                writer.text(.sName, name)
                writer.text(.groupID, reader.counted())
                writer.close(.screenName)
            }
        }
        writer.close(.entityList)
        writer.close(list.tag)
    }
}
