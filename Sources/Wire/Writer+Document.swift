extension Writer {
    /// Writes a whole document in the syntax and version of the message: how one becomes the other.
    ///
    /// Its namespaces are those of the version, and what the protocol does not know is not in it.
    public mutating func write(_ document: borrowing Document) {
        if let root = document.root { write(document, root) }
    }

    /// As deep as a document may be.
    private mutating func write(_ document: borrowing Document, _ element: Document.Element) {
        let tag = document.tag(of: element)
        guard let child = document.firstChild(of: element) else {
            let text = document.text(of: element)
            if text.count > 0 { self.text(tag, text) } else { empty(tag) }
            return
        }
        open(tag)
        var next: Document.Element? = child
        while let current = next {
            write(document, current)
            next = document.nextSibling(of: current)
        }
        close(tag)
    }
}
