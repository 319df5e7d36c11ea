import Octets

/// What the shell asks of the engine besides `handle` and `control`; the rooms answer.
extension Engine where Port: ~Copyable {
    // MARK: Calls

    /// The next client to be called; to be asked for after what it is called for is durable.
    ///
    /// - Parameter words: Takes what to send: `WVCI`, the version and the cookie of the session.
    public mutating func nextCall(_ now: Instant, into words: inout FixedBytes) -> Call? {
        sessions.nextCall(mailboxes, systemMessages, records, now, into: &words)
    }

    /// A client keeps a connection to be called on, and says whose: the slot and the number of the session; nil when there
    /// is none with this SessionID.
    ///
    /// What waits already is told a moment later, because clients take what follows at once for the answer.
    public mutating func openChannel(_ id: Span<UInt8>, _ now: Instant) -> (slot: UInt16, number: UInt64)? {
        let channel = sessions.openChannel(id, now)
        if let channel { gateway.watch(channel.slot, &sessions, now, isNew: true) }
        return channel
    }

    /// The connection of a session is still there, after the engine read its state again.
    public mutating func keepChannel(_ slot: UInt16, _ number: UInt64) {
        sessions.keepChannel(slot, number)
        if sessions.hasSession(slot, number) { gateway.watch(slot, &sessions, sessions[slot].lastSeen) }
    }

    /// The connection of a session is gone.
    public mutating func closeChannel(_ slot: UInt16, _ number: UInt64) { sessions.closeChannel(slot, number) }

    /// Whether a session is still there.
    public func hasSession(_ slot: UInt16, _ number: UInt64) -> Bool { sessions.hasSession(slot, number) }

    /// Counts the sessions that ended: when it changes, connections may have to be closed.
    public var endedSessionCount: UInt64 { sessions.counters.ended }

    /// Whether something waits for the session that a URL names; nil when there is none.
    ///
    /// - Source: protocol/transport.md §6.4.
    public mutating func waits(callKey: Span<UInt8>, _ now: Instant) -> Bool? {
        sessions.waits(callKey: callKey, mailboxes, systemMessages, records, now)
    }

    // MARK: Notifications

    /// The next request that tells somebody who is offline; nil when there is none now. To be asked for after what it tells
    /// of is durable; it may change what is stored itself.
    ///
    /// - Parameter text: Takes what the request says.
    public mutating func nextNotification(_ turn: inout Turn, into text: inout FixedBytes) -> NotificationOrder? {
        notifier.nextCall(&sessions, records, turn.now, into: &text)
            ?? notifier.next(sessions, &records, &turn, into: &text)
    }

    /// Whether it is worth asking for one.
    public func hasNotifications(_ wall: WallTime) -> Bool {
        sessions.shortMessageCalls.count > 0 || notifier.mayHaveNext(records, wall)
    }

    /// An order is not carried out after all; it is given out again.
    public mutating func cancelNotification(_ place: Int, _ turn: borrowing Turn) {
        if !notifier.cancelCall(place, &sessions, turn.now) { notifier.cancel(place, &records, turn) }
    }

    /// What became of such a request.
    ///
    /// - Parameters:
    ///   - place: The one of the order.
    ///   - body: What the answer says.
    public mutating func notificationEnded(
        _ place: Int, _ outcome: NotificationOutcome, body: Span<UInt8>, _ turn: inout Turn
    ) {
        guard !notifier.callEnded(place, outcome, body: body, &sessions, &turn) else { return }
        notifier.ended(place, outcome, body: body, &records, &turn)
    }

    /// Takes the `notify` sections of the configuration instead of those before: all of them between begin and end.
    public mutating func beginNotifySections() { notifier.beginSections() }

    /// Takes one of them.
    public mutating func take(_ section: borrowing NotifySection, name: Span<UInt8>) {
        notifier.take(section, name: name)
    }

    /// They are used from now on.
    public mutating func endNotifySections() { notifier.endSections(&records) }

    // MARK: Services behind this one

    /// Takes the `upstream` sections of the configuration instead of those before: all of them between begin and end.
    public mutating func beginUpstreams() {
        gateway.beginSections()
        newComponent = nil
    }

    /// Takes one of them.
    public mutating func take(_ section: borrowing Upstream, name: Span<UInt8>) {
        if section.isXMPP {
            if section.finish(name: name) == nil { newComponent = copy section }
        } else {
            gateway.take(section, name: name)
        }
    }

    /// They are used from now on.
    public mutating func endUpstreams(_ turn: inout Turn) {
        component.take(newComponent, &records)
        gateway.endSections(&sessions, &mailboxes, systemMessages, &records, &turn)
    }

    /// How many answers of them are awaited.
    public var relayCount: Int { gateway.relayCount }

    // MARK: Time

    /// The wall clock began to be trusted: `timePassed` looks at all that hangs on the date.
    public mutating func clockBegan(_ now: Instant) { systemMessages.deadline.schedule(at: now) }

    // MARK: Configuration

    /// Whether a section was taken already as it is, whatever became of its campaign.
    public func hasTaken(section name: Span<UInt8>, _ hash: UInt64) -> Bool {
        systemMessages.hasTaken(section: name, hash, records)
    }

    /// Takes away the campaigns of sections that are not there any more.
    ///
    /// - Parameter isThere: Whether the configuration has a section with this name.
    public mutating func endSections(_ turn: inout Turn, _ isThere: (Span<UInt8>) -> Bool) {
        systemMessages.endSections(&sessions, &records, &turn, isThere)
    }

    /// Keeps the text of a help section.
    public mutating func setHelp(_ name: Span<UInt8>, _ text: Span<UInt8>) { records.setHelp(name, text) }

    /// Forgets the texts of help sections that are not there any more.
    ///
    /// - Parameter isThere: Whether the configuration has a section with this name.
    public mutating func endHelp(_ isThere: (Span<UInt8>) -> Bool) { records.endHelp(isThere) }

    // MARK: The store

    /// The version of the keys and records.
    public static var schema: UInt64 { Records<Port>.schema }

    /// Makes sure that the store has this version's keys and records; a new store gets them, an older one is changed.
    ///
    /// - Parameters:
    ///   - pageByteCount: Octets of a page of the store.
    ///   - isSealed: The values have seals, so it is ours, though the fact may be lost.
    public mutating func claimSchema(pageByteCount: UInt64, isSealed: Bool) -> SchemaState {
        records.claimSchema(pageByteCount: pageByteCount, isSealed: isSealed)
    }

    /// Notes that a process uses the store, and tells how the one before ended.
    ///
    /// - Parameter boot: What the kernel calls the time since it started.
    public mutating func beginRun(boot: Span<UInt8>) -> PreviousRun {
        let run = records.beginRun(boot: boot)
        // The XMPP server may have been on this machine.
        if run == .powerCut { mailboxes.recallHandedOver(&records) }
        return run
    }

    /// Notes that the process ends as it should.
    public mutating func endRun() {
        gateway.endRun(sessions, &records)
        records.endRun()
    }

    /// Reads from the store what is always there; false when that is not possible.
    public func answers() -> Bool { records.answers() }

    /// True when the store has nothing but facts about itself.
    public var isEmpty: Bool { records.isEmpty }

    /// True when there is an account.
    public var hasAccounts: Bool { records.hasAccounts }
}
