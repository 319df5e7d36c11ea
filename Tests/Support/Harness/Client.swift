import CMbedTLS
import Foundation

/// A hash of another library than the engine's caller code, for the client side of a digest login.
public func hash(_ schema: String, _ octets: [UInt8]) -> [UInt8]? {
    let types: [String: mbedtls_md_type_t] = [
        "SHA": MBEDTLS_MD_SHA1, "MD5": MBEDTLS_MD_MD5, "MD4": MBEDTLS_MD_MD4,
    ]
    guard let type = types[schema], let info = mbedtls_md_info_from_type(type) else { return nil }
    var output = [UInt8](repeating: 0, count: Int(mbedtls_md_get_size(info)))
    return mbedtls_md(info, octets, octets.count, &output) == 0 ? output : nil
}

/// The namespaces of a version: of the session and of the transaction.
public func namespaces(_ version: String) -> (session: String, transaction: String) {
    switch version {
    case "1.1": return ("http://www.wireless-village.org/CSP1.1", "http://www.wireless-village.org/TRC1.1")
    case "1.2":
        return (
            "http://www.openmobilealliance.org/DTD/WV-CSP1.2", "http://www.openmobilealliance.org/DTD/WV-TRC1.2"
        )
    default:
        return (
            "http://www.openmobilealliance.org/DTD/IMPS-CSP1.3", "http://www.openmobilealliance.org/DTD/IMPS-TRC1.3"
        )
    }
}

/// The transaction in an answer.
public struct Reply {
    public var http: Answer
    public var root: Element
    public var transaction: Element

    /// All transactions of the message; this one is the first.
    public var all: [Reply] {
        root["Session"]?.all("Transaction").map { Reply(http: http, root: root, transaction: $0) } ?? []
    }
    /// Request or Response.
    public var mode: String { transaction["TransactionDescriptor/TransactionMode"]?.text ?? "" }
    public var transactionID: String { transaction["TransactionDescriptor/TransactionID"]?.text ?? "" }
    /// The System Messages in it.
    public var systemMessages: [Element] { primitive?["SystemMessageList"]?.all("SystemMessage") ?? [] }
    /// The element in TransactionContent.
    public var primitive: Element? { transaction["TransactionContent"]?.children.first }
    public var name: String { primitive?.name ?? "" }
    /// The code of the result; 200 when there is none.
    public var code: Int { primitive?["Result/Code"]?.number ?? 200 }
    /// The Poll flag, wherever the version has it.
    public var poll: String? {
        root["Session/Poll"]?.text ?? transaction["TransactionDescriptor/Poll"]?.text
    }
}

/// A client of the service, as much of one as tests need.
public final class Client: @unchecked Sendable {
    public var connection: HTTPConnection
    public let user: String
    public let password: String
    public let version: String
    public var cookie: String
    public var clientID: String
    public var sessionID: String?
    public var contentType: String
    /// Its User-Agent; nil for a client that sends none.
    public var userAgent: String?
    /// `xml` or `wbxml`.
    public var syntax = Programs.syntax {
        didSet { contentType = "application/vnd.wv.csp\(version == "1.3" ? "+" : ".")\(syntax)" }
    }
    /// How it writes WBXML.
    public var dialect = WBXML.Dialect()
    /// Messages that it sent.
    public private(set) var requestCount = 0
    /// Octets of the messages, both ways.
    public private(set) var messageByteCount = 0
    private var transactionCount = 0
    private var line: CallLine?
    /// Whether the server told, or a login leaves open, that something waits: no call is needed to poll.
    private var knowsOfMore = true

    public init(
        _ connection: HTTPConnection, user: String, password: String, _ version: String, cookie: String? = nil
    ) {
        self.connection = connection
        self.user = user
        self.password = password
        self.version = version
        self.cookie = cookie ?? "cookie-\(UUID().uuidString.prefix(8))"
        clientID = "<ClientID><URL>test.client</URL></ClientID>"
        contentType = "application/vnd.wv.csp\(version == "1.3" ? "+" : ".")\(Programs.syntax)"
    }

    // MARK: Messages

    public func nextTransactionID() -> String {
        transactionCount += 1
        return "t\(transactionCount)"
    }

    /// The document around a primitive.
    public func document(
        _ content: String, transaction: String? = nil, mode: String = "Request", session: String? = nil
    ) -> String {
        let (csp, trc) = namespaces(version)
        let id = session ?? sessionID
        let descriptor =
            id.map { "<SessionType>Inband</SessionType><SessionID>\($0)</SessionID>" }
            ?? "<SessionType>Outband</SessionType>"
        let transaction = transaction.map { "<TransactionID>\($0)</TransactionID>" } ?? "<TransactionID/>"
        return """
            <?xml version="1.0" encoding="UTF-8"?><WV-CSP-Message xmlns="\(csp)"><Session><SessionDescriptor>\
            \(descriptor)</SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>\(mode)\
            </TransactionMode>\(transaction)</TransactionDescriptor><TransactionContent xmlns="\(trc)">\(content)\
            </TransactionContent></Transaction></Session></WV-CSP-Message>
            """
    }

