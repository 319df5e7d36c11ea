import Octets

/// A message as a flat tape of elements, the same for both syntaxes.
///
/// Each element knows its first child and its next sibling; the text of the elements that have no children lies in
/// one buffer behind the tape, decoded. What the protocol does not know is not on the tape. The order of children is
/// kept but nobody needs it: they are found by name.
///
/// The memory is lent once and used for one document after the other.
public struct Document: ~Copyable {
    /// An element of the document that is on the tape now.
    public struct Element: Equatable, Sendable {
        let index: UInt16
    }

    /// The memory of one element, to be lent by the caller.
    public struct Node: ZeroInitializable {
        var tag = Tag(rawValue: 0)
        var firstChild = Node.none
        var nextSibling = Node.none
        var textStart: UInt32 = 0
        var textCount: UInt32 = 0
        var hasUnknownChildren = false

        static var none: UInt16 { .max }

        /// An element that is not in use.
        public init() {}

        init(tag: Tag) { self.tag = tag }
    }

    private var nodes: Slab<Node>
    private var nodeCount = 0
    private var texts: FixedBytes
    private var namespaceCount = 0

    /// A document over lent memory.
    ///
    /// - Parameters:
    ///   - nodes: One for each element that a document may have, at most `Limits.elementCountMax`.
    ///   - texts: Storage for the text of a document, as large as the largest request.
    public init(nodes: consuming Slab<Node>, texts: consuming FixedBytes) {
        invariant(nodes.count <= Int(Limits.elementCountMax), "IM010 tape within the index")
        self.nodes = nodes
        self.texts = texts
    }

    /// The root element; nil before anything was read.
    public var root: Element? { nodeCount > 0 ? Element(index: 0) : nil }

    /// The number of elements on the tape.
    public var elementCount: Int { nodeCount }

    /// The namespace of the root; empty when it has none.
    public var namespace: Span<UInt8> {
        @_lifetime(borrow self)
        get { texts.span(0..<namespaceCount) }
    }

    /// The version that the root's namespace names; nil when it is none of ours.
    public var version: Version? { Version(sessionNamespace: namespace) }
}

// MARK: - Reading a document

extension Document {
    /// The name of an element.
    public func tag(of element: Element) -> Tag { nodes[Int(element.index)].tag }

    /// The first child, whatever it is; nil when there is none.
    public func firstChild(of element: Element) -> Element? {
        handle(nodes[Int(element.index)].firstChild)
    }

    /// The next element with the same parent; nil when it was the last.
    @inline(never)
    public func nextSibling(of element: Element) -> Element? {
        handle(nodes[Int(element.index)].nextSibling)
    }

    /// True when an element had children that the protocol does not know.
    public func hasUnknownChildren(_ element: Element) -> Bool { nodes[Int(element.index)].hasUnknownChildren }

    /// The first child with this name; nil when there is none.
    @inline(never)
    public func first(_ tag: Tag, in element: Element) -> Element? {
        firstMatch(tag, from: nodes[Int(element.index)].firstChild)
    }

    /// The next element with the same parent and the same name; nil when it was the last.
    @inline(never)
    public func next(after element: Element) -> Element? {
        let node = nodes[Int(element.index)]
        return firstMatch(node.tag, from: node.nextSibling)
    }

    /// The text of an element exactly as it was sent; empty when it has children.
    @inline(never)
    @_lifetime(borrow self)
    public func text(of element: Element) -> Span<UInt8> {
        let node = nodes[Int(element.index)]
        return texts.span(Int(node.textStart)..<Int(node.textStart + node.textCount))
    }

    /// The text of an element without white space at its ends, which is how words and names are read.
    @inline(never)
    @_lifetime(borrow self)
    public func word(of element: Element) -> Span<UInt8> {
        text(of: element).trimmed()
    }

    /// The word in the first child with this name; nil when there is no such child.
    @inline(never)
    @_lifetime(borrow self)
    public func word(_ tag: Tag, in element: Element) -> Span<UInt8>? {
        guard let child = first(tag, in: element) else { return nil }
        return word(of: child)
    }

