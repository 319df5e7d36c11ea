import CLibC
import CSP
import Files
import IMPSEngine
import Octets
import Transport
import Wire

/// How the server calls: a connection that is kept, datagrams, or a URL that is asked.
enum CallMethod {
    case none, tcp, udp, http

    /// The method with this word of the command line; nil when it is none.
    init?(_ word: Span<UInt8>) {
        if word.equals("tcp") {
            self = .tcp
        } else if word.equals("udp") {
            self = .udp
        } else if word.equals("http") {
            self = .http
        } else {
            return nil
        }
    }

    /// Its name in SupportedCIRMethod.
    var name: StaticString {
        switch self {
        case .none: return "NONE"
        case .tcp: return "STCP"
        case .udp: return "SUDP"
        case .http: return "SHTTP"
        }
    }
}

/// What a client waited for.
enum Wakeup {
    /// Somebody typed.
    case input
    /// The server says that something waits, or nobody knows.
    case called
    case time
}

/// Where the client waits to be called, so that it need not poll. Source: protocol/transport.md §6.
struct CallLine: ~Copyable {
    private let method: CallMethod
    private let clock = Clock()
    /// Of datagrams.
    private var descriptor: Int32 = -1
    private var line: Line
    /// By TLS, as the requests are.
    private let isSealed: Bool
    private var port: UInt16 = 0
    private var isAgreed = false
    private var host = InlineBytes<200>()
    private var hostPort = InlineBytes<8>()
    private var connection: HTTPConnection
    private var sessionID = InlineBytes<64>()
    private let cookie: InlineBytes<64>
    private var octets = Memory.buffer(2048)
    /// When to say PING or to give it up, to ask at the URL, or to connect again.
    private var nextAct = Instant(milliseconds: 0)
    /// A PING is not answered yet.
    private var awaitsOK = false
    /// Seconds until the next attempt to connect: 3, 9, 27, and again.
    private var patience: UInt64 = 3

    /// Seconds for a connect, during which nobody can type. Source of the others: protocol/transport.md §5.
    private static var connectSeconds: Int32 { 5 }
    private static var pingSeconds: UInt64 { 900 }
    private static var answerSeconds: UInt64 { 30 }
    private static var askSeconds: UInt64 { 10 }

