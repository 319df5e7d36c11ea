import Digests
import Octets

/// A login whose credentials were right, and that waits for the answer to a required message: no session yet.
///
/// It proves who answers, so that the answer needs no credentials. Source: protocol/system-message.md §4.2.
public struct PendingLogin: ZeroInitializable {
    /// 0 for a free place.
    var user: UInt32 = 0
    var cookieHash: UInt64 = 0
    var clientHash: UInt64 = 0
    /// Where the client was.
    var networkHash: UInt32 = 0
    /// What the client is recognised by when it comes with another cookie; not stored, it is with the next login again.
    var clientKey: UInt64 = 0
    /// The request that was asked last: a repeat of it is not asked once more.
    var requestHash: UInt64 = 0
    /// Seconds that the client has.
    var timeout: UInt32 = 0
    var expiresAt = Instant(milliseconds: 0)
    /// The campaign whose question its user came to by a link: that he may answer, and with it nothing opens; 0 for a login.
    /// Source: protocol/system-message.md §4.6.
    var campaign: UInt32 = 0

    /// Of the login of somebody whom another service will know: a keyed hash of his address; 0 for others. Then `user` is a
    /// guest, and `person` the number of the account that he may turn out to be, which is not stored.
    var nameHash: UInt64 = 0
    var person: UInt32 = 0

    /// A free place.
    public init() {}

    /// It opens nothing, whatever is answered.
    var isForAnswer: Bool { campaign != 0 }

    /// Who it is has not been proved.
    var isOfGuest: Bool { nameHash != 0 }

    /// With it its guest ends; by a link others answer for the same one.
    var ownsGuest: Bool { isOfGuest && !isForAnswer }

    /// The account that campaigns are for or not for; nobody's number for a user who was never here.
    var audienceUser: UInt32 { !isOfGuest ? user : person == 0 ? .max : person }

    /// What a login is recognised by while it waits for an answer.
    init(_ credentials: Credentials, _ request: Request) {
        user = credentials.account?.number ?? 0
        cookieHash = credentials.cookieHash
        clientHash = credentials.clientHash
        networkHash = request.client.networkHash
        clientKey = credentials.clientKey
    }

    /// What the answers that were given to it are marked with, so that they open no other login; never 0.
    var tag: UInt32 {
        let mixed = (cookieHash ^ clientHash.byteSwapped) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(networkHash)
        return max(1, UInt32(truncatingIfNeeded: mixed ^ mixed >> 32))
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: user)
        record.append(bigEndian: cookieHash)
        record.append(bigEndian: clientHash)
        record.append(bigEndian: networkHash)
        record.append(bigEndian: timeout)
        record.append(bigEndian: campaign)
        record.append(bigEndian: nameHash)
    }

    /// Reads a stored one; its time begins anew, because the monotonic clock did.
    init?(_ record: Span<UInt8>, now: Instant) {
        var reader = RecordReader(record)
        user = reader.integer()
        cookieHash = reader.integer()
        clientHash = reader.integer()
        networkHash = reader.integer()
        timeout = reader.integer()
        // Those of former versions have none of this kind.
        campaign = reader.isAtEnd ? 0 : reader.integer()
        nameHash = reader.isAtEnd ? 0 : reader.integer()
        guard !reader.isBroken else { return nil }
        expiresAt = now.adding(seconds: UInt64(timeout))
    }
}

extension SystemMessages where Port: ~Copyable {
    mutating func reloadPendingLogins(_ records: borrowing Records<Port>, _ now: Instant) {
        for place in 0..<pendingLogins.count {
            let login = storedPendingLogin(place, records, now) ?? PendingLogin()
            pendingLogins[place] = login
            if login.user != 0 { deadline.schedule(at: login.expiresAt) }
        }
    }

    private func storedPendingLogin(_ place: Int, _ records: borrowing Records<Port>, _ now: Instant) -> PendingLogin? {
        let key = Key.pendingLogin(UInt16(place))
        guard let record = records.store.value(for: key.span) else { return nil }
        return PendingLogin(record, now: now)
    }

    /// The pending login of a user's client; nil when there is none or its time is over.
    ///
    /// - Parameter login: Who it is; a cookie from another place proves nothing, and may be that of another copy.
    @inline(never)
    func pendingLogin(like login: PendingLogin, _ now: Instant) -> Int? {
        guard login.user != 0 || login.isOfGuest else { return nil }
        for place in 0..<pendingLogins.count where pendingLogins[place].user != 0 {
            let other = pendingLogins[place]
            guard login.isOfGuest ? other.nameHash == login.nameHash : other.user == login.user else { continue }
            if other.cookieHash == login.cookieHash, other.clientHash == login.clientHash,
                other.networkHash == login.networkHash, now < other.expiresAt
            {
                return place
            }
        }
        return nil
    }

