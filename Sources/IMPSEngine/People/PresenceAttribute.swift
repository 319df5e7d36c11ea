import CSP
import Octets
import Wire

/// What of somebody's presence there is; the number is part of stored records. Source: protocol/primitives.md §4.3.
enum PresenceAttribute: UInt8 {
    case onlineStatus = 1
    case registration, clientInfo, timeZone, geoLocation, address, freeTextLocation, plmn, commCap, userAvailability
    case preferredContacts, preferredLanguage, statusText, statusMood, alias, statusContent, contactInfo, infoLink

    private static let tags: InlineArray<18, Tag> = [
        .onlineStatus, .registration, .clientInfo, .timeZone, .geoLocation, .address, .freeTextLocation, .plmn,
        .commCap, .userAvailability, .preferredContacts, .preferredLanguage, .statusText, .statusMood, .alias,
        .statusContent, .contactInfo, .infoLink,
    ]

    /// The attribute that an element carries; nil when it is none.
    init?(_ tag: Tag) {
        for index in PresenceAttribute.tags.indices where PresenceAttribute.tags[index] == tag {
            self.init(rawValue: UInt8(index) + 1)
            return
        }
        return nil
    }

    var tag: Tag {
        @inline(never)
        get { PresenceAttribute.tags[Int(rawValue) - 1] }
    }

    /// The one that follows in the order of the protocol; nil after the last.
    var next: PresenceAttribute? { PresenceAttribute(rawValue: rawValue + 1) }
}

/// A set of attributes; stored as its bits.
struct PresenceAttributes: Equatable, BitwiseCopyable {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }

    init(_ attribute: PresenceAttribute) { rawValue = 1 << UInt32(attribute.rawValue - 1) }

    static var none: PresenceAttributes { PresenceAttributes(rawValue: 0) }
    static var all: PresenceAttributes { PresenceAttributes(rawValue: 0x3FFFF) }

    /// Where somebody is and how he is reached, besides by messages: what to be careful with. Source: SM-41.
    static var sensitive: PresenceAttributes {
        PresenceAttributes(.geoLocation).union(PresenceAttributes(.address))
            .union(PresenceAttributes(.freeTextLocation)).union(PresenceAttributes(.contactInfo))
            .union(PresenceAttributes(.preferredContacts))
    }

    var isEmpty: Bool { rawValue == 0 }
    var count: Int { rawValue.nonzeroBitCount }

    func contains(_ attribute: PresenceAttribute) -> Bool {
        !intersection(PresenceAttributes(attribute)).isEmpty
    }

    func union(_ other: PresenceAttributes) -> PresenceAttributes {
        PresenceAttributes(rawValue: rawValue | other.rawValue)
    }

    func intersection(_ other: PresenceAttributes) -> PresenceAttributes {
        PresenceAttributes(rawValue: rawValue & other.rawValue)
    }

    func subtracting(_ other: PresenceAttributes) -> PresenceAttributes {
        PresenceAttributes(rawValue: rawValue & ~other.rawValue)
    }

    /// The attributes that a PresenceSubList names. What no version knows is passed over.
    ///
    /// - Throws: 750 for an element of the protocol that is no attribute.
    @inline(never)
    static func read(
        _ document: borrowing Document, _ list: Document.Element
    ) throws(Refusal) -> PresenceAttributes {
        var attributes = PresenceAttributes.none
        var next = document.firstChild(of: list)
        while let element = next {
            next = document.nextSibling(of: element)
            guard let attribute = PresenceAttribute(document.tag(of: element)) else {
                throw Refusal(.invalidOrUnsupportedPresenceAttribute)
            }
            attributes = attributes.union(PresenceAttributes(attribute))
        }
        return attributes
    }

    /// The attributes that a request names; all of them when it has no PresenceSubList, or an empty one.
    ///
    /// - Throws: 750 for an element of the protocol that is no attribute.
    /// - Source: protocol/primitives.md §4.2, rule 1.
    @inline(never)
    static func wanted(
        _ document: borrowing Document, _ element: Document.Element
    ) throws(Refusal) -> PresenceAttributes {
        guard let list = document.first(.presenceSubList, in: element) else { return .all }
        let attributes = try read(document, list)
        // Whoever wants only what is not known here wants nothing else instead.
        return attributes.isEmpty && !document.hasUnknownChildren(list) ? .all : attributes
    }

    /// Writes PresenceSubList with an empty element for each attribute.
    @inline(never)
    func write(into writer: inout Writer) {
        writer.open(.presenceSubList)
        var next: PresenceAttribute? = .onlineStatus
        while let attribute = next {
            if contains(attribute) { writer.empty(attribute.tag) }
            next = attribute.next
        }
        writer.close(.presenceSubList)
    }
}
