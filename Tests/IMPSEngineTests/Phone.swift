import IMPSEngine
import Testing

/// A client of the engine that does as it is told, one transaction in each message.
final class Phone {
    let world: World
    let user: String
    let version: String
    let cookie: String
    var address: String
    var session: String?
    private(set) var number = 0

    init(_ world: World, _ user: String, version: String = "1.2", cookie: String = "c", address: String = "192.0.2.1") {
        self.world = world
        self.user = user
        self.version = version
        self.cookie = cookie
        self.address = address
    }

    /// Sends something outside a session, or in one.
    func say(
        _ content: String, id: String? = nil, in session: String?, mode: String = "Request", from: String? = nil
    ) -> String {
        number += 1
        let answer = world.handle(
            document(content, id: id ?? "\(cookie)\(number)", session: session, mode: mode, version: version),
            from: from ?? address)
        #expect(world.commit(succeeds: true))
        return answer
    }

    /// Sends something in the session.
    @discardableResult
    func say(_ content: String, id: String? = nil, mode: String = "Request") -> String {
        say(content, id: id, in: session, mode: mode)
    }

    /// Logs in with a password; the answer, whatever it is.
    @discardableResult
    func logIn(password: String = "righteous", timeToLive: Int = 86_400, extra: String = "") -> String {
        let answer = say(
            login(user, password: password, cookie: cookie, timeToLive: timeToLive, extra: extra), in: nil)
        if let id = field("SessionID", answer) { session = id }
        return answer
    }

    /// What came with the answer to the last delivery.
    private var next: String?

    /// The next server transaction; empty when nothing waits.
    func delivery() -> String {
        defer { next = nil }
        return next ?? say("<Polling-Request/>", id: "")
    }

    /// The text of the next message; nil when none comes.
    func poll() -> String? { field("ContentData", delivery()) }

    /// The text of the next message, which is confirmed; nil when none comes.
    func receive() -> String? {
        let delivery = delivery()
        guard let text = field("ContentData", delivery) else { return nil }
        close(delivery)
        return text
    }

    /// Answers a server transaction: a message is confirmed, anything else was well received.
    func close(_ delivery: String) {
        guard let transaction = field("TransactionID", delivery) else { return }
        let content =
            field("MessageID", delivery).map { id in
                delivery.contains("<NewMessage>")
                    ? "<MessageDelivered><MessageID>\(id)</MessageID></MessageDelivered>" : nil
            } ?? nil
        let answer = say(
            content ?? "<Status><Result><Code>200</Code></Result></Status>", id: transaction, mode: "Response")
        if !answer.isEmpty { next = answer }
    }

    /// The answer to a SystemMessageResponse, as an element of a login or in the session.
    static func answer(_ id: String, _ option: Int, key: String? = nil) -> String {
        let key = key.map { "<VerificationKey>\($0)</VerificationKey>" } ?? ""
        return
            "<SystemMessageResponseList><SystemMessageResponse><SystemMessageID>\(id)</SystemMessageID><ChosenOptionID>\(option)</ChosenOptionID>\(key)</SystemMessageResponse></SystemMessageResponseList>"
    }
}

extension World {
    /// A world with accounts that have the password `righteous`.
    convenience init(users: [String], seed: UInt64 = 1, _ change: (inout Settings) -> Void = { _ in }) {
        self.init(seed: seed, change)
        for user in users { #expect(control("user add \(user) digest righteous").hasPrefix("ok")) }
    }

    /// A phone of a user that is logged in and has nothing to fetch yet.
    func phone(_ user: String, cookie: String = "c") -> Phone {
        let phone = Phone(self, user, cookie: cookie)
        phone.logIn()
        return phone
    }

    /// How many records of a kind the store has.
    func count(_ kind: Character) -> Int {
        control("dump").split(separator: "\n").filter { $0.first == kind && !$0.hasPrefix("impsd") && $0 != "ok" }.count
    }

    /// How many sessions there are.
    var sessionCount: Int { control("sessions").split(separator: "\n").count - 1 }
}
