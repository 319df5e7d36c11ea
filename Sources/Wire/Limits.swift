/// Bounds of a document. A document above one of them is refused, never cut.
public enum Limits {
    /// Elements inside one another, unknown ones included.
    @_transparent public static var depthMax: UInt { 32 }
    /// Attributes of one element.
    @_transparent public static var attributeCountMax: UInt { 16 }
    /// Elements of a document: an index is 16 bits wide and one value means none.
    @_transparent public static var elementCountMax: UInt { 65_534 }

    private static func relations() {  // never called: a negative difference does not compile
        let _: UInt = 65_535 - elementCountMax
    }
}
