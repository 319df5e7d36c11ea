import Octets

/// Content types of messages.
public enum ContentType {
    /// The type that a message without one has.
    public static var plainText: StaticString { "text/plain" }

    /// The type and subtype of `type`, without parameters and white space.
    @_lifetime(copy type)
    public static func essence(_ type: Span<UInt8>) -> Span<UInt8> {
        type.extracting(0..<(type.firstIndex(of: 0x3B) ?? type.count)).trimmed()
    }

    /// True when `pattern`, a type that a client accepts, takes `type`; `text/*` and `*/*` stand for many.
    public static func accepts(_ pattern: Span<UInt8>, _ type: Span<UInt8>) -> Bool {
        let pattern = essence(pattern)
        let type = essence(type)
        if pattern.equals("*/*") { return true }
        if pattern.count > 2, pattern[pattern.count - 1] == 0x2A, pattern[pattern.count - 2] == 0x2F {
            let prefix = pattern.count - 1
            return type.count > prefix
                && type.extracting(0..<prefix).equalsIgnoringCase(pattern.extracting(0..<prefix))
        }
        return type.equalsIgnoringCase(pattern)
    }
}
