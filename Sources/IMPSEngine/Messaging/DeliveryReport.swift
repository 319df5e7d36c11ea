import CSP
import Octets
import Wire

/// DeliveryReport-Request: what became of a message, for the sender who asked. Source: protocol/primitives.md §6.2.
extension Mailboxes where Port: ~Copyable {
    /// Puts a report into the sender's mailbox, if he asked for one and still has an account.
    func report(
        _ code: StatusCode, about message: UInt64, to recipient: UInt32, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) {
        guard records.wantsReport(message), let header = records.messageHeader(message) else { return }
        if !header.remoteID.isEmpty {
            guard code == .success else { return }
            return records.send(OutboxEntry(.receipt, from: recipient, to: header.sender, id: header.remoteID))
        }
        guard
            let address = Address(header.sender.span, homeDomain: records.settings.domain.span),
            let sender = records.account(address.canonical), let recipient = records.account(of: recipient)
        else { return }
        // A full mailbox is no reason to keep the message itself back: the report is left out.
        guard records.store.hasRoom, records.hasMailboxRoom(sender.number, byteCount: 0) else { return }
        var report = DeliveryReportRecord()
        report.owner = sender.number
        report.code = code.rawValue
        report.time = wall.storedSeconds
        report.message = message
        report.sent = header.shownTime
        report.isBase64 = header.isBase64
        report.contentByteCount = header.contentByteCount
        report.recipient = recipient.display
        report.contentType = header.contentType
        let sequence = records.takeSequence()
        records.scratch.removeAll()
        report.write(into: &records.scratch)
        records.store.put(Key.message(sequence, piece: 0).span, records.scratch)
        enqueue(MailboxEntry(kind: .report, byteCount: 0), sequence, for: sender.number, &sessions, &records)
    }

    /// Writes a stored report; false when it is gone.
    func sendReport(
        _ sequence: UInt64, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) -> Bool {
        guard let report = records.storedReport(sequence), let sender = records.account(of: sessions[slot].user) else {
            return false
        }
        writer.open(.deliveryReportRequest)
        writer.result(StatusCode(rawValue: report.code) ?? .unableToDeliver)
        if report.time > 0 { writer.time(.deliveryTime, report.time) }
        writer.open(.messageInfo)
        writer.text(.messageID, MessageID.text(report.message).span)
        writer.text(.contentType, report.contentType.span)
        writer.text(.contentEncoding, report.isBase64 ? "BASE64" : "None")
        writer.integer(.contentSize, UInt64(report.contentByteCount))
        writer.user(.recipient, report.recipient.span)
        writer.user(.sender, sender.display.span)
        if report.sent > 0 { writer.time(.dateTime, report.sent) }
        writer.close(.messageInfo)
        writer.close(.deliveryReportRequest)
        return true
    }
}

extension Records where Port: ~Copyable {
    /// A stored report; nil when it is gone or a message.
    func storedReport(_ sequence: UInt64) -> DeliveryReportRecord? {
        let key = Key.message(sequence, piece: 0)
        guard let record = store.value(for: key.span) else { return nil }
        return DeliveryReportRecord(record)
    }
}
