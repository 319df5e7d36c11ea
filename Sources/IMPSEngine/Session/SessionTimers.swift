import Octets

/// When time alone has something to do in a session: a heap of slots, the earliest in front.
struct SessionTimers: ~Copyable {
    private var order: Slab<UInt16>
    private(set) var count = 0

    init(_ order: consuming Slab<UInt16>) { self.order = order }

    /// The session whose time comes first.
    var first: UInt16? { count == 0 ? nil : order[0] }

    /// Has a session looked at when `time` comes, or before.
    mutating func schedule(_ slot: UInt16, at time: Instant, _ slots: inout Slab<Session>) {
        let place = Int(slots[Int(slot)].timerPlace)
        if place > 0 {
            guard time < slots[Int(slot)].dueAt else { return }
            slots[Int(slot)].dueAt = time
            rise(from: place - 1, &slots)
        } else {
            slots[Int(slot)].dueAt = time
            order[count] = slot
            slots[Int(slot)].timerPlace = UInt16(count) + 1
            count += 1
            rise(from: count - 1, &slots)
        }
    }

    /// Takes a session out, whatever waits for it.
    mutating func remove(_ slot: UInt16, _ slots: inout Slab<Session>) {
        let place = Int(slots[Int(slot)].timerPlace) - 1
        guard place >= 0 else { return }
        slots[Int(slot)].timerPlace = 0
        count -= 1
        guard place < count else { return }
        put(order[count], at: place, &slots)
        rise(from: place, &slots)
        sink(from: Int(slots[Int(order[place])].timerPlace) - 1, &slots)
    }

    mutating func removeAll() { count = 0 }

    private mutating func put(_ slot: UInt16, at place: Int, _ slots: inout Slab<Session>) {
        order[place] = slot
        slots[Int(slot)].timerPlace = UInt16(place) + 1
    }

    private mutating func rise(from start: Int, _ slots: inout Slab<Session>) {
        var place = start
        while place > 0, slots[Int(order[place])].dueAt < slots[Int(order[(place - 1) / 2])].dueAt {
            exchange(place, (place - 1) / 2, &slots)
            place = (place - 1) / 2
        }
    }

    private mutating func sink(from start: Int, _ slots: inout Slab<Session>) {
        var place = start
        while 2 * place + 1 < count {
            var child = 2 * place + 1
            if child + 1 < count, slots[Int(order[child + 1])].dueAt < slots[Int(order[child])].dueAt { child += 1 }
            guard slots[Int(order[child])].dueAt < slots[Int(order[place])].dueAt else { return }
            exchange(place, child, &slots)
            place = child
        }
    }

    private mutating func exchange(_ first: Int, _ second: Int, _ slots: inout Slab<Session>) {
        let slot = order[first]
        put(order[second], at: first, &slots)
        put(slot, at: second, &slots)
    }

    /// Holds for every state: nobody waits behind somebody whose time comes later, and each knows its place.
    func checkInvariants(_ slots: borrowing Slab<Session>) {
        for place in 0..<count {
            invariant(Int(slots[Int(order[place])].timerPlace) == place + 1, "IM045 a timer knows its place")
            let before = order[max(0, place - 1) / 2]
            invariant(slots[Int(before)].dueAt <= slots[Int(order[place])].dueAt, "IM046 timers in the order of time")
        }
    }
}

extension Sessions where Port: ~Copyable {
    /// The next session for which time has something to do.
    mutating func takeDue(_ now: Instant) -> UInt16? { table.takeDue(now) }

    /// Ends a session that was silent for too long, or has its client called for what is due.
    mutating func timePassed(
        _ slot: UInt16, _ mailboxes: inout Mailboxes<Port>, _ systemMessages: borrowing SystemMessages<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        if table[slot].expiresAt <= turn.now {
            endSession(slot, .expired, &mailboxes, systemMessages, &records, &turn)
        } else {
            callAgain(slot, turn.now)
        }
    }

    /// Has a session looked at when time has something to do in it next. Requests move its end on without telling; so
    /// this may be early, and then it is looked at again.
    mutating func scheduleNext(_ slot: UInt16, _ now: Instant) {
        var next = table[slot].expiresAt
        if let time = table[slot].calling.at { next = min(next, time) }
        if let time = table[slot].access.answerBy { next = min(next, time) }
        if let time = table[slot].upstream.watchAt { next = min(next, time) }
        if let time = table[slot].access.remindAt, time > now, canCall(slot) { next = min(next, time) }
        table.schedule(slot, at: next)
    }
}
