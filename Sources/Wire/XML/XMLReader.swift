import Octets

extension Document {
    /// Reads a message in XML onto the tape.
    ///
    /// The reader is strict about XML and lenient about the protocol: what is not well-formed is refused, elements and
    /// attributes that the protocol does not know are skipped. Namespace prefixes are ignored. An external document
    /// type is passed over, one with declarations inside is refused, and no entity but the five of XML is known.
    ///
    /// What clients of the field have around a document is passed over: white space before the declaration, NULs and white
    /// space behind the root. Source: CL-39, CL-40.
    ///
    /// - Parameter octets: The whole document in UTF-8, with or without a byte order mark, in ASCII or in ISO-8859-1.
    /// - Throws: `WireError`; what was read before the error is on the tape, so that an answer can name its transaction.
    /// - Source: protocol/session.md §1.2.
    public mutating func read(xml octets: Span<UInt8>) throws(WireError) { try read(octets, isStanza: false) }

    @inline(never)
    mutating func read(_ octets: Span<UInt8>, isStanza: Bool) throws(WireError) {
        begin()
        var reader = XMLReader(octets, isStanza: isStanza)
        try reader.read(into: &self)
    }
}

/// One pass over XML octets.
struct XMLReader: ~Copyable, ~Escapable {
    private let octets: Span<UInt8>
    /// It is of XMPP: other names, and attributes are looked at.
    private let isStanza: Bool
    private var index = 0
    private var charset = Charset.utf8

    private var elements = OpenElements()
    /// The hash of the name that was read last, without its prefix, and where that begins.
    private var nameHash = Tag.NameHash()
    private var localNameStart = 0

    private typealias Stack = OpenElements.Stack

    private struct OctetRange {
        var start = 0
        var count = 0
    }

    @_lifetime(copy octets)
    init(_ octets: Span<UInt8>, isStanza: Bool) {
        self.octets = octets
        self.isStanza = isStanza
    }

    mutating func read(into document: inout Document) throws(WireError) {
        if octets.starts(with: "\u{FEFF}") { index = 3 }
        skipWhitespace()
        guard !isUTF16 else { throw error(.encodingNotSupported) }
        if rest(startsWith: "<?xml"), index + 5 < octets.count, octets[index + 5].isASCIIWhitespace {
            try readDeclaration()
        }
        try readMisc(allowsDocumentType: true)
        guard peek == 0x3C else { throw error(index < octets.count ? .notWellFormed : .truncated) }
        var stack = Stack(repeating: OpenElement())
        try readStartTag(&document, &stack)
        while elements.depth > 0 {
            try readText(&document)
            try readMarkup(&document, &stack)
        }
        try readMisc(allowsDocumentType: false)
        while let octet = peek, octet == 0x00 || octet.isASCIIWhitespace { index += 1 }
        guard index == octets.count else { throw error(.notWellFormed) }
    }

    /// A byte order mark of UTF-16, or `<` in two octets.
    private var isUTF16: Bool {
        guard octets.count - index >= 2 else { return false }
        switch (octets[index], octets[index + 1]) {
        case (0xFE, 0xFF), (0xFF, 0xFE), (0x00, 0x3C), (0x3C, 0x00): return true
        default: return false
        }
    }

    // MARK: Prolog

    private mutating func readDeclaration() throws(WireError) {
        index += 5
        skipWhitespace()
        let version = try readPseudoAttribute("version")
        guard value(version).starts(with: "1."), version.count == 3, octets[version.start + 2].isASCIIDigit else {
            throw error(.notWellFormed)
        }
        var hadSpace = skipWhitespace()
        if hadSpace, rest(startsWith: "encoding") {
            let encoding = try readPseudoAttribute("encoding")
            guard let named = Charset(name: value(encoding)) else { throw error(.encodingNotSupported) }
            charset = named
            hadSpace = skipWhitespace()
        }
        if hadSpace, rest(startsWith: "standalone") {
            let standalone = try readPseudoAttribute("standalone")
            guard value(standalone).equals("yes") || value(standalone).equals("no") else { throw error(.notWellFormed) }
            skipWhitespace()
        }
        try expect("?>")
    }

