import Octets

/// How a document is written in octets.
public enum Syntax: UInt8, BitwiseCopyable, Sendable {
    /// XML text.
    case xml = 1
    /// WBXML tokens.
    case wbxml = 2
}

extension Document {
    /// Reads a message in `syntax` onto the tape.
    ///
    /// - Parameter hasNewValueTokens: See `read(wbxml:hasNewValueTokens:)`.
    /// - Throws: `WireError`; what was read before the error stays on the tape.
    public mutating func read(
        _ octets: Span<UInt8>, syntax: Syntax, hasNewValueTokens: Bool = false
    ) throws(WireError) {
        switch syntax {
        case .xml: try read(xml: octets)
        case .wbxml: try read(wbxml: octets, hasNewValueTokens: hasNewValueTokens)
        }
    }
}
