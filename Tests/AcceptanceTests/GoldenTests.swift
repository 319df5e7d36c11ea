import Foundation
import Harness
import Testing

/// The documents of Tests/Golden: what clients of the field send, with the children of each element in their order and in
/// the reverse one, since no two clients agree on it. Each names the primitive and the code of its answer.
@Suite struct GoldenTests {
    private static func documents(_ version: String) throws -> [URL] {
        let folder = Programs.package.appendingPathComponent("Tests/Golden/\(version)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    /// The document with the children of the primitive, and theirs, in the reverse order.
    private static func reversed(_ text: String, _ version: String) throws -> String {
        let root = try Element.parse(Array(text.utf8))
        let content = root["Session/Transaction/TransactionContent"]!
        func write(_ element: Element, reversing: Bool) -> String {
            let children = element.children.map { write($0, reversing: reversing || element === content) }
            let body = children.isEmpty ? escaped(element.text) : (reversing ? children.reversed() : children).joined()
            let namespace = element.namespace.map { " xmlns=\"\($0)\"" } ?? ""
            return "<\(element.name)\(namespace)>\(body)</\(element.name)>"
        }
        return write(root, reversing: false)
    }

    @Test(arguments: versions, [false, true]) func eachIsAnswered(version: String, reverses: Bool) throws {
        let engine = try EngineProcess()
        let documents = try GoldenTests.documents(version)
        #expect(documents.count >= 19)
        let alice = try engine.client("alice", version)
        try alice.logIn()
        for file in documents {
            var text = try String(contentsOf: file, encoding: .utf8)
            let expected = try #require(text.firstMatch(of: /expected: (\S+) (\d+)/))
            text = text.replacing("SESSION", with: alice.sessionID ?? "")
            if reverses { text = try GoldenTests.reversed(text, version) }
            let reply = try #require(try alice.exchange(text), "\(file.lastPathComponent)")
            #expect(reply.name == String(expected.1), "\(file.lastPathComponent): \(reply.root)")
            #expect(reply.code == Int(expected.2), "\(file.lastPathComponent): \(reply.root)")
            #expect(reply.root.namespace == namespaces(version).session)
        }
        let bob = try engine.client("bob", version)
        try bob.logIn()
        // A picture, which bob never said to take, is announced instead of sent.
        let names = try bob.receiveAll().map(\.name)
        #expect(names == ["NewMessage", "NewMessage", "MessageNotification"])
    }
}
