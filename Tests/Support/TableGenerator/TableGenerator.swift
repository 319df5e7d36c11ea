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

    func tags() throws -> String {
        let folder = "Sources/Wire/Tables/"
        var names: Set<String> = []
        for file in ["wbxml-1.1", "wbxml-1.2", "wbxml-1.3", "wbxml-1.3-legacy"] {
            names.formUnion(try rows(folder + file + ".tsv").map { $0[2] })
        }
        names.formUnion(try rows(folder + "names-without-token.tsv").map { $0[0] })
        let aliases = Dictionary(
            uniqueKeysWithValues: try rows(folder + "wbxml-aliases.tsv").map { ($0[0], $0[1]) })
        let canonical = names.subtracting(aliases.keys).sorted()
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
