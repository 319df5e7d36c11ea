import Octets

/// A place in a list of sessions; numbers are slots and one more, so that 0 is none.
struct SessionLink: BitwiseCopyable {
    fileprivate var before: UInt16 = 0
    fileprivate var after: UInt16 = 0
    fileprivate(set) var isListed = false
}

/// Which of its lists a session is in.
enum SessionListKind {
    /// Those of one network, the one that was heard of longest ago in front.
    case network
    /// Those whose clients are to be called.
    case call
}

/// A list of sessions that is linked through their slots.
public struct SessionList: ZeroInitializable {
    private var firstLink: UInt16 = 0
    private var lastLink: UInt16 = 0
    private(set) var count: UInt16 = 0

    /// A list without sessions.
    public init() {}

    var first: UInt16? { firstLink == 0 ? nil : firstLink - 1 }
    var last: UInt16? { lastLink == 0 ? nil : lastLink - 1 }

    func next(after slot: UInt16, _ kind: SessionListKind, _ slots: borrowing Slab<Session>) -> UInt16? {
        let after = slots[Int(slot)].link(kind).after
        return after == 0 ? nil : after - 1
    }

    mutating func append(_ slot: UInt16, _ kind: SessionListKind, _ slots: inout Slab<Session>) {
        slots[Int(slot)].setLink(kind, SessionLink(before: lastLink, isListed: true))
        if lastLink == 0 { firstLink = slot + 1 } else { change(lastLink, kind, &slots) { $0.after = slot + 1 } }
        lastLink = slot + 1
        count += 1
    }

    mutating func prepend(_ slot: UInt16, _ kind: SessionListKind, _ slots: inout Slab<Session>) {
        slots[Int(slot)].setLink(kind, SessionLink(after: firstLink, isListed: true))
        if firstLink == 0 { lastLink = slot + 1 } else { change(firstLink, kind, &slots) { $0.before = slot + 1 } }
        firstLink = slot + 1
        count += 1
    }

    mutating func remove(_ slot: UInt16, _ kind: SessionListKind, _ slots: inout Slab<Session>) {
        let link = slots[Int(slot)].link(kind)
        guard link.isListed else { return }
        if link.before == 0 {
            firstLink = link.after
        } else {
            change(link.before, kind, &slots) { $0.after = link.after }
        }
        if link.after == 0 {
            lastLink = link.before
        } else {
            change(link.after, kind, &slots) { $0.before = link.before }
        }
        slots[Int(slot)].setLink(kind, SessionLink())
        count -= 1
    }

    private func change(
        _ reference: UInt16, _ kind: SessionListKind, _ slots: inout Slab<Session>, _ body: (inout SessionLink) -> Void
    ) {
        var link = slots[Int(reference) - 1].link(kind)
        body(&link)
        slots[Int(reference) - 1].setLink(kind, link)
    }

    /// Holds for every state: as many as are counted, each of which knows the one before it.
    func checkInvariants(_ kind: SessionListKind, _ slots: borrowing Slab<Session>) {
        var found: UInt16 = 0
        var before: UInt16 = 0
        var next = first
        while let slot = next {
            let link = slots[Int(slot)].link(kind)
            invariant(link.isListed && link.before == before, "IM042 a list of sessions is linked both ways")
            found += 1
            invariant(found <= count, "IM043 a list of sessions without rings")
            before = slot + 1
            next = self.next(after: slot, kind, slots)
        }
        invariant(found == count && lastLink == before, "IM044 a list of sessions is counted")
    }
}

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
