import Octets
import Testing

@testable import CSP

private func canonical(_ text: String) -> String? {
    guard let address = Address(Array(text.utf8).span, homeDomain: Array("home.test".utf8).span) else { return nil }
    let span = address.canonical
    return String(decoding: span.indices.map { span[$0] }, as: Swift.UTF8.self)
}

@Suite struct AddressTests {
    @Test func theFormsOfTheFieldMeanTheSame() {
        for text in ["alice", "wv:alice", "WV:Alice@HOME.TEST", "alice@home.test", "  wv:alice \r\n"] {
            #expect(canonical(text) == "wv:alice@home.test", "\(text)")
        }
        #expect(canonical("wv:+491711234567") == "wv:+491711234567@home.test")
        #expect(canonical("wv:alice/friends") == "wv:alice/friends@home.test")
        #expect(canonical("wv:/club@else.test") == "wv:/club@else.test")
    }

    @Test func whatIsNoAddressIsRefused() {
        for text in [
            "", "wv:", "@home.test", "a@b@c", "a b", "a\u{7F}", "é", "wv:+", "wv:+12x", "1+2", "a/b/c", "a/", "wv:a@",
            "a@b c",
            String(repeating: "a", count: 101),
        ] {
            #expect(canonical(text) == nil, "\(text)")
        }
    }
}
