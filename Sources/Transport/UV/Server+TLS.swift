import CLibC
import CUV
import Files
import IMPSEngine
import Octets
import TLS

/// Connections by TLS: below the reader of requests they are unsealed, and above the socket sealed. Nothing else knows.
extension Server {
    // MARK: Certificate

    /// Reads the certificate and its key; what was in use stays when that is not possible.
    mutating func takeCertificate() {
        guard settings.hasTLS, tls.count > 0 else { return }
        // Nothing arrives meanwhile, so there is room for both files.
        sealedArrival.removeAll()
        arrival.removeAll()
        defer { arrival.wipe() }
        var path = settings.certificatePath
        do throws(File.Failure) {
            try File.read(path.span, into: &sealedArrival)
            path = settings.keyPath
            try File.read(path.span, into: &arrival)
        } catch {
            return logCertificate(path, error.explanation, 0)
        }
        if File.isOpenToOthers(path.span), turn.journal.begin(.tlsKeyOpen, turn.now, turn.wall) {
            turn.journal.text("file", path.span, countMax: 60)
            turn.journal.end()
        }
        sealedArrival.append(0)
        arrival.append(0)
        do throws(TLSError) {
            try tls.use(certificate: sealedArrival, key: arrival)
        } catch {
            switch error {
            case .certificate, .tooLong: path = settings.certificatePath
            case .key, .mismatch, .failed: break
            }
            return logCertificate(path, error.explanation, error.code)
        }
        // A handshake that is under way has seen the one before.
        for index in 0..<connections.count {
            if connections[index].tls != TLSConnections.none, !tls.isOpen(connections[index].tls) { close(index) }
        }
        for index in 0..<channels.count where channels[index].tls != TLSConnections.none {
            if !tls.isOpen(channels[index].tls) { closeChannel(index) }
        }
        checksCertificateAt = nil
        logCertificate(settings.certificatePath, nil, 0)
        checkCertificate()
    }

    private mutating func logCertificate(_ path: InlineBytes<200>, _ why: StaticString?, _ code: UInt64) {
        guard turn.journal.begin(why == nil ? .tlsCertificate : .tlsRefused, turn.now, turn.wall) else { return }
        turn.journal.text("file", path.span, countMax: 60)
        if let why {
            turn.journal.sentence("why", why)
            if code > 0 { turn.journal.number("code", code) }
            turn.journal.word("next", tls.isReady ? "the one before stays" : "no TLS")
        } else {
            turn.journal.text("sha256", tls.fingerprint.text.span, countMax: 64)
        }
        turn.journal.end()
    }

    /// Tells once a day of a certificate that is at its end, or behind it.
    mutating func checkCertificate() {
        guard tls.isReady, turn.wall.isTrusted else {
            checksCertificateAt = nil
            return
        }
        if let checksCertificateAt, turn.now < checksCertificateAt { return }
        checksCertificateAt = turn.now.adding(seconds: 86_400)
        let now = turn.wall.secondsSince1970
        let left = tls.validTo > now ? (tls.validTo - now) / 86_400 : 0
        guard left < 21, turn.journal.begin(.tlsEnds, turn.now, turn.wall) else { return }
        turn.journal.text("file", settings.certificatePath.span, countMax: 60)
        turn.journal.number("days", left)
        turn.journal.word("over", tls.validTo > now ? "no" : "yes")
        turn.journal.end()
    }

    // MARK: A connection

    /// Begins TLS on a connection; false when it is closed instead.
    mutating func openSealed(_ index: Int) -> Bool {
        if !tls.hasRoom {
            makeSealedRoom(
                forBuffers: tls.openCount < tls.count, over: sealedCount(of: connections[index].client.networkHash))
        }
        guard let place = tls.open() else {
            shedSealed(index)
            return false
        }
        connections[index].tls = place
        connections[index].deadline = turn.now.adding(seconds: settings.headerTimeout)
        pools[poolPlaces.tls].take()
        return true
    }

