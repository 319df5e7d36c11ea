/// People who send until there is no room for more.
public enum Crowd {
    /// What an engine needs for it.
    public static let settings = ["db_kb": "8192", "offline_max_msgs": "100000", "offline_max_kb": "100000"]
    /// Nobody may fill a store alone.
    public static let senders = (0..<6).map { "sender\($0)" }

    /// Fills the store with messages for somebody; how many there are.
    ///
    /// - Parameter octets: How long each is.
    public static func fillStore(_ engine: EngineProcess, for recipient: String, octets: Int) throws -> Int {
        let text = String(repeating: "fill ", count: octets / 5)
        var count = 0
        for name in senders {
            let sender = try engine.client(name)
            try sender.logIn()
            while try sender.send(text, to: recipient).code == 200 { count += 1 }
        }
        return count
    }
}
