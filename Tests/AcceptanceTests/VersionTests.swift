import Harness
import Testing

/// Version discovery, in both shapes and for versions that there are not. Source: protocol/session.md §2.
@Suite struct VersionTests {
    private func check(_ list: Element?) {
        let names = list?.children ?? []
        #expect(list?.name == "VersionList")
        #expect(names.filter { $0.name == "SessionNSName" }.map(\.text) == versions.map { namespaces($0).session })
        #expect(
            names.filter { $0.name == "TransactionNSName" }.map(\.text) == versions.map { namespaces($0).transaction })
        #expect(names.filter { $0.name == "PresenceAttributeNSName" }.map(\.text.last) == ["1", "2", "3"])
        #expect(names.count == 9)
    }

    private func ask(_ engine: EngineProcess, _ document: String) throws -> Element {
        let answer = try engine.connect().post(
            try Client.body(document), type: "application/vnd.wv.csp.\(Programs.syntax)")
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/vnd.wv.csp.\(Programs.syntax)")
        return try Client.root(answer)
    }

    @Test func theVersionsAreToldToWhoAsksWithoutAnEnvelope() throws {
        let engine = try EngineProcess()
        for (namespace, answered) in [
            (namespaces("1.2").session, "1.2"), (namespaces("1.3").session, "1.3"),
            ("http://www.openmobilealliance.org/DTD/IMPS-CSP2.0", "1.3"),
        ] {
            let root = try ask(
                engine, "<WV-CSP-VersionDiscovery-Request xmlns=\"\(namespace)\"></WV-CSP-VersionDiscovery-Request>")
            #expect(root.name == "WV-CSP-VersionDiscovery-Response")
            #expect(root.namespace == namespaces(answered).session)
            check(root.children.first)
        }
    }

    @Test func theVersionsAreToldInAnEnvelope() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.2")
        let content = "<WV-CSP-VersionDiscovery-Request><VersionList/></WV-CSP-VersionDiscovery-Request>"
        let reply = try alice.request(content)
        #expect(reply.name == "WV-CSP-VersionDiscovery-Response")
        check(reply.primitive?.children.first)
        // In a session too, and in a version that is yet to come.
        try alice.logIn()
        check(try alice.request(content).primitive?.children.first)
        let future = alice.document(content, transaction: "1").replacing("CSP1.2", with: "CSP1.9")
        let root = try ask(engine, future)
        #expect(root.namespace == namespaces("1.3").session)
        check(root["Session/Transaction/TransactionContent/WV-CSP-VersionDiscovery-Response/VersionList"])
    }

    @Test func anotherRequestInAVersionThatThereIsNotIsRefusedInTheNearest() throws {
        let engine = try EngineProcess()
        let alice = try engine.client("alice", "1.2")
        for (version, answered) in [("CSP1.9", "1.3"), ("CSP1.0", "1.1"), ("CSP", "1.2")] {
            let text = alice.document("<GetSPInfo-Request/>", transaction: "1").replacing("CSP1.2", with: version)
            let root = try ask(engine, text)
            #expect(root.namespace == namespaces(answered).session)
            #expect(root["Session/Transaction/TransactionContent/Status/Result/Code"]?.text == "505")
        }
    }
}
