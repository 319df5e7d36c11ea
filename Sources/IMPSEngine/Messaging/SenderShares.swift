import Octets

/// How much of the store a sender's messages take.
public struct SenderShare: ZeroInitializable {
    /// 0 for a free place.
    var sender: UInt32 = 0
    var byteCount: UInt64 = 0

    /// A free place.
    public init() {}
}

/// How much of the store the messages of those senders take who have most of it.
///
/// Whoever has a larger part of all than one place of the table is in it: a newcomer that finds no place takes over that of
/// who has least, with what that had. So what is told of a sender is never too little. It is counted from the messages
/// themselves at start, and kept up with each one that comes or goes; nothing of it is stored.
struct SenderShares: ~Copyable {
    private var places: Slab<SenderShare>

    init(_ places: consuming Slab<SenderShare>) { self.places = places }

    mutating func removeAll() {
        for place in 0..<places.count { places[place] = SenderShare() }
    }

    /// Octets of a sender's messages; 0 for nobody who has many.
    func byteCount(of sender: UInt32) -> UInt64 {
        for place in 0..<places.count where places[place].sender == sender { return places[place].byteCount }
        return 0
    }

    mutating func add(_ byteCount: UInt64, of sender: UInt32) {
        guard sender != 0 else { return }
        var least = 0
        for place in 0..<places.count {
            if places[place].sender == sender {
                places[place].byteCount += byteCount
                return
            }
            if places[place].byteCount < places[least].byteCount { least = place }
        }
        places[least].sender = sender
        places[least].byteCount += byteCount
    }

    mutating func remove(_ byteCount: UInt64, of sender: UInt32) {
        guard sender != 0 else { return }
        for place in 0..<places.count where places[place].sender == sender {
            places[place].byteCount -= min(places[place].byteCount, byteCount)
        }
    }
}
