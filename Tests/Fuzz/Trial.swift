import Octets
import Wire

/// Reads octets as both syntaxes. What is read has to be the same after it was written and read again, in either; a trap
/// ends the process, and libFuzzer keeps the input.
final class Trial {
    nonisolated(unsafe) static let one = Trial()

    private var document = Trial.makeDocument()
    private var again = Trial.makeDocument()
    private var writer = Writer(output: FixedBytes(lent(400_000, UInt8(0))))
    private var expected = FixedBytes(lent(400_000, UInt8(0)))

    private static func makeDocument() -> Document {
        Document(nodes: lent(500, Document.Node()), texts: FixedBytes(lent(40_000, UInt8(0))))
    }

    private static func lent<Element: BitwiseCopyable>(_ count: Int, _ value: Element) -> Slab<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: count)
        memory.initialize(repeating: value, count: count)
        return Slab(lent: memory, count: count)
    }

    func run(_ octets: UnsafeBufferPointer<UInt8>) {
        let octets = octets.span
        runStream(octets)
        for syntax in [Syntax.xml, .wbxml] {
            do throws(WireError) {
                try document.read(octets, syntax: syntax)
            } catch {
                precondition(error.offset >= 0 && error.offset <= octets.count, "the error is where the octets are")
                continue
            }
            write(document, .xml)
            if writer.isOverflowed { continue }
            expected.removeAll()
            expected.append(copy: writer.output, 0..<writer.output.count)
            for other in [Syntax.xml, .wbxml] {
                write(document, other)
                if writer.isOverflowed { continue }
                do throws(WireError) {
                    try again.read(writer.output.span, syntax: other)
                } catch {
                    fatalError("what was written cannot be read: \(error)")
                }
                write(again, .xml)
                precondition(Trial.equal(writer.output, expected), "another document came back")
            }
        }
    }

    /// A stream is cut at the same places whether it comes at once or in pieces, and what is cut off it can be read or not.
    private func runStream(_ octets: Span<UInt8>) {
        var (whole, parts) = (StanzaSplitter(), StanzaSplitter())
        var (index, place) = (0, 0)
        while index < octets.count {
            let start = index
            let piece = whole.next(octets, from: &index)
            var other: StanzaSplitter.Piece?
            while other == nil, place < octets.count {
                var inner = 0
                let end = min(octets.count, place + 1 + place % 7)
                other = parts.next(octets.extracting(place..<end), from: &inner)
                place += inner
            }
            precondition(piece == other && place == index, "a stream is cut elsewhere in pieces")
            do throws(WireError) { try document.read(stanza: octets.extracting(start..<index)) } catch {}
            if let root = document.root { _ = document.value(.id, of: root).count }
            guard piece == .header || piece == .stanza else { return }
        }
    }

    private static func equal(_ first: borrowing FixedBytes, _ second: borrowing FixedBytes) -> Bool {
        first.span.equals(second.span)
    }

    private func write(_ document: borrowing Document, _ syntax: Syntax) {
        writer.output.removeAll()
        writer.begin(syntax: syntax, version: document.version ?? Version(nearestTo: document.namespace))
        writer.write(document)
    }
}
