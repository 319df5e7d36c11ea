import Octets

/// What was set aside because it is not what was written: which record, whom it concerned, and when that was seen.
struct SetAsideRecord {
    var seenAt: UInt64
    /// 0 when it concerns nobody, or nobody knows.
    var user: UInt32
}

/// Records that are not what was written. The store leaves them out; here they go into a list that the operator can read.
extension Records where Port: ~Copyable {
    /// Takes such a record away and keeps what it was.
    ///
    /// - Returns: whom it concerned; nil when it is in the list already.
    mutating func setAside(_ key: Key, _ wall: WallTime) -> SetAsideRecord? {
        let place = Key.setAside(key)
        store.delete(key.span)
        guard store.value(for: place.span) == nil else { return nil }
        let record = SetAsideRecord(seenAt: wall.storedSeconds, user: user(concernedBy: key))
        put(record, at: place)
        return record
    }

    /// The record that was set aside behind `last`; nil when there is none.
    func setAside(after last: Key) -> (key: Key, record: SetAsideRecord)? {
        guard let place = key(in: Key.kind(RecordKind.setAside), after: last.isEmpty ? last : Key.setAside(last)),
            let key = Key(place.span.extracting(1..<place.count)), let value = store.value(for: place.span)
        else { return nil }
        var reader = RecordReader(value)
        return (key, SetAsideRecord(seenAt: reader.integer(), user: reader.integer()))
    }

    /// How many are in the list.
    var setAsideCount: UInt64 {
        var count: UInt64 = 0
        var last = Key()
        while let key = key(in: Key.kind(RecordKind.setAside), after: last) {
            last = key
            count += 1
        }
        return count
    }

    /// Notes that a record was damaged that is not in this store, because it was left behind.
    mutating func noteLeftBehind(_ key: Key, _ wall: WallTime) {
        let place = Key.setAside(key)
        guard store.value(for: place.span) == nil else { return }
        put(SetAsideRecord(seenAt: wall.storedSeconds, user: 0), at: place)
    }

    /// Finds out whom the records concern that were left behind: nobody could tell before the rest was there.
    mutating func nameLeftBehind() {
        var last = Key()
        while let (key, record) = setAside(after: last) {
            last = key
            let user = record.user == 0 ? user(concernedBy: key) : 0
            if user > 0 { put(SetAsideRecord(seenAt: record.seenAt, user: user), at: Key.setAside(key)) }
        }
    }

    private mutating func put(_ record: SetAsideRecord, at place: Key) {
        scratch.removeAll()
        scratch.append(bigEndian: record.seenAt)
        scratch.append(bigEndian: record.user)
        store.put(place.span, scratch)
    }

    /// Whose record it is, as its key tells; a message is of somebody in whose mailbox it is.
    private func user(concernedBy key: Key) -> UInt32 {
        var reader = RecordReader(key.span.extracting(1..<key.count))
        switch key.span[0] {
        case RecordKind.account: return account(key.span.extracting(1..<key.count))?.number ?? 0
        case RecordKind.message: return owner(ofMessage: reader.integer())
        case RecordKind.member, RecordKind.proof: _ = reader.integer(UInt32.self)
        case RecordKind.expiry, RecordKind.notificationDue: _ = reader.integer(UInt64.self)
        case RecordKind.contactList, RecordKind.knownClients, RecordKind.listed, RecordKind.attributeList,
            RecordKind.answerSheet, RecordKind.presence, RecordKind.screening, RecordKind.authorization,
            RecordKind.mailbox, RecordKind.user, RecordKind.addedNotice, RecordKind.profile, RecordKind.loginLinks,
            RecordKind.notification:
            break
        default: return 0
        }
        let user: UInt32 = reader.integer()
        return reader.isBroken ? 0 : user
    }

    /// Goes through all mailboxes: a damaged message is rare.
    private func owner(ofMessage sequence: UInt64) -> UInt32 {
        var last = Key()
        while let key = key(in: Key.kind(RecordKind.mailbox), after: last) {
            last = key
            guard key.count == 13 else { continue }
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            if reader.integer() == sequence { return user }
        }
        return 0
    }

    /// The number behind that of the last key of a kind; 0 when there is none.
    func end<Number: FixedWidthInteger>(ofKind kind: UInt8, below limit: Number = .max) -> Number {
        var bound = Key.kind(kind)
        _ = bound.append(bigEndian: limit)
        guard let entry = store.entry(before: bound.span), entry.key[0] == kind else { return 0 }
        var reader = RecordReader(entry.key.extracting(1..<entry.key.count))
        let number: Number = reader.integer()
        return reader.isBroken ? 0 : number &+ 1
    }
}

extension RecordKind {
    /// What the operator calls a kind.
    static func name(_ kind: UInt8) -> StaticString {
        switch kind {
        case account, user, profile, loginLinks, knownClients: return "account"
        case message, mailbox, expiry, answer: return "message"
        case proof, proofEvent, answerSheet: return "proof"
        case campaign, member, noticeText: return "campaign"
        case contactList, listed, addedNotice: return "contacts"
        case presence, attributeList, subscription, authorization, screening: return "presence"
        case session, capabilityLists, challenge, pendingLogin, upstreamSession: return "session"
        case notification, notificationDue: return "notification"
        case accounting: return "accounting"
        case outbox, seenStanza: return "xmpp"
        default: return "store"
        }
    }
}
