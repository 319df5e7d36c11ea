import CUV
import IMPSEngine
import Octets
import TLS

/// Connections to be called on by TLS: the lines of a client are unsealed before they are read, and what is said is sealed.
extension Server {
    /// Begins TLS on one; false when it is closed instead.
    mutating func openSealedChannel(_ index: Int) -> Bool {
        let network = unsafe Hash64(Server.peer(of: channelHandles + index, isNetwork: true).span).value
        channels[index].networkHash = UInt32(truncatingIfNeeded: network)
        let count = sealedCount(of: channels[index].networkHash)
        guard count < settings.connectionsOfAddressMax else {
            closeChannel(index)
            return false
        }
        // Half of the places is for requests, without which no call is of use.
        if sealedChannelCount >= max(1, tls.count / 2) { cutMostSilent(isSealed: true) }
        if !tls.hasRoom { makeSealedRoom(forBuffers: tls.openCount < tls.count, over: count) }
        guard let place = tls.open() else {
            pools[poolPlaces.tls].refused += 1
            closeChannel(index)
            return false
        }
        channels[index].tls = place
        sealedChannelCount += 1
        pools[poolPlaces.tls].take()
        return true
    }

    mutating func closeSealedChannel(_ index: Int) {
        guard channels[index].tls != TLSConnections.none else { return }
        tls.close(channels[index].tls)
        channels[index].tls = TLSConnections.none
        sealedChannelCount -= 1
        pools[poolPlaces.tls].give()
    }

    /// So many sealed octets arrived.
    mutating func sealedChannelArrived(_ index: Int, _ count: Int) {
        guard count > 0 else { return }
        sealedArrival.advance(by: count)
        guard !tls.isOpen(channels[index].tls), mustWait() else { return unsealChannel(index) }
        unsafe uv_read_stop(uv_shim_stream(channelHandles + index))
        if !tls.keep(channels[index].tls, sealedArrival) { closeChannel(index) }
    }

    /// The one whose handshake has waited longest for its turn; nil when none waits.
    func waitingChannel() -> Int? {
        var next: Int?
        for index in 0..<channels.count where channels[index].tls != TLSConnections.none {
            guard tls.waits(channels[index].tls) else { continue }
            if next.map({ channels[index].deadline < channels[$0].deadline }) ?? true { next = index }
        }
        return next
    }

    /// Goes on with a handshake whose turn has come.
    mutating func goOnWithChannel(_ index: Int) {
        tls.takeKept(channels[index].tls, into: &sealedArrival)
        unsealChannel(index)
        if channels[index].tls != TLSConnections.none { startReadingChannel(index) }
    }

    /// Reads what arrived: all of it, for lines are short and are answered at once.
    private mutating func unsealChannel(_ index: Int) {
        let place = channels[index].tls
        tls.lend(sealedArrival)
        defer { _ = tls.takeBack() }
        makeBuffers(place)
        if !tls.isOpen(place) {
            tls.output.removeAll()
            let began = uv_hrtime()
            let outcome = tls.shakeHands(place)
            handshakes.spend(from: began, to: uv_hrtime())
            guard sendSealedChannel(index) else { return closeChannel(index) }
            switch outcome {
            case .done: break
            case .waits: return
            case .ended, .failed: return closeChannel(index)
            }
        }
        while channels[index].tls == place {
            arrival.removeAll()
            tls.output.removeAll()
            let outcome = unsafe tls.read(place, into: arrival.freeStorage())
            guard sendSealedChannel(index) else { return closeChannel(index) }
            switch outcome {
            case .done(let count): channelOctetsArrived(index, count)
            case .waits: return
            case .ended, .failed: return closeChannel(index)
            }
        }
    }

    /// Says what lies in the scratch buffer; false when the client does not take it at once.
    mutating func sealScratch(_ index: Int) -> Bool {
        makeBuffers(channels[index].tls)
        tls.output.removeAll()
        return tls.isOpen(channels[index].tls) && tls.write(channels[index].tls, scratch, 0..<scratch.count)
            && sendSealedChannel(index)
    }

    private func sendSealedChannel(_ index: Int) -> Bool {
        tls.output.count == 0 || tryWriteChannel(index, tls.output) == tls.output.count
    }
}
