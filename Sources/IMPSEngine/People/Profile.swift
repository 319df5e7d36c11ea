import CSP
import Octets

/// What an operator may say of an account; the number is part of stored records.
public enum ProfileField: UInt8, Sendable {
    /// The number of a mobile phone, as `+491700000001`.
    case number = 1
    case firstName, lastName, email
    /// Who may write while he is offline, whatever `offline_sender_policy` says: `all` or `contacts`.
    case offlineSenders
    /// `no` for who is not to be found by a search.
    case searchable
    /// Whether he is told of messages while he is offline: `yes`, `no`, or the section of the configuration by which.
    case notify
    /// Where his phone wants to be told, as UnifiedPush gave it to him.
    case pushURL
    /// The language in which he is told, as `de`.
    case language

    /// The word of the operator's tool.
    public var name: StaticString {
        switch self {
        case .number: return "msisdn"
        case .firstName: return "first_name"
        case .lastName: return "last_name"
        case .email: return "email"
        case .offlineSenders: return "offline_sender_policy"
        case .searchable: return "searchable"
        case .notify: return "notify"
        case .pushURL: return "push_url"
        case .language: return "language"
        }
    }

    /// The field that a word names.
    public init?(name: Span<UInt8>) {
        var raw: UInt8 = 1
        while let field = ProfileField(rawValue: raw) {
            if name.equals(field.name) {
                self = field
                return
            }
            raw += 1
        }
        return nil
    }

    /// Whether a text is a value of the field; an empty one always is, and takes it away.
    func allows(_ value: Span<UInt8>) -> Bool {
        if value.count == 0 { return true }
        guard value.count <= (self == .pushURL ? 200 : 100) else { return false }
        switch self {
        case .number:
            guard value[0] == UInt8(ascii: "+"), value.count >= 4, value.count <= 16 else { return false }
            for index in 1..<value.count where !value[index].isASCIIDigit { return false }
            return true
        case .offlineSenders: return value.equals("all") || value.equals("contacts")
        case .searchable: return value.equals("yes") || value.equals("no")
        case .notify: return Campaign.isName(value)
        case .pushURL:
            for index in value.indices where value[index] <= 0x20 || value[index] >= 0x7F { return false }
            return value.starts(with: "http://") || value.starts(with: "https://")
        case .language:
            for index in value.indices where !value[index].isUnreserved { return false }
            return (2...8).contains(value.count)
        case .firstName, .lastName, .email:
            for index in value.indices where value[index] < 0x20 || value[index] == 0x7F { return false }
            return true
        }
    }
}

extension Records where Port: ~Copyable {
    @inline(never)
    func profile(_ user: UInt32, _ field: ProfileField) -> InlineBytes<100>? {
        let key = Key.profile(user, field)
        guard let value = store.value(for: key.span) else { return nil }
        return InlineBytes<100>(value)
    }

    func pushURL(of user: UInt32) -> InlineBytes<200>? {
        let key = Key.profile(user, .pushURL)
        guard let value = store.value(for: key.span) else { return nil }
        return InlineBytes<200>(value)
    }

    mutating func setProfile(_ user: UInt32, _ field: ProfileField, _ value: Span<UInt8>) {
        let key = Key.profile(user, field)
        guard value.count > 0 else {
            store.delete(key.span)
            return
        }
        if let former = store.value(for: key.span), former.equals(value) { return }
        scratch.removeAll()
        scratch.append(value)
        store.put(key.span, scratch)
    }

    /// Whether a sender may leave messages for somebody who is offline: he is on a list of his, or may see his presence.
    ///
    /// - Source: protocol/system-message.md §6.1.
    func maySendOffline(to recipient: UInt32, from sender: UInt32) -> Bool {
        var onlyContacts = settings.offlineOnlyContacts
        if let own = profile(recipient, .offlineSenders) { onlyContacts = own.span.equals("contacts") }
        guard onlyContacts, sender != recipient else { return true }
        return isContact(sender, of: recipient) || !permission(of: sender, for: recipient).isEmpty
    }
}
