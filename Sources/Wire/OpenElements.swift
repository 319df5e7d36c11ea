/// An element that is being read.
struct OpenElement {
    /// The element on the tape; nil when it is skipped.
    var element: Document.Element?
    var lastChild: Document.Element?
    var textStart: UInt32 = 0
    /// Where its name is in XML, whose end tag has to say the same.
    var nameStart: UInt32 = 0
    var nameCount: UInt16 = 0
}

/// The elements that are open while a document is read, the same for both syntaxes: what comes onto the tape, what is
/// skipped, and whose a text is.
struct OpenElements {
    /// The elements around the innermost one. It is handed from function to function: inside this structure, or that of a
    /// reader, it would be copied with it.
    typealias Stack = InlineArray<32, OpenElement>

    /// The innermost open element.
    var current = OpenElement()
    private(set) var depth = 0
    /// How many of the open elements, counted from the innermost, belong to a subtree that is skipped.
    private var skippedDepth = 0

    /// True when text belongs to an element on the tape that has no children so far.
    var keepsText: Bool { skippedDepth == 0 && current.lastChild == nil }

    /// Begins an element.
    ///
    /// - Parameters:
    ///   - tag: nil for a name that is not of the protocol: it is skipped with all that is in it.
    ///   - offset: Where it stands, for an error.
    ///   - nameCount: Octets of its name there, in XML.
    mutating func open(
        _ tag: Tag?, at offset: Int, nameCount: Int = 0, _ document: inout Document, _ stack: inout Stack
    ) throws(WireError) {
        guard depth < stack.count else { throw WireError(.tooLarge, at: offset) }
        var open = OpenElement(nameStart: UInt32(offset), nameCount: UInt16(nameCount))
        if skippedDepth > 0 {
            skippedDepth += 1
        } else if let tag {
            // White space before a child is no text of the parent.
            if depth > 0, current.lastChild == nil { document.truncateText(to: Int(current.textStart)) }
            guard let element = document.add(tag, under: current.element, after: current.lastChild) else {
                throw WireError(.tooLarge, at: offset)
            }
            current.lastChild = element
            open.element = element
            open.textStart = UInt32(document.textCount)
        } else {
            guard let parent = current.element else { throw WireError(.notAMessage, at: offset) }
            document.noteUnknownChild(of: parent)
            skippedDepth = 1
        }
        stack[depth] = current
        current = open
        depth += 1
    }

    /// Ends the innermost one.
    mutating func close(_ document: inout Document, _ stack: inout Stack) {
        if skippedDepth > 0 {
            skippedDepth -= 1
        } else if let element = current.element, current.lastChild == nil {
            document.setText(of: element, from: Int(current.textStart))
        }
        depth -= 1
        current = stack[depth]
    }
}