    /// The number in the first child with this name; nil when there is no such child or no number in it.
    @inline(never)
    public func integer(_ tag: Tag, in element: Element) -> UInt64? {
        guard let child = first(tag, in: element) else { return nil }
        return Decimal.parse(word(of: child))
    }

    /// The truth value in the first child with this name: `T` or `F` in either case; nil when it is neither.
    @inline(never)
    public func flag(_ tag: Tag, in element: Element) -> Bool? {
        guard let child = first(tag, in: element) else { return nil }
        let word = word(of: child)
        guard word.count == 1 else { return nil }
        switch word[0] {
        case 0x54, 0x74: return true
        case 0x46, 0x66: return false
        default: return nil
        }
    }

    private func handle(_ index: UInt16) -> Element? {
        index == Node.none ? nil : Element(index: index)
    }

    private func firstMatch(_ tag: Tag, from start: UInt16) -> Element? {
        var index = start
        while index != Node.none {
            let node = nodes[Int(index)]
            if node.tag == tag { return Element(index: index) }
            index = node.nextSibling
        }
        return nil
    }
}

// MARK: - Forgetting a document

extension Document {
    /// Forgets the document and overwrites its texts, for one with secrets in it.
    public mutating func wipe() {
        texts.wipe()
        begin()
    }
}

// MARK: - Making a document

extension Document {
    /// Forgets the last document.
    mutating func begin() {
        nodeCount = 0
        namespaceCount = 0
        texts.removeAll()
    }

    /// Keeps a piece of the namespace of the root; called before any text.
    mutating func appendNamespace(_ piece: Span<UInt8>) {
        texts.append(piece)
        namespaceCount = texts.count
    }

    /// Adds an element after `previous` under `parent`; nil when the tape is full.
    mutating func add(_ tag: Tag, under parent: Element?, after previous: Element?) -> Element? {
        guard nodeCount < nodes.count else { return nil }
        let element = Element(index: UInt16(nodeCount))
        nodes[nodeCount] = Node(tag: tag)
        nodeCount += 1
        if let previous {
            nodes[Int(previous.index)].nextSibling = element.index
        } else if let parent {
            nodes[Int(parent.index)].firstChild = element.index
        }
        return element
    }

    /// Remembers that `element` has a child that is not on the tape.
    mutating func noteUnknownChild(of element: Element) {
        nodes[Int(element.index)].hasUnknownChildren = true
    }

    /// The number of octets of text so far.
    var textCount: Int { texts.count }

    /// True when a text did not fit.
    var isTextOverflowed: Bool { texts.isOverflowed }

    mutating func append(text octets: Span<UInt8>) { texts.append(octets) }

    mutating func append(scalar: UInt32) { texts.append(scalar: scalar) }

    mutating func append(decimal value: UInt64, width: Int) { texts.append(decimal: value, width: width) }

    mutating func append(base64 octets: Span<UInt8>) { Base64.encode(octets, into: &texts) }

    /// Gives `element` a constant text instead of its own.
    mutating func setText(of element: Element, _ text: StaticString) {
        let start = texts.count
        texts.append(text)
        setText(of: element, from: start)
    }

    /// Adds an element with a constant text behind the children of `parent`; false when the tape is full.
    mutating func addChild(_ tag: Tag, _ text: StaticString, of parent: Element) -> Bool {
        var last = firstChild(of: parent)
        while let child = last, let next = nextSibling(of: child) { last = next }
        guard let element = add(tag, under: parent, after: last) else { return false }
        setText(of: element, text)
        return true
    }

    /// Forgets text after `count` octets: white space before a child.
    mutating func truncateText(to count: Int) { texts.truncate(to: count) }

    /// Gives `element` the text from `start` to here.
    mutating func setText(of element: Element, from start: Int) {
        nodes[Int(element.index)].textStart = UInt32(start)
        nodes[Int(element.index)].textCount = UInt32(texts.count - start)
    }
}
