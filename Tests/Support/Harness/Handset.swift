import Foundation

/// Client A as it behaves, an instant messenger of Android 2.x: what it sends and in which order, what it leaves
/// unanswered, and what its user sees of it all. Source: protocol/clients.md.
public final class Handset {
    /// How it learns that something waits.
    public enum Way: String, Sendable, CaseIterable {
        case polling, stcp, shttp
    }

    /// A message as its user sees it.
    public struct Sight: Equatable, Sendable {
        public var sender: String
        public var text: String
    }

    /// Somebody on a contact list as its user sees him.
    public struct Buddy: Equatable, Sendable {
        public var isOnline: Bool
        public var availability: String
        public var statusText: String
        public init(_ isOnline: Bool, _ availability: String = "", _ statusText: String = "") {
            self.isOnline = isOnline
            self.availability = availability
            self.statusText = statusText
        }
    }

    public let client: Client
    public let way: Way
    /// Everything that its user has seen, in order.
    public private(set) var seen: [Sight] = []
    /// Server transactions that it did nothing with.
    public private(set) var ignored: [String] = []
    /// Its contact lists with who is on them.
    public private(set) var lists: [String: [String]] = [:]
    /// What is known of others.
    public private(set) var buddies: [String: Buddy] = [:]
    /// What of its login was refused.
    public private(set) var refusals: [String] = []
    /// Who asked to see its user, and whether he may; nil when the user does not say.
    public var accepts: Bool?
    public private(set) var asked: [String] = []
    /// What it told its user instead of a login.
    public private(set) var complaint: String?
    /// What ended its program.
    public private(set) var crash: String?
    /// The lists are loaded; before, it shows no message. Source: CL-2.
    private var isLoaded = false
    private var waiting: [Sight] = []
    private var channel: HTTPConnection?
    private var callURL: (connection: HTTPConnection, path: String)?
    /// Seconds between two polls, or between two questions at the URL.
    private let interval: Double
    private var asksAt = Date()
    private let engine: EngineProcess

    /// - Parameters:
    ///   - agent: Its User-Agent; the one that is known unless another is given.
    ///   - interval: Seconds between two polls.
    public init(
        _ engine: EngineProcess, _ user: String, _ version: String, syntax: String = Programs.syntax,
        way: Way = .polling, agent: String? = "Android-Imps/0.1", interval: Double = 1
    ) throws {
        self.engine = engine
        self.way = way
        self.interval = interval
        client = try engine.client(user, version)
        client.syntax = syntax
        client.dialect = .android
        client.userAgent = agent
        client.clientID = "<ClientID><URL>http://imps.example/\(user)</URL></ClientID>"
    }

    // MARK: Login

    /// Logs in and does what it always does then; false when its user stays outside. Source: CL-1, CL-20.
    public func logIn() throws -> Bool {
        client.cookie = "\(UUID().uuidString.prefix(8))#1"
        complaint = nil
        isLoaded = false
        refusals = []
        buddies = [:]
        let reply = try client.logInAsIs()
        guard reply.code == 200 else {
            complaint = "\(reply.code) \(reply.primitive?["Result/Description"]?.text ?? "")"
            return false
        }
        let methods = way == .polling ? "" : "<SupportedCIRMethod>\(way.rawValue.uppercased())</SupportedCIRMethod>"
        let agreed = try client.negotiateCapabilities(
            """
            <ClientType>MOBILE_PHONE</ClientType><ParserSize>262144</ParserSize><MultiTrans>1</MultiTrans>\
            <InitialDeliveryMethod>P</InitialDeliveryMethod><AcceptedContentLength>262144</AcceptedContentLength>\
            <ServerPollMin>1</ServerPollMin><SupportedBearer>HTTP</SupportedBearer>\(methods)
            """)
        // It takes the first child for the agreed list.
        if agreed.code == 200 { try openChannel(agreed.primitive?.children.first) }
        let services = try client.negotiateServices("<FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/>")
        if services.code == 200, services.primitive?["AllFunctions"] == nil { return try end("no AllFunctions") }
        try loadPresence()
        try note(answer("<GetBlockedList-Request/>"), "GetBlockedList")
        let list = try answer("<GetList-Request/>")
        note(list, "GetList")
        if list.name == "GetList-Response" {
            try loadLists(list)
            isLoaded = true
            seen += waiting
            waiting = []
        }
        return true
    }

    private func note(_ reply: Reply, _ what: String) {
        if reply.name == "Status", reply.code != 200 { refusals.append("\(what) \(reply.code)") }
    }

    /// Reads each list and subscribes to it; what is refused of one is an error for that one. Source: CL-1, CL-3, CL-7.
    private func loadLists(_ reply: Reply) throws {
        lists = [:]
        for child in reply.primitive?.children ?? [] {
            try loadList(child.text)
        }
    }

