import Octets

extension Document {
    /// Reads a message in WBXML onto the tape, the same that its XML would make.
    ///
    /// Integers become digits, times and value tokens their text, raw content Base64. Names that are not known are
    /// skipped with what is in them, attributes other than the namespace too.
    ///
    /// - Parameters:
    ///   - octets: The whole document.
    ///   - hasNewValueTokens: The client writes texts with the value tokens of 1.3, whatever version it speaks.
    /// - Throws: `WireError`; what was read before the error is on the tape, so that an answer can name its transaction.
    /// - Source: protocol/wbxml.md.
    public mutating func read(wbxml octets: Span<UInt8>, hasNewValueTokens: Bool = false) throws(WireError) {
        begin()
        var reader = WBXMLReader(octets, hasNewValueTokens: hasNewValueTokens)
        try reader.read(into: &self)
    }
}

/// One pass over WBXML octets.
struct WBXMLReader: ~Copyable, ~Escapable {
    private let octets: Span<UInt8>
    private var index = 0
    /// Where the string table is, and its length.
    private var tableStart = 0
    private var tableCount = 0
    /// Octets that were taken from it: a short document must not make much work of it.
    private var tableOctetsTaken = 0
    private var charset = Charset.utf8
    /// The version whose tokens count: that of the public identifier until the namespace is known.
    private var version = Version.v1_3
    private var hasPublicID = false
    private var tagPage: UInt8 = 0
    private var attributePage: UInt8 = 0

    private var elements = OpenElements()

    private typealias Stack = OpenElements.Stack

    private let hasNewValueTokens: Bool

    @_lifetime(copy octets)
    init(_ octets: Span<UInt8>, hasNewValueTokens: Bool) {
        self.octets = octets
        self.hasNewValueTokens = hasNewValueTokens
    }

    mutating func read(into document: inout Document) throws(WireError) {
        try readHeader()
        var stack = Stack(repeating: OpenElement())
        try skipInstructions()
        try readElement(&document, &stack)
        while elements.depth > 0 { try readContent(&document, &stack) }
        try skipInstructions()
        while index < octets.count, octets[index] == 0x00 || octets[index].isASCIIWhitespace { index += 1 }
        guard index == octets.count else { throw error(.notWellFormed) }
    }

    // MARK: Header

    private mutating func readHeader() throws(WireError) {
        guard (0x01...0x03).contains(try next()) else { throw WireError(.notWellFormed, at: 0) }
        let publicID = try multibyte()
        let nameIndex = publicID == 0 ? try multibyte() : 0
        guard let numbered = Charset(number: try multibyte()) else { throw error(.encodingNotSupported) }
        charset = numbered
        tableCount = Int(clamping: try multibyte())
        tableStart = index
        guard tableCount <= octets.count - index else { throw WireError(.truncated, at: octets.count) }
        index += tableCount
        if publicID == 0 {
            guard nameIndex < UInt32(tableCount) else { throw WireError(.notWellFormed, at: tableStart) }
            if let version = Version(publicName: tableOctets(nameIndex, most: 64)) { assume(version) }
        } else if let version = Version(publicID: publicID) {
            assume(version)
        }
    }

    private mutating func assume(_ version: Version) {
        self.version = version
        hasPublicID = true
    }

    private mutating func skipInstructions() throws(WireError) {
        while index < octets.count, octets[index] == GlobalToken.processingInstruction {
            index += 1
            try skipAttributes()
        }
    }

    // MARK: Elements

    /// What stands inside an element.
    private mutating func readContent(_ document: inout Document, _ stack: inout Stack) throws(WireError) {
        guard index < octets.count else { throw error(.truncated) }
        let token = octets[index]
        switch token {
        case GlobalToken.end:
            index += 1
            elements.close(&document, &stack)
        case GlobalToken.entity:
            index += 1
            let start = index
            var scalar = try multibyte()
            if UTF8.isHighSurrogate(scalar), index < octets.count, octets[index] == GlobalToken.entity {
                index += 1
                scalar = UTF8.scalar(high: scalar, low: try multibyte()) ?? scalar
            }
            guard UTF8.isXMLCharacter(scalar) else { throw WireError(.invalidCharacter, at: start) }
            if elements.keepsText { document.append(scalar: scalar) }
        case GlobalToken.inlineString:
            index += 1
            let start = index
            try append(text: try inlineString(), at: start, &document)
        case GlobalToken.tableString:
            index += 1
            let start = index
            let place = try multibyte()
            guard place < UInt32(tableCount) else { throw WireError(.notWellFormed, at: start) }
            if elements.keepsText {
                try append(text: try tableString(place, at: start), at: tableStart + Int(place), &document)
            }
        case GlobalToken.extensionValue:
            index += 1
            let start = index
            guard let value = valueText(try multibyte(), document) else { throw WireError(.notWellFormed, at: start) }
            if elements.keepsText { document.append(text: value.octets) }
        case GlobalToken.opaque:
            index += 1
            try readOpaque(&document, stack)
        case GlobalToken.processingInstruction:
            try skipInstructions()
        case 0x40...0x42, 0x81, 0x82, 0xC0...0xC2:
            // The extensions of other document types.
            throw error(.notWellFormed)
        default: try readElement(&document, &stack)
        }
        guard !document.isTextOverflowed else { throw error(.tooLarge) }
    }