    /// The campaign that a login which waits like this one is for, 0 for a whole one; nil when none waits.
    func campaignAnswered(by login: PendingLogin, _ now: Instant) -> UInt32? {
        pendingLogin(like: login, now).map { pendingLogins[$0].campaign }
    }

    /// The campaign that a password is a link to, of those that ask before the door; nil when it is none.
    func campaign(
        linkedBy password: Span<UInt8>, of account: Account, _ accounts: borrowing Accounts<Port>
    ) -> UInt32? {
        let prefix = AnswerLink.prefix
        guard password.starts(with: prefix), password.count == prefix.utf8CodeUnitCount + AnswerLink.digitCount else {
            return nil
        }
        let digits = password.extracting(prefix.utf8CodeUnitCount..<password.count)
        for place in operatorPlaces where campaigns[place].number != 0 && campaigns[place].blocks {
            let token = accounts.answerToken(of: account, campaigns[place])
            if equalsInConstantTime(token.span, digits) { return campaigns[place].number }
        }
        return nil
    }

    /// Has a login wait, or wait on; the oldest gives way when there is no place.
    mutating func suspendLogin(_ login: PendingLogin, _ records: inout Records<Port>, _ now: Instant) {
        var place = pendingLogin(like: login, now)
        if place == nil {
            let soonest = placeForPendingLogin(of: login)
            place = soonest
            if pendingLogins[soonest].ownsGuest { records.endGuest(pendingLogins[soonest].user) }
            pendingLogins[soonest] = PendingLogin()
        }
        guard let place else { return }
        // What is stored has to say what it is for.
        if pendingLogins[place].user == 0 || pendingLogins[place].campaign != login.campaign {
            records.scratch.removeAll()
            login.write(into: &records.scratch)
            records.store.put(Key.pendingLogin(UInt16(place)).span, records.scratch)
        }
        pendingLogins[place] = login
        pendingLogins[place].expiresAt = now.adding(seconds: UInt64(login.timeout))
        deadline.schedule(at: pendingLogins[place].expiresAt)
    }

    /// A free place, or the one whose time is over first: of this user when he has more than his share, or of this network
    /// where nobody knows who it is.
    private func placeForPendingLogin(of login: PendingLogin) -> Int {
        var soonest = 0
        var own: Int?
        var ownCount = 0
        var free: Int?
        for index in 0..<pendingLogins.count {
            if pendingLogins[index].user == 0 { free = free ?? index }
            if pendingLogins[index].expiresAt < pendingLogins[soonest].expiresAt { soonest = index }
            let other = pendingLogins[index]
            guard other.user != 0, login.isOfGuest == other.isOfGuest,
                login.isOfGuest ? other.networkHash == login.networkHash : other.user == login.user
            else { continue }
            ownCount += 1
            if pendingLogins[index].expiresAt < pendingLogins[own ?? index].expiresAt || own == nil { own = index }
        }
        if ownCount >= max(1, pendingLogins.count / 8), let own { return own }
        return free ?? soonest
    }

    @inline(never)
    mutating func dropPendingLogin(_ place: Int, _ records: inout Records<Port>) {
        records.store.delete(Key.pendingLogin(UInt16(place)).span)
        if pendingLogins[place].ownsGuest { records.endGuest(pendingLogins[place].user) }
        pendingLogins[place] = PendingLogin()
    }

    /// No answer in time means no access. Source: SM-68.
    mutating func expirePendingLogins(_ records: inout Records<Port>, _ turn: inout Turn) {
        for place in 0..<pendingLogins.count where pendingLogins[place].user != 0 {
            if pendingLogins[place].expiresAt <= turn.now {
                if turn.journal.begin(.sysmsgTimeout, turn.now, turn.wall) {
                    records.logUser(pendingLogins[place].user, &turn)
                    turn.journal.end()
                }
                let login = pendingLogins[place]
                let agent = records.knownClient(login.user, login.clientKey)?.agent ?? InlineBytes()
                noteTimeouts(
                    of: login.user, atLogin: true, ProofClient(agent: agent.span, address: Span()), &records, turn)
                dropPendingLogin(place, &records)
            } else {
                deadline.schedule(at: pendingLogins[place].expiresAt)
            }
        }
    }
}
