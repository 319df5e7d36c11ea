import Octets

/// A section of the configuration that the engine is lent: looked at line by line without a store, and then taken.
public protocol ConfiguredSection: ZeroInitializable {
    /// A section without a line.
    init()

    /// All keys of a section.
    static var keys: StaticString { get }

    /// Takes a line of the section; the words say what is allowed when the value is not, and nil that it is.
    mutating func take(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString?

    /// What is wrong with the section as a whole; nil when nothing is.
    func finish(name: Span<UInt8>) -> StaticString?
}
