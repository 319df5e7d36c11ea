/// How much of the store the messages of those senders take who have most of it.
///
/// Whoever has a larger part of all than one place of the table is in it: a newcomer that finds no place takes over that of
/// who has least, with what that had. So what is told of a sender is never too little. It is counted from the messages
/// themselves at start, and kept up with each one that comes or goes; nothing of it is stored.
struct SenderShares {
    private struct Share {
        var sender: UInt32 = 0
        var byteCount: UInt64 = 0
    }

    private var places = InlineArray<64, Share>(repeating: Share())

    init() {}

    /// Octets of a sender's messages; 0 for nobody who has many.
    func byteCount(of sender: UInt32) -> UInt64 {
        for place in places.indices where places[place].sender == sender { return places[place].byteCount }
        return 0
    }

    mutating func add(_ byteCount: UInt64, of sender: UInt32) {
        guard sender != 0 else { return }
        var least = 0
        for place in places.indices {
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
        for place in places.indices where places[place].sender == sender {
            places[place].byteCount -= min(places[place].byteCount, byteCount)
        }
    }
}
