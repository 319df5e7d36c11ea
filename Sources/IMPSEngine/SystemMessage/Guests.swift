import CSP
import Octets
import Wire

/// Logins of users whom another service knows, before it has said so.
///
/// What somebody is asked and answers who has not proved yet who he is lies on a sheet of its own, that of a guest: it is
/// gone with the login that waits, and settled for the user when his service has taken him. So nobody can answer, decline
/// or fill a journal in the name of somebody else. Source: protocol/system-message.md §4.4.
extension SystemMessages where Port: ~Copyable {
    /// Whether a number is that of a guest, and not of an account.
    static func isGuest(_ user: UInt32) -> Bool { user >> 31 != 0 }

    /// Takes the answers of a login, and asks what is still to be asked.
    ///
    /// - Returns: false when it has to wait, or is denied; the Login-Response is written.
    /// - Throws: 503 when more strangers are asked than can be.
    mutating func passQuestionsOfGuest(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, _ login: inout PendingLogin,
        _ address: InlineBytes<100>, _ accounts: inout Accounts<Port>, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ writes: inout ChallengeWrites, _ knownWrites: inout ChallengeWrites,
        _ records: inout Records<Port>,
        _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) -> Bool {
        guard hasActiveCampaign else { return true }
        if let place = pendingLogin(like: login, turn.now), isThere(pendingLogins[place].user) {
            login.user = pendingLogins[place].user
            login.campaign = pendingLogins[place].campaign
        } else if !isLinked(document, element, &login, accounts, records) {
            guard mayAsk(login, records, turn.wall) else { return true }
            let isKnown = accounts.isKnown(address.span, request.client)
            guard records.store.hasRoom, isKnown ? knownWrites.take(turn.now) : writes.take(turn.now) else {
                throw Refusal(.serviceUnavailable, "many logins at once, try again later")
            }
            login.user = records.beginGuest(address, person: login.person)
        }
        let gate = passQuestions(
            document, request, element, login, &accounts, &sessions, &mailboxes, &records, &turn, into: &writer)
        // One who is denied for what he said before waits for nothing.
        if SystemMessages.isGuest(login.user), !isThere(login.user) { records.endGuest(login.user) }
        guard case .open = gate else { return false }
        prolong(login, turn.now)
        return true
    }

    /// What was answered stays until the service has said whether it takes him.
    private mutating func prolong(_ login: PendingLogin, _ now: Instant) {
        guard let place = pendingLogin(like: login, now) else { return }
        pendingLogins[place].expiresAt = max(pendingLogins[place].expiresAt, now.adding(seconds: 90))
    }

    /// Whether the login of a guest waits still.
    private func isThere(_ guest: UInt32) -> Bool {
        for place in 0..<pendingLogins.count where pendingLogins[place].user == guest {
            if pendingLogins[place].ownsGuest { return true }
        }
        return false
    }

    /// Whether somebody comes by the link to a question that a guest was refused with, to answer it for him.
    private func isLinked(
        _ document: borrowing Document, _ element: Document.Element, _ login: inout PendingLogin,
        _ accounts: borrowing Accounts<Port>, _ records: borrowing Records<Port>
    ) -> Bool {
        guard let password = document.first(.password, in: element) else { return false }
        for place in 0..<pendingLogins.count {
            guard pendingLogins[place].ownsGuest, pendingLogins[place].nameHash == login.nameHash,
                let guest = records.guestAccount(pendingLogins[place].user),
                let campaign = campaign(linkedBy: document.text(of: password), of: guest, accounts)
            else { continue }
            login.user = guest.number
            login.campaign = campaign
            return true
        }
        return false
    }

