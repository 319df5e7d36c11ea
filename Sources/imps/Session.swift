import CLibC
import CSP
import Digests
import Octets
import Transport
import Wire

/// What a request of the client came to.
enum Outcome {
    /// The answer is in the document; its result is the code, 200 when it has none.
    case answered(UInt64)
    /// The server sent nothing, which is a good answer to a poll.
    case nothing
    /// No server, or none that understands.
    case unreachable
}

/// A session with a server: builds requests, reads answers.
struct Session: ~Copyable {
    private let options: Options
    private var connection: HTTPConnection
    private var writer = Writer(output: Memory.buffer(65_536))
    private(set) var document = Document(
        nodes: Memory.slab(4096, Document.Node.self), texts: Memory.buffer(300_000))
    private var sessionID = InlineBytes<64>()
    private var cookie = InlineBytes<64>()
    private var transactionCount: UInt64 = 0
    private var words = Memory.buffer(512)
    /// The server said that more waits.
    private(set) var hasMore = false
    /// Seconds between two polls, as agreed.
    private(set) var pollSeconds: UInt64 = 30
    private(set) var keepAliveSeconds: UInt64 = 3600
    private var shown = InlineArray<64, InlineBytes<64>>(repeating: InlineBytes())
    private var shownCount = 0
    /// The System Messages that were shown; the server may send one again.
    private var lastQuestion = InlineBytes<48>()
    private var lastTransaction = InlineBytes<64>()
    private var line: CallLine
    private let sealing: Sealing

    init(_ options: Options) {
        self.options = options
        sealing = Sealing(authorities: options.authorities, known: options.known)
        connection = HTTPConnection(options.server, byteCountMax: 300_000, sealing)
        let random = Clock.randomKey()
        _ = cookie.append("imps-")
        for index in 0..<8 {
            _ = cookie.append(Hexadecimal.digit(random[index] >> 4))
            _ = cookie.append(Hexadecimal.digit(random[index]))
        }
        line = CallLine(options.callMethod, cookie: cookie, isSealed: options.server.isSealed, sealing)
    }

    /// A week: no server means more.
    private static var secondsMax: UInt64 { 604_800 }

    var isOpen: Bool { !sessionID.isEmpty }

    /// The server was not believed, which was said already.
    var isDistrusted: Bool { sealing.hasComplained }

    // MARK: Messages

    private mutating func open(_ mode: TransactionMode, id: Span<UInt8>) -> Envelope {
        writer.output.removeAll()
        writer.begin(syntax: options.syntax, version: options.version)
        let session = sessionID
        var envelope = Envelope(sessionID: session.span, into: &writer)
        envelope.openTransaction(mode, id: id, into: &writer)
        return envelope
    }

    /// Sends a request; `body` writes what is inside its element.
    mutating func request(_ tag: Tag, _ body: (inout Writer) -> Void) -> Outcome {
        let envelope = openRequest()
        writer.open(tag)
        body(&writer)
        writer.close(tag)
        return exchange(envelope)
    }

    /// The version that is spoken.
    var version: Version { options.version }

    /// The address of a list of the user for his contacts; nil when he does not say his domain.
    func ownList() -> InlineBytes<100>? {
        let user = options.user.span
        var list = InlineBytes<100>()
        let at = user.firstIndex(of: 0x40) ?? user.count
        if !user.starts(with: "wv:") { _ = list.append("wv:") }
        guard list.append(user.extracting(0..<at)), list.append("/contacts"),
            list.append(user.extracting(at..<user.count))
        else { return nil }
        return list
    }

    private mutating func openRequest() -> Envelope {
        transactionCount += 1
        return open(.request, id: Decimal.digits(of: transactionCount).span)
    }

    /// Sends the message in the writer and reads the answer onto the document.
    private mutating func exchange(_ envelope: consuming Envelope) -> Outcome {
        envelope.closeTransaction(into: &writer)
        envelope.close(poll: nil, into: &writer)
        let type = MessageType.name(options.syntax, options.version)
        guard connection.post(writer.output, contentType: type) == 200 else { return .unreachable }
        hasMore = false
        guard connection.body.count > 0 else { return .nothing }
        do throws(WireError) {
            try document.read(connection.body, syntax: options.syntax)
        } catch {
            return .unreachable
        }
        readPoll()
        guard let primitive = primitive else { return .nothing }
        return .answered(resultCode(of: primitive))
    }

