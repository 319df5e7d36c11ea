import CSP
import Digests
import Octets
import Wire

/// Login by password (two messages) or by digest (four). Source: protocol/session.md §3.
extension Sessions where Port: ~Copyable {
    /// Login-Request: answers with Login-Response whatever happens. Source: protocol/session.md §3.2, §10.
    mutating func login(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ hash: UInt64,
        _ accounts: inout Accounts<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: inout SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into writer: inout Writer
    ) {
        let mark = writer.mark
        // The same request is a repeat only from the same place: elsewhere it is what somebody overheard. One that does
        // not say which transaction it is is none.
        let hash = hash == 0 ? 0 : max(1, hash ^ UInt64(request.client.networkHash) << 32)
        do throws(Refusal) {
            let credentials = try accounts.credentials(document, request, element, records)
            if hash != 0, let user = credentials.account?.number,
                let slot = session(of: user, credentials, request, turn.now),
                replayAnswer(hash, in: slot, records, now: turn.now, into: &writer)
            {
                return
            }
            switch try accounts.authenticate(document, request, element, credentials, systemMessages, &records, &turn) {
            case .challenged(let challenge):
                writeChallenge(document, element, challenge, into: &writer)
            case let outcome:
                var login = PendingLogin(credentials, request)
                login.requestHash = hash
                if case .mayAnswer(let campaign) = outcome { login.campaign = campaign }
                let gate = systemMessages.passQuestions(
                    document, request, element, login, &accounts, &self, &mailboxes, &records, &turn, into: &writer)
                if login.isForAnswer {
                    if case .closed = gate { return }
                    return writeAnswered(document, element, into: &writer)
                }
                if case .closed = gate { return }
                guard let account = credentials.account, let cookie = document.first(.sessionCookie, in: element) else {
                    throw Refusal(.internalServerError)
                }
                let (slot, isNew) = try openSession(
                    account, request, credentials, gate,
                    keepAlive: records.settings.keepAliveSeconds(document.integer(.timeToLive, in: element)),
                    cookie: document.word(of: cookie), &mailboxes, &systemMessages, &records, &turn)
                let due = messagesWithLogin(slot, gate)
                writeSuccess(
                    document, element, slot, isNew: isNew, gate, due, systemMessages, &records, turn, into: &writer)
                if hash == 0 { return }
                keepAnswer(hash, in: slot, &records, now: turn.now, writer.written(since: mark), page: writer.page)
            }
        } catch {
            writer.loginRefusal(error.code, error.description, document, of: element)
        }
    }

    /// The live session with the same user and SessionCookie.
    ///
    /// Programs have a cookie that is the same in every copy. So from another place, or of another name, it is another
    /// device, as long as the first one is heard of. Source: protocol/session.md §4, CL-30.
    private func session(
        of user: UInt32, _ credentials: Credentials, _ request: Request, _ now: Instant
    ) -> UInt16? {
        var slot = table.first(of: user)
        while let current = slot {
            slot = table.next(after: current)
            guard table[current].cookieHash == credentials.cookieHash, table[current].closing == 0 else {
                continue
            }
            let isSameDevice =
                table[current].networkHash == request.client.networkHash
                && (table[current].agentHash == credentials.agentHash || table[current].agentHash == 0)
            let isSilent = table[current].lastSeen.adding(seconds: UInt64(table[current].keepAliveSeconds)) <= now
            if isSameDevice || isSilent { return current }
        }
        return nil
    }

    // MARK: Session

