import Foundation

/// What a terminal makes of what a program writes: as much of it as the programs use, and an error mark for the rest.
public struct Screen {
    private let columns: Int
    private let rowCount: Int
    /// Each place has a character; the second half of a wide one is empty.
    private var rows: [[String]]
    private var row = 0
    private var column = 0

    public init(columns: Int, rows: Int) {
        self.columns = columns
        rowCount = rows
        self.rows = Array(repeating: Array(repeating: " ", count: columns), count: rows)
    }

    /// The rows, without what is empty at their ends, and `|` where the cursor is.
    public mutating func showing(_ text: String) -> String {
        var rest = text[...]
        while let character = rest.first {
            if character == "\u{1B}" {
                takeSequence(&rest)
            } else {
                rest.removeFirst()
                take(character)
            }
        }
        var shown = rows
        if row < rowCount, column < columns {
            shown[row][column] = "|" + (shown[row][column] == " " ? "" : shown[row][column])
        }
        let lines = shown.map { line in
            var line = line.joined()
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
        return lines.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n"
    }

    private mutating func take(_ character: Character) {
        switch character {
        case "\r\n", "\n": nextRow()
        case "\r": column = 0
        case "\u{7}": break
        case "\u{8}": column = max(0, column - 1)
        default:
            let width = Screen.width(character)
            if column + width > columns { nextRow() }
            rows[row][column] = String(character)
            for offset in 1..<max(1, width) where column + offset < columns { rows[row][column + offset] = "" }
            column += width
        }
    }

    private mutating func nextRow() {
        column = 0
        row += 1
        guard row == rowCount else { return }
        row -= 1
        rows.removeFirst()
        rows.append(Array(repeating: " ", count: columns))
    }

    /// `ESC [ number letter`.
    private mutating func takeSequence(_ rest: inout Substring) {
        guard let match = rest.prefixMatch(of: /\u{1B}\[(\d*)([A-Za-z])/) else {
            rest.removeFirst()
            return take("?")
        }
        let number = Int(match.1) ?? 1
        rest = rest[match.range.upperBound...]
        switch match.2 {
        case "K": for place in column..<max(column, columns) { rows[row][place] = " " }
        case "C": column = min(columns - 1, column + number)
        default: take("?")
        }
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
    ]

    /// The columns that a character takes, of one scalar or of several.
    private static func width(_ character: Character) -> Int {
        let scalars = Array(character.unicodeScalars)
        return scalars.contains { $0.value == 0xFE0F } || wide.contains { $0.contains(scalars[0].value) } ? 2 : 1
    }
}
