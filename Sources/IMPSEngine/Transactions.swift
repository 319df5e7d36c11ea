import CSP
import Octets
import Wire

/// What the shell sends back for a request.
public enum Reply: Sendable {
    /// The message in the writer.
    case message
    /// Nothing: HTTP 200 with an empty body.
    case empty
    /// The document does not even say which transaction it is: HTTP 400.
    case malformed
    /// It is written in characters that nobody reads here: HTTP 415.
    case unsupported
    /// The answer comes from elsewhere: the message in the writer goes there first, as the relay of this place.
    case deferred(Int)
    /// Nothing was done, because as many answers are awaited as can be: the request is to be handled again when one came.
    case later

    /// The answer is in the writer.
    public var isMessage: Bool { if case .message = self { return true } else { return false } }
}

/// A transaction of a client, taken apart.
struct Request {
    let version: Version
    let mode: TransactionMode
    /// The TransactionID element; nil when there is none.
    let transactionID: Document.Element?
    /// The primitive's element; nil when the content is empty or unknown to the protocol.
    let element: Document.Element?
    /// True when there is no primitive at all.
    let isEmpty: Bool
    let client: Client
    /// What the client calls itself, as much of it as is looked at.
    let agent: InlineBytes<64>
}

extension Engine where Port: ~Copyable {
    /// Handles one message of a client: every transaction in it, in order.
    ///
    /// - Parameters:
    ///   - document: The message.
    ///   - body: The octets it was read from, by which a repeat is recognised.
    ///   - client: Where it came from.
    ///   - agent: What the client calls itself, its User-Agent.
    ///   - turn: Time, randomness and the log.
    ///   - writer: Takes the answer; it is empty before.
    /// - Source: protocol/transport.md §2 to §4, protocol/session.md §1.
    public mutating func handle(
        _ document: borrowing Document, body: Span<UInt8>, client: Client, agent: Span<UInt8> = Span(),
        turn: inout Turn, into writer: inout Writer
    ) -> Reply {
        sessions.counters.requests += 1
        if let root = document.root, document.tag(of: root) == .wvCSPVersionDiscoveryRequest {
            discoverVersions(asMessageOf: discoveryVersion(document), into: &writer)
            return .message
        }
        guard let root = document.root, document.tag(of: root) == .wvCSPMessage,
            let session = document.first(.session, in: root)
        else { return .malformed }
        guard
            let version = document.version ?? (asksForVersions(document, session) ? discoveryVersion(document) : nil)
        else {
            return refuse(document, .versionNotSupported, in: Version(nearestTo: document.namespace), into: &writer)
        }
        writer.begin(syntax: writer.syntax, version: version)
        let descriptor = document.first(.sessionDescriptor, in: session)
        let id = descriptor.flatMap { document.first(.sessionID, in: $0) }
        var slot = id.flatMap { sessions.table.find(id: document.word(of: $0)) }
        let number = slot.map { sessions[$0].number } ?? 0
        if let done = relay(document, session, of: slot, version, client, agent, &turn, into: &writer) { return done }
        if let slot { open(slot, client, &turn, into: &writer) }
        var envelope = openEnvelope(document, sessionID: id, into: &writer)
        let emptyMark = writer.mark
        var asksForMore = false
        var hasUnreadable = false
        var bodyHash: Hash64?
        var transaction = document.first(.transaction, in: session)
        guard transaction != nil else { return .malformed }
        while let current = transaction {
            transaction = document.next(after: current)
            guard let request = request(document, current, version, client, agent) else {
                hasUnreadable = true
                continue
            }
            // A transaction without any primitive is ignored; one with a primitive that nobody knows is answered.
            if request.isEmpty { continue }
            // A transaction before it may have ended the session, and its place be somebody else's by now.
            if let current = slot, !sessions.hasSession(current, number) { slot = nil }
            switch (slot, request.mode) {
            case (let slot?, .response):
                responseArrived(document, request, in: slot, &turn)
                asksForMore = true
            case (let slot?, .request) where isPoll(document, request):
                sessions.polled(slot)
                asksForMore = true
            case (nil, .response):
                answer(document, request, .invalidSession, nil, &envelope, into: &writer)
            case (_, .request):
                let hash = bodyHash ?? Hash64(body)
                bodyHash = hash
                answer(document, request, in: slot, hasID: id != nil, hash, &turn, &envelope, into: &writer)
            }
        }
        if let current = slot, !sessions.hasSession(current, number) { slot = nil }
        if writer.mark == emptyMark {
            if hasUnreadable { return refuseUnreadable(document, version, into: &writer) }
            guard let slot, asksForMore,
                mailboxes.sendNext(in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer)
            else {
                if let slot, sessions[slot].isOpen { sessions.heard(slot, records, turn.now) }
                tellPeople(&turn)
                return .empty
            }
        }
        close(&envelope, slot, &turn, into: &writer)
        tellPeople(&turn)
        return .message
    }

