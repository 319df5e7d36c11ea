import CSP
import Octets
import Wire

/// What is put before somebody in a session. Source: protocol/system-message.md §5.
///
/// A campaign is found by each session at its own next request, so that an announcement to everybody is paced by the
/// polls of the clients, and costs nothing where nobody polls.
extension Engine where Port: ~Copyable {
    /// Lets the sessions look at the campaigns again.
    mutating func campaignsChanged() {
        campaignEpoch += 1
    }

    /// Looks for what has to be asked in a session, and for the level that it has; called with each of its requests.
    ///
    /// As long as no campaign changed and no reminder is due it costs a comparison.
    mutating func refresh(_ slot: UInt16, _ turn: inout Turn) {
        let isNew = sessions[slot].epoch == 0
        let reminds = sessions[slot].remindAt.map { $0 <= turn.now } ?? false
        guard sessions[slot].epoch != campaignEpoch || reminds, sessions[slot].closing == 0 else { return }
        sessions[slot].epoch = campaignEpoch
        sessions[slot].remindAt = nil
        let user = sessions[slot].user
        var sheet = sheet(of: user)
        for place in operatorPlaces where campaigns[place].number != 0 {
            let entry = sheet.entry(campaigns[place])
            guard campaigns[place].isDue(turn.wall), entry != nil || isFor(campaigns[place], user, sheet) else {
                continue
            }
            if isDueInSession(campaigns[place], entry, slot, isNew: isNew) {
                askInSession(campaigns[place], slot, &turn)
                sheet = self.sheet(of: user)
            } else if entry?.state == .asked, isAskedAgain(campaigns[place], isNew: isNew, reminds: reminds) {
                enqueueService(campaigns[place], for: user)
            }
            if campaigns[place].isRequired, sheet.entry(campaigns[place])?.state == .asked {
                campaigns[place].blocks ? restrict(slot, until: campaigns[place], &turn) : remind(slot, turn)
            }
        }
        applyLevel(to: user, &turn)
    }

    private func isDueInSession(_ campaign: Campaign, _ entry: SheetEntry?, _ slot: UInt16, isNew: Bool) -> Bool {
        switch campaign.kind {
        case .login, .notice: return false
        case .welcome: guard sessions[slot].number > campaign.sequence else { return false }
        case .online: break
        }
        guard let entry else { return true }
        switch entry.state {
        case .asked: return false
        case .answered, .denied: return isNew && campaign.policy == .everyLogin
        }
    }

    /// Whether a message without an answer is sent once more: to a new session, and as a reminder.
    private func isAskedAgain(_ campaign: Campaign, isNew: Bool, reminds: Bool) -> Bool {
        if campaign.kind == .login { return reminds && campaign.isRequired }
        return isNew && (campaign.policy != .once || campaign.isRequired) || reminds && campaign.isRequired
    }

    private mutating func askInSession(_ campaign: Campaign, _ slot: UInt16, _ turn: inout Turn) {
        let user = sessions[slot].user
        var sheet = sheet(of: user)
        var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
        entry.at = turn.wall.storedSeconds
        if campaign.blocks, let former = sheet.entry(of: campaign.number), former.state != .denied {
            entry.grant = former.grant
        }
        sheet.set(entry)
        keep(sheet, of: user)
        enqueueService(campaign, for: user)
    }

    /// Closes everything but the answer to a session. Source: protocol/system-message.md §5.3.
    private mutating func restrict(_ slot: UInt16, until campaign: Campaign, _ turn: inout Turn) {
        // What was asked before a login is asked at the next one.
        guard campaign.kind != .login, sessions[slot].answerBy == nil, sessions[slot].closing == 0 else { return }
        guard !sessions[slot].asksByMessage || mayAnswerByMessage(campaign) else {
            disconnect(slot, .forcedLogout, because: .unanswerable, &turn)
            return
        }
        sessions[slot].isRestricted = true
        awaitAnswer(slot, seconds: campaign.timeout, turn.now)
        storeSession(slot)
    }

