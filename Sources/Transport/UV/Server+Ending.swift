import CUV
import IMPSEngine
import Octets
import TLS

/// How connections of clients end.
extension Server {
    /// Ends our side. The client's side is read on for a moment: closing at once would reset the connection and could
    /// take the answer with it.
    mutating func shutDown(_ index: Int) {
        guard unsafe uv_is_closing(uv_shim_handle(handles + index)) == 0 else { return }
        if connections[index].tls != TLSConnections.none {
            endSealed(index)
            // What still comes is thrown away as it is.
            closeSealed(index)
        }
        returnBuffer(index)
        connections[index].phase = .draining
        connections[index].deadline = turn.now.adding(seconds: 2)
        let code = unsafe uv_shutdown(shutdowns + index, uv_shim_stream(handles + index)) { _, _ in }
        if code != 0 { close(index) }
        readOn(index)
    }

    /// Gives the handle back to libuv; the place is free when libuv says so.
    mutating func close(_ index: Int) {
        guard unsafe uv_is_closing(uv_shim_handle(handles + index)) == 0 else { return }
        returnBuffer(index)
        closeSealed(index)
        connections[index].phase = .closing
        unsafe uv_close(uv_shim_handle(handles + index)) { handle in
            guard let handle = unsafe handle else { return }
            let server = unsafe Server.of(handle.pointee.loop)
            unsafe server.pointee.closed(Server.index(handle.pointee.data))
        }
    }

    private mutating func closed(_ index: Int) {
        returnOutput(index)
        forgetWaiting(index)
        if admin.isAnswering(index) { admin.free() }
        connections.close(index)
        pools[poolPlaces.connections].give()
        beginTurn()
        acceptWaiting()
    }

    /// Whoever gets the place next has not sent what this one did.
    private mutating func forgetWaiting(_ index: Int) {
        var count = 0
        for position in 0..<waitingCount where Int(waiting[position]) != index {
            waiting[count] = waiting[position]
            count += 1
        }
        waitingCount = count
    }

    /// Cuts connections that took too long over what they were doing.
    mutating func cutLateConnections() {
        for index in 0..<connections.count where connections[index].deadline <= turn.now {
            switch connections[index].phase {
            case .reading:
                if connections[index].isParked {
                    refuse(index, .serviceUnavailable)
                    continue
                }
                let reader = connections[index].reader
                if turn.journal.begin(.connTimeout, turn.now, turn.wall) {
                    logAddress(index)
                    turn.journal.word("in", reader.isIdle ? "idle" : reader.isInBody ? "body" : "head")
                    turn.journal.end()
                }
                if reader.isIdle {
                    closeIdle(index)
                } else {
                    refuse(index, reader.isCut ? .contentTooLarge : .requestTimeout)
                }
            case .writing, .draining: close(index)
            case .free, .held, .awaiting, .closing: break
            }
        }
    }
}
