import Octets

/// How an account proves that it is itself.
public enum AccountKind: UInt8, BitwiseCopyable, Sendable {
    /// The password is kept, sealed with the device key: the protocol hashes nonce and password, so both logins work.
    case digest = 1
    /// PBKDF2 of the password is kept: no login by digest.
    case passwordOnly = 2
    /// Another service knows who he is; nothing of that is kept.
    case upstream = 3
    /// He belongs to a server of XMPP; messages for him wait until it has them.
    case remote = 4

    /// The word of the operator's tool.
    public var name: StaticString {
        switch self {
        case .digest: return "digest"
        case .passwordOnly: return "password-only"
        case .upstream: return "upstream"
        case .remote: return "xmpp"
        }
    }
}

/// A user of the server.
struct Account: BitwiseCopyable {
    /// Names the user in keys; never used again.
    var number: UInt32
    var kind: AccountKind
    /// Seconds since 1970 when the account was made; 0 when the clock was not trusted.
    var created: UInt64
    /// The address as its owner first spelled it.
    var display: InlineBytes<100>
    /// A sealed password, or salt, rounds and PBKDF2 result; of a user of XMPP an octet when he is not to be forgotten.
    var credential: InlineBytes<160>

    /// Reads a stored account; nil when the record is broken or of a kind that this version does not know.
    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        number = reader.integer()
        guard let kind = AccountKind(rawValue: reader.integer()) else { return nil }
        self.kind = kind
        created = reader.integer()
        display = reader.counted()
        credential = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    init(number: UInt32, kind: AccountKind, created: UInt64, display: InlineBytes<100>, credential: InlineBytes<160>) {
        self.number = number
        self.kind = kind
        self.created = created
        self.display = display
        self.credential = credential
    }

    /// Its password is kept here.
    var isOwn: Bool { kind == .digest || kind == .passwordOnly }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: number)
        record.append(kind.rawValue)
        record.append(bigEndian: created)
        record.append(counted: display.span)
        record.append(counted: credential.span)
    }
}

extension Records where Port: ~Copyable {
    /// The account with this canonical address.
    @inline(never)
    func account(_ address: Span<UInt8>) -> Account? {
        let key = Key.account(address)
        guard let record = store.value(for: key.span) else { return nil }
        return Account(record)
    }

    /// The canonical address of a user number; nil when the account is gone.
    @inline(never)
    func address(of user: UInt32) -> InlineBytes<100>? {
        let key = Key.user(user)
        guard let value = store.value(for: key.span) else { return nil }
        return InlineBytes<100>(value)
    }

    /// The account of a user number; nil when it is gone.
    @inline(never)
    func account(of user: UInt32) -> Account? {
        guard let address = address(of: user) else { return nil }
        return account(address.span)
    }

    mutating func store(_ account: Account, address: Span<UInt8>) {
        scratch.removeAll()
        account.write(into: &scratch)
        store.put(Key.account(address).span, scratch)
        name(account.number, address)
    }

    /// Gives a number the address that it stands for, with an account or without.
    mutating func name(_ user: UInt32, _ address: Span<UInt8>) {
        scratch.removeAll()
        scratch.append(address)
        store.put(Key.user(user).span, scratch)
    }

    mutating func forgetName(of user: UInt32) { store.delete(Key.user(user).span) }
}
