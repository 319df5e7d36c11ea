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
