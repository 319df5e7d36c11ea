import Octets

/// The room of what the operator and the server ask: campaigns, logins that wait for an answer, notices to come.
struct SystemMessages<Port: StorePort & ~Copyable>: ~Copyable {
    /// The campaigns that are active.
    var campaigns: Slab<Campaign>
    var pendingLogins: Slab<PendingLogin>
    /// Refused messages that nobody was told of yet, and when it will be.
    var refused: Slab<RefusedMessages>
    var refusedAt: Instant?
    /// Counts the changes of campaigns; sessions that saw another number look at them.
    var campaignEpoch: UInt32 = 1
    /// Some campaign has something to ask in a session.
    var hasSessionCampaigns = false
    /// Seconds since 1970 when the next campaign begins or is over; nil when none has a day to come.
    var nextDate: UInt64?
    /// What somebody answered who was told that he is on a list, until it is done.
    var addedAnswer: AddedAnswer?
    /// When a login that waits is over, a campaign begins or ends, a notice is due.
    var deadline = Deadline()

    init(
        _ campaigns: consuming Slab<Campaign>, _ pendingLogins: consuming Slab<PendingLogin>,
        _ refused: consuming Slab<RefusedMessages>
    ) {
        self.campaigns = campaigns
        self.pendingLogins = pendingLogins
        self.refused = refused
    }
}
