import Digests
import Octets

/// The room of who may come in: passwords and digests, the nonces that are out, and who has to wait after wrong guesses.
struct Accounts<Port: StorePort & ~Copyable>: ~Copyable {
    var vault: Vault
    var challenges: ChallengeTable
    var throttles: ThrottleTable
    var challengeWrites = ChallengeWrites()
    var hashBudget = HashBudget()
    /// The user of XMPP that was looked at last, whether anybody has to do with him.
    var remoteCursor: UInt32 = 0
    /// Those who were met since it was looked.
    var metCount = 0
    /// Logins that failed.
    var authFailures: UInt64 = 0

    init(_ vault: consuming Vault, _ challenges: consuming Slab<Challenge>, _ throttles: consuming Slab<Throttle>) {
        self.throttles = ThrottleTable(throttles, vault.hashKey)
        self.challenges = ChallengeTable(challenges)
        self.vault = vault
    }
}
