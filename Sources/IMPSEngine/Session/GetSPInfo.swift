import CSP
import Octets
import Wire

extension Sessions where Port: ~Copyable {
    /// GetSPInfo, before login or in a session. Source: protocol/session.md §8.
    func getSPInfo(
        _ document: borrowing Document, _ element: Document.Element, _ records: borrowing Records<Port>,
        into writer: inout Writer
    ) {
        writer.open(.getSPInfoResponse)
        writer.clientID(document, of: element)
        writer.text(.name, records.settings.serviceName.span)
        if !records.settings.serviceDescription.isEmpty {
            writer.text(.description, records.settings.serviceDescription.span)
        }
        if !records.settings.serviceURL.isEmpty { writer.text(.url, records.settings.serviceURL.span) }
        writer.close(.getSPInfoResponse)
    }
}
