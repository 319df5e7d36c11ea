import CSP
import Octets
import Wire

extension FunctionSet {
    /// The functions that this server offers to everybody. Source: protocol/session.md §7.1.
    static var offered: FunctionSet {
        FunctionSet(.mf).union(FunctionSet(.getspi))
            .union(FunctionSet(.mm)).union(FunctionSet(.mdeliv)).union(FunctionSet(.fwmsg))
            .union(.below(.imReceiveFunc))
            .union(FunctionSet(.srch)).union(FunctionSet(.stsrc)).union(FunctionSet(.vrid))
            .union(.below(.presenceFeat)).union(.below(.imAuthFunc))
    }
}

extension Sessions where Port: ~Copyable {
    /// Service-Request: what of the wanted functions is not available, and everything that is, when asked for.
    ///
    /// - Throws: 402 when AllFunctionsRequest is neither T nor F.
    /// - Source: protocol/session.md §7.
    mutating func service(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        let asksForAll = document.flag(.allFunctionsRequest, in: element)
        if asksForAll == nil, document.first(.allFunctionsRequest, in: element) != nil {
            throw Refusal(.badParameter, "AllFunctionsRequest is T or F")
        }
        let known = FunctionSet.known(in: request.version)
        // Before a question is answered nobody knows the level; what is agreed now is what there is afterwards, as far as the
        // level goes: A does not negotiate again. Source: CL-1.
        let level = table[slot].access.isRestricted ? FunctionSet.all : table[slot].access.level
        let isTold = records.notificationQueue.isUsed ? FunctionSet(.offnotif) : FunctionSet()
        let offered = FunctionSet.offered.union(isTold).intersection(level).intersection(known)
        let wanted = wantedFunctions(document, element)?.intersection(known) ?? known
        let denied = wanted.subtracting(offered)

        table[slot].functions = wanted.intersection(offered)
        table[slot].isServiceAgreed = true
        storeSession(slot, &records)
        if request.version == .v1_3 {
            records.keepNegotiated(isAgreed: table[slot].functions.contains(.offnotif), of: table[slot].user)
        }

        writer.open(.serviceResponse)
        if request.version == .v1_1 { writer.clientID(document, of: element) }
        if !denied.isEmpty {
            writer.open(.functions)
            FunctionTree.write(denied, version: request.version, collapses: true, into: &writer)
            writer.close(.functions)
        }
        // A crashes when AllFunctions is missing although it asked.
        if asksForAll == true {
            writer.open(.allFunctions)
            FunctionTree.write(offered, version: request.version, collapses: false, into: &writer)
            writer.close(.allFunctions)
        }
        writer.close(.serviceResponse)
    }

    /// The functions that a request names; nil when it names none, which means all.
    private func wantedFunctions(_ document: borrowing Document, _ element: Document.Element) -> FunctionSet? {
        guard let functions = document.first(.functions, in: element),
            let tree = document.first(.wvcspFeat, in: functions)
        else { return nil }
        return FunctionTree.read(document, tree)
    }
}
