import CSP
import Octets

/// A request that the shell makes for a notification.
///
/// What it says lies in the buffer that it was written into, in three parts.
public struct NotificationOrder: Sendable {
    /// Where the request goes: an address by http or https.
    public var url = InlineBytes<480>()
    /// The SHA-256 of the certificate that the other side has to have; empty when authorities vouch for it.
    public var pin = InlineBytes<100>()
    /// It has a body, and is a POST.
    public var isPost = false
    /// What follows the path of the address.
    public var query: Range<Int> = 0..<0
    /// Lines of the head, each with its end.
    public var fields: Range<Int> = 0..<0
    /// The body.
    public var body: Range<Int> = 0..<0
    /// Names it when it has ended.
    public var place = 0
    /// It is a modem's; then all of the buffer is for it.
    public var modem: ModemOrder?

    /// Nothing.
    public init() {}
}

/// What a modem is asked to send, a line for each short message.
public struct ModemOrder: BitwiseCopyable, Sendable {
    /// Its device.
    public var device = InlineBytes<64>()
    /// Bits a second.
    public var baud: UInt32 = 115_200
    /// The PIN of the card; empty for none.
    public var cardPIN = InlineBytes<16>()
    /// A line is a number, a tab and a text, for a modem that takes nothing else; else octets, a space and a message in
    /// hexadecimal.
    public var isText = false

    /// Nothing.
    public init() {}
}

/// How a request for a notification ended.
public enum NotificationOutcome: Sendable {
    /// There is an answer, with this status of HTTP.
    case answered(status: Int)
    /// A modem has sent it.
    case sent
    /// A modem refused it, with its number for the reason.
    case refused(Int)
    /// Nobody answered; `isDown` when nobody could have, whoever was to be told.
    case failed(StaticString, isDown: Bool)
}

/// Tells those who are offline that messages wait for them.
///
/// Who is to be told is in the store; here is what is under way, and which sections have to be left alone for a while,
/// because nobody answers there.
///
/// - Source: protocol/system-message.md §6.2.
struct Notifier<Port: StorePort & ~Copyable>: ~Copyable {
    /// Tries before a notification has failed.
    static var attemptsMax: UInt8 { 6 }
    /// Entries of the index that are looked at in a turn.
    static var scanCountMax: Int { 32 }
    /// Seconds before somebody is looked at again who could not be told: each look is a write.
    static var notToldSeconds: UInt64 { 3600 }
    /// Seconds ahead that something may be due; what lies further was stored while the clock was wrong.
    static var horizon: UInt64 { 2 * 86_400 }

    struct UnderWay: BitwiseCopyable {
        var isUsed = false
        var user: UInt32 = 0
        /// The last message that it tells of.
        var sequence: UInt64 = 0
        var every: UInt64 = 0
        var section = 0
        var name = InlineBytes<24>()
        var bearer = Bearer.sms
        /// It calls a client that is logged in, instead of telling somebody who is not.
        var call: ShortMessageCall?
    }

    /// How long a section is left alone.
    struct Pause: BitwiseCopyable {
        var until = Instant(milliseconds: 0)
        var seconds: UInt64 = 0
    }

    /// How far a look through the index is.
    private struct Scan: BitwiseCopyable {
        var last = Key()
        /// When those who were passed over are to be looked at again.
        var from = UInt64.max
    }

    var sections: Slab<NotifySection>
    private(set) var sectionCount = 0
    /// A look through the index that goes on; nil when the next one begins at its front.
    private var scan: Scan?
    /// Requests at once; the operator's question finds a place beside them.
    var underWay = InlineArray<3, UnderWay>(repeating: UnderWay())
    var pauses = InlineArray<4, Pause>(repeating: Pause())
    /// When somebody is due next.
    var deadline = Deadline()
    var counters = NotificationCounters()

    init(_ sections: consuming Slab<NotifySection>) { self.sections = sections }

    // MARK: Configuration

