import Octets
import Testing
import Wire

/// Streams of XMPP, in whatever pieces they arrive.
@Suite struct StanzaTests {
    /// What the splitter finds in a text that comes in pieces of this size.
    private static func pieces(_ text: String, every count: Int) -> [String] {
        var splitter = StanzaSplitter()
        var found: [String] = []
        var buffer: [UInt8] = []
        var looked = 0
        for start in stride(from: 0, to: text.utf8.count, by: count) {
            buffer += Array(text.utf8.dropFirst(start).prefix(count))
            while looked < buffer.count {
                guard let piece = splitter.next(buffer.span, from: &looked) else { break }
                found.append("\(piece) " + String(decoding: buffer[..<looked], as: Swift.UTF8.self))
                buffer.removeFirst(looked)
                looked = 0
                if piece == .end || piece == .broken { return found }
            }
            if splitter.isBetween {
                buffer = []
                looked = 0
            }
        }
        return found
    }

    private static let header = "<?xml version='1.0'?><stream:stream xmlns='a' to=\"x'/>\">"

    @Test(arguments: 1...40) func aStreamIsCutWhereStanzasEnd(_ count: Int) {
        let stanzas = [
            "<presence/>", "<message to='a>b' from=\"c/>\"><body>x</body><y a='1'/></message>", "<iq><q><r/></q></iq>",
            "<message><body><![CDATA[</message> ]] ]>x]]></body></message>", "<a:b c = '/' />",
        ]
        let text = StanzaTests.header + stanzas.joined(separator: "\n ") + "</stream:stream>rest"
        let found = StanzaTests.pieces(text, every: count)
        #expect(found.first == "header " + StanzaTests.header)
        #expect(
            found.dropFirst().dropLast().map { $0.replacing("stanza ", with: "").drop { $0.isWhitespace } }
                == stanzas.map { $0[...] })
        #expect(found.last == "end </stream:stream>")
    }

    @Test(arguments: [
        "<!DOCTYPE x>", "<stream><!-- x --><a/></stream>", "<stream><?x?></stream>", "<stream>< a/>", "<a/>",
        "<stream><a><!x></a>", "</a>",
    ])
    func whatIsNoStreamIsSeen(_ text: String) {
        #expect(StanzaTests.pieces(text, every: 1).last?.hasPrefix("broken") == true)
    }

    @Test func attributesLieBesideElements() throws {
        var document = makeDocument()
        let text = """
            <message xmlns='jabber:client' from="r@x.test/'1'" to='a@home.test' id='&amp;1' xml:lang='en' \
            unknown='1'><body xml:lang='en'>&lt;Hi&gt; <![CDATA[&]]></body><x xmlns='y'><body>no</body></x>\
            <delay xmlns='urn:xmpp:delay' stamp='2026-11-30T18:00:00Z'/></message>
            """
        try document.read(stanza: Array(text.utf8).span)
        let root = document.root!
        func value(_ name: StanzaName, _ element: Document.Element) -> String {
            string(document.value(name, of: element))
        }
        #expect(document.name(of: root) == .message)
        #expect(value(.from, root) == "r@x.test/'1'")
        #expect(value(.to, root) == "a@home.test")
        #expect(value(.id, root) == "&amp;1")
        #expect(value(.body, root) == "<Hi> &")
        #expect(value(.stamp, document.child(.delay, of: root)!) == "2026-11-30T18:00:00Z")
        #expect(document.child(.type, of: root) == nil)
    }

    /// A server checks who sends by one attribute, and that is the one that counts.
    @Test func nothingStandsForAnAttribute() throws {
        var document = makeDocument()
        let text =
            "<message xmlns:x='u' x:from='bob@x.test' from='mallory@x.test'><from>bob@x.test</from><id>1</id><x:type>error</x:type></message>"
        try document.read(stanza: Array(text.utf8).span)
        #expect(string(document.value(.from, of: document.root!)) == "mallory@x.test")
        #expect(document.child(.id, of: document.root!) == nil && document.child(.type, of: document.root!) == nil)
    }

    /// The tag of a stream is read although it does not end.
    @Test func theTagOfAStreamIsRead() {
        var document = makeDocument()
        let text = "<stream:stream xmlns:stream='s' id='17' from='x.test'>"
        #expect(throws: WireError.self) { try document.read(stanza: Array(text.utf8).span) }
        #expect(document.root.flatMap { document.name(of: $0) } == .stream)
        #expect(string(document.value(.id, of: document.root!)) == "17")
    }
}