    private mutating func readPseudoAttribute(_ name: StaticString) throws(WireError) -> OctetRange {
        try expect(name)
        skipWhitespace()
        try expect("=")
        skipWhitespace()
        return try readQuoted(allowsReferences: false)
    }

    /// Comments, processing instructions and white space, and at most one document type.
    private mutating func readMisc(allowsDocumentType: Bool) throws(WireError) {
        var mayHaveDocumentType = allowsDocumentType
        while true {
            skipWhitespace()
            if rest(startsWith: "<!--") {
                try readComment()
            } else if rest(startsWith: "<?") {
                try readInstruction()
            } else if mayHaveDocumentType, rest(startsWith: "<!DOCTYPE") {
                try readDocumentType()
                mayHaveDocumentType = false
            } else {
                return
            }
        }
    }

    private mutating func readDocumentType() throws(WireError) {
        index += 9
        guard skipWhitespace() else { throw error(.notWellFormed) }
        _ = try readName()
        var hadSpace = skipWhitespace()
        if hadSpace, rest(startsWith: "PUBLIC") {
            index += 6
            guard skipWhitespace() else { throw error(.notWellFormed) }
            try readPublicID()
            guard skipWhitespace() else { throw error(.notWellFormed) }
            try readSystemID()
            hadSpace = skipWhitespace()
        } else if hadSpace, rest(startsWith: "SYSTEM") {
            index += 6
            guard skipWhitespace() else { throw error(.notWellFormed) }
            try readSystemID()
            hadSpace = skipWhitespace()
        }
        if peek == 0x5B { throw error(.declarationNotAllowed) }
        try expect(">")
    }

    private mutating func readPublicID() throws(WireError) {
        guard let quote = peek, quote == 0x22 || quote == 0x27 else { throw error(.notWellFormed) }
        index += 1
        while let octet = peek, octet != quote {
            guard Self.isPublicIDCharacter(octet) else { throw error(.notWellFormed) }
            index += 1
        }
        guard peek == quote else { throw error(.truncated) }
        index += 1
    }

    private mutating func readSystemID() throws(WireError) {
        guard let quote = peek, quote == 0x22 || quote == 0x27 else { throw error(.notWellFormed) }
        index += 1
        while let octet = peek, octet != quote { try skipCharacter(octet) }
        guard peek == quote else { throw error(.truncated) }
        index += 1
    }

    private mutating func readComment() throws(WireError) {
        index += 4
        while true {
            guard let octet = peek else { throw error(.truncated) }
            if octet == 0x2D, rest(startsWith: "--") {
                try expect("-->")
                return
            }
            try skipCharacter(octet)
        }
    }

    private mutating func readInstruction() throws(WireError) {
        index += 2
        let target = try readName()
        guard !value(target).equalsIgnoringCase("xml") else { throw error(.notWellFormed) }
        if !rest(startsWith: "?>"), !skipWhitespace() { throw error(.notWellFormed) }
        while !rest(startsWith: "?>") {
            guard let octet = peek else { throw error(.truncated) }
            try skipCharacter(octet)
        }
        index += 2
    }

    // MARK: Elements

    /// What stands at `<` inside the root.
    private mutating func readMarkup(_ document: inout Document, _ stack: inout Stack) throws(WireError) {
        guard index + 1 < octets.count else { throw error(.truncated) }
        let next = octets[index + 1]
        switch next {
        case 0x2F: try readEndTag(&document, &stack)
        case 0x3F: try readInstruction()
        case 0x21:
            if rest(startsWith: "<!--") {
                try readComment()
            } else {
                try readCharacterData(&document)
            }
        default: try readStartTag(&document, &stack)
        }
    }

