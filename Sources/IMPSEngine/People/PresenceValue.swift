import CSP
import Octets
import Wire

/// An element inside a presence attribute. Stored records name it by its place here, so that new ones go to the end.
private enum PresenceElement {
    static let tags: InlineArray<42, Tag> = [
        .presenceValue, .clientType, .devManufacturer, .clientProducer, .model, .clientVersion, .language, .zone,
        .longitude, .latitude, .altitude, .accuracy, .country, .city, .street, .crossing1, .crossing2, .building,
        .namedArea, .commC, .cap, .status, .contact, .note, .addrPref, .prefC, .caddr, .cstatus, .cname, .cpriority,
        .directContent, .referredContent, .contentType, .containedvCard, .referredvCard, .infLink, .link, .text,
        .clientContentLimit, .clientIMPriority, .maxPullLength, .maxPushLength,
    ]

    static func number(of tag: Tag) -> UInt8? {
        for index in tags.indices where tags[index] == tag { return UInt8(index) + 1 }
        return nil
    }

    static func tag(_ number: UInt8) -> Tag? {
        number > 0 && Int(number) <= tags.count ? tags[Int(number) - 1] : nil
    }

    /// Those that have elements inside and not text.
    static func isContainer(_ tag: Tag) -> Bool { tag == .commC || tag == .addrPref || tag == .infLink }
}

/// What somebody says of himself in one attribute, as it is stored: whether it is valid, then its elements, each with its
/// number and length. It is given back as it came; what no version knows is not in it.
enum PresenceValue {
    /// Puts an attribute into a record.
    ///
    /// - Returns: false when it says nothing: neither that it is not valid nor any value. Source: CL-5, CL-34.
    /// - Throws: 751 for a value that is none of the attribute's, or too much.
    static func write(
        _ document: borrowing Document, _ element: Document.Element, _ attribute: PresenceAttribute,
        into record: inout FixedBytes
    ) throws(Refusal) -> Bool {
        let isValid = document.flag(.qualifier, in: element) ?? true
        record.append(isValid ? 1 : 0)
        guard isValid else { return true }
        try writeElements(document, element, attribute, into: &record)
        guard !record.isOverflowed, record.count <= Int(Limits.valueByteCountMax) else {
            throw Refusal(.invalidOrUnsupportedPresenceValue, "larger than this server keeps")
        }
        return record.count > 1
    }

    private static func writeElements(
        _ document: borrowing Document, _ element: Document.Element, _ attribute: PresenceAttribute,
        into record: inout FixedBytes
    ) throws(Refusal) {
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            let tag = document.tag(of: child)
            guard let number = PresenceElement.number(of: tag) else { continue }
            record.append(number)
            let length = record.count
            record.append(bigEndian: UInt16(0))
            if PresenceElement.isContainer(tag) {
                try writeElements(document, child, attribute, into: &record)
            } else {
                guard isAllowed(document.word(of: child), in: tag, of: attribute) else {
                    throw Refusal(.invalidOrUnsupportedPresenceValue)
                }
                record.append(document.text(of: child))
            }
            guard !record.isOverflowed, record.count - length - 2 <= Int(Limits.valueByteCountMax) else {
                throw Refusal(.invalidOrUnsupportedPresenceValue, "larger than this server keeps")
            }
            let byteCount = UInt16(record.count - length - 2)
            record[length] = UInt8(truncatingIfNeeded: byteCount >> 8)
            record[length + 1] = UInt8(truncatingIfNeeded: byteCount)
        }
    }

    /// Whether a text is a value of the element. An empty one always is: a client takes a value back so.
    private static func isAllowed(_ word: Span<UInt8>, in tag: Tag, of attribute: PresenceAttribute) -> Bool {
        if word.count == 0 { return true }
        switch tag {
        case .presenceValue:
            switch attribute {
            case .onlineStatus, .registration: return isFlag(word)
            case .userAvailability: return word.place(among: "AVAILABLE NOT_AVAILABLE DISCREET") != nil
            case .statusMood:
                return word.place(
                    among: "ANGRY ANXIOUS ASHAMED BORED EXCITED HAPPY IN_LOVE INVINCIBLE JEALOUS SAD SLEEPY") != nil
            case .preferredLanguage: return word.count <= 8
            case .clientInfo, .timeZone, .geoLocation, .address, .freeTextLocation, .plmn, .commCap,
                .preferredContacts, .statusText, .alias, .statusContent, .contactInfo, .infoLink:
                return true
            }
        case .cap, .prefC:
            return word.place(
                among: "CALL SMS MMS EMAIL IM AUDIO_CALL VIDEO_CALL VIDEO_STREAM IM_ONLINE IM_OFFLINE") != nil
        case .status, .cstatus: return word.place(among: "OPEN CLOSED") != nil
        case .cpriority: return Decimal.parse(word) != nil
        case .country: return word.count == 2 && word[0].isASCIILetter && word[1].isASCIILetter
        default: return true
        }
    }

    private static func isFlag(_ word: Span<UInt8>) -> Bool {
        word.equalsIgnoringCase("T") || word.equalsIgnoringCase("F")
    }

    /// The value of an attribute that has a single one, from its record; nil when it has none or is not valid.
    @_lifetime(copy record)
    static func text(_ record: Span<UInt8>) -> Span<UInt8>? {
        var reader = RecordReader(record)
        guard reader.integer(UInt8.self) == 1, reader.integer(UInt8.self) == 1 else { return nil }
        let count: UInt16 = reader.integer()
        let text = reader.octets(Int(count))
        return reader.isBroken ? nil : text
    }

    /// Writes a stored attribute.
    static func write(_ attribute: PresenceAttribute, _ record: Span<UInt8>, into writer: inout Writer) {
        writer.open(attribute.tag)
        writer.flag(.qualifier, record.count > 0 && record[0] == 1)
        if record.count > 1 { writeElements(record.extracting(1..<record.count), into: &writer) }
        writer.close(attribute.tag)
    }

    private static func writeElements(_ elements: Span<UInt8>, into writer: inout Writer) {
        var reader = RecordReader(elements)
        while !reader.isAtEnd {
            let number: UInt8 = reader.integer()
            let count: UInt16 = reader.integer()
            let content = reader.octets(Int(count))
            guard !reader.isBroken, let tag = PresenceElement.tag(number) else { return }
            if PresenceElement.isContainer(tag) {
                writer.open(tag)
                writeElements(content, into: &writer)
                writer.close(tag)
            } else {
                writer.text(tag, content)
            }
        }
    }
}

