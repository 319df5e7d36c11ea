import Octets
import Transport

/// The lines that were typed before, as many as fit in 8 KB.
struct History: ~Copyable {
    private var lines = Memory.buffer(8192)
    /// Where the line begins that is shown; the end while it is none of these.
    private var place = 0
    /// What was being typed when the user went back.
    private var draft = InlineBytes<1000>()

    /// Adds a line, unless it is the same as the last one; a very long one is not kept.
    mutating func add(_ line: borrowing FixedBytes) {
        defer { leave() }
        guard line.count > 0, line.count <= 1000 else { return }
        if lines.count > line.count {
            let start = lines.count - line.count - 1
            let isLast = start == 0 || lines[start - 1] == 0x0A
            if isLast, lines.span(start..<lines.count - 1).equals(line.span) { return }
        }
        while lines.freeCapacity <= line.count {
            let end = (lines.span.firstIndex(of: 0x0A) ?? lines.count - 1) + 1
            lines.removeFirst(end)
        }
        lines.append(copy: line, 0..<line.count)
        lines.append(0x0A)
    }

    /// Goes back to the end.
    mutating func leave() { place = lines.count }

    /// The line before the one that is shown; nil when there is none.
    ///
    /// - Parameter line: What is shown.
    mutating func older(than line: borrowing FixedBytes) -> InlineBytes<1000>? {
        guard place > 0 else { return nil }
        if place == lines.count { draft = InlineBytes(prefix: line.span) }
        var start = place - 1
        while start > 0, lines[start - 1] != 0x0A { start -= 1 }
        place = start
        return current
    }

    /// The line after the one that is shown, at last what was being typed; nil when there is none.
    mutating func newer() -> InlineBytes<1000>? {
        guard place < lines.count else { return nil }
        place = (lines.span.firstIndex(of: 0x0A, from: place) ?? lines.count - 1) + 1
        return place < lines.count ? current : draft
    }

    private var current: InlineBytes<1000> {
        let end = lines.span.firstIndex(of: 0x0A, from: place) ?? lines.count
        return InlineBytes(prefix: lines.span(place..<end))
    }
}