    private mutating func readStartTag(_ document: inout Document, _ stack: inout Stack) throws(WireError) {
        index += 1
        let name = try readName()
        let hash = nameHash
        let local = OctetRange(start: localNameStart, count: index - localNameStart)
        var namespace = OctetRange()
        // Most have no attributes.
        if octets[index] != 0x3E { namespace = try readAttributes(of: name) }
        let isEmpty = peek == 0x2F
        if isEmpty { try expect("/>") } else { index += 1 }
        if elements.depth == 0, !isStanza { document.appendNamespace(value(namespace)) }
        let tag = isStanza ? Tag(stanza: value(local), isAttribute: false) : Tag(name: value(local), hash)
        try elements.open(tag, at: name.start, nameCount: name.count, &document, &stack)
        if isStanza, tag?.hasAttributes == true { try keepAttributes(from: name.start + name.count, &document, &stack) }
        if isEmpty { elements.close(&document, &stack) }
    }

    /// Goes to the `>` or `/` that ends a tag; the namespace that it declares for the element.
    private mutating func readAttributes(of name: OctetRange) throws(WireError) -> OctetRange {
        var attributes = InlineArray<16, OctetRange>(repeating: OctetRange())
        var attributeCount = 0
        var namespace = OctetRange()
        while true {
            let hadSpace = skipWhitespace()
            guard let octet = peek else { throw error(.truncated) }
            if octet == 0x3E || octet == 0x2F { return namespace }
            guard hadSpace else { throw error(.notWellFormed) }
            let attribute = try readName()
            for other in 0..<attributeCount where value(attributes[other]).equals(value(attribute)) {
                throw error(.notWellFormed)
            }
            guard attributeCount < attributes.count else { throw error(.tooLarge) }
            attributes[attributeCount] = attribute
            attributeCount += 1
            skipWhitespace()
            try expect("=")
            skipWhitespace()
            let content = try readQuoted(allowsReferences: true)
            if elements.depth == 0, declaresNamespace(attribute, of: name) { namespace = content }
        }
    }

    /// Puts the attributes of a tag of a stanza, which were read before, onto the tape.
    private mutating func keepAttributes(
        from start: Int, _ document: inout Document, _ stack: inout Stack
    ) throws(WireError) {
        let end = index
        index = start
        while skipWhitespace(), let octet = peek, octet != 0x3E, octet != 0x2F {
            let attribute = try readName()
            skipWhitespace()
            index += 1
            skipWhitespace()
            let content = value(try readQuoted(allowsReferences: true))
            // With a prefix it is something else.
            guard let tag = Tag(stanza: value(attribute), isAttribute: true) else { continue }
            try elements.open(tag, at: attribute.start, &document, &stack)
            document.append(text: content)
            elements.close(&document, &stack)
        }
        index = end
    }

    /// `xmlns` for a name without prefix, `xmlns:p` for `p:name`.
    private func declaresNamespace(_ attribute: OctetRange, of name: OctetRange) -> Bool {
        let attribute = value(attribute)
        guard let colon = value(name).firstIndex(of: 0x3A) else { return attribute.equals("xmlns") }
        return attribute.count == colon + 6 && attribute.starts(with: "xmlns:")
            && attribute.extracting(6..<attribute.count).equals(value(name).extracting(0..<colon))
    }

    private mutating func readEndTag(_ document: inout Document, _ stack: inout Stack) throws(WireError) {
        index += 2
        let current = elements.current
        let opened = OctetRange(start: Int(current.nameStart), count: Int(current.nameCount))
        guard index + opened.count < octets.count else { throw error(.truncated) }
        guard value(OctetRange(start: index, count: opened.count)).equals(value(opened)) else {
            throw error(.notWellFormed)
        }
        index += opened.count
        skipWhitespace()
        guard let octet = peek else { throw error(.truncated) }
        guard octet == 0x3E else { throw error(.notWellFormed) }
        index += 1
        elements.close(&document, &stack)
    }

    // MARK: Text

