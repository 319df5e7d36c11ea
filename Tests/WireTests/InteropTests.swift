import Foundation
import Octets
import Testing

@testable import Wire

/// What we write, read by implementations of others, and the other way round. INTEROP.md lists where they differ.
@Suite struct InteropTests {
    /// A file in a folder of its own.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("interop-\(UUID().uuidString)")

        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: url) }

        func write(_ name: String, _ octets: [UInt8]) throws {
            try Data(octets).write(to: url.appendingPathComponent(name))
        }

        func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url.appendingPathComponent(name))) }

        /// Runs a program of somebody else in the folder; its standard output.
        @discardableResult
        func run(_ arguments: String...) throws -> String {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = arguments
            process.currentDirectoryURL = url
            let output = url.appendingPathComponent("output")
            try Data().write(to: output)
            process.standardOutput = try FileHandle(forWritingTo: output)
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(arguments.joined(separator: " "))")
            return try String(contentsOf: output, encoding: .utf8)
        }
    }

    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private static func rows(_ table: String) throws -> [[String]] {
        let file = tests.appendingPathComponent("../../Sources/Wire/Tables/\(table).tsv")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    /// Documents with every name and every value token of a version, some in each.
    private static func vocabulary(_ version: Version) throws -> [String] {
        let roots = ["WV-CSP-Message", "Session", "TransactionContent", "PresenceSubList"]
        let integers = Set(
            try rows("wbxml-int").filter { $0[1].contains("\(version.name)") }.map { $0[0] })
        var elements = try rows("wbxml-\(version.name)").map { $0[2] }.filter { !roots.contains($0) }
            .map {
                "<\($0)>\(["DateTime", "DeliveryTime"].contains($0) ? "20261121T103000Z" : integers.contains($0) ? "12" : "x")</\($0)>"
            }
        elements += try rows("wbxml-ext").filter { $0[2].contains("\(version.name)") }.map { "<Name>\($0[1])</Name>" }
        return stride(from: 0, to: elements.count, by: 12).map { start in
            let body = elements[start..<min(start + 12, elements.count)].joined()
            return "<WV-CSP-Message xmlns=\"\(version.sessionNamespace)\"><Session>\(body)</Session></WV-CSP-Message>"
        }
    }

    private static func documents(_ version: Version) throws -> [String] {
        let folder = tests.appendingPathComponent("../Golden/\(version.name)")
        return try vocabulary(version)
            + FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .map { try String(contentsOf: $0, encoding: .utf8) }
    }

    @Test(arguments: [Version.v1_1, .v1_2]) func libwbxmlReadsWhatWeWrite(_ version: Version) throws {
        let folder = try Folder()
        for text in try InteropTests.documents(version) {
            let octets = Array(text.utf8)
            try folder.write("ours.wbxml", try rewritten(octets, .xml, as: .wbxml))
            // For 1.2 it knows no number as a public identifier.
            try folder.run("wbxml2xml", "-l", version == .v1_1 ? "CSP11" : "CSP12", "-o", "theirs.xml", "ours.wbxml")
            #expect(try outline(folder.read("theirs.xml"), .xml) == outline(octets, .xml))
        }
    }

    @Test(arguments: [Version.v1_1, .v1_2]) func weReadWhatLibwbxmlWrites(_ version: Version) throws {
        let folder = try Folder()
        let type =
            version == .v1_1
            ? "<!DOCTYPE WV-CSP-Message PUBLIC \"-//OMA//DTD WV-CSP 1.1//EN\" \"http://x/CSP.DTD\">"
            : "<!DOCTYPE WV-CSP-Message PUBLIC \"-//OMA//DTD WV-CSP 1.2//EN\" \"http://x/CSP.DTD\">"
        for text in try InteropTests.documents(version) {
            // It has other spellings of some names, and no way to write one that it does not know.
            var text = String(decoding: try rewritten(Array(text.utf8), .xml, as: .xml), as: Swift.UTF8.self)
            for (ours, theirs) in [
                ("AcceptedCharSet", "AcceptedCharset"), ("ReferredContent", "PreferredContent"),
                ("ReferredvCard", "PreferredvCard"), ("BlockUser-Request", "BlockEntity-Request"),
                ("ExtendedData", "Extended-Data"), ("AutoSubscribe", "Auto-Subscribe"),
            ] {
                text = text.replacing("<\(ours)>", with: "<\(theirs)>").replacing("</\(ours)>", with: "</\(theirs)>")
            }
            let xml = Array(text.utf8)
            try folder.write("ours.xml", Array(type.utf8) + xml)
            for options in ["-o", "-no", "-ko"] {
                try folder.run("xml2wbxml", options, "theirs.wbxml", "ours.xml")
                let theirs = try folder.read("theirs.wbxml")
                #expect(try outline(theirs, .wbxml) == outline(xml, .xml), "\(options) \(text)")
            }
        }
    }

    /// What stands in INTEROP.md about tshark: version, what we wrote, what it reads.
    private static func differences() throws -> Set<String> {
        let text = try String(contentsOf: tests.appendingPathComponent("INTEROP.md"), encoding: .utf8)
        return Set(
            text.split(separator: "\n").filter { $0.hasPrefix("| 1.") }.map { line in
                line.split(separator: "|").prefix(3).map { $0.trimmingCharacters(in: .whitespaces) }
                    .joined(separator: " ").replacing("`", with: "")
            })
    }

    @Test func tsharkReadsWhatWeWrite() throws {
        let folder = try Folder()
        var found: Set<String> = []
        var count = 0
        for version in [Version.v1_1, .v1_2, .v1_3] {
            let documents = try InteropTests.documents(version)
            var dump = ""
            for text in documents {
                let body = try rewritten(Array(text.utf8), .xml, as: .wbxml)
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.wv.csp.wbxml\r\nContent-Length: \(body.count)"
                let packet = Array("\(head)\r\n\r\n".utf8) + body
                for start in stride(from: 0, to: packet.count, by: 16) {
                    let line = packet[start..<min(start + 16, packet.count)].map { String(format: "%02x", $0) }
                    dump += String(format: "%06x ", start) + line.joined(separator: " ") + "\n"
                }
            }
            try folder.write("dump", Array(dump.utf8))
            try folder.run("text2pcap", "-q", "-T", "80,12345", "dump", "packets")
            let packets = try folder.run("tshark", "-r", "packets", "-V", "-O", "wbxml")
                .components(separatedBy: "\nFrame ")
            try #require(packets.count == documents.count)
            for (text, packet) in zip(documents, packets) {
                let ours = try leaves(outline(Array(text.utf8), .xml))
                let theirs = leaves(ofPacket: packet)
                #expect(ours.count == theirs.count, "\(text)\n\(theirs)")
                count += ours.count
                for (our, their) in zip(ours, theirs) where our != their {
                    found.insert("\(version.name) \(our) \(their)")
                }
            }
        }
        #expect(count > 1500)
        #expect(found == (try InteropTests.differences()), "\(found.sorted().joined(separator: "\n"))")
    }

    /// `Name(text)` of the elements without children.
    private func leaves(_ outline: String) -> [String] {
        outline.matches(of: /([\w-]+)\(([^()]*)\)/).map { "\($0.1)(\($0.2))" }
    }

    private func leaves(ofPacket packet: String) -> [String] {
        var leaves: [String] = []
        var name: String?
        var text = ""
        for line in packet.split(separator: "\n") {
            let columns = line.split(separator: "|", maxSplits: 4, omittingEmptySubsequences: false)
            guard columns.count == 5 else { continue }
            let shown = columns[4].trimmingCharacters(in: .whitespaces)
            if let match = shown.firstMatch(of: /^<([\w-]+)( \/>|>)?$/) {
                if match.2 == " />" { leaves.append("\(match.1)()") }
                name = match.2 == " />" ? nil : String(match.1)
                text = ""
            } else if shown.hasPrefix("</") || columns[3].contains(" END ") && shown == "/>" {
                if let name { leaves.append("\(name)(\(text))") }
                name = nil
            } else if let match = shown.firstMatch(of: /'(.*)'$/) ?? shown.firstMatch(of: /Integer: (\d+)$/) {
                text += match.1
            }
        }
        return leaves
    }
}
