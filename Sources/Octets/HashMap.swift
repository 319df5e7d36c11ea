/// A place of a `HashMap`.
public struct HashMapPlace<Value: ZeroInitializable>: ZeroInitializable {
    fileprivate var hash: UInt32 = 0
    fileprivate var isUsed = false
    fileprivate var value: Value
}

/// Values by a hash, in lent memory: open places, at most half of them used; what is not where its hash says is right behind.
///
/// Two whose hashes are the same are one.
public struct HashMap<Value: ZeroInitializable>: ~Copyable {
    private var places: Slab<HashMapPlace<Value>>

    /// - Parameter places: A power of two, at least twice as many as there will be values, all zero.
    public init(_ places: consuming Slab<HashMapPlace<Value>>) {
        invariant(places.count & (places.count - 1) == 0, "IM065 places of a map are a power of two")
        self.places = places
    }

    /// Places that a map of so many values needs.
    public static func placeCount(_ values: Int) -> Int {
        var count = 2
        while count < 2 * values { count *= 2 }
        return count
    }

    /// Places, free ones too.
    public var count: Int { places.count }

    /// The place of a hash; nil when it has none.
    public func find(_ hash: UInt32) -> Int? {
        let place = place(of: hash)
        return places[place].isUsed ? place : nil
    }

    /// The place of a hash, which gets `value` when it has none.
    public mutating func find(_ hash: UInt32, orPut value: Value) -> Int {
        let place = place(of: hash)
        if !places[place].isUsed {
            places[place].hash = hash
            places[place].isUsed = true
            places[place].value = value
        }
        return place
    }

    /// The value at a place that `find` told, until something is removed.
    public subscript(place: Int) -> Value {
        get { places[place].value }
        set { places[place].value = newValue }
    }

    /// The hash at a place; nil for a free one.
    public func hash(at place: Int) -> UInt32? { places[place].isUsed ? places[place].hash : nil }

    /// Takes the value at a place away; others may be at other places afterwards.
    public mutating func remove(at place: Int) {
        var hole = place
        places[hole].isUsed = false
        var next = self.next(hole)
        while places[next].isUsed {
            let home = Int(truncatingIfNeeded: places[next].hash) & (places.count - 1)
            if (next - home) & (places.count - 1) >= (next - hole) & (places.count - 1) {
                places[hole] = places[next]
                places[next].isUsed = false
                hole = next
            }
            next = self.next(next)
        }
    }

    /// Forgets all values.
    public mutating func removeAll() {
        for place in 0..<places.count where places[place].isUsed { places[place].isUsed = false }
    }

    private func place(of hash: UInt32) -> Int {
        var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[place].isUsed, places[place].hash != hash { place = next(place) }
        return place
    }

    private func next(_ place: Int) -> Int { (place + 1) & (places.count - 1) }
}
