import CSP
import Octets
import Wire

/// What is put before somebody in a session. Source: protocol/system-message.md §5.
///
/// A campaign is found by each session at its own next request, so that an announcement to everybody is paced by the
/// polls of the clients. Clients that wait for calls are called all at once.
extension SystemMessages where Port: ~Copyable {
    /// Lets the sessions look at the campaigns again.
    mutating func campaignsChanged(_ sessions: inout Sessions<Port>) {
        campaignEpoch += 1
        hasSessionCampaigns = false
        for place in operatorPlaces where campaigns[place].number != 0 {
            if campaigns[place].kind != .login || campaigns[place].isRequired && !campaigns[place].isBlocking {
                hasSessionCampaigns = true
            }
        }
        // Who is called to poll hears of it only so.
        for slot in 0..<sessions.end where sessions[slot].isOpen && concernsCampaigns(slot, sessions) {
            sessions.call(slot)
        }
    }

    /// Whether a change of the campaigns may be one for a session: something may be asked in it, or what was asked has
    /// closed functions.
    func concernsCampaigns(_ slot: UInt16, _ sessions: borrowing Sessions<Port>) -> Bool {
        hasSessionCampaigns || sessions[slot].access.isRestricted || sessions[slot].access.level.rawValue != .max
    }

    /// Whether the next request of a session may bring a question that is not in its mailbox yet.
    func mayAsk(_ slot: UInt16, _ sessions: borrowing Sessions<Port>, _ now: Instant) -> Bool {
        sessions[slot].access.epoch != campaignEpoch && concernsCampaigns(slot, sessions)
            || isReminderDue(slot, sessions, now)
    }

    /// Whether a required answer has to be asked for again.
    func isReminderDue(_ slot: UInt16, _ sessions: borrowing Sessions<Port>, _ now: Instant) -> Bool {
        sessions[slot].access.remindAt.map { $0 <= now } ?? false
    }

    /// Looks for what has to be asked in a session, and for the level that it has; called with each of its requests.
    ///
    /// As long as no campaign changed and no reminder is due it costs a comparison.
    func refresh(
        _ slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let isNew = sessions[slot].access.epoch == 0
        let reminds = isReminderDue(slot, sessions, turn.now)
        guard sessions[slot].access.epoch != campaignEpoch || reminds, sessions[slot].closing == 0 else { return }
        sessions[slot].access.epoch = campaignEpoch
        sessions[slot].access.remindAt = nil
        let user = sessions[slot].user
        for place in operatorPlaces where campaigns[place].number != 0 {
            var state = records.sheet(of: user).entry(campaigns[place])?.state
            guard campaigns[place].isDue(turn.wall),
                state != nil || isFor(campaigns[place], user, records.sheet(of: user), records)
            else {
                continue
            }
            let isDue =
                campaigns[place].isDueInSession(state, session: sessions[slot].number, isNew: isNew)
                || isStillAskedByMessage(place, state, slot, sessions)
            if isDue {
                askInSession(campaigns[place], slot, &sessions, mailboxes, &records, &turn)
                state = .asked
            } else if state == .asked, campaigns[place].isAskedAgain(isNew: isNew, reminds: reminds) {
                enqueueService(campaigns[place], for: user, &sessions, mailboxes, &records)
            }
            if campaigns[place].isRequired, state == .asked {
                campaigns[place].blocks
                    ? restrict(slot, until: campaigns[place], &sessions, &mailboxes, &records, &turn)
                    : remind(slot, &sessions, records, turn)
            }
        }
        applyLevel(to: user, &sessions, mailboxes, &records, &turn)
    }

    private func askInSession(
        _ campaign: Campaign, _ slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let user = sessions[slot].user
        var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
        entry.at = turn.wall.storedSeconds
        entry.keep(records.sheet(of: user).entry(of: campaign.number), of: campaign)
        set(entry, of: user, &records)
        enqueueService(campaign, for: user, &sessions, mailboxes, &records)
    }

    /// Whether a client that answers a login's question by a message has to be asked another one meanwhile: the message
    /// was renewed.
    private func isStillAskedByMessage(
        _ place: Int, _ state: AnswerState?, _ slot: UInt16, _ sessions: borrowing Sessions<Port>
    ) -> Bool {
        state == nil && sessions[slot].access.isRestricted && sessions[slot].access.asksByMessage
            && campaigns[place].kind == .login
            && campaigns[place].blocks
    }

    /// Closes everything but the answer to a session. Source: protocol/system-message.md §5.3.
    private func restrict(
        _ slot: UInt16, until campaign: Campaign, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        // What was asked before a login is asked at the next one.
        guard campaign.kind != .login, sessions[slot].access.answerBy == nil, sessions[slot].closing == 0 else {
            return
        }
        guard !sessions[slot].access.asksByMessage || records.settings.mayAnswerByMessage(campaign) else {
            sessions.disconnect(slot, .forcedLogout, because: .unanswerable, &mailboxes, &records, &turn)
            return
        }
        sessions[slot].access.isRestricted = true
        // Another session may have seen it and not answered.
        enqueueService(campaign, for: sessions[slot].user, &sessions, mailboxes, &records)
        awaitAnswer(slot, seconds: campaign.timeout, &sessions, turn.now)
        sessions.storeSession(slot, &records)
    }

