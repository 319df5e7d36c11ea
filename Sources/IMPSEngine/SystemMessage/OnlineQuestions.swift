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
        hasSessionCampaigns = false
        for place in operatorPlaces where campaigns[place].number != 0 {
            if campaigns[place].kind != .login || campaigns[place].isRequired && !campaigns[place].isBlocking {
                hasSessionCampaigns = true
            }
        }
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
        for place in operatorPlaces where campaigns[place].number != 0 {
            var state = sheet(of: user).entry(campaigns[place])?.state
            guard campaigns[place].isDue(turn.wall), state != nil || isFor(campaigns[place], user, sheet(of: user))
            else {
                continue
            }
            if campaigns[place].isDueInSession(state, session: sessions[slot].number, isNew: isNew) {
                askInSession(campaigns[place], slot, &turn)
                state = .asked
            } else if state == .asked, campaigns[place].isAskedAgain(isNew: isNew, reminds: reminds) {
                enqueueService(campaigns[place], for: user)
            }
            if campaigns[place].isRequired, state == .asked {
                campaigns[place].blocks ? restrict(slot, until: campaigns[place], &turn) : remind(slot, turn)
            }
        }
        applyLevel(to: user, &turn)
    }

    private mutating func askInSession(_ campaign: Campaign, _ slot: UInt16, _ turn: inout Turn) {
        let user = sessions[slot].user
        var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
        entry.at = turn.wall.storedSeconds
        if campaign.blocks, let former = sheet(of: user).entry(of: campaign.number), former.state != .denied {
            entry.grant = former.grant
        }
        set(entry, of: user)
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
        let user = sessions[slot].user
        for place in operatorPlaces where campaigns[place].blocks && campaigns[place].kind != .login {
            if sheet(of: user).entry(campaigns[place])?.state == .asked {
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
        let level = level(sheet(of: user))
        let asked = openBlocks(sheet(of: user))
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