    /// Without a place there is nobody to say so to.
    mutating func shedSealed(_ index: Int) {
        pools[poolPlaces.tls].refused += 1
        if turn.journal.begin(.connLimit, turn.now, turn.wall) {
            logAddress(index)
            turn.journal.number("open", UInt64(tls.openCount))
            turn.journal.word("by", "tls")
            turn.journal.end()
        }
        close(index)
    }

    /// Sees to it that a step of a connection finds buffers.
    mutating func makeBuffers(_ place: UInt16) {
        pools[poolPlaces.busyTLS].most = max(pools[poolPlaces.busyTLS].most, tls.busyCount)
        if !tls.hasBuffers(place) { makeSealedRoom(forBuffers: true, over: 0) }
    }

    /// Somebody gives way: a handshake or record that does not go on; else a handshake that waits for its turn, of a network
    /// that has more connections than who needs the room; else, where it is a place that is wanted, who waits for another
    /// request. Among these it is one of the network that has most connections, and there the one that waits longest.
    ///
    /// - Parameter count: Connections of the network of who needs the room.
    mutating func makeSealedRoom(forBuffers: Bool, over count: Int) {
        var chosen: Int?
        var isChannel = false
        var best = (reason: 0, count: 0)
        var since = Instant(milliseconds: 0)
        for index in 0..<connections.count where connections[index].tls != TLSConnections.none {
            let own = sealedCount(of: connections[index].client.networkHash)
            let reason = reasonToGiveWay(index, isOver: own > count)
            guard reason > (forBuffers ? 1 : 0) else { continue }
            // They all wait for an end that was set when they began to wait.
            let isLonger = connections[index].deadline < since
            guard (reason, own) > best || (reason, own) == best && isLonger else { continue }
            (chosen, isChannel, since) = (index, false, connections[index].deadline)
            best = (reason, own)
        }
        for index in 0..<channels.count where channels[index].tls != TLSConnections.none {
            let own = sealedCount(of: channels[index].networkHash)
            let isWaiting = tls.waits(channels[index].tls)
            let reason = isWaiting ? (own > count ? 2 : 0) : tls.isBusy(channels[index].tls) ? 3 : 0
            guard reason > 0, (reason, own) > best || (reason, own) == best && channels[index].deadline < since else {
                continue
            }
            (chosen, isChannel, since) = (index, true, channels[index].deadline)
            best = (reason, own)
        }
        guard let chosen else { return }
        if isChannel { closeChannel(chosen) } else { closeIdle(chosen) }
    }

    /// Connections of a network, with those by TLS to be called on.
    func sealedCount(of network: UInt32) -> Int {
        var count = connections.count(ofNetwork: network)
        guard sealedChannelCount > 0 else { return count }
        for index in 0..<channels.count where channels[index].tls != TLSConnections.none {
            if channels[index].networkHash == network { count += 1 }
        }
        return count
    }

    private func reasonToGiveWay(_ index: Int, isOver: Bool) -> Int {
        let isBusy = tls.isBusy(connections[index].tls)
        switch connections[index].phase {
        case .reading:
            if tls.waits(connections[index].tls) { return isOver ? 2 : 0 }
            // Who waits for us is not the one who stalls.
            guard !connections[index].isPaused, !admin.isAnswering(index) else { return 0 }
            if isBusy { return 3 }
            return connections[index].reader.isIdle && connections[index].buffer == BufferPool.none ? 1 : 0
        // Who does not take his answer, and has begun to say something else.
        case .writing: return isBusy && isOver ? 2 : 0
        case .free, .held, .awaiting, .draining, .closing: return 0
        }
    }

    /// Ends a connection that waits for another request.
    mutating func closeIdle(_ index: Int) {
        if connections[index].tls != TLSConnections.none { endSealed(index) }
        close(index)
    }

