import CSP
import Octets

/// "This person changed", for a session that watches him.
public struct PresenceMark: ZeroInitializable {
    fileprivate var user: UInt32 = 0
    /// The next mark of the same session, or of the free ones; a number and one more, 0 for none.
    fileprivate var next: UInt16 = 0
    /// What he is now is on its way.
    fileprivate var isSent = false

    /// A free mark.
    public init() {}
}

/// What a watcher has not been told yet: who changed, and not what or how often. Whoever asks late gets the newest state.
///
/// All memory is lent. A session whose marks do not fit is told of everybody once instead.
struct PresenceMarks: ~Copyable {
    /// Marks that one session has at most.
    static var countMax: UInt8 { 48 }

    private var marks: Slab<PresenceMark>
    private var firstFree: UInt16 = 0
    private var end = 0

    init(_ marks: consuming Slab<PresenceMark>) {
        invariant(marks.count < Int(UInt16.max), "IM090 marks within the index")
        self.marks = marks
    }

    /// Marks for so many sessions.
    static func count(sessions: Int) -> Int { min(65_000, 8 * sessions) }

    mutating func removeAll() {
        firstFree = 0
        end = 0
    }

    /// Adds a mark to a session's; false when there is no room.
    @inline(never)
    mutating func add(_ user: UInt32, to presence: inout SessionPresence) -> Bool {
        var link = presence.firstMark
        while link != 0 {
            if marks[Int(link) - 1].user == user {
                marks[Int(link) - 1].isSent = false
                return true
            }
            link = marks[Int(link) - 1].next
        }
        guard presence.markCount < PresenceMarks.countMax, let place = take() else { return false }
        marks[place] = PresenceMark()
        marks[place].user = user
        marks[place].next = presence.firstMark
        presence.firstMark = UInt16(place) + 1
        presence.markCount += 1
        return true
    }

    private mutating func take() -> Int? {
        if firstFree != 0 {
            let place = Int(firstFree) - 1
            firstFree = marks[place].next
            return place
        }
        guard end < marks.count else { return nil }
        end += 1
        return end - 1
    }

    /// The next user of a session's marks that is not on its way, which it is from now on; nil when there is none.
    mutating func takeUnsent(_ presence: SessionPresence) -> UInt32? {
        var link = presence.firstMark
        while link != 0 {
            let place = Int(link) - 1
            if !marks[place].isSent {
                marks[place].isSent = true
                return marks[place].user
            }
            link = marks[place].next
        }
        return nil
    }

    func hasUnsent(_ presence: SessionPresence) -> Bool {
        var link = presence.firstMark
        while link != 0 {
            if !marks[Int(link) - 1].isSent { return true }
            link = marks[Int(link) - 1].next
        }
        return false
    }

    /// What was on its way did not arrive.
    mutating func recall(_ presence: SessionPresence) {
        var link = presence.firstMark
        while link != 0 {
            marks[Int(link) - 1].isSent = false
            link = marks[Int(link) - 1].next
        }
    }

    /// This user goes back to those that are not on their way.
    mutating func recall(_ user: UInt32, _ presence: SessionPresence) {
        var link = presence.firstMark
        while link != 0 {
            if marks[Int(link) - 1].user == user { marks[Int(link) - 1].isSent = false }
            link = marks[Int(link) - 1].next
        }
    }

    /// What was on its way arrived.
    mutating func removeSent(_ presence: inout SessionPresence) { remove(&presence, onlySent: true) }

    /// Takes all marks of a session away.
    mutating func removeAll(_ presence: inout SessionPresence) { remove(&presence, onlySent: false) }

    @inline(never)
    private mutating func remove(_ presence: inout SessionPresence, onlySent: Bool) {
        var link = presence.firstMark
        var kept: UInt16 = 0
        var count: UInt8 = 0
        while link != 0 {
            let place = Int(link) - 1
            let next = marks[place].next
            if onlySent, !marks[place].isSent {
                marks[place].next = kept
                kept = link
                count += 1
            } else {
                marks[place].next = firstFree
                firstFree = link
            }
            link = next
        }
        presence.firstMark = kept
        presence.markCount = count
    }

    /// Holds for every state: each mark is free or of one session.
    func checkInvariants(marked: Int) {
        var free = 0
        var link = firstFree
        while link != 0 {
            free += 1
            invariant(free <= end, "IM091 free marks without rings")
            link = marks[Int(link) - 1].next
        }
        invariant(free + marked == end, "IM092 each mark is free or of one session")
    }

    /// The marks of a session, counted.
    func count(_ presence: SessionPresence) -> Int {
        var count = 0
        var link = presence.firstMark
        while link != 0 {
            count += 1
            invariant(count <= Int(PresenceMarks.countMax), "IM093 a session's marks without rings")
            link = marks[Int(link) - 1].next
        }
        return count
    }
}

/// A place among those whom a session watches: first the users, then the lists with who is on them.
struct WatchedPlace: BitwiseCopyable {
    /// The list; 0 while it is the users' turn.
    var list: UInt8 = 0
    /// The user that was told of last.
    var user: UInt32 = 0
}

/// What there is to know of presence in a session. Only `People/` changes it.
struct SessionPresence {
    /// Others see that its user is there, as far as this session goes.
    var isVisible = false
    /// It watches somebody.
    var watches = false
    /// It is notified when somebody puts its user on a contact list.
    var isNotified = false
    /// Users whom it watches by themselves.
    var watchedCount: UInt16 = 0
    /// What its user changed of his presence while others did not see him.
    var changedUnseen = PresenceAttributes.none
    fileprivate(set) var markCount: UInt8 = 0
    fileprivate(set) var firstMark: UInt16 = 0
    /// It is told of everybody it watches: those behind `told`.
    var isSweeping = false
    var told = WatchedPlace()
    /// The notification that its client has not answered; 0 for none.
    var inFlight: UInt64 = 0
    var sentAt = Instant(milliseconds: 0)
    /// How often the same was sent in vain.
    var tries: UInt8 = 0
    /// Where it was before the notification in flight, in case that is lost.
    var toldBefore = WatchedPlace()
    /// The notification in flight was part of telling of everybody.
    var sweptInFlight = false

    /// Something is not told, or not known to have arrived.
    var waits: Bool { markCount > 0 || isSweeping || inFlight != 0 }

    /// Somebody changed while it is told of everybody, and there was no room to mark him: it is done once more.
    var sweepsAgain = false

    /// Begins to tell of everybody; when that is going on, it is finished first and then begins again.
    mutating func beginSweep() {
        guard !isSweeping else {
            sweepsAgain = true
            return
        }
        isSweeping = true
        told = WatchedPlace()
        sweptInFlight = false
    }
}
