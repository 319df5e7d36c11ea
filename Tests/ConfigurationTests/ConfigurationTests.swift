import Octets
import Testing

@testable import Configuration

@Suite struct ConfigurationTests {
    /// Reads a text; the configuration and what is wrong, a line each.
    private func read(_ text: String) -> (configuration: Configuration, findings: [String]) {
        var diagnostics = Diagnostics()
        let configuration = Configuration.read(Array(text.utf8).span, &diagnostics)
        let findings = (0..<diagnostics.count).map { index in
            let finding = diagnostics[index]
            let key = finding.key.span
            return "\(finding.line) \(finding.isError ? "error" : "warning") "
                + String(decoding: key.indices.map { key[$0] }, as: Swift.UTF8.self)
        }
        return (configuration, findings)
    }

    @Test func theSyntaxOfUCIIsReadWithItsQuotes() {
        let (configuration, findings) = read(
            "# comment\npackage imps\n\nconfig imps 'main'\n\toption port 8080\n option batch_ms \"5\"   # five\n\toption poll_min '7'\n\tlist listen '127.0.0.1'\n\tlist listen '::1'\n"
        )
        #expect(findings == [])
        #expect(configuration.port == 8080)
        #expect(configuration.batchMilliseconds == 5)
        #expect(configuration.engine.serverPollMin == 7)
        #expect(configuration.listenCount == 2)
    }

    @Test func whatIsWrongIsToldWithItsLine() {
        #expect(read("option port 1\n").findings.contains { $0.hasPrefix("1 error") })
        #expect(read("config imps main\noption port 'x\n").findings == ["2 error "])
        #expect(read("config imps main\noption port 1 2\n").findings == ["2 error "])
        #expect(read("config imps main\nnonsense\n").findings == ["2 error "])
        #expect(
            read("config imps main\noption port 65536\noption colour red\n").findings == [
                "2 error port", "3 warning colour",
            ])
        #expect(read("").findings.count == 1)
        #expect(
            read("config imps main\noption keepalive_min 100\noption keepalive_max 50\n").findings.contains {
                $0.hasSuffix("keepalive_min")
            })
    }

    @Test func eachWordForYesAndNoIsTaken() {
        for word in ["1", "on", "true", "yes", "enabled"] {
            let (configuration, findings) = read("config imps main\noption allow_pwd '\(word)'\noption offline \(word)")
            #expect(findings == [] && configuration.engine.allowsPWD && configuration.engine.storesOffline)
        }
        for word in ["0", "off", "false", "no", "disabled"] {
            let (configuration, findings) = read("config imps main\noption allow_pwd '\(word)'\noption offline \(word)")
            #expect(findings == [] && !configuration.engine.allowsPWD && !configuration.engine.storesOffline)
        }
        for word in ["2", "ON", "ja", "10", "truey"] {
            #expect(read("config imps main\noption allow_pwd '\(word)'").findings == ["2 error allow_pwd"])
        }
        let question =
            "config sysmsg terms\noption text 'a\nb'\noption required yes\noption blocking on\nlist option '1|A|full'\n"
        #expect(read("config imps main\n\(question)").findings == [])
    }

    @Test func addressesAreListedOnceAndTheLastOptionCounts() {
        #expect(read("config imps main\nlist listen ::\nlist listen ::").findings == ["3 error listen"])
        let (configuration, findings) = read("config imps main\noption listen 1.1.1.1\noption listen 2.2.2.2")
        #expect(findings == [] && configuration.listenCount == 1)
    }

    @Test func aFileOfAnySortIsReadToItsEnd() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("config option list 'main' \"\n\t\\#imps port 1".utf8)
        for _ in 0..<3000 {
            let octets = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            }
            _ = read(String(decoding: octets, as: Swift.UTF8.self))
        }
    }
}
