import Octets

/// What holds between two turns, whatever happened: the rooms agree with the store, and nothing is left behind. Simulations
/// ask after their steps; it reads the whole store, so nothing else does.
extension Engine where Port: ~Copyable {
    func checkInvariants() {
        sessions.checkInvariants()
        sessions.checkStored(records)
        accounts.checkStored(records)
        mailboxes.checkStored(records)
        systemMessages.checkStored(records)
        people.checkStored(sessions, records)
        notifier.checkStored(records)
    }
}

extension Notifier where Port: ~Copyable {
    /// Who waits to be told stands in the index once, and nobody else does.
    func checkStored(_ records: borrowing Records<Port>) {
        var waiting = 0
        var last = Key()
        while let next = records.nextDue(after: last) {
            last = next.key
            waiting += 1
            let notification = records.notification(of: next.user)
            invariant(
                notification?.state == .waiting && notification?.due == next.due, "IM068 who is due waits to be told")
        }
        last = Key()
        while let key = records.key(in: Key.kind(RecordKind.notification), after: last) {
            last = key
            guard let value = records.store.value(for: key.span), let notification = NotificationRecord(value) else {
                invariantBroken("IM069 a notification can be read")
            }
            if notification.state == .waiting { waiting -= 1 }
        }
        invariant(waiting == 0, "IM068 who is due waits to be told")
    }
}

extension Sessions where Port: ~Copyable {
    /// Each session is stored, and nothing is stored of others.
    func checkStored(_ records: borrowing Records<Port>) {
        var stored = 0
        var start = Key.kind(RecordKind.session)
        while let slot = records.slot(of: &start, RecordKind.session) {
            invariant(slot < table.end && table[slot].isOpen, "IM070 a stored session is open")
            let session = records.session(in: slot)
            invariant(session?.number == table[slot].number, "IM071 a slot has one session")
            invariant(session?.user == table[slot].user, "IM071 a slot has one session")
            invariant(session?.closing == table[slot].closing, "IM072 a session is stored as it is")
            invariant(
                session?.access.isRestricted == table[slot].access.isRestricted
                    && session?.access.level == table[slot].access.level, "IM072 a session is stored as it is")
            stored += 1
        }
        invariant(stored == count, "IM073 every session is stored")
        start = Key.kind(RecordKind.capabilityLists)
        while let slot = records.slot(of: &start, RecordKind.capabilityLists) {
            invariant(slot < table.end && table[slot].hasCapabilities, "IM074 capabilities are of a session")
        }
        var answers = 0
        start = Key.kind(RecordKind.answer)
        while let key = records.firstKey(atOrAfter: start), key.span[0] == RecordKind.answer {
            answers += 1
            start = key
            _ = start.append(0)
        }
        var kept = 0
        for slot in 0..<table.end where table[slot].isOpen { kept += Int(table[slot].answers.count) }
        invariant(answers == kept, "IM075 every kept answer is of a session")
    }
}

extension Accounts where Port: ~Copyable {
    /// A challenge is stored, or it is not; what was answered is not.
    func checkStored(_ records: borrowing Records<Port>) {
        for place in 0..<challenges.count {
            let key = Key.challenge(UInt16(place))
            let isStored = challenges[place].nameHash != 0 && challenges[place].isStored
            invariant((records.store.value(for: key.span) != nil) == isStored, "IM076 a challenge is stored as it is")
        }
    }
}

extension SystemMessages where Port: ~Copyable {
    /// A login that waits is stored, and no other.
    func checkStored(_ records: borrowing Records<Port>) {
        for place in 0..<pendingLogins.count {
            let key = Key.pendingLogin(UInt16(place))
            let isStored = records.store.value(for: key.span) != nil
            invariant((pendingLogins[place].user != 0) == isStored, "IM077 a login that waits is stored as it is")
        }
        for place in operatorPlaces where campaigns[place].number != 0 {
            invariant(campaigns[place].isActive, "IM078 only active campaigns are at hand")
            let campaign = records.firstCampaign(from: campaigns[place].number)
            invariant(campaign?.generation == campaigns[place].generation, "IM079 a campaign is stored as it is")
        }
    }
}

extension Mailboxes where Port: ~Copyable {
    /// Each entry has what it is about, each message somebody who waits for it, and the totals are those of the entries.
    func checkStored(_ records: borrowing Records<Port>) {
        var start = Key.kind(RecordKind.mailbox)
        while let key = records.firstKey(atOrAfter: start), key.span[0] == RecordKind.mailbox {
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            invariant(records.address(of: user) != nil, "IM080 a mailbox is of somebody")
            if key.count == 13 {
                let sequence: UInt64 = reader.integer()
                invariant(records.mailboxEntry(user, sequence) != nil, "IM081 an entry can be read")
                let piece = Key.message(sequence, piece: 0)
                invariant(records.store.value(for: piece.span) != nil, "IM082 an entry has its message")
            }
            let isFirst = key.count == 5 || records.store.value(for: Key.mailbox(user).span) == nil
            if isFirst { checkTotals(of: user, records) }
            start = key
            _ = start.append(0)
        }
        var sequence: UInt64 = 0
        while let next = records.messageNumber(after: sequence) {
            sequence = next
            invariant(isAwaited(next, records), "IM083 a message is in somebody's mailbox")
        }
        start = Key.kind(RecordKind.expiry)
        while let key = records.firstKey(atOrAfter: start), key.span[0] == RecordKind.expiry {
            var reader = RecordReader(key.span.extracting(9..<key.count))
            let user: UInt32 = reader.integer()
            invariant(records.mailboxEntry(user, reader.integer()) != nil, "IM084 what expires is in a mailbox")
            start = key
            _ = start.append(0)
        }
    }

