@testable import IMPSEngine
import Octets
import Testing

/// How long the addresses of a service behind are left alone.
@Suite struct UpstreamTests {
    private func upstream() -> Upstream {
        var upstream = Upstream()
        for url in ["http://192.0.2.1/", "https://192.0.2.2/"] {
            let words = upstream.take(Array("url".utf8).span, Array(url.utf8).span)
            #expect(words == nil)
        }
        return upstream
    }

    @Test func whoIsAwayForDaysIsAskedOnceAMinute() {
        var upstream = upstream()
        var now = Instant(milliseconds: 0)
        var rests: [UInt64] = []
        for _ in 0..<1000 {
            rests.append(upstream.noteFailure(0, isDown: true, now))
            // What was under way beside it says nothing new.
            let again = upstream.noteFailure(0, isDown: true, now)
            #expect(again == 0)
            #expect(upstream.usableURL(now) == 1)
            now = now.adding(seconds: rests.last ?? 0)
            #expect(upstream.usableURL(now) == 0)
        }
        #expect(Array(rests.prefix(8)) == [1, 2, 4, 8, 16, 32, 60, 60] && rests.last == 60)
        let answers = [upstream.noteAnswer(0), upstream.noteAnswer(0)]
        #expect(answers == [true, false])
        let rest = upstream.noteFailure(0, isDown: true, now)
        #expect(rest == 1)
    }

    @Test func oneSlowAnswerIsNoReason() {
        var upstream = upstream()
        let now = Instant(milliseconds: 0)
        let rests = (0..<3).map { _ in upstream.noteFailure(0, isDown: false, now) }
        #expect(rests == [0, 0, 1])
        #expect(upstream.isSealed)
    }

    @Test(arguments: [
        ("127.0.0.1:5348", "http://127.0.0.1:5348"), ("xmpp.lan", "http://xmpp.lan:5347"),
        ("xmpp.lan/", "http://xmpp.lan:5347"), ("[::1]", "http://[::1]:5347"), ("[::1]:1", "http://[::1]:1"),
        ("", nil), ("/", nil), ("a/b", nil), (String(repeating: "x", count: 200), nil),
    ])
    func anXMPPServerHasAPort(_ place: String, _ url: String?) {
        var upstream = Upstream()
        let words = upstream.take(Array("url".utf8).span, Array("xmpp-component://\(place)".utf8).span)
        #expect((words == nil) == (url != nil))
        let span = upstream.urls[0].span
        #expect(String(decoding: span.indices.map { span[$0] }, as: Swift.UTF8.self) == url ?? "")
    }

    /// What is for one kind of service is not for the other.
    @Test(arguments: [
        ("domain=* url=xmpp-component://a secret_file=/s", true),
        ("domain=x.test url=xmpp-component://a secret_file=/s", true), ("domain=* url=xmpp-component://a", false),
        ("domain=* url=http://a/", false), ("domain=x.test url=http://a/ secret_file=/s", false),
        ("url=xmpp-component://a secret_file=/s", false),
        ("domain=* url=xmpp-component://a url=xmpp-component://b secret_file=/s", false),
        ("domain=x.test url=http://a/ url=xmpp-component://b", false),
        ("domain=* url=xmpp-component://a url=http://b/ secret_file=/s", false),
    ])
    func kindsAreNotMixed(_ lines: String, _ isGood: Bool) {
        var upstream = Upstream()
        var words: StaticString?
        for line in lines.split(separator: " ") {
            let parts = line.split(separator: "=", maxSplits: 1)
            let refusal = upstream.take(Array(parts[0].utf8).span, Array(parts[1].utf8).span)
            words = words ?? refusal
        }
        let refusal = upstream.finish(name: Array("world".utf8).span)
        #expect((words == nil && refusal == nil) == isGood)
    }

    @Test func linesAreLookedAt() {
        var upstream = Upstream()
        func take(_ key: String, _ value: String) -> StaticString? {
            upstream.take(Array(key.utf8).span, Array(value.utf8).span)
        }
        for (key, value) in [
            ("domain", "a b"), ("domain", ""), ("url", "ftp://x/"),
            ("url", "http://" + String(repeating: "x", count: 200)),
            ("version", "1.4"), ("syntax", "json"), ("poll", "0"), ("timeout", "61"), ("pin", "1234"), ("secret", "x"),
        ] {
            #expect(take(key, value) != nil, "\(key) \(value)")
        }
        let early = upstream.finish(name: Array("behind".utf8).span)
        #expect(early != nil)
        #expect(take("domain", "Service.Example") == nil)
        for url in ["http://a/", "http://b/", "http://c/"] { #expect(take("url", url) == nil) }
        #expect(take("url", "http://d/") != nil)
        let (good, bad) = (
            upstream.finish(name: Array("behind".utf8).span), upstream.finish(name: Array("be hind".utf8).span)
        )
        #expect(good == nil && bad != nil)
    }
}
