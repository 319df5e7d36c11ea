import Octets
import Wire

/// Functions of the service tree, one bit each. Source: protocol/session.md §7.
public struct FunctionSet: Equatable, BitwiseCopyable, Sendable {
    /// Bit n is the function with number n in `functions.tsv`; stored with sessions.
    public let rawValue: UInt64

    /// A set from its stored form; the empty one by default.
    public init(rawValue: UInt64 = 0) {
        self.rawValue = rawValue
    }

    /// The set of one function.
    public init(_ function: Function) {
        rawValue = 1 << UInt64(function.rawValue)
    }

    /// True when `function` is in it.
    public func contains(_ function: Function) -> Bool { rawValue & 1 << UInt64(function.rawValue) != 0 }

    /// True when nothing is in it.
    public var isEmpty: Bool { rawValue == 0 }

    /// What is in either.
    public func union(_ other: FunctionSet) -> FunctionSet { FunctionSet(rawValue: rawValue | other.rawValue) }

    /// What is in both.
    public func intersection(_ other: FunctionSet) -> FunctionSet { FunctionSet(rawValue: rawValue & other.rawValue) }

    /// What is in this one only.
    public func subtracting(_ other: FunctionSet) -> FunctionSet { FunctionSet(rawValue: rawValue & ~other.rawValue) }

    /// Every function.
    public static var all: FunctionSet { FunctionSet(rawValue: FunctionTree.nodes[0].functions) }

    /// The functions below a node of the tree, a feature for example; empty for a name that is not in the tree.
    public static func below(_ tag: Tag) -> FunctionSet {
        for index in FunctionTree.nodes.indices where FunctionTree.nodes[index].tag == tag {
            return FunctionSet(rawValue: FunctionTree.nodes[index].functions)
        }
        return FunctionSet()
    }

    /// The functions below the node with this name, or of the function with it; empty for a name that is not in the tree.
    public static func below(named name: Span<UInt8>) -> FunctionSet {
        for index in FunctionTree.nodes.indices where name.equals(FunctionTree.nodes[index].tag.name) {
            return FunctionSet(rawValue: FunctionTree.nodes[index].functions)
        }
        return FunctionSet()
    }

    /// The functions that `version` knows.
    public static func known(in version: Version) -> FunctionSet {
        var set: UInt64 = 0
        for index in FunctionTree.nodes.indices {
            let node = FunctionTree.nodes[index]
            if FunctionTree.isLeaf(index), node.exists(in: version) { set |= node.functions }
        }
        return FunctionSet(rawValue: set)
    }
}

/// The service tree; its nodes are in `Generated/Function+Tree.swift`.
public enum FunctionTree {
    /// Reads the WVCSPFeat of a Service-Request. A node without children means all that is below it.
    ///
    /// - Source: protocol/session.md §7, rule 1.
    public static func read(_ document: borrowing Document, _ element: Document.Element) -> FunctionSet {
        var set = FunctionSet()
        var child = document.firstChild(of: element)
        if child == nil { return .below(document.tag(of: element)) }
        while let next = child {
            set = set.union(read(document, next))
            child = document.nextSibling(of: next)
        }
        return set
    }

    /// Writes WVCSPFeat with the functions of `set` that `version` knows.
    ///
    /// - Parameter collapses: Whether a node of which everything is in the set stands alone, without its children.
    public static func write(_ set: FunctionSet, version: Version, collapses: Bool, into writer: inout Writer) {
        write(node: 0, set, version: version, collapses: collapses, into: &writer)
    }

    private static func write(
        node index: Int, _ set: FunctionSet, version: Version, collapses: Bool, into writer: inout Writer
    ) {
        let node = nodes[index]
        let known = functions(of: index, in: version)
        let included = set.rawValue & known
        if isLeaf(index) || collapses && included == known && index > 0 {
            writer.empty(node.tag)
            return
        }
        writer.open(node.tag)
        var child = index + 1
        while child < Int(node.next) {
            if functions(of: child, in: version) & set.rawValue != 0 {
                write(node: child, set, version: version, collapses: collapses, into: &writer)
            }
            child = Int(nodes[child].next)
        }
        writer.close(node.tag)
    }

    /// True for a function, false for a feature or a group of functions.
    static func isLeaf(_ index: Int) -> Bool { Int(nodes[index].next) == index + 1 }

    /// The functions below a node that `version` knows.
    private static func functions(of index: Int, in version: Version) -> UInt64 {
        var functions: UInt64 = 0
        for below in index..<Int(nodes[index].next) {
            let node = nodes[below]
            if isLeaf(below), node.exists(in: version) { functions |= node.functions }
        }
        return functions
    }
}

/// A node of the service tree.
struct FunctionNode: Sendable {
    let tag: Tag
    /// The index after the last node below this one.
    let next: UInt16
    let versions: UInt8
    /// The functions at or below this node.
    let functions: UInt64

    init(_ tag: Tag, next: UInt16, versions: UInt8, functions: UInt64) {
        self.tag = tag
        self.next = next
        self.versions = versions
        self.functions = functions
    }

    func exists(in version: Version) -> Bool { versions & 1 << (version.rawValue - 1) != 0 }
}