    /// Reads a list and subscribes to it.
    public func loadList(_ list: String) throws {
        let read = try answer(
            "<ListManage-Request><ContactList>\(list)</ContactList><ReceiveList>T</ReceiveList></ListManage-Request>")
        note(read, "ListManage")
        let children = read.primitive?["NickList"]?.children ?? []
        lists[list] = children.map { $0.name == "UserID" ? $0.text : $0["UserID"]?.text ?? "?" }
        try subscribe(list)
    }

    private func subscribe(_ list: String) throws {
        let reply = try answer(
            "<SubscribePresence-Request><ContactList>\(list)</ContactList><AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>"
        )
        if reply.code != 200 { refusals.append("SubscribePresence \(reply.code)") }
    }

    // MARK: Contacts

    /// The address of one of its lists.
    private func address(of list: String) -> String {
        client.user.replacing("@", with: "/\(list)@", maxReplacements: 1)
    }

    /// Makes a list with somebody on it, as it always does. Source: protocol/clients.md §2.
    public func createList(_ name: String, with users: [String]) throws -> Int {
        let list = address(of: name)
        let nicks = users.map {
            "<NickName><Name>\($0)</Name><User><UserID>wv:\($0)@home.test</UserID></User></NickName>"
        }.joined()
        let reply = try answer(
            "<CreateList-Request><ContactList>\(list)</ContactList><NickList>\(nicks)</NickList><ContactListProperties><Property><Name>DisplayName</Name><Value>\(name)</Value></Property><Property><Name>Default</Name><Value>T</Value></Property></ContactListProperties></CreateList-Request>"
        )
        guard reply.code == 200 else { return reply.code }
        try loadList(list)
        return 200
    }

    /// Puts somebody on a list; it subscribes to the list again.
    public func add(_ user: String, to name: String) throws -> Int {
        let list = address(of: name)
        let reply = try answer(
            "<ListManage-Request><ContactList>\(list)</ContactList><ReceiveList>F</ReceiveList><AddNickList><NickName><Name>\(user)</Name><UserID>wv:\(user)@home.test</UserID></NickName></AddNickList></ListManage-Request>"
        )
        if reply.code == 200 { try subscribe(list) }
        return reply.code
    }

    /// Blocks somebody, or lets him through again.
    public func block(_ user: String, _ isBlocked: Bool = true) throws -> Int {
        let verb = isBlocked ? "AddList" : "RemoveList"
        let change = "<\(verb)><UserID>wv:\(user)@home.test</UserID></\(verb)>"
        return try answer(
            client.version == "1.3"
                ? "<BlockEntity-Request><BlockListInUse>T</BlockListInUse><GrantListInUse>F</GrantListInUse><BlockList>\(change)</BlockList></BlockEntity-Request>"
                : "<BlockEntity-Request><BlockList><InUse>T</InUse>\(change)</BlockList></BlockEntity-Request>"
        ).code
    }

    /// Says how its user is.
    public func update(_ availability: String, _ text: String, isOnline: Bool = true) throws -> Int {
        func value(_ name: String, _ value: String) -> String {
            "<\(name)><Qualifier>T</Qualifier><PresenceValue>\(value)</PresenceValue></\(name)>"
        }
        let values =
            value("OnlineStatus", isOnline ? "T" : "F") + value("UserAvailability", availability)
            + value("StatusText", text)
        return try answer(
            "<UpdatePresence-Request><PresenceSubList xmlns=\"\(presenceNamespace)\">\(values)</PresenceSubList></UpdatePresence-Request>"
        ).code
    }

    /// Each notification rebuilds whom it is about; without PresenceSubList the program ends, and a value is believed only
    /// with its Qualifier. Source: protocol/primitives.md §4.2, rule 6.
    private func notice(_ notification: Element?) throws {
        for presence in notification?.all("Presence") ?? [] {
            guard let user = presence["UserID"]?.text, let list = presence["PresenceSubList"] else {
                _ = try end("no PresenceSubList")
                return
            }
            func value(_ name: String) -> String? {
                list["\(name)/Qualifier"]?.text == "T" ? list["\(name)/PresenceValue"]?.text ?? "" : nil
            }
            buddies[user] = Buddy(
                value("OnlineStatus") == "T", value("UserAvailability") ?? "", value("StatusText") ?? "")
        }
    }

    private func end(_ words: String) throws -> Bool {
        crash = words
        client.connection.close()
        return false
    }

    /// Its own presence; a success without Presence ends the program. Source: CL-4.
    private func loadPresence() throws {
        let reply = try answer(
            "<GetPresence-Request><User><UserID>\(client.user)</UserID></User></GetPresence-Request>")
        note(reply, "GetPresence")
        guard reply.code == 200, reply.name == "GetPresence-Response" else { return }
        guard reply.primitive?["Presence/UserID"] != nil, reply.primitive?["Presence/PresenceSubList"] != nil else {
            _ = try end("no Presence")
            return
        }
        _ = try answer(
            """
            <UpdatePresence-Request><PresenceSubList xmlns="\(presenceNamespace)"><ClientInfo><Qualifier>T</Qualifier>\
            <ClientType>MOBILE_PHONE</ClientType><ClientVersion>0.1</ClientVersion><ClientProducer>Android</ClientProducer>\
            </ClientInfo></PresenceSubList></UpdatePresence-Request>
            """)
    }

