import CSP
import Octets
import Wire

/// The server's own notices: raising them, and their texts. Source: protocol/system-message.md §5.2.
extension SystemMessages where Port: ~Copyable {
    /// Tells a user something at his next poll, in this session or the next. One that waits still is brought up to date.
    @inline(never)
    func notify(
        _ notice: Notice, _ argument: UInt32, _ user: UInt32, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        guard let place = place(of: notice.number) else { return }
        let last = records.sheet(of: user).entry(of: notice.number)
        var entry = SheetEntry(campaign: notice.number, generation: 1)
        entry.argument = argument
        entry.at = turn.wall.storedSeconds
        if let last {
            let isStillWaiting =
                last.state == .asked && records.isWaiting(campaign(at: place, for: user, records), for: user)
            entry.generation = isStillWaiting ? last.generation : last.generation &+ 1
            if isStillWaiting, notice == .quota { entry.argument = last.argument.saturatingAdd(argument) }
        }
        set(entry, of: user, &records)
        enqueueService(campaign(at: place, for: user, records), for: user, &sessions, mailboxes, &records)
    }
}

extension SystemMessages where Port: ~Copyable {
    /// Whether a user was ever told a notice.
    func wasRaised(_ notice: Notice, for user: UInt32, _ records: borrowing Records<Port>) -> Bool {
        records.sheet(of: user).entry(of: notice.number) != nil
    }

    /// Whether a user has not answered a notice yet.
    ///
    /// - Parameter evenIfShown: Also when a client has shown it.
    func isOpen(_ notice: Notice, of user: UInt32, evenIfShown: Bool, _ records: borrowing Records<Port>) -> Bool {
        guard let place = place(of: notice.number), records.sheet(of: user).entry(of: notice.number)?.state == .asked
        else { return false }
        return evenIfShown || records.isWaiting(campaign(at: place, for: user, records), for: user)
    }
}

/// What somebody answered when he was told that another put him on a list; `People/` does it.
struct AddedAnswer {
    var user: UInt32
    /// Who is to be put on his list too; nil when he does not want it.
    var contact: UInt32?
}

extension Records where Port: ~Copyable {
    // MARK: Texts

    /// Puts the text of a notice into `scratch`: what the configuration says, else the default.
    mutating func writeText(of notice: Notice, _ argument: UInt32) {
        var template = InlineBytes<512>()
        let key = Key.noticeText(notice == .help ? UInt16(truncatingIfNeeded: argument) : UInt16(notice.rawValue))
        if let text = store.value(for: key.span) {
            template = InlineBytes(text) ?? InlineBytes()
        } else if let text = notice.defaultText(argument) {
            _ = template.append(text)
        }
        scratch.removeAll()
        for index in 0..<template.count {
            if template.span[index] != 0x25 {
                scratch.append(template.span[index])
            } else if notice == .added, let account = account(of: argument) {
                scratch.append(account.display.span)
            } else {
                scratch.append(decimal: UInt64(argument))
            }
        }
    }

    /// Keeps the text of a notice, or of the help with an error, from the configuration; nothing changes when it is the
    /// same.
    mutating func setNoticeText(_ code: UInt16, _ text: Span<UInt8>) {
        let key = Key.noticeText(code)
        if let stored = store.value(for: key.span), stored.equals(text) { return }
        scratch.removeAll()
        scratch.append(text)
        store.put(key.span, scratch)
    }

    /// The first code from `code` on that has a text from the configuration.
    func firstNoticeText(from code: UInt16) -> UInt16? {
        let key = Key.noticeText(code)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 3, entry.key[0] == RecordKind.noticeText
        else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<3))
        return reader.integer()
    }
}
