import CSP
import Octets
import Wire

extension Sessions where Port: ~Copyable {
    /// GetPresence-Request: of oneself only; the presence of others is not offered yet.
    ///
    /// A stops for good when `Presence` is missing, and other clients when there is no Alias in it.
    ///
    /// - Throws: 402 without a user, 405 for somebody else.
    /// - Source: protocol/primitives.md §4.2, rule 10; CL-4, CL-33.
    func getPresence(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard let account = records.account(of: table[slot].user) else { throw Refusal(.forbidden) }
        var next = document.first(.user, in: element)
        guard next != nil else { throw Refusal(.badParameter, "User missing") }
        while let user = next {
            next = document.next(after: user)
            guard let id = document.first(.userID, in: user),
                let address = Address(document.word(of: id), homeDomain: records.settings.domain.span),
                records.address(of: account.number)?.span.equals(address.canonical) == true
            else { throw Refusal(.serviceNotSupported) }
        }
        writer.open(.getPresenceResponse)
        writer.result(.success)
        writer.open(.presence)
        writer.text(.userID, account.display.span)
        writer.open(.presenceSubList)
        writer.open(.alias)
        writer.flag(.qualifier, true)
        writer.text(.presenceValue, account.alias)
        writer.close(.alias)
        writer.close(.presenceSubList)
        writer.close(.presence)
        writer.close(.getPresenceResponse)
    }
}

extension Account {
    /// How others see the user: the user part of the address, until there is something else.
    var alias: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let start = display.span.starts(with: "wv:") ? 3 : 0
            return display.span.extracting(start..<(display.span.firstIndex(of: 0x40) ?? display.count))
        }
    }
}
