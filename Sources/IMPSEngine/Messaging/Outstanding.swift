/// What a server transaction is to its client; each is answered in its own way, or not at all.
enum SentForm: UInt8 {
    case newMessage, messageNotification, deliveryReport, systemMessage
    /// The client fetched the message by itself: it may confirm it, and owes no answer.
    case fetched

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

/// The server transactions of a session that wait for an answer.
struct OutstandingTable {
    @_transparent static var capacity: Int { Int(Limits.outstandingCountMax) }

    private var places = InlineArray<8, Outstanding>(repeating: Outstanding())
    /// The forms that the client answered when it was sent one last, and whether it left anything unanswered.
    private var answeredForms: UInt8 = 0
    private var hasIgnored = false

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
    func hasRoom(_ now: Instant, guardSeconds: UInt32, multiTrans: UInt8) -> Bool {
        var open: UInt8 = 0
        for place in 0..<OutstandingTable.capacity {
            let outstanding = places[place]
            guard outstanding.sequence != 0, outstanding.deliveries == 1, mayBeAnswered(outstanding.form),
                !outstanding.isOverdue(now, guardSeconds: guardSeconds)
            else { continue }
            open += 1
        }
        return open < multiTrans
    }

    /// The oldest entry that is due once more: overdue, and not sent often enough yet.
    func due(_ now: Instant, guardSeconds: UInt32, deliveriesMax: UInt8) -> UInt64? {
        var oldest: UInt64?
        for place in 0..<OutstandingTable.capacity {
            let outstanding = places[place]
            guard outstanding.sequence != 0, outstanding.form != .fetched,
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

    /// Notes that the client answered one of this form.
    mutating func noteAnswer(to form: SentForm) { answeredForms |= form.bit }

    /// Notes that the client had its time to answer one of this form, and did not.
    mutating func noteSilence(about form: SentForm) {
        answeredForms &= ~form.bit
        hasIgnored = true
    }

    private func mayBeAnswered(_ form: SentForm) -> Bool { !hasIgnored || answeredForms & form.bit != 0 }

    mutating func forget(_ sequence: UInt64) {
        if let place = place(of: sequence) { places[place] = Outstanding() }
    }
}
