import CSP
import Octets

/// What a server transaction is to its client; each is answered in its own way, or not at all.
enum SentForm: UInt8 {
    case newMessage, messageNotification, deliveryReport, systemMessage
    /// The client fetched the message by itself: it may confirm it, and owes no answer.
    case fetched
    case presenceAuth, notification

    fileprivate var bit: UInt8 { 1 << rawValue }
}

/// A server transaction that was sent and not answered yet.
struct Outstanding {
    /// The mailbox entry that it carries; 0 when the place is free.
    var sequence: UInt64 = 0
    /// Seconds of the monotonic clock when it was sent last.
    var sentAt: UInt32 = 0
    var deliveries: UInt8 = 0
    var form = SentForm.newMessage
    /// Nothing was heard of its last delivery within the guard time, and that was taken note of.
    var wasInVain = false

    /// The guard: whether the client had its time to answer. Source: protocol/transport.md §3.3.
    func isOverdue(_ now: Instant, guardSeconds: UInt32) -> Bool { now.seconds &- sentAt >= guardSeconds }
}

/// Which server transactions a client answers: what it is known to, it keeps room for.
struct AnsweredForms {
    /// The forms that the client answered when it was sent one last, and whether it left anything unanswered.
    private var bits: UInt8 = 0
    private var hasIgnored = false

    /// Notes that the client answered one of this form.
    mutating func noteAnswer(to form: SentForm) { bits |= form.bit }

    /// Notes that the client had its time to answer one of this form, and did not.
    mutating func noteSilence(about form: SentForm) {
        bits &= ~form.bit
        hasIgnored = true
    }

    /// Whether a transaction of this form may still be answered.
    func mayAnswer(_ form: SentForm) -> Bool { !hasIgnored || bits & form.bit != 0 }
}

/// The server transactions of a session that wait for an answer.
public struct OutstandingTable: ZeroInitializable {
    @_transparent static var capacity: Int { Int(Limits.outstandingCountMax) }

    private var places = InlineArray<8, Outstanding>(repeating: Outstanding())

    /// A table without any.
    public init() {}

    subscript(place: Int) -> Outstanding {
        get { places[place] }
        set { places[place] = newValue }
    }

    var isEmpty: Bool {
        for place in 0..<OutstandingTable.capacity where places[place].sequence != 0 { return false }
        return true
    }

    /// The place of an entry; nil when it is not under way.
    func place(of sequence: UInt64) -> Int? {
        for place in 0..<OutstandingTable.capacity where places[place].sequence == sequence { return place }
        return nil
    }

    /// The window: whether the client keeps one more transaction open.
    ///
    /// A transaction takes room from its first delivery until it is answered, for one guard time at most. When the client
    /// once left something unanswered, only what it is known to answer takes room: what nobody answers never holds up
    /// what follows.
    ///
    /// - Source: CL-10.
    func hasRoom(_ now: Instant, _ forms: AnsweredForms, guardSeconds: UInt32, multiTrans: UInt8) -> Bool {
        var open: UInt8 = 0
        for place in 0..<OutstandingTable.capacity {
            let outstanding = places[place]
            guard outstanding.sequence != 0, outstanding.deliveries == 1, forms.mayAnswer(outstanding.form),
                !outstanding.isOverdue(now, guardSeconds: guardSeconds)
            else { continue }
            open += 1
        }
        return open < multiTrans
    }

    /// The first entry after `sequence` that is due once more: overdue, and not sent often enough yet.
    func due(_ now: Instant, after sequence: UInt64, guardSeconds: UInt32, deliveriesMax: UInt8) -> UInt64? {
        var oldest: UInt64?
        for place in 0..<OutstandingTable.capacity {
            let outstanding = places[place]
            guard outstanding.sequence > sequence, outstanding.form != .fetched,
                outstanding.isOverdue(now, guardSeconds: guardSeconds), outstanding.deliveries < deliveriesMax
            else { continue }
            oldest = min(oldest ?? .max, outstanding.sequence)
        }
        return oldest
    }

    /// When the next guard time ends; nil when none runs.
    func nextOverdue(_ now: Instant, guardSeconds: UInt32) -> Instant? {
        var next: Instant?
        for place in 0..<OutstandingTable.capacity {
            let outstanding = places[place]
            guard outstanding.sequence != 0, !outstanding.isOverdue(now, guardSeconds: guardSeconds) else { continue }
            let left = UInt64(guardSeconds - (now.seconds &- outstanding.sentAt))
            let time = Instant(milliseconds: (now.milliseconds / 1000 + left) * 1000)
            next = min(next ?? time, time)
        }
        return next
    }

    /// Notes that an entry goes out.
    ///
    /// - Returns: The entry that had to make room, the one that was sent first.
    mutating func note(_ sequence: UInt64, as form: SentForm, _ now: Instant) -> Outstanding? {
        var evicted: Outstanding?
        let place = self.place(of: sequence) ?? self.place(of: 0) ?? oldest
        if places[place].sequence != sequence {
            if places[place].sequence != 0 { evicted = places[place] }
            places[place] = Outstanding()
        }
        places[place].sequence = sequence
        places[place].form = form
        places[place].sentAt = now.seconds
        places[place].wasInVain = false
        if places[place].deliveries < .max { places[place].deliveries += 1 }
        return evicted
    }

    /// Notes that the client fetched a message by itself, unless that has no room: what was sent is watched first.
    mutating func noteFetched(_ sequence: UInt64, _ now: Instant) {
        guard place(of: sequence) == nil else { return }
        let place = self.place(of: 0) ?? oldest
        guard places[place].sequence == 0 || places[place].form == .fetched else { return }
        places[place] = Outstanding()
        places[place].sequence = sequence
        places[place].form = .fetched
        places[place].sentAt = now.seconds
    }

