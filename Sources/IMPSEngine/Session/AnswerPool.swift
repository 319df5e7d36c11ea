import Octets

/// Where the answer to a request lies that must not be done twice.
public struct KeptAnswer: ZeroInitializable {
    /// The low half of the hash over TransactionID and body; the record has all of it.
    var hash: UInt32 = 0
    /// The low half of the answer's sequence number.
    var sequence: UInt32 = 0
    /// Seconds of the monotonic clock when it was given.
    var at: UInt32 = 0
    /// The place of the one after it in the same session, behind the last the first again; or of the next free one. Counted
    /// from 1.
    fileprivate var next: UInt32 = 0

    /// A free place.
    public init() {}

    init(hash: UInt64, sequence: UInt64, at: UInt32) {
        self.hash = UInt32(truncatingIfNeeded: hash)
        self.sequence = UInt32(truncatingIfNeeded: sequence)
        self.at = at
    }
}

/// The kept answers of a session: a ring, of which the last one is known.
struct AnswerChain: BitwiseCopyable {
    /// Counted from 1; 0 for none.
    fileprivate(set) var last: UInt32 = 0
    fileprivate(set) var count: UInt8 = 0
}

/// The kept answers of all sessions: two for each in any case, and as many as `Limits.answerCount` for those that ask more,
/// as long as there are places beside those.
struct AnswerPool: ~Copyable {
    private var places: Slab<KeptAnswer>
    /// Places from here on were never in use; their memory is not touched.
    private var used = 0
    private var firstFree: UInt32 = 0
    private var freeCount: Int

    init(_ places: consuming Slab<KeptAnswer>) {
        freeCount = places.count
        self.places = places
    }

    /// Places that a server with so many sessions needs.
    static func count(sessions: Int) -> Int { 4 * sessions + 64 }

    private static var least: Int { 2 }

    /// The answer behind a place of a chain, and its own place: from `last` on, the first that was kept.
    func answer(after place: UInt32) -> (answer: KeptAnswer, place: UInt32) {
        let next = places[Int(place) - 1].next
        return (places[Int(next) - 1], next)
    }

    /// Keeps one more answer of a session.
    ///
    /// - Parameter isStored: It was kept before, when there was a place for it.
    /// - Returns: The sequence number, its low half, of the one that made room for it; 0 for none.
    mutating func keep(_ answer: KeptAnswer, in chain: inout AnswerChain, isStored: Bool = false) -> UInt32 {
        var displaced: UInt32 = 0
        let reserve = AnswerPool.least * (places.count - 64) / 4
        let hasPlace = freeCount > (isStored ? 0 : reserve)
        if Int(chain.count) >= (hasPlace ? Int(Limits.answerCount) : AnswerPool.least) {
            displaced = removeFirst(of: &chain) ?? 0
        }
        let place = takePlace()
        places[Int(place) - 1] = answer
        if chain.last == 0 {
            places[Int(place) - 1].next = place
        } else {
            places[Int(place) - 1].next = places[Int(chain.last) - 1].next
            places[Int(chain.last) - 1].next = place
        }
        chain.last = place
        chain.count += 1
        return displaced
    }

    /// Takes the oldest answer of a session away; its sequence number, or nil when there is none.
    mutating func removeFirst(of chain: inout AnswerChain) -> UInt32? {
        guard chain.count > 0 else { return nil }
        let place = places[Int(chain.last) - 1].next
        places[Int(chain.last) - 1].next = places[Int(place) - 1].next
        chain.count -= 1
        if chain.count == 0 { chain.last = 0 }
        places[Int(place) - 1].next = firstFree
        firstFree = place
        freeCount += 1
        return places[Int(place) - 1].sequence
    }

    mutating func removeAll() {
        used = 0
        firstFree = 0
        freeCount = places.count
    }

    private mutating func takePlace() -> UInt32 {
        freeCount -= 1
        if firstFree != 0 {
            let place = firstFree
            firstFree = places[Int(place) - 1].next
            return place
        }
        used += 1
        return UInt32(used)
    }

    /// Holds for every state: each place is free or in one chain.
    ///
    /// - Parameter kept: Answers in the chains of all sessions.
    func checkInvariants(kept: Int) {
        invariant(kept + freeCount == places.count, "IM050 each place of an answer is free or in a chain")
    }
}