    /// What the answers of a guest are worth, now that his service has taken him: they are his user's.
    ///
    /// - Returns: how far the door is open, and what does not wait for an answer and comes with the login.
    /// - Throws: 503 when his answers are gone, because others took the place of his login.
    mutating func settleGuest(
        _ relay: Relay, _ user: UInt32, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(Refusal) -> (gate: LoginGate, due: DueCampaigns) {
        let client = ProofClient(relay.request)
        if SystemMessages.isGuest(relay.login.user) {
            let guest = relay.login.user
            guard let place = pendingLogin(like: relay.login, turn.now), pendingLogins[place].user == guest else {
                throw Refusal(.serviceUnavailable, "many logins at once, try again later")
            }
            for place in operatorPlaces where campaigns[place].number != 0 {
                settle(campaigns[place], of: guest, for: user, client, &records, turn)
            }
            dropPendingLogin(place, &records)
        }
        let due = dueWithLogin(user, records, turn.wall)
        // Who knows no System Messages is asked by an ordinary one, in his session.
        noteAsked(due, user, isPending: false, &records, turn.wall)
        return (.open(level(records.sheet(of: user)), due, isLate: false), due)
    }

    /// What does not wait for an answer and comes with a login.
    private func dueWithLogin(_ user: UInt32, _ records: borrowing Records<Port>, _ wall: WallTime) -> DueCampaigns {
        var due = DueCampaigns()
        let sheet = records.sheet(of: user)
        for place in operatorPlaces where campaigns[place].number != 0 && !campaigns[place].blocks {
            guard campaigns[place].isOpenAtLogin(sheet.entry(campaigns[place])?.state, isClosed: false),
                campaigns[place].isDue(wall), isFor(campaigns[place], user, sheet, records)
            else { continue }
            due.append(place)
        }
        return due
    }

    private func settle(
        _ campaign: Campaign, of guest: UInt32, for user: UInt32, _ client: ProofClient,
        _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        guard var entry = records.sheet(of: guest).entry(campaign), entry.state == .answered,
            let option = records.option(id: entry.option, of: campaign)
        else { return }
        // What his sheet began with is settled already.
        let own = records.sheet(of: user).entry(campaign)
        if let own, own.state == .answered, own.at == entry.at, own.instance == entry.instance { return }
        entry.answeredBy = 0
        entry.instance = own?.instance ?? entry.instance
        records.noteSent(campaign, user, client, turn)
        records.noteAnswered(option, campaign, user, entry, client, isByOperator: false, turn)
        set(entry, of: user, &records)
    }

    /// Whether an answer is one to a message of ours to this user: a service behind this one may send some too.
    func isOurs(_ id: Span<UInt8>, to user: UInt32, _ records: borrowing Records<Port>) -> Bool {
        guard let id = SystemMessageID(id), id.user == user, let place = place(of: id.campaign),
            records.sheet(of: user).entry(of: id.campaign) != nil
        else { return false }
        return campaigns[place].notice != nil || campaigns[place].name.span.equals(id.name.span)
    }

    /// Whether a user owes an answer to a message of ours.
    func hasOpenQuestion(for user: UInt32, _ records: borrowing Records<Port>) -> Bool {
        let sheet = records.sheet(of: user)
        for index in 0..<sheet.count where sheet[index]?.state == .asked { return true }
        return false
    }
}

extension Records where Port: ~Copyable {
    /// Begins the sheet of a guest, with what the user's has, if there is one.
    mutating func beginGuest(_ address: InlineBytes<100>, person: UInt32) -> UInt32 {
        let guest = UInt32(truncatingIfNeeded: takeSequence()) | 1 << 31
        name(guest, address.span)
        guard person != 0 else { return guest }
        scratch.removeAll()
        Records.append(Key.answerSheet(person), in: store, skipping: 0, to: &scratch)
        if scratch.count > 0 { store.put(Key.answerSheet(guest).span, scratch) }
        return guest
    }

    /// A guest as an account, for links to his question; nil when he is gone.
    func guestAccount(_ guest: UInt32) -> Account? {
        guard SystemMessages<Port>.isGuest(guest), let address = address(of: guest) else { return nil }
        return Account(number: guest, kind: .upstream, created: 0, display: address, credential: InlineBytes())
    }

    /// Forgets a guest.
    mutating func endGuest(_ guest: UInt32) {
        forgetName(of: guest)
        store.delete(Key.answerSheet(guest).span)
    }
}
