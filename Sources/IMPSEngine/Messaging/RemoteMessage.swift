import CSP
import Octets
import Wire

/// Messages between users of this server and those of XMPP servers. One for somebody there waits in a mailbox of his here
/// until his server has it, and then for a while, because it may say later that it cannot have it.
extension Mailboxes where Port: ~Copyable {
    // MARK: From there

    /// Takes a message for a user of this server.
    ///
    /// - Parameter peer: The address of its sender.
    /// - Returns: why it is refused, as the type and the condition of an error of XMPP; nil when it was taken.
    mutating func take(
        _ header: inout MessageHeader, _ content: Span<UInt8>, from peer: Span<UInt8>, for account: Account,
        _ sessions: inout Sessions<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) -> StaticString? {
        guard content.count <= Int(records.settings.messageByteCountMax) else { return "modify'><policy-violation" }
        header.contentByteCount = UInt32(content.count)
        header.sender = InlineBytes(prefix: peer)
        header.senderNumber = records.account(peer)?.number ?? .max
        _ = header.contentType.append(ContentType.plainText)
        guard records.letsThrough(peer, to: account.number) else { return "cancel'><service-unavailable" }
        if !sessions.isOnline(account.number, records) {
            guard records.maySendOffline(to: account.number, from: header.senderNumber) else {
                return "auth'><subscription-required"
            }
        }
        guard sessions.first(of: account.number) != nil || records.settings.storesOffline else {
            return "wait'><recipient-unavailable"
        }
        let room = roomCode(
            account, header.contentByteCount, from: header.senderNumber, &systemMessages, records, &turn)
        guard room == .success else { return "wait'><resource-constraint" }
        var deliveries = Deliveries()
        deliveries.items[0].user = account.number
        deliveries.count = 1
        accept(&header, records.takeSequence(), MessageContent(content), deliveries, &sessions, &records, turn)
        return nil
    }

    // MARK: To there

    /// Refuses what an XMPP server cannot have to those who belong to one.
    func refuseToRemotes(_ header: MessageHeader, _ deliveries: inout Deliveries) {
        let type = header.contentType.span
        let isText = type.count > 5 && type.extracting(0..<5).equalsIgnoringCase("text/")
        guard header.isBase64 || !isText else { return }
        for index in 0..<deliveries.count where deliveries.items[index].user.isRemoteUser {
            deliveries.items[index].code = .unsupportedMediaType
        }
    }

    /// The server of a recipient has a message. It stays for a minute, and longer for who wants a report.
    @inline(never)
    mutating func handOver(_ sequence: UInt64, to user: UInt32, _ records: inout Records<Port>, _ turn: borrowing Turn)
    {
        guard var entry = records.mailboxEntry(user, sequence) else { return }
        counters.delivered += 1
        let wantsReport = records.wantsReport(sequence)
        guard turn.wall.isTrusted || wantsReport else { return removeEntry(sequence, of: user, &records) }
        entry.isHandedOver = true
        records.changeEntry(sequence, of: user, to: entry)
        guard turn.wall.isTrusted else { return }
        let end = turn.wall.secondsSince1970 + 60
        records.scratch.removeAll()
        records.store.put(Key.expiry(at: end, user, sequence).span, records.scratch)
        scheduleExpirySweep(at: end, turn)
    }

    /// A server that was given messages has gone without a word, and may not have kept what it had for less than a minute:
    /// it gets that once more, under the same names.
    mutating func recallHandedOver(_ records: inout Records<Port>) {
        var last = Key()
        while let key = records.key(in: Key.kind(RecordKind.expiry), after: last) {
            last = key
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let time: UInt64 = reader.integer()
            let user: UInt32 = reader.integer()
            let sequence: UInt64 = reader.integer()
            guard user.isRemoteUser, var entry = records.mailboxEntry(user, sequence), entry.isHandedOver,
                let address = records.address(of: user), let header = records.messageHeader(sequence),
                // That is when it expires.
                header.validity == 0 || header.expiry(lifetime: records.settings.lifetimeSeconds) != time
            else { continue }
            entry.isHandedOver = false
            records.changeEntry(sequence, of: user, to: entry)
            records.store.delete(key.span)
            records.send(OutboxEntry(.message, from: entry.sender, to: address, message: sequence))
        }
    }

    /// The message of a user that somebody there speaks of; nil when there is none.
    func message(
        _ id: Span<UInt8>, of account: Account, to peer: Span<UInt8>, _ records: borrowing Records<Port>
    ) -> (sequence: UInt64, user: UInt32)? {
        guard let sequence = MessageID.sequence(id), let user = records.account(peer)?.number,
            records.mailboxEntry(user, sequence)?.kind == .message,
            records.messageHeader(sequence)?.senderNumber == account.number
        else { return nil }
        return (sequence, user)
    }

    /// A recipient says that he has a message.
    mutating func noteReceipt(
        _ sequence: UInt64, of user: UInt32, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ wall: WallTime
    ) {
        report(.success, about: sequence, to: user, &sessions, &records, wall)
        removeEntry(sequence, of: user, &records)
    }

    /// The server of a recipient cannot have a message: now, so that it goes out again later, or not at all.
    ///
    /// - Returns: whether it goes out again.
    mutating func bounce(
        _ sequence: UInt64, of user: UInt32, code: StatusCode, isTemporary: Bool, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) -> Bool {
        guard var entry = records.mailboxEntry(user, sequence), let address = records.address(of: user) else {
            return false
        }
        guard isTemporary else {
            report(code, about: sequence, to: user, &sessions, &records, turn.wall)
            removeEntry(sequence, of: user, &records)
            return false
        }
        let wait = UInt64(15) << UInt64(min(entry.deliveries, 8))
        entry.isHandedOver = false
        entry.deliveries += entry.deliveries < .max ? 1 : 0
        records.changeEntry(sequence, of: user, to: entry)
        records.send(
            OutboxEntry(.message, from: entry.sender, to: address, message: sequence),
            due: turn.wall.isTrusted ? turn.wall.secondsSince1970 + wait : 0)
        return true
    }
}
