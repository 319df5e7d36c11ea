import CLibC
import CUV
import IMPSEngine
import Octets
import TLS
import Wire

/// The network side: one libuv loop with HTTP listeners, the control socket, timers and signals.
///
/// All requests that arrive in one turn of the loop share one transaction. At the end of the turn it is committed, and
/// only then the answers go out. The structure lies in one place of the heap, to which `loop.data` points; all callbacks
/// come from `uv_run` in one thread, none from within a call of ours, so each has it for itself. That, and that handles
/// and requests stay where they are until libuv gave them back, is what makes the `unsafe` in this folder sound.
@safe
public struct Server: ~Copyable {
    let settings: ServerSettings
    let sizes: ServerSizes
    let handler: RequestHandler
    let clock: Clock

    /// Time, randomness and the log for the handler.
    public var turn: Turn
    /// The pools, those of the engine first.
    public var pools: PoolTable
    var sink: LogSink

    // libuv's part of each thing, at the same place as ours.
    var loop: UnsafeMutablePointer<uv_loop_t>
    let listeners: UnsafeMutablePointer<uv_tcp_t>
    let handles: UnsafeMutablePointer<uv_tcp_t>
    let channelListeners: UnsafeMutablePointer<uv_tcp_t>
    let channelHandles: UnsafeMutablePointer<uv_tcp_t>
    /// For IPv4 and for IPv6; they get their sockets with the first datagram.
    let datagrams: UnsafeMutablePointer<uv_udp_t>
    let writes: UnsafeMutablePointer<uv_write_t>
    let shutdowns: UnsafeMutablePointer<uv_shutdown_t>
    let prepare: UnsafeMutablePointer<uv_prepare_t>
    let check: UnsafeMutablePointer<uv_check_t>
    let idle: UnsafeMutablePointer<uv_idle_t>
    let timer: UnsafeMutablePointer<uv_timer_t>
    let signals: UnsafeMutablePointer<uv_signal_t>

    var connections: ConnectionTable
    var channels: Slab<Channel>
    /// The free ones, as a stack.
    var freeChannels: Slab<UInt16>
    var freeChannelCount: Int
    var channelCount = 0
    /// Those that have not said yet whose they are.
    var greetingCount = 0
    /// By slot of the session.
    var channelOfSession: Slab<UInt16>
    var cirPort: UInt16 = 0
    var cirTLSPort: UInt16 = 0
    var sealedChannelCount = 0
    var endedSessionCount: UInt64 = 0
    var reloadCount: UInt64 = 0
    var channelSweepsAt: Instant?
    var isWaitingForChannel = InlineArray<8, Bool>(repeating: false)
    var buffers: BufferPool
    /// Where octets land; what is not handled in the same callback moves to a borrowed buffer.
    var arrival: FixedBytes
    /// In front of what arrives lies what a connection has in its small buffer.
    var arrivesBehindRest = false
    var held: Slab<HeldReply>
    var heldCount = 0
    /// Heads and bodies of the held answers.
    var heldOctets: FixedBytes
    /// Where a head without body is put together.
    var scratch: FixedBytes
    /// Connections with a next request in their buffer, to be handled after the answers went out.
    var waiting: Slab<UInt16>
    var waitingCount = 0

    var turnIsOpen = false
    /// Held answers at the last look for more; 0 when the turn does not wait for others.
    var collectedCount = 0
    var clockWasTrusted = false
    var turnOpenedAt = Instant(milliseconds: 0)
    var armedFor: Instant?
    var sweepsAt: Instant?
    /// The addresses, and then the same for TLS.
    var isBound = InlineArray<9, Bool>(repeating: false)
    /// Handles of a listener that libuv still has, though they listen no more.
    var closingListeners = InlineArray<9, Int>(repeating: 0)
    /// Handshakes of connections to be called on have their turn next, before those of requests.
    var isTurnOfChannels = false
    /// A listener has a connection that nobody had room for.
    var isWaitingForRoom = InlineArray<9, Bool>(repeating: false)
    var boundPort: UInt16 = 0
    var tls: TLSConnections
    var tlsPort: UInt16 = 0
    let poolPlaces: ServerPools
    var handshakes = HandshakeBudget()
    /// When handshakes that wait for their turn go on.
    var handshakesAt: Instant?
    /// When it is looked at whether the certificate is at its end.
    var checksCertificateAt: Instant?
    /// Where sealed octets land.
    var sealedArrival: FixedBytes
    var bindsAt: Instant?
    /// The handler's turn was not kept: what is due there is not tried again before.
    var handlerWaitsUntil: Instant?
    var saidReady = false
    var stopSignal: Int32 = 0
    var control: ControlServer
    var adminPort: UInt16 = 0
    var admin: AdminSeat
    var outgoing: Outgoing
    var stream: XMPPStream
    /// Connections whose requests wait for a place there, the longest first.
    var parked: Slab<UInt16>
    var parkedCount = 0
    var modem = Modem()
    let watchdog: Watchdog
    var feedsAt: Instant?
    /// The watchdog is due, and is fed when the turn has gone well.
    var isHungry = false

