import Octets

/// The keys of the store. The first octet is the kind, numbers are big-endian, so that order is time.
///
/// The type is what reads and writes the value, in one file; the schema is that in which it got its form (`Schema.swift`).
///
/// | Key | Value | Type | Schema |
/// |---|---|---|---|
/// | `!name` | facts about the store itself |  | 2 |
/// | `A` address | account | `Account` | 1 |
/// | `B` user, list | a contact list | `ContactList` | 3 |
/// | `B` user, list, user | somebody on it | `Contact` | 3 |
/// | `C` slot | pending login challenge | `Challenge` | 3 |
/// | `D` user | what was seen of his clients | `KnownClients` | 3 |
/// | `E` user, owner, list | on which lists of others a user is; list 0: a session of the owner watches him all the same |  | 3 |
/// | `F` user, audience, who | an attribute list: what of his presence somebody may see | `PresenceAttributes` | 3 |
/// | `G` user | answers to System Messages | `AnswerSheet` | 3 |
/// | `H` code | text of a notice or of the help with an error, from the configuration |  | 1 |
/// | `I` user, attribute | what he says of himself | `PresenceValue` | 3 |
/// | `J` campaign | how far its journal is | `ProofHead` | 3 |
/// | `J` campaign, number | an event of the journal | `ProofEvent` | 3 |
/// | `K` slot | content types and other lists of a session's capabilities |  | 1 |
/// | `L` campaign, user | who is on the list of a campaign's audience |  | 1 |
/// | `M` sequence, piece | the header of a message with its content, a report, a service message | `MessageHeader`, … | 3 |
/// | `N` user | which of the lists of whom he lets through are in use | `Screening` | 3 |
/// | `N` user, list, address | who is on one of them, as it was spelled |  | 3 |
/// | `O` user, watcher | what he was asked of a watcher, and answered | `Authorization` | 3 |
/// | `P` campaign | a campaign of System Messages | `Campaign` | 1 |
/// | `P` campaign, edition, part | text from part 1, lead-in 15, options from part 16 | `CampaignOption` | 1 |
/// | `Q` user | totals of a mailbox | `MailboxTotals` | 3 |
/// | `Q` user, sequence | an entry of a mailbox, in the order of delivery | `MailboxEntry` | 3 |
/// | `R` sequence | answer to a request that changed something | `AnswerRecord` | 3 |
/// | `S` slot | session | `Session` | 3 |
/// | `T` slot, target, who | a subscription of a session: to a user, to a list | `PresenceAttributes` | 3 |
/// | `U` user | address of a user number |  | 1 |
/// | `V` campaign, user, generation | the state that the journal leaves a user in | `Proof` | 3 |
/// | `W` slot | pending login | `PendingLogin` | 3 |
/// | `X` time, user, sequence | a message that expires before its mailbox's lifetime |  | 1 |
/// | `Y` user, state, owner | whether he was told that the owner put him on a list | `AddedNotice` | 3 |
/// | `Z` user, field | what the operator knows of him: number, names | `ProfileField` | 3 |
/// | `l` user | links that log him in, as hashes | `LoginLinks` | 3 |
/// | `n` user | what became of telling him that messages wait | `NotificationRecord` | 3 |
/// | `o` time, user | who is to be told then |  | 3 |
/// | `x` time, number | what has to reach the XMPP server, not before the time | `OutboxEntry` | 3 |
/// | `y` place | what a stanza that came is recognised by |  | 3 |
/// | `a` number | a session at the service behind that has ended | `AccountingRecord` | 3 |
/// | `u` slot | the session at the service behind | `UpstreamRecord` | 3 |
/// | `d` key | a record that was not what was written, and was set aside | `SetAsideRecord` | 5 |
typealias Key = InlineBytes<112>

