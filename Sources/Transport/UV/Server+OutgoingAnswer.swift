import CUV
import IMPSEngine
import Octets
import TLS

/// The way of an answer to a request of ours: sealed or plain, whole or not, into a buffer of its size.
extension Server {
    mutating func readOutgoing(_ index: Int) {
        unsafe uv_read_start(
            uv_shim_stream(outgoing.handles + index),
            { handle, _, buffer in
                guard let handle = unsafe handle else { return }
                let server = unsafe Server.of(handle.pointee.loop)
                let free = unsafe server.pointee.outgoingStorage(Server.index(handle.pointee.data))
                unsafe Server.lend(free, buffer)
            },
            { stream, count, _ in
                guard let stream = unsafe stream else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.outgoingArrived(Server.index(stream.pointee.data), Int(count))
            })
    }

    private mutating func outgoingStorage(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
        guard outgoing.requests[index].target.isSealed else {
            if outgoing.requests[index].phase == .streaming { return unsafe stream.input.freeStorage() }
            guard outgoing.requests[index].answer != BufferPool.none else {
                // Nobody asked for anything.
                arrival.removeAll()
                return unsafe arrival.freeStorage()
            }
            return unsafe buffers[outgoing.requests[index].answer].freeStorage()
        }
        sealedArrival.removeAll()
        return unsafe sealedArrival.freeStorage()
    }

    private mutating func outgoingArrived(_ index: Int, _ count: Int) {
        beginTurn()
        switch outgoing.requests[index].phase {
        case .idle where count != 0: return dropOutgoing(index)
        // It ends while something is about to go out on it, which goes by another one then.
        case .queued where count != 0:
            outgoing.requests[index].isReused = false
            outgoing.requests[index].goesElsewhere = true
            return
        case .streaming: return streamArrived(index, count)
        case .free, .resolving, .connecting, .shaking, .answering, .closing, .queued, .reopening, .idle: break
        }
        guard outgoing.isUnderWay(index), outgoing.requests[index].phase != .reopening, count != 0 else { return }
        let isSealed = outgoing.requests[index].target.isSealed
        guard count > 0 else {
            if triesAgain(index) { return }
            // By TLS an end that was not said may be somebody else's.
            if count == Int(UV_EOF.rawValue), !isSealed { return answerArrived(index, hasEnded: true) }
            return failOutgoing(index, isSealed && outgoing.requests[index].phase == .shaking ? .tls(0) : .noAnswer)
        }
        if isSealed {
            sealedArrival.advance(by: count)
            unsealOutgoing(index)
        } else {
            buffers[outgoing.requests[index].answer].advance(by: count)
            answerArrived(index, hasEnded: false)
        }
    }

    mutating func unsealOutgoing(_ index: Int) {
        let place = outgoing.requests[index].tls
        makeBuffers(place)
        tls.lend(sealedArrival)
        defer { _ = tls.takeBack() }
        if outgoing.requests[index].phase == .shaking {
            tls.output.removeAll()
            let began = uv_hrtime()
            let outcome = tls.shakeHands(place)
            handshakes.spend(from: began, to: uv_hrtime())
            guard tls.output.count == 0 || tryWriteOutgoing(index) == tls.output.count else {
                return failOutgoing(index, .unreachable(0))
            }
            switch outcome {
            case .done: break
            case .waits: return
            case .ended: return failOutgoing(index, .tls(0))
            case .failed(let code): return failOutgoing(index, .tls(code))
            }
            guard believes(index) else { return }
            sendOutgoing(index)
        }
        while outgoing.requests[index].phase == .answering {
            tls.output.removeAll()
            let room = unsafe buffers[outgoing.requests[index].answer].freeStorage()
            let outcome = unsafe tls.read(place, into: room)
            switch outcome {
            case .done(let count):
                buffers[outgoing.requests[index].answer].advance(by: count)
                answerArrived(index, hasEnded: false)
            case .waits: return
            case .ended: return answerArrived(index, hasEnded: true)
            case .failed(let code): return failOutgoing(index, .tls(code))
            }
        }
    }

    private func tryWriteOutgoing(_ index: Int) -> Int {
        unsafe tls.output.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Int(uv_try_write(uv_shim_stream(outgoing.handles + index), &buffer, 1))
        }
    }

    /// Whether the other side is the one that we went to; nothing was said to it before.
    private mutating func believes(_ index: Int) -> Bool {
        let place = outgoing.requests[index].tls
        outgoing.requests[index].result.fingerprint = tls.peerFingerprint(place)
        let target = outgoing.requests[index].target
        do throws(Distrust) {
            try tls.verify(
                place, host: target.host.span, authorities: settings.authoritiesPath.span,
                pin: outgoing.requests[index].pin)
            return true
        } catch {
            failOutgoing(index, .distrust(error))
            return false
        }
    }

    private mutating func answerArrived(_ index: Int, hasEnded: Bool) {
        switch outgoing.requests[index].reader.advance(&buffers[outgoing.requests[index].answer], hasEnded: hasEnded) {
        case .incomplete: break
        case .refused:
            let answer = outgoing.requests[index].answer
            if isRelay(index), !hasEnded, growAnswer(index) { return answerArrived(index, hasEnded: false) }
            guard isOrder(index), outgoing.requests[index].reader.status > 0, buffers[answer].freeCapacity == 0 else {
                return failOutgoing(index, .noAnswer)
            }
            outgoing.requests[index].result.status = outgoing.requests[index].reader.status
            endOutgoing(index)
        case .complete:
            outgoing.requests[index].result.status = outgoing.requests[index].reader.status
            outgoing.requests[index].result.byteCount = outgoing.requests[index].reader.bodyRange.count
            endOutgoing(index)
        }
    }

    /// Gives the answer to a relay a larger buffer, when it is full and there is one.
    private mutating func growAnswer(_ index: Int) -> Bool {
        let answer = outgoing.requests[index].answer
        guard buffers[answer].freeCapacity == 0, outgoing.requests[index].reader.mayGoOn,
            let larger = buffers.exchange(answer, for: buffers[answer].count + 1, &pools)
        else { return false }
        outgoing.requests[index].answer = larger
        return true
    }

    func isRelay(_ index: Int) -> Bool {
        if case .relay = outgoing.requests[index].owner { return true }
        return false
    }

    func isOrder(_ index: Int) -> Bool {
        if case .order = outgoing.requests[index].owner { return true }
        return false
    }
}
