import Octets

/// Cuts what comes on a stream into stanzas, in whatever pieces it arrives. It keeps nothing of it.
public struct StanzaSplitter {
    /// What has ended.
    public enum Piece: Sendable {
        /// The tag that begins the stream.
        case header
        case stanza
        /// The stream.
        case end
        /// What comes is no stream: what XMPP does not allow, or nothing that could follow.
        case broken
    }

    private enum State {
        case text, opened, tag, quoted, slash, closing, declaration, bang, characterData
    }

    private var state = State.text
    private var depth = 0
    private var quote: UInt8 = 0
    /// Brackets behind one another in character data.
    private var brackets = 0

    /// The beginning of a stream.
    public init() {}

    /// Nothing of a stanza has come.
    public var isBetween: Bool { state == .text && depth == 1 }

    /// Goes on at `index`, which is moved behind what was looked at.
    ///
    /// - Returns: what ends at `index`; nil when nothing does.
    public mutating func next(_ octets: Span<UInt8>, from index: inout Int) -> Piece? {
        while index < octets.count {
            let octet = octets[index]
            index += 1
            if let piece = take(octet) { return piece }
        }
        return nil
    }

    private mutating func take(_ octet: UInt8) -> Piece? {
        switch state {
        case .text: if octet == 0x3C { state = .opened }
        case .opened: return open(octet)
        case .tag: return inTag(octet)
        case .quoted: if octet == quote { state = .tag }
        case .slash:
            if octet != 0x3E { return inTag(octet) }
            state = .text
            if depth < 2 { return depth == 1 ? .stanza : .broken }
        case .closing:
            guard octet == 0x3E else { return nil }
            state = .text
            depth -= 1
            if depth < 2 { return depth == 1 ? .stanza : depth == 0 ? .end : .broken }
        case .declaration: if octet == 0x3E { state = .text }
        case .bang:
            guard octet == 0x5B else { return .broken }
            state = .characterData
            brackets = 0
        case .characterData:
            if octet == 0x3E, brackets >= 2 { state = .text }
            brackets = octet == 0x5D ? brackets + 1 : 0
        }
        return nil
    }

    private mutating func open(_ octet: UInt8) -> Piece? {
        if octet == 0x2F {
            state = .closing
        } else if octet == 0x3F, depth == 0 {
            state = .declaration
        } else if octet == 0x21, depth > 1 {
            state = .bang
        } else {
            guard octet.isASCIILetter || octet == 0x5F else { return .broken }
            state = .tag
        }
        return nil
    }

    private mutating func inTag(_ octet: UInt8) -> Piece? {
        state = .tag
        if octet == 0x22 || octet == 0x27 {
            quote = octet
            state = .quoted
        } else if octet == 0x2F {
            state = .slash
        } else if octet == 0x3E {
            state = .text
            depth += 1
            if depth == 1 { return .header }
        }
        return nil
    }
}