    /// Takes the sections of the configuration instead of those before.
    mutating func beginSections() {
        sectionCount = 0
        scan = nil
        pauses = InlineArray(repeating: Pause())
    }

    mutating func take(_ section: borrowing NotifySection, name: Span<UInt8>) {
        guard sectionCount < sections.count, section.finish(name: name) == nil else { return }
        sections[sectionCount] = copy section
        sections[sectionCount].name = InlineBytes(name) ?? InlineBytes()
        sectionCount += 1
    }

    /// From now on they are used.
    mutating func endSections(_ records: inout Records<Port>) {
        var needsNumber = true
        for index in 0..<sectionCount where sections[index].bearer == .webhook { needsNumber = false }
        var queue = NotificationQueue(isUsed: sectionCount > 0, needsNumber: needsNumber)
        for index in 0..<sectionCount where sections[index].sendsShortMessages { queue.sendsShortMessages = true }
        records.notificationQueue = queue
    }

    // MARK: Sending

    /// Whether somebody may be due.
    func mayHaveNext(_ records: borrowing Records<Port>, _ wall: WallTime) -> Bool {
        sectionCount > 0 && (scan != nil || records.notificationQueue.from <= wall.secondsSince1970)
    }

    /// A request was not made, for want of something that comes back by itself.
    mutating func cancel(_ place: Int, _ records: inout Records<Port>, _ turn: borrowing Turn) {
        underWay[place] = UnderWay()
        scan = nil
        records.notificationQueue.from = min(records.notificationQueue.from, turn.wall.secondsSince1970 + 1)
        deadline.schedule(at: turn.now.adding(seconds: 1))
    }

    /// The next request to be made; nil when there is none now.
    ///
    /// A look goes through the whole index, in several turns when it is long, and over those who have to wait: nobody keeps
    /// those behind him from being told.
    ///
    /// - Parameter text: Takes what it says.
    mutating func next(
        _ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into text: inout FixedBytes
    ) -> NotificationOrder? {
        let now = turn.wall.secondsSince1970
        guard mayHaveNext(records, turn.wall), let place = freePlace else { return nil }
        // What is stored from here on makes it earlier again.
        if scan == nil { records.notificationQueue.from = .max }
        var scan = self.scan ?? Scan()
        self.scan = nil
        for _ in 0..<Notifier.scanCountMax {
            let next = records.nextDue(after: scan.last)
            guard let next, next.due <= now || next.due > now + Notifier.horizon else {
                let from = min(scan.from, next?.due ?? .max)
                // Something became due behind the look that is at its end.
                guard records.notificationQueue.from <= now else {
                    wait(until: from, &records, turn)
                    return nil
                }
                records.notificationQueue.from = .max
                scan = Scan()
                continue
            }
            scan.last = next.key
            if let told = look(at: next.user, next.due, next.key, sessions, &scan, &records, turn) {
                self.scan = scan
                return begin(place, next.user, told, &records, &turn, into: &text)
            }
        }
        self.scan = scan
        deadline.schedule(at: turn.now.adding(milliseconds: 50))
        return nil
    }

    /// What somebody is told now, and by which section.
    private struct Told {
        var section: Int
        var waiting: (first: UInt64, count: UInt64)
        /// The message that it is about.
        var sequence: UInt64
    }

