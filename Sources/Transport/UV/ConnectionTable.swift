import IMPSEngine
import Octets

/// How many connections one network has.
struct NetworkCount: ZeroInitializable {
    var count: UInt32 = 0
}

/// The places of connections: which are free, and how many each network has. Nothing here looks at all of them.
struct ConnectionTable: ~Copyable {
    private var places: Slab<Connection>
    /// The places from here on are only for saying no.
    private let limit: Int
    /// The free ones before the limit, the one to be taken next at the end.
    private var free: Slab<UInt16>
    private var freeCount: Int
    private var networks: HashMap<NetworkCount>
    /// Connections that there are now.
    private(set) var openCount = 0
    private var lastNumber: UInt32 = 0

    /// - Parameters:
    ///   - limit: Places for connections.
    ///   - shedCount: Places for those that are told that there is none.
    init(limit: Int, shedCount: Int) {
        places = Memory.slab(limit + shedCount, Connection.self)
        free = Memory.slab(limit, UInt16.self)
        // The first ones are taken first, so that memory that nobody needs is not touched.
        for index in 0..<limit { free[index] = UInt16(limit - 1 - index) }
        freeCount = limit
        self.limit = limit
        networks = HashMap(
            Memory.slab(HashMap<NetworkCount>.placeCount(limit + shedCount), HashMapPlace<NetworkCount>.self))
    }

    var count: Int { places.count }

    /// A connection, changed in place.
    subscript(index: Int) -> Connection {
        _read { yield places[index] }
        _modify { yield &places[index] }
    }

    /// Takes a free place; nil when there is none at all.
    mutating func open() -> Int? {
        guard let index = takePlace() else { return nil }
        places[index] = Connection()
        places[index].phase = .closing
        lastNumber &+= 1
        places[index].number = lastNumber
        openCount += 1
        return index
    }

    private mutating func takePlace() -> Int? {
        if freeCount > 0 {
            freeCount -= 1
            return Int(free[freeCount])
        }
        for index in limit..<places.count where places[index].phase == .free { return index }
        return nil
    }

    /// Whether a place is one for connections, and not for saying no.
    func isPlace(_ index: Int) -> Bool { index < limit }

    /// Notes whose connection it is.
    ///
    /// - Returns: How many the network has with it.
    mutating func name(_ index: Int, _ client: Client) -> Int {
        places[index].client = client
        places[index].isNamed = true
        let place = networks.find(client.networkHash, orPut: NetworkCount())
        networks[place].count += 1
        return Int(networks[place].count)
    }

    /// How many a network has.
    func count(ofNetwork hash: UInt32) -> Int { networks.find(hash).map { Int(networks[$0].count) } ?? 0 }

    /// Gives a place back.
    mutating func close(_ index: Int) {
        if places[index].isNamed { forget(places[index].client.networkHash) }
        places[index] = Connection()
        openCount -= 1
        guard index < limit else { return }
        free[freeCount] = UInt16(index)
        freeCount += 1
    }

    private mutating func forget(_ networkHash: UInt32) {
        guard let place = networks.find(networkHash) else { return }
        networks[place].count -= 1
        if networks[place].count == 0 { networks.remove(at: place) }
    }

    /// Holds for every state: what is free is not in use, and the counts are those of the connections.
    func checkInvariants() {
        var open = 0
        var named: UInt32 = 0
        for index in 0..<places.count where places[index].phase != .free {
            open += 1
            named += places[index].isNamed ? 1 : 0
        }
        invariant(open == openCount, "IM060 connections are counted")
        for index in 0..<freeCount { invariant(places[Int(free[index])].phase == .free, "IM061 a free place is free") }
        for place in 0..<networks.count {
            guard let hash = networks.hash(at: place) else { continue }
            invariant(networks.find(hash) == place, "IM062 a network is found")
            invariant(networks[place].count <= named, "IM063 no network has more than there are")
            named -= networks[place].count
        }
        invariant(named == 0, "IM064 each connection is counted for its network")
    }
}