    private mutating func readElement(_ document: inout Document, _ stack: inout Stack) throws(WireError) {
        while index < octets.count, octets[index] == GlobalToken.switchPage {
            index += 1
            tagPage = try next()
        }
        // A page may be chosen for what is no element.
        if elements.depth > 0, index < octets.count, isNoTag(octets[index]) { return }
        let start = index
        let token = try next()
        let identity = token & 0x3F
        var tag: Tag?
        if identity == GlobalToken.literal {
            tag = Tag(name: try literalName())
        } else {
            guard identity > GlobalToken.literal else { throw WireError(.notWellFormed, at: start) }
            tag = Tag(page: tagPage, token: identity, version)
        }
        try elements.open(tag, at: start, &document, &stack)
        if token & GlobalToken.hasAttributes != 0 {
            if elements.depth == 1 { try readRootAttributes(&document) } else { try skipAttributes() }
        }
        if elements.depth == 1 { takeVersion(of: &document) }
        if token & GlobalToken.hasContent == 0 { elements.close(&document, &stack) }
    }

    private func isNoTag(_ token: UInt8) -> Bool {
        let isLiteral = token & 0x3F == GlobalToken.literal
        return !isLiteral && (token & 0x3F < 0x05) || token == GlobalToken.processingInstruction
    }

    // MARK: Attributes

    /// Keeps the namespace of the root. Source: protocol/wbxml.md §3.
    private mutating func readRootAttributes(_ document: inout Document) throws(WireError) {
        var isNamespace = false
        var attributeCount: UInt = 0
        while true {
            let start = index
            let token = try next()
            switch token {
            case GlobalToken.end:
                return
            case GlobalToken.switchPage:
                attributePage = try next()
            case GlobalToken.literal, 0x05...0x3F, 0x44...0x7F:
                attributeCount += 1
                guard attributeCount <= Limits.attributeCountMax else { throw WireError(.tooLarge, at: start) }
                isNamespace = try beginAttribute(token, &document)
            case GlobalToken.inlineString:
                let piece = try inlineString()
                if isNamespace { try appendNamespace(piece, at: start, &document) }
            case GlobalToken.tableString:
                let place = try multibyte()
                guard place < UInt32(tableCount) else { throw WireError(.notWellFormed, at: start) }
                if isNamespace {
                    try appendNamespace(try tableString(place, at: start), at: tableStart + Int(place), &document)
                }
            default: try skipAttributeValue(token, at: start)
            }
            guard !document.isTextOverflowed else { throw error(.tooLarge) }
        }
    }

    /// True for the namespace, of which the token has the first part.
    private mutating func beginAttribute(_ token: UInt8, _ document: inout Document) throws(WireError) -> Bool {
        if token == GlobalToken.literal { return try literalName().equals("xmlns") && document.namespace.count == 0 }
        guard attributePage == 0, let prefix = namespacePrefix(token), document.namespace.count == 0 else {
            return false
        }
        document.appendNamespace(prefix.octets)
        return true
    }

    /// Those of WV-CSP-Message; other elements need none.
    private func namespacePrefix(_ token: UInt8) -> StaticString? {
        switch token {
        case 0x05: return "http://www.wireless-village.org/CSP"
        case 0x08: return "http://www.openmobilealliance.org/DTD/WV-CSP"
        case 0x0B: return "http://www.openmobilealliance.org/DTD/IMPS-CSP"
        default: return nil
        }
    }

    private func appendNamespace(
        _ piece: Span<UInt8>, at start: Int, _ document: inout Document
    ) throws(WireError) {
        // A namespace is one of ours or of nobody's, so it stays as it is.
        _ = try isRecoded(piece, at: start)
        document.appendNamespace(piece)
    }

    /// The namespace says which version it is; without one the public identifier does.
    private mutating func takeVersion(of document: inout Document) {
        if let named = document.version {
            version = named
        } else if document.namespace.count > 0 {
            version = Version(nearestTo: document.namespace)
        } else if hasPublicID {
            document.appendNamespace(version.sessionNamespace.octets)
        }
        // Text begins behind the namespace.
        elements.current.textStart = UInt32(document.textCount)
    }

