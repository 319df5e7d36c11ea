import Foundation
import TableGenerator
import Testing

/// The rules of the tree that no compiler keeps.
@Suite struct TidyTests {
    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private struct Source {
        var module: String
        var path: String
        var text: String
    }

    private static let sources: [Source] = {
        let root = package.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(atPath: root.path)!.compactMap { $0 as? String }
        return files.filter { $0.hasSuffix(".swift") }.map { path in
            Source(
                module: String(path.split(separator: "/")[0]), path: path,
                text: try! String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
        }
    }()

    @Test func everyRequirementHasItsTest() throws {
        let folder = TidyTests.package.appendingPathComponent("Tests")
        let table = try String(
            contentsOf: folder.appendingPathComponent("AcceptanceTests/README.md"), encoding: .utf8)
        var cells: [String: Substring] = [:]
        for match in table.matches(of: /(?m)^\| ([SO]M-\d+|CL-\d+) \|[^|]+\| (.+) \|$/) {
            #expect(cells.updateValue(match.2, forKey: String(match.1)) == nil, "\(match.1) twice")
        }
        let rules = (1...44).filter { $0 != 19 && !(24...29).contains($0) }.map { "CL-\($0)" }
        for number in (1...70).map({ "SM-\($0)" }) + (1...16).map({ "OM-\($0)" }) + rules {
            #expect(cells[number] != nil, "\(number) is missing")
        }
        var tests: Set<String> = []
        for path in FileManager.default.enumerator(atPath: folder.path)!.compactMap({ $0 as? String })
        where path.hasSuffix("Tests.swift") {
            let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
            guard let suite = text.firstMatch(of: /@Suite struct (\w+)/)?.1 else { continue }
            for match in text.matches(of: /@Test(?:\([^\n]*\))?\s+func (\w+)/) { tests.insert("\(suite).\(match.1)") }
        }
        for (number, cell) in cells {
            for match in cell.matches(of: /`(\w+Tests\.\w+)`/) {
                #expect(tests.contains(String(match.1)), "\(number): there is no \(match.1)")
            }
            // Without a test there is a reason.
            #expect(
                cell.contains("`") || cell.contains("not part of this server") || cell.contains("fact"), "\(number)")
        }
    }

    @Test func modulesImportOnlyWhatLiesBelowThem() {
        let allowed: [String: Set<String>] = [
            "Octets": [], "Digests": ["Octets", "CMbedTLS"], "Wire": ["Octets"], "CSP": ["Octets", "Wire"],
            "IMPSEngine": ["Octets", "Wire", "CSP", "Digests"], "Files": ["Octets", "CLibC"],
            "Store": ["Octets", "IMPSEngine", "Files", "CLMDB", "CLibC"],
            "Configuration": ["Octets", "CSP", "IMPSEngine"],
            "TLS": ["Octets", "Files", "CMbedTLS", "CLibC"],
            "Transport": ["Octets", "Wire", "CSP", "IMPSEngine", "Digests", "Files", "TLS", "CUV", "CLibC", "CPage"],
            "Setup": [
                "Octets", "IMPSEngine", "Digests", "Files", "Store", "Configuration", "TLS", "Transport", "CLibC",
            ],
        ]
        for source in TidyTests.sources {
            guard let modules = allowed[source.module] else { continue }
            for match in source.text.matches(of: /(?m)^(?:@\w+ )?import (\w+)/) {
                #expect(modules.contains(String(match.1)), "\(source.path) imports \(match.1)")
            }
        }
    }

