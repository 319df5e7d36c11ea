import Foundation

/// Makes the Swift tables of `Wire` and `CSP` from the TSV files beside them.
///
/// `make tables` writes the files; a test fails when what is in the tree differs.
public struct TableGenerator {
    /// A generated file: its path below the package and its text.
    public struct Output {
        public let path: String
        public let text: String
    }

    let root: URL

    /// - Parameter root: The folder of the package.
    public init(root: URL) {
        self.root = root
    }

    /// All generated files.
    public func outputs() throws -> [Output] {
        [
            Output(path: "Sources/Wire/Generated/Tag+Names.swift", text: try tags()),
            Output(path: "Sources/Wire/Generated/Tag+Tokens.swift", text: try tokens()),
            Output(path: "Sources/Wire/Generated/ValueTokens.swift", text: try values()),
            Output(path: "Sources/CSP/Generated/StatusCode.swift", text: try statusCodes()),
            Output(path: "Sources/CSP/Generated/Function+Tree.swift", text: try functions()),
        ]
    }

    /// Writes the files that differ and returns their paths.
    public func write() throws -> [String] {
        var written: [String] = []
        for output in try outputs() {
            let url = root.appendingPathComponent(output.path)
            if (try? String(contentsOf: url, encoding: .utf8)) == output.text { continue }
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try output.text.write(to: url, atomically: true, encoding: .utf8)
            written.append(output.path)
        }
        return written
    }

    /// The rows of a TSV file.
    func rows(_ path: String) throws -> [[String]] {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
            .split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    static func header(_ sources: String) -> String {
        "// Made by `make tables` from \(sources). Do not edit.\n\n"
    }

    /// The Swift name of a protocol name: `WV-CSP-Message` → `wvCSPMessage`, `URLList` → `urlList`, `SName` → `sName`.
    static func identifier(_ name: String) -> String {
        let parts = name.split(whereSeparator: { $0 == "-" || $0 == "_" || $0 == " " }).map(String.init)
        var text = lowercasedHead(parts[0])
        for part in parts.dropFirst() { text += part.prefix(1).uppercased() + part.dropFirst() }
        return text
    }

    private static func lowercasedHead(_ word: String) -> String {
        let capitals = word.prefix(while: { $0.isUppercase || $0.isNumber })
        if capitals.count == word.count { return word.lowercased() }
        let lowered = max(1, capitals.count - 1)
        return word.prefix(lowered).lowercased() + word.dropFirst(lowered)
    }
}

// MARK: - Wire

extension TableGenerator {
    static let slotCount = 1024

    /// The hash by which a name is found; `Tag.init(name:)` computes the same.
    static func hash(_ name: String) -> Int {
        var hash: UInt32 = 0
        for octet in name.utf8 { hash = hash &* 33 ^ UInt32(octet) }
        return Int((hash ^ hash >> 15) & UInt32(slotCount - 1))
    }

    static let wireFolder = "Sources/Wire/Tables/"
    static let versions = ["1.1", "1.2", "1.3"]

    /// The canonical names, in the order of their raw values from 1, and the other spellings of some.
    func tagNames() throws -> (canonical: [String], aliases: [String: String]) {
        var names: Set<String> = []
        for file in ["wbxml-1.1", "wbxml-1.2", "wbxml-1.3", "wbxml-1.3-legacy"] {
            names.formUnion(try rows(Self.wireFolder + file + ".tsv").map { $0[2] })
        }
        names.formUnion(try rows(Self.wireFolder + "names-without-token.tsv").map { $0[0] })
        let aliases = Dictionary(
            uniqueKeysWithValues: try rows(Self.wireFolder + "wbxml-aliases.tsv").map { ($0[0], $0[1]) })
        return (names.subtracting(aliases.keys).sorted(), aliases)
    }

