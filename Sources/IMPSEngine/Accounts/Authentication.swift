import CSP
import Digests
import Octets
import Wire

/// Who wants to log in: what every Login-Request has.
struct Credentials: BitwiseCopyable {
    /// The address of the account, whether or not there is one.
    let address: InlineBytes<100>
    let cookieHash: UInt64
    let clientHash: UInt64
    let agentHash: UInt32
    let account: Account?
    let challenger: Challenger

    var clientKey: UInt64 { KnownClient.key(clientHash: clientHash, agentHash: agentHash) }
}

/// How a Login-Request ends, if it is not refused.
enum LoginOutcome {
    case challenged(Challenge)
    case authenticated
    /// Only the question of this campaign may be answered: no session.
    case mayAnswer(UInt32)
}

/// Why a login failed; the client learns no more than that it did.
private enum FailureCause {
    case badParameter, unknownUser, wrongPassword, otherClient

    var why: StaticString {
        switch self {
        case .badParameter: return "nocred"
        case .unknownUser: return "nouser"
        case .wrongPassword: return "badpass"
        case .otherClient: return "otherclient"
        }
    }
}

/// Who somebody is: by password, or by the digest of a challenge. What is answered, and how long that takes, is the same
/// for every name, whether or not there is an account and of which kind it is. Source: protocol/session.md §3.
extension Accounts where Port: ~Copyable {
    func credentials(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element,
        _ records: borrowing Records<Port>
    ) throws(Refusal) -> Credentials {
        guard let userID = document.first(.userID, in: element) else { throw Refusal(.badParameter, "UserID missing") }
        guard let cookie = document.first(.sessionCookie, in: element),
            document.word(of: cookie).count > 0,
            document.word(of: cookie).count <= Int(Limits.cookieByteCountMax)
        else { throw Refusal(.badParameter, "SessionCookie missing or too long") }
        guard let address = Address(document.word(of: userID), homeDomain: records.settings.domain.span),
            address.kind == .user, let canonical = InlineBytes<100>(address.canonical)
        else { throw Refusal(.badParameter, "UserID is no address of a user") }
        let cookieHash = Hash64(document.word(of: cookie)).value
        let clientHash = document.clientHash(of: element)
        let challenger = Challenger(
            nameHash: nameHash(canonical), cookieHash: cookieHash, clientHash: clientHash,
            networkHash: request.client.networkHash)
        return Credentials(
            address: canonical, cookieHash: cookieHash, clientHash: clientHash,
            agentHash: UInt32(truncatingIfNeeded: Hash64(request.agent.span).value),
            account: address.isLocal || records.settings.upstream(of: address) != nil
                ? records.account(canonical.span) : nil, challenger: challenger)
    }

