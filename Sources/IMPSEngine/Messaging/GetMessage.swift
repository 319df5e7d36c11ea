import CSP
import Octets
import Wire

/// Messages that wait can be listed, fetched, confirmed and refused. Source: protocol/primitives.md §6.
extension Mailboxes where Port: ~Copyable {
    /// GetMessage-Request: the message stays until MessageDelivered.
    ///
    /// - Throws: 402 without MessageID, 426 for a message that does not wait for this user.
    mutating func getMessage(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        let sequence = try ownMessage(document, element, in: slot, sessions, records)
        guard let header = records.messageHeader(sequence), !records.isExpired(header, turn.wall) else {
            expire(sequence, of: sessions[slot].user, &sessions, &records, &turn)
            throw Refusal(.invalidMessageID)
        }
        let recipient = records.account(of: sessions[slot].user)?.display ?? InlineBytes<100>()
        writer.open(.getMessageResponse)
        writer.messageInfo(sequence, header, recipient: recipient.span)
        records.writeContent(sequence, header, into: &writer)
        writer.close(.getMessageResponse)
        guard writer.output.freeCapacity > Limits.envelopeEndByteCount else { throw Refusal(.responseTooLarge) }
        sessions.noteFetched(sequence, in: slot, turn.now)
    }

    /// GetMessageList-Request: what waits for the user, the newest first, as far as it fits.
    ///
    /// - Throws: 821 for the history of a group, 402 for a MessageCount that is no number.
    func getMessageList(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard document.first(.groupID, in: element) == nil else { throw Refusal(.historyNotSupported) }
        var left = UInt64.max
        if let count = document.first(.messageCount, in: element) {
            guard let value = Decimal.parse(document.word(of: count)) else {
                throw Refusal(.badParameter, "MessageCount is a number")
            }
            left = value
        }
        let user = sessions[slot].user
        let recipient = records.account(of: user)?.display ?? InlineBytes<100>()
        writer.open(.getMessageListResponse)
        var sequence = UInt64.max
        while left > 0, let next = records.entryNumber(before: sequence, of: user) {
            sequence = next
            guard let entry = records.mailboxEntry(user, next), entry.kind == .message, entry.confirmationCount == 0,
                ownMessage(MessageID.text(next).span, in: slot, sessions, records) != nil,
                let header = records.messageHeader(next),
                !records.isExpired(header, turn.wall)
            else { continue }
            let mark = writer.mark
            writer.messageInfo(next, header, recipient: recipient.span)
            if writer.isOverflowed || writer.output.freeCapacity < Limits.envelopeEndByteCount * 2 {
                writer.rewind(to: mark)
                break
            }
            left -= 1
        }
        writer.close(.getMessageListResponse)
    }

    /// MessageDelivered as a Request, after GetMessage: the message may go.
    ///
    /// - Throws: 402 without MessageID, 426 for a message that does not wait for this user.
    mutating func messageDelivered(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into writer: inout Writer
    ) throws(Refusal) {
        let sequence = try ownMessage(document, element, in: slot, sessions, records)
        guard wasSent(sequence, to: slot, sessions, records) else { throw Refusal(.invalidMessageID) }
        noteConfirms(slot, &sessions, &records)
        confirm(sequence, in: slot, &sessions, systemMessages, &records, &turn)
        writer.status(.success)
    }

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

    /// SetDeliveryMethod-Request: how messages reach this session from now on.
    ///
    /// - Throws: 402 without a method, 800 for a group.
    func setDeliveryMethod(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard document.first(.groupID, in: element) == nil else { throw Refusal(.groupDoesNotExist) }
        guard let word = document.first(.deliveryMethod, in: element),
            let method = DeliveryMethod(document.word(of: word))
        else { throw Refusal(.badParameter, "DeliveryMethod is P or N") }
        sessions[slot].delivery.method = method
        if let length = document.integer(.acceptedContentLength, in: element) {
            sessions[slot].setAcceptedContentLength(length)
        }
        sessions.storeSession(slot, &records)
        writer.status(.success)
    }
}