    private mutating func readPoll() {
        guard let root = document.root, let session = document.first(.session, in: root) else { return }
        hasMore = document.flag(.poll, in: session) ?? false
        if let transaction = document.first(.transaction, in: session),
            let descriptor = document.first(.transactionDescriptor, in: transaction),
            document.flag(.poll, in: descriptor) == true
        {
            hasMore = true
        }
    }

    /// The primitive of the first transaction in the document.
    var primitive: Document.Element? {
        guard let root = document.root, let session = document.first(.session, in: root),
            let transaction = document.first(.transaction, in: session),
            let content = document.first(.transactionContent, in: transaction)
        else { return nil }
        return document.firstChild(of: content)
    }

    private func resultCode(of primitive: Document.Element) -> UInt64 {
        guard let result = document.first(.result, in: primitive) else { return 200 }
        return document.integer(.code, in: result) ?? 200
    }

    /// The words that the server gave for its result.
    @_lifetime(borrow self)
    private func description(of primitive: Document.Element) -> Span<UInt8> {
        guard let result = document.first(.result, in: primitive),
            let description = document.first(.description, in: result)
        else { return Span() }
        return document.word(of: description)
    }

    // MARK: Login

    /// Logs in; the outcome is that of the login. `negotiate` comes next when it succeeded.
    ///
    /// - Parameter answers: Those to the System Messages of the login before.
    mutating func logIn(answering answers: Answers = Answers()) -> Outcome {
        var outcome = exchange(loginRequest(digest: nil, answers))
        if options.usesDigest, case .answered(401) = outcome, let digest = digest() {
            // Both phases have the same TransactionID.
            transactionCount -= 1
            outcome = exchange(loginRequest(digest: digest, answers))
        }
        guard case .answered(200) = outcome, let primitive,
            let id = document.first(.sessionID, in: primitive),
            let text = InlineBytes<64>(document.word(of: id))
        else { return outcome }
        sessionID = text
        keepAliveSeconds = min(Session.secondsMax, document.integer(.keepAliveTime, in: primitive) ?? 3600)
        return .answered(200)
    }

    private mutating func loginRequest(digest: InlineBytes<48>?, _ answers: Answers) -> Envelope {
        let envelope = openRequest()
        writer.open(.loginRequest)
        writer.text(.userID, options.user.span)
        writeClientID()
        if let digest {
            writer.text(.digestBytes, digest.span)
        } else if options.usesDigest {
            writer.text(.digestSchema, "SHA")
            writer.text(.digestSchema, "MD5")
        } else {
            writer.text(.password, options.password.span)
        }
        writer.integer(.timeToLive, 3600)
        let cookie = self.cookie
        writer.text(.sessionCookie, cookie.span)
        write(answers)
        writer.close(.loginRequest)
        return envelope
    }

    /// SystemMessageResponseList, when there are answers. Source: protocol/system-message.md §3.2.
    private mutating func write(_ answers: Answers) {
        guard answers.count > 0 else { return }
        writer.open(.systemMessageResponseList)
        for index in 0..<answers.count {
            let answer = answers[index]
            writer.open(.systemMessageResponse)
            writer.text(.systemMessageID, answer.id.span)
            writer.integer(.chosenOptionID, UInt64(answer.option))
            if !answer.key.isEmpty { writer.text(.verificationKey, answer.key.span) }
            writer.close(.systemMessageResponse)
        }
        writer.close(.systemMessageResponseList)
    }

    /// Answers System Messages in the session.
    mutating func answer(_ answers: Answers) -> Outcome {
        let envelope = openRequest()
        writer.open(.systemMessageUser)
        write(answers)
        writer.close(.systemMessageUser)
        return exchange(envelope)
    }

    private mutating func writeClientID() {
        writer.open(.clientID)
        writer.text(.url, "imps")
        writer.close(.clientID)
    }

    /// The answer to the challenge in the document. Source: protocol/session.md §3.4.
    private mutating func digest() -> InlineBytes<48>? {
        guard let primitive, let element = document.first(.nonce, in: primitive),
            let nonce = InlineBytes<256>(document.word(of: element)),
            let schema = document.first(.digestSchema, in: primitive)
        else { return nil }
        let algorithm: DigestAlgorithm = document.word(of: schema).equalsIgnoringCase("MD5") ? .md5 : .sha1
        words.removeAll()
        words.append(nonce.span)
        if let latin1: InlineBytes<128> = UTF8.latin1(options.password.span) {
            words.append(latin1.span)
        } else {
            words.append(options.password.span)
        }
        let hash = algorithm.digest(words.span)
        words.removeAll()
        Base64.encode(hash.span, into: &words)
        return InlineBytes<48>(words.span)
    }