    /// Looks whether somebody who is due still has to be told, and whether now; what has come to its end is stored.
    private func look(
        at user: UInt32, _ due: UInt64, _ key: Key, _ sessions: borrowing Sessions<Port>, _ scan: inout Scan,
        _ records: inout Records<Port>, _ turn: borrowing Turn
    ) -> Told? {
        if isUnderWay(user) { return nil }
        guard var notification = records.notification(of: user), notification.state == .waiting, notification.due == due
        else {
            // The index alone says so.
            records.store.delete(key.span)
            return nil
        }
        guard sessions.first(of: user) == nil, let waiting = records.waitingMessages(of: user) else {
            records.settle(&notification, .withdrawn, of: user, turn.wall)
            return nil
        }
        switch choice(for: user, notification, records) {
        case .notTold(let reason):
            notification.reason = reason
            notification.nextFrom = turn.wall.secondsSince1970 + Notifier.notToldSeconds
            records.settle(&notification, .notTold, of: user, turn.wall)
            return nil
        case .section(let section):
            let quiet = turn.wall.isTrusted ? sections[section].quietMinutes(at: turn.wall.minuteOfDay) : 0
            if quiet > 0 {
                records.store.delete(key.span)
                notification.due = turn.wall.secondsSince1970 + UInt64(quiet) * 60
                records.schedule(&notification, of: user)
                return nil
            }
            // A modem does one after the other, and what ends one looks for the next.
            if sections[section].bearer == .modem, isModemBusy { return nil }
            guard pauses[section].until <= turn.now else {
                let wait = (pauses[section].until.milliseconds - turn.now.milliseconds) / 1000 + 1
                scan.from = min(scan.from, turn.wall.secondsSince1970 + wait)
                return nil
            }
            return Told(section: section, waiting: waiting, sequence: notification.sequence)
        }
    }

    /// Nothing is looked at before a time of the wall clock, unless something is stored that is due earlier.
    private mutating func wait(until time: UInt64, _ records: inout Records<Port>, _ turn: borrowing Turn) {
        let from = min(records.notificationQueue.from, time)
        records.notificationQueue.from = from
        guard from != .max else { return }
        deadline.schedule(at: turn.now.adding(seconds: min(86_400, from - min(from, turn.wall.secondsSince1970))))
    }

    /// The time has come, or a day has passed, in which the wall clock may have been set.
    mutating func timePassed(_ records: inout Records<Port>, _ now: Instant) {
        guard let next = deadline.next, next <= now else { return }
        deadline = Deadline()
        // A look that goes on is none that begins.
        if scan == nil { records.notificationQueue.from = 0 }
    }

    var freePlace: Int? {
        for place in underWay.indices where !underWay[place].isUsed { return place }
        return nil
    }

    var isModemBusy: Bool {
        for place in underWay.indices where underWay[place].isUsed && underWay[place].bearer == .modem { return true }
        return false
    }

    func isUnderWay(_ user: UInt32) -> Bool {
        for place in underWay.indices
        where underWay[place].isUsed && underWay[place].user == user && underWay[place].call == nil { return true }
        return false
    }

    private mutating func begin(
        _ place: Int, _ user: UInt32, _ told: Told,
        _ records: inout Records<Port>, _ turn: inout Turn, into text: inout FixedBytes
    ) -> NotificationOrder {
        let section = told.section
        underWay[place].isUsed = true
        underWay[place].user = user
        underWay[place].sequence = records.sequences.next - 1
        underWay[place].every = UInt64(sections[section].every)
        underWay[place].section = section
        underWay[place].name = sections[section].name
        underWay[place].bearer = sections[section].bearer ?? .sms
        let facts = records.facts(of: user, told.waiting, told.sequence, sections[section], &turn)
        text.removeAll()
        var order = sections[section].order(facts, into: &text)
        order.place = place
        return order
    }

    // MARK: Ends

