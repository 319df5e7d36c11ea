import CSP
import Octets
import Wire

/// What an upstream answers, and how it reaches the client: in its syntax and version, in the session that it knows.
extension Engine where Port: ~Copyable {
    /// Where a message goes that `handle` deferred.
    public func relayOrder(_ place: Int) -> RelayOrder { gateway.order(place) }

    /// Writes the answer to a client from what an upstream answered.
    ///
    /// - Parameter document: The answer; nil for an empty one, which says that there is nothing.
    /// - Returns: nil when it is no answer to what was asked: then `relayFailed` is to be called.
    public mutating func relayAnswered(
        _ place: Int, _ document: borrowing Document, isEmpty: Bool, _ turn: inout Turn, into writer: inout Writer
    ) -> Reply? {
        let relay = gateway.relays[place]
        guard relay.kind != .login || relay.configuration == gateway.configuration else { return nil }
        guard isEmpty ? relay.askedCount == 0 || relay.kind == .session : isAnswer(document, to: relay) else {
            return nil
        }
        gateway.relays[place] = Relay()
        gateway.noteAnswer(relay, &turn)
        let hasSession = relay.kind != .login && sessions.hasSession(relay.slot, relay.session)
        if relay.kind == .watch { return watchAnswered(document, relay, hasSession, isEmpty: isEmpty, &turn) }
        writer.begin(syntax: relay.syntax, version: relay.version)
        if hasSession {
            writer.output.setLimit(Int(clamping: sessions[relay.slot].capabilities.parserSize))
            gateway.note(hasMore: !isEmpty && hasMore(document), relay.slot, &sessions)
        }
        let id = hasSession ? sessions.table.id(of: relay.slot) : InlineBytes()
        var envelope = Envelope(sessionID: id.span, into: &writer)
        let emptyMark = writer.mark
        write(settledBy: relay, &envelope, into: &writer)
        var ends = relay.endsSession
        if !isEmpty, let root = document.root, let session = document.first(.session, in: root) {
            var next = document.first(.transaction, in: session)
            while let transaction = next {
                next = document.next(after: transaction)
                if relayBack(document, transaction, relay, &turn, &envelope, into: &writer) { ends = true }
            }
        }
        if ends, hasSession, sessions.hasSession(relay.slot, relay.session) {
            let end: SessionEnd = relay.endsSession ? .logout : .disconnected
            sessions.endSession(relay.slot, end, &mailboxes, systemMessages, &records, &turn)
        }
        let slot = hasSession && sessions.hasSession(relay.slot, relay.session) ? relay.slot : nil
        defer {
            if let slot { gateway.watch(slot, &sessions, turn.now) }
            tellPeople(&turn)
        }
        if writer.mark == emptyMark {
            guard let slot,
                mailboxes.sendNext(in: slot, &sessions, systemMessages, &records, &turn, &envelope, into: &writer)
            else { return .empty }
        }
        close(&envelope, slot, &turn, into: &writer)
        return .message
    }

    /// Answers a client whose upstream did not: 503 or 504 for each transaction that was for it.
    ///
    /// - Parameter document: The message that went there; one without a root when it cannot be read any more.
    /// - Returns: `deferred` when nobody was there to take it and it goes to another address, which `relayOrder` names.
    public mutating func relayFailed(
        _ place: Int, _ document: borrowing Document, _ failure: RelayFailure, _ turn: inout Turn,
        into writer: inout Writer
    ) -> Reply {
        let relay = gateway.relays[place]
        gateway.noteFailure(relay, failure, &turn)
        if case .unreachable = failure, gateway.redirect(place, turn.now) { return .deferred(place) }
        gateway.relays[place] = Relay()
        if relay.kind == .watch, sessions.hasSession(relay.slot, relay.session) {
            gateway.goOnWatching(relay.slot, &sessions, turn.now)
        }
        guard relay.kind != .watch else { return .empty }
        return refuse(document, relay, failure.code, into: &writer)
    }