    /// Tells what the client can do and wants.
    mutating func negotiate() {
        var envelope = openRequest()
        writer.open(.clientCapabilityRequest)
        if options.version == .v1_1 { writeClientID() }
        writer.open(.capabilityList)
        writer.text(.clientType, "COMPUTER")
        writer.text(.initialDeliveryMethod, "P")
        writer.flag(.anyContent, true)
        writer.text(.acceptedTransferEncoding, "BASE64")
        writer.integer(.acceptedContentLength, 250_000)
        writer.text(.supportedBearer, "HTTP")
        writer.integer(.multiTrans, 1)
        writer.integer(.parserSize, 290_000)
        line.writeCapabilities(into: &writer)
        writer.integer(.serverPollMin, 1)
        writer.close(.capabilityList)
        writer.close(.clientCapabilityRequest)
        if case .answered = exchange(envelope), let primitive {
            let list =
                document.first(.agreedCapabilityList, in: primitive)
                ?? document.first(.capabilityList, in: primitive) ?? primitive
            pollSeconds = max(1, min(Session.secondsMax, document.integer(.serverPollMin, in: list) ?? 30))
            line.begin(document, list, sessionID: sessionID)
        }
        envelope = openRequest()
        writer.open(.serviceRequest)
        if options.version == .v1_1 { writeClientID() }
        writer.open(.functions)
        writer.open(.wvcspFeat)
        writer.empty(.fundamentalFeat)
        writer.empty(.presenceFeat)
        writer.empty(.imFeat)
        writer.close(.wvcspFeat)
        writer.close(.functions)
        writer.flag(.allFunctionsRequest, false)
        writer.close(.serviceRequest)
        _ = exchange(envelope)
    }

    mutating func logOut() {
        let envelope = openRequest()
        writer.empty(.logoutRequest)
        _ = exchange(envelope)
        sessionID = InlineBytes()
    }

    // MARK: Messages

    /// Seconds until the next poll when nobody calls: seldom enough for a client that is called, often enough to stay.
    var restSeconds: UInt64 { line.isOpen ? max(1, keepAliveSeconds / 2) : pollSeconds }

    /// Waits for a call of the server; see CallLine.
    mutating func wait(milliseconds: UInt64, hasInput: Bool) -> Wakeup {
        line.wait(milliseconds: milliseconds, hasInput: hasInput)
    }

    mutating func poll() -> Outcome {
        let envelope = open(.request, id: Span())
        writer.empty(.pollingRequest)
        return exchange(envelope)
    }

    /// Sends a message and asks for a report.
    mutating func send(to recipient: Span<UInt8>, _ text: Span<UInt8>) -> Outcome {
        let envelope = openRequest()
        writer.open(.sendMessageRequest)
        writer.flag(.deliveryReport, true)
        writer.open(.messageInfo)
        writer.text(.contentType, "text/plain")
        writer.integer(.contentSize, UInt64(text.count))
        writer.open(.recipient)
        writer.open(.user)
        writer.text(.userID, recipient)
        writer.close(.user)
        writer.close(.recipient)
        writer.open(.sender)
        writer.open(.user)
        writer.text(.userID, options.user.span)
        writer.close(.user)
        writer.close(.sender)
        writer.close(.messageInfo)
        writer.text(.contentData, text)
        writer.close(.sendMessageRequest)
        return exchange(envelope)
    }