    /// Posts a document; nil for an empty answer.
    public func exchange(_ document: String) throws -> Reply? {
        try line?.forget()
        let body = try Client.body(document, syntax, dialect)
        requestCount += 1
        let headers = userAgent.map { "User-Agent: \($0)\r\n" } ?? ""
        let answer = try connection.post(body, type: contentType, headers: headers)
        messageByteCount += body.count + answer.body.count
        guard answer.status == 200 else { throw HarnessError("HTTP \(answer.status)") }
        let reply = try Client.reply(answer)
        // Negotiation does not begin deliveries, so it does not tell that nothing waits.
        let isNegotiation = ["Login-", "ClientCapability-", "KeepAlive-", "GetSPInfo-"].contains(
            where: document.contains)
        knowsOfMore = reply?.mode == "Request" || reply?.poll == "T" || isNegotiation && knowsOfMore
        return reply
    }

    /// Polls when it is called, or knows that something waits; the server has to call exactly when the poll brings
    /// something.
    private func pollWhenCalled() throws -> Reply? {
        if Programs.call == nil { return try poll() }
        if line?.isOpen == false { line = try CallLine(self) }
        guard let line, !knowsOfMore else { return try poll() }
        let isCalled = try line.isCalled()
        let reply = try poll()
        guard isCalled == (reply?.mode == "Request") else {
            throw HarnessError("\(isCalled ? "called" : "not called") for \(reply?.name ?? "nothing")")
        }
        return reply
    }

    /// A document in a syntax, that of this run unless another is said.
    public static func body(
        _ document: String, _ syntax: String = Programs.syntax, _ dialect: WBXML.Dialect = WBXML.Dialect()
    ) throws -> [UInt8] {
        let octets = Array(document.utf8)
        return syntax == "wbxml" ? WBXML.encode(try Element.parse(octets), dialect) : octets
    }

    /// The document in an answer, in either syntax.
    public static func root(_ answer: Answer) throws -> Element {
        let isXML = answer.body.first == UInt8(ascii: "<")
        return isXML ? try Element.parse(answer.body) : try WBXML.decode(answer.body)
    }

    /// Reads an answer; nil when it is empty.
    public static func reply(_ answer: Answer) throws -> Reply? {
        guard !answer.body.isEmpty else { return nil }
        let root = try root(answer)
        guard let transaction = root["Session/Transaction"] else { throw HarnessError("no Transaction: \(root)") }
        return Reply(http: answer, root: root, transaction: transaction)
    }

    /// Sends a request that has to be answered.
    @discardableResult
    public func request(_ content: String, transaction: String? = nil) throws -> Reply {
        let id = transaction ?? nextTransactionID()
        guard let reply = try exchange(document(content, transaction: id)) else {
            throw HarnessError("an empty answer to \(content)")
        }
        guard reply.transactionID == id, reply.mode == "Response" else {
            throw HarnessError("not the answer to \(id): \(reply.root)")
        }
        return reply
    }

    // MARK: Login

    public func loginContent(_ credentials: String, timeToLive: Int = 600) -> String {
        """
        <Login-Request><UserID>\(escaped(user))</UserID>\(clientID)\(credentials)<TimeToLive>\(timeToLive)\
        </TimeToLive><SessionCookie>\(cookie)</SessionCookie></Login-Request>
        """
    }

    /// A login with a password; takes the session over when it succeeds.
    @discardableResult
    public func logIn(_ password: String? = nil) throws -> Reply {
        sessionID = nil
        return try take(request(loginContent("<Password>\(escaped(password ?? self.password))</Password>")))
    }

    /// A login with a password by a client that sees to calls itself.
    public func logInAsIs() throws -> Reply {
        sessionID = nil
        let reply = try request(loginContent("<Password>\(escaped(password))</Password>"))
        if reply.code == 200 { sessionID = reply.primitive?["SessionID"]?.text }
        return reply
    }

    /// A login by digest with the schemas that are offered.
    @discardableResult
    public func logInByDigest(_ schemas: [String] = ["SHA", "MD5"], password: [UInt8]? = nil) throws -> Reply {
        sessionID = nil
        let id = nextTransactionID()
        let offer = schemas.map { "<DigestSchema>\($0)</DigestSchema>" }.joined()
        let challenge = try request(loginContent(offer), transaction: id)
        guard challenge.code == 401 else { return challenge }
        return try take(request(loginContent(answer(to: challenge, password)), transaction: id))
    }

    /// A Login-Request that answers System Messages, without credentials unless given.
    @discardableResult
    public func logIn(
        answering answers: [(id: String, option: Int?)], key: String? = nil, credentials: String = ""
    ) throws -> Reply {
        sessionID = nil
        let content = loginContent(credentials).replacing(
            "</Login-Request>", with: Client.responses(answers, key: key) + "</Login-Request>")
        return try take(request(content))
    }

