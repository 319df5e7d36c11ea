import CSP
import Digests
import Octets
import Wire

/// What `status` tells of XMPP.
struct ComponentCounters {
    var sent: UInt64 = 0
    var received: UInt64 = 0
    var refused: UInt64 = 0
    var streams: UInt64 = 0
}

/// The room of XMPP: this server as a component of an XMPP server (XEP-0114), its domain being that of the component.
///
/// What has to reach the server lies in the store (`Outbox.swift`), and leaves it when the server has answered what was asked
/// behind it: XEP-0114 has no acknowledgements, but an answer to oneself comes back only when all before it was taken.
struct Component<Port: StorePort & ~Copyable>: ~Copyable {
    private enum Phase {
        case closed
        /// The tag that begins a stream was sent.
        case opening
        /// The proof of the secret was sent.
        case shaking
        case open
    }

    /// The section of the configuration; nil without one.
    private(set) var section: Upstream?
    private var phase = Phase.closed
    private var secret = InlineBytes<200>()
    /// The stream is to be closed: another configuration, a server that does not answer.
    private(set) var mustClose = false
    private var hasSaidClosed = false
    /// It is closed because the configuration is another.
    private var isReplaced = false
    /// The server has answered on this stream.
    private(set) var isSound = false
    /// Nothing can be written to it now.
    private var isBlocked = false
    /// What was sent and is not known to have arrived: few, for when somebody dies now, these come twice.
    private var inFlight = InlineArray<8, OutboxPlace>(repeating: OutboxPlace())
    private var inFlightCount = 0
    /// The question behind it; 0 when there is none.
    private var ping: UInt64 = 0
    /// When its answer has to be there, or the next one is asked though nothing was sent.
    private var pingAt: Instant?
    var seen = SeenStanzas()
    /// Of whom watchers are being told, and who of them was last.
    var telling: (user: UInt32, watcher: UInt32)?
    private var lastPing: UInt64 = 0
    /// Streams that ended one after the other with something on its way.
    private var brokenCount = 0
    /// When the first of those that a server refused for a while is due again.
    private var retryAt: Instant?
    /// Nothing goes out before: without a date, what a server refused for a while cannot be put behind the rest.
    private var pausedUntil: Instant?
    /// When more is told of who is there.
    private var tellsAt: Instant?
    var counters = ComponentCounters()

    /// Seconds for an answer, and between questions on a stream on which nothing happens.
    private static var patience: UInt64 { 30 }
    /// Octets of such a question.
    private static var pingByteCount: Int { 300 }

    var isUsed: Bool { section != nil }
    var isOpen: Bool { phase == .open }

    // MARK: Configuration

    /// Takes the section of the configuration instead of the one before.
    mutating func take(_ section: Upstream?, _ records: inout Records<Port>) {
        var isSame = false
        if let former = self.section, let section {
            isSame =
                former.urls[0].span.equals(section.urls[0].span)
                && former.secretPath.span.equals(section.secretPath.span)
        }
        isReplaced = phase != .closed && !isSame
        mustClose = mustClose || isReplaced
        self.section = section
        records.settings.remoteDomain = section?.domain ?? InlineBytes()
    }

    /// Becomes what the store says.
    mutating func reload(_ records: inout Records<Port>) {
        // What the turn wanted to say is not sent, and what it heard is heard once more.
        mustClose = phase != .closed
        seen.reload(records)
        records.hasNewStanzas = true
    }

    // MARK: The stream

    /// Begins a stream.
    mutating func begin(
        secret: InlineBytes<200>, _ records: borrowing Records<Port>, _ now: Instant, into writer: inout Writer
    ) {
        self.secret = secret
        phase = .opening
        mustClose = false
        isSound = false
        isReplaced = false
        inFlightCount = 0
        ping = 0
        pingAt = now.adding(seconds: Component.patience)
        writer.output.append(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
        )
        writer.attribute("to", records.settings.domain.span)
        writer.output.append(0x3E)
    }

    /// The server has begun it too, and named it: proves the secret. False when that is not due.
    mutating func prove(_ id: Span<UInt8>, into writer: inout Writer) -> Bool {
        guard phase == .opening, id.count <= 200 else { return false }
        var text = InlineBytes<400>()
        _ = text.append(id)
        _ = text.append(secret.span)
        secret.wipe()
        phase = .shaking
        writer.output.append("<handshake>")
        writer.output.append(hexadecimal: DigestAlgorithm.sha1.digest(text.span).span)
        writer.output.append("</handshake>")
        text.wipe()
        return true
    }