    private func checkTotals(of user: UInt32, _ records: borrowing Records<Port>) {
        var totals = MailboxTotals()
        var sequence: UInt64 = 0
        while let next = records.entryNumber(after: sequence, of: user) {
            sequence = next
            if let entry = records.mailboxEntry(user, next) { totals.add(entry) }
        }
        let stored = records.totals(of: user)
        invariant(
            stored.count == totals.count && stored.byteCount == totals.byteCount && stored.messages == totals.messages
                && stored.lingering == totals.lingering, "IM085 totals are those of the entries")
    }

    private func isAwaited(_ sequence: UInt64, _ records: borrowing Records<Port>) -> Bool {
        if let report = records.storedReport(sequence) { return records.mailboxEntry(report.owner, sequence) != nil }
        if let message = records.serviceMessage(sequence) {
            return records.mailboxEntry(message.owner, sequence) != nil
        }
        if let people = records.people(sequence, .presenceAuth) ?? records.people(sequence, .notification) {
            return records.mailboxEntry(people.user, sequence) != nil
        }
        guard let header = records.messageHeader(sequence) else { return false }
        for index in 0..<header.recipientCount
        where records.mailboxEntry(header.recipients[index], sequence) != nil {
            return true
        }
        return false
    }
}

extension People where Port: ~Copyable {
    /// Lists and their index agree, subscriptions are of sessions, and who is asked of somebody has the question.
    func checkStored(_ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>) {
        var key = Key()
        var counted: UInt16 = 0
        while let next = records.key(in: Key.kind(RecordKind.contactList), after: key) {
            key = next
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            let list: UInt8 = reader.integer()
            guard let contactList = records.contactList(list, of: user) else { return invariant(false, "IM095 a list") }
            if key.count == 6 {
                counted = contactList.contactCount
            } else {
                counted -= 1
                let index = Key.listed(reader.integer(), by: user, list)
                invariant(records.store.value(for: index.span) != nil, "IM096 who is on a list is found by who it is")
            }
            let follower = records.key(in: Key.contactList(user, list), after: key)
            if follower == nil { invariant(counted == 0, "IM097 contacts are counted") }
        }
        key = Key()
        while let next = records.key(in: Key.kind(RecordKind.listed), after: key) {
            key = next
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            let owner: UInt32 = reader.integer()
            let list: UInt8 = reader.integer()
            let isTrue =
                list == 0
                ? records.isSubscribed(owner, to: user, sessions) : records.contact(user, on: list, of: owner) != nil
            invariant(isTrue, "IM096 who is on a list is found by who it is")
        }
        checkSubscriptions(sessions, records)
        key = Key()
        while let next = records.key(in: Key.kind(RecordKind.authorization), after: key) {
            key = next
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            let authorization = records.authorization(of: user, for: reader.integer())
            let isAsked = authorization.map { records.mailboxEntry(user, $0.entry) != nil } ?? false
            invariant(isAsked == (authorization?.state == .pending), "IM098 who is to decide is asked")
        }
    }

    private func checkSubscriptions(_ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>) {
        var key = Key()
        while let next = records.key(in: Key.kind(RecordKind.subscription), after: key) {
            key = next
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let slot: UInt16 = reader.integer()
            invariant(
                slot < sessions.end && sessions[slot].isOpen && sessions[slot].presence.watches,
                "IM099 a subscription is of a session")
            let target: UInt8 = reader.integer()
            let number: UInt32 = reader.integer()
            guard target == SubscriptionTarget.user.rawValue else { continue }
            let owner = sessions[slot].user
            let index = Key.listed(number, by: owner)
            invariant(records.key(in: index, after: Key()) != nil, "IM096 who is on a list is found by who it is")
        }
    }
}

extension Records where Port: ~Copyable {
    /// The slot that the next key of a kind names, from `start` on, which moves behind it.
    fileprivate func slot(of start: inout Key, _ kind: UInt8) -> UInt16? {
        guard let key = firstKey(atOrAfter: start), key.span[0] == kind, key.count == 3 else { return nil }
        start = key
        _ = start.append(0)
        var reader = RecordReader(key.span.extracting(1..<3))
        return reader.integer()
    }
}
