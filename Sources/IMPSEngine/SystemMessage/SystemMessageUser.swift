import CSP
import Digests
import Octets
import Wire

/// What became of the answers in one SystemMessageResponseList.
struct AnswerOutcome {
    var count = 0
    var failureCount = 0
    /// The code of the first that failed.
    var failure = StatusCode.success
    /// The places of the campaigns that an answer has closed, a bit for each.
    var closedPlaces: UInt64 = 0
    /// One of them says otherwise than what settled the matter before.
    var isLate = false
    /// The place of the campaign whose answer denied access.
    var denial: Int?
    /// Whether what waits is to stay in the mailbox; nil when nothing was said about it.
    var holds: Bool?

    func hasClosed(_ place: Int) -> Bool { closedPlaces >> UInt64(place) & 1 != 0 }
}

extension SystemMessages where Port: ~Copyable {
    /// SystemMessage-User: the answers to System Messages in a session.
    ///
    /// - Throws: 402 without an answer, and the code of the failure when all failed alike.
    /// - Source: protocol/system-message.md §3.2, §5.1.
    mutating func systemMessageUser(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ accounts: inout Accounts<Port>, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard let list = document.first(.systemMessageResponseList, in: element) else {
            throw Refusal(.badParameter, "SystemMessageResponseList missing")
        }
        let user = sessions[slot].user
        let mark = writer.mark
        writer.open(.status)
        writer.open(.result)
        writer.integer(.code, UInt64(StatusCode.partialSuccess.rawValue))
        writer.text(.description, StatusCode.partialSuccess.meaning)
        let outcome = takeAnswers(
            document, list, of: user, request.client, sessions.proofClient(of: slot, records), &accounts, &sessions,
            &mailboxes, &records, &turn, details: true, into: &writer)
        writer.close(.result)
        writer.close(.status)
        guard outcome.count > 0 else { throw Refusal(.badParameter, "SystemMessageResponse missing") }
        noteAnswers(in: slot, &sessions, &records)
        // What another device has settled is told as a detail, so that it can be told from a wrong answer.
        if outcome.failureCount == 0 || outcome.failureCount == outcome.count && !outcome.isLate {
            writer.rewind(to: mark)
            if outcome.failureCount > 0 { throw Refusal(outcome.failure) }
            writer.status(.success)
        }
        if let holds = outcome.holds, sessions[slot].access.holdsMail != holds {
            sessions[slot].access.holdsMail = holds
            sessions[slot].delivery.restart()
            sessions.storeSession(slot, &records)
        }
        if outcome.denial != nil {
            disconnectAll(user, because: .declined, &sessions, &mailboxes, &records, &turn)
        } else {
            applyLevel(to: user, &sessions, mailboxes, &records, &turn)
        }
    }

