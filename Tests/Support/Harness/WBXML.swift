import Foundation

/// WBXML as another implementation has it: written from the tables of the protocol and nothing of the engine's.
///
/// Source: protocol/wbxml.md.
public enum WBXML {
    /// Where a client writes otherwise than the tables of its version say.
    public struct Dialect: Sendable {
        /// Texts have the value tokens of 1.3. Source: CL-15.
        public var hasNewValueTokens = false
        /// A character beyond U+FFFF is written as two halves. Source: CL-14.
        public var splitsSurrogates = false
        /// Tags that 1.3 has withdrawn still have their token. Source: CL-9.
        public var hasLegacyTags = false

        public init() {}

        /// How client A writes.
        public static let android: Dialect = {
            var dialect = Dialect()
            dialect.hasNewValueTokens = true
            dialect.splitsSurrogates = true
            dialect.hasLegacyTags = true
            return dialect
        }()
    }

    private struct Tables {
        var tokens: [String: (page: UInt8, token: UInt8)] = [:]
        var names: [Int: String] = [:]
        var values: [UInt32: String] = [:]
        var integers: Set<String> = []
    }

    private static let versions = ["1.1", "1.2", "1.3"]
    private static let tables = Dictionary(uniqueKeysWithValues: versions.map { ($0, try! read($0)) })
    private static let legacyTokens = Dictionary(
        uniqueKeysWithValues: try! rows("wbxml-1.3-legacy").map {
            ($0[2], (page: UInt8($0[0].dropFirst(2), radix: 16)!, token: UInt8($0[1].dropFirst(2), radix: 16)!))
        })
    private static let prefixes: [(token: UInt8, text: String)] = {
        try! rows("wbxml-attr").map { (UInt8($0[0].dropFirst(2), radix: 16)!, $0[2]) }
    }()

