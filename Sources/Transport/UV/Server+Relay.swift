import CUV
import IMPSEngine
import Octets
import TLS
import Wire

/// Answers that come from elsewhere: the connection of the client is held, without a buffer, until the service behind has
/// answered what was sent there, or has not.
///
/// Connections to such a service are kept, a few at once. A client that finds all of them in use waits with its request.
extension Server {
    // MARK: The client's side

    /// Holds a connection whose request goes on to somewhere else, once the turn is durable; false when there is no room.
    mutating func deferReply(_ index: Int, _ relay: Int, _ contentType: InlineBytes<100>) -> Bool {
        guard let place = queueRelay(relay) else { return false }
        outgoing.requests[place].connection = UInt16(index)
        outgoing.requests[place].connectionNumber = connections[index].number
        outgoing.requests[place].contentType = contentType
        outgoing.requests[place].needsKeepAliveField = connections[index].reader.needsKeepAliveField
        connections[index].phase = .awaiting
        return true
    }

    /// Has a connection wait until there is a place for its request, which stays in its buffer.
    mutating func park(_ index: Int) {
        guard parkedCount < parked.count, parkedCount * 3 < sizes.buffers.small else {
            return refuse(index, .serviceUnavailable)
        }
        parked[parkedCount] = UInt16(index)
        parkedCount += 1
        connections[index].isParked = true
        let until = connections[index].parkedUntil ?? turn.now.adding(seconds: Server.parkedSeconds)
        connections[index].parkedUntil = until
        connections[index].deadline = until
    }

    /// Seconds that a request waits for a place.
    private static var parkedSeconds: UInt64 { 20 }

    /// Whoever waits longest has his turn, as many as there are places free.
    mutating func unpark() {
        guard parkedCount > 0 else { return }
        var free = sizes.relays - outgoing.relayCount
        while parkedCount > 0, free > 0 {
            let index = Int(parked[0])
            parkedCount -= 1
            for place in 0..<parkedCount { parked[place] = parked[place + 1] }
            guard connections[index].isParked, connections[index].phase == .reading else { continue }
            connections[index].isParked = false
            free -= 1
            wait(index)
        }
    }

    /// Gives the client of a relay its answer, unless it is gone.
    private mutating func answerDeferred(_ place: Int, _ handled: HandledRequest) {
        let request = outgoing.requests[place]
        let index = Int(request.connection)
        guard request.connection != OutgoingRequest.noConnection, connections[index].phase == .awaiting,
            connections[index].number == request.connectionNumber
        else { return }
        var answer = Answer()
        answer.contentType = request.contentType
        answer.isDurable = handled.isDurable
        switch handled.reply {
        case .message: answer.hasMessage = true
        case .malformed, .unsupported, .later, .deferred:
            answer.status = .serviceUnavailable
            answer.contentType = InlineBytes()
        case .empty: break
        }
        hold(index, answer, needsKeepAliveField: request.needsKeepAliveField, isHead: false)
    }

    // MARK: The other side

    /// Writes the message that the handler has for a relay into a buffer, to be sent when the turn is durable.
    private mutating func queueRelay(_ relay: Int) -> Int? {
        guard let order = handler.relayOrder(relay), !order.target.isSealed || settings.hasOutgoingTLS,
            let place = placeForRelay(order),
            let buffer = buffers.take(for: order.byteCount, &pools)
        else { return nil }
        // An answer that finds no room could not be told from none.
        guard let answer = buffers.take(for: BufferSizes.smallByteCount, &pools) else {
            buffers.give(buffer, &pools)
            return nil
        }
        handler.writeRelay(into: &buffers[buffer])
        outgoing.requests[place].relay = relay
        outgoing.requests[place].owner = .relay
        outgoing.requests[place].request = buffer
        outgoing.requests[place].answer = answer
        outgoing.requests[place].pin = order.pin
        outgoing.requests[place].seconds = order.seconds
        outgoing.requests[place].began = turn.now
        outgoing.requests[place].reader = ResponseReader()
        outgoing.requests[place].result = OutgoingResult()
        outgoing.requests[place].connection = OutgoingRequest.noConnection
        outgoing.requests[place].deadline = turn.now.adding(seconds: order.seconds)
        outgoing.requests[place].phase = .queued
        return place
    }

    /// A connection that is kept and goes where it should, else a free place, else a kept one that goes elsewhere.
    private mutating func placeForRelay(_ order: OutgoingOrder) -> Int? {
        var free: Int?
        var other: Int?
        for place in outgoing.relayPlaces {
            switch outgoing.requests[place].phase {
            case .idle:
                let target = outgoing.requests[place].target
                guard target.isSamePlace(as: order.target), outgoing.requests[place].pin == order.pin else {
                    other = other ?? place
                    continue
                }
                outgoing.requests[place].target = order.target
                outgoing.requests[place].isReused = true
                return place
            case .free: free = free ?? place
            case .resolving, .connecting, .shaking, .answering, .closing, .queued, .reopening, .streaming: break
            }
        }
        guard let place = free ?? other else { return nil }
        let isOpen = outgoing.requests[place].phase == .idle
        if isOpen { closeTLS(place) } else { outgoing.requests[place] = OutgoingRequest() }
        outgoing.requests[place].target = order.target
        outgoing.requests[place].isReused = false
        outgoing.requests[place].goesElsewhere = isOpen
        return place
    }