    mutating func authenticate(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> LoginOutcome {
        try waitForFailures(request, credentials, records, &turn)
        let isAnswer = document.first(.systemMessageResponseList, in: element) != nil
        if let digest = document.first(.digestBytes, in: element) {
            // Others may have asked for challenges until this one had to give way: that is no failure.
            guard let place = answeredChallenge(credentials, &records, turn.now) else {
                return .challenged(
                    issueChallenge(
                        schema(of: document.text(of: digest)), request, credentials, &records, &turn))
            }
            try checkDigest(document, request, digest, at: place, credentials, &records, &turn)
        } else if let password = document.first(.password, in: element) {
            let campaign = try checkPassword(
                document, request, password, credentials, systemMessages, &records, &turn)
            if let campaign { return .mayAnswer(campaign) }
        } else if document.first(.digestSchema, in: element) != nil {
            return .challenged(try challenge(document, request, element, credentials, &records, &turn))
        } else if isAnswer,
            let campaign = systemMessages.campaignAnswered(by: PendingLogin(credentials, request), turn.now)
        {
            // Who has to answer proved already who he is.
            return campaign != 0 ? .mayAnswer(campaign) : .authenticated
        } else {
            // Network authentication is not offered, and nothing else was.
            throw failure(.badParameter, "no credentials", request, credentials, &turn)
        }
        throttles.noteSuccess(credentials.address.span, from: request.client.network.span, turn.now)
        return .authenticated
    }

    /// Another service has taken somebody, or not, from where he is.
    @inline(never)
    mutating func noteVerdict(_ isTaken: Bool, on user: Span<UInt8>, _ client: Client, _ now: Instant) {
        if isTaken { return throttles.noteSuccess(user, from: client.network.span, now) }
        authFailures += 1
        noteFailure(user, client, now)
    }

    /// Whether somebody has logged in from where he is before, as far as that is remembered.
    func isKnown(_ user: Span<UInt8>, _ client: Client) -> Bool {
        throttles.isKnown(user, from: client.network.span)
    }

    /// Throws 503 while who comes has to wait after failures.
    @inline(never)
    mutating func waitForFailures(
        _ request: Request, _ credentials: Credentials, _ records: borrowing Records<Port>, _ turn: inout Turn
    ) throws(Refusal) {
        let wait = throttles.waitSeconds(
            credentials.address.span, from: request.client.network.span, turn.now,
            failuresMax: records.settings.loginFailuresMax)
        guard wait > 0 else { return }
        logWait(wait, "failures", request, credentials, &turn)
        throw Refusal(.serviceUnavailable, "too many failed logins, try again later")
    }

    /// A number for the name of an account that nobody outside can foresee; never 0.
    func nameHash(_ address: InlineBytes<100>) -> UInt64 { max(1, vault.hashKey.hash(4, address.span)) }

    /// Counts something that somebody guessed wrong in the name of a user.
    mutating func noteFailure(_ user: Span<UInt8>, _ client: Client, _ now: Instant) {
        throttles.noteFailure(user, from: client.network.span, now)
    }

    /// Counts and logs a failed login.
    @inline(never)
    private mutating func failure(
        _ cause: FailureCause, _ description: StaticString? = nil, _ request: Request, _ credentials: Credentials,
        _ turn: inout Turn
    ) -> Refusal {
        authFailures += 1
        noteFailure(credentials.address.span, request.client, turn.now)
        if turn.journal.begin(.authFail, turn.now, turn.wall) {
            turn.journal.text("ip", request.client.address.span)
            turn.journal.text("user", credentials.address.span)
            turn.journal.word("why", cause.why)
            turn.journal.end()
        }
        return Refusal(cause == .otherClient ? .userIDAndClientIDDoNotMatch : .invalidPassword, description)
    }

    /// - Returns: the campaign that it is no more than a link to; nil for a password.
    private mutating func checkPassword(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> UInt32? {
        // The second phase of a login with the schema PWD carries the password and closes the challenge.
        if let place = challenges.place(of: credentials.challenger), challenges[place].schema == .pwd {
            dropChallenge(place, &records)
        }
        guard let password = InlineBytes<128>(document.text(of: element)) else {
            throw failure(.wrongPassword, nil, request, credentials, &turn)
        }
        if let account = credentials.account {
            if records.takeLink(password.span, of: account.number, turn.wall) { return nil }
            if let campaign = systemMessages.campaign(linkedBy: password.span, of: account, self) { return campaign }
        }
        guard let account = credentials.account else {
            try spendCheck(request, credentials, records, &turn)
            burnTime(password)
            throw failure(.unknownUser, nil, request, credentials, &turn)
        }
        guard try isPassword(password, of: account, request, credentials, records, &turn) else {
            throw failure(.wrongPassword, nil, request, credentials, &turn)
        }
        return nil
    }

    /// Compares a password in clear, as sent in UTF-8. Every failure takes the time of PBKDF2, whatever the account is.
    private mutating func isPassword(
        _ password: InlineBytes<128>, of account: Account, _ request: Request, _ credentials: Credentials,
        _ records: borrowing Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> Bool {
        switch account.kind {
        case .digest:
            guard let secret: InlineBytes<128> = vault.open(account.credential.span, owner: credentials.address.span),
                equalsInConstantTime(secret.span, password.span)
            else {
                try spendCheck(request, credentials, records, &turn)
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
            try spendCheck(request, credentials, records, &turn)
            let hash = vault.hash(password: password.span, salt: salt, iterations: rounds)
            return equalsInConstantTime(hash.span, expected)
        case .upstream, .remote:
            try spendCheck(request, credentials, records, &turn)
            burnTime(password)
            return false
        }
    }

    /// Throws 503 when checks of passwords took their part of the loop already; that is no failure of who comes.
    private mutating func spendCheck(
        _ request: Request, _ credentials: Credentials, _ records: borrowing Records<Port>, _ turn: inout Turn
    ) throws(Refusal) {
        let isKnown = throttles.isKnown(credentials.address.span, from: request.client.network.span)
        guard records.settings.loginFailuresMax > 0, !hashBudget.spend(isKnown: isKnown, turn.now) else { return }
        logWait(1, "busy", request, credentials, &turn)
        throw Refusal(.serviceUnavailable, "many logins at once, try again later")
    }

    @inline(never)
    private func logWait(
        _ seconds: UInt64, _ why: StaticString, _ request: Request, _ credentials: Credentials, _ turn: inout Turn
    ) {
        guard turn.journal.begin(.authWait, turn.now, turn.wall) else { return }
        turn.journal.text("ip", request.client.address.span)
        turn.journal.text("user", credentials.address.span)
        turn.journal.number("s", seconds)
        turn.journal.word("why", why)
        turn.journal.end()
    }

    /// Takes as long as the check of a hashed password, so that the time does not tell which users exist.
    mutating func burnTime(_ password: InlineBytes<128>) {
        let salt = InlineArray<16, UInt8>(repeating: 0)
        _ = vault.hash(password: password.span, salt: salt.span, iterations: UInt32(Limits.passwordRounds))
    }

    // MARK: Challenge and digest

    /// Issues a nonce, for every name and whatever its account is; only those with a secret can answer it.
    private mutating func challenge(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ credentials: Credentials,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> Challenge {
        guard let schema = chooseSchema(document, element, records) else { throw Refusal(.noMatchingDigestSchema) }
        return issueChallenge(schema, request, credentials, &records, &turn)
    }

    private mutating func issueChallenge(
        _ schema: DigestSchema, _ request: Request, _ credentials: Credentials, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) -> Challenge {
        let isKnown = throttles.isKnown(credentials.address.span, from: request.client.network.span)
        var challenge = Challenge()
        challenge.nameHash = credentials.challenger.nameHash
        challenge.cookieHash = credentials.challenger.cookieHash
        challenge.clientHash = credentials.challenger.clientHash
        challenge.networkHash = credentials.challenger.networkHash
        challenge.isKnown = isKnown
        challenge.schema = schema
        challenge.nonce = turn.entropy.take()
        challenge.issuedAt = turn.now
        let place = challenges.placeForNew(credentials.challenger)
        let key = Key.challenge(UInt16(place))
        if challengeWrites.take(turn.now) {
            challenge.isStored = true
            records.scratch.removeAll()
            challenge.write(into: &records.scratch)
            records.store.put(key.span, records.scratch)
        } else if challenges[place].isStored {
            records.store.delete(key.span)
        }
        challenges[place] = challenge
        return challenge
    }

    /// The challenge that a digest answers; nil when it gave way to others, was answered before, or is too old.
    private mutating func answeredChallenge(_ credentials: Credentials, _ records: inout Records<Port>, _ now: Instant)
        -> Int?
    {
        guard let place = challenges.place(of: credentials.challenger) else { return nil }
        guard challenges[place].issuedAt.adding(seconds: UInt64(records.settings.challengeSeconds)) > now else {
            dropChallenge(place, &records)
            return nil
        }
        return place
    }

    /// The schema that a client hashes with, by how long its digest is.
    private func schema(of digest: Span<UInt8>) -> DigestSchema {
        let sent: InlineBytes<32>? = Base64.decode(digest)
        return sent?.count == 16 ? .md5 : .sha
    }

    /// The best schema that the client offers: SHA, MD5, MD4, then PWD where it is allowed.
    ///
    /// - Source: protocol/session.md §3.1, §3.3.
    private func chooseSchema(
        _ document: borrowing Document, _ element: Document.Element, _ records: borrowing Records<Port>
    ) -> DigestSchema? {
        var best: DigestSchema?
        var next = document.first(.digestSchema, in: element)
        while let current = next {
            let list = document.word(of: current)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: 0x2C, from: start) ?? list.count
                if let schema = DigestSchema(list.extracting(start..<end).trimmed()), isUsable(schema, records),
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

    private func isUsable(_ schema: DigestSchema, _ records: borrowing Records<Port>) -> Bool {
        schema.algorithm?.isAvailable ?? records.settings.allowsPWD
    }

    mutating func dropChallenge(_ place: Int, _ records: inout Records<Port>) {
        if challenges[place].isStored { records.store.delete(Key.challenge(UInt16(place)).span) }
        challenges[place] = Challenge()
    }

    /// The second phase: a challenge serves once, for the client that got it. Source: protocol/session.md §3.3, §3.4.
    private mutating func checkDigest(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, at place: Int,
        _ credentials: Credentials, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) {
        let challenge = challenges[place]
        guard challenge.clientHash == credentials.clientHash else {
            throw failure(.otherClient, nil, request, credentials, &turn)
        }
        dropChallenge(place, &records)
        var secret: InlineBytes<128>?
        if let account = credentials.account, account.kind == .digest {
            secret = vault.open(account.credential.span, owner: credentials.address.span)
        }
        let sent: InlineBytes<32>? = Base64.decode(document.text(of: element))
        // Without a secret there is as much to do as with a wrong one.
        let isRight =
            challenge.schema.algorithm.map {
                isDigest(sent ?? InlineBytes(), $0, challenge.nonceText, secret ?? InlineBytes())
            } ?? false
        guard isRight, secret != nil else {
            throw failure(
                credentials.account == nil ? .unknownUser : .wrongPassword, nil, request, credentials, &turn)
        }
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

    /// Becomes what the store says.
    mutating func reload(_ records: borrowing Records<Port>, _ now: Instant) {
        challenges.removeAll()
        for index in 0..<challenges.count {
            let key = Key.challenge(UInt16(index))
            guard let record = records.store.value(for: key.span), let challenge = Challenge(record, now: now) else {
                continue
            }
            challenges[index] = challenge
        }
    }
}
