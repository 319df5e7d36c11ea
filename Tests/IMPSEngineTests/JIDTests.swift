import CSP
import Octets
import Testing

@testable import IMPSEngine

/// Addresses of the one side as the other has them. Source: XEP-0106.
@Suite struct JIDTests {
    private func address(_ jid: String) -> String? {
        JID.address(Array(jid.utf8).span, homeDomain: Array("home.test".utf8).span).map { text($0.canonical) }
    }

    private func jid(_ address: String) -> String {
        var output = FixedBytes(lent(300, UInt8(0)))
        JID.write(Array(address.utf8).span, into: &output)
        return text(output.span)
    }

    private func text(_ span: Span<UInt8>) -> String {
        String(decoding: span.indices.map { span[$0] }, as: Swift.UTF8.self)
    }

    @Test(arguments: [
        ("romeo@people.test", "wv:romeo@people.test"), ("+4930123@people.test", "wv:+4930123@people.test"),
        ("a\\26b@x.test", "wv:a&b@x.test"), ("o\\27hara@x.test", "wv:o'hara@x.test"),
        ("a\\3ab@x.test", "wv:a:b@x.test"),
        ("a\\20b@x.test", "wv:a%20b@x.test"), ("a\\40b@x.test", "wv:a%40b@x.test"),
        ("a\\5c20b@x.test", "wv:a\\20b@x.test"),
        ("wv\\3aalice@x.test", "wv:wv:alice@x.test"), ("a\\2fb@x.test", "wv:a%2fb@x.test"),
        ("a\\5c26@x.test", "wv:a\\26@x.test"),
        ("a\\zz@x.test", "wv:a\\zz@x.test"), ("j\u{FC}rgen@x.test", "wv:j%c3%bcrgen@x.test"),
        ("a+b@x.test", "wv:a%2bb@x.test"), ("a%b@x.test", "wv:a%b@x.test"), ("a%2bb@x.test", "wv:a%252bb@x.test"),
        ("a.b-c_d~e!@x.test", "wv:a.b-c_d~e!@x.test"),
    ])
    func bothWays(_ jid: String, _ address: String) {
        #expect(self.address(jid) == address)
        #expect(self.jid(address) == jid)
    }

    /// What would be no text of XML is not said.
    @Test(arguments: ["wv:a%ffb@x.test", "wv:%c3@x.test", "wv:%ed%a0%80@x.test", "wv:%ef%bf%be@x.test"])
    func whatIsNoTextStaysEscaped(_ address: String) { #expect(jid(address) == address.dropFirst(3)) }

    @Test func aResourceIsNoPartOfSomebody() {
        #expect(address("Romeo@People.Test/Orchard/a@b") == "wv:romeo@people.test")
        #expect(JID.resource(Array("a@b".utf8).span) == nil)
        #expect(JID.resource(Array("a@b/1".utf8).span) != JID.resource(Array("a@b/2".utf8).span))
    }

    @Test(arguments: [
        "people.test", "@people.test", "a@", "a@x y", "", "a b@x.test", "\(String(repeating: "a", count: 99))@x.test",
    ])
    func whoHasNoNameIsNobody(_ jid: String) { #expect(address(jid) == nil) }
}
