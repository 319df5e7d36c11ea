import CSP
import Octets
import Wire

/// Whether a login whose credentials are right may go on.
enum LoginGate {
    /// With this level, and these messages that do not wait for an answer.
    /// `isLate` when what it answered was settled otherwise before.
    case open(Grant, DueCampaigns, isLate: Bool)
    /// For a client that has to answer by an ordinary message first: nothing else is open to it.
    case restricted(DueCampaigns)
    /// It has to wait, or is denied; the Login-Response is written.
    case closed
}

extension Settings {
    /// Whether a client that knows no System Messages may answer one by an ordinary message; a key cannot be verified so.
    func mayAnswerByMessage(_ campaign: Campaign) -> Bool {
        (campaign.legacy ?? legacyPolicy) == .limited && campaign.mechanism.isEmpty
    }
}

/// The question before the door. Source: protocol/system-message.md §4.
extension SystemMessages where Port: ~Copyable {
    /// Takes the answers that a Login-Request carries, and asks what is still to be asked.
    ///
    /// Without an active campaign it costs a look at the table, and with answered ones one record. Source: SM-70.
    mutating func passQuestions(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ login: PendingLogin,
        _ accounts: inout Accounts<Port>, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn, into writer: inout Writer
    ) -> LoginGate {
        let user = login.user
        let waits = !login.isForAnswer && waits(for: user, request.version, records)
        let pending = pendingLogin(like: login, turn.now)
        guard hasActiveCampaign || waits else {
            if let pending { dropPendingLogin(pending, &records) }
            return .open(.full, DueCampaigns(), isLate: false)
        }
        var outcome = AnswerOutcome()
        if request.version == .v1_3, let list = document.first(.systemMessageResponseList, in: element) {
            outcome = takeAnswers(
                document, list, of: user, request.client, ProofClient(request), login: login.tag, only: login.campaign,
                &accounts, &sessions,
                &mailboxes, &records, &turn, details: false,
                into: &writer)
            if outcome.count > 0, !login.isForAnswer, !login.isOfGuest {
                records.noteAnswers(user, login.clientKey, agent: request.agent.span)
            }
            // What is answered here holds for the sessions that are open elsewhere too.
            if outcome.failureCount < outcome.count { applyLevel(to: user, &sessions, mailboxes, &records, &turn) }
        }
        let view = view(records.sheet(of: user), login, isPending: pending != nil, outcome, records, turn.wall)
        if let denial = outcome.denial ?? view.denial {
            // What a guest declined is known as long as his login waits.
            if let pending, !login.ownsGuest { dropPendingLogin(pending, &records) }
            // Who declines in one place has declined in all.
            if outcome.denial != nil { disconnectAll(user, because: .declined, &sessions, &mailboxes, &records, &turn) }
            writeDenial(
                document, element, campaign(at: denial, for: user, records), user, &records, turn.wall, into: &writer)
            logDenied(campaigns[denial], user, records, &turn)
            return .closed
        }
        let isIgnorant = outcome.count == 0 && !login.isForAnswer && records.ignoresSystemMessages(login, request)
        var due = view.due
        // An announcement comes with the login, not with what is asked before.
        if waits, !isIgnorant, !due.blocks || records.settings.announcement == .prompt {
            addWaiting(&due, user, isPending: pending != nil, records)
        }
        guard due.blocks else {
            // The answers of a guest wait for his service to take him; what comes with a login comes then.
            if login.ownsGuest { return .open(view.level, DueCampaigns(), isLate: outcome.isLate) }
            if let pending { dropPendingLogin(pending, &records) }
            // Nothing is shown to him who came by a link, so nothing counts as asked.
            if login.isForAnswer { return .open(view.level, DueCampaigns(), isLate: outcome.isLate) }
            guard due.count > 0 else { return .open(view.level, due, isLate: outcome.isLate) }
            noteAsked(due, user, isPending: pending != nil, &records, turn.wall)
            return .open(level(records.sheet(of: user)), due, isLate: outcome.isLate)
        }
        if request.version < .v1_3 || isIgnorant {
            if !login.isOfGuest, mayAnswerByMessage(due, records) {
                if let pending { dropPendingLogin(pending, &records) }
                noteAsked(due, user, isPending: true, &records, turn.wall)
                return .restricted(due)
            }
            if request.version < .v1_3 {
                let link = accounts.answerLink(campaigns[due[0]], user, records)
                if login.isOfGuest { suspend(login, due, isPending: pending != nil, &records, turn) }
                writeLegacyRefusal(document, request, element, due, link, user, &records, turn, into: &writer)
                return .closed
            }
        }
        // Who is known to answer needs no other way.
        let needsLink = !login.isForAnswer && records.knownClient(user, login.clientKey)?.answers != true
        let link = needsLink ? accounts.answerLink(campaigns[due[0]], user, records) : InlineBytes()
        ask(document, request, element, due, login, outcome, link, &records, turn, into: &writer)
        return .closed
    }

