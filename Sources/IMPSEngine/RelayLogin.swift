import CSP
import Octets
import Wire

/// The door of somebody else's service: the question first, and only then the Login-Request, as the client sent it.
///
/// Who somebody is only the service behind can tell. Until it has, what he is asked and answers lies on a sheet of its own
/// (`SystemMessage/Guests.swift`), which opens nothing but this login. Source: protocol/system-message.md §4.4.
extension Engine where Port: ~Copyable {
    /// Takes the Login-Request of a user who belongs to an upstream; nil for anything else.
    mutating func relayLogin(
        _ document: borrowing Document, _ session: Document.Element, _ version: Version, _ client: Client,
        _ agent: Span<UInt8>, _ turn: inout Turn, into writer: inout Writer
    ) -> Reply? {
        guard let transaction = document.first(.transaction, in: session),
            let request = request(document, transaction, version, client, agent), let element = request.element,
            document.tag(of: element) == .loginRequest, case .request = request.mode,
            let userID = document.first(.userID, in: element),
            let upstream = records.settings.upstream(of: document.word(of: userID))
        else { return nil }
        guard let place = gateway.freeRelay() else { return .later }
        let start = writer.mark
        var envelope = Envelope(sessionID: Span(), into: &writer)
        openResponse(document, request, &envelope, into: &writer)
        do throws(Refusal) {
            let relay = try passDoor(document, request, element, upstream, &turn, into: &writer)
            if var relay {
                relay.syntax = writer.syntax
                writer.rewind(to: start)
                return handOver(document, request, element, &relay, at: place, into: &writer)
            }
        } catch {
            writer.loginRefusal(error.code, error.description, document, of: element)
            logRefusal(document, request, error.code, in: nil, &turn)
        }
        envelope.closeTransaction(into: &writer)
        envelope.close(poll: false, into: &writer)
        return .message
    }

    /// Whether the questions let somebody through; nil when they do not, and the Login-Response is written.
    private mutating func passDoor(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ upstream: Int,
        _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) -> Relay? {
        let credentials = try accounts.credentials(document, request, element, records)
        try accounts.waitForFailures(request, credentials, records, &turn)
        var login = PendingLogin(credentials, request)
        login.nameHash = credentials.challenger.nameHash
        login.person = login.user
        let gate = try systemMessages.passQuestionsOfGuest(
            document, request, element, &login, credentials.address, &accounts, &sessions, &mailboxes,
            &gateway.guestWrites, &gateway.knownGuestWrites, &records, &turn, into: &writer)
        guard gate else { return nil }
        if let password = document.first(.password, in: element), !login.isForAnswer,
            document.text(of: password).starts(with: AnswerLink.prefix)
        {
            throw Refusal(.invalidPassword)
        }
        if login.isForAnswer {
            sessions.writeAnswered(document, element, into: &writer)
            return nil
        }
        guard var relay = gateway.relay(.login, to: upstream, request.version, turn.now) else {
            throw Refusal(.serviceUnavailable, "the service behind this one does not answer")
        }
        relay.client = request.client
        relay.agent = request.agent
        relay.credentials = credentials
        relay.login = login
        if let cookie = document.first(.sessionCookie, in: element) {
            relay.cookie = InlineBytes(document.word(of: cookie)) ?? InlineBytes()
        }
        relay.timeToLive = document.integer(.timeToLive, in: element)
        return relay
    }