    /// Takes all memory for the network side.
    ///
    /// - Parameters:
    ///   - pools: The pools of the engine, to which those of the network are added.
    ///   - turn: With the journal; its time is set here.
    public init(
        settings: ServerSettings, sizes: ServerSizes, handler: RequestHandler, clock: Clock, turn: consuming Turn,
        pools: consuming PoolTable, usesSyslog: Bool
    ) {
        var settings = settings
        if sizes.channels == 0 {
            settings.hasChannels = false
            settings.hasSealedChannels = false
        }
        self.settings = settings
        self.sizes = sizes
        self.handler = handler
        self.clock = clock
        self.turn = turn
        self.pools = pools
        sink = LogSink(usesSyslog: usesSyslog)
        let slots = sizes.connections + sizes.shedCount
        // Headers read for another system would give the library less memory than it writes to.
        unsafe invariant(
            uv_loop_size() == MemoryLayout<uv_loop_t>.size && uv_handle_size(UV_TCP) == MemoryLayout<uv_tcp_t>.size
                && uv_handle_size(UV_SIGNAL) == MemoryLayout<uv_signal_t>.size,
            "IM066 libuv's headers and library agree")
        unsafe loop = .allocate(capacity: 1)
        unsafe listeners = .allocate(capacity: Server.listenerCount)
        unsafe handles = .allocate(capacity: slots)
        unsafe channelListeners = .allocate(capacity: 8)
        unsafe channelHandles = .allocate(capacity: max(1, sizes.channels))
        unsafe datagrams = .allocate(capacity: 2)
        unsafe writes = .allocate(capacity: slots)
        unsafe shutdowns = .allocate(capacity: slots)
        unsafe prepare = .allocate(capacity: 1)
        unsafe check = .allocate(capacity: 1)
        unsafe idle = .allocate(capacity: 1)
        unsafe timer = .allocate(capacity: 1)
        unsafe signals = .allocate(capacity: 5)
        connections = ConnectionTable(limit: sizes.connections, shedCount: sizes.shedCount)
        channels = Memory.slab(sizes.channels, Channel.self)
        freeChannels = Memory.slab(sizes.channels, UInt16.self)
        // The first ones are taken first, so that memory that nobody needs is not touched.
        for index in 0..<sizes.channels { freeChannels[index] = UInt16(sizes.channels - 1 - index) }
        freeChannelCount = sizes.channels
        channelOfSession = Memory.slab(sizes.sessions, UInt16.self)
        for index in 0..<sizes.sessions { channelOfSession[index] = Channel.none }
        arrival = Memory.buffer(BufferSizes.mediumByteCount)
        held = Memory.slab(sizes.heldCountMax, HeldReply.self)
        heldOctets = Memory.buffer(sizes.heldByteCountMax)
        scratch = Memory.buffer(ResponseHead.byteCountMax)
        sealedArrival = Memory.buffer(sizes.sealed > 0 ? BufferSizes.mediumByteCount : 0)
        tls = TLSConnections(
            count: sizes.sealed, memory: Memory.octets,
            output: Memory.buffer(sizes.sealed > 0 ? sizes.sealedByteCountMax : 0))
        waiting = Memory.slab(slots, UInt16.self)
        control = ControlServer()
        admin = AdminSeat(isUsed: sizes.hasAdmin)
        outgoing = Outgoing(sizes)
        stream = XMPPStream(sizes)
        parked = Memory.slab(sizes.relays > 0 ? sizes.connections : 0, UInt16.self)
        watchdog = Watchdog(device: settings.watchdogPath.span)
        poolPlaces = Server.addPools(sizes, to: &self.pools)
        buffers = BufferPool(sizes.buffers, &self.pools)
    }

    // MARK: Running

    /// Why a server cannot start.
    public enum StartError: Error {
        /// An address is in use already.
        case addressInUse
        /// The control socket cannot be made; the code is libuv's.
        case control(Int32)
        /// libuv refuses; the code is libuv's.
        case failed(Int32)
    }

