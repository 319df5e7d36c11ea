import CLibC
import CSP
import Configuration
import Digests
import IMPSEngine
import Octets
import Setup
import Store
import TLS
import Transport
import Wire

/// How `mem_kb` is shared out: what is fixed first, then sessions, connections and buffers from what is left.
struct Sizes {
    var sessions: Int
    var buckets: Int
    var challenges: Int { 64 }
    var throttles: Int { 512 }
    var records: Int { 64 }
    let store: StoreMemory
    var elements: Int
    /// Places for services behind this one.
    var upstreams: Int
    /// Places for who is there by XMPP.
    var remotes: Int { EngineMemory.remoteCount(server.hasStream ? 256 : 0) }
    /// Octets of all texts of a message, without what XML escapes them with.
    var textByteCount: Int
    var server: ServerSizes

    /// Octets of a session with its share of the tables: two buckets at most, four places for networks and for answers,
    /// eight for whom it has not been told of.
    static var sessionByteCount: Int {
        MemoryLayout<Session>.stride + 2 * 2 + 4 * MemoryLayout<HashMapPlace<SessionList>>.stride + 2
            + MemoryLayout<OutstandingTable>.stride + 2 + 4 * MemoryLayout<KeptAnswer>.stride
            + 8 * MemoryLayout<PresenceMark>.stride
    }

    init(_ configuration: Configuration) {
        server = ServerSizes()
        store = configuration.storeMemory
        let message = Int(configuration.engine.messageByteCountMax)
        let total = Int(configuration.memoryKB) * 1024
        // The largest content has a place with every character escaped, where memory allows that. Source: CL-16.
        server.limits = RequestLimits(
            headByteCountMax: 8192, bodyByteCountMax: message + 16_384 + min(5 * message, max(0, total / 14 - message)))
        server.limits.hasPages = configuration.hasPage
        server.limits.pageHost = configuration.pageHost
        server.hasAdmin = configuration.hasAdmin
        upstreams = configuration.upstreamCount > (configuration.hasXMPP ? 1 : 0) ? EngineMemory.upstreamCount : 0
        server.hasStream = configuration.hasXMPP
        server.stanzaByteCountMax = 2 * message + 8192
        server.replyByteCountMax = message + 16_384 + min(4 * message, max(0, total / 17 - message))
        server.heldByteCountMax = server.replyByteCountMax + ResponseHead.byteCountMax + min(total / 16, 163_840)
        textByteCount = message + 16_384
        elements = 2048
        sessions = Int(configuration.sessionsMax)
        buckets = 1
        server.connections = Int(configuration.connectionsMax)
        if configuration.hasTLS {
            server.sealed = Int(configuration.tlsConnectionsMax)
            if server.sealed == 0 { server.sealed = min(500, max(4, TLSConnections.count(for: total / 8))) }
        }
        if configuration.hasAuthorities { server.sealed += 2 }
        server.buffers = Sizes.buffers(
            share: max(0, total - fixedByteCount) * 3 / 10, small: Int(configuration.requestBuffers),
            largeByteCount: server.largeBufferByteCount)

        // Each takes a buffer for what goes there, and one for what comes back.
        if upstreams > 0 { server.relays = min(64, max(2, server.buffers.small / 4)) }

        let left = max(0, total - fixedByteCount - server.buffers.byteCount)
        if sessions == 0 { sessions = min(65_000, max(16, left * 4 / 7 / Sizes.sessionByteCount)) }
        if server.connections == 0 {
            server.connections = min(4000, max(16, left * 2 / 7 / Server.connectionPool(one).byteCount))
        }
        server.sessions = sessions
        server.channels = configuration.engine.cirMethods.contains(.stcp) ? Int(configuration.channelsMax) : 0
        if server.channels == 0, configuration.engine.cirMethods.contains(.stcp) {
            server.channels = min(sessions + 64, max(16, left / 7 / Server.channelPool(one).byteCount))
        }
        // Descriptors beside the connections: the store, the log, the loop, listeners, the control socket, datagrams.
        let descriptors = Int(libc_descriptor_limit()) - 30 - server.shedCount
        server.connections = max(4, min(server.connections, descriptors))
        server.channels = max(0, min(server.channels, descriptors - server.connections))
        while buckets < sessions { buckets *= 2 }
    }

    /// The buffers that a share of the memory gives: half of it for the largest, the rest for the others.
    private static func buffers(share: Int, small: Int, largeByteCount: Int) -> BufferSizes {
        var sizes = BufferSizes()
        sizes.largeByteCount = largeByteCount
        sizes.large = min(64, max(2, share / 2 / largeByteCount))
        let rest = max(0, share - sizes.large * largeByteCount) / 2
        sizes.medium = min(512, max(2, rest / BufferSizes.mediumByteCount))
        sizes.small = small > 0 ? small : min(4096, max(8, rest / BufferSizes.smallByteCount))
        return sizes
    }

    private var one: ServerSizes {
        var sizes = ServerSizes()
        sizes.connections = 1
        return sizes
    }

