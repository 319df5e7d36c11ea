import CSP
import Octets
import Wire

/// Clients that speak 1.3 and do not know System Messages: they are recognised by user and client, whatever their cookie
/// is, and are asked by ordinary messages as older ones are. Source: CL-11, CL-20, CL-21.
extension Records where Port: ~Copyable {
    /// Whether the client of a login is known not to answer.
    func ignoresSystemMessages(_ login: PendingLogin, _ request: Request) -> Bool {
        settings.quirks.quirks(of: request.agent.span).contains(.noSystemMessage)
            || knownClient(login.user, login.clientKey)?.ignoresSystemMessages == true
    }

    /// A client was sent a System Message and has not answered; what it is asked next within a day may be the second.
    @inline(never)
    mutating func noteUnanswered(_ user: UInt32, _ key: UInt64, agent: Span<UInt8>, _ wall: WallTime) {
        changeKnownClient(user, key, agent: agent) { known in
            guard !known.answers, !known.ignoresSystemMessages else { return }
            let isLongAgo =
                wall.isTrusted && known.unansweredAt > 0 && known.unansweredAt + 86_400 < wall.secondsSince1970
            known.unansweredCount = isLongAgo ? 1 : known.unansweredCount + 1
            known.unansweredAt = wall.storedSeconds
        }
    }

    /// Who answers, even wrongly, knows System Messages; that his client can is kept for good. A Status is no answer: some
    /// clients have one for everything.
    mutating func noteAnswers(_ user: UInt32, _ key: UInt64, agent: Span<UInt8>) {
        changeKnownClient(user, key, agent: agent) { known in
            known.answers = true
            known.unansweredCount = 0
            known.unansweredAt = 0
        }
    }
}

extension SystemMessages where Port: ~Copyable {
    /// Asks the client of a session as what is known of it now says, if nothing keeps it closed.
    func takeKnowledge(_ slot: UInt16, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>) {
        let asksByMessage = !knowsSystemMessages(slot, sessions, records)
        guard !sessions[slot].access.isRestricted, sessions[slot].access.asksByMessage != asksByMessage else { return }
        sessions[slot].access.asksByMessage = asksByMessage
        sessions.storeSession(slot, &records)
    }

    /// The same for the client of a session that begins.
    func knowsSystemMessages(_ slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>)
        -> Bool
    {
        guard sessions[slot].version == .v1_3, !sessions[slot].quirks.contains(.noSystemMessage) else { return false }
        return sessions.knownClient(of: slot, records)?.ignoresSystemMessages != true
    }

    /// The same in a session: from now on it is asked as it should be.
    func noteAnswers(in slot: UInt16, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>) {
        records.noteAnswers(
            sessions[slot].user, sessions[slot].clientKey, agent: records.clientRecord(of: slot).agent.span)
        guard sessions[slot].access.asksByMessage, knowsSystemMessages(slot, sessions, records) else { return }
        sessions[slot].access.asksByMessage = false
        sessions.storeSession(slot, &records)
    }

    /// Asks by an ordinary message what a session was sent as a System Message: its client said nothing to it within the
    /// guard time, or that it does not know it.
    ///
    /// The message gets a number of its own: a client may drop what comes under one that it has seen.
    @inline(never)
    func askByMessage(
        instead sequence: UInt64, in slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        let user = sessions[slot].user
        guard let message = records.serviceMessage(sequence), let campaign = openCampaign(message, records, turn.wall)
        else { return }
        // Who could answer it will, and what cannot be answered by a message is sent again as it is.
        guard sessions.knownClient(of: slot, records)?.answers != true, campaign.mechanism.isEmpty,
            !campaign.blocks || records.settings.mayAnswerByMessage(campaign)
        else { return }
        records.noteUnanswered(
            user, sessions[slot].clientKey, agent: records.clientRecord(of: slot).agent.span, turn.wall)
        sessions.forget(sequence, in: slot)
        mailboxes.removeEntry(sequence, of: user, &records)
        sessions[slot].access.asksByMessage = true
        sessions.storeSession(slot, &records)
        enqueueQuestion(campaign, for: user, &sessions, &mailboxes, &records, turn.wall)
    }
}
