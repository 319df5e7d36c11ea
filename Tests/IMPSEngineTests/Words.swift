import Foundation

/// A message of a client with one transaction.
///
/// - Parameters:
///   - id: The TransactionID; empty for a poll.
///   - session: The SessionID; nil outside a session.
func document(
    _ content: String, id: String = "", session: String?, mode: String = "Request", version: String = "1.2"
) -> String {
    let names = version == "1.3" ? ("IMPS-CSP1.3", "IMPS-TRC1.3") : ("WV-CSP1.2", "WV-TRC1.2")
    let place = "http://www.openmobilealliance.org/DTD/"
    let descriptor =
        session.map { "<SessionType>Inband</SessionType><SessionID>\($0)</SessionID>" }
        ?? "<SessionType>Outband</SessionType>"
    return
        "<WV-CSP-Message xmlns=\"\(place)\(names.0)\"><Session><SessionDescriptor>\(descriptor)</SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>\(mode)</TransactionMode><TransactionID>\(id)</TransactionID></TransactionDescriptor><TransactionContent xmlns=\"\(place)\(names.1)\">\(content)</TransactionContent></Transaction></Session></WV-CSP-Message>"
}

/// A Login-Request with a password.
func login(
    _ user: String, password: String, cookie: String, client: String = "u", timeToLive: Int = 86_400,
    extra: String = ""
) -> String {
    "<Login-Request><UserID>\(user)</UserID><ClientID><URL>\(client)</URL></ClientID><Password>\(password)</Password><TimeToLive>\(timeToLive)</TimeToLive><SessionCookie>\(cookie)</SessionCookie>\(extra)</Login-Request>"
}

/// A SendMessage-Request with plain text.
func send(_ text: String, to recipient: String, report: Bool = false) -> String {
    "<SendMessage-Request><DeliveryReport>\(report ? "T" : "F")</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType><Recipient><User><UserID>\(recipient)</UserID></User></Recipient></MessageInfo><ContentData>\(text)</ContentData></SendMessage-Request>"
}

/// The text of the first element of a name; nil when there is none.
func field(_ name: String, _ text: String) -> String? {
    guard let start = text.range(of: "<\(name)>"), let end = text.range(of: "</\(name)>") else { return nil }
    return String(text[start.upperBound..<end.lowerBound])
}
