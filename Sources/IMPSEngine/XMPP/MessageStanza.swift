import CSP
import Octets
import Wire

extension Component where Port: ~Copyable {
    // MARK: From there

    /// A message, a receipt for one (XEP-0184), or the refusal of one.
    ///
    /// What was taken is not confirmed here: the sender's server has it no more, and who asked for a receipt gets it when a
    /// client has the message.
    mutating func messageArrived(
        _ document: borrowing Document, _ stanza: Stanza, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) {
        let element = stanza.element
        let type = document.value(.type, of: element)
        guard let account = stanza.account, account.isOwn else {
            return stanza.refuse(document, "message", "cancel'><item-not-found", into: &writer)
        }
        if type.equals("error") {
            return refusalArrived(document, stanza, account, &mailboxes, &sessions, &records, &turn)
        }
        if let received = document.child(.received, of: element) {
            let id = document.value(.id, of: received)
            guard let message = mailboxes.message(id, of: account, to: stanza.peer.canonical, records) else { return }
            settle(message.sequence, to: stanza.peer.canonical, &records)
            return mailboxes.noteReceipt(message.sequence, of: message.user, &sessions, &records, turn.wall)
        }
        // Of rooms there is nothing here, and what has no text tells of somebody who writes.
        guard !type.equals("groupchat"), let body = document.child(.body, of: element),
            document.text(of: body).count > 0
        else { return }
        var hash: UInt64 = 0
        if let origin = document.child(.originID, of: element) {
            var all = Hash64(stanza.peer.canonical)
            all.combine(stanza.to.canonical)
            all.combine(document.value(.id, of: origin))
            hash = all.value
            guard !seen.contains(hash) else { return }
        }
        var header = MessageHeader()
        if let id = InlineBytes<64>(document.value(.id, of: element)) {
            header.remoteID = id
            header.wantsReport = document.child(.request, of: element) != nil && !id.isEmpty
        }
        if let delay = document.child(.delay, of: element), turn.wall.isTrusted {
            header.written = min(Self.seconds(document.value(.stamp, of: delay)), turn.wall.secondsSince1970)
        }
        let refusal = mailboxes.take(
            &header, document.text(of: body), from: stanza.peer.canonical, for: account, &sessions, &systemMessages,
            &records, &turn)
        if let refusal { return stanza.refuse(document, "message", refusal, into: &writer) }
        counters.received += 1
        if hash != 0 { seen.add(hash, &records) }
    }

    /// Seconds since 1970 of `2026-11-30T18:00:00Z`; 0 for anything else.
    private static func seconds(_ stamp: Span<UInt8>) -> UInt64 {
        guard stamp.count >= 20, let minute = CivilTime.seconds(of: stamp.extracting(0..<16)),
            let seconds = Decimal.parse(stamp.extracting(17..<19))
        else { return 0 }
        return minute + seconds
    }

    /// Somebody's server refuses a message of ours. What it may take later goes out again.
    private mutating func refusalArrived(
        _ document: borrowing Document, _ stanza: Stanza, _ account: Account, _ mailboxes: inout Mailboxes<Port>,
        _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let peer = stanza.peer.canonical
        guard let error = document.child(.error, of: stanza.element),
            let message = mailboxes.message(document.value(.id, of: stanza.element), of: account, to: peer, records)
        else { return }
        let isTemporary =
            document.value(.type, of: error).equals("wait") || document.child(.remoteServerNotFound, of: error) != nil
            || document.child(.remoteServerTimeout, of: error) != nil
        let code: StatusCode = document.child(.itemNotFound, of: error) != nil ? .unknownUser : .unableToDeliver
        // Who says it twice says nothing new, nor who speaks of what he was not sent.
        guard
            settle(message.sequence, to: peer, &records)
                || records.mailboxEntry(message.user, message.sequence)?.isHandedOver == true
        else { return }
        refused(
            message.sequence, of: peer, code, isTemporary: isTemporary, &mailboxes, &sessions, &records, &turn)
    }

    // MARK: To there

    /// Writes an entry of the outbox; nothing when there is no such message or user any more.
    func write(
        _ entry: OutboxEntry, _ records: borrowing Records<Port>, _ wall: WallTime, into writer: inout Writer
    ) {
        guard let user = records.address(of: entry.user) else { return }
        let peer = entry.peer
        switch entry.kind {
        case .message:
            guard let header = records.messageHeader(entry.message) else { return }
            let id = MessageID.text(entry.message)
            writer.openStanza("message", from: user.span, to: peer.span, type: "chat")
            writer.attribute("id", id.span)
            writer.output.append("><body>")
            records.writeText(entry.message, header, into: &writer)
            writer.output.append("</body><origin-id xmlns='urn:xmpp:sid:0'")
            writer.attribute("id", id.span)
            writer.output.append("/><request xmlns='urn:xmpp:receipts'/>")
            if header.shownTime > 0, wall.storedSeconds > header.shownTime + 10 {
                writer.output.append("<delay xmlns='urn:xmpp:delay' stamp='")
                writer.output.append(extendedTime: header.shownTime)
                writer.output.append("'/>")
            }
            writer.output.append("</message>")
        case .receipt:
            writer.openStanza("message", from: user.span, to: peer.span)
            writer.output.append("><received xmlns='urn:xmpp:receipts'")
            writer.attribute("id", entry.id.span)
            writer.output.append("/></message>")
        case .subscribe: writePresence("subscribe", user, peer, into: &writer)
        case .subscribed: writePresence("subscribed", user, peer, into: &writer)
        case .unsubscribe: writePresence("unsubscribe", user, peer, into: &writer)
        case .unsubscribed:
            writePresence("unavailable", user, peer, into: &writer)
            writePresence("unsubscribed", user, peer, into: &writer)
        }
    }

    /// Writes a presence that says nothing but its type.
    @inline(never)
    func writePresence(
        _ type: StaticString, _ user: InlineBytes<100>, _ peer: InlineBytes<100>, into writer: inout Writer
    ) {
        writer.openStanza("presence", from: user.span, to: peer.span, type: type)
        writer.output.append("/>")
    }
}