    /// Whether a message has credentials in it: then nobody should find it in memory later.
    public func hasCredentials(_ document: borrowing Document) -> Bool {
        guard let root = document.root, let session = document.first(.session, in: root) else { return false }
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            if let content = document.first(.transactionContent, in: transaction),
                document.first(.loginRequest, in: content) != nil
            {
                return true
            }
        }
        return false
    }

    private func refuseUnreadable(
        _ document: borrowing Document, _ version: Version, into writer: inout Writer
    ) -> Reply {
        writer.output.removeAll(limit: writer.output.limit)
        return refuse(document, .badRequest, in: version, into: &writer)
    }

    /// A session is heard of: what is due in it is looked at before its message is.
    @inline(never)
    mutating func open(_ slot: UInt16, _ client: Client, _ turn: inout Turn, into writer: inout Writer) {
        writer.output.setLimit(Int(clamping: sessions[slot].capabilities.parserSize))
        sessions.touch(slot, turn.now)
        sessions.noteAddress(of: slot, client, &records)
        mailboxes.settleUnanswered(in: slot, &sessions, systemMessages, &records, &turn)
        systemMessages.refresh(slot, &sessions, &mailboxes, &records, &turn)
        if sessions[slot].isOpen { sessions.noteVisibility(slot) }
        tellPeople(&turn)
    }

    /// A client closes a server transaction: a notification, a question whether somebody may see its user, or what lies in
    /// the mailbox.
    private mutating func responseArrived(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ turn: inout Turn
    ) {
        if let id = request.transactionID, let number = sessions[slot].transactionNumber(document.word(of: id)),
            sessions.presenceAnswered(number, in: slot)
        {
            return
        }
        // In 1.1 it is the answer itself. Source: protocol/primitives.md §4.1.
        if let element = request.element, document.tag(of: element) == .presenceAuthUser, sessions[slot].closing == 0,
            !sessions[slot].access.isRestricted
        {
            do throws(Refusal) {
                try people.presenceAuthUser(
                    document, element, in: slot, &sessions, &mailboxes, systemMessages, &records, &turn)
            } catch {
                logRefusal(document, request, error.code, in: slot, &turn)
            }
        }
        mailboxes.responseArrived(document, request, in: slot, &sessions, systemMessages, &records, &turn)
    }

    /// Ends a message, after what else goes with it.
    @inline(never)
    mutating func close(
        _ envelope: inout Envelope, _ slot: UInt16?, _ turn: inout Turn, into writer: inout Writer
    ) {
        guard let slot else { return envelope.close(poll: false, into: &writer) }
        mailboxes.sendMore(in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer)
        if sessions[slot].isOpen { sessions.heard(slot, records, turn.now) }
        envelope.close(
            poll: mailboxes.hasMore(in: slot, &sessions, records, turn.now) || sessions[slot].upstream.hasMore,
            cir: sessions.channelFlag(slot, records, turn.now), into: &writer)
    }

    /// Answers a message that could be read only in part, when it says which transaction it is: Status 400, or 402 when
    /// there is too much of it.
    ///
    /// - Source: protocol/transport.md §1.2, rule 4; CL-16.
    public func handleBroken(
        _ document: borrowing Document, isTooLarge: Bool, into writer: inout Writer
    ) -> Reply {
        guard let version = document.version else { return .malformed }
        return isTooLarge
            ? refuse(document, .badParameter, "larger than this server takes", in: version, into: &writer)
            : refuse(document, .badRequest, in: version, into: &writer)
    }

    /// Turns an answer that may not be sent, because its turn was not kept, into a refusal of the same transactions.
    ///
    /// - Parameter answer: The answer as it was written, read again.
    public func revoke(
        _ answer: borrowing Document, because error: StoreError, into writer: inout Writer
    ) -> Reply {
        guard let version = answer.version else { return .malformed }
        let code = error == .full ? StatusCode.messageQueueFull : .internalServerError
        // A server transaction of ours just stays in its queue.
        return refuse(answer, code, in: version, mode: .response, into: &writer).isMessage ? .message : .empty
    }

    /// One Status for each transaction of `mode` in a message.
    private func refuse(
        _ document: borrowing Document, _ code: StatusCode, _ description: StaticString? = nil, in version: Version,
        mode: TransactionMode = .request, into writer: inout Writer
    ) -> Reply {
        guard let root = document.root, let session = document.first(.session, in: root),
            let descriptor = document.first(.sessionDescriptor, in: session),
            document.first(.sessionType, in: descriptor) != nil
        else { return .malformed }
        writer.begin(syntax: writer.syntax, version: version)
        var envelope = openEnvelope(document, sessionID: document.first(.sessionID, in: descriptor), into: &writer)
        var transaction = document.first(.transaction, in: session)
        var count = 0
        while let current = transaction {
            transaction = document.next(after: current)
            guard let descriptor = document.first(.transactionDescriptor, in: current),
                let id = document.first(.transactionID, in: descriptor)
            else { continue }
            // What does not say its mode opens a transaction, since it is no answer.
            let modeElement = document.first(.transactionMode, in: descriptor)
            guard (modeElement.flatMap { TransactionMode(document.word(of: $0)) } ?? .request) == mode else { continue }
            envelope.openTransaction(.response, id: document.word(of: id), into: &writer)
            writer.status(code, description)
            envelope.closeTransaction(into: &writer)
            count += 1
        }
        guard count > 0 else { return .malformed }
        envelope.close(poll: false, into: &writer)
        return .message
    }

    private func openEnvelope(
        _ document: borrowing Document, sessionID: Document.Element?, into writer: inout Writer
    ) -> Envelope {
        guard let sessionID else { return Envelope(sessionID: Span(), into: &writer) }
        return Envelope(sessionID: document.word(of: sessionID), into: &writer)
    }

    /// Takes a transaction apart; nil when it has no usable descriptor.
    @inline(never)
    func request(
        _ document: borrowing Document, _ transaction: Document.Element, _ version: Version, _ client: Client,
        _ agent: Span<UInt8>
    ) -> Request? {
        guard let descriptor = document.first(.transactionDescriptor, in: transaction),
            let modeElement = document.first(.transactionMode, in: descriptor),
            let mode = TransactionMode(document.word(of: modeElement)),
            let content = document.first(.transactionContent, in: transaction)
        else { return nil }
        let element = document.firstChild(of: content)
        return Request(
            version: version, mode: mode, transactionID: document.first(.transactionID, in: descriptor),
            element: element, isEmpty: element == nil && !document.hasUnknownChildren(content), client: client,
            agent: InlineBytes(prefix: agent))
    }

    private func isPoll(_ document: borrowing Document, _ request: Request) -> Bool {
        guard let element = request.element else { return false }
        return document.tag(of: element) == .pollingRequest
    }

    /// Answers with a Status, without doing anything.
    private func answer(
        _ document: borrowing Document, _ request: Request, _ code: StatusCode, _ description: StaticString?,
        _ envelope: inout Envelope, into writer: inout Writer
    ) {
        openResponse(document, request, &envelope, into: &writer)
        writer.status(code, description)
        envelope.closeTransaction(into: &writer)
    }

    @inline(never)
    func openResponse(
        _ document: borrowing Document, _ request: Request, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        if let id = request.transactionID {
            envelope.openTransaction(.response, id: document.word(of: id), into: &writer)
        } else {
            envelope.openTransaction(.response, id: Span(), into: &writer)
        }
    }

    /// Does what a Request asks and answers it.
    private mutating func answer(
        _ document: borrowing Document, _ request: Request, in slot: UInt16?, hasID: Bool, _ body: Hash64,
        _ turn: inout Turn, _ envelope: inout Envelope, into writer: inout Writer
    ) {
        openResponse(document, request, &envelope, into: &writer)
        let content = writer.mark
        var hash: UInt64 = 0
        if let id = request.transactionID {
            // What a repeat is recognised by: the TransactionID together with everything that the message says.
            var whole = body
            whole.combine(document.word(of: id))
            hash = whole.value
        }
        if let slot, hash != 0, sessions.replayAnswer(hash, in: slot, records, now: turn.now, into: &writer) {
            envelope.closeTransaction(into: &writer)
            return
        }
        let changesBefore = records.store.changeCount
        var refusal: Refusal?
        do throws(Refusal) {
            try dispatch(
                document, request, in: slot, hasID: hasID, hash, &turn, into: &writer)
        } catch {
            writer.rewind(to: content)
            writer.status(error.code, error.description)
            logRefusal(document, request, error.code, in: slot, &turn)
            refusal = error
        }
        if writer.isOverflowed {
            writer.rewind(to: content)
            writer.status(.responseTooLarge)
        }
        // The session may have ended, and Logout needs no kept answer: a repeat gets 604, which says the same.
        if let slot, sessions[slot].isOpen, records.store.changeCount != changesBefore, hash != 0 {
            sessions.keepAnswer(
                hash, in: slot, &records, now: turn.now, writer.written(since: content), page: writer.page)
        }
        if let slot, let refusal, sessions[slot].isOpen, sessions[slot].closing == 0,
            let element = request.element
        {
            systemMessages.countError(refusal.code, document, element, in: slot, &sessions, &mailboxes, &records, &turn)
        }
        tellPeople(&turn)
        envelope.closeTransaction(into: &writer)
    }

    @inline(never)
    func logRefusal(
        _ document: borrowing Document, _ request: Request, _ code: StatusCode, in slot: UInt16?, _ turn: inout Turn
    ) {
        guard turn.journal.begin(.refused, turn.now, turn.wall) else { return }
        turn.journal.number("code", UInt64(code.rawValue))
        if let element = request.element { turn.journal.word("primitive", document.tag(of: element).name) }
        if let slot { records.logUser(sessions[slot].user, &turn) }
        turn.journal.text("ip", request.client.address.span)
        turn.journal.end()
    }
}

extension Records where Port: ~Copyable {
    /// Adds the user's address to a record.
    func logUser(_ user: UInt32, _ turn: inout Turn) {
        if let address = address(of: user) { turn.journal.text("user", address.span) }
    }
}
