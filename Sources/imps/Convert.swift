import CLibC
import Files
import Octets
import Transport
import Wire

/// `decode`: prints a captured document of either syntax as XML in lines, as far as it can be read.
func decode(_ path: Span<UInt8>) -> ExitCode {
    var input = Memory.buffer(Conversion.byteCountMax)
    guard read(path, into: &input) else { return .badData }
    var document = Conversion.makeDocument()
    let error = read(input, onto: &document)
    var writer = Writer(output: Memory.buffer(4 * Conversion.byteCountMax))
    writer.begin(syntax: .xml, version: Conversion.version(of: document))
    if let root = document.root {
        writer.write(document, root, indent: 0, isRoot: true)
        writer.output.append(0x0A)
    }
    guard print(writer, path) else { return .badData }
    guard let error else { return .success }
    report(error, path)
    return .badData
}

/// `encode`: writes a document of either syntax to standard output as WBXML.
func encode(_ path: Span<UInt8>) -> ExitCode {
    var input = Memory.buffer(Conversion.byteCountMax)
    guard read(path, into: &input) else { return .badData }
    var document = Conversion.makeDocument()
    if let error = read(input, onto: &document) {
        report(error, path)
        return .badData
    }
    var writer = Writer(output: Memory.buffer(4 * Conversion.byteCountMax))
    writer.begin(syntax: .wbxml, version: Conversion.version(of: document))
    writer.write(document)
    return print(writer, path) ? .success : .badData
}

/// What documents from files are read with: more room than any client or server has.
private enum Conversion {
    static var byteCountMax: Int { 1 << 20 }

    static func makeDocument() -> Document {
        Document(
            nodes: Memory.slab(Int(Limits.elementCountMax), Document.Node.self), texts: Memory.buffer(byteCountMax))
    }

    /// The version of a document; 1.2 for one without a namespace.
    static func version(of document: borrowing Document) -> Version {
        document.version ?? Version(nearestTo: document.namespace)
    }
}

/// Reads a file, or standard input for `-`; false when that fails, and said so.
private func read(_ path: Span<UInt8>, into input: inout FixedBytes) -> Bool {
    let name: StaticString = "/dev/stdin"
    do throws(File.Failure) {
        try File.read(path.equals("-") ? name.octets : path, into: &input)
        return true
    } catch {
        Terminal.printError("imps: ")
        Terminal.printError(path)
        switch error {
        case .missing: Terminal.printError(": there is no such file\n")
        case .tooLarge: Terminal.printError(": larger than a megabyte\n")
        case .failed: Terminal.printError(": cannot be read\n")
        }
        return false
    }
}

private func read(_ input: borrowing FixedBytes, onto document: inout Document) -> WireError? {
    let isTokens = input.count > 0 && (0x01...0x03).contains(input[0])
    do throws(WireError) {
        try document.read(input.span, syntax: isTokens ? .wbxml : .xml)
        return nil
    } catch {
        return error
    }
}

/// Prints what was written; false when it did not fit, and said so.
private func print(_ writer: borrowing Writer, _ path: Span<UInt8>) -> Bool {
    guard writer.isOverflowed else {
        Terminal.print(writer.output.span)
        return true
    }
    Terminal.printError("imps: ")
    Terminal.printError(path)
    Terminal.printError(": what it becomes is larger than 4 megabytes\n")
    return false
}

private func report(_ error: WireError, _ path: Span<UInt8>) {
    var line = Memory.buffer(512)
    line.append("imps: ")
    line.append(path)
    line.append(": octet ")
    line.append(decimal: UInt64(error.offset))
    line.append(": ")
    line.append(error.reason.name)
    line.append(0x0A)
    Terminal.printError(line.span)
}

extension Writer {
    /// Writes an element in lines of its own, with what is in it.
    fileprivate mutating func write(
        _ document: borrowing Document, _ element: Document.Element, indent: Int, isRoot: Bool = false
    ) {
        let tag = document.tag(of: element)
        let hasUnknown = document.hasUnknownChildren(element)
        guard isRoot || hasUnknown || document.firstChild(of: element) != nil else {
            let text = document.text(of: element)
            if text.count > 0 { self.text(tag, text) } else { empty(tag) }
            return
        }
        isRoot ? openRoot(tag) : open(tag)
        var next = document.firstChild(of: element)
        while let child = next {
            breakLine(indent + 1)
            write(document, child, indent: indent + 1)
            next = document.nextSibling(of: child)
        }
        if hasUnknown {
            breakLine(indent + 1)
            output.append("<!-- here is more that the protocol does not know -->")
        }
        breakLine(indent)
        close(tag)
    }

    private mutating func breakLine(_ indent: Int) {
        output.append(0x0A)
        for _ in 0..<indent { output.append("  ") }
    }
}
