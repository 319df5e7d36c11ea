/// Why octets are not a document, and where it was seen.
public struct WireError: Error, Equatable {
    /// What is wrong.
    public enum Reason: UInt8, Sendable {
        /// The octets end too early.
        case truncated
        /// The octets break the rules of the syntax.
        case notWellFormed
        /// A character that the syntax does not allow, or octets that are not UTF-8.
        case invalidCharacter
        /// The document says that it is not in UTF-8.
        case encodingNotSupported
        /// A document type with declarations of its own, or a reference to an entity that only it could declare.
        case declarationNotAllowed
        /// The root is no message of ours.
        case notAMessage
        /// More levels, elements, attributes or text than a document may have.
        case tooLarge

        /// A word for the log.
        public var name: StaticString {
            switch self {
            case .truncated: return "truncated"
            case .notWellFormed: return "not-well-formed"
            case .invalidCharacter: return "invalid-character"
            case .encodingNotSupported: return "encoding"
            case .declarationNotAllowed: return "declaration"
            case .notAMessage: return "not-a-message"
            case .tooLarge: return "too-large"
            }
        }
    }

    /// What is wrong.
    public var reason: Reason
    /// The number of octets before the place where it was seen.
    public var offset: Int

    /// An error seen after `offset` octets.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}
