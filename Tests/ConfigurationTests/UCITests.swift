import Octets
import Testing

@testable import Configuration

/// What `uci` of OpenWrt reads in a file, and what it refuses, case by case. Where we read on and it does not, the file is
/// one that it never writes: names with `-`, and one section named twice with different types.
@Suite struct UCITests {
    /// The statements of a text, and the lines of those that cannot be read.
    private func read(_ text: String) -> [String] {
        let octets = Array(text.utf8)
        var reader = UCIReader(octets.span)
        var found: [String] = []
        func string(_ span: Span<UInt8>) -> String {
            String(decoding: span.indices.map { span[$0] }, as: Swift.UTF8.self)
        }
        while true {
            do throws(UCIError) {
                guard let statement = try reader.next() else { return found }
                let word = reader.word
                let value = reader.value
                switch statement {
                case .section: found.append("[\(string(word.span)) \(string(value.span))]")
                case .option: found.append("\(string(word.span))=\(string(value.span))")
                case .list: found.append("\(string(word.span))+=\(string(value.span))")
                }
            } catch {
                found.append("error \(reader.line)")
            }
        }
    }

    /// Texts behind `config imps main`, and what they say.
    static let cases: [(text: String, says: [String])] = [
        // Words.
        ("option a b", ["a=b"]),
        ("\toption a b", ["a=b"]),
        ("option\ta\tb", ["a=b"]),
        ("option   a    b   ", ["a=b"]),
        ("option a b\r", ["a=b"]),
        ("o a b", ["a=b"]),
        ("l a b", ["a+=b"]),
        ("list a b", ["a+=b"]),
        ("list a b\nlist a c", ["a+=b", "a+=c"]),
        ("option a b\noption a c", ["a=b", "a=c"]),
        ("option a b c", ["error 2"]),
        ("option a b 'c'", ["error 2"]),
        ("list a b c", ["error 2"]),
        ("option", ["error 2"]),
        ("option a", []),
        ("nonsense a b", ["error 2"]),
        ("Option a b", ["error 2"]),
        ("options a b", ["error 2"]),
        ("option#a b", ["error 2"]),
        // Quotes.
        ("option a 'b c'", ["a=b c"]),
        ("option a \"b c\"", ["a=b c"]),
        ("option 'a' 'b'", ["a=b"]),
        ("option a 'b'c", ["a=bc"]),
        ("option a b'c d'e", ["a=bc de"]),
        ("option a 'b'\"c\"", ["a=bc"]),
        ("option a 'it'\\''s'", ["a=it's"]),
        ("option a \"it's\"", ["a=it's"]),
        ("option a 'say \"x\"'", ["a=say \"x\""]),
        ("option a 'b", ["error 2"]),
        ("option a \"b", ["error 2"]),
        ("option a 'b\noption c d", ["error 2"]),
        ("option a ''", []),
        ("option a \"\"", []),
        ("option a ''\noption b c", ["b=c"]),
        ("list a ''", ["a+="]),
        ("option a ' '", ["a= "]),
        ("option a '\t'", ["a=\t"]),
        // Several lines.
        ("option a 'b\nc'", ["a=b\nc"]),
        ("option a \"b\nc\"", ["a=b\nc"]),
        ("option a 'b\n\nc'\noption d e", ["a=b\n\nc", "d=e"]),
        ("option a 'b\noption c d'\noption e f", ["a=b\noption c d", "e=f"]),
        ("option a 'b\n'\nbad", ["a=b\n", "error 4"]),
        // Backslashes.
        ("option a b\\ c", ["a=b c"]),
        ("option a b\\\\c", ["a=b\\c"]),
        ("option a b\\'c", ["a=b'c"]),
        ("option a \"b\\\"c\"", ["a=b\"c"]),
        ("option a \"b\\nc\"", ["a=bnc"]),
        ("option a 'b\\c'", ["a=b\\c"]),
        ("option a b\\#c", ["a=b#c"]),
        ("option a b\\;c", ["a=b;c"]),
        ("option a b\\\nc", ["a=bc"]),
        ("option a \"b\\\nc\"", ["a=bc"]),
        ("option a 'b\\\nc'", ["a=b\\\nc"]),
        ("option a b\\\r\nc", ["a=bc"]),
        ("option a b\\\n c", ["error 2"]),
        ("option a \\\nb", ["a=b"]),
        ("option a b \\\n\noption c d", ["a=b", "c=d"]),
        // Comments.
        ("# option a b", []),
        ("  # option a b", []),
        ("option a b # c", ["a=b"]),
        ("option a b#c", ["a=b"]),
        ("option a 'b#c'", ["a=b#c"]),
        ("option a 'b'#c", ["a=b"]),
        ("option a #b", []),
        ("option a b # it's", ["a=b"]),
        // Statements in one line.
        ("option a b; option c d", ["a=b", "c=d"]),
        ("option a b;option c d", ["a=b", "c=d"]),
        ("option a b ; option c d", ["a=b", "c=d"]),
        ("option a 'b;c'", ["a=b;c"]),
        ("option a b;", ["a=b"]),
        ("option a b; # c", ["a=b"]),
        ("option a b; list c d; option e f", ["a=b", "c+=d", "e=f"]),
        // Sections.
        ("config client\noption a b", ["[client ]", "a=b"]),
        ("config client ''\noption a b", ["[client ]", "a=b"]),
        ("config 'client' \"x\"", ["[client x]"]),
        ("config", ["error 2"]),
        ("config client x y", ["error 2"]),
        ("config client x; option a b", ["[client x]", "a=b"]),
        ("c client x", ["[client x]"]),
        ("package imps\noption a b", ["a=b"]),
    ]

    @Test func whatUCIReadsWeReadAndWhatItRefusesWeRefuse() {
        #expect(UCITests.cases.count >= 60)
        for (text, says) in UCITests.cases {
            for end in ["", "\n"] {
                #expect(read("config imps main\n\(text)\(end)") == ["[imps main]"] + says, "\(text)")
            }
        }
        #expect(read("option a b\nconfig imps main\noption c d") == ["error 1", "[imps main]", "c=d"])
        #expect(read("package imps\n\nconfig imps 'main'\n\toption a 'b'\n\n") == ["[imps main]", "a=b"])
    }

    /// What `uci` writes for any value, we read back.
    @Test func whatUCIWritesIsReadBack() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab '\"\\#;\n\t|=é")
        for _ in 0..<3000 {
            let value = String(
                (0..<Int.random(in: 1...30, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            let written = value.replacing("'", with: "'\\''")
            #expect(
                read("\nconfig imps 'main'\n\toption a '\(written)'\n\toption b 'c'\n\n") == [
                    "[imps main]", "a=\(value)", "b=c",
                ])
        }
    }
}
