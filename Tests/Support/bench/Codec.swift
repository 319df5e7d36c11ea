import Foundation
import Harness
import Octets
import Wire

/// The reader and the writer of the engine by themselves.
final class Codec {
    private var document: Document
    private var writer: Writer
    private let requests: [Syntax: [UInt8]]

    init() throws {
        document = Document(nodes: Codec.lent(2000, Document.Node()), texts: FixedBytes(Codec.lent(60_000, UInt8(0))))
        writer = Writer(output: FixedBytes(Codec.lent(60_000, UInt8(0))))
        let client = try EngineProcess().client("alice", "1.3")
        let text = client.document(
            client.sendContent("a message of ordinary length", to: ["wv:bob@home.test"]), transaction: "m1",
            session: String(repeating: "0", count: 36))
        requests = [.xml: try Client.body(text, "xml"), .wbxml: try Client.body(text, "wbxml")]
    }

    private static func lent<Element: BitwiseCopyable>(_ count: Int, _ value: Element) -> Slab<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: count)
        memory.initialize(repeating: value, count: count)
        return Slab(lent: memory, count: count)
    }

    /// Microseconds of CPU for one, and for each KB of both messages: the least of some rounds, in which the syntaxes
    /// take turns because the machine is not always as fast.
    func costs() -> [Syntax: (microseconds: Double, perKilobyte: Double)] {
        let each = 4000
        var best: [Syntax: (microseconds: Double, perKilobyte: Double)] = [:]
        for _ in 0..<40 {
            for (syntax, request) in requests {
                let start = clock()
                for _ in 0..<each {
                    try! document.read(request.span, syntax: syntax)
                    writeAnswer(syntax)
                }
                let cost = Double(clock() - start) / Double(CLOCKS_PER_SEC) * 1e6 / Double(each)
                let byteCount = request.count + writer.output.count
                if cost < best[syntax]?.microseconds ?? .infinity {
                    best[syntax] = (cost, cost * 1024 / Double(byteCount))
                }
            }
        }
        return best
    }

    private func writeAnswer(_ syntax: Syntax) {
        writer.output.removeAll()
        writer.begin(syntax: syntax, version: .v1_3)
        writer.open(.wvCSPMessage)
        writer.open(.session)
        writer.open(.sessionDescriptor)
        writer.text(.sessionType, "Inband")
        writer.text(.sessionID, "000000000000000000000000000000000000")
        writer.close(.sessionDescriptor)
        writer.open(.transaction)
        writer.open(.transactionDescriptor)
        writer.text(.transactionMode, "Response")
        writer.text(.transactionID, "m1")
        writer.close(.transactionDescriptor)
        writer.open(.transactionContent)
        writer.open(.sendMessageResponse)
        writer.open(.result)
        writer.integer(.code, 200)
        writer.text(.description, "Successful")
        writer.close(.result)
        writer.text(.messageID, "0123456789abcdef")
        writer.close(.sendMessageResponse)
        writer.close(.transactionContent)
        writer.close(.transaction)
        writer.flag(.poll, false)
        writer.close(.session)
        writer.close(.wvCSPMessage)
    }
}
