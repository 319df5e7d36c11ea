import Foundation
import Harness
import Testing

/// Several transactions in one message. Source: protocol/transport.md §3.2, rule 4, and §4.
@Suite struct SeveralTransactionsTests {
    private let bobAddress = "wv:bob@home.test"

    private func clients(_ list: String, _ version: String = "1.3") throws -> (EngineProcess, Client, Client) {
        let engine = try EngineProcess()
        let alice = try engine.client("alice")
        let bob = try engine.client("bob", version)
        try alice.logIn()
        try bob.logIn()
        try bob.negotiateCapabilities(list)
        _ = try bob.poll()
        return (engine, alice, bob)
    }

    private func texts(_ replies: [Reply]) -> [String] {
        replies.filter { $0.name == "NewMessage" }.map { $0.primitive?["ContentData"]?.text ?? "" }
    }

    @Test func asManyAsWereAgreedComeWithOnePoll() throws {
        let (engine, alice, bob) = try clients(
            "<MultiTrans>4</MultiTrans><MultiTransPerMessage>3</MultiTransPerMessage>")
        for text in ["1", "2", "3", "4", "5", "6"] { try alice.send(text, to: bobAddress) }
        let first = try #require(try bob.poll())
        #expect(texts(first.all) == ["1", "2", "3"])
        #expect(first.poll == "T")
        #expect(Set(first.all.map(\.transactionID)).count == 3)
        // No more are open at once than the client keeps.
        let second = try #require(try bob.poll())
        #expect(texts(second.all) == ["4"])
        #expect(try bob.poll() == nil)
        let next = try bob.confirm(first.all[0])
        #expect(next.map { texts($0.all) } == ["5"])
        for reply in first.all.dropFirst() + second.all { try bob.confirm(reply) }
        #expect(try Set(bob.receiveTexts()).isSubset(of: ["5", "6"]))
        withExtendedLifetime(engine) {}
    }

    @Test func whatWaitsComesWithAnAnswer() throws {
        let (engine, alice, bob) = try clients(
            "<MultiTrans>4</MultiTrans><MultiTransPerMessage>2</MultiTransPerMessage>")
        for text in ["1", "2"] { try alice.send(text, to: bobAddress) }
        let answer = try bob.request("<KeepAlive-Request/>")
        #expect(answer.all.map(\.name) == ["KeepAlive-Response", "NewMessage"])
        #expect(answer.all.map(\.mode) == ["Response", "Request"])
        #expect(answer.poll == "T")
        try bob.confirm(answer.all[1])
        withExtendedLifetime(engine) {}
    }

    @Test(arguments: ["1.1", "1.2", "1.3"]) func withoutAgreementThereIsOne(version: String) throws {
        // Before 1.3 nobody can agree to it.
        let list = version == "1.3" ? "" : "<MultiTransPerMessage>3</MultiTransPerMessage>"
        let (engine, alice, bob) = try clients(
            "<MultiTrans>4</MultiTrans>\(Programs.syntax == "xml" ? list : "")", version)
        for text in ["1", "2"] { try alice.send(text, to: bobAddress) }
        #expect(try bob.request("<KeepAlive-Request/>").all.count == 1)
        #expect(try bob.poll()?.all.count == 1)
        withExtendedLifetime(engine) {}
    }

    @Test func theAgreementIsToldAndBounded() throws {
        let (engine, _, bob) = try clients("<MultiTransPerMessage>500</MultiTransPerMessage>")
        let list = "<MultiTransPerMessage>4000000000</MultiTransPerMessage>"
        let reply = try bob.negotiateCapabilities(list)
        #expect(reply.primitive?["AgreedCapabilityList/MultiTransPerMessage"]?.number == 8)
        let none = try bob.negotiateCapabilities("<MultiTrans>2</MultiTrans>")
        #expect(none.primitive?["AgreedCapabilityList/MultiTransPerMessage"] == nil)
        withExtendedLifetime(engine) {}
    }

    /// What a client says of itself may be more than any machine has.
    @Test func hugeCapabilitiesAreBounded() throws {
        let numbers = ["AcceptedContentLength", "MultiTrans", "ParserSize", "ServerPollMin", "MultiTransPerMessage"]
        for value in ["2147483648", "4294967295", "18446744073709551615"] {
            let list = numbers.map { "<\($0)>\(Programs.syntax == "xml" ? value : "4294967295")</\($0)>" }.joined()
            let (engine, alice, bob) = try clients(list)
            for text in ["1", "2"] { try alice.send(text, to: bobAddress) }
            #expect(texts(try #require(try bob.poll()).all) == ["1", "2"])
            withExtendedLifetime(engine) {}
        }
    }

    /// A message is never above what the client can parse; what does not fit beside others comes alone and whole.
    @Test func theParserSizeHolds() throws {
        let (engine, alice, bob) = try clients(
            "<AcceptedContentLength>100000</AcceptedContentLength><MultiTrans>8</MultiTrans><ParserSize>9000</ParserSize><MultiTransPerMessage>8</MultiTransPerMessage>"
        )
        let texts = (0..<8).map { String(repeating: "<\($0)>", count: 30 + 90 * ($0 % 3)) }
        for text in texts { #expect(try alice.send(text, to: bobAddress).code == 200) }
        var received: [String] = []
        var counts: [Int] = []
        while received.count < texts.count, let reply = try bob.poll() {
            #expect(reply.http.body.count <= 9000)
            counts.append(reply.all.count)
            received += self.texts(reply.all)
            for transaction in reply.all { #expect(transaction.name == "NewMessage") }
        }
        #expect(received == texts)
        #expect(counts.contains { $0 > 1 })
        withExtendedLifetime(engine) {}
    }
}
