import IMPSEngine
import Octets
import Store
import Transport
import Wire

/// Messages that go on to a service behind this one, and what comes back.
extension Service {
    /// Makes the client's answer, in the writer, of what became of its message.
    func endRelay(
        _ relay: Int, _ result: OutgoingResult, _ sent: borrowing FixedBytes, _ answer: borrowing FixedBytes,
        _ body: Range<Int>, _ turn: inout Turn
    ) -> HandledRequest {
        let changesBefore = engine.store.changeCount
        var reply =
            readAnswer(relay, result, answer, body, &turn)
            ?? refuseRelay(relay, sent, RelayFailure(result.failure), &turn)
        if case .message = reply, writer.isOverflowed { reply = .malformed }
        return HandledRequest(
            reply: reply, isDurable: engine.store.changeCount != changesBefore, version: writer.version)
    }

    /// nil when it is no answer to what was asked.
    private func readAnswer(
        _ relay: Int, _ result: OutgoingResult, _ answer: borrowing FixedBytes, _ body: Range<Int>, _ turn: inout Turn
    ) -> Reply? {
        guard result.failure == nil, result.status == 200 || result.status == 204 else { return nil }
        let syntax = engine.relayOrder(relay).syntax
        do throws(WireError) {
            if body.count > 0 { try document.read(answer.span(body), syntax: syntax) }
        } catch {
            return nil
        }
        writer.output.removeAll()
        return engine.relayAnswered(relay, document, isEmpty: body.count == 0, &turn, into: &writer)
    }

    /// Refuses what was for a service behind this one, by what was sent there, or sends that to another address.
    private func refuseRelay(
        _ relay: Int, _ sent: borrowing FixedBytes, _ failure: RelayFailure, _ turn: inout Turn
    ) -> Reply {
        let message = sent.span(min(sent.span.endOfHead ?? sent.count, sent.count)..<sent.count)
        read(message, of: relay)
        let reply = fail(relay, failure, &turn)
        guard case .deferred = reply else { return reply }
        let order = engine.relayOrder(relay)
        writer.begin(syntax: order.syntax, version: order.version)
        writer.output.append(message)
        return reply
    }

    /// Refuses a message that lies in the writer still.
    func refuseRelay(_ relay: Int, _ failure: RelayFailure, _ turn: inout Turn) -> Reply {
        read(writer.output.span, of: relay)
        return fail(relay, failure, &turn)
    }

    /// Reads a message as it was sent; what cannot be read leaves no document.
    private func read(_ message: Span<UInt8>, of relay: Int) {
        do throws(WireError) {
            try document.read(message, syntax: engine.relayOrder(relay).syntax)
        } catch {
            document.wipe()
        }
    }

    private func fail(_ relay: Int, _ failure: RelayFailure, _ turn: inout Turn) -> Reply {
        writer.output.wipe()
        let reply = engine.relayFailed(relay, document, failure, &turn, into: &writer)
        document.wipe()
        return reply
    }
}

extension RelayFailure {
    /// What a failed request says of the other side; an answer that came all the same made no sense.
    fileprivate init(_ failure: OutgoingFailure?) {
        switch failure {
        case nil, .noAnswer: self = .nonsense
        case .timeout: self = .timeout
        case .busy: self = .busy
        case .noTLS, .noName, .unreachable, .distrust, .tls: self = .unreachable
        }
    }
}

extension Span where Element == UInt8 {
    /// Where the body of a request of ours begins.
    fileprivate var endOfHead: Int? {
        var start = 0
        while let index = firstIndex(of: 0x0A, from: start) {
            if index >= 3, self[index - 2] == 0x0A { return index + 1 }
            start = index + 1
        }
        return nil
    }
}

extension FixedBytes {
    /// Adds the request that carries a message.
    mutating func append(_ message: borrowing Writer, _ target: Target, agent: Span<UInt8>) {
        append("POST ")
        append(target.path.span)
        append(" HTTP/1.1\r\nHost: ")
        target.writeHost(into: &self)
        if agent.count > 0 {
            append("\r\nUser-Agent: ")
            append(agent)
        }
        append("\r\nContent-Type: ")
        append(MessageType.name(message.syntax, message.version))
        append("\r\nContent-Length: ")
        append(decimal: UInt64(message.output.count))
        append("\r\n\r\n")
        append(copy: message.output, 0..<message.output.count)
    }
}
