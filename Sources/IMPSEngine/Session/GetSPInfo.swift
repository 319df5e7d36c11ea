import CSP
import Octets
import Wire

extension Engine where Port: ~Copyable {
    /// GetSPInfo, before login or in a session. Source: protocol/session.md §8.
    func getSPInfo(_ document: borrowing Document, _ element: Document.Element, into writer: inout Writer) {
        writer.open(.getSPInfoResponse)
        writeClientID(document, of: element, into: &writer)
        writer.text(.name, settings.serviceName.span)
        if !settings.serviceDescription.isEmpty { writer.text(.description, settings.serviceDescription.span) }
        if !settings.serviceURL.isEmpty { writer.text(.url, settings.serviceURL.span) }
        writer.close(.getSPInfoResponse)
    }

    /// Repeats the ClientID of a request, which has a URL, an MSISDN or plain text. Source: protocol/session.md §1.5.
    func writeClientID(
        _ document: borrowing Document, of element: Document.Element, into writer: inout Writer
    ) {
        guard let clientID = document.first(.clientID, in: element) else { return }
        guard document.firstChild(of: clientID) != nil else {
            writer.text(.clientID, document.word(of: clientID))
            return
        }
        writer.open(.clientID)
        if let url = document.first(.url, in: clientID) { writer.text(.url, document.word(of: url)) }
        if let msisdn = document.first(.msisdn, in: clientID) { writer.text(.msisdn, document.word(of: msisdn)) }
        writer.close(.clientID)
    }

    /// A hash by which two requests of one client are known to be from the same.
    func clientHash(_ document: borrowing Document, of element: Document.Element) -> UInt64 {
        guard let clientID = document.first(.clientID, in: element) else { return 0 }
        var hash = Hash64(document.word(of: clientID))
        if let url = document.first(.url, in: clientID) { hash.combine(document.word(of: url)) }
        if let msisdn = document.first(.msisdn, in: clientID) { hash.combine(document.word(of: msisdn)) }
        return hash.value
    }
}
