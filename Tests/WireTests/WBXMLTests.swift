import Foundation
import Octets
import Testing

@testable import Wire

@Suite struct WBXMLTests {
    private struct Example: CustomStringConvertible {
        var description: String
        var octets: String
        var outline: String
        /// Why we write it in another way; nil when we do not.
        var difference: String?
    }

    /// Source: protocol/wbxml.md §8.
    private static let examples = [
        Example(
            description: "§8.1",
            octets: """
                03 10 6A 00 C9 05 03 31 2E 31 00 01 6D 6E 70 80 19 01 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(SessionDescriptor(SessionType(Outband))))",
            difference: nil),
        Example(
            description: "§8.2",
            octets: """
                03 10 6A 00 C9 05 03 31 2E 31 00 01 6D 6E 70 80 19 01 01 72 74 76 80 21
                01 75 03 74 72 61 6E 73 49 64 31 00 01 01 F3 07 03 31 2E 31 00 01 00 01
                5E 00 00 4A 03 45 73 6D 65 72 74 65 63 31 31 32 32 33 33 00 01 6A 4B 03
                34 30 31 00 01 52 03 50 6C 65 61 73 65 20 63 6F 6D 70 6C 65 74 65 20 61
                75 74 68 65 6E 74 69 63 61 74 69 6F 6E 20 63 68 61 6C 6C 65 6E 67 65 00
                01 01 00 01 60 03 65 36 62 36 38 65 62 64 38 31 33 30 39 64 35 33 38 33
                35 37 65 33 39 65 32 66 62 61 33 32 30 34 00 01 4F 03 4D 44 35 00 01 4B
                80 0B 01 01 01 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(SessionDescriptor(SessionType(Outband))Transaction(TransactionDescriptor(TransactionMode(Response)TransactionID(transId1))TransactionContent(Login-Response(ClientID(Esmertec112233)Result(Code(401)Description(Please complete authentication challenge))Nonce(e6b68ebd81309d538357e39e2fba3204)DigestSchema(MD5)CapabilityRequest(F))))))",
            difference: "Code is an integer"),
        Example(
            description: "§8.3",
            octets: """
                03 11 6A 00 C9 08 03 31 2E 32 00 01 6D 6E 70 80 11 01 6F 03 31 39 36 46
                45 37 31 37 2E 30 30 30 30 30 30 30 30 2E 74 65 73 74 31 00 01 01 72 74
                76 80 20 01 75 03 74 72 61 6E 73 49 64 32 00 01 01 F3 0A 03 31 2E 32 00
                01 00 01 4C 4A 00 05 4F 80 6F 01 00 03 4D C3 02 7F FF 01 4C C3 01 01 01
                4B 80 1F 01 4E C3 01 02 01 4F 80 42 01 50 80 44 01 50 80 81 25 01 50 80
                81 24 01 01 01 01 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(SessionDescriptor(SessionType(Inband)SessionID(196FE717.00000000.test1))Transaction(TransactionDescriptor(TransactionMode(Request)TransactionID(transId2))TransactionContent(ClientCapability-Request(CapabilityList(ClientType(MOBILE_PHONE)ParserSize(32767)MultiTrans(1)InitialDeliveryMethod(P)ServerPollMin(2)SupportedBearer(HTTP)SupportedCIRMethod(STCP)SupportedCIRMethod(SHTTP)SupportedCIRMethod(SSMS)))))))",
            difference: "1.2 has no tokens for SHTTP and SSMS"),
        Example(
            description: "§8.4",
            octets: """
                03 12 6A 00 C9 0B 03 31 2E 33 00 01 6D 6E 70 80 11 01 6F 03 69 6D 2E 75
                73 65 72 2E 63 6F 6D 23 34 38 38 31 35 40 73 65 72 76 65 72 2E 63 6F 6D
                00 01 01 72 74 76 80 21 01 75 03 49 4D 41 70 70 30 31 23 31 32 33 34 35
                40 4E 4F 4B 35 31 31 30 00 01 01 F3 0D 03 31 2E 33 00 01 71 6A 4B C3 01
                C9 01 52 03 50 61 72 74 69 61 6C 6C 79 20 73 75 63 63 65 73 73 66 75 6C
                2E 00 01 53 4B C3 02 02 13 01 52 03 55 6E 6B 6E 6F 77 6E 20 75 73 65 72
                2E 00 01 7A 03 77 76 3A 62 61 64 5F 75 73 65 72 31 40 69 6D 2E 63 6F 6D
                00 01 7A 03 77 76 3A 62 61 64 5F 75 73 65 72 32 40 69 6D 2E 63 6F 6D 00
                01 01 53 4B C3 02 02 14 01 52 03 42 6C 6F 63 6B 65 64 2E 00 01 7A 03 77
                76 3A 62 61 64 5F 75 73 65 72 33 40 69 6D 2E 63 6F 6D 00 01 7A 03 77 76
                3A 62 61 64 5F 75 73 65 72 34 40 69 6D 2E 63 6F 6D 00 01 01 01 01 01 01
                61 80 0B 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(SessionDescriptor(SessionType(Inband)SessionID(im.user.com#48815@server.com))Transaction(TransactionDescriptor(TransactionMode(Response)TransactionID(IMApp01#12345@NOK5110))TransactionContent(Status(Result(Code(201)Description(Partially successful.)DetailedResult(Code(531)Description(Unknown user.)UserID(wv:bad_user1@im.com)UserID(wv:bad_user2@im.com))DetailedResult(Code(532)Description(Blocked.)UserID(wv:bad_user3@im.com)UserID(wv:bad_user4@im.com))))))Poll(F)))",
            difference: nil),
        Example(
            description: "§8.5",
            octets: """
                03 11 6A 00 C9 08 03 31 2E 32 00 01 6D 4A 03 39 35 32 37 00 01 6A 4B C3
                02 01 91 01 52 03 34 30 31 00 01 01 4F C3 04 FF FF FF FF 01 5A C3 01 00
                01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(ClientID(9527)Result(Code(401)Description(401))ContentSize(4294967295)MessageCount(0)))",
            difference: nil),
        Example(
            description: "§8.5b",
            octets: """
                03 11 6A 00 C9 08 03 31 2E 32 00 01 6D 51 C3 06 1F 46 73 0E BB 5A 01 00
                06 5A C3 06 1F 46 73 0E BB 5A 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(DateTime(20010925T165859Z)DeliveryTime(20010925T165859Z)))",
            difference: "times are text"),
        Example(
            description: "§8.6",
            octets: """
                03 10 6A 00 C9 08 03 31 2E 32 00 01 6D 6E 70 80 11 01 6F 03 41 41 30 42
                44 37 36 32 2E 30 30 30 30 30 30 30 30 2E 74 65 73 74 31 00 01 01 72 74
                76 80 20 01 75 03 74 72 61 6E 73 49 64 38 00 01 01 F3 0A 03 31 2E 32 00
                01 00 06 57 48 80 2C 01 53 00 00 67 79 7A 03 77 76 3A 74 65 73 74 32 00
                01 01 01 6C 79 7A 03 77 76 3A 74 65 73 74 31 00 01 01 01 51 03 32 30 30
                37 30 36 32 35 54 30 35 35 36 35 32 5A 00 01 4F C3 01 05 01 01 4D 03 54
                6F 64 61 79 20 00 02 81 20 03 54 6F 64 61 79 00 01 01 01 01 01 01
                """,
            outline:
                "WV-CSP-Message(Session(SessionDescriptor(SessionType(Inband)SessionID(AA0BD762.00000000.test1))Transaction(TransactionDescriptor(TransactionMode(Request)TransactionID(transId8))TransactionContent(SendMessage-Request(DeliveryReport(T)MessageInfo(Recipient(User(UserID(wv:test2)))Sender(User(UserID(wv:test1)))DateTime(20070625T055652Z)ContentSize(5))ContentData(Today \u{A0}Today))))))",
            difference: "another public identifier, and the entity is a character"),
    ]

    @Test(arguments: examples) private func theExamplesMeanWhatTheySay(_ example: Example) throws {
        let octets = octets(example.octets)
        #expect(try outline(octets, .wbxml) == example.outline)
        let again = try rewritten(octets, .wbxml, as: .wbxml)
        #expect(try outline(again, .wbxml) == example.outline)
        #expect((again == octets) == (example.difference == nil), "\(again.map { String($0, radix: 16) })")
    }

    private static func goldenDocuments() throws -> [URL] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden")
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
            .filter { $0.hasSuffix(".xml") }.map { folder.appendingPathComponent($0) }
    }

