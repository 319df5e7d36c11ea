import CSP
import Octets
import Wire

/// A call to a client: poll now.
public struct Call: Sendable {
    /// How it is called.
    public enum Way: Sendable {
        /// On the connection that its session keeps.
        case channel
        /// By a datagram to this address and port.
        case datagram(InlineBytes<46>, UInt16)
    }

    /// The slot of its session.
    public var slot: UInt16
    /// How it is called.
    public var way: Way
}

/// A call by a short message. Source: protocol/transport.md §6.3, §6.5.
struct ShortMessageCall: BitwiseCopyable {
    var slot: UInt16 = 0
    /// The number of the session.
    var session: UInt64 = 0
    var user: UInt32 = 0
    /// It is a push of WAP, in octets; else text.
    var isPush = false
}

/// How the client of a session is called; only `Session/` changes it.
struct SessionCalling {
    /// The client is to be called after this turn. Source: protocol/transport.md §6.
    var needsCall = false
    /// Calls since the client was last heard of.
    var count: UInt8 = 0
    /// When to look whether it has to be called, again or at all; nil when nothing waits for that.
    var at: Instant?
    /// The client takes what comes before for the answer to its greeting.
    var quietUntil = Instant(milliseconds: 0)
    /// When it agreed on how it is called, in this process.
    var agreedAt = Instant(milliseconds: 0)
    /// It keeps a connection on which it can be called.
    var hasChannel = false
    /// It is in the queue of those that are called by a short message.
    var isQueuedForShortMessage = false
    /// No short message calls it before.
    var shortMessageFrom = Instant(milliseconds: 0)
    /// Short messages that were not taken, one after the other.
    var shortMessageFailures: UInt8 = 0
}

/// Sessions that are to be called by a short message, and whom one called lately: each costs somebody something.
///
/// It is kept when the rest becomes what the store says, so that a store that fails costs nothing more.
struct ShortMessageCalls {
    private struct Recent {
        var user: UInt32 = 0
        var at = Instant(milliseconds: 0)
    }

    private var slots = InlineArray<16, UInt16>(repeating: 0)
    private(set) var count = 0
    /// As many as may go out in a minute.
    private var recent = InlineArray<64, Recent>(repeating: Recent())

    mutating func append(_ slot: UInt16) -> Bool {
        guard count < slots.count else { return false }
        slots[count] = slot
        count += 1
        return true
    }

    mutating func removeFirst() -> UInt16? {
        guard count > 0 else { return nil }
        let first = slots[0]
        count -= 1
        for place in 0..<count { slots[place] = slots[place + 1] }
        return first
    }

    /// When a user may be called again, in whichever session.
    func mayCall(_ user: UInt32, _ now: Instant) -> Instant {
        var from = now
        var earliest = recent[0].at
        for place in recent.indices {
            if recent[place].user == user { from = max(from, ShortMessageCalls.end(of: recent[place].at)) }
            earliest = min(earliest, recent[place].at)
        }
        // Nobody is called when there were as many as there may be.
        return earliest == Instant(milliseconds: 0) ? from : max(from, ShortMessageCalls.end(of: earliest))
    }

    mutating func note(_ user: UInt32, _ now: Instant) {
        var oldest = 0
        for place in recent.indices where recent[place].at < recent[oldest].at { oldest = place }
        recent[oldest].user = user
        recent[oldest].at = now
    }

    private static func end(of time: Instant) -> Instant { time.adding(seconds: Limits.shortMessageSeconds) }
}

/// Communication Initiation Requests: clients that do not poll by themselves are called when something waits for them.
///
/// Source: protocol/transport.md §6.
extension Sessions where Port: ~Copyable {
    /// Something may wait for a session: its client is called after this turn, once until it is heard of.
    @inline(never)
    mutating func call(_ slot: UInt16) {
        guard canCall(slot) else { return }
        // Who was called in vain before is tried again with what is new.
        if table[slot].calling.count >= Limits.callsMax, table[slot].calling.at == nil { table[slot].calling.count = 0 }
        guard table[slot].calling.count == 0 else { return }
        table[slot].calling.needsCall = true
        table.enqueueCall(slot)
    }

