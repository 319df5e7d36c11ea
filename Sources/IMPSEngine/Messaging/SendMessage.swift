import CSP
import Octets
import Wire

/// A recipient of a message and what became of it.
struct Delivery {
    var user: UInt32 = 0
    /// It is the system address.
    var isSystem = false
    /// The element that named the recipient, for the answer.
    var element: Document.Element?
    var code = StatusCode.success
}

/// The recipients of one message.
struct Deliveries {
    var items = InlineArray<64, Delivery>(repeating: Delivery())
    var count = 0

    /// The system address is one of them.
    var includesSystem: Bool {
        for index in 0..<count where items[index].isSystem { return true }
        return false
    }

    var failureCount: Int {
        var failures = 0
        for index in 0..<count where items[index].code != .success { failures += 1 }
        return failures
    }

    mutating func append(_ delivery: Delivery) throws(Refusal) {
        guard count < items.count else { throw Refusal(.badParameter, "too many recipients") }
        items[count] = delivery
        count += 1
    }

    func contains(_ delivery: Delivery) -> Bool {
        for index in 0..<count where items[index].user == delivery.user && items[index].isSystem == delivery.isSystem {
            if items[index].code == .success { return true }
        }
        return false
    }
}

extension Mailboxes where Port: ~Copyable {
    /// SendMessage-Request: accepts a message for each recipient that may have it.
    ///
    /// - Throws: 402 without usable MessageInfo or Recipient or with too much content, 507 when the store is full, and
    ///   the code of the failure when the only recipient cannot have it.
    /// - Source: protocol/primitives.md §6, protocol/system-message.md §6.1.
    mutating func sendMessage(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ systemMessages: inout SystemMessages<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard let info = document.first(.messageInfo, in: element) else {
            throw Refusal(.badParameter, "MessageInfo missing")
        }
        var header = try header(document, element, info)
        let isEscaped =
            writer.syntax == .wbxml && !header.isBase64 && sessions[slot].quirks.contains(.unescapeContent)
        let content = document.first(.contentData, in: element)
        if let content {
            let byteCount = MessageContent(document.text(of: content), isEscaped: isEscaped).byteCount
            guard byteCount <= Int(records.settings.messageByteCountMax) else {
                throw Refusal(.badParameter, "larger than this server takes")
            }
            header.contentByteCount = UInt32(byteCount)
        }
        guard let account = records.account(of: sessions[slot].user) else { throw Refusal(.forbidden) }
        header.sender = account.display
        header.senderNumber = account.number
        var deliveries = try recipients(
            document, info, from: slot, header.contentByteCount, sessions, &systemMessages, records, &turn)
        refuseToRemotes(header, &deliveries)
        try refuseIfNobody(deliveries, in: slot, sessions)
        let sequence = records.takeSequence()
        if let content {
            let text = document.text(of: content)
            accept(
                &header, sequence, MessageContent(text, isEscaped: isEscaped), deliveries, &sessions, &records, turn)
            if deliveries.includesSystem {
                systemMessages.messageToSystem(text, from: slot, &sessions, &self, &records, &turn)
            }
        } else {
            accept(&header, sequence, MessageContent(Span()), deliveries, &sessions, &records, turn)
            if deliveries.includesSystem {
                systemMessages.messageToSystem(Span(), from: slot, &sessions, &self, &records, &turn)
            }
        }

        writer.open(.sendMessageResponse)
        writeResult(document, request, deliveries, records, into: &writer)
        writer.text(.messageID, MessageID.text(sequence).span)
        writer.close(.sendMessageResponse)
    }

    /// Stores a message for the recipients that may have it.
    mutating func accept(
        _ header: inout MessageHeader, _ sequence: UInt64, _ content: MessageContent, _ deliveries: Deliveries,
        _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        header.sent = turn.wall.storedSeconds
        for index in 0..<deliveries.count where deliveries.items[index].code == .success {
            if deliveries.items[index].isSystem { continue }
            header.recipients[header.recipientCount] = deliveries.items[index].user
            header.recipientCount += 1
        }
        guard header.recipientCount > 0 else { return }
        storeMessage(header, sequence, content, &records)
        for index in 0..<header.recipientCount {
            let entry = MailboxEntry(
                kind: .message, byteCount: header.contentByteCount, sender: header.senderNumber)
            enqueue(entry, sequence, for: header.recipients[index], &sessions, &records)
            scheduleExpiry(header, sequence, of: header.recipients[index], &records, turn)
        }
        counters.accepted += UInt64(header.recipientCount)
    }

