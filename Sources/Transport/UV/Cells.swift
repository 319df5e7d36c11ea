import CLibC
import Octets

/// What characters take of a terminal: a person sees one where a text may have several scalars.
public enum Cells {
    /// The character that begins at an index: its octets, and the columns that it takes, 0 to 2.
    ///
    /// A letter with its accents is one, and so is an emoji with its colour, its variation and what it is joined with, and
    /// a flag of two letters. What is no UTF-8 is one octet in one column.
    public static func character(in text: Span<UInt8>, at index: Int) -> (byteCount: Int, columns: Int) {
        guard let first = UTF8.scalar(in: text, at: index) else { return (1, 1) }
        var end = index + first.byteCount
        var columns = width(first.value)
        var isFlag = isRegional(first.value)
        while end < text.count, let next = UTF8.scalar(in: text, at: end) {
            if next.value == 0x200D {
                end += next.byteCount
                guard end < text.count, let joined = UTF8.scalar(in: text, at: end) else { break }
                end += joined.byteCount
            } else if next.value == 0xFE0F {
                end += next.byteCount
                columns = 2
            } else if isFlag, isRegional(next.value) {
                end += next.byteCount
                columns = 2
                isFlag = false
            } else if extends(next.value) {
                end += next.byteCount
            } else {
                break
            }
        }
        return (end - index, columns)
    }

    /// The columns of a text in one line.
    public static func columns(of text: Span<UInt8>) -> Int {
        var index = 0
        var columns = 0
        while index < text.count {
            let character = character(in: text, at: index)
            index += character.byteCount
            columns += character.columns
        }
        return columns
    }

    /// Has the C library know the characters of UTF-8; called once at the start.
    public static func prepare() { libc_set_characters() }

    private static func width(_ scalar: UInt32) -> Int {
        // A letter of a flag that stands alone is drawn as a letter in a box.
        isRegional(scalar) ? 2 : max(0, min(2, Int(libc_width(scalar))))
    }

    private static func isRegional(_ scalar: UInt32) -> Bool { 0x1F1E6...0x1F1FF ~= scalar }

    /// Whether a scalar belongs to the one before it.
    private static func extends(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x1F3FB...0x1F3FF, 0xE0020...0xE007F: return true
        case 0..<0x300: return false
        default: return libc_width(scalar) == 0
        }
    }
}