    /// Writes the Login-Request for the upstream, without the answers that were for this server.
    private mutating func handOver(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ relay: inout Relay,
        at place: Int, into writer: inout Writer
    ) -> Reply {
        beginUpstreamMessage(relay, into: &writer)
        var envelope = Envelope(sessionID: Span(), into: &writer)
        openRelayed(document, request, &relay, &envelope, into: &writer)
        writer.open(.loginRequest)
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            let tag = document.tag(of: child)
            // Another one than that which was looked at here goes nowhere: it might be somebody else's name.
            if tag != .digestSchema, document.first(tag, in: element) != child { continue }
            if tag == .systemMessageResponseList {
                writeForeignAnswers(document, child, relay.login, into: &writer)
            } else {
                writer.write(document, child)
            }
        }
        writer.close(.loginRequest)
        envelope.closeTransaction(into: &writer)
        envelope.close(poll: nil, into: &writer)
        guard !writer.isOverflowed else { return .malformed }
        gateway.counters.relayed += 1
        gateway.relays[place] = relay
        return .deferred(place)
    }

    /// The answers to System Messages that are none of ours.
    private func writeForeignAnswers(
        _ document: borrowing Document, _ list: Document.Element, _ login: PendingLogin, into writer: inout Writer
    ) {
        var isOpen = false
        var next = document.first(.systemMessageResponse, in: list)
        while let response = next {
            next = document.next(after: response)
            if let id = document.word(.systemMessageID, in: response),
                systemMessages.isOurs(id, to: login.user, records)
            {
                continue
            }
            if !isOpen { writer.open(.systemMessageResponseList) }
            isOpen = true
            writer.write(document, response)
        }
        if isOpen { writer.close(.systemMessageResponseList) }
    }

    // MARK: The answer

    /// The Login-Response of an upstream: what it says is passed on; with a session there, there is one here.
    mutating func writeLoginResponse(
        _ document: borrowing Document, _ element: Document.Element, _ relay: Relay, _ turn: inout Turn,
        into writer: inout Writer
    ) throws(Refusal) {
        guard let credentials = relay.credentials else { throw Refusal(.internalServerError) }
        let code = document.resultCode(in: element)
        guard code == UInt64(StatusCode.success.rawValue), let id = document.word(.sessionID, in: element) else {
            // Only what says that he is another counts as a guess, and neither a challenge nor the troubles of the service.
            if code == UInt64(StatusCode.invalidPassword.rawValue) || code == UInt64(StatusCode.unknownUser.rawValue)
                || code == UInt64(StatusCode.userIDAndClientIDDoNotMatch.rawValue)
            {
                accounts.noteVerdict(false, on: credentials.address.span, relay.client, turn.now)
            }
            return writer.write(document, element)
        }
        guard let upstreamID = InlineBytes<128>(id), !upstreamID.isEmpty else {
            throw Refusal(.serviceUnavailable, "the service behind this one names its sessions in another way")
        }
        accounts.noteVerdict(true, on: credentials.address.span, relay.client, turn.now)
        guard let account = accounts.accountOfUpstream(credentials.address, &records, &turn) else {
            throw Refusal(.serviceUnavailable, "the store is full")
        }
        let seconds = document.integer(.keepAliveTime, in: element) ?? relay.timeToLive ?? 0
        let wasAsked = systemMessages.pendingLogin(like: relay.login, turn.now) != nil
        let (gate, due) = try systemMessages.settleGuest(relay, account.number, &records, &turn)
        let (slot, isNew) = try sessions.openSession(
            account, relay.request, credentials, gate,
            keepAlive: seconds > 0 ? UInt32(clamping: seconds) : records.settings.keepAliveDefault,
            cookie: relay.cookie.span, &mailboxes, &systemMessages, &records, &turn)
        gateway.begin(slot, at: relay.upstream, &sessions)
        gateway.count(1, slot, &sessions)
        var record = UpstreamRecord(
            session: sessions[slot].number, name: gateway.upstreams[relay.upstream].name, id: upstreamID)
        let former = isNew ? nil : records.upstreamRecord(of: slot)
        record.began = former?.began ?? turn.wall.storedSeconds
        record.wasAsked = wasAsked || former?.wasAsked == true
        records.keep(record, of: slot)
        gateway.counters.logins += 1
        write(document, element, slot, due, relay, turn, into: &writer)
    }

    /// Writes the Login-Response with the SessionID here, and what comes with the login.
    private mutating func write(
        _ document: borrowing Document, _ element: Document.Element, _ slot: UInt16, _ due: DueCampaigns,
        _ relay: Relay, _ turn: borrowing Turn, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        var next = document.firstChild(of: element)
        var hasList = false
        while let child = next {
            next = document.nextSibling(of: child)
            hasList = hasList || document.tag(of: child) == .systemMessageList
            if document.tag(of: child) == .sessionID {
                writer.text(.sessionID, sessions.table.id(of: slot).span)
            } else {
                writer.write(document, child)
            }
        }
        if due.count > 0, !hasList, relay.version == .v1_3 {
            systemMessages.writeSystemMessages(
                due, for: sessions[slot].user, at: sessions.proofClient(of: slot, records), &records, turn,
                into: &writer)
        }
        writer.close(.loginResponse)
    }
}
