import Octets

/// Why somebody with a message that waits is not told of it.
enum NotToldReason: UInt8, BitwiseCopyable {
    case none
    /// His account has no number, and the bearer needs one; or no address for pushes.
    case noNumber
    /// He did not agree.
    case noConsent
    /// No section of the configuration is for him.
    case noSection

    var name: StaticString {
        switch self {
        case .none: return "none"
        case .noNumber: return "no-number"
        case .noConsent: return "no-consent"
        case .noSection: return "no-section"
        }
    }
}

/// What became, or is to become, of telling somebody that messages wait for him. Each user has at most one.
struct NotificationRecord {
    enum State: UInt8, BitwiseCopyable {
        /// Nobody was to be told yet; only what was negotiated is known.
        case none
        /// It is to be sent, or to be tried again, when it is due.
        case waiting
        /// The bearer has taken it.
        case sent
        /// It was tried as often as it may be, or refused.
        case failed
        /// He was there, or everything was fetched, before it was sent.
        case withdrawn
        /// See `reason`.
        case notTold

        var name: StaticString {
            switch self {
            case .none: return "none"
            case .waiting: return "waiting"
            case .sent: return "sent"
            case .failed: return "failed"
            case .withdrawn: return "withdrawn"
            case .notTold: return "not-told"
            }
        }
    }

    var state = State.none
    /// Why he could not be told when he was looked at last.
    var reason = NotToldReason.none
    /// How often it was tried.
    var attempts: UInt8 = 0
    /// The HTTP status, or the PAP code, of the last answer; 0 for none.
    var code: UInt16 = 0
    /// The message that it is about.
    var sequence: UInt64 = 0
    /// The last message that the last one that was sent told of, or one later than that.
    var told: UInt64 = 0
    /// When it is due, in seconds since 1970, while it waits; 0 for at once.
    var due: UInt64 = 0
    /// When it came to its state; 0 for an unknown time.
    var at: UInt64 = 0
    /// When the next one may be sent.
    var nextFrom: UInt64 = 0
    /// The section that it was sent by, or tried last.
    var section = InlineBytes<24>()
    /// The client agreed to OFFNOTIF when it last negotiated. Source: protocol/system-message.md §6.2.
    var isAgreed = false
    /// SupportedOfflineBearer of the last negotiation.
    var bearers = OfflineBearers()

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        guard let state = State(rawValue: reader.integer()), let reason = NotToldReason(rawValue: reader.integer())
        else { return nil }
        self.state = state
        self.reason = reason
        attempts = reader.integer()
        code = reader.integer()
        sequence = reader.integer()
        told = reader.integer()
        due = reader.integer()
        at = reader.integer()
        nextFrom = reader.integer()
        let flags: UInt8 = reader.integer()
        isAgreed = flags & 1 != 0
        bearers = OfflineBearers(rawValue: flags >> 1)
        section = reader.counted()
        if reader.isBroken { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(state.rawValue)
        record.append(reason.rawValue)
        record.append(attempts)
        record.append(bigEndian: code)
        record.append(bigEndian: sequence)
        record.append(bigEndian: told)
        record.append(bigEndian: due)
        record.append(bigEndian: at)
        record.append(bigEndian: nextFrom)
        record.append((isAgreed ? 1 : 0) | bearers.rawValue << 1)
        record.append(counted: section.span)
    }
}

/// How a client may be reached while it is not logged in, as it said in SupportedOfflineBearer.
struct OfflineBearers: BitwiseCopyable, Equatable {
    var rawValue: UInt8 = 0

    static var sms: OfflineBearers { OfflineBearers(rawValue: 1) }
    static var wsp: OfflineBearers { OfflineBearers(rawValue: 2) }

    func contains(_ other: OfflineBearers) -> Bool { rawValue & other.rawValue == other.rawValue }

    mutating func insert(_ word: Span<UInt8>) {
        if word.equalsIgnoringCase("SMS") { rawValue |= OfflineBearers.sms.rawValue }
        if word.equalsIgnoringCase("WSP") || word.equalsIgnoringCase("WAP") { rawValue |= OfflineBearers.wsp.rawValue }
    }
}

/// What is known of the index of notifications without looking into it.
struct NotificationQueue: BitwiseCopyable {
    /// There are sections of the configuration that tell somebody.
    var isUsed = false
    /// All of them need a number.
    var needsNumber = true
    /// One of them sends short messages with a port, too.
    var sendsShortMessages = false
    /// Nothing in the index is due before, in seconds since 1970.
    var from: UInt64 = 0
}

/// Notifications in the store: one for each user at most, and an index of those that wait, by the time they are due.
extension Records where Port: ~Copyable {
    func notification(of user: UInt32) -> NotificationRecord? {
        let key = Key.notification(user)
        guard let record = store.value(for: key.span) else { return nil }
        return NotificationRecord(record)
    }

