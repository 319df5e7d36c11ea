extension Writer {
    /// Writes a whole document in the syntax and version of the message: how one becomes the other.
    ///
    /// Its namespaces are those of the version, and what the protocol does not know is not in it.
    public mutating func write(_ document: borrowing Document) {
        guard let root = document.root else { return }
        openRoot(document.tag(of: root))
        writeChildren(document, of: root)
        close(document.tag(of: root))
    }

    private mutating func writeChildren(_ document: borrowing Document, of element: Document.Element) {
        var next = document.firstChild(of: element)
        while let current = next {
            write(document, current)
            next = document.nextSibling(of: current)
        }
    }

    /// Writes an element of a document with all that is in it; as deep as a document may be.
    public mutating func write(_ document: borrowing Document, _ element: Document.Element) {
        let tag = document.tag(of: element)
        guard document.firstChild(of: element) != nil else {
            let text = document.text(of: element)
            if text.count > 0 { self.text(tag, text) } else { empty(tag) }
            return
        }
        open(tag)
        writeChildren(document, of: element)
        close(tag)
    }
}