    private func header(
        _ document: borrowing Document, _ element: Document.Element, _ info: Document.Element
    ) throws(Refusal) -> MessageHeader {
        var header = MessageHeader()
        header.wantsReport = document.flag(.deliveryReport, in: element) ?? false
        if let validity = document.first(.validity, in: info) {
            guard let seconds = Decimal.parse(document.word(of: validity)) else {
                throw Refusal(.badParameter, "Validity is a number of seconds")
            }
            header.validity = UInt32(min(seconds, UInt64(UInt32.max)))
        }
        if let encoding = document.first(.contentEncoding, in: info), document.word(of: encoding).count > 0 {
            let word = document.word(of: encoding)
            guard word.equalsIgnoringCase("BASE64") || word.equalsIgnoringCase("None") else {
                throw Refusal(.headerEncodingNotSupported, "ContentEncoding is None or BASE64")
            }
            header.isBase64 = word.equalsIgnoringCase("BASE64")
        }
        _ = header.contentType.append(ContentType.plainText)
        if let type = document.first(.contentType, in: info), document.word(of: type).count > 0 {
            guard let copy = InlineBytes<100>(document.word(of: type)) else {
                throw Refusal(.unsupportedMediaType, "ContentType too long")
            }
            header.contentType = copy
        }
        return header
    }

    // MARK: Recipients