    /// XML, WBXML, XML, and the other way round: nothing is lost, and the second time nothing changes at all.
    @Test func theGoldenDocumentsSurvive() throws {
        let documents = try WBXMLTests.goldenDocuments()
        #expect(documents.count >= 58)
        for file in documents {
            let text = Array(try Data(contentsOf: file))
            let xml = try rewritten(text, .xml, as: .xml)
            let wbxml = try rewritten(text, .xml, as: .wbxml)
            #expect(try outline(wbxml, .wbxml) == outline(text, .xml), "\(file.lastPathComponent)")
            #expect(try rewritten(wbxml, .wbxml, as: .xml) == xml, "\(file.lastPathComponent)")
            #expect(try rewritten(wbxml, .wbxml, as: .wbxml) == wbxml, "\(file.lastPathComponent)")
            #expect(wbxml.count * 2 < xml.count, "\(file.lastPathComponent): \(wbxml.count) of \(xml.count) octets")
        }
    }

    /// Every name of every version goes there and back, by its token or by its name.
    @Test(arguments: [Version.v1_1, .v1_2, .v1_3]) func everyNameSurvives(_ version: Version) throws {
        for number in 1...UInt16(TagTokens.properties.count) {
            let tag = Wire.Tag(rawValue: number)
            if tag == .wvCSPMessage || tag == .dateTime || tag == .deliveryTime { continue }
            var writer = Writer(output: lent(1000))
            writer.begin(syntax: .wbxml, version: version)
            writer.open(.wvCSPMessage)
            writer.empty(.session)
            writer.text(tag, "12")
            writer.empty(.poll)
            writer.close(.wvCSPMessage)
            #expect(
                try outline(octets(writer.output.span), .wbxml)
                    == "WV-CSP-Message(Session()\(tag.name)(12)Poll())", "\(tag.name)")
        }
    }

    /// Names without a token come into the string table, once each, and what was written before moves.
    @Test func namesWithoutTokenComeIntoTheStringTable() throws {
        var writer = Writer(output: lent(1000))
        writer.begin(syntax: .wbxml, version: .v1_2)
        writer.open(.wvCSPMessage)
        let flag = writer.pendingFlag(.poll)
        let before = writer.mark
        writer.open(.cirurl)
        writer.text(.url, "a")
        writer.close(.cirurl)
        let after = writer.mark
        writer.text(.cirurl, "b")
        writer.empty(.apiClient)
        #expect(octets(writer.written(since: after)) == octets("44 00 03 62 00 01 04 07"))
        writer.rewind(to: after)
        writer.set(flag)
        writer.text(.cirurl, "c")
        writer.close(.wvCSPMessage)
        #expect(writer.written(since: before).count > 10)
        let expected = "WV-CSP-Message(Poll(T)CIRURL(URL(a))CIRURL(c))"
        #expect(try outline(octets(writer.output.span), .wbxml) == expected)
    }

    private func read(_ body: String, table: String = "00") throws(WireError) -> String {
        try outline(octets("03 11 6A \(table) C9 08 03 31 2E 32 00 01 \(body) 01"), .wbxml)
    }

    @Test func whatIsSeenInTheFieldIsRead() throws {
        for (body, expected, table) in [
            // Text in pieces, from the table, with entities and value tokens.
            ("4D 03 61 00 83 00 02 40 80 27 01", "ContentData(abc@text/)", "04 62 63 00 00"),
            // Tags and attributes by name, unknown ones with what is in them.
            ("44 00 03 61 00 01", "URL(a)", "04 55 52 4C 00"),
            ("44 00 77 03 61 00 01 01 61 80 2C 01", "Poll(T)", "02 58 00"),
            ("F7 04 00 03 61 00 05 85 01 03 62 00 01", "URL(b)", "02 58 00"), ("B7 05 01 61 01", "URL()Poll()", "00"),
            ("37 7F 01 21", "URL()Poll()", "00"),
            // Integers in every form.
            ("4B C3 00 01", "Code(0)", "00"), ("4B C3 03 00 00 C8 01", "Code(200)", "00"),
            ("4B 03 34 30 31 00 01", "Code(401)", "00"), ("00 05 49 C3 01 07 01", "Altitude(7)", "00"),
            // A page that is chosen in front of an end, and one that stays.
            ("6D 00 01 5D 00 00 01 21 01", "Session(Login-Request()Poll())", "00"),
            // Times.
            ("51 C3 06 1F 46 73 0E BB 00 01", "DateTime(20010925T165859Z)", "00"),
            ("51 C3 06 1F 46 73 0E BB 4A 01", "DateTime(20010925T165859)", "00"),
            // Raw content, as text and not.
            ("4D C3 02 C3 A4 01", "ContentData(ä)", "00"),
            (
                "6D 00 06 53 00 00 50 03 61 2F 62 00 01 01 4D C3 03 00 FF 10 01 01",
                "Session(MessageInfo(ContentType(a/b)ContentEncoding(BASE64))ContentData(AP8Q))", "00"
            ),
            (
                "6D 00 06 53 00 00 4E 80 07 01 01 4D C3 02 61 62 01 01",
                "Session(MessageInfo(ContentEncoding(BASE64))ContentData(YWI=))", "00"
            ),
            (
                "6D 00 06 53 00 00 4E 80 16 01 01 4D C3 02 00 FF 01 01",
                "Session(MessageInfo(ContentEncoding(BASE64))ContentData(AP8=))", "00"
            ),
            (
                "6D 00 06 53 00 00 4E 80 16 01 01 4D C3 02 61 62 01 01",
                "Session(MessageInfo(ContentEncoding(None))ContentData(ab))", "00"
            ),
            // Halves of a character by themselves, as text, from the table, as octets and as entities.
            ("4D 03 61 ED A0 BD ED B8 80 C3 A4 00 01", "ContentData(a😀ä)", "00"),
            ("4D 83 00 01", "ContentData(😀)", "07 ED A0 BD ED B8 80 00"),
            ("4D C3 06 ED A0 BD ED B8 80 01", "ContentData(😀)", "00"),
            ("4D 02 83 B0 3D 02 83 BC 00 01", "ContentData(😀)", "00"),
            // A processing instruction.
            ("43 05 03 61 00 01 21", "Poll()", "00"),
        ] {
            #expect(try read(body, table: table) == "WV-CSP-Message(\(expected))", "\(body)")
        }
    }

    /// Half a character is none. Source: CL-14.
    @Test func halfACharacterIsAnError() {
        for body in ["4D 03 ED A0 BD 00 01", "4D 03 ED B8 80 ED A0 BD 00 01", "4D 02 83 B0 3D 01", "4D 02 83 BC 00 01"]
        {
            #expect(throws: WireError.self, "\(body)") { try read(body) }
        }
    }

    /// One client has the value tokens of 1.3 in every version. Source: CL-15.
    @Test(arguments: ["03 10 6A 00 C9 05 03 31 2E 31 00 01", "03 11 6A 00 C9 08 03 31 2E 32 00 01"])
    func valueTokensOfALaterVersionAreRead(header: String) throws {
        for (body, expected) in [
            ("4D 80 68 01", "ContentData(AP)"), ("4D 80 34 01", "ContentData(DENIED)"),
            ("4D 80 3D 01", "ContentData(History)"), ("7D 80 3D 01", "Value(History)"),
            ("00 01 64 80 3D 01", "SearchElement(GROUP_ID)"),
        ] {
            var document = makeDocument()
            try document.read(octets("\(header) \(body) 01").span, syntax: .wbxml, hasNewValueTokens: true)
            #expect(outline(document, document.root) == "WV-CSP-Message(\(expected))")
        }
    }

    @Test func theHeaderComesInManyForms() throws {
        let body = "C9 08 03 31 2E 32 00 01 6D 03 E4 00 01 01"
        for header in ["03 11 6A 00", "01 01 6A 00", "02 10 00 00", "03 12 6A 02 61 00", "03 00 00 6A 04 31 2E 33 00"] {
            let octets = octets("\(header) C9 08 03 31 2E 32 00 01 21 01")
            var document = makeDocument()
            try document.read(octets.span, syntax: .wbxml)
            #expect(document.version == .v1_2, "\(header)")
        }
        #expect(try outline(octets("03 11 04 00 \(body)"), .wbxml) == "WV-CSP-Message(Session(ä))")
        for header in ["03 11 6A 00", "03 11 03 00", "03 11 11 00", "04 11 6A 00", "03 11 6A 7F", "03 00 05 6A 00"] {
            #expect(throws: WireError.self, "\(header)") { try outline(octets("\(header) \(body)"), .wbxml) }
        }
        // Without a namespace the public identifier says the version; one that we do not have is told.
        for (octets, version) in [("03 11 6A 00 49 21 01", Version.v1_2), ("03 12 6A 00 09", .v1_3)] {
            var document = makeDocument()
            try document.read(WireTests.octets(octets).span, syntax: .wbxml)
            #expect(document.version == version)
        }
        var document = makeDocument()
        try document.read(octets("03 12 6A 00 89 0B 03 31 2E 34 00 01").span, syntax: .wbxml)
        #expect(document.version == nil)
        #expect(string(document.namespace).hasSuffix("IMPS-CSP1.4"))
        try document.read(octets("03 01 6A 08 78 6D 6C 6E 73 00 61 00 89 04 00 83 06 03 62 00 01").span, syntax: .wbxml)
        #expect(string(document.namespace) == "ab")
    }

    /// A table of more than 127 octets has a length of two.
    @Test func aStringTableMayBeLong() throws {
        let names = [
            "SystemMessage", "SystemMessageID", "SystemMessageList", "SystemMessageText", "AnswerOption",
            "AnswerOptionID", "AnswerOptions", "VerificationMechanism", "TryAgainTimeout", "ChosenOptionID",
        ]
        let body = names.map { "<\($0)>\($0)</\($0)>" }.joined()
        let text = "<WV-CSP-Message xmlns=\"\(Version.v1_1.sessionNamespace)\">\(body)\(body)</WV-CSP-Message>"
        let octets = try rewritten(Array(text.utf8), .xml, as: .wbxml)
        #expect(octets[3] == 0x81)
        #expect(try outline(octets, .wbxml) == outline(Array(text.utf8), .xml))
    }

    /// A message inside a message has no header of its own.
    @Test func theRootIsWrittenOnce() throws {
        let octets = octets("03 11 6A 00 C9 08 03 31 2E 32 00 01 49 21 01 01")
        let again = try rewritten(octets, .wbxml, as: .wbxml)
        #expect(try outline(again, .wbxml) == "WV-CSP-Message(WV-CSP-Message(Poll()))")
    }

    /// One token has another name in 1.2.
    @Test func theSameTokenHasTheNameOfItsVersion() throws {
        #expect(try read("00 09 4B 03 61 00 01") == "WV-CSP-Message(ReactiveAuthState(a))")
        let later = "03 12 6A 00 C9 0B 03 31 2E 33 00 01 00 09 4B 03 61 00 01 01"
        #expect(try outline(octets(later), .wbxml) == "WV-CSP-Message(AnswerOptionText(a))")
        #expect(try read("70 80 34 01") == "WV-CSP-Message(SessionType(DENIED))")
    }

    @Test func aTextIsATokenOnlyWhereItIsOne() throws {
        func written(_ version: Version, _ tag: Wire.Tag, _ text: StaticString) -> [UInt8] {
            var writer = Writer(output: lent(100))
            writer.begin(syntax: .wbxml, version: version)
            let mark = writer.mark
            writer.text(tag, text)
            return octets(writer.written(since: mark))
        }
        #expect(written(.v1_2, .sessionType, "Inband") == octets("70 80 11 01"))
        #expect(written(.v1_2, .contentData, "Inband").count > 6)
        #expect(written(.v1_2, .sessionType, "inband").count > 6)
        #expect(written(.v1_1, .url, "GRANTED").count > 6)
        #expect(written(.v1_2, .url, "GRANTED") == octets("77 80 35 01"))
        #expect(written(.v1_3, .url, "SHTTP") == octets("77 80 81 25 01"))
        #expect(written(.v1_3, .url, "History").count > 6)
        #expect(written(.v1_3, .url, "SMS") == octets("77 80 43 01"))
        #expect(written(.v1_2, .searchID, "12") == octets("00 01 66 C3 01 0C 01"))
        #expect(written(.v1_3, .searchID, "12") == octets("00 01 66 03 31 32 00 01"))
        #expect(written(.v1_2, .code, "007") == octets("4B 03 30 30 37 00 01"))
    }

    /// Lengths that do not fit a small integer, and names that refer to a long table again and again.
    @Test func largeNumbersAndLongTablesAreRefused() throws {
        for text in [
            "03 12 6A 8F FF FF FF 7F", "03 12 6A 00 49 C3 8F FF FF FF 7F", "03 12 6A 00 49 C3 FF FF FF FF 7F",
            "03 8F FF FF FF 7F 6A 00 49",
        ] {
            #expect(throws: WireError.self) { try outline(octets(text), .wbxml) }
        }
        let table = [UInt8](repeating: 0x61, count: 0x3000)
        let start = octets("03 12 6A E0 00") + table
        // As names they are unknown, as text too much.
        let names = start + octets("49") + (0..<9000).flatMap { _ in [0x04, 0x00] }
        #expect(try outline(names + [0x01], .wbxml) == "WV-CSP-Message()")
        let texts = start + octets("49") + (0..<400).flatMap { _ in octets("77 83 00 21 01") }
        #expect(throws: WireError.self) { try outline(texts + [0x01], .wbxml) }
    }

    @Test func theLimitsAreErrorsAndNotEnds() {
        var small = makeDocument(nodes: 4, texts: 60)
        let start = "03 11 6A 00 C9 08 03 31 2E 32 00 01 "
        for body in ["37 37 37 37 01", "77 03 \(String(repeating: "61 ", count: 60)) 00 01 01"] {
            #expect(throws: WireError.self) { try small.read(octets(start + body).span, syntax: .wbxml) }
        }
        let deep = start + String(repeating: "77 ", count: 40) + String(repeating: "01 ", count: 41)
        #expect(throws: WireError.self) { try outline(octets(deep), .wbxml) }
        let attributes = start + "F7 " + String(repeating: "05 ", count: 17) + "01 01 01"
        #expect(throws: WireError.self) { try outline(octets(attributes), .wbxml) }
    }

    /// Every end, and every octet changed: an error or a document, never more.
    @Test func whatIsBrokenIsRefusedOrRead() throws {
        var refused = 0
        for example in WBXMLTests.examples {
            let whole = octets(example.octets)
            for count in 0..<whole.count {
                #expect(throws: WireError.self) { try outline(Array(whole[..<count]), .wbxml) }
            }
            for index in whole.indices {
                for value in [0x00, 0x01, 0x02, 0x03, 0x04, 0x43, 0x80, 0x83, 0xC3, 0xFF] as [UInt8] {
                    var changed = whole
                    changed[index] = value
                    do throws(WireError) { _ = try outline(changed, .wbxml) } catch { refused += 1 }
                }
            }
        }
        #expect(refused > 1000)
    }
}
