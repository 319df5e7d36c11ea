import CSP
import Digests
import Octets
import Wire

/// Login by password (two messages) or by digest (four). Source: protocol/session.md §3.
extension Engine where Port: ~Copyable {
    /// Who wants to log in: what every Login-Request has.
    private struct Credentials {
        let address: InlineBytes<100>
        let cookieHash: UInt64
        let clientHash: UInt64
        let agentHash: UInt32
        let account: Account?

        var clientKey: UInt64 { KnownClient.key(clientHash: clientHash, agentHash: agentHash) }
    }

    /// How a Login-Request ends, if it is not refused.
    private enum LoginOutcome {
        case challenged(Challenge)
        case authenticated
    }

    /// Login-Request: answers with Login-Response whatever happens. Source: protocol/session.md §3.2, §10.
    mutating func login(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ hash: UInt64,
        _ turn: inout Turn, into writer: inout Writer
    ) {
        let mark = writer.mark
        // Without a secret in it the same request is the same only from the same place.
        var hash = hash
        if document.first(.password, in: element) == nil, document.first(.digestBytes, in: element) == nil {
            hash ^= Hash64(request.client.address.span).value
        }
        do throws(Refusal) {
            let credentials = try credentials(document, request, element)
            if let slot = session(of: credentials, request, turn.now),
                replayAnswer(hash, in: slot, now: turn.now, into: &writer)
            {
                return
            }
            switch try authenticate(document, request, element, credentials, &turn) {
            case .challenged(let challenge):
                writeChallenge(document, element, challenge, into: &writer)
            case .authenticated:
                var login = login(of: credentials, request)
                login.requestHash = hash
                let gate = passQuestions(document, request, element, login, &turn, into: &writer)
                guard let (slot, isNew) = try openSession(document, request, element, credentials, gate, &turn) else {
                    return
                }
                let due = messagesWithLogin(slot, gate)
                writeSuccess(document, element, slot, isNew: isNew, due, turn, into: &writer)
                keepAnswer(hash, in: slot, now: turn.now, writer.written(since: mark), page: writer.page)
            }
        } catch {
            writer.open(.loginResponse)
            writeClientID(document, of: element, into: &writer)
            writer.result(error.code, error.description)
            writer.close(.loginResponse)
        }
    }

    private func credentials(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element
    ) throws(Refusal) -> Credentials {
        guard let userID = document.first(.userID, in: element) else { throw Refusal(.badParameter, "UserID missing") }
        guard let cookie = document.first(.sessionCookie, in: element),
            document.word(of: cookie).count > 0,
            document.word(of: cookie).count <= Int(Limits.cookieByteCountMax)
        else { throw Refusal(.badParameter, "SessionCookie missing or too long") }
        guard let address = Address(document.word(of: userID), homeDomain: settings.domain.span),
            address.kind == .user, let canonical = InlineBytes<100>(address.canonical)
        else { throw Refusal(.badParameter, "UserID is no address of a user") }
        return Credentials(
            address: canonical, cookieHash: Hash64(document.word(of: cookie)).value,
            clientHash: clientHash(document, of: element),
            agentHash: UInt32(truncatingIfNeeded: Hash64(request.agent.span).value),
            account: address.isLocal ? account(canonical.span) : nil)
    }

    /// The live session with the same user and SessionCookie.
    ///
    /// Programs have a cookie that is the same in every copy. So from another place, or of another name, it is another
    /// device, as long as the first one is heard of. Source: protocol/session.md §4, CL-30.
    private func session(of credentials: Credentials, _ request: Request, _ now: Instant) -> UInt16? {
        guard let user = credentials.account?.number else { return nil }
        let addressHash = UInt32(truncatingIfNeeded: Hash64(request.client.address.span).value)
        var slot = sessions.first(of: user)
        while let current = slot {
            slot = sessions.next(after: current)
            guard sessions[current].cookieHash == credentials.cookieHash, sessions[current].closing == 0 else {
                continue
            }
            let isSameDevice =
                sessions[current].addressHash == addressHash && sessions[current].agentHash == credentials.agentHash
            let isSilent = sessions[current].lastSeen.adding(seconds: UInt64(sessions[current].keepAliveSeconds)) <= now
            if isSameDevice || isSilent { return current }
        }
        return nil
    }