    /// Runs until a signal ends it.
    ///
    /// - Throws: `StartError` when it cannot begin.
    /// - Returns: the signal.
    public consuming func run() throws(StartError) -> Int32 {
        let place = UnsafeMutablePointer<Server>.allocate(capacity: 1)
        unsafe place.initialize(to: self)
        do throws(StartError) {
            try unsafe place.pointee.start(place)
        } catch {
            unsafe place.pointee.logStop(error)
            throw error
        }
        let loop = unsafe place.pointee.loop
        _ = unsafe uv_run(loop, UV_RUN_DEFAULT)
        unsafe place.pointee.ended()
        return unsafe place.pointee.stopSignal
    }

    private mutating func ended() {
        turn.now = clock.now
        handler.ended(&turn)
        watchdog.end()
        sink.drain(&turn.journal)
    }

    private mutating func start(_ place: UnsafeMutablePointer<Server>) throws(StartError) {
        libc_prepare_signals()
        let code = unsafe uv_loop_init(loop)
        guard code == 0 else { throw .failed(code) }
        unsafe loop.pointee.data = UnsafeMutableRawPointer(place)
        // After the callbacks of the network, and before the loop goes to sleep: timers and closed handles call too.
        unsafe uv_prepare_init(loop, prepare)
        unsafe uv_prepare_start(prepare) { handle in
            guard let handle = unsafe handle else { return }
            unsafe Server.of(handle.pointee.loop).pointee.loopWillWait()
        }
        unsafe uv_check_init(loop, check)
        unsafe uv_check_start(check) { handle in
            guard let handle = unsafe handle else { return }
            unsafe Server.of(handle.pointee.loop).pointee.turnEnds()
        }
        unsafe uv_idle_init(loop, idle)
        unsafe uv_timer_init(loop, timer)
        unsafe uv_udp_init(loop, datagrams)
        unsafe uv_udp_init(loop, datagrams + 1)
        growLoop()
        try startControl()
        beginTurn()
        takeCertificate()
        try bindListeners()
        startSignals()
        startWatchdog()
        confine()
        turnEnds()
    }

    private mutating func confine() {
        let confinement = Confinement.confine(to: settings)
        handler.confined(confinement)
        guard turn.journal.begin(.confined, turn.now, turn.wall) else { return }
        turn.journal.word("calls", confinement.calls.name)
        turn.journal.word("places", confinement.places.name)
        if settings.isConfined { turn.journal.word("tried", confinement.isTried ? "refused" : "allowed") }
        turn.journal.end()
    }

    /// Has the loop's table of descriptors grow now to what it will ever need, so that the heap does not grow later.
    private func growLoop() {
        let wanted = sizes.connections + sizes.shedCount + sizes.channels + 64
        let descriptor = libc_high_socket(Int32(min(wanted, Int(libc_descriptor_limit()) - 1)))
        guard descriptor >= 0 else { return }
        let poll = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        unsafe uv_poll_init(loop, poll, descriptor)
        unsafe uv_poll_start(poll, Int32(UV_READABLE.rawValue)) { _, _, _ in }
        unsafe uv_poll_stop(poll)
        unsafe uv_close(uv_shim_handle(poll), nil)
        _ = CLibC.close(descriptor)
    }

    private mutating func startWatchdog() {
        if let interval = watchdog.interval { feedsAt = Instant(milliseconds: turn.now.milliseconds + interval) }
        guard !settings.watchdogPath.isEmpty, turn.journal.begin(.watchdog, turn.now, turn.wall) else { return }
        turn.journal.text("device", settings.watchdogPath.span, countMax: 60)
        turn.journal.number("s", UInt64(watchdog.deviceSeconds))
        if !watchdog.hasDevice { turn.journal.sentence("why", "it cannot be opened; nothing watches this process") }
        turn.journal.end()
    }

    /// The server that a loop belongs to.
    static func of(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> UnsafeMutablePointer<Server> {
        guard let loop = unsafe loop, let data = unsafe loop.pointee.data else { fatalError() }
        return unsafe data.assumingMemoryBound(to: Server.self)
    }

    private func startSignals() {
        let numbers: InlineArray<5, Int32> = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]
        for index in numbers.indices {
            unsafe uv_signal_init(loop, signals + index)
            unsafe uv_signal_start(
                signals + index,
                { handle, number in
                    guard let handle = unsafe handle else { return }
                    unsafe Server.of(handle.pointee.loop).pointee.signalArrived(number)
                }, numbers[index])
        }
    }