/// What a key begins with: the letters of the table above.
enum RecordKind {
    @_transparent static var fact: UInt8 { UInt8(ascii: "!") }
    @_transparent static var account: UInt8 { UInt8(ascii: "A") }
    @_transparent static var contactList: UInt8 { UInt8(ascii: "B") }
    @_transparent static var challenge: UInt8 { UInt8(ascii: "C") }
    @_transparent static var knownClients: UInt8 { UInt8(ascii: "D") }
    @_transparent static var listed: UInt8 { UInt8(ascii: "E") }
    @_transparent static var attributeList: UInt8 { UInt8(ascii: "F") }
    @_transparent static var answerSheet: UInt8 { UInt8(ascii: "G") }
    @_transparent static var noticeText: UInt8 { UInt8(ascii: "H") }
    @_transparent static var presence: UInt8 { UInt8(ascii: "I") }
    @_transparent static var proofEvent: UInt8 { UInt8(ascii: "J") }
    @_transparent static var capabilityLists: UInt8 { UInt8(ascii: "K") }
    @_transparent static var member: UInt8 { UInt8(ascii: "L") }
    @_transparent static var message: UInt8 { UInt8(ascii: "M") }
    @_transparent static var screening: UInt8 { UInt8(ascii: "N") }
    @_transparent static var authorization: UInt8 { UInt8(ascii: "O") }
    @_transparent static var campaign: UInt8 { UInt8(ascii: "P") }
    @_transparent static var mailbox: UInt8 { UInt8(ascii: "Q") }
    @_transparent static var answer: UInt8 { UInt8(ascii: "R") }
    @_transparent static var session: UInt8 { UInt8(ascii: "S") }
    @_transparent static var subscription: UInt8 { UInt8(ascii: "T") }
    @_transparent static var user: UInt8 { UInt8(ascii: "U") }
    @_transparent static var proof: UInt8 { UInt8(ascii: "V") }
    @_transparent static var pendingLogin: UInt8 { UInt8(ascii: "W") }
    @_transparent static var expiry: UInt8 { UInt8(ascii: "X") }
    @_transparent static var addedNotice: UInt8 { UInt8(ascii: "Y") }
    @_transparent static var profile: UInt8 { UInt8(ascii: "Z") }
    @_transparent static var loginLinks: UInt8 { UInt8(ascii: "l") }
    @_transparent static var notification: UInt8 { UInt8(ascii: "n") }
    @_transparent static var notificationDue: UInt8 { UInt8(ascii: "o") }
    @_transparent static var accounting: UInt8 { UInt8(ascii: "a") }
    @_transparent static var upstreamSession: UInt8 { UInt8(ascii: "u") }
    @_transparent static var outbox: UInt8 { UInt8(ascii: "x") }
    @_transparent static var setAside: UInt8 { UInt8(ascii: "d") }
    @_transparent static var seenStanza: UInt8 { UInt8(ascii: "y") }
}

extension InlineBytes where capacity == 112 {
    private init(_ kind: UInt8) {
        self.init()
        _ = append(kind)
    }

    /// Octets of the longest key: there is always room for the octet that makes its follower.
    static var byteCountMax: Int { 111 }

    /// A fact about the store: `schema`, `running`, `sequence`, `user`.
    @inline(never)
    static func fact(_ name: StaticString) -> Key {
        var key = Key(RecordKind.fact)
        _ = key.append(name)
        return key
    }

    /// All keys that begin with this one are of the kind `letter`.
    @inline(never)
    static func kind(_ letter: UInt8) -> Key { Key(letter) }

    @inline(never)
    static func account(_ address: Span<UInt8>) -> Key {
        var key = Key(RecordKind.account)
        _ = key.append(address)
        return key
    }

    @inline(never)
    static func challenge(_ slot: UInt16) -> Key { numbered(RecordKind.challenge, slot) }

    @inline(never)
    static func knownClients(_ user: UInt32) -> Key { numbered(RecordKind.knownClients, user) }

    @inline(never)
    static func answerSheet(_ user: UInt32) -> Key { numbered(RecordKind.answerSheet, user) }

    @inline(never)
    static func campaign(_ number: UInt32) -> Key { numbered(RecordKind.campaign, number) }

