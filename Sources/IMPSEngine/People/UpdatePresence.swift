import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// UpdatePresence-Request: what a user says of himself. Only what is named changes, and what says nothing does not.
    ///
    /// - Throws: 402 without PresenceSubList, 751 for a value that is none; then nothing is changed.
    /// - Source: protocol/primitives.md §4.2, rules 12 to 15; CL-5, CL-34.
    func updatePresence(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16, _ sessions: inout Sessions<Port>,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard let list = document.first(.presenceSubList, in: element) else {
            throw Refusal(.badParameter, "PresenceSubList missing")
        }
        let user = sessions[slot].user
        // Every value is looked at before the first is kept.
        _ = try update(document, list, of: user, stores: false, &records)
        guard records.store.hasRoom else { throw Refusal(.messageQueueFull) }
        let changed = try update(document, list, of: user, stores: true, &records)
        guard sessions.isThere(user) else {
            // Nobody hears of somebody whose question is not settled; when he is there, of what he said meanwhile.
            sessions[slot].presence.changedUnseen = sessions[slot].presence.changedUnseen.union(changed)
            return writer.status(.success)
        }
        if !changed.isEmpty { sessions.markWatchers(of: user, changed: changed, records) }
        writer.status(.success)
    }

    /// Reads the attributes of a PresenceSubList; those that were not so before are kept, and returned.
    private func update(
        _ document: borrowing Document, _ list: Document.Element, of user: UInt32, stores: Bool,
        _ records: inout Records<Port>
    ) throws(Refusal) -> PresenceAttributes {
        var changed = PresenceAttributes.none
        var next = document.firstChild(of: list)
        while let element = next {
            next = document.nextSibling(of: element)
            guard let attribute = PresenceAttribute(document.tag(of: element)) else { continue }
            records.scratch.removeAll()
            let says = try PresenceValue.write(document, element, attribute, into: &records.scratch)
            guard stores, says else { continue }
            let key = Key.presence(user, attribute)
            if let former = records.store.value(for: key.span), former.equals(records.scratch.span) { continue }
            records.store.put(key.span, records.scratch)
            changed = changed.union(PresenceAttributes(attribute))
        }
        return changed
    }
}
