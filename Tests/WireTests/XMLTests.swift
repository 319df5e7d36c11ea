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

    /// What clients of the field write and no other reader takes. Source: CL-14, CL-39, CL-40.
    @Test func whatClientsWriteIsRead() throws {
        let expected = try outline(Array("<Session><URL>\u{1F600}\u{E4}</URL></Session>".utf8), .xml)
        let text = Array("\u{1F600}\u{E4}".utf8)
        let halves: [UInt8] = [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80, 0xC3, 0xA4]
        func around(_ text: [UInt8], before: String = "", after: [UInt8] = []) -> [UInt8] {
            Array("\(before)<Session><URL>".utf8) + text + Array("</URL></Session>".utf8) + after
        }
        let latin1 = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"
        for octets in [
            around(halves), around(Array("<![CDATA[".utf8) + halves + Array("]]>".utf8)),
            around(Array("&#55357;&#56832;&#228;".utf8)), around(Array("&#xD83D;&#xDE00;".utf8) + text[4...]),
            around(text, before: "\r\n<?xml version=\"1.0\" encoding=\"utf8\"?>"),
            around(Array("&#x1F600;".utf8) + [0xE4], before: latin1), around(text, after: [0, 0, 0x0D, 0x0A, 0]),
            around(Array("&#x1F600;&#xE4;".utf8), before: "<?xml version='1.0' encoding='US-ASCII'?>\n"),
        ] {
            #expect(try outline(octets, .xml) == expected, "\(String(decoding: octets, as: Swift.UTF8.self))")
        }
        for octets in [
            around(Array(halves[0..<3])), around(Array(halves[3..<6])), around(Array(halves[3..<6] + halves[0..<3])),
            around(Array(halves[0..<3] + [0x20] + halves[3..<6])), around(Array("&#55357;".utf8)),
            around(Array("&#56832;".utf8)), around(Array("&#55357;&#55357;".utf8)),
            around(Array("&#55357; &#56832;".utf8)),
            around(text, before: "<?xml version='1.0' encoding='US-ASCII'?>"), around(text, after: [0, 0x78]),
        ] {
            #expect(throws: WireError.self) { try outline(octets, .xml) }
        }
        for octets in [
            [0xFE, 0xFF, 0x00, 0x3C], [0xFF, 0xFE, 0x3C, 0x00], [0x3C, 0x00, 0x53, 0x00], [0x00, 0x3C, 0x00, 0x53],
            around(text, before: "<?xml version='1.0' encoding='UTF-16'?>"),
            around(text, before: "<?xml version='1.0' encoding='windows-1251'?>"),
        ] as [[UInt8]] {
            #expect {
                try outline(octets, .xml)
            } throws: {
                ($0 as? WireError)?.reason == .encodingNotSupported
            }
        }
    }

    /// Documents changed at random: what our reader takes, expat takes too, as the same tree.
    @Test func whatIsTakenExpatTakesAsTheSame() throws {
        var state: UInt64 = 20_261_121
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let base = Array(
            "<?xml version=\"1.0\"?><!DOCTYPE Session SYSTEM 'x'><p:Session a='1' b='&lt;'><URL>x &amp; &#65; ä\r\ny</URL><!-- c --><X><URL>1</URL></X><Poll>T</Poll><![CDATA[ z ]]><?i n?></p:Session>"
                .utf8)
        let alphabet = Array("<>/&;!?-[]'\"= axURL#C0:\r\n\t\u{7F}".utf8) + [0xC3, 0xA4, 0x00, 0x01]
        var taken: [(octets: [UInt8], outline: String)] = []
        for _ in 0..<40_000 {
            var octets = base
            for _ in 0..<(1 + random(3)) {
                switch random(4) {
                case 0: octets[random(octets.count)] = alphabet[random(alphabet.count)]
                case 1: octets.remove(at: random(octets.count))
                case 2:
                    let start = random(octets.count - 12)
                    octets.insert(contentsOf: octets[start..<start + 1 + random(11)], at: random(octets.count))
                default: octets.insert(alphabet[random(alphabet.count)], at: random(octets.count))
                }
            }
            guard let outline = try? outline(octets, .xml) else { continue }
            // White space before the declaration and zeros at the end are no XML, but clients have them.
            let blanks = Set(" \t\r\n".utf8)
            let end = octets.lastIndex { $0 != 0x00 && !blanks.contains($0) } ?? 0
            taken.append((Array(octets[...end].drop { blanks.contains($0) }), outline))
        }
        #expect(taken.count > 3000)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("expat-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func hexadecimal(_ octets: [UInt8]) -> String { octets.map { String(format: "%02x", $0) }.joined() }
        let names = TagNames.spellings.indices.map {
            "\(TagNames.spellings[$0].name)\t\(Wire.Tag(rawValue: TagNames.spellings[$0].rawValue).name)\n"
        }
        try names.joined().write(to: folder.appendingPathComponent("names"), atomically: true, encoding: .utf8)
        try taken.map { hexadecimal($0.octets) + "\n" }.joined()
            .write(to: folder.appendingPathComponent("documents"), atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("expat.py")
        process.arguments = ["python3", script.path, folder.path + "/names", folder.path + "/documents"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: Swift.UTF8.self)
        process.waitUntilExit()
        let theirs = output.split(separator: "\n")
        try #require(theirs.count == taken.count)
        for (ours, their) in zip(taken, theirs) {
            #expect(
                hexadecimal(Array(ours.outline.utf8)) == their, "\(String(decoding: ours.octets, as: Swift.UTF8.self))")
        }
    }
}
