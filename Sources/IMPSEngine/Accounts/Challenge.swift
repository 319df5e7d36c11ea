import Octets

/// A nonce that was given out and waits for its digest. Source: protocol/session.md §3.3.
public struct Challenge: ZeroInitializable {
    /// A keyed hash of the name that it was asked in; 0 when the place is free.
    var nameHash: UInt64 = 0
    var cookieHash: UInt64 = 0
    var clientHash: UInt64 = 0
    /// Where it was asked from.
    var networkHash: UInt32 = 0
    /// That user has logged in from there before.
    var isKnown = false
    var schema = DigestSchema.sha
    /// Sent in hexadecimal.
    var nonce = InlineArray<16, UInt8>(repeating: 0)
    var issuedAt = Instant(milliseconds: 0)
    /// It is in the store too.
    var isStored = false

    /// A free place.
    public init() {}

    /// The characters of the Nonce element, which are also the octets that are hashed.
    var nonceText: InlineBytes<32> {
        var text = InlineBytes<32>()
        for index in nonce.indices {
            _ = text.append(Hexadecimal.digit(nonce[index] >> 4))
            _ = text.append(Hexadecimal.digit(nonce[index]))
        }
        return text
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: nameHash)
        record.append(bigEndian: cookieHash)
        record.append(bigEndian: clientHash)
        record.append(bigEndian: networkHash)
        record.append(schema.rawValue)
        record.append(nonce.span)
    }

    /// Reads a stored challenge; its time begins anew, because the monotonic clock did.
    init?(_ record: Span<UInt8>, now: Instant) {
        var reader = RecordReader(record)
        nameHash = reader.integer()
        cookieHash = reader.integer()
        clientHash = reader.integer()
        networkHash = reader.integer()
        let schema = DigestSchema(rawValue: reader.integer())
        let nonce = reader.octets(16)
        guard !reader.isBroken, let schema else { return nil }
        for index in 0..<16 { self.nonce[index] = nonce[index] }
        self.schema = schema
        issuedAt = now
        isStored = true
    }
}

/// How many challenges may still be written to flash.
///
/// Anybody who knows an address can ask for challenges, so the writes have a budget: enough for every real day, and
/// little enough that asking on and on does not wear the flash. Above it a challenge lives in memory only, and all that
/// is lost is a login that a restart interrupts.
struct ChallengeWrites {
    static var most: UInt64 { 64 }
    static var millisecondsPerWrite: UInt64 { 10_000 }

    private var credit = most * millisecondsPerWrite
    private var refilledAt: UInt64 = 0

    mutating func take(_ now: Instant) -> Bool {
        let passed = now.milliseconds - min(now.milliseconds, refilledAt)
        credit = min(ChallengeWrites.most * ChallengeWrites.millisecondsPerWrite, credit + passed)
        refilledAt = now.milliseconds
        guard credit >= ChallengeWrites.millisecondsPerWrite else { return false }
        credit -= ChallengeWrites.millisecondsPerWrite
        return true
    }
}
