import Digests
import Octets

/// The sessions, found by SessionID or by user; all memory is lent.
struct SessionTable: ~Copyable {
    /// No slot.
    static var none: UInt16 { .max }

    private var slots: Slab<Session>
    /// The first slot of each bucket; a user's sessions are all in one.
    private var buckets: Slab<UInt16>
    /// The sessions of each network.
    private var networks: HashMap<SessionList>
    /// The network that has, or had, more than half of all places; nil when there was none.
    private var greediest: UInt32?
    private var timers: SessionTimers
    private var calls = SessionList()
    /// The first of the slots that were in use and are free again.
    private var firstFree: UInt16
    /// Slots from here on were never in use; their memory is not touched.
    private(set) var end: UInt16 = 0

    private(set) var count = 0
    private(set) var countMost = 0
    var refusedCount: UInt64 = 0

    init(
        slots: consuming Slab<Session>, buckets: consuming Slab<UInt16>,
        networks: consuming Slab<HashMapPlace<SessionList>>,
        timers: consuming Slab<UInt16>
    ) {
        invariant(slots.count < Int(SessionTable.none), "IM030 slots within the index")
        invariant(buckets.count & (buckets.count - 1) == 0, "IM031 buckets are a power of two")
        invariant(networks.count >= 2 * slots.count && timers.count >= slots.count, "IM039 lists and timers for all")
        self.slots = slots
        self.buckets = buckets
        self.networks = HashMap(networks)
        self.timers = SessionTimers(timers)
        firstFree = SessionTable.none
        for index in 0..<self.buckets.count { self.buckets[index] = SessionTable.none }
    }

    var capacity: Int { slots.count }

    /// The session in a slot, changed in place.
    subscript(slot: UInt16) -> Session {
        _read { yield slots[Int(slot)] }
        _modify { yield &slots[Int(slot)] }
    }

    mutating func removeAll() {
        for slot in 0..<end { slots[Int(slot)] = Session() }
        for index in 0..<buckets.count { buckets[index] = SessionTable.none }
        networks.removeAll()
        greediest = nil
        calls = SessionList()
        timers.removeAll()
        firstFree = SessionTable.none
        end = 0
        count = 0
    }

    /// Whether a slot is free.
    var hasRoom: Bool { firstFree != SessionTable.none || Int(end) < slots.count }

    /// Takes a free slot for a session of `user`; nil when there is none.
    mutating func open(_ user: UInt32, from network: UInt32) -> UInt16? {
        let slot = firstFree
        if slot != SessionTable.none {
            firstFree = slots[Int(slot)].nextSlot
            insert(slot, user, network)
            return slot
        }
        guard Int(end) < slots.count else {
            refusedCount += 1
            return nil
        }
        end += 1
        insert(end - 1, user, network)
        return end - 1
    }

    /// Takes a given slot, behind all that are in use, for a session that was stored.
    mutating func open(_ stored: Session, at slot: UInt16) {
        invariant(slot >= end && Int(slot) < slots.count, "IM032 stored sessions in order")
        while end < slot {
            slots[Int(end)].nextSlot = firstFree
            firstFree = end
            end += 1
        }
        end += 1
        insert(slot, stored.user, stored.networkHash, stored)
    }

    private mutating func insert(_ slot: UInt16, _ user: UInt32, _ network: UInt32, _ session: Session = Session()) {
        let bucket = Int(truncatingIfNeeded: user) & (buckets.count - 1)
        slots[Int(slot)] = session
        slots[Int(slot)].isOpen = true
        slots[Int(slot)].user = user
        slots[Int(slot)].networkHash = network
        slots[Int(slot)].nextSlot = buckets[bucket]
        buckets[bucket] = slot
        enlist(slot)
        count += 1
        countMost = max(countMost, count)
    }

    mutating func close(_ slot: UInt16) {
        invariant(slots[Int(slot)].isOpen, "IM033 an open session")
        timers.remove(slot, &slots)
        calls.remove(slot, .call, &slots)
        leaveNetwork(slot)
        let bucket = Int(truncatingIfNeeded: slots[Int(slot)].user) & (buckets.count - 1)
        if buckets[bucket] == slot {
            buckets[bucket] = slots[Int(slot)].nextSlot
        } else {
            var before = buckets[bucket]
            while slots[Int(before)].nextSlot != slot { before = slots[Int(before)].nextSlot }
            slots[Int(before)].nextSlot = slots[Int(slot)].nextSlot
        }
        slots[Int(slot)] = Session()
        slots[Int(slot)].nextSlot = firstFree
        firstFree = slot
        count -= 1
    }

    // MARK: Users

    /// The first session of a user; nil when there is none.
    func first(of user: UInt32) -> UInt16? {
        match(buckets[Int(truncatingIfNeeded: user) & (buckets.count - 1)], user)
    }

    /// The next session of the same user.
    func next(after slot: UInt16) -> UInt16? {
        match(slots[Int(slot)].nextSlot, slots[Int(slot)].user)
    }

    private func match(_ start: UInt16, _ user: UInt32) -> UInt16? {
        var slot = start
        while slot != SessionTable.none {
            if slots[Int(slot)].user == user { return slot }
            slot = slots[Int(slot)].nextSlot
        }
        return nil
    }

    // MARK: Networks

    private mutating func enlist(_ slot: UInt16) {
        let network = slots[Int(slot)].networkHash
        let place = networks.find(network, orPut: SessionList())
        networks[place].append(slot, .network, &slots)
        if Int(networks[place].count) * 2 > slots.count { greediest = network }
    }

    private mutating func leaveNetwork(_ slot: UInt16) {
        guard let place = networks.find(slots[Int(slot)].networkHash) else { return }
        networks[place].remove(slot, .network, &slots)
        if networks[place].count == 0 { networks.remove(at: place) }
    }