    private mutating func skipAttributes() throws(WireError) {
        var attributeCount: UInt = 0
        while true {
            let start = index
            let token = try next()
            switch token {
            case GlobalToken.end: return
            case GlobalToken.switchPage: attributePage = try next()
            case GlobalToken.literal:
                attributeCount += 1
                _ = try literalName()
            case 0x05...0x3F, 0x44...0x7F: attributeCount += 1
            default: try skipAttributeValue(token, at: start)
            }
            guard attributeCount <= Limits.attributeCountMax else { throw WireError(.tooLarge, at: start) }
        }
    }

    private mutating func skipAttributeValue(_ token: UInt8, at start: Int) throws(WireError) {
        switch token {
        case GlobalToken.inlineString, 0x40...0x42: _ = try inlineString()
        case GlobalToken.entity, GlobalToken.tableString, 0x80...0x82: _ = try multibyte()
        case GlobalToken.opaque: _ = try opaqueOctets()
        case 0x85...0xBF, 0xC5...0xFF, 0xC0...0xC2: break
        default: throw WireError(.notWellFormed, at: start)
        }
    }

    // MARK: Text

    /// What a value token stands for. Two texts have one token in 1.3: one is a name of what is searched for, the other one
    /// people write. Source: CL-15.
    private func valueText(_ token: UInt32, _ document: borrowing Document) -> StaticString? {
        guard hasNewValueTokens else { return ValueTokens.text(token, version) }
        if token == 0x3D, let element = elements.current.element, document.tag(of: element) != .searchElement {
            return "History"
        }
        return ValueTokens.text(token, .v1_3)
    }

    private func append(text: Span<UInt8>, at start: Int, _ document: inout Document) throws(WireError) {
        guard try isRecoded(text, at: start) else {
            if elements.keepsText { document.append(text: text) }
            return
        }
        guard elements.keepsText else { return }
        var offset = 0
        while offset < text.count {
            guard text[offset] >= 0x80, let character = ForeignCharacter(in: text, at: offset, charset) else {
                document.append(scalar: UInt32(text[offset]))
                offset += 1
                continue
            }
            document.append(scalar: character.scalar)
            offset += character.byteCount
        }
    }

    /// Whether a text has other octets in UTF-8. It may have the characters that XML has: it goes on to clients that speak
    /// XML.
    private func isRecoded(_ text: Span<UInt8>, at start: Int) throws(WireError) -> Bool {
        var isRecoded = false
        var offset = 0
        while true {
            offset += text.plainTextCount(from: offset)
            guard offset < text.count else { return isRecoded }
            let octet = text[offset]
            if octet < 0x80 {
                guard octet >= 0x20 || octet.isASCIIWhitespace else {
                    throw WireError(.invalidCharacter, at: start + offset)
                }
                offset += 1
                continue
            }
            guard let character = ForeignCharacter(in: text, at: offset, charset) else {
                throw WireError(.invalidCharacter, at: start + offset)
            }
            isRecoded = isRecoded || character.isRecoded
            offset += character.byteCount
        }
    }

    /// Integers, times, and content that is no text. Source: protocol/wbxml.md §6.
    private mutating func readOpaque(_ document: inout Document, _ stack: borrowing Stack) throws(WireError) {
        let value = try opaqueOctets()
        let start = index - value.count
        guard elements.keepsText, let element = elements.current.element else { return }
        let tag = document.tag(of: element)
        if tag.mayBeInteger {
            guard let number = UInt32(bigEndian: value) else { throw WireError(.notWellFormed, at: start) }
            document.append(text: Decimal.digits(of: UInt64(number)).span)
        } else if tag == .dateTime || tag == .deliveryTime, value.count == 6 {
            guard document.append(opaqueTime: value) else { throw WireError(.notWellFormed, at: start) }
        } else if tag == .contentData {
            try append(content: value, at: start, under: stack[elements.depth - 1].element, &document)
        } else {
            try append(text: value, at: start, &document)
        }
    }

    /// Raw content is kept as Base64, with the encoding to say so; text stays text.
    private mutating func append(
        content: Span<UInt8>, at start: Int, under parent: Document.Element?, _ document: inout Document
    ) throws(WireError) {
        let info = parent.flatMap { document.first(.messageInfo, in: $0) }
        let encoding = info.flatMap { document.first(.contentEncoding, in: $0) }
        let isEncoded = encoding.map { document.word(of: $0).equalsIgnoringCase("BASE64") } ?? false
        if !isEncoded, isText(content) { return try append(text: content, at: start, &document) }
        // Without a description of the content nobody could say what it is; and two pieces of Base64 are no Base64.
        guard let info, document.textCount == Int(elements.current.textStart) else {
            throw WireError(.invalidCharacter, at: start)
        }
        if !isEncoded {
            if let encoding {
                document.setText(of: encoding, "BASE64")
            } else if !document.addChild(.contentEncoding, "BASE64", of: info) {
                throw WireError(.tooLarge, at: start)
            }
        }
        elements.current.textStart = UInt32(document.textCount)
        document.append(base64: content)
    }

