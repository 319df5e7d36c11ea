import Foundation

/// What writers and a reader know of their messages, to be compared after the engine lost its power again and again.
public final class Ledger: @unchecked Sendable {
    private let lock = NSLock()
    public private(set) var acknowledged: Set<String> = []
    /// Confirmed by the reader, and the confirmation answered.
    public private(set) var confirmed: Set<String> = []
    /// Seen by the reader, with a confirmation under way or none.
    public private(set) var seen: [String: Int] = [:]
    public private(set) var violations: [String] = []

    public init() {}

    private func acknowledge(_ text: String) { _ = lock.withLock { acknowledged.insert(text) } }
    private func confirm(_ text: String) { _ = lock.withLock { confirmed.insert(text) } }
    private func see(_ text: String) {
        lock.withLock {
            if confirmed.contains(text) { violations.append("confirmed, but delivered again: \(text)") }
            seen[text, default: 0] += 1
        }
    }

    /// Messages that were acknowledged and never delivered.
    public var lost: Set<String> { acknowledged.subtracting(seen.keys) }

    /// Writes for `seconds` with all writers while the reader confirms, then pulls the plug and waits until all noticed.
    public func round(
        _ name: String, writers: [Client], to recipient: String, reader: Client, seconds: Double, plug: () -> Void
    ) {
        let group = DispatchGroup()
        for (index, writer) in writers.enumerated() {
            start(group) {
                try writer.logIn()
                var number = 0
                while true {
                    let text = "round \(name) writer \(index) message \(number)"
                    if try writer.send(text, to: recipient).code == 200 { self.acknowledge(text) }
                    number += 1
                }
            }
        }
        start(group) {
            while true {
                _ = try self.read(reader)
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
        Thread.sleep(forTimeInterval: seconds)
        plug()
        group.wait()
    }

    /// Work that ends with the engine.
    private func start(_ group: DispatchGroup, _ work: @escaping @Sendable () throws -> Void) {
        group.enter()
        let thread = Thread {
            do { try work() } catch {}
            group.leave()
        }
        thread.start()
    }

    /// Everything that waits, confirmed; how much it was.
    private func read(_ reader: Client) throws -> Int {
        var count = 0
        var next = try reader.poll()
        while let message = next, message.name == "NewMessage" {
            let text = message.primitive?["ContentData"]?.text ?? ""
            see(text)
            next = try reader.confirm(message)
            confirm(text)
            count += 1
        }
        return count
    }

    /// Reads until nothing comes any more; the guard of the engine has to be one second.
    public func drain(_ reader: Client) throws {
        Thread.sleep(forTimeInterval: 2.2)
        var quiet = 0
        while quiet < 3 {
            if try read(reader) == 0 {
                quiet += 1
                Thread.sleep(forTimeInterval: 1.1)
            } else {
                quiet = 0
            }
        }
    }
}