    /// A session was heard of now, from a network: of this it is the last that gives way to others.
    mutating func heard(_ slot: UInt16, from network: UInt32) {
        if slots[Int(slot)].networkHash == network, let place = networks.find(network), networks[place].last == slot {
            return
        }
        leaveNetwork(slot)
        slots[Int(slot)].networkHash = network
        enlist(slot)
    }

    /// A session is the first of its network that gives way.
    mutating func yields(_ slot: UInt16) {
        guard let place = networks.find(slots[Int(slot)].networkHash) else { return }
        networks[place].remove(slot, .network, &slots)
        networks[place].prepend(slot, .network, &slots)
    }

    /// The session that gives way when there is no room: of a network that has more than half of all, and is another one
    /// than that of who comes, the one that was heard of longest ago.
    func greedySession(besides network: UInt32) -> UInt16? {
        guard let greediest, greediest != network, let place = networks.find(greediest),
            Int(networks[place].count) * 2 > slots.count
        else { return nil }
        return networks[place].first
    }

    // MARK: Calls

    /// Has the client of a session called after this turn.
    mutating func enqueueCall(_ slot: UInt16) {
        if !slots[Int(slot)].link(.call).isListed { calls.append(slot, .call, &slots) }
    }

    /// The next session whose client is to be called.
    mutating func takeCall() -> UInt16? {
        guard let slot = calls.first else { return nil }
        calls.remove(slot, .call, &slots)
        return slot
    }

    // MARK: Time

    /// When time has something to do next in a session; nil when there is none.
    var nextDue: Instant? { timers.first.map { slots[Int($0)].dueAt } }

    /// Has a session looked at when `time` comes, or before.
    mutating func schedule(_ slot: UInt16, at time: Instant) { timers.schedule(slot, at: time, &slots) }

    /// The next session whose time has come; it has to be scheduled anew.
    mutating func takeDue(_ now: Instant) -> UInt16? {
        guard let slot = timers.first, slots[Int(slot)].dueAt <= now else { return nil }
        timers.remove(slot, &slots)
        return slot
    }

    // MARK: Invariants

    /// Holds for every state; called after each step in debug builds and in the simulation.
    func checkInvariants() {
        var open = 0
        for bucket in 0..<buckets.count {
            var slot = buckets[bucket]
            while slot != SessionTable.none {
                invariant(slots[Int(slot)].isOpen, "IM034 a bucket holds open sessions")
                invariant(
                    Int(truncatingIfNeeded: slots[Int(slot)].user) & (buckets.count - 1) == bucket,
                    "IM035 a user's bucket")
                open += 1
                invariant(open <= slots.count, "IM036 buckets without rings")
                slot = slots[Int(slot)].nextSlot
            }
        }
        invariant(open == count, "IM037 every session in its bucket")
        var listed = 0
        for place in 0..<networks.count where networks.hash(at: place) != nil {
            networks[place].checkInvariants(.network, slots)
            listed += Int(networks[place].count)
        }
        invariant(listed == count && timers.count == count, "IM047 every session in a list and among the timers")
        calls.checkInvariants(.call, slots)
        timers.checkInvariants(slots)
    }
}

// MARK: - SessionID

extension SessionTable {
    /// The SessionID of a slot: its number and the secret in hexadecimal, 36 characters.
    func id(of slot: UInt16) -> InlineBytes<36> { SessionTable.name(slot, slots[Int(slot)].secret.span) }

    /// The slot of an open session with this SessionID.
    func find(id: Span<UInt8>) -> UInt16? {
        guard let slot = openSlot(in: id), SessionTable.areEqual(id, self.id(of: slot)) else { return nil }
        return slot
    }

    /// What names a session without telling its SessionID: its slot, and what only this server can make of its secret.
    func callKey(of slot: UInt16) -> InlineBytes<36> {
        var input = InlineBytes<20>()
        _ = input.append(slots[Int(slot)].secret.span)
        _ = input.append("cir")
        let digest = DigestAlgorithm.sha1.digest(input.span)
        return SessionTable.name(slot, digest.span.extracting(0..<16))
    }

    /// The slot of an open session with this key.
    func find(callKey: Span<UInt8>) -> UInt16? {
        guard let slot = openSlot(in: callKey), SessionTable.areEqual(callKey, self.callKey(of: slot)) else {
            return nil
        }
        return slot
    }

    private static func name(_ slot: UInt16, _ octets: Span<UInt8>) -> InlineBytes<36> {
        var text = InlineBytes<36>()
        for position in 1...4 {
            _ = text.append(Hexadecimal.digit(UInt8(truncatingIfNeeded: slot >> UInt16(16 - 4 * position))))
        }
        for index in octets.indices {
            _ = text.append(Hexadecimal.digit(octets[index] >> 4))
            _ = text.append(Hexadecimal.digit(octets[index]))
        }
        return text
    }

    /// The slot that a name of a session begins with; nil when no session is open there.
    private func openSlot(in name: Span<UInt8>) -> UInt16? {
        guard name.count == 36 else { return nil }
        var slot = 0
        for index in 0..<4 {
            guard let digit = Hexadecimal.value(name[index]) else { return nil }
            slot = slot << 4 | Int(digit)
        }
        return slot < Int(end) && slots[slot].isOpen ? UInt16(slot) : nil
    }

    /// Compares 36 characters in any case, in constant time.
    private static func areEqual(_ name: Span<UInt8>, _ expected: InlineBytes<36>) -> Bool {
        var difference: UInt8 = 0
        for index in 0..<36 { difference |= name[index].asciiLowercased ^ expected.span[index] }
        return difference == 0
    }
}
