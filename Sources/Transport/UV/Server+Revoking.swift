import CLibC
import CUV
import IMPSEngine
import Octets
import Wire

extension StoreError {
    /// What an operator is told whose change was not kept.
    var refusal: StaticString {
        switch self {
        case .full: return "error store-full the change was not kept; free room or raise db_kb\n"
        case .failed: return "error store-fail the change was not kept; the log tells why (STORE-FAIL)\n"
        }
    }
}

/// The end of a turn. Where it was not kept, what tells of a change becomes a refusal.
extension Server {
    /// Has the turn kept, or not; an engine that cannot go on ends here, whoever came.
    mutating func commit() -> StoreError? {
        let error = handler.commit(&turn)
        // What is due would be due again at once.
        if error != nil { handlerWaitsUntil = turn.now.adding(seconds: 1) }
        if handler.wantsEnd {
            stopSignal = SIGTERM
            unsafe uv_stop(loop)
        }
        return error
    }

    /// When what is due at the handler is to be done.
    var handlerDeadline: Instant? {
        guard let deadline = handler.deadline, let handlerWaitsUntil else { return handler.deadline }
        return max(deadline, handlerWaitsUntil)
    }

    /// Replaces the answers that tell of changes which are not durable.
    mutating func revokeHeld(_ error: StoreError) {
        if turn.journal.begin(error == .full ? .storeFull : .storeFail, turn.now, turn.wall) {
            if case .failed(let code) = error { turn.journal.number("code", UInt64(code.magnitude)) }
            turn.journal.number("answers", UInt64(heldCount))
            turn.journal.end()
        }
        var position = 0
        while position < heldCount {
            var end = position + 1
            var isDurable = held[position].isDurable
            while end < heldCount, held[end].connection == held[position].connection {
                isDurable = isDurable || held[end].isDurable
                end += 1
            }
            if isDurable, connections[Int(held[position].connection)].phase == .held { revoke(position..<end, error) }
            position = end
        }
    }

    /// Writes the answers of a connection anew, one behind the other as they were.
    private mutating func revoke(_ run: Range<Int>, _ error: StoreError) {
        let index = Int(held[run.lowerBound].connection)
        let mark = heldOctets.count
        for position in run {
            let reply = held[position]
            let start = heldOctets.count
            if reply.isDurable {
                let outcome = handler.revoke(heldOctets, answer: reply.bodyStart..<reply.end, error)
                var head = ResponseHead(.ok, contentLength: outcome.isMessage ? handler.replyByteCount : 0)
                head.closes = connections[index].closesAfterReply && position == run.upperBound - 1
                head.write(contentType: contentType(ofHead: reply.start..<reply.bodyStart).span, into: &heldOctets)
                // It tells of nothing any more, whatever becomes of the rest of the turn.
                held[position].isDurable = false
                held[position].bodyStart = heldOctets.count
                if outcome.isMessage { handler.appendReply(to: &heldOctets) }
            } else {
                held[position].bodyStart = start + reply.bodyStart - reply.start
                heldOctets.appendCopy(of: reply.start..<reply.end)
            }
            guard !heldOctets.isOverflowed else {
                // No room to say so: the client repeats what it hears nothing about.
                heldOctets.truncate(to: mark)
                return close(index)
            }
            held[position].start = start
            held[position].end = heldOctets.count
        }
    }

    /// The content type that the head of a held answer says.
    private func contentType(ofHead range: Range<Int>) -> InlineBytes<100> {
        let head = heldOctets.span(range)
        let name: StaticString = "Content-Type: "
        var start = 0
        while let end = head.firstIndex(of: 0x0D, from: start) {
            let line = head.extracting(start..<end)
            if line.starts(with: name) {
                return InlineBytes(line.extracting(name.utf8CodeUnitCount..<line.count)) ?? InlineBytes()
            }
            start = end + 2
            if start >= head.count { break }
        }
        return InlineBytes()
    }
}