    // MARK: Authentication

    private mutating func authenticate(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ turn: inout Turn
    ) throws(Refusal) -> LoginOutcome {
        let wait = max(
            waitSeconds(request.client.address.span, now: turn.now),
            waitSeconds(credentials.address.span, now: turn.now))
        guard wait == 0 else {
            if turn.journal.begin(.authWait, turn.now, turn.wall) {
                turn.journal.text("ip", request.client.address.span)
                turn.journal.text("user", credentials.address.span)
                turn.journal.number("s", wait)
                turn.journal.end()
            }
            throw Refusal(.serviceUnavailable, "too many failed logins, try again later")
        }
        let isAnswer = document.first(.systemMessageResponseList, in: element) != nil
        if let digest = document.first(.digestBytes, in: element) {
            try checkDigest(document, request, digest, credentials, &turn)
        } else if let password = document.first(.password, in: element) {
            try checkPassword(document, request, password, credentials, &turn)
        } else if document.first(.digestSchema, in: element) != nil {
            return .challenged(try challenge(document, element, credentials, &turn))
        } else if isAnswer, isPending(credentials, request, turn.now) {
            // Who has to answer proved already who he is.
            return .authenticated
        } else {
            // Network authentication is not offered, and nothing else was.
            throw failure(.badParameter, "no credentials", request, credentials, &turn)
        }
        forgetFailures(request.client.address.span)
        forgetFailures(credentials.address.span)
        return .authenticated
    }

    private func isPending(_ credentials: Credentials, _ request: Request, _ now: Instant) -> Bool {
        pendingLogin(like: login(of: credentials, request), now) != nil
    }

    /// What a login is recognised by while it waits for an answer.
    private func login(of credentials: Credentials, _ request: Request) -> PendingLogin {
        var login = PendingLogin()
        login.user = credentials.account?.number ?? 0
        login.cookieHash = credentials.cookieHash
        login.clientHash = credentials.clientHash
        login.addressHash = Hash64(request.client.address.span).value
        login.clientKey = credentials.clientKey
        return login
    }

    /// Counts and logs a failed login. The client learns no more than that it failed.
    private enum FailureCause {
        case badParameter, unknownUser, wrongPassword, noChallenge, otherClient

        var why: StaticString {
            switch self {
            case .badParameter: return "nocred"
            case .unknownUser: return "nouser"
            case .wrongPassword: return "badpass"
            case .noChallenge: return "nochallenge"
            case .otherClient: return "otherclient"
            }
        }
    }

    private mutating func failure(
        _ cause: FailureCause, _ description: StaticString? = nil, _ request: Request, _ credentials: Credentials,
        _ turn: inout Turn
    ) -> Refusal {
        counters.authFailures += 1
        countFailure(.address, request.client.address.span, now: turn.now)
        countFailure(.user, credentials.address.span, now: turn.now)
        if turn.journal.begin(.authFail, turn.now, turn.wall) {
            turn.journal.text("ip", request.client.address.span)
            turn.journal.text("user", credentials.address.span)
            turn.journal.word("why", cause.why)
            turn.journal.end()
        }
        return Refusal(cause == .otherClient ? .userIDAndClientIDDoNotMatch : .invalidPassword, description)
    }

    private mutating func checkPassword(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ turn: inout Turn
    ) throws(Refusal) {
        // The second phase of a login with the schema PWD carries the password and closes the challenge.
        if let place = challengePlace(credentials), challenges[place].schema == .pwd { dropChallenge(place) }
        guard let password = InlineBytes<128>(document.text(of: element)) else {
            throw failure(.wrongPassword, nil, request, credentials, &turn)
        }
        guard let account = credentials.account else {
            burnTime(password)
            throw failure(.unknownUser, nil, request, credentials, &turn)
        }
        guard isPassword(password, of: account, credentials.address) else {
            throw failure(.wrongPassword, nil, request, credentials, &turn)
        }
    }

