import Octets

/// What a key means to the line.
enum Key {
    case none
    /// A character, or a piece of one.
    case text(InlineBytes<4>)
    case enter, tab, interrupt
    /// The end of the input in an empty line, else what the key for deleting does.
    case deleteOrEnd
    case left, right, wordLeft, wordRight, home, end, up, down
    case backspace, delete, removeWord, removeToStart, removeToEnd
    case redraw
}

/// Makes keys of what a terminal sends for them: a character, a control character, or a sequence behind ESC.
struct KeyReader {
    private enum State {
        case plain
        /// ESC came.
        case escape
        /// ESC and `[` or `O`, and of the numbers behind it the first one and the one behind the semicolon.
        case sequence
    }

    private var state = State.plain
    private var number = 0
    private var modifier = 0
    private var isModifier = false
    /// The octets of a character that is not complete yet.
    private var character = InlineBytes<4>()
    private var missing = 0

    mutating func take(_ octet: UInt8) -> Key {
        switch state {
        case .plain: return takePlain(octet)
        case .escape:
            state = .plain
            switch octet {
            case 0x5B, 0x4F:
                state = .sequence
                number = 0
                modifier = 0
                isModifier = false
                return .none
            case 0x62: return .wordLeft
            case 0x66: return .wordRight
            case 0x7F, 0x08: return .removeWord
            default: return .none
            }
        case .sequence: return takeSequence(octet)
        }
    }

    private mutating func takePlain(_ octet: UInt8) -> Key {
        if missing > 0, octet & 0xC0 == 0x80 {
            _ = character.append(octet)
            missing -= 1
            return missing == 0 ? .text(character) : .none
        }
        missing = 0
        switch octet {
        case 0x01: return .home
        case 0x02: return .left
        case 0x03: return .interrupt
        case 0x04: return .deleteOrEnd
        case 0x05: return .end
        case 0x06: return .right
        case 0x08, 0x7F: return .backspace
        case 0x09: return .tab
        case 0x0A, 0x0D: return .enter
        case 0x0B: return .removeToEnd
        case 0x0C: return .redraw
        case 0x0E: return .down
        case 0x10: return .up
        case 0x15: return .removeToStart
        case 0x17: return .removeWord
        case 0x1B:
            state = .escape
            return .none
        case 0x20..<0x7F, 0xC2...0xF4:
            character = InlineBytes()
            _ = character.append(octet)
            missing = octet < 0xC0 ? 0 : octet < 0xE0 ? 1 : octet < 0xF0 ? 2 : 3
            return missing == 0 ? .text(character) : .none
        default: return .none
        }
    }

    private mutating func takeSequence(_ octet: UInt8) -> Key {
        if octet.isASCIIDigit {
            let digit = Int(octet & 0x0F)
            if isModifier { modifier = modifier &* 10 &+ digit } else { number = number &* 10 &+ digit }
            return .none
        }
        if octet == 0x3B {
            isModifier = true
            return .none
        }
        guard octet >= 0x40 else { return .none }
        state = .plain
        switch octet {
        case 0x41: return .up
        case 0x42: return .down
        case 0x43: return modifier > 1 ? .wordRight : .right
        case 0x44: return modifier > 1 ? .wordLeft : .left
        case 0x46: return .end
        case 0x48: return .home
        case 0x7E:
            switch number {
            case 1, 7: return .home
            case 3: return .delete
            case 4, 8: return .end
            default: return .none
            }
        default: return .none
        }
    }
}