    /// One answer for each transaction of a client that did not get to the upstream.
    @inline(never)
    mutating func refuse(
        _ document: borrowing Document, _ relay: Relay, _ code: StatusCode, into writer: inout Writer
    ) -> Reply {
        guard let root = document.root, let session = document.first(.session, in: root) else { return .malformed }
        writer.output.removeAll()
        writer.begin(syntax: relay.syntax, version: relay.version)
        let hasSession = relay.kind == .session && sessions.hasSession(relay.slot, relay.session)
        let id = hasSession ? sessions.table.id(of: relay.slot) : InlineBytes()
        var envelope = Envelope(sessionID: id.span, into: &writer)
        write(settledBy: relay, &envelope, into: &writer)
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            guard let (mode, id) = mode(document, transaction), case .request = mode, relay.hasAsked(id) else {
                continue
            }
            envelope.openTransaction(.response, id: id, into: &writer)
            if relay.kind == .login {
                let content = document.first(.transactionContent, in: transaction) ?? transaction
                let request = document.first(.loginRequest, in: content) ?? content
                writer.loginRefusal(code, "the service behind this one does not answer", document, of: request)
            } else {
                writer.status(code, "the service behind this one does not answer")
            }
            envelope.closeTransaction(into: &writer)
        }
        guard envelope.transactionCount > 0 else { return .empty }
        envelope.close(poll: hasSession && sessions[relay.slot].upstream.hasMore, into: &writer)
        return .message
    }

    // MARK: Reading

    /// Whether a message answers what was asked: it is of this session, and all that it answers was asked.
    private func isAnswer(_ document: borrowing Document, to relay: Relay) -> Bool {
        guard let root = document.root, document.tag(of: root) == .wvCSPMessage, document.version != nil,
            let session = document.first(.session, in: root)
        else { return false }
        if relay.kind != .login, let descriptor = document.first(.sessionDescriptor, in: session),
            let id = document.word(.sessionID, in: descriptor)
        {
            guard Hash64(id).value == relay.sessionHash else { return false }
        }
        var answered = 0
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            guard let (mode, id) = mode(document, transaction) else { return false }
            guard case .response = mode else { continue }
            guard relay.hasAsked(id) else { return false }
            answered += 1
        }
        // A poll alone asks for no answer of its own.
        return answered > 0 || relay.kind == .session
    }

    @inline(never)
    func hasMore(_ document: borrowing Document) -> Bool {
        guard let root = document.root, let session = document.first(.session, in: root) else { return false }
        if let flag = document.flag(.poll, in: session) { return flag }
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            if let descriptor = document.first(.transactionDescriptor, in: transaction),
                document.flag(.poll, in: descriptor) == true
            {
                return true
            }
        }
        return false
    }

    @_lifetime(borrow document)
    @inline(never)
    private func mode(
        _ document: borrowing Document, _ transaction: Document.Element
    ) -> (mode: TransactionMode, id: Span<UInt8>)? {
        guard let descriptor = document.first(.transactionDescriptor, in: transaction),
            let word = document.word(.transactionMode, in: descriptor), let mode = TransactionMode(word)
        else { return nil }
        guard let id = document.word(.transactionID, in: descriptor) else {
            return (mode, document.namespace.extracting(0..<0))
        }
        return (mode, id)
    }

    // MARK: Writing

    private func write(settledBy relay: Relay, _ envelope: inout Envelope, into writer: inout Writer) {
        for place in 0..<relay.settledCount {
            envelope.openTransaction(.response, id: relay.settled[place].id.span, into: &writer)
            writer.status(StatusCode(rawValue: relay.settled[place].code) ?? .success)
            envelope.closeTransaction(into: &writer)
        }
    }

    /// Writes a transaction of an upstream for the client; true when the session is over with it.
    private mutating func relayBack(
        _ document: borrowing Document, _ transaction: Document.Element, _ relay: Relay, _ turn: inout Turn,
        _ envelope: inout Envelope, into writer: inout Writer
    ) -> Bool {
        guard let (mode, id) = mode(document, transaction),
            let content = document.first(.transactionContent, in: transaction)
        else { return false }
        let mark = writer.mark
        let before = envelope
        envelope.openTransaction(mode, id: id, into: &writer)
        var isOver = false
        if let element = document.firstChild(of: content) {
            isOver = writeBack(document, element, relay, &turn, into: &writer)
        }
        envelope.closeTransaction(into: &writer)
        guard writer.isOverflowed || writer.output.freeCapacity < Limits.envelopeEndByteCount else { return isOver }
        writer.rewind(to: mark)
        envelope = before
        if case .request = mode {
            // It is sent again when it is not answered.
            if relay.kind == .session { gateway.note(hasMore: true, relay.slot, &sessions) }
        } else {
            envelope.openTransaction(mode, id: id, into: &writer)
            writer.status(.responseTooLarge)
            envelope.closeTransaction(into: &writer)
        }
        return isOver
    }

    private mutating func writeBack(
        _ document: borrowing Document, _ element: Document.Element, _ relay: Relay, _ turn: inout Turn,
        into writer: inout Writer
    ) -> Bool {
        let hasSession = relay.kind == .session && sessions.hasSession(relay.slot, relay.session)
        switch document.tag(of: element) {
        case .loginResponse where relay.kind == .login:
            let mark = writer.mark
            do throws(Refusal) {
                try writeLoginResponse(document, element, relay, &turn, into: &writer)
            } catch {
                writer.rewind(to: mark)
                writer.loginRefusal(error.code, error.description, document, of: element)
            }
        case .clientCapabilityResponse where hasSession: writeCapabilities(document, element, relay, into: &writer)
        case .serviceResponse where hasSession: writeServices(document, element, relay, into: &writer)
        case .keepAliveResponse where hasSession:
            noteKeepAlive(document.integer(.keepAliveTime, in: element), relay.slot, turn.now)
            writer.write(document, element)
        case .disconnect:
            writer.write(document, element)
            return true
        case .status:
            writer.write(document, element)
            let code = document.resultCode(in: element)
            return code == UInt64(StatusCode.invalidSession.rawValue)
                || code == UInt64(StatusCode.sessionExpired.rawValue)
        default: writer.write(document, element)
        }
        return false
    }

    /// The upstream's time between two messages is that of the session here.
    private mutating func noteKeepAlive(_ seconds: UInt64?, _ slot: UInt16, _ now: Instant) {
        guard let seconds, seconds > 0, UInt64(sessions[slot].keepAliveSeconds) != seconds else { return }
        sessions[slot].keepAliveSeconds = UInt32(clamping: seconds)
        sessions.touch(slot, now)
        sessions.schedule(slot, at: sessions[slot].expiresAt)
        sessions.storeSession(slot, &records)
    }

    /// What the upstream agreed on, and how this server calls the client.
    private func writeCapabilities(
        _ document: borrowing Document, _ element: Document.Element, _ relay: Relay, into writer: inout Writer
    ) {
        let tag = document.tag(of: element)
        writer.open(tag)
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            let list = document.tag(of: child)
            guard list == .agreedCapabilityList || list == .capabilityList else {
                writer.write(document, child)
                continue
            }
            writer.open(list)
            var capability = document.firstChild(of: child)
            while let current = capability, document.tag(of: current) != .serverPollMin {
                capability = document.nextSibling(of: current)
                if !document.tag(of: current).saysHowToCall { writer.write(document, current) }
            }
            sessions.writeCalling(relay.slot, relay.request, records, into: &writer)
            while let current = capability {
                capability = document.nextSibling(of: current)
                if !document.tag(of: current).saysHowToCall { writer.write(document, current) }
            }
            writer.close(list)
        }
        writer.close(tag)
    }

    /// What the upstream offers, as far as the level goes. Source: protocol/system-message.md §4.3.
    private func writeServices(
        _ document: borrowing Document, _ element: Document.Element, _ relay: Relay, into writer: inout Writer
    ) {
        let level = sessions[relay.slot].access.level
        guard level != .all else { return writer.write(document, element) }
        let known = FunctionSet.known(in: relay.version)
        let functions = document.first(.functions, in: element)
        var denied = known.subtracting(level)
        if let functions, let tree = document.first(.wvcspFeat, in: functions) {
            denied = denied.union(FunctionTree.read(document, tree))
        }
        writer.open(.serviceResponse)
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            let tag = document.tag(of: child)
            if tag != .functions, tag != .allFunctions { writer.write(document, child) }
        }
        if !denied.isEmpty {
            writer.open(.functions)
            FunctionTree.write(denied, version: relay.version, collapses: true, into: &writer)
            writer.close(.functions)
        }
        if let all = document.first(.allFunctions, in: element), let tree = document.first(.wvcspFeat, in: all) {
            let offered = FunctionTree.read(document, tree).intersection(level)
            writer.open(.allFunctions)
            FunctionTree.write(offered, version: relay.version, collapses: false, into: &writer)
            writer.close(.allFunctions)
        }
        writer.close(.serviceResponse)
    }
}

extension Relay {
    /// What a handler of a request looks at besides its document.
    var request: Request {
        Request(
            version: version, mode: .request, transactionID: nil, element: nil, isEmpty: false, client: client,
            agent: agent)
    }
}