    /// The place that is needed least: of what was fetched, else of what was sent first.
    private var oldest: Int {
        var oldest = 0
        for place in 1..<OutstandingTable.capacity {
            let isFetched = places[place].form == .fetched
            let wasFetched = places[oldest].form == .fetched
            if isFetched == wasFetched ? places[place].sentAt < places[oldest].sentAt : isFetched { oldest = place }
        }
        return oldest
    }

    mutating func forget(_ sequence: UInt64) {
        if let place = place(of: sequence) { places[place] = Outstanding() }
    }
}

/// Tables for the sessions that have something open: most have not, and need none.
struct OutstandingPool: ~Copyable {
    private var tables: Slab<OutstandingTable>
    /// Tables from here on were never in use; their memory is not touched.
    private var used: UInt16 = 0
    /// References to those that were in use and are free again.
    private var free: Slab<UInt16>
    private var freeCount = 0

    /// - Parameters:
    ///   - tables: One for each session at once.
    ///   - free: As many.
    init(_ tables: consuming Slab<OutstandingTable>, _ free: consuming Slab<UInt16>) {
        self.tables = tables
        self.free = free
    }

    /// The table of a session; `reference` is not 0.
    subscript(reference: UInt16) -> OutstandingTable {
        _read { yield tables[Int(reference) - 1] }
        _modify { yield &tables[Int(reference) - 1] }
    }

    /// A reference to an empty table: one that was used before, so that few are ever touched.
    mutating func take() -> UInt16 {
        guard freeCount == 0 else {
            freeCount -= 1
            return free[freeCount]
        }
        invariant(Int(used) < tables.count, "IM048 a table for each session")
        used += 1
        tables[Int(used) - 1] = OutstandingTable()
        return used
    }

    /// Takes a table back.
    mutating func release(_ reference: UInt16) {
        tables[Int(reference) - 1] = OutstandingTable()
        free[freeCount] = reference
        freeCount += 1
    }

    mutating func removeAll() {
        used = 0
        freeCount = 0
    }

    /// Holds for every state: each table that was ever used is free or a session's.
    func checkInvariants(open: Int) {
        invariant(open + freeCount == Int(used), "IM051 each table is free or of one session")
    }
}

extension Sessions where Port: ~Copyable {
    /// Whether a session has something open.
    func hasOutstanding(_ slot: UInt16) -> Bool { table[slot].delivery.outstanding != 0 }

    /// What a session has open at a place of its table; free when there is nothing.
    func outstanding(at place: Int, in slot: UInt16) -> Outstanding {
        let reference = table[slot].delivery.outstanding
        return reference == 0 ? Outstanding() : outstanding[reference][place]
    }

    /// What a session has open of an entry; nil when it is not under way.
    func outstanding(of sequence: UInt64, in slot: UInt16) -> Outstanding? {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return nil }
        return outstanding[reference].place(of: sequence).map { outstanding[reference][$0] }
    }

    /// The window: whether a client keeps one more transaction open.
    func hasWindow(_ slot: UInt16, _ settings: borrowing Settings, _ now: Instant) -> Bool {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return table[slot].capabilities.multiTrans > 0 }
        return outstanding[reference].hasRoom(
            now, table[slot].delivery.answered, guardSeconds: settings.guardSeconds,
            multiTrans: table[slot].capabilities.multiTrans)
    }

    /// The first entry after `sequence` that is due once more: overdue, and not sent often enough yet.
    func dueAgain(
        _ slot: UInt16, after sequence: UInt64, _ settings: borrowing Settings, _ now: Instant
    ) -> UInt64? {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return nil }
        return outstanding[reference].due(
            now, after: sequence, guardSeconds: settings.guardSeconds, deliveriesMax: settings.deliveriesMax)
    }

    /// When the next guard time of a session ends; nil when none runs.
    func nextOverdue(_ slot: UInt16, _ settings: borrowing Settings, _ now: Instant) -> Instant? {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return nil }
        return outstanding[reference].nextOverdue(now, guardSeconds: settings.guardSeconds)
    }

    /// Notes that an entry goes out.
    ///
    /// - Returns: The entry that had to make room, the one that was sent first.
    mutating func noteSent(_ sequence: UInt64, as form: SentForm, in slot: UInt16, _ now: Instant) -> Outstanding? {
        outstanding[openTable(of: slot)].note(sequence, as: form, now)
    }

    /// Notes that the client fetched a message by itself, unless that has no room: what was sent is watched first.
    mutating func noteFetched(_ sequence: UInt64, in slot: UInt16, _ now: Instant) {
        outstanding[openTable(of: slot)].noteFetched(sequence, now)
    }

    /// Notes that nothing was heard of a delivery within the guard time.
    mutating func noteInVain(at place: Int, in slot: UInt16) {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return }
        outstanding[reference][place].wasInVain = true
        table[slot].delivery.answered.noteSilence(about: outstanding[reference][place].form)
    }

    /// Expects nothing more of the client about an entry.
    mutating func forget(_ sequence: UInt64, in slot: UInt16) {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return }
        outstanding[reference].forget(sequence)
        if outstanding[reference].isEmpty { closeTable(of: slot) }
    }

    private mutating func openTable(of slot: UInt16) -> UInt16 {
        if table[slot].delivery.outstanding == 0 { table[slot].delivery.outstanding = outstanding.take() }
        return table[slot].delivery.outstanding
    }

    /// Gives back the table of a session.
    mutating func closeTable(of slot: UInt16) {
        let reference = table[slot].delivery.outstanding
        guard reference != 0 else { return }
        outstanding.release(reference)
        table[slot].delivery.outstanding = 0
    }
}