    private mutating func awaitAnswer(_ slot: UInt16, seconds: UInt32, _ now: Instant) {
        let end = now.adding(seconds: UInt64(seconds))
        sessions[slot].answerBy = end
        scheduleSweep(at: end)
    }

    private mutating func remind(_ slot: UInt16, _ turn: borrowing Turn) {
        sessions[slot].remindAt = turn.now.adding(seconds: UInt64(settings.remindSeconds))
    }

    /// Gives a restricted session that was stored its time again; the monotonic clock began anew.
    mutating func resumeRestriction(_ slot: UInt16, _ now: Instant) {
        // It is not new, and may not have seen what was put before it.
        sessions[slot].epoch = .max
        guard sessions[slot].isRestricted else { return }
        let sheet = sheet(of: sessions[slot].user)
        for place in operatorPlaces where campaigns[place].blocks && campaigns[place].kind != .login {
            if sheet.entry(campaigns[place])?.state == .asked {
                awaitAnswer(slot, seconds: campaigns[place].timeout, now)
            }
        }
    }

    /// No answer in time means no access in a session either; the message stays due. Source: SM-68.
    mutating func expireAnswers(_ turn: inout Turn) {
        for slot in 0..<sessions.end {
            guard sessions[slot].isOpen, let end = sessions[slot].answerBy else { continue }
            guard end <= turn.now else {
                scheduleSweep(at: end)
                continue
            }
            sessions[slot].answerBy = nil
            if turn.journal.begin(.sysmsgTimeout, turn.now, turn.wall) {
                logUser(sessions[slot].user, &turn)
                turn.journal.end()
            }
            disconnect(slot, .forcedLogout, because: .unanswered, &turn)
        }
    }

    // MARK: Dates

    /// Has the sessions look when the day of a campaign comes.
    mutating func watchDates(_ turn: borrowing Turn) {
        guard turn.wall.isTrusted else { return }
        let now = turn.wall.secondsSince1970
        if let nextFrom, nextFrom <= now { campaignsChanged() }
        nextFrom = nil
        for place in operatorPlaces where campaigns[place].isActive && campaigns[place].from > now {
            nextFrom = min(nextFrom ?? .max, campaigns[place].from)
        }
        guard let nextFrom else { return }
        scheduleSweep(at: turn.now.adding(seconds: min(86_400, nextFrom - now)))
    }

    // MARK: Level

    /// Whether something that blocks is asked and not answered.
    private func openBlocks(_ sheet: AnswerSheet) -> (atLogin: Bool, inSession: Bool) {
        var asked = (atLogin: false, inSession: false)
        for place in operatorPlaces where campaigns[place].number != 0 && campaigns[place].blocks {
            guard sheet.entry(campaigns[place])?.state == .asked else { continue }
            if campaigns[place].kind == .login { asked.atLogin = true } else { asked.inSession = true }
        }
        return asked
    }

    /// Gives the open sessions of a user the level of his answers, and tells him when it is another. Source: SM-65.
    mutating func applyLevel(to user: UInt32, _ turn: inout Turn) {
        let sheet = sheet(of: user)
        let level = level(sheet)
        let asked = openBlocks(sheet)
        var isTold = false
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            if sessions[slot].isRestricted {
                if asked.inSession || asked.atLogin && sessions[slot].asksByMessage { continue }
                // What was held back is delivered from the front.
                sessions[slot].isRestricted = false
                sessions[slot].answerBy = nil
                sessions[slot].sentUpTo = 0
                sessions[slot].mayHaveMore = true
                if !level.isFull { isTold = true }
            } else if sessions[slot].level == level.functions {
                continue
            } else {
                isTold = true
                sessions[slot].sentUpTo = 0
                sessions[slot].mayHaveMore = true
            }
            sessions[slot].level = level.functions
            storeSession(slot)
        }
        if isTold { notify(.level, level.isFull ? 1 : 0, user, &turn) }
    }
}
