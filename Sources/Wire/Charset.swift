import Octets

/// The characters that a document is written in. Text on the tape is always UTF-8.
enum Charset {
    case utf8, ascii, latin1

    /// The one with a name of XML, in the spellings that were met; nil for one that is not read. Source: CL-39.
    init?(name: Span<UInt8>) {
        if name.equalsIgnoringCase("utf-8") || name.equalsIgnoringCase("utf8") {
            self = .utf8
        } else if name.equalsIgnoringCase("us-ascii") || name.equalsIgnoringCase("ascii") {
            self = .ascii
        } else if name.equalsIgnoringCase("iso-8859-1") || name.equalsIgnoringCase("iso8859-1")
            || name.equalsIgnoringCase("latin1")
        {
            self = .latin1
        } else {
            return nil
        }
    }

    /// The one with a number of WBXML; nil for one that is not read.
    init?(number: UInt32) {
        switch number {
        case 0, 106: self = .utf8
        case 3: self = .ascii
        case 4: self = .latin1
        default: return nil
        }
    }
}

/// A character that is not ASCII, and how many octets it takes.
struct ForeignCharacter {
    let scalar: UInt32
    let byteCount: Int
    /// Its octets are not what UTF-8 has for it.
    let isRecoded: Bool

    /// The character at `index`; nil when there is none that XML has.
    init?(in octets: Span<UInt8>, at index: Int, _ charset: Charset) {
        switch charset {
        case .ascii: return nil
        case .latin1:
            scalar = UInt32(octets[index])
            byteCount = 1
            isRecoded = true
        case .utf8:
            if let pair = UTF8.surrogatePair(in: octets, at: index) {
                scalar = pair
                byteCount = UTF8.surrogatePairByteCount
                isRecoded = true
            } else if let character = UTF8.scalar(in: octets, at: index) {
                scalar = character.value
                byteCount = character.byteCount
                isRecoded = false
            } else {
                return nil
            }
        }
        if !UTF8.isXMLCharacter(scalar) { return nil }
    }
}