    /// Whether a client can be called now.
    func canCall(_ slot: UInt16) -> Bool {
        let methods = table[slot].capabilities.cirMethods
        return table[slot].calling.hasChannel || methods.hasDatagrams || methods.hasShortMessages
    }

    /// Whether a client waits to be told by this server that it should poll: it is called, or asks at its URL.
    func isTold(_ slot: UInt16) -> Bool {
        canCall(slot) || table[slot].capabilities.cirMethods.contains(.shttp)
    }

    /// The client has spoken, and knows what waits from the Poll flag; what it does not answer it is called for later.
    mutating func heard(_ slot: UInt16, _ records: borrowing Records<Port>, _ now: Instant) {
        table[slot].calling.needsCall = false
        table[slot].calling.count = 0
        table[slot].calling.at = nil
        // It has heard of the last one, so the next need not wait as long as that.
        let soon = now.adding(seconds: Limits.shortMessageSeconds)
        table[slot].calling.shortMessageFrom = min(table[slot].calling.shortMessageFrom, soon)
        table[slot].calling.shortMessageFailures = 0
        table[slot].calling.isQueuedForShortMessage = false
        guard canCall(slot), table[slot].delivery.mayHaveMore || table[slot].presence.waits else { return }
        // What waits behind an open transaction may go when the client had its time to answer it.
        let next = nextOverdue(slot, records.settings, now)
        scheduleCall(slot, at: next ?? now.adding(seconds: UInt64(records.settings.guardSeconds)))
    }

    private mutating func scheduleCall(_ slot: UInt16, at time: Instant) {
        table[slot].calling.at = time
        table.schedule(slot, at: time)
    }

    /// Has a client called for what is due by now, and once more when it was not heard of.
    mutating func callAgain(_ slot: UInt16, _ now: Instant) {
        if let remindAt = table[slot].access.remindAt, remindAt <= now, canCall(slot), table[slot].calling.count == 0 {
            // Once: a client that was called in vain hears of it when it comes back by itself.
            call(slot)
        }
        guard let callAt = table[slot].calling.at, callAt <= now else { return }
        table[slot].calling.at = nil
        guard canCall(slot), table[slot].calling.count < Limits.callsMax else { return }
        table[slot].calling.needsCall = true
        table.enqueueCall(slot)
    }

    /// Whether a client is through with its negotiation: one that sleeps until it is called says nothing more after it.
    private mutating func isThrough(_ slot: UInt16, _ now: Instant) -> Bool {
        guard !table[slot].isReady, table[slot].closing == 0 else { return true }
        let end = table[slot].calling.agreedAt.adding(seconds: 2)
        guard end <= now else {
            scheduleCall(slot, at: end)
            return false
        }
        polled(slot)
        return true
    }

    /// Whether a poll would bring anything.
    private mutating func waits(
        _ slot: UInt16, _ mailboxes: borrowing Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ now: Instant
    ) -> Bool {
        mailboxes.hasMore(in: slot, &self, records, now)
            || systemMessages.mayAsk(slot, self, now) || table[slot].upstream.hasMore
    }

    /// The next client to be called; to be asked for after what it is called for is durable.
    ///
    /// - Parameter words: Takes what to send: `WVCI`, the version and the cookie of the session.
    mutating func nextCall(
        _ mailboxes: borrowing Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ now: Instant, into words: inout FixedBytes
    ) -> Call? {
        while let slot = table.takeCall() {
            guard table[slot].calling.needsCall else { continue }
            table[slot].calling.needsCall = false
            guard canCall(slot), isThrough(slot, now), waits(slot, mailboxes, systemMessages, records, now) else {
                continue
            }
            guard table[slot].calling.quietUntil <= now else {
                scheduleCall(slot, at: table[slot].calling.quietUntil)
                continue
            }
            guard !isForShortMessage(slot) else {
                callByShortMessage(slot, now)
                continue
            }
            table[slot].calling.count += 1
            counters.calls += 1
            let isDatagram = !table[slot].calling.hasChannel
            scheduleCall(slot, at: now.adding(seconds: isDatagram ? 10 : UInt64(records.settings.guardSeconds)))
            let isPush = isDatagram && !table[slot].capabilities.cirMethods.contains(.sudp)
            words.removeAll()
            if isPush { Sessions.writePushHead(into: &words) }
            writeCall(slot, records, into: &words)
            let record = records.clientRecord(of: slot)
            let port = isPush ? Sessions.pushPort : table[slot].capabilities.udpPort
            let way: Call.Way = isDatagram ? .datagram(record.address, port) : .channel
            return Call(slot: slot, way: way)
        }
        return nil
    }

