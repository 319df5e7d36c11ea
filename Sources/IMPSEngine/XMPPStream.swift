import CSP
import Octets
import Wire

/// What has come on the stream from the XMPP server.
public enum StreamProgress: Sendable {
    case goesOn
    /// It makes no sense, or says that this is the end.
    case ends
}

/// The stream to an XMPP server, as the shell sees it: what comes goes to the rooms, and what is in the writer afterwards is
/// to be sent when the turn is durable.
extension Engine where Port: ~Copyable {
    /// The address of the server and the file with the secret; nil when there is none.
    public var xmppServer: (url: InlineBytes<200>, secretPath: InlineBytes<100>)? {
        component.section.map { ($0.urls[0], $0.secretPath) }
    }

    /// Begins a stream.
    public mutating func beginStream(secret: InlineBytes<200>, _ turn: borrowing Turn, into writer: inout Writer) {
        component.begin(secret: secret, records, turn.now, into: &writer)
    }

    /// Whether the server has taken the stream.
    public var isStreamOpen: Bool { component.isOpen }

    /// Whether it has answered on it.
    public var isStreamSound: Bool { component.isSound }

    /// Takes the tag that begins the stream, or a stanza.
    ///
    /// - Parameter isCut: The document has only the beginning of what is too large.
    public mutating func stanzaArrived(
        _ document: borrowing Document, isCut: Bool, _ turn: inout Turn, into writer: inout Writer
    ) -> StreamProgress {
        guard let element = document.root, let name = document.name(of: element) else { return .goesOn }
        switch name {
        case .stream: return component.prove(document.value(.id, of: element), into: &writer) ? .goesOn : .ends
        case .handshake: return component.opened(&sessions, &records, &turn) ? .goesOn : .ends
        case .error: return .ends
        case .message, .presence, .iq:
            guard component.isOpen else { return .ends }
            take(document, element, name, isCut: isCut, &turn, into: &writer)
            tellPeople(&turn)
            return .goesOn
        case .body, .show, .status, .delay, .stamp, .request, .received, .originID, .ping, .query, .from, .to, .id,
            .type, .xmlns, .itemNotFound, .remoteServerNotFound, .remoteServerTimeout:
            return .goesOn
        }
    }

    private mutating func take(
        _ document: borrowing Document, _ element: Document.Element, _ name: StanzaName, isCut: Bool,
        _ turn: inout Turn, into writer: inout Writer
    ) {
        if name == .iq {
            if document.value(.from, of: element).equalsIgnoringCase(records.settings.domain.span) {
                return component.answered(document.value(.id, of: element), &mailboxes, &records, &turn)
            }
            return component.questionArrived(document, element, into: &writer)
        }
        guard let stanza = Stanza(document, element, records) else { return }
        if isCut {
            if name == .message { stanza.refuse(document, "message", "modify'><policy-violation", into: &writer) }
            return
        }
        if name == .message {
            component.messageArrived(
                document, stanza, &sessions, &mailboxes, &systemMessages, &records, &turn, into: &writer)
        } else {
            component.presenceArrived(
                document, stanza, people, &accounts, &sessions, &mailboxes, &records, &turn, into: &writer)
        }
    }

    /// Writes what is to be sent by itself; to be asked for after what it tells of is durable.
    public mutating func writeStanzas(_ turn: inout Turn, into writer: inout Writer) {
        component.send(&mailboxes, &sessions, &records, &turn, into: &writer)
    }

    /// Whether the stream is to be closed.
    ///
    /// - Parameter isBlocked: Nothing can be written to it now.
    public mutating func isStreamLate(_ now: Instant, isBlocked: Bool) -> Bool {
        component.isLate(now, isBlocked: isBlocked)
    }

    /// There is no stream any more.
    ///
    /// - Parameter isSaid: The server has said so.
    public mutating func streamEnded(_ why: StaticString, isSaid: Bool, _ turn: inout Turn) {
        component.ended(why, isSaid: isSaid, &sessions, &mailboxes, &records, &turn)
    }

    // MARK: Users there

    /// Gives those whom a request names and who are reached by XMPP what they are known by here.
    mutating func meetRemotes(_ document: borrowing Document, _ element: Document.Element, _ turn: inout Turn) {
        if document.tag(of: element) == .userID {
            guard let address = Address(document.word(of: element), homeDomain: records.settings.domain.span),
                records.settings.isRemote(address), records.account(address.canonical) == nil,
                accounts.remoteUser(address.canonical, &records, turn) != nil
            else { return }
            return
        }
        var next = document.firstChild(of: element)
        while let child = next {
            next = document.nextSibling(of: child)
            meetRemotes(document, child, &turn)
        }
    }
}
