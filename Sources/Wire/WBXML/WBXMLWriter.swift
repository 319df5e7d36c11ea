import Octets

/// The WBXML back end: the shortest tokens that the version has. Source: protocol/wbxml.md §1 to §6.
extension Writer {
    /// Header without string table; a name that the version has no token for adds one.
    private mutating func appendHeader() {
        output.append(0x03)
        output.append(version.publicID)
        output.append(0x6A)
        output.append(0x00)
        headerEnd = output.count
        bodyStart = headerEnd
        tableByteCount = 0
        page = 0
    }

    mutating func openWBXML(_ tag: Tag) {
        if tag == .wvCSPMessage, bodyStart == 0 { return openRootWBXML(tag) }
        appendTag(tag, GlobalToken.hasContent, namespace: namespaceToken(of: tag))
    }

    mutating func openRootWBXML(_ tag: Tag) {
        appendHeader()
        appendTag(tag, GlobalToken.hasContent, namespace: firstNamespaceToken)
    }

    mutating func closeWBXML() { output.append(GlobalToken.end) }

    mutating func emptyWBXML(_ tag: Tag) { appendTag(tag, 0, namespace: namespaceToken(of: tag)) }

    mutating func textWBXML(_ tag: Tag, _ text: Span<UInt8>) {
        guard text.count > 0 else { return emptyWBXML(tag) }
        if tag.isInteger(in: version), let value = UInt32(canonical: text) { return integerWBXML(tag, value) }
        openWBXML(tag)
        if !tag.isFreeText, let token = ValueTokens.token(text, version) {
            output.append(GlobalToken.extensionValue)
            append(multibyte: UInt32(token))
        } else {
            output.append(GlobalToken.inlineString)
            appendWBXML(text: text)
            output.append(0x00)
        }
        closeWBXML()
    }

    mutating func openTextWBXML(_ tag: Tag) {
        openWBXML(tag)
        output.append(GlobalToken.inlineString)
    }

    mutating func closeTextWBXML() {
        output.append(0x00)
        closeWBXML()
    }

    /// A piece of a string. What ends it becomes U+FFFD, as in XML.
    mutating func appendWBXML(text: Span<UInt8>) {
        var start = 0
        while let index = text.firstIndex(of: 0x00, from: start) {
            output.append(text.extracting(start..<index))
            output.append("\u{FFFD}")
            start = index + 1
        }
        output.append(text.extracting(start..<text.count))
    }

    /// An integer as opaque octets, or as text where the version has it so.
    mutating func integerWBXML(_ tag: Tag, _ value: UInt64) {
        if tag.isInteger(in: version), value <= UInt64(UInt32.max) {
            integerWBXML(tag, UInt32(value))
        } else {
            openTextWBXML(tag)
            output.append(decimal: value)
            closeTextWBXML()
        }
    }

    private mutating func integerWBXML(_ tag: Tag, _ value: UInt32) {
        openWBXML(tag)
        output.append(GlobalToken.opaque)
        let byteCount = max(1, (32 - value.leadingZeroBitCount + 7) / 8)
        output.append(UInt8(byteCount))
        for index in 0..<byteCount {
            output.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * (byteCount - 1 - index))))
        }
        closeWBXML()
    }

    mutating func timeWBXML(_ tag: Tag, _ secondsSince1970: UInt64) {
        openTextWBXML(tag)
        output.append(basicTime: secondsSince1970)
        closeTextWBXML()
    }

    /// Writes F and returns where its last octet is: T has another one there.
    mutating func pendingFlagWBXML(_ tag: Tag) -> Int {
        textWBXML(tag, .constant("F"))
        return output.count - 2
    }

    // MARK: Tokens

    private mutating func appendTag(_ tag: Tag, _ content: UInt8, namespace: UInt8?) {
        let attributes = namespace == nil ? 0 : GlobalToken.hasAttributes
        if let token = tag.token(in: version) {
            if token.page != page {
                output.append(GlobalToken.switchPage)
                output.append(token.page)
                page = token.page
            }
            output.append(token.token | content | attributes)
        } else {
            let index = tableIndex(of: tag)
            output.append(GlobalToken.literal | content | attributes)
            append(multibyte: index)
        }
        guard let namespace else { return }
        output.append(namespace)
        output.append(GlobalToken.inlineString)
        output.append(version.name)
        output.append(0x00)
        output.append(GlobalToken.end)
    }

    private mutating func append(multibyte value: UInt32) {
        var shift: UInt32 = 28
        while shift > 0 {
            if value >> shift != 0 { output.append(UInt8(truncatingIfNeeded: value >> shift) & 0x7F | 0x80) }
            shift -= 7
        }
        output.append(UInt8(truncatingIfNeeded: value) & 0x7F)
    }

    private var firstNamespaceToken: UInt8 { 0x05 + 3 * (version.rawValue - 1) }

    private func namespaceToken(of tag: Tag) -> UInt8? {
        if tag == .presenceSubList { return firstNamespaceToken + 1 }
        if tag == .transactionContent { return firstNamespaceToken + 2 }
        return nil
    }

    // MARK: String table

    /// Where the name of a tag lies in the string table, which it comes into when it is not there yet.
    ///
    /// The table stands before the body, which makes room for it: that happens for the few names without a token, and
    /// places are counted from the beginning of the body.
    private mutating func tableIndex(of tag: Tag) -> UInt32 {
        let name = tag.name.octets
        var index = bodyStart - tableByteCount
        while index < bodyStart {
            let end = output.span(0..<bodyStart).firstIndex(of: 0x00, from: index) ?? bodyStart
            if output.span(index..<end).equals(name) { return UInt32(index - (bodyStart - tableByteCount)) }
            index = end + 1
        }
        let place = tableByteCount
        let count = place + name.count + 1
        // The length is in front of the table, in one octet or two; no table grows longer.
        let growth = name.count + 1 + (place < 0x80 && count >= 0x80 ? 1 : 0)
        let end = output.count
        guard headerEnd > 0, count < 0x4000, output.freeCapacity >= growth else {
            output.overflow()
            return 0
        }
        output.advance(by: growth)
        output.move(bodyStart..<end, to: bodyStart + growth)
        if growth > name.count + 1 { output.move(bodyStart - place..<bodyStart, to: bodyStart - place + 1) }
        bodyStart += growth
        tableByteCount = count
        for offset in name.indices { output[bodyStart - name.count - 1 + offset] = name[offset] }
        output[bodyStart - 1] = 0x00
        if count < 0x80 {
            output[headerEnd - 1] = UInt8(count)
        } else {
            output[headerEnd - 1] = UInt8(truncatingIfNeeded: count >> 7) | 0x80
            output[headerEnd] = UInt8(truncatingIfNeeded: count) & 0x7F
        }
        return UInt32(place)
    }
}

extension UInt32 {
    /// The number of a text that a number would be written as: without leading zeros.
    fileprivate init?(canonical text: Span<UInt8>) {
        guard let value = Decimal.parse(text), value <= UInt64(UInt32.max), text.count == 1 || text[0] != 0x30 else {
            return nil
        }
        self = UInt32(value)
    }
}
