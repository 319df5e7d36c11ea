import Octets

/// What is looked at of what comes from an XMPP server, elements and attributes alike; all else is passed over.
///
/// Attributes that are among these lie on the tape as children of their element.
public enum StanzaName: UInt16, Sendable {
    case message, presence, iq, handshake, error, body, show, status, delay, request, received, originID, ping, query
    case itemNotFound, remoteServerNotFound, remoteServerTimeout, stream
    // Attributes.
    case from, to, id, type, stamp, xmlns

    fileprivate static var words: StaticString {
        "message presence iq handshake error body show status delay request received origin-id ping query item-not-found remote-server-not-found remote-server-timeout stream from to id type stamp xmlns"
    }

    /// Its text is looked at, and no attribute.
    fileprivate var isText: Bool { self == .body || self == .show || self == .status }

    fileprivate var isAttribute: Bool { rawValue >= StanzaName.from.rawValue }
}

extension Tag {
    /// They lie behind all names of the protocol.
    private static var firstStanzaName: UInt16 { 0x8000 }

    init(_ name: StanzaName) { self.init(rawValue: Tag.firstStanzaName + name.rawValue) }

    /// The name of an element of a stanza, or of an attribute; nil when it is not looked at. Neither can stand for the other.
    init?(stanza name: Span<UInt8>, isAttribute: Bool) {
        guard let place = name.place(among: StanzaName.words), let known = StanzaName(rawValue: UInt16(place)),
            known.isAttribute == isAttribute
        else { return nil }
        self.init(known)
    }

    fileprivate var stanzaName: StanzaName? {
        rawValue < Tag.firstStanzaName ? nil : StanzaName(rawValue: rawValue - Tag.firstStanzaName)
    }

    /// An element of a stanza whose attributes are looked at.
    var hasAttributes: Bool { stanzaName.map { !$0.isText } ?? true }
}

extension Document {
    /// Reads a stanza, or the tag that begins a stream, onto the tape.
    ///
    /// - Throws: `WireError`; what was read before it is on the tape. The tag of a stream is always cut short.
    public mutating func read(stanza octets: Span<UInt8>) throws(WireError) { try read(octets, isStanza: true) }

    /// What an element of a stanza is; nil for one that is not looked at.
    public func name(of element: Element) -> StanzaName? { tag(of: element).stanzaName }

    /// The first child or attribute of this name; nil when there is none.
    @inline(never)
    public func child(_ name: StanzaName, of element: Element) -> Element? { first(Tag(name), in: element) }

    /// The text of a child, or the value of an attribute with its references as they came; empty when there is none.
    @inline(never)
    @_lifetime(borrow self)
    public func value(_ name: StanzaName, of element: Element) -> Span<UInt8> {
        guard let child = child(name, of: element) else { return Span() }
        return text(of: child)
    }
}
