import CUV
import IMPSEngine
import Octets
import Wire

/// The way of the stream to an XMPP server: made, made again, cut into stanzas, and written when a turn is durable.
extension Server {
    // MARK: Connecting

    /// Makes the stream, when there is to be one and its time has come.
    mutating func makeStream() {
        guard let place = outgoing.streamPlace, !stream.isUsed, (stream.retryAt ?? turn.now) <= turn.now,
            outgoing.requests[place].phase == .free
        else { return }
        stream.retryAt = nil
        guard let target = handler.streamTarget else { return }
        stream.isUsed = true
        stream.input.removeAll()
        stream.output.removeAll()
        stream.splitter = StanzaSplitter()
        stream.looked = 0
        stream.skips = false
        outgoing.requests[place] = OutgoingRequest()
        outgoing.requests[place].owner = .stream
        outgoing.requests[place].target = target
        outgoing.requests[place].began = turn.now
        lookUp(place)
    }

    /// The connection is there.
    mutating func streamConnected(_ place: Int) {
        stream.isConnected = true
        outgoing.requests[place].phase = .streaming
        // The configuration may be another since.
        guard let target = handler.streamTarget, target.isSamePlace(as: outgoing.requests[place].target) else {
            return closeStream("it is another now", isSaid: true)
        }
        handler.beginStream(&turn, into: &stream.output)
        readStream(place)
        writeStream()
    }

    /// There is no connection any more, or none was made.
    mutating func streamEnded(_ why: StaticString, isSaid: Bool = false) {
        stream.isUsed = false
        stream.isConnected = false
        stream.isReading = false
        stream.hasRest = false
        let seconds = min(60, UInt64(1) << min(stream.failures, 6))
        stream.failures += 1
        stream.retryAt = turn.now.adding(seconds: seconds)
        handler.streamEnded(why, isSaid: isSaid, &turn)
    }

    private mutating func closeStream(_ why: StaticString, isSaid: Bool = false) {
        guard stream.isConnected, let place = outgoing.streamPlace else { return }
        streamEnded(why, isSaid: isSaid)
        dropOutgoing(place)
    }

    // MARK: Reading

    private mutating func readStream(_ place: Int) {
        guard !stream.isReading else { return }
        stream.isReading = true
        readOutgoing(place)
    }

    mutating func streamArrived(_ place: Int, _ count: Int) {
        guard stream.isConnected, count != 0 else { return }
        guard count > 0 else {
            return closeStream(count == Int(UV_EOF.rawValue) ? "the server closed it" : "the connection broke")
        }
        stream.input.advance(by: count)
        if !stream.isWriting { takeStanzas() }
        // What is left waits until there is room for the answers.
        if stream.isConnected, stream.input.freeCapacity == 0 {
            unsafe uv_read_stop(uv_shim_stream(outgoing.handles + place))
            stream.isReading = false
        }
    }

    /// Takes what has come, as far as there is room for what is said to it.
    private mutating func takeStanzas() {
        stream.hasRest = false
        while stream.output.freeCapacity > XMPPStream.replyByteCount {
            var index = stream.looked
            let piece = Server.next(stream.input, &stream.splitter, from: &index)
            stream.looked = index
            guard let piece else { return goOnWithRest() }
            switch piece {
            case .header, .stanza:
                guard take(isHeader: piece == .header) else { return closeStream("the server ended it", isSaid: true) }
            case .end: return closeStream("the server ended it", isSaid: true)
            case .broken: return closeStream("what came is no stream of XMPP")
            }
        }
        stream.hasRest = true
    }

    /// Takes what came and found no room before.
    mutating func goOnWithStream() {
        if stream.hasRest, stream.isConnected, !stream.isWriting { takeStanzas() }
    }

    /// nil when the end of nothing has come.
    private static func next(
        _ input: borrowing FixedBytes, _ splitter: inout StanzaSplitter, from index: inout Int
    ) -> StanzaSplitter.Piece? {
        splitter.next(input.span, from: &index)
    }

    /// Hands over what ends where the splitter is, and forgets it.
    private mutating func take(isHeader: Bool) -> Bool {
        if turn.entropy.isSpent { turn.entropy = Clock.entropy() }
        let goesOn =
            handler.stanzaArrived(
                stream.input, end: stream.looked, isHeader: isHeader, isCut: stream.skips, &turn, into: &stream.output)
            == .goesOn
        if handler.isStreamSound { stream.failures = 0 }
        stream.input.removeFirst(stream.looked)
        stream.looked = 0
        stream.skips = false
        return goesOn
    }

    /// The end of a stanza is still to come. One that is too large leaves its beginning, to be refused by.
    private mutating func goOnWithRest() {
        if stream.splitter.isBetween {
            stream.input.removeAll()
            stream.looked = 0
        } else if stream.input.freeCapacity == 0 {
            stream.skips = true
            stream.input.truncate(to: min(stream.input.count, XMPPStream.replyByteCount))
            stream.looked = stream.input.count
        }
    }

    // MARK: Writing

    /// After a turn: what it has for the stream goes out, and what came meanwhile is taken.
    mutating func moveStream() {
        makeStream()
        guard stream.isConnected, let place = outgoing.streamPlace else { return }
        if handler.isStreamLate(turn.now, isBlocked: stream.isWriting) {
            closeStream("it is too slow")
            // Some of what was sent goes out again.
            _ = commit()
            return
        }
        guard !stream.isWriting else { return }
        writeStream()
        guard stream.isConnected, !stream.isWriting else { return }
        handler.writeStanzas(&turn, into: &stream.output)
        writeStream()
        if stream.isConnected, !stream.isWriting, stream.input.freeCapacity > 0 { readStream(place) }
    }

    private mutating func writeStream() {
        guard let place = outgoing.streamPlace, stream.output.count > 0 else { return }
        let sent = unsafe stream.output.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Int(uv_try_write(uv_shim_stream(outgoing.handles + place), &buffer, 1))
        }
        guard sent >= 0 || sent == Int(UV_EAGAIN.rawValue) else { return closeStream("the connection broke") }
        stream.output.removeFirst(max(0, sent))
        guard stream.output.count > 0 else { return }
        stream.isWriting = true
        let code = unsafe stream.output.span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe uv_write(stream.write, uv_shim_stream(outgoing.handles + place), &buffer, 1) {
                request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                unsafe Server.of(stream.pointee.loop).pointee.streamWritten(status)
            }
        }
        if code != 0 {
            stream.isWriting = false
            closeStream("the connection broke")
        }
    }

    private mutating func streamWritten(_ status: Int32) {
        beginTurn()
        stream.isWriting = false
        stream.output.removeAll()
        guard stream.isConnected else { return }
        guard status == 0 else { return closeStream("the connection broke") }
        takeStanzas()
    }
}
