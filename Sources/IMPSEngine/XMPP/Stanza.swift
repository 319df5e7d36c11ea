import CSP
import Octets
import Wire

/// Who says something to whom in a stanza that came.
struct Stanza {
    var element: Document.Element
    /// Somebody whom XMPP reaches.
    var peer: Address
    /// A user of this server, by his account.
    var account: Account?
    /// The address that he is meant to have.
    var to: Address

    /// nil when it is none between two people: from a server or from a domain that does not come by XMPP, or to nobody.
    init?<Port: StorePort & ~Copyable>(
        _ document: borrowing Document, _ element: Document.Element, _ records: borrowing Records<Port>
    ) {
        let domain = records.settings.domain
        guard
            let peer = JID.address(document.value(.from, of: element), homeDomain: domain.span),
            let to = JID.address(document.value(.to, of: element), homeDomain: domain.span),
            records.settings.isRemote(peer), to.isLocal, to.kind == .user
        else { return nil }
        self.element = element
        self.peer = peer
        self.to = to
        account = records.account(to.canonical)
    }

    /// Refuses a stanza, unless it is a refusal itself.
    ///
    /// - Parameter condition: The type of the error and what is wrong, as XML.
    @inline(never)
    func refuse(
        _ document: borrowing Document, _ name: StaticString, _ condition: StaticString, into writer: inout Writer
    ) {
        guard !document.value(.type, of: element).equals("error") else { return }
        // To his client: what is for somebody at any client of his is no refusal.
        writer.output.append(0x3C)
        writer.output.append(name)
        writer.output.append(" type='error'")
        writer.attribute("from", document.value(.to, of: element))
        writer.attribute("to", document.value(.from, of: element))
        let id = document.value(.id, of: element)
        if id.count > 0 { writer.attribute("id", id) }
        writer.output.append("><error type='")
        writer.output.append(condition)
        writer.output.append(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></")
        writer.output.append(name)
        writer.output.append(0x3E)
    }
}
