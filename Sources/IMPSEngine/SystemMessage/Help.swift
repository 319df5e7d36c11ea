import CSP
import Octets
import Wire

/// Refusals of one code in a session.
struct RepeatedError: BitwiseCopyable {
    var code: UInt16 = 0
    var count: UInt8 = 0
    /// Help was given; it is not given again in this session.
    var isHelped = false
    /// Seconds of the monotonic clock when the first came.
    var since: UInt32 = 0

    init(code: UInt16 = 0, since: UInt32 = 0) {
        self.code = code
        self.since = since
    }
}

/// Help for who meets the same error again and again. Source: SM-41, SM-50, protocol/system-message.md §5.2.
extension SystemMessages where Port: ~Copyable {
    /// Counts a refusal of a session; the same code three times within ten minutes brings help, once a session.
    ///
    /// - Parameter element: The primitive that was refused.
    func countError(
        _ code: StatusCode, _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) {
        guard records.settings.helpErrors > 0, !sessions[slot].access.isRestricted,
            SystemMessages.isOfUser(document, element)
        else { return }
        var place = 0
        for index in 0..<4 {
            let tracked = sessions[slot].access.errors[index]
            if tracked.code == code.rawValue {
                place = index
                break
            }
            // A free place, or the one that came longest ago.
            let worst = sessions[slot].access.errors[place]
            if worst.code != 0, tracked.code == 0 || tracked.since < worst.since { place = index }
        }
        var errors = sessions[slot].access.errors[place]
        if errors.code != code.rawValue || !errors.isHelped && turn.now.seconds &- errors.since > 600 {
            errors = RepeatedError(code: code.rawValue, since: turn.now.seconds)
        }
        if errors.count < .max { errors.count += 1 }
        if errors.count >= records.settings.helpErrors, !errors.isHelped {
            errors.isHelped = true
            help(code, sessions[slot].user, &sessions, &mailboxes, &records, &turn)
        }
        sessions[slot].access.errors[place] = errors
    }

    /// Whether somebody did something, and not a client by itself: what it reads, subscribes to and negotiates at each
    /// login is nobody's error. Source: CL-22.
    private static func isOfUser(_ document: borrowing Document, _ element: Document.Element) -> Bool {
        guard let primitive = Primitive(document.tag(of: element)) else { return false }
        guard primitive == .listManageRequest else { return primitive.admission.has(.ofUser) }
        // Without an operation it reads a list.
        return document.first(.addNickList, in: element) != nil
            || document.first(.removeNickList, in: element) != nil
            || document.first(.contactListProperties, in: element) != nil
    }

    private func help(
        _ code: StatusCode, _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        records.writeText(of: .help, UInt32(code.rawValue))
        guard records.scratch.count > 0 else { return }
        guard records.sheet(of: user).isHelpOff else {
            notify(.help, UInt32(code.rawValue), user, &sessions, mailboxes, &records, &turn)
            return
        }
        // Who wants no help messages finds them in the inbox. Source: SM-51.
        guard records.store.hasRoom, records.quietCount(user) < 20 else { return }
        var text = InlineBytes<7000>()
        _ = text.append(records.scratch.span)
        sendFromSystem(text, to: user, isQuiet: true, &sessions, &mailboxes, &records, turn.wall)
    }
}