    /// SystemMessageResponseList.
    public static func responses(_ answers: [(id: String, option: Int?)], key: String? = nil) -> String {
        let list = answers.map { id, option in
            let chosen = option.map { "<ChosenOptionID>\($0)</ChosenOptionID>" } ?? ""
            let verification = key.map { "<VerificationKey>\($0)</VerificationKey>" } ?? ""
            return
                "<SystemMessageResponse><SystemMessageID>\(id)</SystemMessageID>\(chosen)\(verification)</SystemMessageResponse>"
        }
        return "<SystemMessageResponseList>\(list.joined())</SystemMessageResponseList>"
    }

    /// Answers System Messages in the session.
    public func answer(_ answers: [(id: String, option: Int?)], key: String? = nil) throws -> Reply {
        try request("<SystemMessage-User>\(Client.responses(answers, key: key))</SystemMessage-User>")
    }

    /// The credentials that answer a challenge.
    public func answer(to challenge: Reply, _ password: [UInt8]? = nil) throws -> String {
        guard let nonce = challenge.primitive?["Nonce"]?.text, let schema = challenge.primitive?["DigestSchema"]?.text
        else { throw HarnessError("no challenge: \(challenge.root)") }
        if schema == "PWD" { return "<Password>\(escaped(self.password))</Password>" }
        let octets = Array(nonce.utf8) + (password ?? latin1(self.password))
        guard let digest = hash(schema, octets) else { throw HarnessError("no hash for \(schema)") }
        return "<DigestBytes>\(Data(digest).base64EncodedString())</DigestBytes>"
    }

    private func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

    private func take(_ reply: Reply) throws -> Reply {
        guard reply.code == 200 else { return reply }
        sessionID = reply.primitive?["SessionID"]?.text
        knowsOfMore = true
        line = nil
        if Programs.call != nil { line = try CallLine(self) }
        return reply
    }

    // MARK: Requests

    @discardableResult
    public func negotiateCapabilities(_ list: String) throws -> Reply {
        let id = version == "1.1" ? clientID : ""
        return try request(
            "<ClientCapability-Request>\(id)<CapabilityList>\(list)</CapabilityList></ClientCapability-Request>")
    }

    @discardableResult
    public func negotiateServices(_ features: String, all: Bool = true) throws -> Reply {
        let id = version == "1.1" ? clientID : ""
        return try request(
            """
            <Service-Request>\(id)<Functions><WVCSPFeat>\(features)</WVCSPFeat></Functions>\
            <AllFunctionsRequest>\(all ? "T" : "F")</AllFunctionsRequest></Service-Request>
            """)
    }

    /// The content of a SendMessage-Request.
    public func sendContent(
        _ text: String, to recipients: [String], report: Bool = false, extra: String = "", type: String = "text/plain"
    ) -> String {
        let users = recipients.map { "<User><UserID>\(escaped($0))</UserID></User>" }.joined()
        return """
            <SendMessage-Request><DeliveryReport>\(report ? "T" : "F")</DeliveryReport><MessageInfo>\
            <ContentType>\(type)</ContentType><ContentSize>\(text.utf8.count)</ContentSize>\
            <Recipient>\(users)</Recipient><Sender><User><UserID>\(escaped(user))</UserID></User></Sender>\(extra)\
            </MessageInfo><ContentData>\(escaped(text))</ContentData></SendMessage-Request>
            """
    }

    @discardableResult
    public func send(_ text: String, to recipients: String..., report: Bool = false, extra: String = "") throws -> Reply
    {
        try request(sendContent(text, to: recipients, report: report, extra: extra))
    }

    /// Polls once; nil when nothing waits.
    public func poll() throws -> Reply? { try exchange(document("<Polling-Request/>")) }

    /// Answers a server transaction; what comes back may be the next one.
    @discardableResult
    public func respond(to reply: Reply, _ content: String) throws -> Reply? {
        try exchange(document(content, transaction: reply.transactionID, mode: "Response"))
    }

    /// Confirms a NewMessage.
    @discardableResult
    public func confirm(_ reply: Reply) throws -> Reply? {
        let id = reply.primitive?["MessageInfo/MessageID"]?.text ?? ""
        return try respond(to: reply, "<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>")
    }

    /// Polls and confirms until nothing waits; the server transactions in order.
    public func receiveAll() throws -> [Reply] {
        var received: [Reply] = []
        var next = try pollWhenCalled()
        while let reply = next, reply.mode == "Request" {
            received.append(reply)
            next =
                reply.name == "NewMessage"
                ? try confirm(reply)
                : try respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
            if next == nil { next = try poll() }
        }
        return received
    }

    /// Polls and confirms until a primitive comes that is left unanswered.
    public func receiveAllUntil(_ name: String) throws -> Reply? {
        var next = try poll()
        while let reply = next, reply.mode == "Request", reply.name != name {
            next =
                try reply.name == "NewMessage"
                ? confirm(reply) : respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
        }
        return next
    }

    /// The texts of the messages that wait, confirmed.
    public func receiveTexts() throws -> [String] {
        try receiveAll().filter { $0.name == "NewMessage" }.map { $0.primitive?["ContentData"]?.text ?? "" }
    }

    @discardableResult
    public func logOut() throws -> Reply { try request("<Logout-Request/>") }
}
