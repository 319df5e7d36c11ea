import CSP
import Digests
import Octets
import Wire

/// Why an operator's command is not done.
public enum OperatorError: Error {
    /// The command or one of its words is not known.
    case usage(StaticString)
    /// The address is none of a user of this domain.
    case notAnAddress
    /// There is an account with this address already.
    case userExists
    /// There is no account with this address.
    case userUnknown
    /// The password is too short or too long, or has a control character.
    case passwordRefused
    /// There is no such session.
    case sessionUnknown
    /// The store has no room for another account.
    case storeFull
    /// The store cannot be read.
    case storeUnreadable
    /// There is a campaign of this name already.
    case campaignExists
    /// There is no campaign of this name.
    case campaignUnknown
    /// As many campaigns are active as can be.
    case campaignsFull
    /// A journal is not what was written.
    case proofBroken
    /// A field of the campaign is wrong; the words say what is allowed.
    case campaignRefused(StaticString)

    /// The word that scripts compare.
    public var code: StaticString {
        switch self {
        case .usage: return "usage"
        case .notAnAddress: return "not-an-address"
        case .userExists: return "user-exists"
        case .userUnknown: return "user-unknown"
        case .passwordRefused: return "password-refused"
        case .sessionUnknown: return "session-unknown"
        case .storeFull: return "store-full"
        case .storeUnreadable: return "store-unreadable"
        case .campaignExists: return "campaign-exists"
        case .campaignUnknown: return "campaign-unknown"
        case .campaignsFull: return "campaigns-full"
        case .proofBroken: return "proof-broken"
        case .campaignRefused: return "campaign-refused"
        }
    }

    /// What is wrong and what would be right.
    public var explanation: StaticString {
        switch self {
        case .usage(let words): return words
        case .notAnAddress: return "expected wv:name@domain with the domain of the configuration"
        case .userExists: return "there is an account with this address already"
        case .userUnknown: return "there is no account with this address"
        case .passwordRefused: return "a password has 6 to 50 characters and no control character"
        case .sessionUnknown: return "there is no such session"
        case .storeFull: return "the store is full; free room or raise db_kb"
        case .storeUnreadable: return "the store cannot be read; look at the volume"
        case .campaignExists: return "there is a campaign of this name; renew it, or take another name"
        case .campaignUnknown: return "there is no campaign of this name"
        case .campaignsFull: return "32 campaigns are active; end one first"
        case .proofBroken:
            return "what the lines above name is not as it was written; keep the store, and restore a dump"
        case .campaignRefused(let words): return words
        }
    }
}

/// Accounts are made and changed by the operator only.
extension Accounts where Port: ~Copyable {
    /// Makes an account.
    ///
    /// - Throws: `notAnAddress`, `userExists`, `passwordRefused`, `storeFull`.
    @inline(never)
    mutating func addUser(
        _ name: Span<UInt8>, kind: AccountKind, password: Span<UInt8>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) throws(OperatorError) {
        let address = try checkNewUser(name, password: password, records)
        let credential = try credential(password, kind, address.canonical, &turn)
        let account = Account(
            number: takeUserNumber(&records), kind: kind, created: turn.wall.storedSeconds,
            display: display(name, address, records), credential: credential)
        records.store(account, address: address.canonical)
        log(.userAdd, address, &turn)
    }

    /// The account of a user whom an upstream has taken, who may be here for the first time; nil when there is no room.
    mutating func accountOfUpstream(
        _ address: InlineBytes<100>, _ records: inout Records<Port>, _ turn: inout Turn
    ) -> Account? {
        if let account = records.account(address.span) { return account }
        guard records.store.hasRoom else { return nil }
        let account = Account(
            number: takeUserNumber(&records), kind: .upstream, created: turn.wall.storedSeconds, display: address,
            credential: InlineBytes())
        records.store(account, address: address.span)
        return account
    }

    /// Whether an account can be made; its address.
    ///
    /// - Throws: `notAnAddress`, `userExists`, `passwordRefused`, `storeFull`.
    @inline(never)
    func checkNewUser(
        _ name: Span<UInt8>, password: Span<UInt8>, _ records: borrowing Records<Port>
    ) throws(OperatorError) -> Address {
        let address = try records.localAddress(name)
        guard address.isLocal else { throw .notAnAddress }
        guard records.account(address.canonical) == nil, !address.isSystem else { throw .userExists }
        guard records.store.hasRoom else { throw .storeFull }
        try check(password)
        return address
    }

    @inline(never)
    private func check(_ password: Span<UInt8>) throws(OperatorError) {
        guard let length = UTF8.scalarCount(password), length >= 6, length <= 50,
            password.count <= Int(Limits.passwordByteCountMax)
        else { throw .passwordRefused }
        for index in password.indices where password[index] < 0x20 || password[index] == 0x7F { throw .passwordRefused }
    }