    private var presenceNamespace: String {
        switch client.version {
        case "1.1": return "http://www.wireless-village.org/PA1.1"
        case "1.2": return "http://www.openmobilealliance.org/DTD/WV-PA1.2"
        default: return "http://www.openmobilealliance.org/DTD/IMPS-PA1.3"
        }
    }

    private func openChannel(_ agreed: Element?) throws {
        channel = nil
        callURL = nil
        let methods = agreed?.all("SupportedCIRMethod").map(\.text) ?? []
        if methods.contains("STCP"), let port = agreed?["TCPPort"]?.number {
            let connection = try HTTPConnection(port: EngineProcess.plainPort(port))
            try connection.send("HELO \(client.sessionID ?? "")\r\n")
            guard try connection.receiveSegment() == "OK\r\n" else { throw HarnessError("HELO is not answered") }
            channel = connection
        }
        let url = (agreed?["CIRHTTPAddress/URL"] ?? agreed?["CIRURL/URL"])?.text
        if methods.contains("SHTTP"), let url, let parts = URL(string: url) {
            callURL = (try engine.connect(), parts.path)
        }
    }

    /// Whether it is called, and does not have to poll by itself.
    public var isCalled: Bool { channel != nil || callURL != nil }

    // MARK: Messages

    /// A request of its own; with Poll=T in the answer it polls next.
    @discardableResult
    public func answer(_ content: String) throws -> Reply {
        let reply = try client.request(content)
        if reply.poll == "T" { try poll() }
        return reply
    }

    /// Writes a message; the code of the answer.
    public func send(_ text: String, to recipient: String) throws -> Int {
        try answer(client.sendContent(text, to: [recipient])).code
    }

    private func poll() throws { try take(client.poll()) }

    /// With Poll=T it polls at once, before it confirms what it just got. Source: CL-13.
    private func take(_ first: Reply?) throws {
        var replies = [first].compactMap { $0 }
        while !replies.isEmpty {
            let reply = replies.removeFirst()
            guard reply.mode == "Request" else {
                if [600, 601, 604].contains(reply.code) { client.sessionID = nil }
                continue
            }
            if reply.poll == "T", let next = try client.poll() { replies.append(next) }
            if let next = try respond(reply) { replies.append(next) }
        }
    }

    private func respond(_ reply: Reply) throws -> Reply? {
        switch reply.name {
        case "NewMessage":
            let sight = Sight(
                sender: reply.primitive?["MessageInfo/Sender/User/UserID"]?.text ?? "",
                text: reply.primitive?["ContentData"]?.text ?? "")
            if isLoaded { seen.append(sight) } else { waiting.append(sight) }
            return try client.confirm(reply)
        case "PresenceNotification-Request":
            try notice(reply.primitive)
            return try client.respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
        case "PresenceAuth-Request":
            let user = reply.primitive?["UserID"]?.text ?? ""
            asked.append(user)
            let next = try client.respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
            guard let accepts else { return next }
            // The user's answer is a request of its own.
            try take(next)
            return try client.request(
                "<PresenceAuth-User><UserID>\(user)</UserID><Acceptance>\(accepts ? "T" : "F")</Acceptance></PresenceAuth-User>"
            )
        case "DeliveryReport-Request", "InviteUser-Request",
            "GroupChangeNotice":
            return try client.respond(to: reply, "<Status><Result><Code>200</Code></Result></Status>")
        case "Disconnect":
            client.sessionID = nil
            return nil
        default:
            ignored.append(reply.name)
            return nil
        }
    }

    // MARK: Time

    /// Lives until something is so; fails with its name after a while.
    public func live(until what: String, seconds: Double = 10, _ isSo: () throws -> Bool) throws {
        let end = Date().addingTimeInterval(seconds * Programs.slowness)
        while try !isSo() {
            guard Date() < end else {
                throw HarnessError("waited in vain for \(what); seen \(seen), ignored \(ignored)")
            }
            try step()
        }
    }

    /// Lives for some time.
    public func live(seconds: Double) throws {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end { try step() }
    }

    /// Waits a moment, and polls when it is time or when it is called.
    private func step() throws {
        if let channel {
            guard !channel.isSilent(milliseconds: 20), try channel.receiveSegment()?.hasPrefix("WVCI") == true else {
                return
            }
            return try poll()
        }
        Thread.sleep(forTimeInterval: 0.02)
        guard Date() >= asksAt else { return }
        asksAt = Date().addingTimeInterval(interval)
        guard let callURL else { return try poll() }
        try callURL.connection.send("GET \(callURL.path) HTTP/1.1\r\nHost: x\r\n\r\n")
        if try callURL.connection.receive()?.status == 200 { try poll() }
    }
}
