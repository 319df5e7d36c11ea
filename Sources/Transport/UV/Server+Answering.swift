import CUV
import IMPSEngine
import Octets
import TLS
import Wire

/// The way of an answer: it goes out when its turn is durable, at once or as fast as its client reads.
extension Server {
    /// Sends a held answer, because its turn is durable.
    mutating func release(_ reply: HeldReply) {
        let index = Int(reply.connection)
        guard connections[index].phase == .held else { return }
        var range = reply.start..<reply.end
        let isSealed = connections[index].tls != TLSConnections.none
        if isSealed {
            guard sealHeld(index, range) else { return close(index) }
            range = 0..<tls.output.count
        }
        let sent =
            isSealed
            ? unsafe Server.tryWrite(stream(index), tls.output, range)
            : unsafe Server.tryWrite(stream(index), heldOctets, range)
        if sent == range.count {
            answerSent(index)
        } else if sent >= 0 || sent == Int(UV_EAGAIN.rawValue) {
            writeRest(index, range.lowerBound + max(0, sent)..<range.upperBound)
        } else {
            close(index)
        }
    }

    /// Writes what the socket takes at once; the number of octets, or libuv's code.
    ///
    /// It is not a method of a server: a closure in one would have a copy of all that the server is.
    static func tryWrite(
        _ stream: UnsafeMutablePointer<uv_stream_t>?, _ octets: borrowing FixedBytes, _ range: Range<Int>
    ) -> Int {
        unsafe octets.span(range).withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            return unsafe Int(uv_try_write(stream, &buffer, 1))
        }
    }

    /// What libuv reads and writes a connection by.
    @inline(__always)
    func stream(_ index: Int) -> UnsafeMutablePointer<uv_stream_t>? { unsafe uv_shim_stream(handles + index) }

    static func buffer(_ octets: UnsafeBufferPointer<UInt8>) -> uv_buf_t {
        // libuv only reads from it.
        let start = unsafe UnsafeMutableRawPointer(mutating: octets.baseAddress)
        return unsafe uv_buf_t(base: start?.assumingMemoryBound(to: CChar.self), len: octets.count)
    }

    /// A client that reads slowly: the rest of its answer, sealed or held, waits in a borrowed buffer.
    private mutating func writeRest(_ index: Int, _ range: Range<Int>) {
        guard let output = takeBuffer(index, for: range.count) else {
            refuseWithoutBuffer(index)
            return
        }
        connections[index].output = output
        connections[index].phase = .writing
        connections[index].deadline = turn.now.adding(seconds: settings.bodyTimeout)
        connections[index].startedAt = turn.now
        if connections[index].tls != TLSConnections.none {
            buffers[output].append(copy: tls.output, range)
        } else {
            buffers[output].append(copy: heldOctets, range)
        }
        let code = unsafe buffers[output].span.withUnsafeBufferPointer { octets in
            var buffer = unsafe Server.buffer(octets)
            let write = unsafe writes + index
            return unsafe uv_write(write, uv_shim_stream(handles + index), &buffer, 1) { request, status in
                guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
                let server = unsafe Server.of(stream.pointee.loop)
                unsafe server.pointee.writeEnded(Server.index(stream.pointee.data), status)
            }
        }
        if code != 0 { close(index) }
    }

    mutating func returnOutput(_ index: Int) {
        if connections[index].output != BufferPool.none { buffers.give(connections[index].output, &pools) }
        connections[index].output = BufferPool.none
    }

    private mutating func writeEnded(_ index: Int, _ status: Int32) {
        returnOutput(index)
        guard connections[index].phase == .writing else { return }
        beginTurn()
        if status == 0 { answerSent(index) } else { close(index) }
    }

    /// The answer is with the system: on to the next request, or to the end.
    mutating func answerSent(_ index: Int) {
        if admin.isAnswering(index) {
            connections[index].phase = .reading
            connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
            wait(index)
            return
        }
        if connections[index].hasEnded,
            connections[index].closesAfterReply || connections[index].buffer == BufferPool.none
        {
            close(index)
            return
        }
        if connections[index].closesAfterReply {
            shutDown(index)
            return
        }
        connections[index].phase = .reading
        connections[index].deadline = turn.now.adding(seconds: settings.idleTimeout)
        if connections[index].buffer != BufferPool.none { wait(index) }
        readOn(index)
    }

    /// Answers what cannot be served, and ends the connection.
    mutating func refuse(_ index: Int, _ status: HTTPStatus) {
        if connections[index].phase == .reading { Server.logRefusal(status, connections[index].client, &turn) }
        var head = ResponseHead(status, contentLength: 0)
        head.closes = true
        scratch.removeAll()
        head.write(contentType: Span(), into: &scratch)
        sayAside(index)
        shutDown(index)
    }

    mutating func readOn(_ index: Int) {
        guard connections[index].isPaused, !connections[index].hasEnded else { return }
        // What is sealed and waits is read first, when nothing else is under way.
        if connections[index].tls != TLSConnections.none, connections[index].phase == .reading { return }
        connections[index].isPaused = false
        startReading(index)
    }
}
