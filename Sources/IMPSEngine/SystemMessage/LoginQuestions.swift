import CSP
import Octets
import Wire

/// Whether a login whose credentials are right may go on.
enum LoginGate {
    /// With this level, and these messages that do not wait for an answer.
    case open(Grant, DueCampaigns)
    /// For a client that has to answer by an ordinary message first: nothing else is open to it.
    case restricted(DueCampaigns)
    /// It has to wait, or is denied; the Login-Response is written.
    case closed
}

/// The question before the door. Source: protocol/system-message.md §4.
extension Engine where Port: ~Copyable {
    /// Takes the answers that a Login-Request carries, and asks what is still to be asked.
    ///
    /// Without an active campaign it costs a look at the table, and with answered ones one record. Source: SM-70.
    mutating func passQuestions(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ login: PendingLogin,
        _ turn: inout Turn, into writer: inout Writer
    ) -> LoginGate {
        let user = login.user
        guard hasActiveCampaign else { return .open(.full, DueCampaigns()) }
        let pending = pendingLogin(user, login.cookieHash, login.clientHash, turn.now)
        var outcome = AnswerOutcome()
        if request.version == .v1_3, let list = document.first(.systemMessageResponseList, in: element) {
            outcome = takeAnswers(document, list, of: user, &turn, details: false, into: &writer)
        }
        let sheet = sheet(of: user)
        if let denial = outcome.denial ?? recentDenial(sheet, user, turn.wall) {
            if let pending { dropPendingLogin(pending) }
            writeDenial(document, element, campaigns[denial], sheet, turn.wall, into: &writer)
            logDenied(campaigns[denial], user, &turn)
            return .closed
        }
        let due = due(sheet, user, isPending: pending != nil, turn.wall)
        guard due.blocks else {
            if let pending { dropPendingLogin(pending) }
            return .open(level(sheet), due)
        }
        if request.version < .v1_3 {
            if mayAnswerByMessage(due) { return .restricted(due) }
            writeLegacyRefusal(document, element, due, user, turn, into: &writer)
        } else {
            ask(document, element, due, login, outcome, turn, into: &writer)
        }
        return .closed
    }

    private var hasActiveCampaign: Bool {
        for place in 0..<campaigns.count where campaigns[place].number != 0 { return true }
        return false
    }

    /// The level that all answers that count leave. Source: protocol/system-message.md §4.3.
    func level(_ sheet: AnswerSheet) -> Grant {
        var level = Grant.full
        for place in 0..<campaigns.count where campaigns[place].number != 0 {
            if let entry = sheet.entry(campaigns[place]), entry.state == .answered {
                level = level.intersection(entry.grant)
            }
        }
        return level
    }

    /// The campaigns that have something to ask at a login, those that block first.
    private func due(_ sheet: AnswerSheet, _ user: UInt32, isPending: Bool, _ wall: WallTime) -> DueCampaigns {
        var due = DueCampaigns()
        collect(&due, sheet, user, blocking: true, isPending: isPending, wall)
        due.blocks = due.count > 0
        collect(&due, sheet, user, blocking: false, isPending: isPending, wall)
        return due
    }

    private func collect(
        _ due: inout DueCampaigns, _ sheet: AnswerSheet, _ user: UInt32, blocking: Bool, isPending: Bool,
        _ wall: WallTime
    ) {
        for place in 0..<campaigns.count where campaigns[place].number != 0 {
            let campaign = campaigns[place]
            if campaign.kind == .login, campaign.blocks == blocking, campaign.isFor(user), campaign.isDue(wall),
                isOpen(campaign, sheet.entry(campaign), isPending: isPending)
            {
                due.append(place)
            }
        }
    }

    private func isOpen(_ campaign: Campaign, _ entry: SheetEntry?, isPending: Bool) -> Bool {
        guard let entry else { return true }
        switch entry.state {
        case .asked: return campaign.policy != .once || campaign.isRequired
        case .answered: return campaign.policy == .everyLogin && !isPending
        case .denied: return true
        }
    }

    // MARK: Answers of the server

