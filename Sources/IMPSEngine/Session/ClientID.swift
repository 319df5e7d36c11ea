import CSP
import Octets
import Wire

extension Writer {
    /// A Login-Response that says why there is no session.
    @inline(never)
    mutating func loginRefusal(
        _ code: StatusCode, _ description: StaticString?, _ document: borrowing Document, of element: Document.Element
    ) {
        open(.loginResponse)
        clientID(document, of: element)
        result(code, description)
        close(.loginResponse)
    }

    /// Repeats the ClientID of a request, which has a URL, an MSISDN or plain text. Source: protocol/session.md §1.5.
    mutating func clientID(_ document: borrowing Document, of element: Document.Element) {
        guard let clientID = document.first(.clientID, in: element) else { return }
        guard document.firstChild(of: clientID) != nil else {
            text(.clientID, document.word(of: clientID))
            return
        }
        open(.clientID)
        if let url = document.first(.url, in: clientID) { text(.url, document.word(of: url)) }
        if let msisdn = document.first(.msisdn, in: clientID) { text(.msisdn, document.word(of: msisdn)) }
        close(.clientID)
    }
}

extension Document {
    /// The code of the Result in an element; 0 when it has none.
    @inline(never)
    func resultCode(in element: Element) -> UInt64 {
        first(.result, in: element).flatMap { integer(.code, in: $0) } ?? 0
    }

    /// A hash by which two requests of one client are known to be from the same.
    func clientHash(of element: Element) -> UInt64 {
        guard let clientID = first(.clientID, in: element) else { return 0 }
        var hash = Hash64(word(of: clientID))
        if let url = first(.url, in: clientID) { hash.combine(word(of: url)) }
        if let msisdn = first(.msisdn, in: clientID) { hash.combine(word(of: msisdn)) }
        return hash.value
    }
}