    mutating func store(_ notification: NotificationRecord, of user: UInt32) {
        scratch.removeAll()
        notification.write(into: &scratch)
        store.put(Key.notification(user).span, scratch)
    }

    /// A message waits for somebody who is not there: he is to be told, if he has not been, and may be.
    ///
    /// Where he waits to be told already nothing is written.
    @inline(never)
    mutating func awaitNotification(of user: UInt32, about sequence: UInt64) {
        guard notificationQueue.isUsed else { return }
        var notification = notification(of: user) ?? NotificationRecord()
        guard notification.state != .waiting, mayBeTold(user) else { return }
        notification.state = .waiting
        notification.attempts = 0
        notification.code = 0
        notification.sequence = sequence
        notification.due = notification.nextFrom
        schedule(&notification, of: user)
    }

    /// Somebody is gone: what waits for him that he was not told of is told.
    @inline(never)
    mutating func awaitNotification(ofUntold user: UInt32) {
        guard notificationQueue.isUsed else { return }
        var last = notification(of: user)?.told ?? 0
        while let sequence = entryNumber(after: last, of: user) {
            last = sequence
            guard let entry = mailboxEntry(user, sequence), entry.kind == .message, entry.confirmationCount == 0
            else { continue }
            return awaitNotification(of: user, about: sequence)
        }
    }

    /// Whether it is worth keeping that somebody has to be told.
    private func mayBeTold(_ user: UInt32) -> Bool {
        if let choice = profile(user, .notify), choice.span.equals("no") { return false }
        return !notificationQueue.needsNumber || profile(user, .number) != nil
    }

    /// Stores a notification that waits, and its place in the index.
    mutating func schedule(_ notification: inout NotificationRecord, of user: UInt32) {
        store(notification, of: user)
        scratch.removeAll()
        store.put(Key.notificationDue(at: notification.due, user).span, scratch)
        notificationQueue.from = min(notificationQueue.from, notification.due)
    }

    /// Stores one that waits no more.
    mutating func settle(
        _ notification: inout NotificationRecord, _ state: NotificationRecord.State, of user: UInt32, _ wall: WallTime
    ) {
        store.delete(Key.notificationDue(at: notification.due, user).span)
        notification.state = state
        if state != .notTold { notification.reason = .none }
        notification.at = wall.storedSeconds
        store(notification, of: user)
    }

    /// Who is due after a place in the index; nil when nobody is.
    func nextDue(after last: Key) -> (key: Key, due: UInt64, user: UInt32)? {
        guard let key = key(in: Key.kind(RecordKind.notificationDue), after: last), key.count == 13 else { return nil }
        var reader = RecordReader(key.span.extracting(1..<13))
        return (key, reader.integer(), reader.integer())
    }

    /// Forgets all that has to do with telling a user.
    mutating func removeNotification(of user: UInt32) {
        if let notification = notification(of: user), notification.state == .waiting {
            store.delete(Key.notificationDue(at: notification.due, user).span)
        }
        store.delete(Key.notification(user).span)
    }

    /// The oldest message that waits for a user and that none of his clients has, and how many there are, up to 1,000.
    func waitingMessages(of user: UInt32) -> (first: UInt64, count: UInt64)? {
        var first: UInt64 = 0
        var count: UInt64 = 0
        var last: UInt64 = 0
        while count < 1000, let sequence = entryNumber(after: last, of: user) {
            last = sequence
            guard let entry = mailboxEntry(user, sequence), entry.kind == .message, entry.confirmationCount == 0
            else { continue }
            if count == 0 { first = sequence }
            count += 1
        }
        return count > 0 ? (first, count) : nil
    }

    /// Keeps what a client says of being told while it is not logged in, where it is another than before.
    ///
    /// - Parameters:
    ///   - bearers: By what it may be; nil for what it said before.
    ///   - isAgreed: Whether it agreed to it; nil for what it said before.
    mutating func keepNegotiated(_ bearers: OfflineBearers? = nil, isAgreed: Bool? = nil, of user: UInt32) {
        guard notificationQueue.isUsed else { return }
        var notification = notification(of: user) ?? NotificationRecord()
        let former = (notification.bearers, notification.isAgreed)
        notification.bearers = bearers ?? notification.bearers
        notification.isAgreed = isAgreed ?? notification.isAgreed
        guard former != (notification.bearers, notification.isAgreed) else { return }
        store(notification, of: user)
    }

    /// The operator changed something of whether and how somebody is told: who could not be is looked at again at once.
    mutating func tellAnew(_ user: UInt32) {
        guard var notification = notification(of: user), notification.reason != .none else { return }
        if notification.state == .waiting { store.delete(Key.notificationDue(at: notification.due, user).span) }
        notification.state = .none
        notification.reason = .none
        notification.nextFrom = 0
        store(notification, of: user)
        awaitNotification(ofUntold: user)
    }
}