    /// What became of a request.
    ///
    /// - Parameter body: What the answer says.
    mutating func ended(
        _ place: Int, _ outcome: NotificationOutcome, body: Span<UInt8>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard underWay.indices.contains(place), underWay[place].isUsed else { return }
        let order = underWay[place]
        underWay[place] = UnderWay()
        records.notificationQueue.from = 0
        deadline.schedule(at: turn.now)
        // It may have been taken away meanwhile, with its account.
        guard var notification = records.notification(of: order.user), notification.state == .waiting else { return }
        notification.section = order.name
        notification.attempts += 1
        notification.code = 0
        var isFinal = notification.attempts >= Notifier.attemptsMax
        var why: StaticString = "the other side refused it"
        switch outcome {
        case .answered(let status):
            pauses[order.section] = Pause()
            notification.code = order.bearer.code(status, body)
            if order.bearer.isTaken(status, body) {
                return taken(order, &notification, &records, &turn)
            }
            // What is refused as it is will be refused again.
            if (400..<500).contains(status), status != 408, status != 429 { isFinal = true }
        case .sent: return taken(order, &notification, &records, &turn)
        case .refused(let code):
            notification.code = UInt16(clamping: code)
            why = "the modem refused it"
        case .failed(let words, let isDown):
            why = words
            if isDown { pause(order.section, turn.now) }
        }
        log(.notifyFail, order, notification, why: why, isFinal: isFinal, records, &turn)
        if isFinal {
            counters.failed += 1
            notification.nextFrom = turn.wall.secondsSince1970 + order.every
            records.settle(&notification, .failed, of: order.user, turn.wall)
        } else {
            records.store.delete(Key.notificationDue(at: notification.due, order.user).span)
            notification.due = turn.wall.secondsSince1970 + Notifier.pauseSeconds(after: notification.attempts)
            records.schedule(&notification, of: order.user)
        }
    }

    private mutating func taken(
        _ order: UnderWay, _ notification: inout NotificationRecord, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        counters.sent += 1
        notification.nextFrom = turn.wall.secondsSince1970 + order.every
        notification.told = order.sequence
        records.settle(&notification, .sent, of: order.user, turn.wall)
        log(.notify, order, notification, why: "", isFinal: false, records, &turn)
        // What came while it was under way is told of too, when it may be.
        records.awaitNotification(ofUntold: order.user)
    }

    /// A gateway that is not there is left alone longer each time, so that one of them is asked and not everybody's try is
    /// lost.
    mutating func pause(_ section: Int, _ now: Instant) {
        pauses[section].seconds = min(600, max(30, pauses[section].seconds * 2))
        pauses[section].until = now.adding(seconds: pauses[section].seconds)
    }

    /// Seconds before the next try of one user.
    private static func pauseSeconds(after attempts: UInt8) -> UInt64 {
        let seconds: InlineArray<4, UInt64> = [60, 300, 1800, 10_800]
        return seconds[min(max(Int(attempts), 1), seconds.count) - 1]
    }

    private func log(
        _ code: LogCode, _ order: UnderWay, _ notification: NotificationRecord, why: StaticString, isFinal: Bool,
        _ records: borrowing Records<Port>, _ turn: inout Turn
    ) {
        guard turn.journal.begin(code, turn.now, turn.wall) else { return }
        records.logUser(order.user, &turn)
        turn.journal.text("by", notification.section.span)
        if code == .notifyFail {
            turn.journal.sentence("why", why)
            turn.journal.number("attempt", UInt64(notification.attempts))
            if isFinal { turn.journal.sentence("means", "it is not tried again") }
        }
        if notification.code > 0 { turn.journal.number("code", UInt64(notification.code)) }
        turn.journal.end()
    }

    /// The store was read again; what is under way stays so.
    mutating func reload(_ records: inout Records<Port>, _ now: Instant) {
        scan = nil
        records.notificationQueue.from = 0
        deadline.schedule(at: now)
    }

    // MARK: Whom to tell by what

    private enum Choice {
        case section(Int)
        case notTold(NotToldReason)
    }

    /// The section by which somebody is told: the one that his account names, else one that his client can do, else the first.
    private func choice(
        for user: UInt32, _ notification: NotificationRecord, _ records: borrowing Records<Port>
    ) -> Choice {
        let wish = records.profile(user, .notify) ?? InlineBytes()
        if wish.span.equals("no") { return .notTold(.noConsent) }
        let hasNumber = records.profile(user, .number) != nil
        let hasAddress = records.pushURL(of: user) != nil
        var reason = NotToldReason.noSection
        var found: Int?
        for index in 0..<sectionCount {
            let isNamed = sections[index].name.span.equals(wish.span)
            guard isNamed || wish.isEmpty || wish.span.equals("yes") else { continue }
            if sections[index].needsConsent, wish.isEmpty, !notification.isAgreed {
                reason = .noConsent
                continue
            }
            guard sections[index].canReach(hasNumber: hasNumber, hasAddress: hasAddress) else {
                reason = .noNumber
                continue
            }
            if isNamed || sections[index].suits(notification.bearers) { return .section(index) }
            found = found ?? index
        }
        return found.map { .section($0) } ?? .notTold(reason)
    }
}

