import Octets

/// A user for whom messages were refused because his mailbox was full.
public struct RefusedMessages: ZeroInitializable {
    /// 0 for a free place.
    var user: UInt32 = 0
    var count: UInt32 = 0

    /// A free place.
    public init() {}
}

/// Who comes back to a full mailbox is told how much he missed.
///
/// The counts are kept in memory and written every ten minutes at most: a flood of messages to a full mailbox may not
/// wear the flash. The senders were refused, so a count that a power cut takes loses nothing that was accepted.
extension SystemMessages where Port: ~Copyable {
    private static var writeSeconds: UInt64 { 600 }

    /// Counts a message that was refused because a mailbox was full. When more users are concerned than there are places,
    /// the others are not told.
    mutating func countRefused(_ user: UInt32, _ now: Instant) {
        var free: Int?
        for index in 0..<refused.count {
            if refused[index].user == user {
                refused[index].count = refused[index].count.saturatingAdd(1)
                return
            }
            if refused[index].user == 0 { free = free ?? index }
        }
        guard let free else { return }
        refused[free].user = user
        refused[free].count = 1
        if refusedAt == nil { refusedAt = now.adding(seconds: SystemMessages.writeSeconds) }
        if let refusedAt { deadline.schedule(at: refusedAt) }
    }

    /// Tells those for whom messages were refused, when it is time.
    mutating func tellRefused(
        _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard let refusedAt else { return }
        guard refusedAt <= turn.now else {
            deadline.schedule(at: refusedAt)
            return
        }
        self.refusedAt = nil
        for index in 0..<refused.count { tellRefused(at: index, &sessions, mailboxes, &records, &turn) }
    }

    /// Tells one user now, because he is there.
    mutating func tellRefused(
        _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard refusedAt != nil else { return }
        for index in 0..<refused.count where refused[index].user == user {
            tellRefused(at: index, &sessions, mailboxes, &records, &turn)
        }
    }

    private mutating func tellRefused(
        at index: Int, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let entry = refused[index]
        refused[index] = RefusedMessages()
        guard entry.user != 0, records.address(of: entry.user) != nil else { return }
        notify(.quota, entry.count, entry.user, &sessions, mailboxes, &records, &turn)
    }
}

extension UInt32 {
    /// The sum, or the most that there is.
    func saturatingAdd(_ other: UInt32) -> UInt32 {
        let (sum, isOverflowed) = addingReportingOverflow(other)
        return isOverflowed ? .max : sum
    }
}
