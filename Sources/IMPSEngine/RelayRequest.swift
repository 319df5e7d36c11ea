import CSP
import Octets
import Wire

/// What a client says in a session that another service has too: what is for that service goes there, in the syntax and
/// version that it speaks, with the TransactionIDs of the client. Source: protocol/system-message.md §4.4.
extension Engine where Port: ~Copyable {
    /// Takes a message that is for an upstream; nil when nothing of it is.
    mutating func relay(
        _ document: borrowing Document, _ session: Document.Element, of slot: UInt16?, _ version: Version,
        _ client: Client, _ agent: Span<UInt8>, _ turn: inout Turn, into writer: inout Writer
    ) -> Reply? {
        guard gateway.isUsed else { return nil }
        // A login comes to the door, in whichever session it is said.
        let reply = relayLogin(document, session, version, client, agent, &turn, into: &writer)
        guard reply == nil, let slot, sessions[slot].isRelayed else { return reply }
        return relay(document, session, in: slot, version, client, agent, &turn, into: &writer)
    }

    private mutating func relay(
        _ document: borrowing Document, _ session: Document.Element, in slot: UInt16, _ version: Version,
        _ client: Client, _ agent: Span<UInt8>, _ turn: inout Turn, into writer: inout Writer
    ) -> Reply? {
        let number = sessions[slot].number
        open(slot, client, &turn, into: &writer)
        guard sessions.hasSession(slot, number), let record = records.upstreamRecord(of: slot),
            hasWork(forUpstream: document, session, version, client, agent, in: slot, turn.now)
        else { return nil }
        guard let place = gateway.freeRelay() else { return .later }
        let upstream = Int(sessions[slot].upstream.place) - 1
        let usable = gateway.relay(.session, to: upstream, version, turn.now)
        var relay = usable ?? Relay()
        relay.kind = .session
        relay.version = version
        relay.slot = slot
        relay.session = number
        relay.sessionHash = Hash64(record.id.span).value
        relay.syntax = writer.syntax
        relay.client = client
        relay.agent = InlineBytes(prefix: agent)
        beginUpstreamMessage(relay, into: &writer)
        var envelope = Envelope(sessionID: record.id.span, into: &writer)
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            guard let request = request(document, transaction, version, client, agent) else { continue }
            relayTransaction(document, request, in: slot, &relay, &turn, &envelope, into: &writer)
        }
        envelope.close(poll: nil, into: &writer)
        if sessions.hasSession(slot, number), sessions[slot].isOpen { sessions.heard(slot, records, turn.now) }
        tellPeople(&turn)
        guard usable != nil, !relay.isTooMuch, !writer.isOverflowed, envelope.transactionCount > 0 else {
            return refuse(document, relay, usable == nil ? .serviceUnavailable : .badParameter, into: &writer)
        }
        gateway.relays[place] = relay
        gateway.counters.relayed += 1
        gateway.count(envelope.transactionCount, slot, &sessions)
        return .deferred(place)
    }

    /// Whether something in a message is for the upstream.
    private mutating func hasWork(
        forUpstream document: borrowing Document, _ session: Document.Element, _ version: Version, _ client: Client,
        _ agent: Span<UInt8>, in slot: UInt16, _ now: Instant
    ) -> Bool {
        guard sessions[slot].closing == 0 else { return false }
        var next = document.first(.transaction, in: session)
        while let transaction = next {
            next = document.next(after: transaction)
            guard let request = request(document, transaction, version, client, agent) else { continue }
            if isForUpstream(document, request, in: slot, now), refusal(document, request, in: slot) == nil {
                return true
            }
        }
        return false
    }

    /// Whether a transaction is for the upstream, and not for this server.
    @inline(never)
    private mutating func isForUpstream(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ now: Instant
    ) -> Bool {
        if case .response = request.mode {
            guard let id = request.transactionID else { return true }
            return sessions[slot].transactionNumber(document.word(of: id)) == nil
        }
        guard let element = request.element else { return false }
        switch document.tag(of: element) {
        // What is ours goes first.
        case .pollingRequest:
            return !sessions[slot].access.isRestricted && !mailboxes.hasMore(in: slot, &sessions, records, now)
        case .systemMessageUser: return !hasOurAnswer(document, element, in: slot)
        case .sendMessageRequest: return !isForSystem(document, element, in: slot)
        case .messageDelivered, .getMessageRequest: return !isOurMessage(document, element, in: slot)
        default: return true
        }
    }

    private func hasOurAnswer(_ document: borrowing Document, _ element: Document.Element, in slot: UInt16) -> Bool {
        guard let list = document.first(.systemMessageResponseList, in: element),
            let response = document.first(.systemMessageResponse, in: list),
            let id = document.word(.systemMessageID, in: response)
        else { return false }
        return systemMessages.isOurs(id, to: sessions[slot].user, records)
    }

    /// Whether a request is about a message that waits here.
    private func isOurMessage(_ document: borrowing Document, _ element: Document.Element, in slot: UInt16) -> Bool {
        guard let id = document.word(.messageID, in: element), let sequence = MessageID.sequence(id) else {
            return false
        }
        return records.mailboxEntry(sessions[slot].user, sequence) != nil
    }

    /// Whether a message answers a question of ours: it goes to the system's address while one is open.
    private func isForSystem(_ document: borrowing Document, _ element: Document.Element, in slot: UInt16) -> Bool {
        guard systemMessages.hasOpenQuestion(for: sessions[slot].user, records),
            let info = document.first(.messageInfo, in: element), let recipient = document.first(.recipient, in: info),
            let user = document.first(.user, in: recipient),
            let id = document.word(.userID, in: user),
            let address = Address(id, homeDomain: records.settings.domain.span)
        else { return false }
        return address.isLocal && address.isSystem
    }

    /// Why a transaction may not go to the upstream: a question is open, or the level has not got its function.
    @inline(never)
    private func refusal(_ document: borrowing Document, _ request: Request, in slot: UInt16) -> StatusCode? {
        guard case .request = request.mode, let element = request.element,
            let primitive = Primitive(document.tag(of: element))
        else { return nil }
        // A login with something before it would pass the door by.
        if primitive == .loginRequest { return .badRequest }
        let admission = primitive.admission
        if sessions[slot].access.isRestricted, !admission.has(.partOfLogin), !admission.has(.negotiates) {
            guard sessions[slot].access.asksByMessage && admission.has(.whileAskedByMessage) else { return .forbidden }
        }
        return primitive.requirement.isMet(by: sessions[slot].access.level) ? nil : .serviceNotAgreed
    }

    private mutating func relayTransaction(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ relay: inout Relay, _ turn: inout Turn,
        _ envelope: inout Envelope, into writer: inout Writer
    ) {
        guard sessions.hasSession(slot, relay.session) else { return }
        let isForUpstream = isForUpstream(document, request, in: slot, turn.now)
        if case .response = request.mode {
            guard isForUpstream else {
                mailboxes.responseArrived(document, request, in: slot, &sessions, systemMessages, &records, &turn)
                return
            }
        } else if let code = refusal(document, request, in: slot) {
            return settle(document, request, code, &relay)
        } else if !isForUpstream {
            return settle(document, request, performHere(document, request, in: slot, &turn, into: &writer), &relay)
        }
        guard let element = request.element else { return }
        let tag = document.tag(of: element)
        if case .request = request.mode, !relay.mayAskMore {
            return settle(document, request, .serviceUnavailable, &relay)
        }
        if tag == .clientCapabilityRequest {
            // What this server has to know of a client it takes in passing.
            let code = performHere(document, request, in: slot, &turn, into: &writer)
            guard code == .success else { return settle(document, request, code, &relay) }
            gateway.watch(slot, &sessions, turn.now)
        }
        if tag == .pollingRequest || !(Primitive(tag)?.admission.has(.negotiates) ?? true) { sessions.polled(slot) }
        if tag == .logoutRequest { relay.endsSession = true }
        openRelayed(document, request, &relay, &envelope, into: &writer)
        if tag == .clientCapabilityRequest {
            writer.writeWithoutCalling(document, element)
        } else {
            writer.write(document, element)
        }
        envelope.closeTransaction(into: &writer)
    }

    private func settle(
        _ document: borrowing Document, _ request: Request, _ code: StatusCode, _ relay: inout Relay
    ) {
        guard let id = request.transactionID, document.tag(of: request.element ?? id) != .pollingRequest else { return }
        relay.settle(document.word(of: id), code)
    }

    /// Does what is for this server in a message that goes on; only whether it was done is told.
    private mutating func performHere(
        _ document: borrowing Document, _ request: Request, in slot: UInt16, _ turn: inout Turn,
        into writer: inout Writer
    ) -> StatusCode {
        // Going back would forget that something before did not fit.
        guard !writer.isOverflowed else { return .badParameter }
        let mark = writer.mark
        defer { writer.rewind(to: mark) }
        do throws(Refusal) {
            try dispatch(document, request, in: slot, hasID: true, 0, &turn, into: &writer)
            return .success
        } catch {
            return error.code
        }
    }

    // MARK: Writing

    /// Begins a message in what an upstream speaks.
    @inline(never)
    func beginUpstreamMessage(_ relay: Relay, into writer: inout Writer) {
        writer.output.removeAll()
        writer.begin(syntax: relay.spoken, version: relay.spokenVersion)
    }

    /// Begins a transaction with the TransactionID of the client.
    @inline(never)
    func openRelayed(
        _ document: borrowing Document, _ request: Request, _ relay: inout Relay, _ envelope: inout Envelope,
        into writer: inout Writer
    ) {
        guard let id = request.transactionID else {
            if case .request = request.mode { relay.ask(Span()) }
            return envelope.openTransaction(request.mode, id: Span(), into: &writer)
        }
        let word = document.word(of: id)
        if case .request = request.mode { relay.ask(word) }
        envelope.openTransaction(request.mode, id: word, into: &writer)
    }
}

extension Tag {
    /// It says how a client is called, which is this server's matter.
    var saysHowToCall: Bool {
        self == .supportedCIRMethod || self == .tcpAddress || self == .tcpPort || self == .udpPort || self == .cirurl
            || self == .cirhttpAddress
    }
}

extension Writer {
    /// Writes a ClientCapability-Request without how its client is called.
    fileprivate mutating func writeWithoutCalling(_ document: borrowing Document, _ element: Document.Element) {
        open(document.tag(of: element))
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            guard document.tag(of: child) == .capabilityList else {
                write(document, child)
                continue
            }
            open(.capabilityList)
            var capability = document.firstChild(of: child)
            while let current = capability {
                capability = document.nextSibling(of: current)
                if !document.tag(of: current).saysHowToCall { write(document, current) }
            }
            close(.capabilityList)
        }
        close(document.tag(of: element))
    }
}