    mutating func closeSealed(_ index: Int) {
        if connections[index].sealed != BufferPool.none { buffers.give(connections[index].sealed, &pools) }
        connections[index].sealed = BufferPool.none
        guard connections[index].tls != TLSConnections.none else { return }
        tls.close(connections[index].tls)
        connections[index].tls = TLSConnections.none
        pools[poolPlaces.tls].give()
    }

    // MARK: Reading

    /// So many sealed octets arrived.
    mutating func sealedArrived(_ index: Int, _ count: Int) {
        sealedArrival.advance(by: count)
        guard !tls.isOpen(connections[index].tls), mustWait() else { return unsealArrival(index) }
        pause(index)
        if !tls.keep(connections[index].tls, sealedArrival) { close(index) }
    }

    private mutating func unsealArrival(_ index: Int) {
        tls.lend(sealedArrival)
        keepSealed(index, unseal(index))
    }

    /// Keeps so many of the octets that arrived last until there is room.
    private mutating func keepSealed(_ index: Int, _ count: Int) {
        guard count > 0 else { return }
        guard let buffer = takeBuffer(index, for: count) else { return close(index) }
        buffers[buffer].append(copy: sealedArrival, sealedArrival.count - count..<sealedArrival.count)
        connections[index].sealed = buffer
    }

    // MARK: Handshakes

    /// Whether handshakes have had their share of the time.
    mutating func mustWait() -> Bool {
        // Those that wait already were here first.
        if handshakesAt != nil { return true }
        let wait = handshakes.milliseconds(at: uv_hrtime())
        guard wait > 0 else { return false }
        handshakesAt = clock.now.adding(milliseconds: wait)
        if turn.journal.begin(.tlsBusy, turn.now, turn.wall) {
            turn.journal.number("open", UInt64(tls.openCount))
            turn.journal.end()
        }
        return true
    }

    private mutating func goOnWithHandshake(_ index: Int) {
        connections[index].isPaused = false
        tls.takeKept(connections[index].tls, into: &sealedArrival)
        unsealArrival(index)
        if connections[index].tls != TLSConnections.none, !connections[index].isPaused { startReading(index) }
    }

    /// Goes on with the handshakes that wait, as far as their share of the time reaches.
    mutating func goOnWithHandshakes() {
        handshakesAt = nil
        while true {
            let next = nextHandshake()
            let channel = waitingChannel()
            guard next != nil || channel != nil else { return }
            let wait = handshakes.milliseconds(at: uv_hrtime())
            guard wait == 0 else {
                handshakesAt = clock.now.adding(milliseconds: wait)
                return
            }
            isTurnOfChannels.toggle()
            if let channel, isTurnOfChannels || next == nil {
                goOnWithChannel(channel)
            } else if let next {
                goOnWithHandshake(next)
            }
        }
    }

    /// The network with the fewest connections comes first, so that one that floods does not keep others out, and then who
    /// waits longest.
    private func nextHandshake() -> Int? {
        var next: Int?
        var fewest = Int.max
        for index in 0..<connections.count where connections[index].tls != TLSConnections.none {
            guard connections[index].phase == .reading, tls.waits(connections[index].tls) else { continue }
            let count = sealedCount(of: connections[index].client.networkHash)
            let isLonger = next.map { connections[index].deadline < connections[$0].deadline } ?? true
            guard count < fewest || count == fewest && isLonger else { continue }
            next = index
            fewest = count
        }
        return next
    }

    /// Reads on in what waited for room; called when nothing else is under way.
    mutating func unsealRest(_ index: Int) {
        guard connections[index].tls != TLSConnections.none, connections[index].isPaused, !connections[index].hasEnded,
            connections[index].phase != .closing, connections[index].phase != .draining
        else { return }
        let sealed = connections[index].sealed
        connections[index].sealed = BufferPool.none
        connections[index].isPaused = false
        if sealed != BufferPool.none { tls.lend(buffers[sealed]) }
        let rest = unseal(index)
        if rest > 0 {
            buffers[sealed].removeFirst(buffers[sealed].count - rest)
            connections[index].sealed = sealed
        } else if sealed != BufferPool.none {
            buffers.give(sealed, &pools)
        }
        if connections[index].tls != TLSConnections.none, !connections[index].isPaused { startReading(index) }
    }