    /// Takes an account away, with its sessions and its mailbox.
    ///
    /// - Throws: `notAnAddress`, `userUnknown`.
    mutating func deleteUser(
        _ name: Span<UInt8>, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ systemMessages: borrowing SystemMessages<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        while let slot = sessions.first(of: account.number) {
            sessions.endSession(slot, .deleted, &mailboxes, systemMessages, &records, &turn)
        }
        mailboxes.removeMailbox(of: account.number, &records)
        if let canonical = InlineBytes<100>(address.canonical) {
            let hash = nameHash(canonical)
            for place in 0..<challenges.count where challenges[place].nameHash == hash {
                dropChallenge(place, &records)
            }
        }
        // What he answered stays as proof.
        records.removeSheet(of: account.number)
        records.removeLinks(of: account.number)
        records.forgetClients(of: account.number)
        records.store.delete(Key.account(address.canonical).span)
        records.store.delete(Key.user(account.number).span)
        log(.userDelete, address, &turn)
    }

    /// Gives an account another password and, if wanted, another kind. Its sessions go on.
    ///
    /// - Throws: `notAnAddress`, `userUnknown`, `passwordRefused`.
    mutating func setPassword(
        _ name: Span<UInt8>, kind: AccountKind?, password: Span<UInt8>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard var account = records.account(address.canonical), account.isOwn else { throw .userUnknown }
        account.kind = kind ?? account.kind
        account.credential = try credential(password, account.kind, address.canonical, &turn)
        records.store(account, address: address.canonical)
        records.removeLinks(of: account.number)
        log(.userPassword, address, &turn)
    }

    private func log(_ code: LogCode, _ address: Address, _ turn: inout Turn) {
        guard turn.journal.begin(code, turn.now, turn.wall) else { return }
        turn.journal.text("user", address.canonical)
        turn.journal.end()
    }

    /// The address as its owner spelled it: with the letters as given, schema and domain added when they are missing.
    private func display(_ name: Span<UInt8>, _ address: Address, _ records: borrowing Records<Port>) -> InlineBytes<
        100
    > {
        var local = name.trimmed()
        if local.count >= 3, local.extracting(0..<3).equalsIgnoringCase("wv:") {
            local = local.extracting(3..<local.count)
        }
        local = local.extracting(0..<(local.firstIndex(of: 0x40) ?? local.count))
        var display = InlineBytes<100>()
        guard display.append("wv:"), display.append(local), display.append(0x40),
            display.append(records.settings.domain.span)
        else { return InlineBytes<100>(address.canonical) ?? InlineBytes() }
        return display
    }

    func takeUserNumber(_ records: inout Records<Port>) -> UInt32 {
        let key = Key.fact("user")
        let number = records.nextUserNumber
        records.scratch.removeAll()
        records.scratch.append(bigEndian: number + 1)
        records.store.put(key.span, records.scratch)
        return number
    }

    /// What an account keeps of its password.
    private mutating func credential(
        _ password: Span<UInt8>, _ kind: AccountKind, _ address: Span<UInt8>, _ turn: inout Turn
    ) throws(OperatorError) -> InlineBytes<160> {
        try check(password)
        switch kind {
        case .digest:
            guard let sealed: InlineBytes<160> = vault.seal(password, owner: address, nonce: turn.entropy.take()) else {
                throw .passwordRefused
            }
            return sealed
        case .passwordOnly:
            let salt: InlineArray<16, UInt8> = turn.entropy.take()
            let rounds = UInt32(Limits.passwordRounds)
            let hash = vault.hash(password: password, salt: salt.span, iterations: rounds)
            var credential = InlineBytes<160>()
            _ = credential.append(bigEndian: rounds)
            _ = credential.append(salt.span)
            _ = credential.append(hash.span)
            return credential
        case .upstream, .remote: throw .passwordRefused
        }
    }
}

extension Records where Port: ~Copyable {
    func localAddress(_ name: Span<UInt8>) throws(OperatorError) -> Address {
        guard let address = Address(name, homeDomain: settings.domain.span), address.kind == .user,
            address.isLocal || settings.upstream(of: address) != nil || settings.isRemote(address)
        else { throw .notAnAddress }
        return address
    }

    /// The address of an account as it is shown; empty when there is none any more.
    func display(of user: UInt32) -> InlineBytes<100> { account(of: user)?.display ?? InlineBytes() }

    /// The number that the next account gets: one that nobody had. When nobody knows them any more, far behind those in use.
    var nextUserNumber: UInt32 {
        if let number: UInt32 = number(for: Key.fact("user")) { return number }
        let local: UInt32 = end(ofKind: RecordKind.user, below: .remoteUserBit)
        let remote: UInt32 = end(ofKind: RecordKind.user) & (.remoteUserBit - 1)
        let used = max(local, remote)
        return used > 0 ? used + 1 << 16 : 1
    }
}