    @inline(never)
    func disconnectAll(
        _ user: UInt32, because reason: DisconnectReason, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            if sessions[slot].closing == 0 {
                sessions.disconnect(slot, .forcedLogout, because: reason, &mailboxes, &records, &turn)
            }
        }
    }

    /// Takes all answers of a list.
    ///
    /// - Parameters:
    ///   - client: Where they come from, and `proof`, what is kept of that.
    ///   - login: The tag of the login that they come with; 0 in a session.
    ///   - details: Whether a DetailedResult is written for each that failed.
    @inline(never)
    mutating func takeAnswers(
        _ document: borrowing Document, _ list: Document.Element, of user: UInt32, _ client: Client,
        _ proof: ProofClient, login: UInt32 = 0, only campaign: UInt32 = 0, _ accounts: inout Accounts<Port>,
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, details: Bool,
        into writer: inout Writer
    ) -> AnswerOutcome {
        var outcome = AnswerOutcome()
        var next = document.first(.systemMessageResponse, in: list)
        while let response = next {
            next = document.next(after: response)
            let refusal = takeAnswer(
                document, response, of: user, client, proof, login: login, only: campaign, &accounts, &sessions,
                &mailboxes,
                &records, &turn, &outcome)
            outcome.count += 1
            guard let refusal else { continue }
            outcome.failureCount += 1
            if outcome.failure == .success { outcome.failure = refusal.code }
            guard details else { continue }
            writer.open(.detailedResult)
            writer.integer(.code, UInt64(refusal.code.rawValue))
            writer.text(.description, refusal.description ?? refusal.code.meaning)
            if let id = document.word(.systemMessageID, in: response) { writer.text(.messageID, id) }
            writer.close(.detailedResult)
        }
        return outcome
    }

    /// One answer; refused with 426 for a message that is not asked of this user, 402 for what is no answer to it.
    private mutating func takeAnswer(
        _ document: borrowing Document, _ response: Document.Element, of user: UInt32, _ client: Client,
        _ proof: ProofClient, login: UInt32, only number: UInt32, _ accounts: inout Accounts<Port>,
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn,
        _ outcome: inout AnswerOutcome
    ) -> Refusal? {
        guard let element = document.first(.systemMessageID, in: response),
            let id = SystemMessageID(document.word(of: element)), id.user == user, let place = place(of: id.campaign)
        else { return Refusal(.invalidMessageID) }
        // Who came by a link to one question answers no other.
        guard number == 0 || id.campaign == number else { return Refusal(.invalidMessageID) }
        let campaign = campaign(at: place, for: user, records)
        // The answer to one time it was asked is none to the next.
        guard campaign.generation == id.generation, var entry = records.sheet(of: user).entry(campaign),
            entry.instance == id.instance
        else { return Refusal(.invalidMessageID) }
        let chosen = document.integer(.chosenOptionID, in: response)
        if entry.state != .asked {
            if chosen ?? 0 == UInt64(entry.option) { return nil }
            outcome.isLate = true
            records.noteInVain(.tooLate, campaign, user, option: chosen ?? 0, proof, turn)
            return Refusal(.invalidMessageID, "it was answered already")
        }
        entry.at = turn.wall.storedSeconds
        if !campaign.mechanism.isEmpty, !isVerified(document, response, campaign, user) {
            if noteWrongKey(campaign, user, &entry, client, proof, &accounts, &records, turn) { outcome.denial = place }
            return Refusal(.badParameter)
        }
        var option = CampaignOption()
        if let chosen {
            guard chosen <= UInt64(UInt16.max), let found = records.option(id: UInt16(chosen), of: campaign) else {
                return Refusal(.badParameter)
            }
            option = found
        } else if campaign.isRequired || blocks(place, records) {
            return Refusal(.badParameter)
        }
        entry.answeredBy = login
        record(option, campaign, user, &entry, proof, &sessions, &mailboxes, &records, &turn)
        outcome.closedPlaces |= 1 << UInt64(place)
        if !entry.grant.isAdmitted { outcome.denial = place }
        if campaign.notice == .waiting { outcome.holds = option.action == .hold }
        return nil
    }

    /// Counts a wrong key; true when it was the last that was allowed, which counts as a denial.
    private func noteWrongKey(
        _ campaign: Campaign, _ user: UInt32, _ entry: inout SheetEntry, _ client: Client, _ proof: ProofClient,
        _ accounts: inout Accounts<Port>, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) -> Bool {
        // Like a wrong password: who guesses has to wait.
        if let address = records.address(of: user) {
            accounts.noteFailure(address.span, client, turn.now)
        }
        entry.tries += entry.tries < .max ? 1 : 0
        if entry.tries >= Limits.verificationTries {
            entry.state = .denied
            entry.grant = .deny
        }
        records.noteWrongKey(campaign, user, tries: entry.tries, isLast: entry.state == .denied, proof, turn)
        set(entry, of: user, &records)
        return entry.state == .denied
    }

    /// Keeps an answer, in the sheet and as proof, and does what the option says.
    ///
    /// - Parameter proof: The client that it came from.
    mutating func record(
        _ option: CampaignOption, _ campaign: Campaign, _ user: UInt32, _ entry: inout SheetEntry, _ proof: ProofClient,
        isByOperator: Bool = false, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        closeService(campaign, user, &sessions, &mailboxes, &records)
        entry.option = option.id
        entry.grant = option.grant
        entry.state = entry.grant.isAdmitted ? .answered : .denied
        records.noteAnswered(option, campaign, user, entry, proof, isByOperator: isByOperator, turn)
        set(entry, of: user, &records)
        switch option.action {
        case .helpOff: setHelp(isOff: true, of: user, &records)
        case .helpOn: setHelp(isOff: false, of: user, &records)
        // The session sees to holding, and the contact lists to who is added.
        case .none, .hold, .addContact: break
        }
        if campaign.notice == .added {
            addedAnswer = AddedAnswer(user: user, contact: option.action == .addContact ? entry.argument : nil)
        }
        logAnswer(campaign, entry, user, records, &turn)
    }

    private func logAnswer(
        _ campaign: Campaign, _ entry: SheetEntry, _ user: UInt32, _ records: borrowing Records<Port>,
        _ turn: inout Turn
    ) {
        guard turn.journal.begin(.sysmsgAnswer, turn.now, turn.wall) else { return }
        records.logUser(user, &turn)
        logName(campaign, &turn)
        turn.journal.number("option", UInt64(entry.option))
        turn.journal.word("grant", entry.grant.name)
        turn.journal.end()
    }

    /// Adds what a record is about.
    func logName(_ campaign: Campaign, _ turn: inout Turn) {
        if let notice = campaign.notice {
            turn.journal.word("notice", notice.name)
        } else {
            turn.journal.text("name", campaign.name.span)
        }
    }

    // MARK: Verification

    private func isVerified(
        _ document: borrowing Document, _ response: Document.Element, _ campaign: Campaign, _ user: UInt32
    ) -> Bool {
        guard let key = document.first(.verificationKey, in: response) else { return false }
        return equalsInConstantTime(document.word(of: key), verificationKey(campaign, user).span)
    }

    /// The key that a user gets by another way: eight digits, made from the campaign's secret, so that none is stored.
    func verificationKey(_ campaign: Campaign, _ user: UInt32) -> InlineBytes<8> {
        var input = InlineBytes<40>()
        _ = input.append(campaign.secret.span)
        _ = input.append(bigEndian: campaign.number)
        _ = input.append(bigEndian: campaign.generation)
        _ = input.append(bigEndian: user)
        let digest = DigestAlgorithm.sha1.digest(input.span)
        var key = InlineBytes<8>()
        for index in 0..<8 { _ = key.append(0x30 + digest.span[index] % 10) }
        return key
    }
}