    /// Reads what was lent, as far as there is room.
    ///
    /// - Returns: octets at its end that wait until the answer is gone.
    private mutating func unseal(_ index: Int) -> Int {
        let place = connections[index].tls
        makeBuffers(place)
        if tls.isOpen(place) || finishHandshake(index) { read(index, place) }
        let rest = tls.takeBack()
        return connections[index].isPaused && connections[index].tls == place ? rest : 0
    }

    private mutating func finishHandshake(_ index: Int) -> Bool {
        tls.output.removeAll()
        let began = uv_hrtime()
        let outcome = tls.shakeHands(connections[index].tls)
        handshakes.spend(from: began, to: uv_hrtime())
        let isSent = tls.output.count == 0 || sendSealed(index)
        switch outcome {
        case .done:
            connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
            if isSent { return true }
        case .waits: if isSent { return false }
        case .ended: break
        case .failed(let code): logFailure(index, code)
        }
        close(index)
        return false
    }

    private mutating func read(_ index: Int, _ place: UInt16) {
        while connections[index].tls == place, !connections[index].isPaused {
            switch connections[index].phase {
            case .reading, .held, .awaiting, .writing: break
            case .free, .draining, .closing: return
            }
            let room = unsafe storage(index)
            guard room.count > 0 else { return pause(index) }
            tls.output.removeAll()
            let outcome = unsafe tls.read(place, into: room)
            // What the library has to say about it: a refusal above all.
            if tls.output.count > 0, !sendSealed(index) { return close(index) }
            switch outcome {
            case .done(let count): octetsArrived(index, count)
            case .waits: return
            case .ended: return ended(index)
            case .failed(let code):
                logFailure(index, code)
                return close(index)
            }
        }
    }

    private mutating func logFailure(_ index: Int, _ code: Int32) {
        guard turn.journal.begin(.tlsFail, turn.now, turn.wall) else { return }
        logAddress(index)
        turn.journal.word("in", tls.isOpen(connections[index].tls) ? "data" : "handshake")
        turn.journal.number("code", UInt64(code.magnitude))
        turn.journal.end()
    }

    // MARK: Writing

    /// Seals a held answer into the output.
    mutating func sealHeld(_ index: Int, _ range: Range<Int>) -> Bool {
        makeBuffers(connections[index].tls)
        tls.output.removeAll()
        return tls.write(connections[index].tls, heldOctets, range)
    }

    /// Sends what lies in the output; false when the socket does not take all of it at once.
    private func sendSealed(_ index: Int) -> Bool {
        unsafe Server.tryWrite(stream(index), tls.output, 0..<tls.output.count) == tls.output.count
    }

    /// Says what lies in the scratch buffer, beside an answer.
    mutating func sayAside(_ index: Int) {
        guard connections[index].tls != TLSConnections.none else {
            _ = unsafe Server.tryWrite(stream(index), scratch, 0..<scratch.count)
            return
        }
        let place = connections[index].tls
        makeBuffers(place)
        tls.output.removeAll()
        // What a sealed connection does not take at once would be missing in what follows.
        guard tls.isOpen(place), tls.write(place, scratch, 0..<scratch.count), sendSealed(index) else {
            return close(index)
        }
    }

    /// Tells the peer that nothing more comes.
    mutating func endSealed(_ index: Int) {
        tls.output.removeAll()
        tls.end(connections[index].tls)
        _ = sendSealed(index)
    }
}

extension File.Failure {
    fileprivate var explanation: StaticString {
        switch self {
        case .missing: return "there is no such file"
        case .tooLarge: return "the file is longer than 16 KB"
        case .failed: return "the file cannot be read"
        }
    }
}