    private func awaitAnswer(_ slot: UInt16, seconds: UInt32, _ sessions: inout Sessions<Port>, _ now: Instant) {
        let end = now.adding(seconds: UInt64(seconds))
        sessions[slot].access.answerBy = end
        sessions.schedule(slot, at: end)
    }

    private func remind(
        _ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ turn: borrowing Turn
    ) {
        let time = turn.now.adding(seconds: UInt64(records.settings.remindSeconds))
        sessions[slot].access.remindAt = time
        // A client that is called does not poll to hear of it.
        if sessions.canCall(slot) { sessions.schedule(slot, at: time) }
    }

    /// Gives a restricted session that was stored its time again; the monotonic clock began anew.
    func resumeRestriction(
        _ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>, _ now: Instant
    ) {
        // It is not new, and may not have seen what was put before it.
        sessions[slot].access.epoch = .max
        guard sessions[slot].access.isRestricted else { return }
        let user = sessions[slot].user
        for place in operatorPlaces where campaigns[place].blocks && campaigns[place].kind != .login {
            if records.sheet(of: user).entry(campaigns[place])?.state == .asked {
                awaitAnswer(slot, seconds: campaigns[place].timeout, &sessions, now)
            }
        }
    }

    /// No answer in time means no access in a session either; the message stays due. Source: SM-68.
    func timePassed(
        _ slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard let end = sessions[slot].access.answerBy, end <= turn.now else { return }
        sessions[slot].access.answerBy = nil
        let user = sessions[slot].user
        guard openBlocks(records.sheet(of: user), user, records, turn.wall).inSession else {
            // What was asked is over.
            applyLevel(to: user, &sessions, mailboxes, &records, &turn)
            return
        }
        if turn.journal.begin(.sysmsgTimeout, turn.now, turn.wall) {
            records.logUser(sessions[slot].user, &turn)
            turn.journal.end()
        }
        noteTimeouts(of: user, atLogin: false, sessions.proofClient(of: slot, records), &records, turn)
        sessions.disconnect(slot, .forcedLogout, because: .unanswered, &mailboxes, &records, &turn)
    }

    // MARK: Dates

    /// Has the sessions look when the day of a campaign comes, or is over.
    mutating func watchDates(_ sessions: inout Sessions<Port>, _ turn: borrowing Turn) {
        guard turn.wall.isTrusted else { return }
        let now = turn.wall.secondsSince1970
        if let nextDate, nextDate <= now { campaignsChanged(&sessions) }
        nextDate = nil
        for place in operatorPlaces where campaigns[place].number != 0 {
            if campaigns[place].from > now { nextDate = min(nextDate ?? .max, campaigns[place].from) }
            if campaigns[place].until > now { nextDate = min(nextDate ?? .max, campaigns[place].until) }
        }
        guard let nextDate else { return }
        deadline.schedule(at: turn.now.adding(seconds: min(86_400, nextDate - now)))
    }

    // MARK: Level

    /// Whether something that blocks is not answered: what a login asks, and what was asked in a session.
    private func openBlocks(_ sheet: AnswerSheet, _ user: UInt32, _ records: borrowing Records<Port>, _ wall: WallTime)
        -> (atLogin: Bool, inSession: Bool)
    {
        var open = (atLogin: false, inSession: false)
        for place in operatorPlaces where campaigns[place].number != 0 && campaigns[place].blocks {
            let state = sheet.entry(campaigns[place])?.state
            guard campaigns[place].isDue(wall) else { continue }
            if campaigns[place].kind != .login {
                if state == .asked { open.inSession = true }
            } else if state != .answered, isFor(campaigns[place], user, sheet, records) {
                open.atLogin = true
            }
        }
        return open
    }

    /// Gives the open sessions of a user the level of his answers, and tells him when it is another. Source: SM-65.
    func applyLevel(
        to user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let level = level(records.sheet(of: user))
        let open = openBlocks(records.sheet(of: user), user, records, turn.wall)
        var isTold = false
        var next = sessions.first(of: user)
        while let slot = next {
            next = sessions.next(after: slot)
            if sessions[slot].access.isRestricted {
                if open.inSession || open.atLogin && sessions[slot].access.asksByMessage { continue }
                // What was held back is delivered from the front.
                sessions[slot].access.isRestricted = false
                sessions[slot].access.answerBy = nil
                sessions[slot].delivery.restart()
                if !level.isFull { isTold = true }
            } else if sessions[slot].access.level == level.functions {
                continue
            } else {
                isTold = true
                sessions[slot].delivery.restart()
            }
            sessions[slot].access.level = level.functions
            sessions.storeSession(slot, &records)
            sessions.call(slot)
        }
        if isTold { notify(.level, level.isFull ? 1 : 0, user, &sessions, mailboxes, &records, &turn) }
    }
}
