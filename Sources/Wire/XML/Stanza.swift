import Octets

/// What is looked at of what comes from an XMPP server, elements and attributes alike; all else is passed over.
///
/// Attributes that are among these lie on the tape as children of their element.
public enum StanzaName: UInt16, Sendable {
    case message, presence, iq, handshake, error, body, show, status, delay, stamp, request, received, originID, ping
    case query, from, to, id, type, xmlns, itemNotFound, remoteServerNotFound, remoteServerTimeout, stream

    fileprivate static var words: StaticString {
        "message presence iq handshake error body show status delay stamp request received origin-id ping query from to id type xmlns item-not-found remote-server-not-found remote-server-timeout stream"
    }

    /// Its text is looked at, and no attribute.
    fileprivate var isText: Bool { self == .body || self == .show || self == .status }
}

extension Tag {
    /// They lie behind all names of the protocol.
    private static var firstStanzaName: UInt16 { 0x8000 }

    init(_ name: StanzaName) { self.init(rawValue: Tag.firstStanzaName + name.rawValue) }

    /// The name of an element or attribute of a stanza; nil when it is not looked at.
    init?(stanza name: Span<UInt8>) {
        guard let place = name.place(among: StanzaName.words) else { return nil }
        self.init(rawValue: Tag.firstStanzaName + UInt16(place))
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