    private mutating func signalArrived(_ number: Int32) {
        beginTurn()
        switch number {
        case SIGHUP:
            handler.reloadConfiguration(&turn)
            takeCertificate()
            bindAgain()
        case SIGUSR1: logStatus()
        case SIGUSR2: cycleLevel()
        default:
            stopSignal = number
            if turn.journal.begin(.stop, turn.now, turn.wall) {
                turn.journal.number("signal", UInt64(number))
                turn.journal.end()
            }
            handler.willEnd(&turn)
            unsafe uv_stop(loop)
        }
        turnEnds()
    }

    /// Writes out what the journal has got.
    public mutating func drainJournal() { sink.drain(&turn.journal) }

    private mutating func logStop(_ error: StartError) {
        turn.now = clock.now
        if turn.journal.begin(.startFail, turn.now, turn.wall) {
            turn.journal.number("exit", UInt64(ExitCode.cannotCreate.rawValue))
            switch error {
            case .addressInUse: turn.journal.sentence("why", "the port is in use by another program")
            case .control(let code):
                turn.journal.sentence("why", "the control socket cannot be made; is its folder there and writable?")
                unsafe turn.journal.text("code", Server.text(of: uv_err_name(code)).span)
            case .failed(let code):
                turn.journal.sentence("why", "cannot listen")
                unsafe turn.journal.text("code", Server.text(of: uv_err_name(code)).span)
            }
            turn.journal.end()
        }
        drainJournal()
    }

    // MARK: Turn

    /// Reads the clocks, once a turn.
    mutating func beginTurn() {
        guard !turnIsOpen else { return }
        turnIsOpen = true
        turn.now = clock.now
        turn.wall = clock.wall(isTrusted: handler.clockIsTrusted)
        turnOpenedAt = turn.now
        if turn.wall.isTrusted != clockWasTrusted { logClock() }
    }

    private mutating func logClock() {
        clockWasTrusted = turn.wall.isTrusted
        if clockWasTrusted {
            handler.clockBegan(turn.now)
            checkCertificate()
        }
        guard turn.journal.begin(.clock, turn.now, turn.wall) else { return }
        turn.journal.word("trusted", clockWasTrusted ? "yes" : "no")
        turn.journal.end()
    }

    /// Timers and closed handles call between the network and here; while answers are collected, they wait.
    private mutating func loopWillWait() {
        if collectedCount == 0 { turnEnds() }
    }

    /// After all callbacks of a turn: what was changed is made durable, and the answers go out.
    private mutating func turnEnds() {
        guard turnIsOpen else { return }
        if isCollecting() { return }
        finishTurn()
        handleWaiting()
        sink.drain(&turn.journal)
        armTimer()
    }

    /// Whether the turn goes on, because others may come to share its commit.
    ///
    /// A commit costs far more than a look whether more requests have arrived meanwhile, so the loop looks, without
    /// waiting, until nothing comes any more or `batch_ms` are over.
    private mutating func isCollecting() -> Bool {
        guard heldCount > 0, stopSignal == 0 else { return false }
        let elapsed = clock.now.milliseconds - turnOpenedAt.milliseconds
        if settings.batchMilliseconds > 0 {
            guard elapsed < settings.batchMilliseconds else { return false }
            sink.drain(&turn.journal)
            armTimer()
            return true
        }
        guard heldCount > collectedCount, elapsed < Server.collectingMilliseconds else { return false }
        collectedCount = heldCount
        unsafe uv_idle_start(idle) { handle in
            guard let handle = unsafe handle else { return }
            unsafe Server.of(handle.pointee.loop).pointee.beginTurn()
        }
        return true
    }

    /// How long requests are collected at most when `batch_ms` is 0.
    private static var collectingMilliseconds: UInt64 { 3 }

    /// Requests that came behind another one are handled one round after the other; what is left waits for the next
    /// turn, so that one busy connection does not keep the others waiting.
    private mutating func handleWaiting() {
        var rounds = 4
        while waitingCount > 0 || stream.goesOn, rounds > 0, heldCount == 0 {
            rounds -= 1
            beginTurn()
            goOnWithStream()
            let count = waitingCount
            waitingCount = 0
            for index in 0..<count {
                let connection = Int(waiting[index])
                connections[connection].isWaiting = false
                if connections[connection].phase == .reading {
                    if admin.isAnswering(connection) {
                        goOnWithAdmin(connection)
                    } else if connections[connection].buffer != BufferPool.none {
                        process(connection)
                    }
                }
                unsealRest(connection)
            }
            finishTurn()
        }
        if waitingCount > 0 || stream.goesOn {
            unsafe uv_idle_start(idle) { handle in
                guard let handle = unsafe handle else { return }
                unsafe Server.of(handle.pointee.loop).pointee.beginTurn()
            }
        } else {
            unsafe uv_idle_stop(idle)
        }
    }