    @Test func unsafeCodeStaysWhereMemoryAndCLie() {
        let places = [
            "Octets/Slab.swift", "Octets/Text.swift", "Octets/Invariant.swift", "Octets/FixedBytes+Lending.swift",
        ]
        for source in TidyTests.sources
        where ["Octets", "Wire", "CSP", "IMPSEngine", "Configuration"].contains(source.module) {
            if places.contains(source.path) { continue }
            #expect(
                source.text.firstMatch(of: /\bunsafe\b|Unsafe/.ignoresCase()) == nil || source.text.contains("@unsafe"),
                "\(source.path)")
        }
        for source in TidyTests.sources where source.path.hasPrefix("Transport/HTTP/") {
            #expect(!source.text.contains("unsafe "), "\(source.path)")
        }
    }

    /// The program has the page as it lies in the sources.
    @Test func thePageIsCompressed() throws {
        let folder = TidyTests.package.appendingPathComponent("Sources/CPage")
        var size = 0
        var sum = Data()
        for name in [
            "page.html", "page.js", "page.css", "manifest.webmanifest", "icon.svg", "admin.html", "admin.js",
            "admin.css",
        ] {
            let source = folder.appendingPathComponent(name)
            let packed = folder.appendingPathComponent(name + ".gz")
            let script = TidyTests.package.appendingPathComponent("Tests/Support/pack-page.sh")
            let sent = try TidyTests.output(["/bin/gzip", "-dc", packed.path])
            #expect(try sent == TidyTests.output([script.path, source.path]), "\(name): make page")
            sum += try Data(contentsOf: packed)
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where !name.hasPrefix("admin.")
            && ["html", "js", "css", "webmanifest", "svg"].contains((name as NSString).pathExtension)
        {
            size += try Data(contentsOf: folder.appendingPathComponent(name)).count
        }
        #expect((20_000...60 * 1024).contains(size), "\(size)")
        let digest = String(decoding: try TidyTests.output(["/usr/bin/sha256sum"], input: sum), as: UTF8.self).prefix(
            16)
        let header = try String(contentsOf: folder.appendingPathComponent("shim.h"), encoding: .utf8)
        #expect(header.contains("// embeds \(digest)\n"), "make page")
    }

    private static func output(_ words: [String], input: Data = Data()) throws -> Data {
        let (source, sink) = (Pipe(), Pipe())
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        (process.standardInput, process.standardOutput) = (source, sink)
        try process.run()
        try source.fileHandleForWriting.write(contentsOf: input)
        try source.fileHandleForWriting.close()
        return try sink.fileHandleForReading.readToEnd() ?? Data()
    }

    /// What a room owns it alone changes; the others call its methods. `Engine` joins them.
    @Test func roomsKeepTheirBorders() {
        let folders = [
            "accounts": "Accounts", "sessions": "Session", "mailboxes": "Messaging", "systemMessages": "SystemMessage",
            "people": "People", "notifier": "Notifier", "gateway": "Gateway", "component": "XMPP",
        ]
        let parts = [
            "delivery": "Messaging", "access": "SystemMessage", "calling": "Session", "presence": "People",
            "upstream": "Gateway",
        ]
        let records = [
            "Accounts": ["account", "user", "challenge", "loginLinks"],
            "Session": ["session", "capabilityLists", "answer", "knownClients"],
            "Messaging": ["message", "mailbox", "mailboxEntry", "expiry"],
            "SystemMessage": [
                "campaign", "member", "answerSheet", "noticeText", "pendingLogin", "proof", "proofHead", "proofEvent",
            ],
            "People": [
                "contactList", "contact", "listed", "attributeList", "presence", "screening", "screened",
                "authorization",
                "subscription", "addedNotice", "profile", "message",
            ],
            "Notifier": ["notification", "notificationDue"],
            "Gateway": ["upstreamSession", "accounting"],
            "XMPP": ["outbox", "seenStanza"],
            "Records": ["fact"],
        ]
        let state =
            /\b(accounts|sessions|mailboxes|systemMessages|people|notifier|gateway)\.(upstreams|relays|guestWrites|searches|challenges|throttles|vault|hashBudget|table|answers|outstanding|shares|campaigns|pendingLogins|refused|campaignEpoch|deadline|counters)\b(?!\()/
        for source in TidyTests.sources where source.path.hasPrefix("IMPSEngine/") {
            let words = source.path.split(separator: "/")
            let folder = words.count == 3 ? String(words[1]) : ""
            // `Engine` and what tells of it join the rooms; a stored session is read whole.
            let joins = folder.isEmpty || folder == "Operator"
            for found in source.text.matches(of: state) where !joins {
                #expect(folder == folders[String(found.1)]!, "\(source.path): \(found.0)")
            }
            for found in source.text.matches(
                of: #/\.(delivery|access|calling|presence|upstream)\.\w+(?:\.\w+)* [-+|&]?= /#)
            where source.path != "IMPSEngine/Session/SessionRecord.swift" {
                #expect(folder == parts[String(found.1)]!, "\(source.path): \(found.0)")
            }
            for found in source.text.matches(of: #/\.(?:put|delete)\(Key\.(\w+)/#) where folder != "Operator" {
                #expect(records[folder]?.contains(String(found.1)) == true, "\(source.path): \(found.0)")
            }
            if source.text.contains("extension Engine"), !joins {
                #expect(source.path == "IMPSEngine/Session/VersionDiscovery.swift", "\(source.path)")
            }
        }
    }

    /// Switches over enumerations of ours name every case, so that a new one is not forgotten. Octets, numbers, tags and
    /// codes have no end that could be named.
    @Test func switchesNameTheirCases() {
        let open: Set = [
            "CSP/Address.swift", "Files/File.swift", "IMPSEngine/Messaging/SendMessage.swift",
            "IMPSEngine/Notifier/PushAccess.swift", "IMPSEngine/Notifier/Template.swift",
            "IMPSEngine/Notifier/Webhook.swift",
            "IMPSEngine/People/BlockEntity.swift", "IMPSEngine/People/PresenceValue.swift",
            "IMPSEngine/People/VerifyID.swift", "IMPSEngine/RelayAnswer.swift", "IMPSEngine/RelayRequest.swift",
            "IMPSEngine/Records/SetAside.swift", "Setup/StoreWalk.swift",
            "IMPSEngine/Session/Quirks.swift", "IMPSEngine/SystemMessage/Notice.swift",
            "IMPSEngine/XMPP/PresenceStanza.swift", "Octets/Base64.swift",
            "Octets/UTF8.swift", "Setup/OpenStore.swift", "Store/DataFolder.swift", "Store/Environment.swift",
            "Transport/UV/Cells.swift", "Transport/UV/FatalRecord.swift", "Transport/UV/Server.swift",
            "Wire/Charset.swift", "Wire/Document.swift", "Wire/WBXML/Tokens.swift", "Wire/WBXML/WBXMLReader.swift",
            "Wire/XML/XMLReader.swift", "Wire/XML/XMLWriter.swift", "imps/IncomingMessage.swift",
            "imps/Chat+People.swift", "imps/Contacts.swift", "imps/KeyReader.swift",
            "imps/Options.swift", "impsctl/Options.swift", "impsctl/Quantity.swift", "impsctl/RowReader.swift",
            "impsd/Options.swift",
        ]
        for source in TidyTests.sources where source.text.contains(/(?m)^ +default:/) {
            #expect(open.contains(source.path), "\(source.path)")
        }
    }

    @Test func filesAndFunctionsStayShort() {
        for source in TidyTests.sources where !source.path.contains("Generated/") {
            let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 560, "\(source.path) has \(lines.count) lines")
            var begin: (line: Int, indent: Int)?
            for (number, line) in lines.enumerated() {
                let indent = line.prefix { $0 == " " }.count
                if let open = begin {
                    if line.hasPrefix(String(repeating: " ", count: open.indent) + "}"), indent == open.indent {
                        // The table of primitives is one thing, however long.
                        let most = source.path == "IMPSEngine/Dispatch.swift" ? 110 : 70
                        #expect(number - open.line <= most, "\(source.path):\(open.line + 1)")
                        begin = nil
                    }
                } else if line.firstMatch(of: /^\s*(?:[\w@()]+ )*(?:func |init[?(<])/) != nil, !line.hasSuffix("}") {
                    begin = (number, indent)
                }
            }
        }
    }

    @Test func theGeneratedTablesAreUpToDate() throws {
        for file in try TableGenerator(root: TidyTests.package).outputs() {
            let path = TidyTests.package.appendingPathComponent(file.path)
            #expect(try String(contentsOf: path, encoding: .utf8) == file.text, "run make tables: \(file.path)")
        }
    }

    @Test func everyRecordOfTheLogIsDescribed() throws {
        let manual = try String(contentsOf: TidyTests.package.appendingPathComponent("board/LOGS.md"), encoding: .utf8)
        let described = Set(manual.matches(of: /(?m)^\| `([A-Z0-9-]+)` \|/).map { String($0.1) })
        let codes = TidyTests.sources.first { $0.path == "IMPSEngine/Log/LogCode.swift" }!.text
            .matches(of: /return "([A-Z0-9-]+)"/).map { String($0.1) }
        let invariants = TidyTests.sources.flatMap {
            $0.text.matches(of: /"(IM\d+) ([^"]*)"/).map { (String($0.1), String($0.2)) }
        }
        #expect(codes.count > 30)
        #expect(Set(codes + invariants.map(\.0)) == described)
        for (code, words) in invariants { #expect(manual.contains("| `\(code)` | \(words) |"), "\(code)") }
        // One code, one meaning.
        #expect(Set(invariants.map(\.0)).count == Set(invariants.map { "\($0.0) \($0.1)" }).count)
    }

    @Test func everyKeyOfTheConfigurationIsDescribed() throws {
        let manual = try String(
            contentsOf: TidyTests.package.appendingPathComponent("board/man/impsd.conf.5"), encoding: .utf8)
        let keys = TidyTests.sources.first { $0.path == "Configuration/Keys.swift" }!.text
            .matches(of: /key\.equals\("(\w+)"\)/).map { String($0.1) }
        #expect(keys.count > 25)
        for key in keys { #expect(manual.firstMatch(of: try Regex("\\.It Cm .*\\b\(key)\\b")) != nil, "\(key)") }
    }

    /// What SECURITY.md promises names the tests that show it.
    @Test func everyPromiseNamesItsTests() throws {
        let promises = try String(contentsOf: TidyTests.package.appendingPathComponent("SECURITY.md"), encoding: .utf8)
        let rows = promises.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap {
            $0.split(separator: "|").last
        }
        let names = rows.flatMap { $0.matches(of: /`(\w+)`/).map { String($0.1) } }
        #expect(names.count > 30)
        let folder = TidyTests.package.appendingPathComponent("Tests")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let tests = try files.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for name in names { #expect(tests.contains("func \(name)("), "\(name)") }
    }

    @Test func theTopLevelHoldsWhatItMay() throws {
        let allowed: Set = [
            "Package.swift", "Sources", "Tests", "board", "cross", "Makefile", "README.md", "CHANGELOG.md", "LICENSE",
            "SECURITY.md", ".gitignore", ".ci",
            ".swift-format", ".editorconfig", ".git", ".build", ".build-embedded", "Package.resolved", "run", "dist",
        ]
        let found = try FileManager.default.contentsOfDirectory(atPath: TidyTests.package.path)
        #expect(Set(found).subtracting(allowed).filter { !$0.hasPrefix(".build") } == [])
    }

    @Test func noTextNamesAPlaceOfThisMachine() throws {
        let files = FileManager.default.enumerator(atPath: TidyTests.package.path)!.compactMap { $0 as? String }
        for path in files where !path.hasPrefix(".") && !path.hasPrefix("run/") && !path.hasPrefix("dist/") {
            guard let text = try? String(contentsOf: TidyTests.package.appendingPathComponent(path), encoding: .utf8)
            else { continue }
            for place in ["/work" + "/", "/root" + "/", "/home/" + "user"] { #expect(!text.contains(place), "\(path)") }
        }
    }
}