    private static func rows(_ name: String) throws -> [[String]] {
        let file = Programs.package.appendingPathComponent("Sources/Wire/Tables/\(name).tsv")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    private static func read(_ version: String) throws -> Tables {
        var tables = Tables()
        for row in try rows("wbxml-\(version)") {
            let page = UInt8(row[0].dropFirst(2), radix: 16)!
            let token = UInt8(row[1].dropFirst(2), radix: 16)!
            tables.tokens[row[2]] = (page, token)
            tables.names[Int(page) << 8 | Int(token)] = row[2]
        }
        for row in try rows("wbxml-ext") where row[2].contains(version) {
            tables.values[UInt32(row[0].dropFirst(2), radix: 16)!] = row[1]
        }
        for row in try rows("wbxml-int") where row[1].contains(version) { tables.integers.insert(row[0]) }
        return tables
    }

    // MARK: Writing

    /// A document in WBXML; names that the version has no token for are in the string table.
    public static func encode(_ root: Element, _ dialect: Dialect = Dialect()) -> [UInt8] {
        let version = versions.first { root.namespace?.hasSuffix($0) == true } ?? "1.2"
        var table = tables[version]!
        if dialect.hasNewValueTokens { table.values = tables["1.3"]!.values }
        if dialect.hasLegacyTags, version == "1.3" { table.tokens.merge(legacyTokens) { own, _ in own } }
        var writer = Encoder(tables: table, splitsSurrogates: dialect.splitsSurrogates)
        writer.write(root)
        let publicID: [String: UInt8] = ["1.1": 0x10, "1.2": 0x11, "1.3": 0x12]
        return [0x03, publicID[version]!, 0x6A] + multibyte(writer.strings.count) + writer.strings + writer.body
    }

    private static func multibyte(_ value: Int) -> [UInt8] {
        var octets = [UInt8(value & 0x7F)]
        var rest = value >> 7
        while rest > 0 {
            octets.insert(UInt8(rest & 0x7F | 0x80), at: 0)
            rest >>= 7
        }
        return octets
    }

    private struct Encoder {
        let tables: Tables
        var strings: [UInt8] = []
        var body: [UInt8] = []
        private var places: [String: Int] = [:]
        private var page: UInt8 = 0

        private let splitsSurrogates: Bool

        init(tables: Tables, splitsSurrogates: Bool) {
            self.tables = tables
            self.splitsSurrogates = splitsSurrogates
        }

        private func octets(_ text: String) -> [UInt8] {
            guard splitsSurrogates else { return Array(text.utf8) }
            return text.unicodeScalars.flatMap { scalar -> [UInt8] in
                guard scalar.value > 0xFFFF else { return Array(String(scalar).utf8) }
                return UTF16.encode(scalar)!.flatMap { half -> [UInt8] in
                    [0xE0 | UInt8(half >> 12), 0x80 | UInt8(half >> 6 & 0x3F), 0x80 | UInt8(half & 0x3F)]
                }
            }
        }

        private mutating func place(_ name: String) -> Int {
            if let place = places[name] { return place }
            places[name] = strings.count
            strings += Array(name.utf8) + [0]
            return places[name]!
        }

        mutating func write(_ element: Element) {
            // Empty or not, with content: that is what most clients do.
            let attributes: UInt8 = element.namespace == nil ? 0 : 0x80
            if let token = tables.tokens[element.name] {
                if token.page != page { body += [0x00, token.page] }
                page = token.page
                body.append(token.token | 0x40 | attributes)
            } else {
                body += [0x44 | attributes] + multibyte(place(element.name))
            }
            if let namespace = element.namespace { write(namespace: namespace) }
            element.children.isEmpty
                ? write(text: element.text, of: element.name) : element.children.forEach { write($0) }
            body.append(0x01)
        }

        private mutating func write(namespace: String) {
            if let prefix = prefixes.first(where: { namespace.hasPrefix($0.text) }) {
                body += [prefix.token, 0x03] + Array(namespace.dropFirst(prefix.text.count).utf8) + [0x00, 0x01]
            } else {
                body += [0x04] + multibyte(place("xmlns")) + [0x03] + Array(namespace.utf8) + [0x00, 0x01]
            }
        }

        private mutating func write(text: String, of name: String) {
            if text.isEmpty { return }
            if tables.integers.contains(name), let value = UInt32(text) {
                let octets = withUnsafeBytes(of: value.bigEndian, Array.init).drop { $0 == 0 }
                body += [0xC3, UInt8(max(1, octets.count))] + (octets.isEmpty ? [0] : Array(octets))
            } else if let token = tables.values.filter({ $0.value == text }).keys.min() {
                body += [0x80] + multibyte(Int(token))
            } else {
                body += [0x03] + octets(text) + [0x00]
            }
        }
    }

    // MARK: Reading

    /// A document from WBXML.
    public static func decode(_ octets: [UInt8]) throws -> Element {
        var reader = try Decoder(octets)
        let root = try reader.element()
        guard reader.index == octets.count else { throw HarnessError("octets behind the document") }
        return root
    }

    private struct Decoder {
        let octets: [UInt8]
        var index = 0
        private var page: UInt8 = 0
        private var strings = 0
        private var version = ""

        init(_ octets: [UInt8]) throws {
            self.octets = octets
            guard try next() == 0x03,
                let version = ["\u{10}": "1.1", "\u{11}": "1.2", "\u{12}": "1.3"][
                    String(UnicodeScalar(try next()))], try next() == 0x6A
            else { throw HarnessError("no header of ours: \(octets.prefix(8))") }
            self.version = version
            let count = try multibyte()
            strings = index
            index += count
        }

        private mutating func next() throws -> UInt8 {
            guard index < octets.count else { throw HarnessError("the document ends too early") }
            index += 1
            return octets[index - 1]
        }

        private mutating func multibyte() throws -> Int {
            var value = 0
            while true {
                let octet = try next()
                value = value << 7 | Int(octet & 0x7F)
                if octet < 0x80 { return value }
            }
        }

        private mutating func string() throws -> String {
            guard let end = octets[index...].firstIndex(of: 0),
                let text = String(validating: octets[index..<end], as: UTF8.self)
            else { throw HarnessError("no string at \(index)") }
            index = end + 1
            return text
        }

        private func name(at place: Int) -> String {
            String(decoding: octets[(strings + place)...].prefix { $0 != 0 }, as: UTF8.self)
        }

        mutating func element() throws -> Element {
            var token = try next()
            while token == 0x00 {
                page = try next()
                token = try next()
            }
            var name: String
            if token & 0x3F == 0x04 {
                name = self.name(at: try multibyte())
            } else {
                guard let known = tables[version]!.names[Int(page) << 8 | Int(token & 0x3F)] else {
                    throw HarnessError("no tag \(page)/\(token & 0x3F) in \(version)")
                }
                name = known
            }
            let element = Element(name, token & 0x80 == 0 ? nil : try namespace())
            guard token & 0x40 != 0 else { return element }
            while true {
                switch octets[index] {
                case 0x01:
                    index += 1
                    return element
                case 0x03:
                    index += 1
                    element.text += try string()
                case 0x80:
                    index += 1
                    let value = try multibyte()
                    guard let text = tables[version]!.values[UInt32(value)] else {
                        throw HarnessError("value \(value)")
                    }
                    element.text += text
                case 0xC3:
                    index += 1
                    let count = try multibyte()
                    guard tables[version]!.integers.contains(name), (1...4).contains(count) else {
                        throw HarnessError("octets that are no integer in \(name)")
                    }
                    element.text = String(octets[index..<index + count].reduce(0) { $0 << 8 | Int($1) })
                    index += count
                default: element.children.append(try self.element())
                }
            }
        }

        private mutating func namespace() throws -> String {
            let token = try next()
            guard let prefix = prefixes.first(where: { $0.token == token }), try next() == 0x03 else {
                throw HarnessError("no namespace of ours: \(token)")
            }
            let namespace = prefix.text + (try string())
            guard try next() == 0x01 else { throw HarnessError("more attributes") }
            return namespace
        }
    }
}