    @inline(never)
    static func campaign(_ number: UInt32, edition: UInt16, part: UInt8) -> Key {
        var key = numbered(RecordKind.campaign, number)
        _ = key.append(bigEndian: edition)
        _ = key.append(part)
        return key
    }

    @inline(never)
    static func noticeText(_ code: UInt16) -> Key { numbered(RecordKind.noticeText, code) }

    /// What all members of a campaign's audience begin with.
    @inline(never)
    static func members(_ campaign: UInt32) -> Key { numbered(RecordKind.member, campaign) }

    @inline(never)
    static func member(_ campaign: UInt32, _ user: UInt32) -> Key {
        var key = members(campaign)
        _ = key.append(bigEndian: user)
        return key
    }

    @inline(never)
    static func proof(_ campaign: UInt32, _ user: UInt32, _ generation: UInt16) -> Key {
        var key = numbered(RecordKind.proof, campaign)
        _ = key.append(bigEndian: user)
        _ = key.append(bigEndian: generation)
        return key
    }

    @inline(never)
    static func proofHead(_ campaign: UInt32) -> Key { numbered(RecordKind.proofEvent, campaign) }

    @inline(never)
    static func proofEvent(_ campaign: UInt32, _ number: UInt32) -> Key {
        var key = proofHead(campaign)
        _ = key.append(bigEndian: number)
        return key
    }

    @inline(never)
    static func pendingLogin(_ slot: UInt16) -> Key { numbered(RecordKind.pendingLogin, slot) }

    @inline(never)
    static func capabilityLists(_ slot: UInt16) -> Key { numbered(RecordKind.capabilityLists, slot) }

    @inline(never)
    static func message(_ sequence: UInt64, piece: UInt8) -> Key {
        var key = numbered(RecordKind.message, sequence)
        _ = key.append(piece)
        return key
    }

    @inline(never)
    static func mailbox(_ user: UInt32) -> Key { numbered(RecordKind.mailbox, user) }

    @inline(never)
    static func mailboxEntry(_ user: UInt32, _ sequence: UInt64) -> Key {
        var key = numbered(RecordKind.mailbox, user)
        _ = key.append(bigEndian: sequence)
        return key
    }

    @inline(never)
    static func answer(_ sequence: UInt64) -> Key { numbered(RecordKind.answer, sequence) }

    @inline(never)
    static func session(_ slot: UInt16) -> Key { numbered(RecordKind.session, slot) }

    @inline(never)
    static func accounting(_ number: UInt32) -> Key { numbered(RecordKind.accounting, number) }

    @inline(never)
    static func upstreamSession(_ slot: UInt16) -> Key { numbered(RecordKind.upstreamSession, slot) }

    @inline(never)
    static func outbox(due seconds: UInt64, _ number: UInt64) -> Key {
        numbered(RecordKind.outbox, seconds).and(number)
    }

    /// A key that has no room for one letter more is cut short.
    @inline(never)
    static func setAside(_ damaged: Key) -> Key {
        var key = Key(RecordKind.setAside)
        _ = key.append(damaged.span.extracting(0..<min(damaged.count, Key.byteCountMax - 1)))
        return key
    }

    @inline(never)
    static func seenStanza(_ place: UInt16) -> Key { numbered(RecordKind.seenStanza, place) }

    @inline(never)
    static func user(_ number: UInt32) -> Key { numbered(RecordKind.user, number) }

    @inline(never)
    static func expiry(at seconds: UInt64, _ user: UInt32, _ sequence: UInt64) -> Key {
        var key = numbered(RecordKind.expiry, seconds)
        _ = key.append(bigEndian: user)
        _ = key.append(bigEndian: sequence)
        return key
    }

    // MARK: People

    /// What all lists of a user begin with.
    @inline(never)
    static func contactLists(_ user: UInt32) -> Key { numbered(RecordKind.contactList, user) }

    /// A list, and what all who are on it begin with.
    @inline(never)
    static func contactList(_ user: UInt32, _ list: UInt8) -> Key { contactLists(user).and(list) }

    @inline(never)
    static func contact(_ user: UInt32, _ list: UInt8, _ contact: UInt32) -> Key {
        contactList(user, list).and(contact)
    }