    /// Character data up to the next `<`.
    private mutating func readText(_ document: inout Document) throws(WireError) {
        let keeps = elements.keepsText
        var start = index
        while true {
            index += octets.plainTextCount(from: index)
            guard let octet = peek, octet != 0x3C else { break }
            switch octet {
            case 0x26:
                keep(start..<index, if: keeps, &document)
                let scalar = try readReference()
                if keeps { document.append(scalar: scalar) }
                start = index
            case 0x0D:
                // XML says that every line end is one line feed.
                keep(start..<index, if: keeps, &document)
                index += 1
                if peek != 0x0A, keeps { document.append(scalar: 0x0A) }
                start = index
            case 0x5D where rest(startsWith: "]]>"):
                throw error(.notWellFormed)
            case 0x80...0xFF: try readForeign(from: &start, if: keeps, &document)
            default:
                try skipCharacter(octet)
            }
        }
        keep(start..<index, if: keeps, &document)
        guard index < octets.count else { throw error(.truncated) }
        guard !document.isTextOverflowed else { throw error(.tooLarge) }
    }

    private mutating func readCharacterData(_ document: inout Document) throws(WireError) {
        try expect("<![CDATA[")
        let keeps = elements.keepsText
        var start = index
        while !rest(startsWith: "]]>") {
            guard let octet = peek else { throw error(.truncated) }
            if octet == 0x0D {
                keep(start..<index, if: keeps, &document)
                index += 1
                if peek != 0x0A, keeps { document.append(scalar: 0x0A) }
                start = index
            } else if octet >= 0x80 {
                try readForeign(from: &start, if: keeps, &document)
            } else {
                try skipCharacter(octet)
            }
        }
        keep(start..<index, if: keeps, &document)
        index += 3
        guard !document.isTextOverflowed else { throw error(.tooLarge) }
    }

    /// Goes past a character that is not ASCII. One that has other octets in UTF-8 is kept by itself, and the run of text
    /// that began at `start` begins anew behind it.
    private mutating func readForeign(
        from start: inout Int, if keeps: Bool, _ document: inout Document
    ) throws(WireError) {
        guard let character = ForeignCharacter(in: octets, at: index, charset) else { throw error(.invalidCharacter) }
        if character.isRecoded {
            keep(start..<index, if: keeps, &document)
            if keeps { document.append(scalar: character.scalar) }
            start = index + character.byteCount
        }
        index += character.byteCount
    }

    private func keep(_ range: Range<Int>, if keeps: Bool, _ document: inout Document) {
        if keeps, !range.isEmpty { document.append(text: octets.extracting(range)) }
    }

    /// A character reference or one of the five entities of XML; stands at `&`.
    private mutating func readReference() throws(WireError) -> UInt32 {
        index += 1
        if peek == 0x23 { return try readCharacterReference() }
        let name = try readName()
        guard peek == 0x3B else { throw error(index < octets.count ? .notWellFormed : .truncated) }
        index += 1
        let entity = value(name)
        if entity.equals("lt") { return 0x3C }
        if entity.equals("gt") { return 0x3E }
        if entity.equals("amp") { return 0x26 }
        if entity.equals("quot") { return 0x22 }
        if entity.equals("apos") { return 0x27 }
        throw error(.declarationNotAllowed)
    }

    /// - Parameter allowsPair: False for what has to be the second half of a pair.
    private mutating func readCharacterReference(allowsPair: Bool = true) throws(WireError) -> UInt32 {
        index += 1
        let isHexadecimal = peek == 0x78
        if isHexadecimal { index += 1 }
        var scalar: UInt32 = 0
        var digitCount = 0
        while let octet = peek, octet != 0x3B {
            guard let digit = Hexadecimal.value(octet), isHexadecimal || digit < 10 else { throw error(.notWellFormed) }
            scalar = scalar * (isHexadecimal ? 16 : 10) + UInt32(digit)
            guard scalar <= 0x10_FFFF else { throw error(.invalidCharacter) }
            digitCount += 1
            index += 1
        }
        guard peek == 0x3B else { throw error(.truncated) }
        guard digitCount > 0 else { throw error(.notWellFormed) }
        index += 1
        // Clients whose texts are UTF-16 may write both halves of a character by themselves. Source: CL-14.
        if UTF8.isHighSurrogate(scalar), allowsPair, rest(startsWith: "&#") {
            index += 1
            guard let pair = UTF8.scalar(high: scalar, low: try readCharacterReference(allowsPair: false)) else {
                throw error(.invalidCharacter)
            }
            return pair
        }
        guard UTF8.isXMLCharacter(scalar) || !allowsPair else { throw error(.invalidCharacter) }
        return scalar
    }

