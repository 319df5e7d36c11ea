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

/// Communication Initiation Requests: clients that do not poll by themselves are called when something waits for them.
///
/// Source: protocol/transport.md §6.
extension Engine where Port: ~Copyable {
    /// Something may wait for a session: its client is called after this turn, once until it is heard of.
    mutating func call(_ slot: UInt16) {
        guard canCall(slot) else { return }
        // Who was called in vain before is tried again with what is new.
        if sessions[slot].calls >= Limits.callsMax, sessions[slot].callAt == nil { sessions[slot].calls = 0 }
        guard sessions[slot].calls == 0 else { return }
        sessions[slot].needsCall = true
        hasCalls = true
    }

    /// Whether a client can be called now.
    func canCall(_ slot: UInt16) -> Bool {
        sessions[slot].hasChannel || sessions[slot].capabilities.cirMethods.contains(.sudp)
    }

    /// The client has spoken, and knows what waits from the Poll flag; what it does not answer it is called for later.
    mutating func heard(_ slot: UInt16, _ now: Instant) {
        sessions[slot].needsCall = false
        sessions[slot].calls = 0
        sessions[slot].callAt = nil
        guard canCall(slot), sessions[slot].mayHaveMore else { return }
        // What waits behind an open transaction may go when the client had its time to answer it.
        let next = sessions[slot].outstanding.nextOverdue(now, guardSeconds: settings.guardSeconds)
        scheduleCall(slot, at: next ?? now.adding(seconds: UInt64(settings.guardSeconds)))
    }

    private mutating func scheduleCall(_ slot: UInt16, at time: Instant) {
        sessions[slot].callAt = time
        scheduleSweep(at: time)
    }

    /// Has a client called for what is due by now, and once more when it was not heard of.
    mutating func callAgain(_ slot: UInt16, _ now: Instant) {
        if let remindAt = sessions[slot].remindAt, canCall(slot) {
            // Once: a client that was called in vain hears of it when it comes back by itself.
            if remindAt > now {
                scheduleSweep(at: remindAt)
            } else if sessions[slot].calls == 0 {
                call(slot)
            }
        }
        guard let callAt = sessions[slot].callAt else { return }
        guard callAt <= now else { return scheduleSweep(at: callAt) }
        sessions[slot].callAt = nil
        guard canCall(slot), sessions[slot].calls < Limits.callsMax else { return }
        sessions[slot].needsCall = true
        hasCalls = true
    }

    /// Whether a poll would bring anything.
    private mutating func waits(_ slot: UInt16, _ now: Instant) -> Bool {
        hasMore(in: slot, now) || sessions[slot].epoch != campaignEpoch && concernsCampaigns(slot)
            || isReminderDue(slot, now)
    }

    /// The next client to be called; to be asked for after what it is called for is durable.
    ///
    /// - Parameter words: Takes what to send: `WVCI`, the version and the cookie of the session.
    public mutating func nextCall(_ now: Instant, into words: inout FixedBytes) -> Call? {
        guard hasCalls else { return nil }
        while callPosition < sessions.end {
            let slot = callPosition
            callPosition += 1
            guard sessions[slot].isOpen, sessions[slot].needsCall else { continue }
            sessions[slot].needsCall = false
            guard canCall(slot), waits(slot, now) else { continue }
            guard sessions[slot].quietUntil <= now else {
                scheduleCall(slot, at: sessions[slot].quietUntil)
                continue
            }
            sessions[slot].calls += 1
            counters.calls += 1
            let isDatagram = !sessions[slot].hasChannel
            scheduleCall(slot, at: now.adding(seconds: isDatagram ? 10 : UInt64(settings.guardSeconds)))
            words.removeAll()
            words.append("WVCI ")
            words.append(sessions[slot].version.name)
            words.append(0x20)
            let record = clientRecord(of: slot)
            words.append(record.cookie.span)
            let way: Call.Way =
                isDatagram ? .datagram(record.address, sessions[slot].capabilities.udpPort) : .channel
            return Call(slot: slot, way: way)
        }
        hasCalls = false
        callPosition = 0
        return nil
    }

    /// Where a client was heard of last; datagrams follow it to another address.
    mutating func noteAddress(of slot: UInt16, _ client: Client) {
        guard sessions[slot].addressHash != client.addressHash else { return }
        sessions[slot].addressHash = client.addressHash
        sessions[slot].networkHash = client.networkHash
        guard sessions[slot].capabilities.cirMethods.contains(.sudp) else { return }
        let record = clientRecord(of: slot)
        storeSession(slot, cookie: record.cookie.span, client, agent: record.agent.span)
    }

    // MARK: STCP

    /// The element CIR for a client that agreed to keep a connection and has none; nil for all that do not ask for it,
    /// and as long as it may still be connecting.
    ///
    /// - Source: protocol/transport.md §7.
    func channelFlag(_ slot: UInt16, _ now: Instant) -> Bool? {
        guard sessions[slot].capabilities.cirMethods.contains(.stcp), !sessions[slot].hasChannel,
            sessions[slot].agreedAt.adding(seconds: UInt64(settings.guardSeconds)) <= now
        else { return nil }
        if sessions[slot].quirks.contains(.cirFalse) { return false }
        return sessions[slot].quirks.contains(.cirTrue) ? true : nil
    }

    /// A client keeps a connection to be called on, and says whose: the slot and the number of the session; nil when there
    /// is none with this SessionID.
    ///
    /// What waits already is told a moment later, because clients take what follows at once for the answer.
    public mutating func openChannel(_ id: Span<UInt8>, _ now: Instant) -> (slot: UInt16, number: UInt64)? {
        guard let slot = sessions.find(id: id) else { return nil }
        sessions[slot].hasChannel = true
        sessions[slot].calls = 0
        sessions[slot].quietUntil = Instant(milliseconds: now.milliseconds + 250)
        scheduleCall(slot, at: sessions[slot].quietUntil)
        return (slot, sessions[slot].number)
    }

    /// The connection of a session is still there, after the engine read its state again.
    public mutating func keepChannel(_ slot: UInt16, _ number: UInt64) {
        guard hasSession(slot, number) else { return }
        sessions[slot].hasChannel = true
        call(slot)
    }

    /// The connection of a session is gone.
    public mutating func closeChannel(_ slot: UInt16, _ number: UInt64) {
        if hasSession(slot, number) { sessions[slot].hasChannel = false }
    }

    /// Whether a session is still there.
    public func hasSession(_ slot: UInt16, _ number: UInt64) -> Bool {
        slot < sessions.end && sessions[slot].isOpen && sessions[slot].number == number
    }

    /// Counts the sessions that ended: when it changes, connections may have to be closed.
    public var endedSessionCount: UInt64 { counters.sessionsEnded }

    // MARK: SHTTP

    /// Whether something waits for the session that a URL names; nil when there is none.
    ///
    /// - Source: protocol/transport.md §6.4.
    public mutating func waits(callKey: Span<UInt8>, _ now: Instant) -> Bool? {
        guard let slot = sessions.find(callKey: callKey), sessions[slot].capabilities.cirMethods.contains(.shttp) else {
            return nil
        }
        return waits(slot, now)
    }
}