    /// What does not depend on how many there are of anything.
    private var fixedByteCount: Int {
        let connections = Server.connectionPool(server)
        return enginePools(sessions: 0).byteCount + Server.arrivalPool.byteCount
            + Server.outgoingPool(server).count * Server.outgoingPool(server).byteCount + Server.modemPool.byteCount
            + Server.heldPool(server).byteCount
            + Server.streamPool(server).byteCount + ControlServer.pool.byteCount * ControlServer.pool.count
            + Server.adminPool(server).byteCount
            + (connections.count - server.connections) * connections.byteCount
            + (server.sealed > 0 ? Server.sealingPool(server).byteCount : 0)
            + server.sealed * TLSConnections.connectionByteCount
            + TLSConnections.busyCount(of: server.sealed) * TLSConnections.busyByteCount
    }

    /// The pools that the engine gets lent.
    func enginePools(sessions count: Int) -> PoolTable {
        var pools = PoolTable()
        pools.add(Pool("sessions", count: count, byteCount: Sizes.sessionByteCount))
        pools.add(Pool("challenges", count: challenges, byteCount: MemoryLayout<Challenge>.stride))
        pools.add(Pool("throttles", count: throttles, byteCount: MemoryLayout<Throttle>.stride))
        pools.add(Pool("campaigns", count: EngineMemory.campaignCount, byteCount: MemoryLayout<Campaign>.stride))
        pools.add(Pool("searches", count: EngineMemory.searchCount, byteCount: MemoryLayout<SearchSession>.stride))
        pools.add(Pool("pending_logins", count: challenges, byteCount: MemoryLayout<PendingLogin>.stride))
        pools.add(
            Pool(
                "refused_messages", count: EngineMemory.refusedCount, byteCount: MemoryLayout<RefusedMessages>.stride))
        pools.add(Pool("senders", count: EngineMemory.senderCount, byteCount: MemoryLayout<SenderShare>.stride))
        pools.add(Pool("settings", count: 1, byteCount: MemoryLayout<Settings>.stride))
        pools.add(
            Pool(
                "notify_sections", count: EngineMemory.notifySectionCount, byteCount: MemoryLayout<NotifySection>.stride
            ))
        pools.add(Pool("upstreams", count: upstreams, byteCount: MemoryLayout<Upstream>.stride))
        pools.add(Pool("relays", count: server.relays, byteCount: MemoryLayout<Relay>.stride))
        pools.add(Pool("remotes", count: remotes, byteCount: MemoryLayout<HashMapPlace<RemotePerson>>.stride))
        pools.add(Pool("notification", count: 1, byteCount: Service.notificationByteCount))
        pools.add(Pool("elements", count: elements, byteCount: MemoryLayout<Document.Node>.stride))
        pools.add(Pool("texts", count: 1, byteCount: textByteCount))
        pools.add(Pool("reply", count: 1, byteCount: server.replyByteCountMax))
        pools.add(Pool("scratch", count: 1, byteCount: EngineMemory.scratchByteCount))
        pools.add(Pool("store_pages", count: store.pageCount, byteCount: StoreMemory.pageByteCount))
        pools.add(Pool("store_log", count: 1, byteCount: store.batchByteCount))
        pools.add(Pool("log_records", count: records, byteCount: Journal.slotByteCount))
        return pools
    }

    /// The memory of the engine, taken now.
    func engineMemory() -> EngineMemory {
        EngineMemory(
            sessions: Memory.slab(sessions, Session.self), buckets: Memory.slab(buckets, UInt16.self),
            networks: Memory.slab(EngineMemory.networkCount(sessions: sessions), HashMapPlace<SessionList>.self),
            timers: Memory.slab(sessions, UInt16.self),
            outstanding: Memory.slab(sessions, OutstandingTable.self),
            freeOutstanding: Memory.slab(sessions, UInt16.self),
            answers: Memory.slab(EngineMemory.answerCount(sessions: sessions), KeptAnswer.self),
            marks: Memory.slab(EngineMemory.markCount(sessions: sessions), PresenceMark.self),
            searches: Memory.slab(EngineMemory.searchCount, SearchSession.self),
            challenges: Memory.slab(challenges, Challenge.self), throttles: Memory.slab(throttles, Throttle.self),
            campaigns: Memory.slab(EngineMemory.campaignCount, Campaign.self),
            pendingLogins: Memory.slab(challenges, PendingLogin.self),
            refused: Memory.slab(EngineMemory.refusedCount, RefusedMessages.self),
            senders: Memory.slab(EngineMemory.senderCount, SenderShare.self), settings: Memory.slab(1, Settings.self),
            notifySections: Memory.slab(EngineMemory.notifySectionCount, NotifySection.self),
            upstreams: Memory.slab(upstreams, Upstream.self), relays: Memory.slab(server.relays, Relay.self),
            remotes: Memory.slab(remotes, HashMapPlace<RemotePerson>.self),
            scratch: Memory.buffer(EngineMemory.scratchByteCount))
    }
}