    /// What a client is called with. Source: protocol/transport.md §6.
    private func writeCall(_ slot: UInt16, _ records: borrowing Records<Port>, into words: inout FixedBytes) {
        words.append("WVCI ")
        words.append(table[slot].version.name)
        words.append(0x20)
        let record = records.clientRecord(of: slot)
        words.append(record.cookie.span)
    }

    // MARK: Short messages

    /// Whether a short message is what is left: there is no connection, and datagrams have been in vain.
    private func isForShortMessage(_ slot: UInt16) -> Bool {
        let methods = table[slot].capabilities.cirMethods
        guard methods.hasShortMessages, !table[slot].calling.hasChannel else { return false }
        return !methods.hasDatagrams || table[slot].calling.count + 1 >= Limits.callsMax
    }

    /// Has a client called by one short message, unless the last one was a short while ago.
    private mutating func callByShortMessage(_ slot: UInt16, _ now: Instant) {
        guard !table[slot].calling.isQueuedForShortMessage else { return }
        let from = max(table[slot].calling.shortMessageFrom, shortMessageCalls.mayCall(table[slot].user, now))
        guard from <= now, shortMessageCalls.append(slot) else {
            scheduleCall(slot, at: max(from, now.adding(seconds: 1)))
            return
        }
        table[slot].calling.isQueuedForShortMessage = true
    }

    /// The next client that is called by a short message, with what it says.
    ///
    /// - Parameter text: Takes the words, with the head of a push before them where it is one.
    mutating func nextShortMessage(
        _ records: borrowing Records<Port>, _ now: Instant, into text: inout FixedBytes
    ) -> ShortMessageCall? {
        while let slot = shortMessageCalls.removeFirst() {
            // It may have come by itself, or the place be somebody else's by now.
            guard slot < table.end, table[slot].isOpen, table[slot].calling.isQueuedForShortMessage else { continue }
            table[slot].calling.isQueuedForShortMessage = false
            guard isForShortMessage(slot) else { continue }
            guard shortMessageCalls.mayCall(table[slot].user, now) <= now else {
                scheduleCall(slot, at: shortMessageCalls.mayCall(table[slot].user, now))
                continue
            }
            shortMessageCalls.note(table[slot].user, now)
            counters.calls += 1
            table[slot].calling.count = Limits.callsMax
            table[slot].calling.at = nil
            table[slot].calling.shortMessageFrom = now.adding(seconds: Limits.unheardShortMessageSeconds)
            let isPush = !table[slot].capabilities.cirMethods.contains(.ssms)
            text.removeAll()
            if isPush { Sessions.writePushHead(into: &text) }
            writeCall(slot, records, into: &text)
            return ShortMessageCall(
                slot: slot, session: table[slot].number, user: table[slot].user, isPush: isPush)
        }
        return nil
    }

    /// A short message was not taken: it is tried again, the later the more often that was so.
    ///
    /// - Parameter isFinal: It was refused as it is, and will be again.
    mutating func callFailed(_ call: ShortMessageCall, isFinal: Bool, _ now: Instant) {
        guard hasSession(call.slot, call.session) else { return }
        let waits: [4 of UInt64] = [60, 300, 1800, Limits.unheardShortMessageSeconds]
        let place = isFinal ? 3 : Int(min(3, table[call.slot].calling.shortMessageFailures))
        table[call.slot].calling.shortMessageFailures = UInt8(place + 1)
        callLater(call, at: now.adding(seconds: waits[place]))
    }