    /// Commits and lets the held answers go.
    mutating func finishTurn() {
        turnIsOpen = false
        let error = commit()
        if let error {
            revokeHeld(error)
        } else if isHungry {
            watchdog.feed()
        }
        isHungry = false
        pools[poolPlaces.busyTLS].used = tls.busyCount
        let count = heldCount
        heldCount = 0
        collectedCount = 0
        var position = 0
        while position < count {
            var reply = held[position]
            position += 1
            // Answers of one connection that lie one behind the other go out together.
            while position < count, held[position].connection == reply.connection, held[position].start == reply.end {
                reply.end = held[position].end
                position += 1
            }
            release(reply)
        }
        heldOctets.removeAll()
        startRelays(isDurable: error == nil)
        unpark()
        sendCalls()
        makeOrders()
        makeWatches()
        if sizes.hasStream { moveStream() }
    }

    // MARK: Timer

    /// Sets the one timer to the next moment at which something is due.
    private mutating func armTimer() {
        var next = handlerDeadline
        if let bindsAt { next = min(next ?? bindsAt, bindsAt) }
        if let feedsAt { next = min(next ?? feedsAt, feedsAt) }
        if let checksCertificateAt { next = min(next ?? checksCertificateAt, checksCertificateAt) }
        if let deadline = outgoing.deadline { next = min(next ?? deadline, deadline) }
        if modem.dialogue != nil { next = min(next ?? modem.deadline, modem.deadline) }
        if let retryAt = stream.retryAt, outgoing.isStreamFree { next = min(next ?? retryAt, retryAt) }
        if let handshakesAt { next = min(next ?? handshakesAt, handshakesAt) }
        if connections.openCount > 0 || turn.journal.hasSuppressed {
            let sweep = sweepsAt ?? turn.now.adding(seconds: 1)
            sweepsAt = sweep
            next = min(next ?? sweep, sweep)
        }
        if let sweep = nextControlSweep() { next = min(next ?? sweep, sweep) }
        if channelCount > 0 {
            let sweep = channelSweepsAt ?? turn.now.adding(seconds: 15)
            channelSweepsAt = sweep
            next = min(next ?? sweep, sweep)
        }
        if heldCount > 0 {
            let batch = Instant(milliseconds: turnOpenedAt.milliseconds + settings.batchMilliseconds)
            next = min(next ?? batch, batch)
        }
        guard next != armedFor else { return }
        armedFor = next
        guard let next else {
            unsafe uv_timer_stop(timer)
            return
        }
        let now = clock.now
        unsafe uv_update_time(loop)
        let wait = next > now ? next.milliseconds - now.milliseconds : 0
        unsafe uv_timer_start(
            timer,
            { handle in
                guard let handle = unsafe handle else { return }
                unsafe Server.of(handle.pointee.loop).pointee.timerFired()
            }, wait, 0)
    }

    private mutating func timerFired() {
        armedFor = nil
        beginTurn()
        let now = clock.now
        turn.now = now
        if let deadline = handlerDeadline, deadline <= now { handler.timePassed(&turn) }
        if let checksCertificateAt, checksCertificateAt <= now { checkCertificate() }
        if let deadline = outgoing.deadline, deadline <= now { cutLateOutgoing() }
        if modem.dialogue != nil, modem.deadline <= now { hurryModem() }
        if let handshakesAt, handshakesAt <= now { goOnWithHandshakes() }
        if let sweepsAt, sweepsAt <= now {
            self.sweepsAt = nil
            cutLateConnections()
            turn.journal.flushSuppressed(now, turn.wall)
        }
        if let channelSweepsAt, channelSweepsAt <= now {
            self.channelSweepsAt = nil
            cutLateChannels()
        }
        if let sweep = control.sweepsAt, sweep <= now { cutLateControl() }
        if let bindsAt, bindsAt <= now { bindAgain() }
        if let feedsAt, feedsAt <= now, let interval = watchdog.interval {
            isHungry = handler.answers()
            self.feedsAt = Instant(milliseconds: now.milliseconds + interval)
        }
    }
}
