import Foundation
import Harness
import Testing

/// The client speaks WBXML, and shows captured messages to technicians.
@Suite struct ConvertTests {
    @Test(arguments: versions) func theClientTalksInWBXML(version: String) throws {
        let engine = try EngineProcess()
        let bob = try engine.client("bob", version)
        try bob.logIn()
        func imps(_ words: String...) throws -> Ending {
            try run(
                "imps",
                [
                    "-s", "http://127.0.0.1:\(engine.port)/", "-u", "wv:alice@home.test", "-v", version, "--wbxml",
                    "-w", "1",
                ]
                    + words, environment: ["IMPS_PASSWORD": engine.password(of: "alice")])
        }
        #expect(try imps("send", "wv:bob@home.test", "grüße <&>").code == 0)
        #expect(try bob.receiveTexts() == ["grüße <&>"])
        #expect(try bob.send("zurück", to: "wv:alice@home.test").code == 200)
        let received = try imps("recv")
        #expect(received.code == 0)
        #expect(received.output.hasSuffix("\tzurück\n"))
    }

    private func file(_ octets: [UInt8]) throws -> String {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("message-\(UUID().uuidString)")
        try Data(octets).write(to: url)
        return url.path
    }

    @Test func aCapturedMessageIsShown() throws {
        let text =
            "<WV-CSP-Message xmlns=\"\(namespaces("1.3").session)\"><Session><SessionDescriptor><SessionType>Inband</SessionType></SessionDescriptor><New/></Session></WV-CSP-Message>"
        let octets = WBXML.encode(try Element.parse(Array(text.utf8)))
        let path = try file(octets)
        let broken = try file(Array(octets.dropLast(2)))
        let xml = try file(Array(text.utf8))
        defer { for path in [path, broken, xml] { try? FileManager.default.removeItem(atPath: path) } }
        let shown = try run("imps", ["decode", path])
        #expect(shown.code == 0)
        #expect(
            shown.output == """
                <WV-CSP-Message xmlns="\(namespaces("1.3").session)">
                  <Session>
                    <SessionDescriptor>
                      <SessionType>Inband</SessionType>
                    </SessionDescriptor>
                    <!-- here is more that the protocol does not know -->
                  </Session>
                </WV-CSP-Message>

                """)
        #expect(try run("imps", ["decode", xml]).output == shown.output)
        // What cannot be read is shown as far as it can.
        let partial = try run("imps", ["decode", broken])
        #expect(partial.code == 65)
        #expect(partial.output.contains("<SessionType>Inband</SessionType>"))
        #expect(partial.errors == "imps: \(broken): octet \(octets.count - 2): truncated\n")
        // There and back again, through standard input and a pipe.
        let program = Programs.folder.appendingPathComponent("imps").path
        if Programs.runner.isEmpty {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "\(program) encode - < \(xml) | \(program) decode -"]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(String(decoding: output, as: UTF8.self).contains("<SessionType>Inband</SessionType>"))
        }
        #expect(try run("imps", ["decode", "/nowhere/at/all"]).code == 65)
        #expect(try run("imps", ["encode", broken]).code == 65)
        #expect(try run("imps", ["decode"]).code == 64)
    }
}