    func tags() throws -> String {
        let (canonical, aliases) = try tagNames()
        let numbers = Dictionary(uniqueKeysWithValues: canonical.enumerated().map { ($1, $0 + 1) })

        var spellings = canonical.map { ($0, numbers[$0]!) }
        for (alias, name) in aliases.sorted(by: { $0.key < $1.key }) { spellings.append((alias, numbers[name]!)) }
        var slots = Array(repeating: 0, count: Self.slotCount)
        for (index, spelling) in spellings.enumerated() {
            var slot = Self.hash(spelling.0)
            while slots[slot] != 0 { slot = (slot + 1) % Self.slotCount }
            slots[slot] = index + 1
        }

        var text = Self.header("Sources/Wire/Tables")
        text += "extension Tag {\n"
        for name in canonical {
            text += "    /// `\(name)`\n"
            text += "    public static var \(Self.identifier(name)): Tag { Tag(rawValue: \(numbers[name]!)) }\n"
        }
        text += "}\n\n"
        text += "/// The spellings of the element names and a hash table over them.\n"
        text += "enum TagNames {\n"
        text +=
            "    /// Canonical spellings, in the order of the raw values from 1; after them the variants seen in the\n"
        text += "    /// field.\n"
        text += "    static let spellings: InlineArray<\(spellings.count), TagSpelling> = [\n"
        for (name, number) in spellings { text += "        TagSpelling(\"\(name)\", \(number)),\n" }
        text += "    ]\n\n"
        text += "    /// Open addressing: 0 is free, otherwise one more than an index into `spellings`.\n"
        text += "    static let slots: InlineArray<\(Self.slotCount), UInt16> = [\n"
        for start in stride(from: 0, to: slots.count, by: 16) {
            text += "        " + slots[start..<start + 16].map { "\($0)," }.joined(separator: " ") + "\n"
        }
        text += "    ]\n}\n"
        return text
    }
}

// MARK: - WBXML

extension TableGenerator {
    /// Bit 0 for 1.1, bit 1 for 1.2, bit 2 for 1.3.
    private static func versionBits(_ column: String) -> Int {
        versions.enumerated().filter { column.contains($0.element) }.map { 1 << $0.offset }.reduce(0, |)
    }

    /// An array literal of numbers, 12 in a line.
    private static func lines(_ numbers: [Int]) -> String {
        stride(from: 0, to: numbers.count, by: 12).map { start in
            "        " + numbers[start..<min(start + 12, numbers.count)].map { "\($0)," }.joined(separator: " ") + "\n"
        }.joined()
    }

    func tokens() throws -> String {
        let (canonical, aliases) = try tagNames()
        let numbers = Dictionary(uniqueKeysWithValues: canonical.enumerated().map { ($1, $0) })
        var properties = Array(repeating: 0, count: canonical.count)
        var places = Array(repeating: 0, count: 12 * 64)
        var exceptions: [(place: Int, number: Int)] = []
        // The newest table first: what an older one says otherwise is an exception.
        for (version, file) in [(2, "wbxml-1.3"), (2, "wbxml-1.3-legacy"), (1, "wbxml-1.2"), (0, "wbxml-1.1")] {
            for row in try rows(Self.wireFolder + file + ".tsv") {
                let number = numbers[aliases[row[2]] ?? row[2]]!
                let place = Int(row[0].dropFirst(2), radix: 16)! * 64 + Int(row[1].dropFirst(2), radix: 16)!
                precondition(properties[number] & 0x3FF == 0 || properties[number] & 0x3FF == place, "one token a name")
                properties[number] |= place | (file.hasSuffix("legacy") ? 0 : 1 << (10 + version))
                if places[place] == 0 { places[place] = number + 1 }
                if places[place] != number + 1 { exceptions.append((place, number + 1)) }
            }
        }
        for row in try rows(Self.wireFolder + "wbxml-int.tsv") {
            properties[numbers[aliases[row[0]] ?? row[0]]!] |= Self.versionBits(row[1]) << 13
        }
        precondition(exceptions.count == 1, "an older version has another name for one token")

        var text = Self.header("Sources/Wire/Tables")
        text += "/// The tokens of the element names. Source: protocol/wbxml.md §7.\n"
        text += "enum TagTokens {\n"
        text +=
            "    /// By raw value from 1: six bits of token, four of code page, three for the versions that have it and\n"
        text += "    /// three for those where its content is an integer, 1.1 first.\n"
        text += "    static let properties: InlineArray<\(properties.count), UInt16> = [\n"
        text += Self.lines(properties) + "    ]\n\n"
        text += "    /// Raw values by code page and token, those of 1.3 where versions differ.\n"
        text += "    static let tags: InlineArray<\(places.count), UInt16> = [\n"
        text += Self.lines(places) + "    ]\n\n"
        text += "    /// The place in `tags` where 1.2 has another name, and that name.\n"
        text +=
            "    static let exception = (place: \(exceptions[0].place), rawValue: UInt16(\(exceptions[0].number)))\n"
        text += "}\n"
        return text
    }

    static let valueSlotCount = 512

