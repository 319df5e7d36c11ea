import Octets

/// Who asked for a challenge, and so who may answer it.
struct Challenger: BitwiseCopyable {
    /// A keyed hash of the address of the account, whether or not there is one.
    var nameHash: UInt64
    var cookieHash: UInt64
    var clientHash: UInt64
    /// Where it asked from.
    var networkHash: UInt32
}

/// The nonces that were given out and wait for their digests.
///
/// Anybody may ask for one in any name, so a challenge costs the asker and not the user: it belongs to where it was asked
/// from, and when there is no place left, those of whoever has most give way, the oldest first; that of a user who has
/// logged in from there before gives way only to its like.
struct ChallengeTable: ~Copyable {
    private var places: Slab<Challenge>

    init(_ places: consuming Slab<Challenge>) { self.places = places }

    var count: Int { places.count }

    subscript(place: Int) -> Challenge {
        get { places[place] }
        set { places[place] = newValue }
    }

    mutating func removeAll() {
        for place in 0..<places.count { places[place] = Challenge() }
    }

    /// The place of the challenge that somebody may answer; nil when there is none.
    func place(of challenger: Challenger) -> Int? {
        for place in 0..<places.count
        where places[place].nameHash == challenger.nameHash && places[place].cookieHash == challenger.cookieHash
            && places[place].networkHash == challenger.networkHash
        {
            return place
        }
        return nil
    }

    /// The place for another challenge: that of the former one of the same client, a free one, or one that gives way.
    func placeForNew(_ challenger: Challenger) -> Int {
        if let place = place(of: challenger) { return place }
        for place in 0..<places.count where places[place].nameHash == 0 { return place }
        let isLast = !hasUnknown
        var greediest = challenger.networkHash
        var most = share(of: greediest, known: isLast) * 2
        // Who asks has to have fewer than others to take one of theirs.
        for place in 0..<places.count where places[place].isKnown == isLast {
            let share = share(of: places[place].networkHash, known: isLast)
            if share > most {
                most = share
                greediest = places[place].networkHash
            }
        }
        return oldest(of: greediest, known: isLast) ?? oldest(of: nil, known: isLast) ?? 0
    }

    private var hasUnknown: Bool {
        for place in 0..<places.count where !places[place].isKnown { return true }
        return false
    }

    private func share(of networkHash: UInt32, known isKnown: Bool) -> Int {
        var count = 0
        for place in 0..<places.count
        where places[place].networkHash == networkHash && places[place].isKnown == isKnown {
            count += 1
        }
        return count
    }

    private func oldest(of networkHash: UInt32?, known isKnown: Bool) -> Int? {
        var oldest: Int?
        for place in 0..<places.count where places[place].isKnown == isKnown {
            if let networkHash, places[place].networkHash != networkHash { continue }
            if oldest.map({ places[place].issuedAt < places[$0].issuedAt }) ?? true { oldest = place }
        }
        return oldest
    }
}