    /// Every recipient of a message once, with what the checks say. Source: protocol/primitives.md §6.2, rule 1.
    mutating func recipients(
        _ document: borrowing Document, _ info: Document.Element, from slot: UInt16, _ byteCount: UInt32,
        _ sessions: borrowing Sessions<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> Deliveries {
        guard let recipient = document.first(.recipient, in: info) else {
            throw Refusal(.badParameter, "Recipient missing")
        }
        var deliveries = Deliveries()
        var visited = 0
        var next = document.firstChild(of: recipient)
        while let current = next {
            next = document.nextSibling(of: current)
            switch document.tag(of: current) {
            case .user:
                guard let userID = document.first(.userID, in: current) else { continue }
                let delivery = delivery(
                    to: document.word(of: userID), userID, from: slot, byteCount, sessions, &systemMessages, records,
                    &turn)
                if delivery.code == .success, deliveries.contains(delivery) { continue }
                try deliveries.append(delivery)
            case .contactList:
                try append(
                    document, list: current, from: slot, byteCount, sessions, &systemMessages, records, &turn,
                    to: &deliveries, &visited)
            case .group:
                try deliveries.append(Delivery(element: current, code: .groupDoesNotExist))
            default: continue
            }
        }
        guard deliveries.count > 0 else { throw Refusal(.badParameter, "Recipient names nobody") }
        return deliveries
    }

    /// Everybody on a contact list of the sender; who cannot have the message does not stop the others.
    private mutating func append(
        _ document: borrowing Document, list element: Document.Element, from slot: UInt16, _ byteCount: UInt32,
        _ sessions: borrowing Sessions<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn, to deliveries: inout Deliveries,
        _ visited: inout Int
    ) throws(Refusal) {
        let user = sessions[slot].user
        var list: UInt8?
        var failure = StatusCode.contactListDoesNotExist
        do throws(Refusal) { list = try records.named(document, element, of: user).number } catch {
            failure = error.code
        }
        guard let list, let first = records.contact(after: 0, on: list, of: user) else {
            try deliveries.append(Delivery(element: element, code: failure))
            return
        }
        var next: UInt32? = first
        while let contact = next {
            next = records.contact(after: contact, on: list, of: user)
            visited += 1
            guard visited <= Limits.visitedCountMax else { throw Refusal(.badParameter, "too many recipients") }
            guard let address = records.address(of: contact) else { continue }
            var delivery = delivery(
                to: address.span, element, from: slot, byteCount, sessions, &systemMessages, records, &turn)
            if delivery.code == .success, deliveries.contains(delivery) { continue }
            delivery.user = contact
            try deliveries.append(delivery)
        }
    }

    /// The checks for one recipient, in their order. Source: protocol/system-message.md §6.1.
    private mutating func delivery(
        to name: Span<UInt8>, _ element: Document.Element, from slot: UInt16, _ byteCount: UInt32,
        _ sessions: borrowing Sessions<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn
    ) -> Delivery {
        let sender = sessions[slot].user
        let address = Address(name, homeDomain: records.settings.domain.span)
        if address?.isSystem == true { return Delivery(isSystem: true, element: element) }
        // Until a question is answered, and without a level for more, only the system address may be written to.
        guard !sessions[slot].access.isRestricted else { return Delivery(element: element, code: .forbidden) }
        guard sessions.isAgreed(.sendMessageRequest, in: slot) else {
            return Delivery(element: element, code: .serviceNotAgreed)
        }
        guard let address, address.kind == .user else { return Delivery(element: element, code: .unknownUser) }
        guard address.isLocal || records.settings.isRemote(address) else {
            return Delivery(element: element, code: .domainNotSupported)
        }
        guard let account = records.account(address.canonical), account.kind != .upstream else {
            return Delivery(element: element, code: .unknownUser)
        }
        guard records.letsThrough(sender, to: account.number) else {
            return Delivery(element: element, code: .recipientBlockedTheSender)
        }
        // Who does not want to be seen is as good as away: nobody learns more from a refusal.
        if account.kind != .remote {
            guard
                sessions.isOnline(account.number, records)
                    || records.maySendOffline(to: account.number, from: sender)
            else { return Delivery(element: element, code: .recipientUnauthorized) }
            guard sessions.first(of: account.number) != nil || records.settings.storesOffline else {
                return Delivery(element: element, code: .recipientNotLoggedIn)
            }
        }
        let room = roomCode(account, byteCount, from: sender, &systemMessages, records, &turn)
        return room == .success
            ? Delivery(user: account.number, element: element) : Delivery(element: element, code: room)
    }

    /// 507 when there is no room for a message, in the mailbox or in the sender's share of the store.
    mutating func roomCode(
        _ account: Account, _ byteCount: UInt32, from sender: UInt32, _ systemMessages: inout SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ turn: inout Turn
    ) -> StatusCode {
        let hasShare = hasStoreRoom(byteCount: byteCount, from: sender, records)
        guard hasShare, records.hasMailboxRoom(account.number, byteCount: byteCount, from: sender) else {
            counters.refused += 1
            if hasShare { systemMessages.countRefused(account.number, turn.now) }
            if turn.journal.begin(.mailboxFull, turn.now, turn.wall) {
                records.logUser(account.number, &turn)
                turn.journal.word("what", hasShare ? "mailbox" : records.store.hasRoom ? "share" : "store")
                turn.journal.end()
            }
            return .messageQueueFull
        }
        return .success
    }

    // MARK: Answer

    /// Refuses a message that nobody can have: with the code of the only recipient, of all, or 900.
    func refuseIfNobody(_ deliveries: Deliveries, in slot: UInt16, _ sessions: borrowing Sessions<Port>)
        throws(Refusal)
    {
        guard deliveries.failureCount == deliveries.count else { return }
        if sessions[slot].access.isRestricted { throw Refusal(.forbidden, "first answer the message from the system") }
        let code = deliveries.items[0].code
        for index in 0..<deliveries.count where deliveries.items[index].code != code {
            throw Refusal(.multipleErrors)
        }
        throw Refusal(code)
    }

    /// 200, or 201 with the failures, grouped by their codes.
    func writeResult(
        _ document: borrowing Document, _ request: Request, _ deliveries: Deliveries,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        guard deliveries.failureCount > 0 else {
            writer.result(.success)
            return
        }
        writer.open(.result)
        writer.integer(.code, UInt64(StatusCode.partialSuccess.rawValue))
        writer.text(.description, StatusCode.partialSuccess.meaning)
        for index in 0..<deliveries.count {
            let code = deliveries.items[index].code
            guard code != .success, !isEarlier(code, than: index, in: deliveries) else { continue }
            writer.open(.detailedResult)
            writer.integer(.code, UInt64(code.rawValue))
            writer.text(.description, code.meaning)
            for other in index..<deliveries.count where deliveries.items[other].code == code {
                writeFailed(document, request, deliveries.items[other], records, into: &writer)
            }
            writer.close(.detailedResult)
        }
        writer.close(.result)
    }

    private func isEarlier(_ code: StatusCode, than index: Int, in deliveries: Deliveries) -> Bool {
        for other in 0..<index where deliveries.items[other].code == code { return true }
        return false
    }

    /// Names a failed recipient in a DetailedResult. Source: protocol/session.md §1.5.
    private func writeFailed(
        _ document: borrowing Document, _ request: Request, _ delivery: Delivery, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        guard let element = delivery.element else { return }
        switch document.tag(of: element) {
        case .group:
            if let id = document.first(.groupID, in: element) { writer.text(.groupID, document.word(of: id)) }
        case .contactList:
            // Somebody on it, or the list itself.
            if let address = records.address(of: delivery.user) {
                writer.text(.userID, address.span)
            } else if request.version > .v1_1 {
                writer.text(.contactList, document.word(of: element))
            }
        default: writer.text(.userID, document.word(of: element))
        }
    }
}