    func values() throws -> String {
        let rows = try rows(Self.wireFolder + "wbxml-ext.tsv").map { row in
            (token: Int(row[0].dropFirst(2), radix: 16)!, text: row[1], versions: Self.versionBits(row[2]))
        }
        var slots = Array(repeating: 0, count: Self.valueSlotCount)
        for (index, row) in rows.enumerated() {
            var slot = Self.hash(row.text) % Self.valueSlotCount
            // Of the tokens of one text the lowest is found first.
            while slots[slot] != 0 { slot = (slot + 1) % Self.valueSlotCount }
            slots[slot] = index + 1
        }
        var text = Self.header("Sources/Wire/Tables/wbxml-ext.tsv")
        text += "/// Tokens that stand for whole texts. Source: protocol/wbxml.md §5.\n"
        text += "enum ValueTokens {\n"
        text += "    /// In the order of the tokens; a bit for each version that has it, 1.1 first.\n"
        text += "    static let values: InlineArray<\(rows.count), ValueToken> = [\n"
        for row in rows { text += "        ValueToken(\(row.token), \"\(row.text)\", versions: \(row.versions)),\n" }
        text += "    ]\n\n"
        text += "    /// Open addressing: 0 is free, otherwise one more than an index into `values`.\n"
        text += "    static let slots: InlineArray<\(Self.valueSlotCount), UInt8> = [\n"
        text += Self.lines(slots) + "    ]\n}\n"
        return text
    }
}

// MARK: - CSP

extension TableGenerator {
    func statusCodes() throws -> String {
        let rows = try rows("Sources/CSP/Tables/status-codes.tsv")
        var text = Self.header("Sources/CSP/Tables/status-codes.tsv")
        text += "/// What a Result says. Source: protocol/session.md §9.\n"
        text += "public enum StatusCode: UInt16, Sendable {\n"
        for row in rows {
            text += "    /// \(row[0]): \(row[1]).\n"
            text += "    case \(Self.caseName(row[1])) = \(row[0])\n"
        }
        text += "}\n\n"
        text += "extension StatusCode {\n"
        text += "    /// The meaning in words, as a Description for people.\n"
        text += "    public var meaning: StaticString {\n"
        text += "        switch self {\n"
        for row in rows { text += "        case .\(Self.caseName(row[1])): return \"\(row[1])\"\n" }
        text += "        }\n    }\n}\n"
        return text
    }

    private static func caseName(_ meaning: String) -> String {
        let words =
            meaning
            .replacingOccurrences(of: "/ not logged in", with: "")
            .split(separator: " ").map(String.init)
        let joined = words.enumerated().map { index, word in
            let known = ["id": "ID", "msisdn": "MSISDN"][word.lowercased()]
            if index == 0 { return word.lowercased() }
            return known ?? word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
        return joined == "continue" ? "`continue`" : joined
    }

    /// Columns: node, its parent, the versions that have it, and for a leaf its number in a `FunctionSet`. The numbers
    /// are stored with sessions, so a new function takes the next free one.
    func functions() throws -> String {
        struct Node {
            let name: String
            let parent: String
            let versions: Int
            let number: Int?
        }
        let nodes = try rows("Sources/CSP/Tables/functions.tsv").map { row in
            Node(
                name: row[0], parent: row[1],
                versions: ["1.1", "1.2", "1.3"].enumerated()
                    .filter { row[2].contains($0.element) }.map { 1 << $0.offset }.reduce(0, |),
                number: Int(row[3]))
        }
        let leaves = nodes.filter { $0.number != nil }.sorted { $0.number! < $1.number! }
        precondition(leaves.map { $0.number! } == Array(0..<leaves.count), "numbers without gaps")
        precondition(leaves.count <= 64, "a FunctionSet has 64 bits")
        func children(_ node: Node) -> [Node] { nodes.filter { $0.parent == node.name } }
        func bits(_ node: Node) -> UInt64 {
            node.number.map { 1 << UInt64($0) } ?? children(node).map(bits).reduce(0, |)
        }
        func size(_ node: Node) -> Int { 1 + children(node).map(size).reduce(0, +) }

        var text = Self.header("Sources/CSP/Tables/functions.tsv")
        text += "/// A function of the service tree, the unit of service negotiation. Source: protocol/session.md §7.\n"
        text += "public enum Function: UInt8, Sendable {\n"
        for leaf in leaves { text += "    /// `\(leaf.name)`\n    case \(leaf.name.lowercased()) = \(leaf.number!)\n" }
        text += "}\n\n"
        text += "extension FunctionTree {\n"
        text += "    /// The tree in the order of the protocol; `next` is the node after all that is below a node.\n"
        text += "    static let nodes: InlineArray<\(nodes.count), FunctionNode> = [\n"
        for (index, node) in nodes.enumerated() {
            text += "        FunctionNode(.\(Self.identifier(node.name)), next: \(index + size(node)), "
            text += "versions: \(node.versions), functions: 0x\(String(bits(node), radix: 16, uppercase: true))),\n"
        }
        text += "    ]\n}\n"
        return text
    }
}