    /// Gives a session what its user's answers allow; an old client is asked by messages.
    mutating func enter(
        _ slot: UInt16, through gate: LoginGate, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let former = sessions[slot].access
        sessions[slot].access.isRestricted = false
        sessions[slot].access.holdsMail = false
        sessions[slot].access.asksByMessage = !knowsSystemMessages(slot, sessions, records)
        // What is for sessions is looked for with the first request.
        sessions[slot].access.epoch = hasSessionCampaigns ? 0 : campaignEpoch
        sessions[slot].access.answerBy = nil
        sessions[slot].access.remindAt = nil
        tellRefused(sessions[slot].user, &sessions, mailboxes, &records, &turn)
        switch gate {
        case .closed: break
        case .open(let grant, let due, _):
            sessions[slot].access.level = grant.functions
            if sessions[slot].access.asksByMessage {
                askByMessage(due, sessions[slot].user, &sessions, mailboxes, &records)
            }
        case .restricted(let due):
            sessions[slot].access.level = .below(.imFeat)
            sessions[slot].access.isRestricted = true
            sessions[slot].access.asksByMessage = true
            askByMessage(due, sessions[slot].user, &sessions, mailboxes, &records)
        }
        // Something may have been held back from a session that goes on.
        let isOther = former.isRestricted || former.holdsMail || former.level != sessions[slot].access.level
        if isOther { sessions[slot].delivery.restart() }
    }

    var hasActiveCampaign: Bool {
        for place in operatorPlaces where campaigns[place].number != 0 { return true }
        return false
    }

    /// The level that all answers that count leave. Source: protocol/system-message.md §4.3.
    ///
    /// An answer to a message that was renewed since counts until its user is asked again; when that blocks, until he has
    /// answered, so that a session from before does not get more by being asked.
    func level(_ sheet: AnswerSheet) -> Grant {
        var level = Grant.full
        for place in operatorPlaces where campaigns[place].number != 0 {
            if let entry = sheet.entry(of: campaigns[place].number), entry.state != .denied {
                level = level.intersection(entry.grant)
            }
        }
        return level
    }

    // MARK: What is due

    /// What the campaigns mean for a login, all of it in one look at each.
    private struct LoginView {
        /// The place of a campaign that keeps the user out.
        var denial: Int?
        /// What is to be asked, what blocks first.
        var due = DueCampaigns()
        var level = Grant.full
    }

    /// Whether a login is asked something, or denied.
    func mayAsk(_ login: PendingLogin, _ records: borrowing Records<Port>, _ wall: WallTime) -> Bool {
        let view = view(
            records.sheet(of: login.person), login, isPending: false, AnswerOutcome(), records, wall)
        return view.due.blocks || view.denial != nil
    }

    /// - Parameters:
    ///   - isPending: The login waits for answers already, and those with its tag were given to it.
    ///   - outcome: What this very request has answered, which is as good.
    private func view(
        _ sheet: AnswerSheet, _ login: PendingLogin, isPending: Bool, _ outcome: AnswerOutcome,
        _ records: borrowing Records<Port>, _ wall: WallTime
    ) -> LoginView {
        var view = LoginView()
        var others = DueCampaigns()
        for place in operatorPlaces where campaigns[place].number != 0 {
            if login.isForAnswer, campaigns[place].number != login.campaign { continue }
            let entry = sheet.entry(of: campaigns[place].number)
            if let entry, entry.state != .denied { view.level = view.level.intersection(entry.grant) }
            let state = entry?.generation == campaigns[place].generation ? entry?.state : nil
            let isClosed = outcome.hasClosed(place) || isPending && entry?.answeredBy == login.tag
            guard campaigns[place].isOpenAtLogin(state, isClosed: isClosed), campaigns[place].isDue(wall),
                isFor(campaigns[place], login.audienceUser, sheet, records)
            else { continue }
            if state == .denied, let entry, campaigns[place].keepsOut(entry, wall) { view.denial = place }
            if campaigns[place].blocks { view.due.append(place) } else { others.append(place) }
        }
        view.due.blocks = view.due.count > 0
        for index in 0..<others.count {
            // What this login was sent with the question is not sent again with the answer to it.
            if isPending || outcome.closedPlaces != 0, !view.due.blocks,
                sheet.entry(campaigns[others[index]])?.state == .asked
            {
                continue
            }
            view.due.append(others[index])
        }
        return view
    }

    /// Whether a login tells of messages that wait. Source: SM-36, OM-4, protocol/system-message.md §6.3.
    private func waits(for user: UInt32, _ version: Version, _ records: borrowing Records<Port>) -> Bool {
        version == .v1_3 && records.settings.announcement != .off && records.totals(of: user).messages > 0
    }

    private func addWaiting(
        _ due: inout DueCampaigns, _ user: UInt32, isPending: Bool, _ records: borrowing Records<Port>
    ) {
        let place = operatorPlaces.upperBound + Int(Notice.waiting.rawValue) - 1
        if isPending, records.sheet(of: user).entry(of: campaigns[place].number)?.state == .answered { return }
        due.append(place)
        if records.settings.announcement == .prompt { due.blocks = true }
    }

    // MARK: Answers of the server