    /// The session of a user who proved who he is: the one with this SessionCookie, or a new one.
    ///
    /// - Parameters:
    ///   - keepAlive: Seconds of silence that it bears.
    ///   - cookie: The SessionCookie as it was sent.
    /// - Source: protocol/session.md §4.
    @inline(never)
    mutating func openSession(
        _ account: Account, _ request: Request, _ credentials: Credentials, _ gate: LoginGate, keepAlive: UInt32,
        cookie: Span<UInt8>, _ mailboxes: inout Mailboxes<Port>, _ systemMessages: inout SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> (slot: UInt16, isNew: Bool) {
        let resumed = session(of: account.number, credentials, request, turn.now)
        if resumed == nil { makeRoom(for: account.number, &mailboxes, systemMessages, &records, &turn) }
        guard
            let slot = resumed
                ?? openSlot(for: account.number, request.client, &mailboxes, systemMessages, &records, &turn)
        else {
            if turn.journal.begin(.sessionsFull, turn.now, turn.wall) {
                turn.journal.number("max", UInt64(table.capacity))
                turn.journal.end()
            }
            throw Refusal(.serviceUnavailable, "too many sessions")
        }
        if resumed == nil {
            table[slot].number = records.takeSequence()
            table[slot].secret = turn.entropy.take()
            table[slot].cookieHash = credentials.cookieHash
            table[slot].functions = FunctionSet.offered
            table[slot].capabilities.serverPollMin = records.settings.serverPollMin
        }
        table[slot].clientHash = credentials.clientHash
        table[slot].agentHash = credentials.agentHash
        table[slot].version = request.version
        table[slot].quirks = records.settings.quirks.quirks(of: request.agent.span)
        mailboxes.takeKnowledge(slot, &self, records)
        systemMessages.enter(slot, through: gate, &self, mailboxes, &records, &turn)
        table[slot].keepAliveSeconds = keepAlive
        touch(slot, turn.now)
        table.schedule(slot, at: table[slot].expiresAt)
        storeSession(slot, cookie: cookie, request.client, agent: request.agent.span, &records)
        logLogin(request, slot, credentials, isNew: resumed == nil, &turn)
        return (slot, resumed == nil)
    }

    /// Ends the oldest session of a user who has too many, at once: one that is only told to end would keep its place.
    private mutating func makeRoom(
        for user: UInt32, _ mailboxes: inout Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        // Nobody has more than half of all.
        let most = min(Int(records.settings.sessionsOfUserMax), max(1, table.capacity / 2))
        while true {
            var count = 0
            var oldest: UInt16?
            var next = table.first(of: user)
            while let slot = next {
                count += 1
                if oldest.map({ isWorthLess(slot, than: $0) }) ?? true { oldest = slot }
                next = table.next(after: slot)
            }
            guard count >= most, let oldest else { return }
            endSession(oldest, .replaced, &mailboxes, systemMessages, &records, &turn)
        }
    }

    /// Which of two sessions goes first: one that is told to end, else the one that was heard of longer ago.
    private func isWorthLess(_ slot: UInt16, than other: UInt16) -> Bool {
        let isClosing = table[slot].closing != 0
        guard isClosing == (table[other].closing != 0) else { return isClosing }
        // Of the same millisecond, the one that began before.
        return table[slot].lastSeen == table[other].lastSeen
            ? table[slot].number < table[other].number : table[slot].lastSeen < table[other].lastSeen
    }

    /// A slot for another session. When there is none, and more than half of them belong to one network, the one of these
    /// that was heard of longest ago gives way to anybody else.
    private mutating func openSlot(
        for user: UInt32, _ client: Client, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) -> UInt16? {
        if !table.hasRoom, let slot = table.greedySession(besides: client.networkHash) {
            endSession(slot, .replaced, &mailboxes, systemMessages, &records, &turn)
        }
        return table.open(user, from: client.networkHash)
    }

    private mutating func logLogin(
        _ request: Request, _ slot: UInt16, _ credentials: Credentials, isNew: Bool, _ turn: inout Turn
    ) {
        counters.logins += 1
        guard turn.journal.begin(.login, turn.now, turn.wall) else { return }
        turn.journal.text("user", credentials.address.span)
        turn.journal.word("ver", request.version.name)
        turn.journal.text("ip", request.client.address.span)
        turn.journal.number("slot", UInt64(slot))
        if !isNew { turn.journal.word("resumed", "1") }
        // The last, because it may be long.
        if !request.agent.isEmpty { turn.journal.text("agent", request.agent.span, countMax: 32) }
        turn.journal.end()
    }

    // MARK: Answers

    /// What a successful login brings along. A client that is only thought to know no System Messages gets them too: if it
    /// answers them after all, it is asked in this way again.
    private func messagesWithLogin(_ slot: UInt16, _ gate: LoginGate) -> DueCampaigns {
        guard table[slot].version == .v1_3, !table[slot].quirks.contains(.noSystemMessage) else {
            return DueCampaigns()
        }
        switch gate {
        case .closed: return DueCampaigns()
        case .open(_, let due, _), .restricted(let due): return due
        }
    }

    private func writeChallenge(
        _ document: borrowing Document, _ element: Document.Element, _ challenge: Challenge,
        into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        writer.result(.unauthorized, "answer the challenge")
        writer.text(.nonce, challenge.nonceText.span)
        writer.text(.digestSchema, challenge.schema.name)
        writer.flag(.capabilityRequest, false)
        writer.close(.loginResponse)
    }

    /// Who came by a link to the question hears that nothing is asked any more; he logs in with his client now.
    func writeAnswered(
        _ document: borrowing Document, _ element: Document.Element, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        writer.result(.success, "Answered")
        writer.close(.loginResponse)
    }

    private func writeSuccess(
        _ document: borrowing Document, _ element: Document.Element, _ slot: UInt16, isNew: Bool, _ gate: LoginGate,
        _ due: DueCampaigns, _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>,
        _ turn: borrowing Turn, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        if case .open(_, _, isLate: true) = gate {
            writer.result(.success, "Logged in; your answer does not count (426): it was answered already")
        } else {
            writer.result(.success)
        }
        writer.text(.sessionID, table.id(of: slot).span)
        writer.integer(.keepAliveTime, UInt64(table[slot].keepAliveSeconds))
        writer.flag(.capabilityRequest, isNew)
        if due.count > 0 {
            systemMessages.writeSystemMessages(
                due, for: table[slot].user, at: proofClient(of: slot, records), &records, turn,
                into: &writer)
        }
        writer.close(.loginResponse)
    }
}