    init(_ method: CallMethod, cookie: InlineBytes<64>, isSealed: Bool, _ sealing: Sealing) {
        self.method = method
        self.cookie = cookie
        self.isSealed = isSealed
        line = Line(sealing)
        connection = HTTPConnection(byteCountMax: 4096, patience: CallLine.connectSeconds, sealing)
        if method == .udp { descriptor = unsafe libc_open_datagrams(&port) }
    }

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
    }

    /// Whether the client is called at present, and need not poll.
    var isOpen: Bool { isAgreed && (method == .http || descriptor >= 0 || line.isOpen) }

    // MARK: Agreement

    /// Writes the capabilities that it needs.
    func writeCapabilities(into writer: inout Writer) {
        guard method != .none, method != .udp || descriptor >= 0 else { return }
        writer.text(.supportedCIRMethod, method.name)
        if method == .udp { writer.integer(.udpPort, UInt64(port)) }
    }

    /// Begins to listen as the server agreed.
    mutating func begin(_ document: borrowing Document, _ list: Document.Element, sessionID: InlineBytes<64>) {
        guard method != .none else { return }
        self.sessionID = sessionID
        isAgreed = takeAgreement(document, list)
        nextAct = clock.now
        if !isAgreed {
            Terminal.printError("imps: the server does not call this way; it is polled\n")
        } else if method == .tcp {
            hangUp()
            patience = 3
            dial()
        }
    }

    private mutating func takeAgreement(_ document: borrowing Document, _ list: Document.Element) -> Bool {
        var next = document.first(.supportedCIRMethod, in: list)
        while let current = next, !document.word(of: current).equalsIgnoringCase(method.name.octets) {
            next = document.next(after: current)
        }
        guard next != nil else { return false }
        switch method {
        case .none, .udp: return true
        case .tcp:
            guard let address = document.word(.tcpAddress, in: list), let copy = InlineBytes<200>(address) else {
                return false
            }
            host = copy
            hostPort = InlineBytes()
            _ = hostPort.append(Decimal.digits(of: document.integer(.tcpPort, in: list) ?? 3171).span)
            return true
        case .http:
            guard let element = document.first(.cirhttpAddress, in: list) ?? document.first(.cirurl, in: list),
                let url = document.word(.url, in: element)
            else { return false }
            var server = ServerAddress()
            guard server.read(url) else { return false }
            connection.change(to: server)
            return true
        }
    }

    // MARK: Waiting

    /// Waits until the server calls, somebody types, or the time is over.
    ///
    /// - Parameter hasInput: Whether somebody may type.
    mutating func wait(milliseconds: UInt64, hasInput: Bool) -> Wakeup {
        let end = Instant(milliseconds: clock.now.milliseconds + milliseconds)
        while true {
            if isAgreed, method != .udp, nextAct <= clock.now, act() { return .called }
            var until = end
            if isAgreed, method != .udp { until = min(until, nextAct) }
            let now = clock.now
            let rest = until > now ? until.milliseconds - now.milliseconds : 0
            if method == .tcp, line.hasUnread {
                if hears() { return .called }
                continue
            }
            let place = method == .tcp ? line.descriptor : descriptor
            let ready = libc_wait_readable(hasInput ? 0 : -1, isAgreed ? place : -1, Int32(clamping: rest))
            // A signal, of a window that was resized, may need something to be drawn.
            if ready < 0 { return .time }
            if ready & 1 != 0 { return .input }
            if ready & 2 != 0, hears() { return .called }
            if clock.now >= end { return .time }
        }
    }

    /// Does what is due; true when something may wait, or the client is not called any more.
    private mutating func act() -> Bool {
        if method == .http {
            let status = connection.get()
            nextAct = clock.now.adding(seconds: CallLine.askSeconds)
            // Whatever else it says, this URL calls nobody: the session is gone, or the server is not there.
            isAgreed = status == 200 || status == 204
            return status != 204
        }
        if !line.isOpen { return dial() }
        guard !awaitsOK, send("PING\r\n") else {
            hangUp()
            return true
        }
        awaitsOK = true
        nextAct = clock.now.adding(seconds: CallLine.answerSeconds)
        return false
    }

    /// Reads what arrived; true when it is a call, or the connection is gone and nobody can call any more.
    private mutating func hears() -> Bool {
        octets.removeAll()
        if method == .tcp {
            switch line.receive(into: &octets, waits: false) {
            case .octets: break
            case .nothing: return false
            case .end:
                hangUp()
                return true
            }
        } else {
            let free = unsafe octets.freeStorage()
            let count = unsafe recv(descriptor, free.baseAddress, free.count, Int32(MSG_DONTWAIT))
            // What was there may be gone, as a datagram with a wrong checksum, or nothing.
            guard count > 0 else { return false }
            octets.advance(by: count)
        }
        // Anybody can send a datagram; the cookie is known to the server alone.
        if method == .udp { return octets.span.starts(with: "WVCI") && octets.span.contains(cookie.span) }
        if octets.span.contains("OK") {
            awaitsOK = false
            nextAct = clock.now.adding(seconds: CallLine.pingSeconds)
        }
        return octets.span.contains("WVCI")
    }

    // MARK: STCP

    /// Connects and says whose connection it is; true when the server took it, which may have something by now.
    @discardableResult
    private mutating func dial() -> Bool {
        let isOpen = line.open(
            host, hostPort, isSealed: isSealed, isCall: true, patience: CallLine.connectSeconds)
        octets.removeAll()
        octets.append("HELO ")
        octets.append(sessionID.span)
        octets.append("\r\n")
        guard isOpen, line.send(octets), hearsOK() else {
            hangUp()
            return false
        }
        patience = 3
        nextAct = clock.now.adding(seconds: CallLine.pingSeconds)
        return true
    }

    private mutating func hearsOK() -> Bool {
        octets.removeAll()
        return line.receive(into: &octets) == .octets && octets.span.starts(with: "OK")
    }

    /// Gives the connection up; the next attempt comes later each time.
    private mutating func hangUp() {
        line.hangUp()
        awaitsOK = false
        nextAct = clock.now.adding(seconds: patience)
        patience = patience >= 27 ? 3 : patience * 3
    }

    private mutating func send(_ words: StaticString) -> Bool {
        octets.removeAll()
        octets.append(words)
        return line.send(octets)
    }
}

extension Span<UInt8> {
    /// Whether `other` is somewhere in it.
    func contains(_ other: Span<UInt8>) -> Bool {
        guard other.count <= count else { return false }
        for index in 0...(count - other.count) where extracting(index..<index + other.count).equals(other) {
            return true
        }
        return false
    }

    func contains(_ words: StaticString) -> Bool { contains(words.octets) }
}