    // MARK: Tokens

    private var peek: UInt8? { index < octets.count ? octets[index] : nil }

    private func rest(startsWith text: StaticString) -> Bool {
        let text = text.octets
        guard octets.count - index >= text.count else { return false }
        for offset in text.indices where octets[index + offset] != text[offset] { return false }
        return true
    }

    private mutating func expect(_ text: StaticString) throws(WireError) {
        guard rest(startsWith: text) else {
            throw error(text.octets.starts(with: octets.extracting(index..<octets.count)) ? .truncated : .notWellFormed)
        }
        index += text.utf8CodeUnitCount
    }

    @discardableResult
    private mutating func skipWhitespace() -> Bool {
        let start = index
        while let octet = peek, octet.isASCIIWhitespace { index += 1 }
        return index > start
    }

    /// Goes past one character that XML allows, of which `octet` is the first octet.
    private mutating func skipCharacter(_ octet: UInt8) throws(WireError) {
        if octet < 0x80 {
            guard octet >= 0x20 || octet.isASCIIWhitespace else { throw error(.invalidCharacter) }
            index += 1
            return
        }
        guard let character = ForeignCharacter(in: octets, at: index, charset) else { throw error(.invalidCharacter) }
        index += character.byteCount
    }

    /// A name in ASCII: every name of the protocol is, and vendors keep to it too.
    private mutating func readName() throws(WireError) -> OctetRange {
        let start = index
        guard let first = peek else { throw error(.truncated) }
        guard first.isASCIILetter || first == 0x5F || first == 0x3A else { throw error(.notWellFormed) }
        var hash = Tag.NameHash()
        var end = start
        localNameStart = start
        while end < octets.count {
            let octet = octets[end]
            guard Self.isNameCharacter(octet) else { break }
            end += 1
            if octet == 0x3A {
                hash = Tag.NameHash()
                localNameStart = end
            } else {
                hash.combine(octet)
            }
        }
        index = end
        nameHash = hash
        guard index < octets.count else { throw error(.truncated) }
        guard index - start <= Int(UInt16.max) else { throw error(.tooLarge) }
        return OctetRange(start: start, count: index - start)
    }

    /// A quoted value; its references are checked and left as they are.
    private mutating func readQuoted(allowsReferences: Bool) throws(WireError) -> OctetRange {
        guard let quote = peek else { throw error(.truncated) }
        guard quote == 0x22 || quote == 0x27 else { throw error(.notWellFormed) }
        index += 1
        let start = index
        while let octet = peek, octet != quote {
            if octet >= 0x28 && octet < 0x3C || octet > 0x3C && octet < 0x80 {
                index += 1
                continue
            }
            if octet == 0x3C { throw error(.notWellFormed) }
            if octet == 0x26 {
                guard allowsReferences else { throw error(.notWellFormed) }
                _ = try readReference()
            } else {
                try skipCharacter(octet)
            }
        }
        guard peek == quote else { throw error(.truncated) }
        index += 1
        return OctetRange(start: start, count: index - 1 - start)
    }

    @_lifetime(copy self)
    private func value(_ range: OctetRange) -> Span<UInt8> {
        octets.extracting(range.start..<range.start + range.count)
    }

    private func error(_ reason: WireError.Reason) -> WireError { WireError(reason, at: index) }

    /// Letters, digits, `-`, `.`, `_` and `:`, one bit for each.
    private static func isNameCharacter(_ octet: UInt8) -> Bool {
        let bits: UInt64 = octet < 0x40 ? 0x07FF_6000_0000_0000 : 0x07FF_FFFE_87FF_FFFE
        return octet < 0x80 && bits >> UInt64(octet & 0x3F) & 1 != 0
    }

    private static func isPublicIDCharacter(_ octet: UInt8) -> Bool {
        if octet.isASCIILetter || octet.isASCIIDigit || octet == 0x20 || octet == 0x0D || octet == 0x0A { return true }
        let marks: StaticString = "-'()+,./:=?;!*#@$_%"
        return marks.octets.firstIndex(of: octet) != nil
    }
}
