import IMPSEngine
import Octets

/// When buffers run short.
extension Server {
    /// When buffers run short, an address that holds more than its share gives one back, and when there is none left,
    /// whoever has held one longest over the same request or answer. False when nobody has one to give.
    mutating func makeFree(_ index: Int, _ byteCount: Int) -> Bool {
        guard buffers.isShort(for: byteCount) else { return true }
        let network = connections[index].client.networkHash
        var ownCount = 0
        var own: Int?
        var oldest: Int?
        for other in 0..<connections.count where other != index && holdsBuffer(other, for: byteCount) {
            if oldest.map({ connections[other].startedAt < connections[$0].startedAt }) ?? true { oldest = other }
            guard connections[other].client.networkHash == network else { continue }
            ownCount += 1
            if own.map({ connections[other].startedAt < connections[$0].startedAt }) ?? true { own = other }
        }
        if ownCount >= buffers.share(for: byteCount), let own {
            giveWay(own)
        } else if !buffers.hasFree(for: byteCount) {
            guard let oldest else { return false }
            giveWay(oldest)
        }
        return true
    }

    /// Whether a connection holds a buffer of a size and waits for its client.
    private func holdsBuffer(_ index: Int, for byteCount: Int) -> Bool {
        switch connections[index].phase {
        case .reading:
            return buffers.isSameSize(connections[index].buffer, for: byteCount) && !connections[index].isWaiting
                && !connections[index].isParked
        case .writing: return buffers.isSameSize(connections[index].output, for: byteCount)
        case .free, .held, .awaiting, .draining, .closing: return false
        }
    }

    private mutating func giveWay(_ index: Int) {
        if turn.journal.begin(.noBuffer, turn.now, turn.wall) {
            logAddress(index)
            turn.journal.word("cut", "1")
            turn.journal.end()
        }
        if connections[index].phase == .reading {
            refuse(index, .requestTimeout)
        } else {
            close(index)
        }
    }
}
