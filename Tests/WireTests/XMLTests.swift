import Foundation
import Octets
import Testing

@testable import Wire

@Suite struct XMLTests {
    private func read(_ text: String) throws(WireError) -> String {
        try outline(Array(text.utf8), .xml)
    }

    @Test func textsAreWhatXMLMakesOfThem() throws {
        for (content, expected) in [
            ("plain", "plain"), ("a &amp; b &lt;c&gt; &quot;&apos;", "a & b <c> \"'"),
            ("&#65;&#x42;&#x1F600;", "AB\u{1F600}"),
            ("<![CDATA[<&>]]>", "<&>"), ("a<!-- x -->b", "ab"), ("a<?pi x?>b", "ab"), ("a\r\nb\rc", "a\nb\nc"),
            (" two  spaces ", " two  spaces "), ("grüße", "grüße"), ("]]&gt;", "]]>"),
            ("<![CDATA[]]]]><![CDATA[>]]>", "]]>"),
        ] {
            #expect(try read("<URL>\(content)</URL>") == "URL(\(expected))", "\(content)")
        }
    }

    @Test func whatIsNotOursIsPassedOver() throws {
        let text = """
            \u{FEFF}<?xml version="1.0" encoding="utf-8" standalone="yes"?>
            <!-- x --><!DOCTYPE WV-CSP-Message PUBLIC "-//x" "http://x/y.dtd">
            <p:Session xmlns:p='urn:x' a="1" b='&lt;&#65;'>
              <Vendor><URL>hidden</URL><Deep><Deeper/></Deep></Vendor>
              <p:URL x:y="z">shown</p:URL  >
              <Poll/>
            </p:Session><!-- y --><?z?>

            """
        #expect(try read(text) == "Session(URL(shown)Poll())")
    }

    @Test func aDocumentIsReadTheSameAsItIsWritten() throws {
        var writer = Writer(output: lent(10_000))
        writer.begin(syntax: .xml, version: .v1_2)
        writer.open(.session)
        writer.text(.contentData, Array("<a> & \"b\" 'c' ]]> \u{1F600}".utf8).span)
        writer.integer(.contentSize, 42)
        writer.flag(.poll, true)
        writer.empty(.pollingRequest)
        writer.close(.session)
        var document = makeDocument()
        try document.read(writer.output.span, syntax: .xml)
        let read = outline(document, document.root)
        #expect(
            read
                == "Session(ContentData(<a> & \"b\" 'c' ]]> \u{1F600})ContentSize(42)Poll(T)Polling-Request())")
    }

    @Test func theLimitsAreErrorsAndNotEnds() {
        var small = makeDocument(nodes: 4, texts: 10)
        #expect(throws: WireError.self) {
            try small.read(Array("<Session><URL/><URL/><URL/><URL/></Session>".utf8).span, syntax: .xml)
        }
        #expect(throws: WireError.self) {
            try small.read(Array("<Session><URL>more than ten octets</URL></Session>".utf8).span, syntax: .xml)
        }
        #expect(throws: WireError.self) {
            let deep = String(repeating: "<URL>", count: 200) + String(repeating: "</URL>", count: 200)
            var big = makeDocument(nodes: 1000)
            try big.read(Array(deep.utf8).span, syntax: .xml)
        }
    }

    /// Documents changed at random: what our reader takes, another parser takes too.
    @Test func whatIsTakenIsWellFormed() throws {
        final class Silent: NSObject {}
        let seed = UInt64.random(in: 0 ... .max)
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let base = Array(
            "<?xml version=\"1.0\"?><Session a='1'><URL>x &amp; &#65; y</URL><!-- c --><Poll>T</Poll><![CDATA[ z ]]></Session>"
                .utf8)
        let alphabet = Array("<>/&;!?-[]'\"= axURL#C0".utf8)
        var taken = 0
        for _ in 0..<20_000 {
            var octets = base
            for _ in 0..<(1 + random(3)) {
                switch random(3) {
                case 0: octets[random(octets.count)] = alphabet[random(alphabet.count)]
                case 1: octets.remove(at: random(octets.count))
                default: octets.insert(alphabet[random(alphabet.count)], at: random(octets.count))
                }
            }
            var document = makeDocument()
            do throws(WireError) { try document.read(octets.span, syntax: .xml) } catch { continue }
            taken += 1
            let judge = WellFormedness(octets)
            #expect(judge.isWellFormed, "seed \(seed): \(String(decoding: octets, as: Swift.UTF8.self))")
        }
        #expect(taken > 500)
    }
}