    private func isText(_ octets: Span<UInt8>) -> Bool {
        do throws(WireError) {
            _ = try isRecoded(octets, at: 0)
            return true
        } catch {
            return false
        }
    }

    // MARK: Tokens

    private mutating func next() throws(WireError) -> UInt8 {
        guard index < octets.count else { throw error(.truncated) }
        index += 1
        return octets[index - 1]
    }

    private mutating func multibyte() throws(WireError) -> UInt32 {
        let start = index
        var value: UInt32 = 0
        while true {
            let octet = try next()
            guard value >> 25 == 0 else { throw WireError(.notWellFormed, at: start) }
            value = value << 7 | UInt32(octet & 0x7F)
            if octet & 0x80 == 0 { return value }
        }
    }

    /// Goes past the zero at its end.
    @_lifetime(copy self)
    private mutating func inlineString() throws(WireError) -> Span<UInt8> {
        guard let end = octets.firstIndex(of: 0x00, from: index) else { throw WireError(.truncated, at: octets.count) }
        let text = octets.extracting(index..<end)
        index = end + 1
        return text
    }

    /// The string that begins at a place of the table.
    @_lifetime(copy self)
    private mutating func tableString(_ place: UInt32, at index: Int) throws(WireError) -> Span<UInt8> {
        let text = tableOctets(place, most: tableCount)
        tableOctetsTaken += text.count
        guard tableOctetsTaken <= 4 * octets.count else { throw WireError(.tooLarge, at: index) }
        return text
    }

    @_lifetime(copy self)
    private func tableOctets(_ place: UInt32, most: Int) -> Span<UInt8> {
        let start = tableStart + Int(place)
        let limit = start + min(most, tableStart + tableCount - start)
        let end = octets.extracting(0..<limit).firstIndex(of: 0x00, from: start) ?? limit
        return octets.extracting(start..<end)
    }

    @_lifetime(copy self)
    private mutating func literalName() throws(WireError) -> Span<UInt8> {
        let start = index
        let place = try multibyte()
        guard place < UInt32(tableCount) else { throw WireError(.notWellFormed, at: start) }
        // No name of ours is that long.
        return tableOctets(place, most: 64)
    }

    @_lifetime(copy self)
    private mutating func opaqueOctets() throws(WireError) -> Span<UInt8> {
        let count = Int(clamping: try multibyte())
        guard count <= octets.count - index else { throw WireError(.truncated, at: octets.count) }
        index += count
        return octets.extracting(index - count..<index)
    }

    private func error(_ reason: WireError.Reason) -> WireError { WireError(reason, at: index) }
}

extension Version {
    /// The version that a public identifier names, such as `-//OMA//DTD WV-CSP 1.2//EN`.
    fileprivate init?(publicName name: Span<UInt8>) {
        var index = 0
        while index + 3 <= name.count {
            let part = name.extracting(index..<index + 3)
            if part.equals("1.1") || part.equals("1.0") {
                self = .v1_1
                return
            } else if part.equals("1.2") {
                self = .v1_2
                return
            } else if part.equals("1.3") {
                self = .v1_3
                return
            }
            index += 1
        }
        return nil
    }
}

extension UInt32 {
    /// Octets with the highest first, with zeros in front or not; none are 0. nil for more than 32 bits.
    fileprivate init?(bigEndian octets: Span<UInt8>) {
        self = 0
        for index in octets.indices {
            guard self >> 24 == 0 else { return nil }
            self = self << 8 | UInt32(octets[index])
        }
    }
}

extension Document {
    /// Adds the text of a time in 48 bits; false when it is none. Source: protocol/wbxml.md §6.2.
    fileprivate mutating func append(opaqueTime octets: Span<UInt8>) -> Bool {
        var bits: UInt64 = 0
        for index in 0..<6 { bits = bits << 8 | UInt64(octets[index]) }
        let month = bits >> 30 & 0xF
        let day = bits >> 25 & 0x1F
        let hour = bits >> 20 & 0x1F
        let minute = bits >> 14 & 0x3F
        let second = bits >> 8 & 0x3F
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61 else {
            return false
        }
        append(decimal: bits >> 34 & 0xFFF, width: 4)
        append(decimal: month, width: 2)
        append(decimal: day, width: 2)
        append(scalar: 0x54)
        append(decimal: hour, width: 2)
        append(decimal: minute, width: 2)
        append(decimal: second, width: 2)
        // No zone is taken for UTC, a letter that is none for no zone.
        let zone = UInt32(truncatingIfNeeded: bits & 0xFF)
        if zone == 0 {
            append(scalar: 0x5A)
        } else if (0x41...0x5A).contains(zone), zone != 0x4A {
            append(scalar: zone)
        }
        return true
    }
}
