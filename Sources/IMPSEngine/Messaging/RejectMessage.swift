import CSP
import Octets
import Wire

extension Mailboxes where Port: ~Copyable {
    /// RejectMessage-Request: messages that wait go unread, and their senders are told (538).
    ///
    /// - Throws: 402 without MessageID, 426 when none of the messages waits for this user.
    mutating func rejectMessage(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard let first = document.first(.messageID, in: element) else {
            throw Refusal(.badParameter, "MessageID missing")
        }
        let user = sessions[slot].user
        let failures = writer.mark
        writer.open(.status)
        writer.open(.result)
        writer.integer(.code, UInt64(StatusCode.partialSuccess.rawValue))
        writer.text(.description, StatusCode.partialSuccess.meaning)
        writer.open(.detailedResult)
        writer.integer(.code, UInt64(StatusCode.invalidMessageID.rawValue))
        var rejectedCount = 0
        var failedCount = 0
        var next: Document.Element? = first
        while let current = next {
            next = document.next(after: current)
            let id = document.word(of: current)
            if let sequence = ownMessage(id, in: slot, sessions, records) {
                report(.messageRejected, about: sequence, to: user, &sessions, &records, turn.wall)
                sessions.forget(sequence, in: slot)
                removeEntry(sequence, of: user, &records)
                rejectedCount += 1
            } else {
                // 1.1 has no MessageID in a DetailedResult.
                if request.version > .v1_1 { writer.text(.messageID, id) }
                failedCount += 1
            }
        }
        writer.close(.detailedResult)
        writer.close(.result)
        writer.close(.status)
        guard rejectedCount > 0 else { throw Refusal(.invalidMessageID) }
        if failedCount == 0 {
            writer.rewind(to: failures)
            writer.status(.success)
        }
    }
}