extension Records where Port: ~Copyable {
    /// Whether a user wants to be seen while he is logged in.
    ///
    /// - Source: protocol/primitives.md §4.2, rule 14.
    func wantsToBeSeen(_ user: UInt32) -> Bool {
        let key = Key.presence(user, .onlineStatus)
        guard let record = store.value(for: key.span) else { return true }
        guard record.count > 0, record[0] == 1 else { return false }
        return PresenceValue.text(record)?.trimmed().equalsIgnoringCase("F") != true
    }

    /// Writes `Presence` of a user with those of `wanted` that `permitted` has; what may not be seen of whether he is there
    /// is said to be unknown.
    ///
    /// - Parameters:
    ///   - isOnline: Whether he is to be seen now.
    ///   - remote: What the XMPP server says of him; nil for who is not there by it.
    /// - Returns: false when there is no such user; nothing is written then.
    /// - Source: protocol/primitives.md §4.2, rules 6, 10 and 14; CL-33.
    @inline(never)
    func writePresence(
        of user: UInt32, _ wanted: PresenceAttributes, _ permitted: PresenceAttributes, isOnline: Bool,
        _ remote: RemotePerson?, into writer: inout Writer
    ) -> Bool {
        guard let account = account(of: user) else { return false }
        let visible = wanted.intersection(permitted)
        writer.open(.presence)
        writer.text(.userID, account.display.span)
        writer.open(.presenceSubList)
        if wanted.contains(.onlineStatus) {
            writer.open(.onlineStatus)
            writer.flag(.qualifier, permitted.contains(.onlineStatus))
            if permitted.contains(.onlineStatus) { writer.flag(.presenceValue, isOnline) }
            writer.close(.onlineStatus)
        }
        var next: PresenceAttribute? = .registration
        while let attribute = next {
            next = attribute.next
            guard visible.contains(attribute) else { continue }
            if remote?.write(attribute, into: &writer) == true { continue }
            let key = Key.presence(user, attribute)
            if let record = store.value(for: key.span) {
                PresenceValue.write(attribute, record, into: &writer)
            } else if attribute == .alias {
                writer.open(.alias)
                writer.flag(.qualifier, true)
                writer.text(.presenceValue, account.alias)
                writer.close(.alias)
            }
        }
        writer.close(.presenceSubList)
        writer.close(.presence)
        return true
    }
}

extension Account {
    /// How others see the user until he says otherwise: the user part of the address. Source: CL-33.
    var alias: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let start = display.span.starts(with: "wv:") ? 3 : 0
            return display.span.extracting(start..<(display.span.firstIndex(of: 0x40) ?? display.count))
        }
    }
}