    /// Sends what the turn has for other services.
    ///
    /// - Parameter isDurable: The turn is kept; else nothing of it goes out.
    mutating func startRelays(isDurable: Bool) {
        for place in outgoing.relayPlaces where outgoing.requests[place].phase == .queued {
            guard isDurable else {
                outgoing.requests[place].phase = outgoing.requests[place].isReused ? .answering : .connecting
                failOutgoing(place, .busy)
                continue
            }
            startRelay(place)
        }
    }

    private mutating func startRelay(_ place: Int) {
        if outgoing.requests[place].isReused { return sendOutgoing(place) }
        guard outgoing.requests[place].goesElsewhere else { return lookUp(place) }
        outgoing.requests[place].phase = .reopening
        closeOutgoingHandle(place)
    }

    /// The connection that was used before is closed; a new one is made.
    mutating func reopen(_ place: Int) {
        outgoing.requests[place].goesElsewhere = false
        outgoing.requests[place].isReused = false
        outgoing.requests[place].nextAddress = 0
        outgoing.requests[place].addressCount = 0
        outgoing.requests[place].reader = ResponseReader()
        lookUp(place)
    }

    /// A connection that was kept was at its end when the request went out: it goes out once more, on a new one.
    mutating func triesAgain(_ place: Int) -> Bool {
        guard case .relay = outgoing.requests[place].owner, outgoing.requests[place].isReused,
            outgoing.requests[place].phase == .answering,
            buffers[outgoing.requests[place].answer].count == 0
        else { return false }
        closeTLS(place)
        wipeAndGive(outgoing.requests[place].sealed)
        outgoing.requests[place].sealed = BufferPool.none
        outgoing.requests[place].phase = .reopening
        closeOutgoingHandle(place)
        return true
    }

    /// The answer to a relay is there, or will not come: the client gets his, and the connection is kept if it can be.
    mutating func endRelay(_ place: Int, _ result: OutgoingResult) {
        beginTurn()
        if !hasRoomForReply {
            finishTurn()
            beginTurn()
        }
        let request = outgoing.requests[place]
        if turn.entropy.isSpent { turn.entropy = Clock.entropy() }
        let handled = Server.answer(buffers, request, result, handler, &turn)
        if case .deferred = handled.reply, sendElsewhere(request) {
            dropOutgoing(place)
            return
        }
        answerDeferred(place, handled)
        let end = request.reader.endIndex
        let isWhole = buffers[request.answer].count == end
        guard result.failure == nil, request.reader.keepsAlive, isWhole, !request.isWriting else {
            return dropOutgoing(place)
        }
        wipeAndGive(request.request)
        wipeAndGive(request.answer)
        wipeAndGive(request.sealed)
        outgoing.requests[place].request = BufferPool.none
        outgoing.requests[place].answer = BufferPool.none
        outgoing.requests[place].sealed = BufferPool.none
        outgoing.requests[place].phase = .idle
        outgoing.requests[place].deadline = turn.now.adding(seconds: Outgoing.idleSeconds)
    }

    /// Sends a message that nobody took to where the handler says now, for the same client.
    private mutating func sendElsewhere(_ request: OutgoingRequest) -> Bool {
        guard let place = queueRelay(request.relay) else {
            _ = handler.cancelRelay(request.relay, &turn)
            return false
        }
        outgoing.requests[place].connection = request.connection
        outgoing.requests[place].connectionNumber = request.connectionNumber
        outgoing.requests[place].contentType = request.contentType
        outgoing.requests[place].needsKeepAliveField = request.needsKeepAliveField
        return true
    }

    private static func answer(
        _ buffers: borrowing BufferPool, _ request: OutgoingRequest, _ result: OutgoingResult,
        _ handler: RequestHandler, _ turn: inout Turn
    ) -> HandledRequest {
        handler.relayEnded(
            request.relay, result, sent: buffers[request.request], answer: buffers[request.answer],
            body: result.failure == nil ? request.reader.bodyRange : 0..<0, &turn)
    }

    /// Asks other services for clients that are called whether something waits there.
    mutating func makeWatches() {
        while outgoing.hasRelayPlace, let relay = handler.nextWatch(&turn) {
            if queueRelay(relay) == nil { _ = handler.cancelRelay(relay, &turn) }
        }
        startRelays(isDurable: true)
    }
}
