import CLibC
import Files
import Octets
import TLS
import Transport

/// A connection to a server, perhaps by TLS, on which the client waits for what it reads.
struct Line: ~Copyable {
    /// What it can be waited for at; negative when there is none.
    private(set) var descriptor: Int32 = -1
    private let sealing: Sealing
    private var place = TLSConnections.none
    /// Octets that came sealed and were not read.
    private var arrival: FixedBytes

    init(_ sealing: Sealing) {
        self.sealing = sealing
        arrival = Memory.buffer(18_432)
    }

    deinit {
        if place != TLSConnections.none { sealing.tls.close(place) }
        if descriptor >= 0 { _ = close(descriptor) }
    }

    var isOpen: Bool { descriptor >= 0 }

    /// Something was read from the network that nobody has asked for yet.
    var hasUnread: Bool { place != TLSConnections.none && (arrival.count > 0 || sealing.tls.hasUnread(place)) }

    /// Connects; false when nobody answers, or not the one that we went to.
    ///
    /// - Parameters:
    ///   - isCall: It belongs to a session: it has to be the server that is talked to already.
    ///   - patience: Seconds for the connect, and for each wait.
    mutating func open(
        _ host: InlineBytes<200>, _ port: InlineBytes<8>, isSealed: Bool, isCall: Bool = false, patience: Int32
    ) -> Bool {
        hangUp()
        descriptor = unsafe File.withPath(host.span) { host in
            unsafe File.withPath(port.span) { port in unsafe libc_connect_host(host, port, patience) }
        }
        guard isOpen else { return false }
        if !isSealed { return true }
        if shakeHands(host), isCall ? sealing.isSameServer(place) : sealing.believes(place, host: host, port: port) {
            return true
        }
        hangUp()
        return false
    }

    mutating func hangUp() {
        if place != TLSConnections.none {
            sealing.tls.output.removeAll()
            sealing.tls.end(place)
            _ = sendOutput()
            sealing.tls.close(place)
        }
        if descriptor >= 0 { _ = close(descriptor) }
        place = TLSConnections.none
        descriptor = -1
        arrival.wipe()
    }

    private mutating func shakeHands(_ host: InlineBytes<200>) -> Bool {
        guard let place = sealing.tls.open(to: host.span) else { return false }
        self.place = place
        while true {
            sealing.tls.output.removeAll()
            sealing.tls.lend(arrival)
            let outcome = sealing.tls.shakeHands(place)
            takeBack()
            guard sendOutput() else { return false }
            switch outcome {
            case .done: return true
            case .waits: guard receiveSealed(0) else { return false }
            case .ended, .failed: return false
            }
        }
    }

    private mutating func takeBack() {
        let rest = sealing.tls.takeBack()
        arrival.removeFirst(arrival.count - rest)
    }

    private mutating func receiveSealed(_ flags: Int32) -> Bool {
        let free = unsafe arrival.freeStorage()
        let count = unsafe recv(descriptor, free.baseAddress, free.count, flags)
        guard count > 0 else { return false }
        arrival.advance(by: count)
        return true
    }

    // MARK: Octets

    /// Sends all of it; false when the connection has ended.
    mutating func send(_ octets: borrowing FixedBytes) -> Bool {
        guard place != TLSConnections.none else { return Line.send(octets, descriptor) }
        var start = 0
        while start < octets.count {
            let end = min(octets.count, start + 16_384)
            sealing.tls.output.removeAll()
            guard sealing.tls.write(place, octets, start..<end), sendOutput() else { return false }
            start = end
        }
        return true
    }

    private func sendOutput() -> Bool { Line.send(sealing.tls.output, descriptor) }

    private static func send(_ octets: borrowing FixedBytes, _ descriptor: Int32) -> Bool {
        var offset = 0
        while offset < octets.count {
            let sent = unsafe octets.span(offset..<octets.count).withUnsafeBufferPointer { buffer in
                unsafe CLibC.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            offset += sent
        }
        return true
    }

    /// What came of a look.
    enum Reading {
        /// So many octets were added.
        case octets
        /// Nothing is there, and it was not to be waited for.
        case nothing
        /// The connection has ended.
        case end
    }

    /// Adds what comes next to `target`.
    ///
    /// - Parameter waits: Whether to wait for it.
    mutating func receive(into target: inout FixedBytes, waits: Bool = true) -> Reading {
        let flags = waits ? 0 : Int32(MSG_DONTWAIT)
        guard place != TLSConnections.none else {
            let free = unsafe target.freeStorage()
            let count = unsafe recv(descriptor, free.baseAddress, free.count, flags)
            if count < 0, !waits, libc_errno() == EAGAIN || libc_errno() == EINTR { return .nothing }
            guard count > 0 else { return .end }
            target.advance(by: count)
            return .octets
        }
        while true {
            sealing.tls.output.removeAll()
            sealing.tls.lend(arrival)
            let outcome = unsafe sealing.tls.read(place, into: target.freeStorage())
            takeBack()
            switch outcome {
            case .done(let count):
                target.advance(by: count)
                return .octets
            case .waits:
                if receiveSealed(flags) { continue }
                return !waits && (libc_errno() == EAGAIN || libc_errno() == EINTR) ? .nothing : .end
            case .ended, .failed: return .end
            }
        }
    }
}
