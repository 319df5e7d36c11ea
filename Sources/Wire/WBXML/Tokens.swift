import Octets

/// The tokens that all of WBXML has. Source: protocol/wbxml.md §2.
enum GlobalToken {
    @_transparent static var switchPage: UInt8 { 0x00 }
    @_transparent static var end: UInt8 { 0x01 }
    @_transparent static var entity: UInt8 { 0x02 }
    @_transparent static var inlineString: UInt8 { 0x03 }
    @_transparent static var literal: UInt8 { 0x04 }
    @_transparent static var processingInstruction: UInt8 { 0x43 }
    @_transparent static var extensionValue: UInt8 { 0x80 }
    @_transparent static var tableString: UInt8 { 0x83 }
    @_transparent static var opaque: UInt8 { 0xC3 }
    /// Set in a tag with content, and in one with attributes.
    @_transparent static var hasContent: UInt8 { 0x40 }
    @_transparent static var hasAttributes: UInt8 { 0x80 }
}

/// A token that stands for a whole text.
struct ValueToken: Sendable {
    let token: UInt8
    let text: StaticString
    let versions: UInt8

    init(_ token: UInt8, _ text: StaticString, versions: UInt8) {
        self.token = token
        self.text = text
        self.versions = versions
    }
}

extension ValueTokens {
    /// The token of a text in a version; nil when it has none.
    static func token(_ text: Span<UInt8>, _ version: Version) -> UInt8? {
        guard text.count > 0, text.count <= 32 else { return nil }
        var hash = Tag.NameHash()
        for index in text.indices { hash.combine(text[index]) }
        let mask = slots.count - 1
        var slot = hash.slot & mask
        while slots[slot] != 0 {
            let value = values[Int(slots[slot]) - 1]
            if value.versions & version.bit != 0, text.equals(value.text) {
                // Of these the dictionaries of the clients of 1.1 differ.
                let isUnsure = version == .v1_1 && (0x31...0x36 ~= value.token || value.token == 0x50)
                // A client may know this one under another name.
                return isUnsure || value.token == 0x3D && version == .v1_3 ? nil : value.token
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The text of a token, in the version or else in the newest that has it; nil for a token that there is not.
    static func text(_ token: UInt32, _ version: Version) -> StaticString? {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if UInt32(values[middle].token) < token { low = middle + 1 } else { high = middle }
        }
        var found: StaticString?
        while low < values.count, UInt32(values[low].token) == token {
            found = values[low].text
            if values[low].versions & version.bit != 0 { return found }
            low += 1
        }
        return found
    }
}

extension Tag {
    /// The name of a token; nil when there is none.
    ///
    /// - Parameters:
    ///   - page: The code page of elements.
    ///   - token: Without the bits for content and attributes.
    ///   - version: The few tokens with another name in 1.2 get that; all others are the same in every version that has
    ///     them.
    init?(page: UInt8, token: UInt8, _ version: Version) {
        let place = Int(page) << 6 | Int(token & 0x3F)
        guard place < TagTokens.tags.count, TagTokens.tags[place] != 0 else { return nil }
        let isException = version == .v1_2 && place == TagTokens.exception.place
        self = Tag(rawValue: isException ? TagTokens.exception.rawValue : TagTokens.tags[place])
    }

    /// The code page and token in a version; nil when the version has none.
    func token(in version: Version) -> (page: UInt8, token: UInt8)? {
        let properties = TagTokens.properties[Int(rawValue) - 1]
        guard UInt8(truncatingIfNeeded: properties >> 10) & version.bit != 0 else { return nil }
        return (UInt8(truncatingIfNeeded: properties >> 6 & 0xF), UInt8(truncatingIfNeeded: properties & 0x3F))
    }

    /// Whether its content is an integer in a version, to be sent as one. Two are sent as text, because A drops them else.
    ///
    /// - Source: protocol/wbxml.md §6.1.
    func isInteger(in version: Version) -> Bool {
        if self == .acceptedContentLength || self == .acceptedCharSet { return false }
        return UInt8(truncatingIfNeeded: TagTokens.properties[Int(rawValue) - 1] >> 13) & version.bit != 0
    }

    /// Whether it is an integer anywhere, or was seen as one.
    var mayBeInteger: Bool {
        TagTokens.properties[Int(rawValue) - 1] >> 13 != 0 || self == .accuracy || self == .altitude
            || self == .cpriority
    }

    /// What a user or a server made up: no token stands for it.
    var isFreeText: Bool {
        self == .contentData || self == .password || self == .digestBytes || self == .nonce || self == .sessionCookie
            || self == .sessionID
    }
}

extension Version {
    /// The bit of the tables.
    var bit: UInt8 { 1 << (rawValue - 1) }

    /// The public identifier of a document. Source: protocol/wbxml.md §1.
    var publicID: UInt8 { 0x0F + rawValue }

    /// The version of a public identifier; nil for one that says nothing.
    init?(publicID: UInt32) {
        switch publicID {
        case 0x0F, 0x10: self = .v1_1
        case 0x11: self = .v1_2
        case 0x12: self = .v1_3
        default: return nil
        }
    }
}
