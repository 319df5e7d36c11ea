import IMPSEngine
import Octets
import Testing

@testable import Transport

@Suite struct ConnectionTableTests {
    /// Against a plain model, with few networks and with many, whose hashes lie close together.
    @Test(arguments: [UInt64(1), 2, 3], [3, 40, 4000])
    func placesAndCountsAreThoseOfAModel(seed: UInt64, networks: Int) {
        var table = ConnectionTable(limit: 50, shedCount: 4)
        var open: [(index: Int, network: Int)] = []
        var state = seed
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0..<20_000 {
            if draw(5) < 3 || open.isEmpty {
                guard let index = table.open() else {
                    #expect(open.count == 54)
                    continue
                }
                #expect(!open.contains { $0.index == index })
                #expect(table.isPlace(index) == (index < 50))
                // A place to say no is taken only when no other is left.
                if index >= 50 { #expect(open.filter { $0.index < 50 }.count == 50) }
                let network = draw(networks)
                open.append((index, network))
                let address = InlineBytes<46>(Array("192.0.2.\(network)".utf8).span)!
                #expect(table.name(index, Client(address: address)) == open.filter { $0.network == network }.count)
            } else {
                table.close(open.remove(at: draw(open.count)).index)
            }
            #expect(table.openCount == open.count)
        }
        table.checkInvariants()
    }
}