    /// Compares a password in clear, as sent in UTF-8. Every failure takes the time of PBKDF2, whatever the account is.
    private mutating func isPassword(
        _ password: InlineBytes<128>, of account: Account, _ address: InlineBytes<100>
    ) -> Bool {
        switch account.kind {
        case .digest:
            guard let secret: InlineBytes<128> = vault.open(account.credential.span, owner: address.span),
                equalsInConstantTime(secret.span, password.span)
            else {
                burnTime(password)
                return false
            }
            return true
        case .passwordOnly:
            let credential = account.credential
            var reader = RecordReader(credential.span)
            let rounds: UInt32 = reader.integer()
            let salt = reader.octets(16)
            let expected = reader.octets(Vault.hashByteCount)
            guard !reader.isBroken else { return false }
            let hash = vault.hash(password: password.span, salt: salt, iterations: rounds)
            return equalsInConstantTime(hash.span, expected)
        }
    }

    /// Takes as long as the check of a hashed password, so that the time does not tell which users exist.
    private mutating func burnTime(_ password: InlineBytes<128>) {
        let salt = InlineArray<16, UInt8>(repeating: 0)
        _ = vault.hash(password: password.span, salt: salt.span, iterations: UInt32(Limits.passwordRounds))
    }

    // MARK: Challenge and digest

    /// Issues a nonce. An unknown user gets one too, so that it tells nothing; only nobody can answer it.
    private mutating func challenge(
        _ document: borrowing Document, _ element: Document.Element, _ credentials: Credentials, _ turn: inout Turn
    ) throws(Refusal) -> Challenge {
        let allowsDigest = credentials.account?.kind != .passwordOnly
        guard let schema = chooseSchema(document, element, allowsDigest: allowsDigest) else {
            throw Refusal(.noMatchingDigestSchema)
        }
        var challenge = Challenge()
        challenge.user = credentials.account?.number ?? 0
        challenge.cookieHash = credentials.cookieHash
        challenge.clientHash = credentials.clientHash
        challenge.schema = schema
        challenge.nonce = turn.entropy.take()
        challenge.issuedAt = turn.now
        guard challenge.user != 0 else { return challenge }
        let place = placeForChallenge(credentials)
        let key = Key.challenge(UInt16(place))
        if challengeWrites.take(turn.now) {
            challenge.isStored = true
            scratch.removeAll()
            challenge.write(into: &scratch)
            store.put(key.span, scratch)
        } else if challenges[place].isStored {
            store.delete(key.span)
        }
        challenges[place] = challenge
        return challenge
    }