/// What `status` tells of notifications.
struct NotificationCounters {
    var sent: UInt64 = 0
    var failed: UInt64 = 0
}

extension NotifySection {
    /// Whether a link is said to anybody: by the text, or beside it.
    fileprivate func tellsLink(in text: Span<UInt8>) -> Bool {
        bearer == .wapPush || bearer == .webhook || Template.uses(UInt8(ascii: "l"), text)
    }

    fileprivate func canReach(hasNumber: Bool, hasAddress: Bool) -> Bool {
        switch bearer {
        case .sms, .wapPush, .modem: return hasNumber
        case .webhook: return hasAddress || !url.isEmpty && (hasNumber || !Template.uses(UInt8(ascii: "n"), url.span))
        case nil: return false
        }
    }

    /// Whether it is what a client said that it can be told by.
    fileprivate func suits(_ bearers: OfflineBearers) -> Bool {
        switch bearer {
        case .sms, .modem: return bearers.contains(.sms)
        case .wapPush: return bearers.contains(.wsp)
        case .webhook, nil: return false
        }
    }
}

extension Records where Port: ~Copyable {
    /// What a template may tell of messages that wait.
    fileprivate mutating func facts(
        of user: UInt32, _ waiting: (first: UInt64, count: UInt64), _ id: UInt64, _ section: borrowing NotifySection,
        _ turn: inout Turn
    ) -> NotificationFacts {
        var facts = NotificationFacts()
        facts.id = InlineBytes(MessageID.text(id).span) ?? InlineBytes()
        facts.message = InlineBytes(MessageID.text(waiting.first).span) ?? InlineBytes()
        facts.user = account(of: user)?.display ?? InlineBytes()
        facts.number = profile(user, .number) ?? InlineBytes()
        facts.pushURL = pushURL(of: user) ?? InlineBytes()
        facts.sender = senderName(waiting.first)
        facts.count = waiting.count
        facts.time = turn.wall.storedSeconds
        let language = profile(user, .language) ?? InlineBytes()
        let text = section.text(in: language.span)
        if section.link.isEmpty, !settings.pageURL.isEmpty, section.tellsLink(in: text.span) {
            facts.link = pageLink("m/", addLink(for: user, &turn).span, of: facts.user.span)
        } else {
            facts.link = Template.fill(section.link.span, with: facts, isURL: true)
        }
        facts.text = Template.fill(text.span, with: facts)
        return facts
    }

    /// A link to the page with what it proves itself by; behind the point it says whose it is.
    func pageLink(_ path: StaticString, _ digits: Span<UInt8>, of address: Span<UInt8>) -> InlineBytes<480> {
        var link = InlineBytes<480>(prefix: settings.pageURL.span)
        _ = link.append(path)
        _ = link.append(digits)
        _ = link.append(".")
        let name = shortName(address)
        Template.add(name.span, isURL: true, to: &link)
        return link
    }

    private func senderName(_ sequence: UInt64) -> InlineBytes<100> {
        guard let header = messageHeader(sequence) else { return InlineBytes() }
        return shortName(header.sender.span)
    }

    /// An address as people say it: without schema, and without the domain when it is ours.
    private func shortName(_ address: Span<UInt8>) -> InlineBytes<100> {
        let start = address.firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? 0
        let name = address.extracting(start..<address.count)
        let end = name.firstIndex(of: UInt8(ascii: "@")) ?? name.count
        let isOurs = end < name.count && name.extracting(end + 1..<name.count).equalsIgnoringCase(settings.domain.span)
        return InlineBytes(isOurs ? name.extracting(0..<end) : name) ?? InlineBytes()
    }
}