    /// Login-Response 403 with the list, and no session. Source: protocol/system-message.md §4.2, step 2.
    private mutating func ask(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ due: DueCampaigns,
        _ login: PendingLogin, _ outcome: AnswerOutcome, _ link: InlineBytes<170>, _ records: inout Records<Port>,
        _ turn: borrowing Turn, into writer: inout Writer
    ) {
        let place = pendingLogin(like: login, turn.now)
        let isPending = place != nil
        let isRepeat =
            place.map { login.requestHash != 0 && pendingLogins[$0].requestHash == login.requestHash } ?? false
        if outcome.count == 0, !isRepeat, !login.isForAnswer, !login.isOfGuest {
            records.noteUnanswered(login.user, login.clientKey, agent: request.agent.span, turn.wall)
        }
        suspend(login, due, isPending: isPending, &records, turn)
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        records.writeReason(
            campaign(at: due[0], for: login.user, records),
            outcome.failure == .success ? .forbidden : outcome.failure, link: link.span, into: &writer)
        writeSystemMessages(due, for: login.user, at: ProofClient(request), &records, turn, into: &writer)
        writer.close(.loginResponse)
    }

    /// Has a login wait for the answers to what is due.
    private mutating func suspend(
        _ login: PendingLogin, _ due: DueCampaigns, isPending: Bool, _ records: inout Records<Port>,
        _ turn: borrowing Turn
    ) {
        var login = login
        login.timeout = 0
        for index in 0..<due.count where blocks(due[index], records) {
            login.timeout = max(login.timeout, campaigns[due[index]].timeout)
        }
        suspendLogin(login, &records, turn.now)
        noteAsked(due, login.user, isPending: isPending, &records, turn.wall)
    }

    /// Whether what is at a place keeps a login waiting.
    func blocks(_ place: Int, _ records: borrowing Records<Port>) -> Bool {
        campaigns[place].blocks || campaigns[place].kind == .notice && records.settings.announcement == .prompt
    }

    /// A message is open from now on, whatever was answered before.
    func noteAsked(
        _ due: DueCampaigns, _ user: UInt32, isPending: Bool, _ records: inout Records<Port>, _ wall: WallTime
    ) {
        for index in 0..<due.count { noteAsked(due[index], user, isPending: isPending, &records, wall) }
    }

    private func noteAsked(
        _ place: Int, _ user: UInt32, isPending: Bool, _ records: inout Records<Port>, _ wall: WallTime
    ) {
        let campaign = campaign(at: place, for: user, records)
        var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
        entry.at = wall.storedSeconds
        let former = records.sheet(of: user).entry(of: campaign.number)
        if campaign.kind != .notice { entry.keep(former, of: campaign) }
        let isAsked = former?.generation == campaign.generation && former?.state == .asked
        if isAsked, isPending || campaign.kind != .notice { return }
        if campaign.kind == .notice {
            entry.argument = records.totals(of: user).messages
            if let former { entry.generation = former.generation &+ 1 }
        }
        set(entry, of: user, &records)
    }

    /// Login-Response 403 without a list. Source: SM-21, protocol/system-message.md §4.5.
    private func writeDenial(
        _ document: borrowing Document, _ element: Document.Element, _ campaign: Campaign, _ user: UInt32,
        _ records: inout Records<Port>, _ wall: WallTime, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        records.writeReason(campaign, .forbidden, into: &writer)
        if campaign.tryAgain > 0 {
            var rest = UInt64(campaign.tryAgain)
            if wall.isTrusted, let entry = records.sheet(of: user).entry(campaign), entry.at > 0 {
                rest = entry.at + rest - min(entry.at + rest, wall.secondsSince1970)
            }
            writer.integer(.tryAgainTimeout, max(1, rest))
        }
        writer.close(.loginResponse)
    }

    private func logDenied(_ campaign: Campaign, _ user: UInt32, _ records: borrowing Records<Port>, _ turn: inout Turn)
    {
        guard turn.journal.begin(.sysmsgDenied, turn.now, turn.wall) else { return }
        records.logUser(user, &turn)
        logName(campaign, &turn)
        turn.journal.end()
    }

    /// A client without the vocabulary is told why it may not come in. Source: SM-54.
    private func writeLegacyRefusal(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ due: DueCampaigns,
        _ link: InlineBytes<170>, _ user: UInt32, _ records: inout Records<Port>, _ turn: borrowing Turn,
        into writer: inout Writer
    ) {
        records.noteSent(campaigns[due[0]], user, ProofClient(request), turn)
        writer.open(.loginResponse)
        writer.clientID(document, of: element)
        records.writeReason(campaigns[due[0]], .forbidden, link: link.span, into: &writer)
        writer.close(.loginResponse)
    }

    /// Whether all that blocks may be asked by an ordinary message; a key cannot be verified by one.
    private func mayAnswerByMessage(_ due: DueCampaigns, _ records: borrowing Records<Port>) -> Bool {
        for index in 0..<due.count where campaigns[due[index]].blocks {
            if !records.settings.mayAnswerByMessage(campaigns[due[index]]) { return false }
        }
        return true
    }
}
