import IMPSEngine
import Octets
import Wire

/// A turn that was not kept: what tells of a change becomes a refusal.
extension Server {
    /// Replaces the answers that tell of changes which are not durable.
    mutating func revokeHeld(_ error: StoreError) {
        if turn.journal.begin(error == .full ? .storeFull : .storeFail, turn.now, turn.wall) {
            if case .failed(let code) = error { turn.journal.number("code", UInt64(code.magnitude)) }
            turn.journal.number("answers", UInt64(heldCount))
            turn.journal.end()
        }
        for position in 0..<heldCount where held[position].isDurable {
            let reply = held[position]
            let index = Int(reply.connection)
            guard connections[index].phase == .held else { continue }
            let outcome = handler.revoke(heldOctets, answer: reply.bodyStart..<reply.end, error)
            let start = heldOctets.count
            var head = ResponseHead(.ok, contentLength: outcome == .message ? handler.replyByteCount : 0)
            head.closes = connections[index].closesAfterReply
            head.write(contentType: contentType(ofHead: reply.start..<reply.bodyStart).span, into: &heldOctets)
            if outcome == .message { handler.appendReply(to: &heldOctets) }
            guard !heldOctets.isOverflowed else {
                // No room to say so: the client repeats what it hears nothing about.
                heldOctets.truncate(to: start)
                close(index)
                continue
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
