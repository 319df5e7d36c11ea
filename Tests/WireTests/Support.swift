import Foundation
import Octets

@testable import Wire

/// Memory that lives as long as the test process.
func lent(_ byteCount: Int) -> FixedBytes {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCount)
    memory.initialize(repeating: 0, count: byteCount)
    return FixedBytes(Slab(lent: memory, count: byteCount))
}

func makeDocument(nodes: Int = 200, texts: Int = 5000) -> Document {
    let memory = UnsafeMutablePointer<Document.Node>.allocate(capacity: nodes)
    memory.initialize(repeating: Document.Node(), count: nodes)
    return Document(nodes: Slab(lent: memory, count: nodes), texts: lent(texts))
}

func string(_ span: Span<UInt8>) -> String { String(decoding: octets(span), as: Swift.UTF8.self) }

func octets(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

/// Octets as the specification writes them.
func octets(_ hexadecimal: String) -> [UInt8] {
    hexadecimal.split(whereSeparator: \.isWhitespace).map { UInt8($0, radix: 16)! }
}

/// A document as nested names and texts.
func outline(_ document: borrowing Document, _ element: Document.Element?) -> String {
    guard let element else { return "" }
    var children = ""
    var child = document.firstChild(of: element)
    while let current = child {
        children += outline(document, current)
        child = document.nextSibling(of: current)
    }
    return "\(document.tag(of: element).name)(\(children.isEmpty ? string(document.text(of: element)) : children))"
}

func outline(_ octets: [UInt8], _ syntax: Syntax) throws(WireError) -> String {
    var document = makeDocument(nodes: 1000, texts: 20_000)
    try document.read(octets.span, syntax: syntax)
    return outline(document, document.root)
}

/// A document in another syntax, or in another version.
func rewritten(_ octets: [UInt8], _ syntax: Syntax, as other: Syntax, _ version: Version? = nil) throws -> [UInt8] {
    var document = makeDocument(nodes: 1000, texts: 20_000)
    try document.read(octets.span, syntax: syntax)
    var writer = Writer(output: lent(40_000))
    writer.begin(syntax: other, version: version ?? document.version ?? .v1_2)
    writer.write(document)
    return WireTests.octets(writer.output.span)
}
