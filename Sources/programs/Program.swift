import Octets

/// What the file is called by: one program with three names, because most of what the three need is the same.
enum Program {
    case impsd, impsctl, imps

    /// - Parameter path: As it was called; any other name stands for `impsd`.
    init(calledBy path: Span<UInt8>) {
        var start = path.count
        while start > 0, path[start - 1] != UInt8(ascii: "/") { start -= 1 }
        let name = path.extracting(start..<path.count)
        self = name.equals("impsctl") ? .impsctl : name.equals("imps") ? .imps : .impsd
    }
}