    /// The server has taken the proof. False when that is not due.
    mutating func opened(
        _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) -> Bool {
        guard phase == .shaking else { return false }
        phase = .open
        counters.streams += 1
        hasSaidClosed = false
        records.hasNewStanzas = true
        sessions.remotes.beginSweep()
        telling = nil
        pingAt = turn.now
        if turn.journal.begin(.xmppOpen, turn.now, turn.wall) {
            turn.journal.text("component", records.settings.domain.span)
            turn.journal.end()
        }
        return true
    }

    /// There is no stream any more.
    ///
    /// - Parameters:
    ///   - why: What the shell knows of it.
    ///   - isSaid: The server has said so.
    mutating func ended(
        _ why: StaticString, isSaid: Bool, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        // It is tried again and again, and told of once.
        if !hasSaidClosed, turn.journal.begin(.xmppClosed, turn.now, turn.wall) {
            hasSaidClosed = true
            switch phase {
            case .closed, .open: turn.journal.sentence("why", mustClose ? "it does not answer, or is another now" : why)
            case .opening: turn.journal.sentence("why", "the server does not know this component")
            case .shaking: turn.journal.sentence("why", "the server does not take the secret")
            }
            turn.journal.end()
        }
        let wasOpen = phase == .open
        phase = .closed
        mustClose = false
        pingAt = nil
        secret.wipe()
        if wasOpen {
            sessions.forgetRemotes()
            notePoison(&mailboxes, &sessions, &records, &turn)
            if !isSaid, !isReplaced { mailboxes.recallHandedOver(&records) }
        }
        inFlightCount = 0
    }

    /// What ends one stream after the other may be what is sent. Then it goes out alone, and if that is the end too, it waits
    /// and the others go first.
    private mutating func notePoison(
        _ mailboxes: inout Mailboxes<Port>, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard inFlightCount > 0 else { return }
        brokenCount += 1
        let place = inFlight[0]
        guard brokenCount > 3, inFlightCount == 1, let entry = records.outboxEntry(place) else { return }
        brokenCount = 0
        records.removeStanza(place)
        guard entry.kind == .message else { return records.send(entry, due: turn.wall.storedSeconds + 900) }
        refused(
            entry.message, of: entry.peer.span, .unableToDeliver, isTemporary: true, &mailboxes, &sessions, &records,
            &turn)
    }

    // MARK: What has to arrive

    /// When `send` is to be called, though nothing is new; nil while there is no stream.
    @inline(__always)
    var deadline: Instant? {
        guard phase != .closed, let pingAt else { return nil }
        guard phase == .open, !isBlocked else { return pingAt }
        return min(min(pingAt, retryAt ?? pingAt), tellsAt ?? pingAt)
    }

    /// Whether the stream is to be closed.
    ///
    /// - Parameter isBlocked: Nothing can be written to it now.
    mutating func isLate(_ now: Instant, isBlocked: Bool) -> Bool {
        self.isBlocked = isBlocked
        guard let pingAt, !mustClose else { return mustClose }
        return pingAt <= now && (isBlocked || ping != 0 || phase != .open)
    }

    /// Writes what waits, as far as there is room, with a question behind it.
    mutating func send(
        _ mailboxes: inout Mailboxes<Port>, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, into writer: inout Writer
    ) {
        guard phase == .open, !mustClose, let pingAt else { return }
        if let retryAt, retryAt <= turn.now {
            self.retryAt = nil
            records.hasNewStanzas = true
        }
        if ping == 0, records.hasNewStanzas { sendOutbox(&mailboxes, &sessions, &records, &turn, into: &writer) }
        tell(&sessions, records, into: &writer)
        tellsAt = telling != nil || sessions.remotes.hasChanges ? turn.now.adding(milliseconds: 10) : nil
        if ping == 0, inFlightCount > 0 || pingAt <= turn.now { ask(records, turn.now, into: &writer) }
    }