    /// Login-Response 403 with the list, and no session. Source: protocol/system-message.md §4.2, step 2.
    private mutating func ask(
        _ document: borrowing Document, _ element: Document.Element, _ due: DueCampaigns, _ login: PendingLogin,
        _ outcome: AnswerOutcome, _ turn: borrowing Turn, into writer: inout Writer
    ) {
        var timeout: UInt32 = 0
        for index in 0..<due.count where campaigns[due[index]].blocks {
            timeout = max(timeout, campaigns[due[index]].timeout)
        }
        suspendLogin(login.user, login.cookieHash, login.clientHash, timeout: timeout, turn.now)
        noteAsked(due, login.user, turn.wall)
        writer.open(.loginResponse)
        writeClientID(document, of: element, into: &writer)
        writeReason(campaigns[due[0]], outcome.failure == .success ? .forbidden : outcome.failure, into: &writer)
        writeSystemMessages(due, for: login.user, turn, into: &writer)
        writer.close(.loginResponse)
    }

    /// A message is open from now on, whatever was answered before.
    mutating func noteAsked(_ due: DueCampaigns, _ user: UInt32, _ wall: WallTime) {
        var sheet = sheet(of: user)
        var isChanged = false
        for index in 0..<due.count {
            let campaign = campaigns[due[index]]
            if let entry = sheet.entry(campaign), entry.state == .asked { continue }
            var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
            entry.at = wall.storedSeconds
            sheet.set(entry)
            isChanged = true
        }
        if isChanged { keep(sheet, of: user) }
    }

    /// A denial that told when to try again, and it is not that late yet.
    private func recentDenial(_ sheet: AnswerSheet, _ user: UInt32, _ wall: WallTime) -> Int? {
        guard wall.isTrusted else { return nil }
        for place in 0..<campaigns.count where campaigns[place].number != 0 && campaigns[place].tryAgain > 0 {
            guard let entry = sheet.entry(campaigns[place]), entry.state == .denied else { continue }
            if entry.at + UInt64(campaigns[place].tryAgain) > wall.secondsSince1970 { return place }
        }
        return nil
    }

    /// Login-Response 403 without a list. Source: SM-21, protocol/system-message.md §4.5.
    private mutating func writeDenial(
        _ document: borrowing Document, _ element: Document.Element, _ campaign: Campaign, _ sheet: AnswerSheet,
        _ wall: WallTime, into writer: inout Writer
    ) {
        writer.open(.loginResponse)
        writeClientID(document, of: element, into: &writer)
        writeReason(campaign, .forbidden, into: &writer)
        if campaign.tryAgain > 0 {
            var rest = UInt64(campaign.tryAgain)
            if wall.isTrusted, let entry = sheet.entry(campaign), entry.at > 0 {
                rest = entry.at + rest - min(entry.at + rest, wall.secondsSince1970)
            }
            writer.integer(.tryAgainTimeout, max(1, rest))
        }
        writer.close(.loginResponse)
    }

    private func logDenied(_ campaign: Campaign, _ user: UInt32, _ turn: inout Turn) {
        guard turn.journal.begin(.sysmsgDenied, turn.now, turn.wall) else { return }
        logUser(user, &turn)
        turn.journal.text("name", campaign.name.span)
        turn.journal.end()
    }

    /// A client without the vocabulary is told why it may not come in. Source: SM-54.
    private mutating func writeLegacyRefusal(
        _ document: borrowing Document, _ element: Document.Element, _ due: DueCampaigns, _ user: UInt32,
        _ turn: borrowing Turn, into writer: inout Writer
    ) {
        noteSent(campaigns[due[0]], user, turn.wall)
        writer.open(.loginResponse)
        writeClientID(document, of: element, into: &writer)
        writeReason(campaigns[due[0]], .forbidden, into: &writer)
        writer.close(.loginResponse)
    }

    /// Whether all that blocks may be asked by an ordinary message; a key cannot be verified by one.
    private func mayAnswerByMessage(_ due: DueCampaigns) -> Bool {
        for index in 0..<due.count where campaigns[due[index]].blocks {
            let campaign = campaigns[due[index]]
            if campaign.legacy == .deny || !campaign.mechanism.isEmpty { return false }
        }
        return true
    }

    // MARK: Level

    /// Gives the open sessions of a user the level of his answers. Source: SM-65.
    mutating func applyLevel(to user: UInt32) {
        let sheet = sheet(of: user)
        let level = level(sheet).functions
        let mustWait = openQuestion(sheet, user).map { campaigns[$0].blocks } ?? false
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            if sessions[slot].isRestricted {
                if mustWait { continue }
                // What was held back is delivered from the front.
                sessions[slot].isRestricted = false
                sessions[slot].sentUpTo = 0
                sessions[slot].mayHaveMore = true
            } else if sessions[slot].level == level {
                continue
            }
            sessions[slot].level = level
            storeSession(slot)
        }
    }
}
