import CUV
import IMPSEngine
import Octets
import TLS

/// The places of pools in the table.
struct ServerPools {
    let connections: Int
    let channels: Int
    let tls: Int
    let busyTLS: Int
}

/// What memory the network side takes.
extension Server {
    /// KB of all pools together.
    ///
    /// - Parameter pools: Those of the engine.
    public static func kilobytes(_ sizes: ServerSizes, _ pools: consuming PoolTable) -> Int {
        var pools = pools
        _ = addPools(sizes, to: &pools)
        _ = BufferPool(sizes.buffers, &pools)
        return (pools.byteCount + 1023) / 1024
    }

    /// Adds all pools but the buffers; the places of connections and channels.
    static func addPools(
        _ sizes: ServerSizes, to pools: inout PoolTable
    ) -> ServerPools {
        let connections = pools.add(Server.connectionPool(sizes))
        let channels = pools.add(Server.channelPool(sizes))
        let tls = pools.add(Server.tlsPool(sizes))
        let busyTLS = pools.add(Server.busyTLSPool(sizes))
        if sizes.sealed > 0 { pools.add(Server.sealingPool(sizes)) }
        pools.add(Server.arrivalPool)
        pools.add(Server.heldPool(sizes))
        pools.add(ControlServer.pool)
        if sizes.hasAdmin { pools.add(Server.adminPool(sizes)) }
        pools.add(Outgoing.pool(sizes))
        pools.add(streamPool(sizes))
        pools.add(Modem.pool)
        return ServerPools(connections: connections, channels: channels, tls: tls, busyTLS: busyTLS)
    }

    /// What a connection costs.
    public static func connectionPool(_ sizes: ServerSizes) -> Pool {
        let handles = unsafe MemoryLayout<uv_tcp_t>.stride + MemoryLayout<uv_write_t>.stride
        let octets =
            unsafe handles + MemoryLayout<uv_shutdown_t>.stride + MemoryLayout<Connection>.stride + 4
            + 4 * MemoryLayout<HashMapPlace<NetworkCount>>.stride
        return Pool(
            "connections", count: sizes.connections + sizes.shedCount, byteCount: octets, isCounted: true)
    }

    /// What the operator's page needs.
    public static func adminPool(_ sizes: ServerSizes) -> Pool {
        Pool("admin", count: 1, byteCount: sizes.hasAdmin ? AdminSeat.byteCount : 0)
    }

    /// What requests of ours need.
    public static func outgoingPool(_ sizes: ServerSizes) -> Pool { Outgoing.pool(sizes) }

    /// What the stream to an XMPP server needs.
    public static func streamPool(_ sizes: ServerSizes) -> Pool {
        Pool("xmpp", count: 1, byteCount: sizes.hasStream ? sizes.stanzaByteCountMax + sizes.replyByteCountMax : 0)
    }

    /// What a modem needs.
    public static var modemPool: Pool { Modem.pool }

    /// What requests arrive in.
    public static var arrivalPool: Pool { Pool("arrival", count: 1, byteCount: BufferSizes.mediumByteCount) }

    /// What answers wait in until their turn is durable.
    public static func heldPool(_ sizes: ServerSizes) -> Pool {
        let octets = sizes.heldByteCountMax + sizes.heldCountMax * MemoryLayout<HeldReply>.stride
        return Pool("held_replies", count: 1, byteCount: octets)
    }

    /// What sealed octets arrive in and leave from, and what connections by TLS share.
    public static func sealingPool(_ sizes: ServerSizes) -> Pool {
        Pool(
            "sealing", count: 1,
            byteCount: TLSConnections.sharedByteCount + BufferSizes.mediumByteCount + sizes.sealedByteCountMax)
    }

    /// What handshakes and records that are under way take.
    public static func busyTLSPool(_ sizes: ServerSizes) -> Pool {
        Pool(
            "tls_busy", count: TLSConnections.busyCount(of: sizes.sealed), byteCount: TLSConnections.busyByteCount,
            isCounted: sizes.sealed > 0)
    }

    /// What connections by TLS take.
    public static func tlsPool(_ sizes: ServerSizes) -> Pool {
        Pool(
            "tls_connections", count: sizes.sealed, byteCount: TLSConnections.connectionByteCount,
            isCounted: sizes.sealed > 0)
    }
}