    /// A short message was not sent, for want of something of ours: it is tried again at `time`.
    mutating func callLater(_ call: ShortMessageCall, at time: Instant) {
        guard hasSession(call.slot, call.session), table[call.slot].calling.count > 0 else { return }
        table[call.slot].calling.count = Limits.callsMax - 1
        table[call.slot].calling.shortMessageFrom = time
        scheduleCall(call.slot, at: time)
    }

    /// Where handsets await pushes of WAP. Source: protocol/transport.md §6.5.
    private static var pushPort: UInt16 { 2948 }

    /// What stands before the words in a push of WSP: a transaction, Push, the length of the head, the content type
    /// `application/vnd.wv.csp.cir`, and the application `x-wap-application:wv.ua`. Source: protocol/transport.md §6.5.
    private static func writePushHead(into words: inout FixedBytes) {
        let head: InlineArray<6, UInt8> = [0x01, 0x06, 0x03, 0xC6, 0xAF, 0x8A]
        for index in head.indices { words.append(head[index]) }
    }

    /// Where a client was heard of last; datagrams follow it to another address.
    mutating func noteAddress(of slot: UInt16, _ client: Client, _ records: inout Records<Port>) {
        guard table[slot].addressHash != client.addressHash else { return }
        table[slot].addressHash = client.addressHash
        table.heard(slot, from: client.networkHash)
        guard table[slot].capabilities.cirMethods.hasDatagrams else { return }
        let record = records.clientRecord(of: slot)
        storeSession(slot, cookie: record.cookie.span, client, agent: record.agent.span, &records)
    }

    // MARK: STCP

    /// The element CIR for a client that agreed to keep a connection and has none; nil for all that do not ask for it,
    /// and as long as it may still be connecting.
    ///
    /// - Source: protocol/transport.md §7.
    func channelFlag(_ slot: UInt16, _ records: borrowing Records<Port>, _ now: Instant) -> Bool? {
        guard table[slot].capabilities.cirMethods.contains(.stcp), !table[slot].calling.hasChannel,
            table[slot].calling.agreedAt.adding(seconds: UInt64(records.settings.guardSeconds)) <= now
        else { return nil }
        if table[slot].quirks.contains(.cirFalse) { return false }
        return table[slot].quirks.contains(.cirTrue) ? true : nil
    }

    /// A client keeps a connection to be called on, and says whose: the slot and the number of the session; nil when there
    /// is none with this SessionID.
    ///
    /// What waits already is told a moment later, because clients take what follows at once for the answer.
    mutating func openChannel(_ id: Span<UInt8>, _ now: Instant) -> (slot: UInt16, number: UInt64)? {
        guard let slot = table.find(id: id) else { return nil }
        // It waits from now on, so it is through with its negotiation.
        polled(slot)
        table[slot].calling.hasChannel = true
        table[slot].calling.count = 0
        table[slot].calling.quietUntil = Instant(milliseconds: now.milliseconds + 250)
        scheduleCall(slot, at: table[slot].calling.quietUntil)
        return (slot, table[slot].number)
    }

    /// The connection of a session is still there, after the engine read its state again.
    mutating func keepChannel(_ slot: UInt16, _ number: UInt64) {
        guard hasSession(slot, number) else { return }
        table[slot].calling.hasChannel = true
        call(slot)
    }

    /// The connection of a session is gone.
    mutating func closeChannel(_ slot: UInt16, _ number: UInt64) {
        if hasSession(slot, number) { table[slot].calling.hasChannel = false }
    }

    /// Whether a session is still there.
    func hasSession(_ slot: UInt16, _ number: UInt64) -> Bool {
        slot < table.end && table[slot].isOpen && table[slot].number == number
    }

    // MARK: SHTTP

    /// Whether something waits for the session that a URL names; nil when there is none.
    ///
    /// - Source: protocol/transport.md §6.4.
    mutating func waits(
        callKey: Span<UInt8>, _ mailboxes: borrowing Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: borrowing Records<Port>, _ now: Instant
    ) -> Bool? {
        guard let slot = table.find(callKey: callKey), table[slot].capabilities.cirMethods.contains(.shttp) else {
            return nil
        }
        return waits(slot, mailboxes, systemMessages, records, now)
    }
}