    /// What all lists that a user is on begin with.
    @inline(never)
    static func listed(_ user: UInt32) -> Key { numbered(RecordKind.listed, user) }

    /// The same, of the lists of one owner.
    @inline(never)
    static func listed(_ user: UInt32, by owner: UInt32) -> Key { listed(user).and(owner) }

    @inline(never)
    static func listed(_ user: UInt32, by owner: UInt32, _ list: UInt8) -> Key { listed(user, by: owner).and(list) }

    /// What all attribute lists of a user begin with.
    @inline(never)
    static func attributeLists(_ user: UInt32) -> Key { numbered(RecordKind.attributeList, user) }

    @inline(never)
    static func attributeList(_ user: UInt32, for audience: PresenceAudience) -> Key {
        attributeLists(user).and(audience.rawValue).and(audience.number)
    }

    /// What all that a user says of himself begins with.
    @inline(never)
    static func presence(_ user: UInt32) -> Key { numbered(RecordKind.presence, user) }

    @inline(never)
    static func presence(_ user: UInt32, _ attribute: PresenceAttribute) -> Key {
        presence(user).and(attribute.rawValue)
    }

    @inline(never)
    static func screening(_ user: UInt32) -> Key { numbered(RecordKind.screening, user) }

    /// What all entries of one of a user's block and grant lists begin with.
    @inline(never)
    static func screened(_ user: UInt32, on list: ScreeningList) -> Key { screening(user).and(list.rawValue) }

    @inline(never)
    static func screened(_ user: UInt32, on list: ScreeningList, _ address: Span<UInt8>) -> Key {
        var key = screened(user, on: list)
        _ = key.append(address)
        return key
    }

    /// What all that a user was asked of watchers begins with.
    @inline(never)
    static func authorizations(_ user: UInt32) -> Key { numbered(RecordKind.authorization, user) }

    @inline(never)
    static func authorization(_ user: UInt32, of watcher: UInt32) -> Key { authorizations(user).and(watcher) }

    /// What all subscriptions of a session begin with.
    @inline(never)
    static func subscriptions(_ slot: UInt16) -> Key { numbered(RecordKind.subscription, slot) }

    @inline(never)
    static func subscription(_ slot: UInt16, to target: SubscriptionTarget, _ number: UInt32) -> Key {
        subscriptions(slot).and(target.rawValue).and(number)
    }

    /// What all that a user is to be told, or was, of those who put him on a list begins with.
    @inline(never)
    static func addedNotices(_ user: UInt32) -> Key { numbered(RecordKind.addedNotice, user) }

    @inline(never)
    static func addedNotices(_ user: UInt32, _ state: AddedNotice) -> Key { addedNotices(user).and(state.rawValue) }

    @inline(never)
    static func addedNotice(_ user: UInt32, _ state: AddedNotice, by owner: UInt32) -> Key {
        addedNotices(user, state).and(owner)
    }

    /// What all fields of a user's profile begin with.
    @inline(never)
    static func profile(_ user: UInt32) -> Key { numbered(RecordKind.profile, user) }

    @inline(never)
    static func profile(_ user: UInt32, _ field: ProfileField) -> Key { profile(user).and(field.rawValue) }

    @inline(never)
    static func loginLinks(_ user: UInt32) -> Key { numbered(RecordKind.loginLinks, user) }

    @inline(never)
    static func notification(_ user: UInt32) -> Key { numbered(RecordKind.notification, user) }

    @inline(never)
    static func notificationDue(at seconds: UInt64, _ user: UInt32) -> Key {
        numbered(RecordKind.notificationDue, seconds).and(user)
    }

    @inline(never)
    private func and<Number: FixedWidthInteger>(_ number: Number) -> Key {
        var key = self
        _ = key.append(bigEndian: number)
        return key
    }

    @inline(never)
    private static func numbered<Number: FixedWidthInteger>(_ kind: UInt8, _ number: Number) -> Key {
        var key = Key(kind)
        _ = key.append(bigEndian: number)
        return key
    }
}