    /// Polls, shows whatever the server sends until it sends nothing more by itself, and confirms it.
    ///
    /// What comes a second time, because a confirmation was lost, is confirmed and not shown again.
    ///
    /// - Returns: What the last exchange came to: a Status with another code than 200 means that the session is over.
    mutating func receive<Handler: ArrivalHandler & ~Copyable>(_ handler: inout Handler) -> Outcome {
        var outcome = poll()
        while case .answered = outcome, let transaction = serverTransaction {
            let arrival = arrival()
            switch arrival {
            case .message(let message) where message.isAnnouncement:
                if case .answered(200) = fetch(message.messageID), let fetched = fetchedMessage() {
                    show(fetched, to: &handler)
                    confirmFetched(fetched.messageID)
                }
                outcome = acknowledge(transaction)
            case .message(let message):
                show(message, to: &handler)
                outcome = confirm(message.messageID, transaction)
            case .disconnect:
                handler.show(arrival, in: self)
                sessionID = InlineBytes()
                return .nothing
            case .systemMessage:
                // Sent again, because an answer was lost, it is not shown again.
                let first = firstSystemMessage.flatMap { question($0) }
                if let first, !first.id.span.equals(lastQuestion.span) || isReminder(transaction) {
                    lastQuestion = first.id
                    lastTransaction = transaction
                    handler.show(arrival, in: self)
                }
                outcome = acknowledge(transaction)
            case .report, .presence, .permission, .other:
                handler.show(arrival, in: self)
                outcome = acknowledge(transaction)
            }
        }
        return outcome
    }

    private func isReminder(_ transaction: InlineBytes<64>) -> Bool {
        !transaction.span.equals(lastTransaction.span)
    }

    private mutating func show<Handler: ArrivalHandler & ~Copyable>(
        _ message: IncomingMessage, to handler: inout Handler
    ) {
        for index in shown.indices where shown[index].span.equals(message.messageID.span) { return }
        handler.show(.message(message), in: self)
        shown[shownCount % shown.count] = message.messageID
        shownCount += 1
    }

    /// The TransactionID of the server transaction in the document; nil when it is an answer to one of ours.
    private var serverTransaction: InlineBytes<64>? {
        guard let root = document.root, let session = document.first(.session, in: root),
            let transaction = document.first(.transaction, in: session),
            let descriptor = document.first(.transactionDescriptor, in: transaction),
            let mode = document.word(.transactionMode, in: descriptor), mode.equalsIgnoringCase("Request"),
            let id = document.word(.transactionID, in: descriptor)
        else { return nil }
        return InlineBytes(id)
    }

    /// Confirms a NewMessage; what comes back may be the next one.
    private mutating func confirm(_ messageID: InlineBytes<64>, _ transaction: InlineBytes<64>) -> Outcome {
        let envelope = open(.response, id: transaction.span)
        writeMessageDelivered(messageID)
        return exchange(envelope)
    }

    /// Answers any other server transaction with Status 200.
    private mutating func acknowledge(_ transaction: InlineBytes<64>) -> Outcome {
        let envelope = open(.response, id: transaction.span)
        writer.status(.success)
        return exchange(envelope)
    }

    /// Fetches a message that was only announced.
    private mutating func fetch(_ messageID: InlineBytes<64>) -> Outcome {
        let envelope = openRequest()
        writer.open(.getMessageRequest)
        writer.text(.messageID, messageID.span)
        writer.close(.getMessageRequest)
        return exchange(envelope)
    }

    /// Confirms a message that was fetched, as a request of our own.
    private mutating func confirmFetched(_ messageID: InlineBytes<64>) {
        let envelope = openRequest()
        writeMessageDelivered(messageID)
        _ = exchange(envelope)
    }

    private mutating func writeMessageDelivered(_ messageID: InlineBytes<64>) {
        writer.open(.messageDelivered)
        writer.text(.messageID, messageID.span)
        writer.close(.messageDelivered)
    }

    // MARK: Refusals

    /// Adds the code and the words of the result in the document: `531 (Unknown user)`.
    func writeResult(into text: inout FixedBytes) {
        guard let primitive else { return }
        text.append(decimal: resultCode(of: primitive))
        let words = description(of: primitive)
        guard words.count > 0 else { return }
        text.append(" (")
        text.append(printable: words, lineBreak: " ")
        text.append(")")
    }

    /// Prints why the server refused, and when to try again.
    func printRefusal(_ what: StaticString) {
        var line = Memory.buffer(1024)
        line.append("imps: ")
        line.append(what)
        line.append(": ")
        writeResult(into: &line)
        if let seconds = tryAgainSeconds {
            line.append("; try again in ")
            line.append(decimal: seconds < 120 ? seconds : (seconds + 59) / 60)
            line.append(seconds < 120 ? " seconds" : " minutes")
        }
        line.append("\n")
        Terminal.printError(line.span)
    }
}
