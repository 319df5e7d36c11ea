import Octets
import Wire

/// Who asks and who answers. Source: protocol/session.md §1.4.
public enum TransactionMode: UInt8, Sendable {
    /// Opens a transaction.
    case request
    /// Closes one.
    case response

    /// The mode with this name; nil when it is none.
    public init?(_ word: Span<UInt8>) {
        if word.equalsIgnoringCase("Request") {
            self = .request
        } else if word.equalsIgnoringCase("Response") {
            self = .response
        } else {
            return nil
        }
    }

    var name: StaticString { self == .request ? "Request" : "Response" }
}

/// Writes what is around the primitives of a message. Source: protocol/session.md §1.1.
public struct Envelope {
    /// The Poll flag of 1.1, which stands in front of the content it depends on.
    private var poll: Writer.PendingFlag?
    /// Transactions that are whole.
    public private(set) var transactionCount = 0

    /// Begins a message.
    ///
    /// - Parameter sessionID: The session of an Inband message; empty makes it Outband.
    public init(sessionID: Span<UInt8>, into writer: inout Writer) {
        writer.open(.wvCSPMessage)
        writer.open(.session)
        writer.open(.sessionDescriptor)
        writer.text(.sessionType, sessionID.count > 0 ? "Inband" : "Outband")
        if sessionID.count > 0 { writer.text(.sessionID, sessionID) }
        writer.close(.sessionDescriptor)
    }

    /// Begins a transaction; its primitive follows.
    public mutating func openTransaction(_ mode: TransactionMode, id: Span<UInt8>, into writer: inout Writer) {
        writer.open(.transaction)
        writer.open(.transactionDescriptor)
        writer.text(.transactionMode, mode.name)
        if id.count > 0 { writer.text(.transactionID, id) } else { writer.empty(.transactionID) }
        if writer.version == .v1_1 { poll = writer.pendingFlag(.poll) }
        writer.close(.transactionDescriptor)
        writer.open(.transactionContent)
    }

    /// Ends a transaction.
    public mutating func closeTransaction(into writer: inout Writer) {
        writer.close(.transactionContent)
        writer.close(.transaction)
        transactionCount += 1
    }

    /// Ends the message with the Poll flag where the version wants it.
    ///
    /// - Parameters:
    ///   - hasMore: Whether more waits for the client; nil for what a client sends, which has no such flag.
    ///   - cir: The element CIR, for a client that has to open its connection for calls again; not in 1.1.
    /// - Source: protocol/transport.md §3.1 and §7.
    public func close(poll hasMore: Bool?, cir: Bool? = nil, into writer: inout Writer) {
        if let poll {
            if hasMore == true { writer.set(poll) }
        } else if let hasMore, writer.version > .v1_1 {
            writer.flag(.poll, hasMore)
        }
        if let cir, writer.version > .v1_1 { writer.flag(.cir, cir) }
        writer.close(.session)
        writer.close(.wvCSPMessage)
    }
}