    private mutating func sendOutbox(
        _ mailboxes: inout Mailboxes<Port>, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, into writer: inout Writer
    ) {
        if let pausedUntil, turn.now < pausedUntil {
            retryAt = pausedUntil
            return
        }
        var last: OutboxPlace?
        let most = brokenCount > 2 ? 1 : inFlight.count
        while inFlightCount < most, let place = records.outboxPlace(after: last) {
            if turn.wall.isTrusted, place.due > turn.wall.secondsSince1970 {
                let wait = min(3600, place.due - turn.wall.secondsSince1970)
                retryAt = turn.now.adding(seconds: wait)
                break
            }
            let mark = writer.output.count
            if let entry = records.outboxEntry(place) { write(entry, records, turn.wall, into: &writer) }
            if writer.isOverflowed || writer.output.freeCapacity < Component.pingByteCount {
                writer.output.truncate(to: mark)
                if inFlightCount > 0 { break }
                // It is larger than all that can be sent.
                giveUp(place, &mailboxes, &sessions, &records, &turn)
                continue
            }
            inFlight[inFlightCount] = place
            inFlightCount += 1
            last = place
        }
        // What comes later says so.
        if inFlightCount == 0 { records.hasNewStanzas = false }
        counters.sent += UInt64(inFlightCount)
    }

    /// Asks oneself something by way of the server.
    private mutating func ask(_ records: borrowing Records<Port>, _ now: Instant, into writer: inout Writer) {
        let domain = records.settings.domain
        lastPing += 1
        ping = lastPing
        pingAt = now.adding(seconds: Component.patience)
        writer.output.append("<iq type='get'")
        writer.attribute("id", Decimal.digits(of: ping).span)
        writer.attribute("from", domain.span)
        writer.attribute("to", domain.span)
        writer.output.append("><ping xmlns='urn:xmpp:ping'/></iq>")
    }

    /// The server has everything before the question of this number.
    mutating func answered(
        _ id: Span<UInt8>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard ping != 0, Decimal.parse(id) == ping else { return }
        ping = 0
        brokenCount = 0
        isSound = true
        pingAt = turn.now.adding(seconds: 2 * Component.patience)
        for index in 0..<inFlightCount {
            guard let entry = records.outboxEntry(inFlight[index]) else { continue }
            records.removeStanza(inFlight[index])
            guard entry.kind == .message, let user = records.account(entry.peer.span)?.number else { continue }
            mailboxes.handOver(entry.message, to: user, &records, turn)
        }
        inFlightCount = 0
    }

    /// Takes a message out of what is on its way, because somebody has answered for it; false when it is not.
    @discardableResult
    mutating func settle(_ message: UInt64, to peer: Span<UInt8>, _ records: inout Records<Port>) -> Bool {
        var isSettled = false
        for index in 0..<inFlightCount {
            guard let entry = records.outboxEntry(inFlight[index]), entry.kind == .message, entry.message == message,
                entry.peer.span.equals(peer)
            else { continue }
            records.removeStanza(inFlight[index])
            isSettled = true
        }
        return isSettled
    }

    /// Nobody can have an entry.
    private mutating func giveUp(
        _ place: OutboxPlace, _ mailboxes: inout Mailboxes<Port>, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard let entry = records.outboxEntry(place) else { return records.removeStanza(place) }
        records.removeStanza(place)
        refused(
            entry.message, of: entry.peer.span, .badParameter, isTemporary: false, &mailboxes, &sessions, &records,
            &turn)
    }

    /// A message cannot be had where it was sent.
    @inline(never)
    mutating func refused(
        _ message: UInt64, of peer: Span<UInt8>, _ code: StatusCode, isTemporary: Bool,
        _ mailboxes: inout Mailboxes<Port>, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard let user = records.account(peer)?.number else { return }
        let isTriedAgain = mailboxes.bounce(
            message, of: user, code: code, isTemporary: isTemporary, &sessions, &records, &turn)
        counters.refused += 1
        // Without a date nobody knows when: all of it waits.
        if isTriedAgain, !turn.wall.isTrusted { pausedUntil = turn.now.adding(seconds: Component.patience) }
        guard turn.journal.begin(.xmppRefused, turn.now, turn.wall) else { return }
        turn.journal.text("msg", MessageID.text(message).span)
        turn.journal.text("to", peer)
        turn.journal.number("code", UInt64(code.rawValue))
        turn.journal.word("again", isTriedAgain ? "yes" : "no")
        turn.journal.end()
    }
}
