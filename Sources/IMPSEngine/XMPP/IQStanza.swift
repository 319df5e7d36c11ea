import Octets
import Wire

extension Component where Port: ~Copyable {
    /// A question: whether this is there, what it can do (XEP-0030), and many that are not answered.
    func questionArrived(_ document: borrowing Document, _ element: Document.Element, into writer: inout Writer) {
        let type = document.value(.type, of: element)
        guard type.equals("get") || type.equals("set") else { return }
        let isPing = document.child(.ping, of: element) != nil
        var isAboutFeatures = false
        if let query = document.child(.query, of: element) {
            isAboutFeatures = document.value(.xmlns, of: query).equals("http://jabber.org/protocol/disco#info")
        }
        writer.output.append("<iq type='")
        writer.output.append(isPing || isAboutFeatures ? "result'" : "error'")
        writer.attribute("from", document.value(.to, of: element))
        writer.attribute("to", document.value(.from, of: element))
        writer.attribute("id", document.value(.id, of: element))
        writer.output.append(0x3E)
        if isAboutFeatures {
            writer.output.append(
                "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='gateway' type='imps' name='impsd'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='urn:xmpp:ping'/><feature var='urn:xmpp:receipts'/></query>"
            )
        } else if !isPing {
            writer.output.append(
                "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
        }
        writer.output.append("</iq>")
    }
}
