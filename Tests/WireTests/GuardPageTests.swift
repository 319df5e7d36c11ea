import Foundation
import Testing
import Wire

/// Documents that end where memory ends: a reader that looks one octet too far ends the process.
@Suite struct GuardPageTests {
    /// Pages of which the last may not be touched.
    private struct Pages {
        let base: UnsafeMutableRawPointer
        let byteCount: Int

        init(atLeast count: Int) {
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            byteCount = (count + page - 1) / page * page
            base = mmap(
                nil, byteCount + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            #expect(base != MAP_FAILED && mprotect(base + byteCount, page, PROT_NONE) == 0)
        }

        /// Reads octets that end at the guard.
        func read(_ octets: ArraySlice<UInt8>, _ syntax: Syntax, into document: inout Document) -> WireError? {
            let start = base + (byteCount - octets.count)
            octets.withUnsafeBytes {
                if let source = $0.baseAddress { start.copyMemory(from: source, byteCount: $0.count) }
            }
            let span = UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: octets.count).span
            do throws(WireError) { try document.read(span, syntax: syntax) } catch { return error }
            return nil
        }
    }

    private static var documents: [(name: String, octets: [UInt8])] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../Golden")
        let paths = FileManager.default.enumerator(atPath: folder.path)!.allObjects as! [String]
        return paths.sorted().filter { $0.hasSuffix(".xml") }.map { path in
            (path, [UInt8](try! Data(contentsOf: folder.appendingPathComponent(path))))
        }
    }

    @Test func readersStayInsideOfWhatTheyGet() throws {
        let documents = GuardPageTests.documents
        #expect(documents.count > 50)
        let pages = Pages(atLeast: 65_536)
        var document = makeDocument(nodes: 1000, texts: 20_000)
        var cut = 0
        for (name, octets) in documents {
            #expect(pages.read(octets[...], .xml, into: &document) == nil, "\(name)")
            let binary = try rewritten(octets, .xml, as: .wbxml)
            #expect(pages.read(binary[...], .wbxml, into: &document) == nil, "\(name)")
            // Cut at each octet: it is no document any more, and nothing behind it is looked at.
            for end in 0..<octets.count where end % 3 == 0 || end + 40 > octets.count {
                if pages.read(octets[..<end], .xml, into: &document) != nil { cut += 1 }
            }
            for end in 0..<binary.count where pages.read(binary[..<end], .wbxml, into: &document) != nil { cut += 1 }
        }
        #expect(cut > 10_000)
    }
}