    /// The best schema that the client offers: SHA, MD5, MD4, then PWD where it is allowed.
    ///
    /// - Source: protocol/session.md §3.1, §3.3.
    private func chooseSchema(
        _ document: borrowing Document, _ element: Document.Element, allowsDigest: Bool
    ) -> DigestSchema? {
        var best: DigestSchema?
        var next = document.first(.digestSchema, in: element)
        while let current = next {
            let list = document.word(of: current)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: 0x2C, from: start) ?? list.count
                if let schema = DigestSchema(list.extracting(start..<end).trimmed()), isUsable(schema, allowsDigest),
                    schema.rawValue < best?.rawValue ?? .max
                {
                    best = schema
                }
                start = end + 1
            }
            next = document.next(after: current)
        }
        return best
    }

    private func isUsable(_ schema: DigestSchema, _ allowsDigest: Bool) -> Bool {
        guard let algorithm = schema.algorithm else { return settings.allowsPWD }
        return allowsDigest && algorithm.isAvailable
    }

    /// Where the challenge of these credentials lies; nil when there is none or it is too old.
    private func challengePlace(_ credentials: Credentials) -> Int? {
        guard let user = credentials.account?.number else { return nil }
        for place in 0..<challenges.count
        where challenges[place].user == user && challenges[place].cookieHash == credentials.cookieHash {
            return place
        }
        return nil
    }

    /// The place of these credentials, a free one, or the oldest: of this user when he has more than his share.
    private func placeForChallenge(_ credentials: Credentials) -> Int {
        if let place = challengePlace(credentials) { return place }
        let user = credentials.account?.number
        var ownCount = 0
        var ownOldest: Int?
        var free: Int?
        var oldest = 0
        for place in 0..<challenges.count {
            let challenge = challenges[place]
            if challenge.user == 0, free == nil { free = place }
            if challenge.issuedAt < challenges[oldest].issuedAt { oldest = place }
            guard challenge.user == user else { continue }
            ownCount += 1
            if ownOldest.map({ challenge.issuedAt < challenges[$0].issuedAt }) ?? true { ownOldest = place }
        }
        if ownCount >= max(1, challenges.count / 8), let ownOldest { return ownOldest }
        return free ?? oldest
    }

    private mutating func dropChallenge(_ place: Int) {
        if challenges[place].isStored { store.delete(Key.challenge(UInt16(place)).span) }
        challenges[place] = Challenge()
    }

    /// The second phase: a challenge serves once, for the client that got it. Source: protocol/session.md §3.3, §3.4.
    private mutating func checkDigest(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ turn: inout Turn
    ) throws(Refusal) {
        guard let account = credentials.account, let place = challengePlace(credentials) else {
            let cause: FailureCause = credentials.account == nil ? .unknownUser : .noChallenge
            throw failure(cause, nil, request, credentials, &turn)
        }
        let challenge = challenges[place]
        guard challenge.clientHash == credentials.clientHash else {
            throw failure(.otherClient, nil, request, credentials, &turn)
        }
        dropChallenge(place)
        guard challenge.issuedAt.adding(seconds: UInt64(settings.challengeSeconds)) > turn.now else {
            throw failure(.noChallenge, nil, request, credentials, &turn)
        }
        guard let algorithm = challenge.schema.algorithm, account.kind == .digest,
            let secret: InlineBytes<128> = vault.open(account.credential.span, owner: credentials.address.span),
            let sent: InlineBytes<32> = Base64.decode(document.text(of: element)),
            isDigest(sent, algorithm, challenge.nonceText, secret)
        else { throw failure(.wrongPassword, nil, request, credentials, &turn) }
    }

    /// H(nonce, password), the password in ISO-8859-1 or in UTF-8.
    private func isDigest(
        _ sent: InlineBytes<32>, _ algorithm: DigestAlgorithm, _ nonce: InlineBytes<32>, _ secret: InlineBytes<128>
    ) -> Bool {
        var input = InlineBytes<160>()
        _ = input.append(nonce.span)
        _ = input.append(secret.span)
        if equalsInConstantTime(sent.span, algorithm.digest(input.span).span) { return true }
        guard let latin1: InlineBytes<128> = UTF8.latin1(secret.span) else { return false }
        input = InlineBytes<160>()
        _ = input.append(nonce.span)
        _ = input.append(latin1.span)
        return equalsInConstantTime(sent.span, algorithm.digest(input.span).span)
    }

    // MARK: Session

    /// The session of a user who proved who he is: the one with this SessionCookie, or a new one.
    ///
    /// - Returns: nil when a question keeps it closed.
    /// - Source: protocol/session.md §4.
    private mutating func openSession(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ gate: LoginGate, _ turn: inout Turn
    ) throws(Refusal) -> (slot: UInt16, isNew: Bool)? {
        if case .closed = gate { return nil }
        guard let account = credentials.account else { throw Refusal(.internalServerError) }
        let keepAlive = keepAliveSeconds(document.integer(.timeToLive, in: element))
        let resumed = session(of: credentials, request, turn.now)
        if resumed == nil { makeRoom(for: account.number, &turn) }
        guard let slot = resumed ?? sessions.open(account.number) else {
            if turn.journal.begin(.sessionsFull, turn.now, turn.wall) {
                turn.journal.number("max", UInt64(sessions.capacity))
                turn.journal.end()
            }
            throw Refusal(.serviceUnavailable, "too many sessions")
        }
        if resumed == nil {
            sessions[slot].number = takeSequence()
            sessions[slot].secret = turn.entropy.take()
            sessions[slot].cookieHash = credentials.cookieHash
            sessions[slot].functions = offeredFunctions
            sessions[slot].capabilities.serverPollMin = settings.serverPollMin
        }
        sessions[slot].clientHash = credentials.clientHash
        sessions[slot].agentHash = credentials.agentHash
        sessions[slot].version = request.version
        sessions[slot].quirks = settings.quirks.quirks(of: request.agent.span)
        takeKnowledge(slot)
        enter(slot, through: gate, &turn)
        sessions[slot].keepAliveSeconds = keepAlive
        touch(slot, turn.now)
        scheduleSweep(at: sessions[slot].expiresAt)
        if let cookie = document.first(.sessionCookie, in: element) {
            storeSession(slot, cookie: document.word(of: cookie), request.client, agent: request.agent.span)
        }
        logLogin(request, slot, credentials, isNew: resumed == nil, &turn)
        return (slot, resumed == nil)
    }

    /// Gives a session what its user's answers allow; an old client is asked by messages.
    private mutating func enter(_ slot: UInt16, through gate: LoginGate, _ turn: inout Turn) {
        sessions[slot].isRestricted = false
        sessions[slot].asksByMessage = !knowsSystemMessages(slot)
        // What is for sessions is looked for with the first request.
        sessions[slot].epoch = hasSessionCampaigns ? 0 : campaignEpoch
        sessions[slot].answerBy = nil
        sessions[slot].remindAt = nil
        if sessions[slot].holdsMail {
            sessions[slot].holdsMail = false
            sessions[slot].sentUpTo = 0
            sessions[slot].mayHaveMore = true
        }
        tellRefused(sessions[slot].user, &turn)
        switch gate {
        case .closed: break
        case .open(let grant, let due):
            sessions[slot].level = grant.functions
            if sessions[slot].asksByMessage { askByMessage(due, sessions[slot].user) }
        case .restricted(let due):
            sessions[slot].level = .below(.imFeat)
            sessions[slot].isRestricted = true
            sessions[slot].asksByMessage = true
            askByMessage(due, sessions[slot].user)
        }
    }

    /// Ends the oldest session of a user who has too many.
    private mutating func makeRoom(for user: UInt32, _ turn: inout Turn) {
        var count: UInt32 = 0
        var oldest: UInt16?
        var next = sessions.first(of: user)
        while let slot = next {
            if sessions[slot].closing == 0 {
                count += 1
                if oldest.map({ sessions[slot].isOlder(than: sessions[$0]) }) ?? true { oldest = slot }
            }
            next = sessions.next(after: slot)
        }
        if count >= settings.sessionsOfUserMax, let oldest { disconnect(oldest, .forcedLogout, &turn) }
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
        guard sessions[slot].version == .v1_3, !sessions[slot].quirks.contains(.noSystemMessage) else {
            return DueCampaigns()
        }
        switch gate {
        case .closed: return DueCampaigns()
        case .open(_, let due), .restricted(let due): return due
        }
    }

    private func writeChallenge(
        _ document: borrowing Document, _ element: Document.Element, _ challenge: Challenge,
        into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writeClientID(document, of: element, into: &writer)
        writer.result(.unauthorized, "answer the challenge")
        writer.text(.nonce, challenge.nonceText.span)
        writer.text(.digestSchema, challenge.schema.name)
        writer.flag(.capabilityRequest, false)
        writer.close(.loginResponse)
    }

    private mutating func writeSuccess(
        _ document: borrowing Document, _ element: Document.Element, _ slot: UInt16, isNew: Bool,
        _ due: DueCampaigns, _ turn: borrowing Turn, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writeClientID(document, of: element, into: &writer)
        writer.result(.success)
        writer.text(.sessionID, sessions.id(of: slot).span)
        writer.integer(.keepAliveTime, UInt64(sessions[slot].keepAliveSeconds))
        writer.flag(.capabilityRequest, isNew)
        if due.count > 0 {
            writeSystemMessages(due, for: sessions[slot].user, turn, into: &writer)
        }
        writer.close(.loginResponse)
    }
}
