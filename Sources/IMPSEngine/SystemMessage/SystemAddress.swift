import CSP
import Octets
import Wire

extension Settings {
    /// The address that asks; no account can have it.
    var systemAddress: InlineBytes<100> {
        var address = InlineBytes<100>()
        _ = address.append("wv:system@")
        _ = address.append(domain.span)
        return address
    }
}

extension Address {
    /// It is the address that asks.
    var isSystem: Bool { isLocal && kind == .user && canonical.starts(with: "wv:system@") }
}

/// System Messages for clients that do not know them: an ordinary message from the system address asks, and an ordinary
/// message to it answers. Source: protocol/system-message.md §4.6.
extension SystemMessages where Port: ~Copyable {
    /// Puts a text into a user's mailbox, whatever its quota says.
    ///
    /// - Parameter isQuiet: It can be listed and fetched, and is not sent by itself.
    @inline(never)
    func sendFromSystem(
        _ text: InlineBytes<7000>, to user: UInt32, isQuiet: Bool = false, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ wall: WallTime
    ) {
        let header = records.headerFromSystem(text.count, to: user, wall)
        let sequence = records.takeSequence()
        mailboxes.storeMessage(header, sequence, MessageContent(text.span), &records)
        var entry = MailboxEntry(kind: .message, byteCount: header.contentByteCount)
        entry.isQuiet = isQuiet
        mailboxes.enqueue(entry, sequence, for: user, &sessions, &records)
    }

    // MARK: Asking

    /// Asks what is due; the messages become ordinary ones on their way.
    func askByMessage(
        _ due: DueCampaigns, _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: borrowing Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        for index in 0..<due.count { enqueueService(campaigns[due[index]], for: user, &sessions, mailboxes, &records) }
    }

    // MARK: Answers

    /// Takes a message to the system address: a word about help messages, or the answer to a question that is open.
    mutating func messageToSystem(
        _ text: Span<UInt8>, from slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        let user = sessions[slot].user
        let text = text.trimmed()
        if let word = HelpWord(text) {
            answer(word, user, &sessions, &mailboxes, &records, turn.wall)
            return
        }
        guard let place = openQuestion(to: user, records) else {
            reply(
                "Nothing is asked of you. Write 'help' to see whether you get help messages.", to: user, &sessions,
                &mailboxes, &records, turn.wall)
            return
        }
        let campaign = campaign(at: place, for: user, records)
        guard let option = records.chosenOption(text, campaign), campaign.mechanism.isEmpty else {
            records.noteInVain(
                .notUnderstood, campaign, user, words: text, sessions.proofClient(of: slot, records), turn)
            explain(campaign, to: user, &sessions, &mailboxes, &records, turn.wall)
            return
        }
        guard var entry = records.sheet(of: user).entry(campaign) else { return }
        entry.at = turn.wall.storedSeconds
        record(
            option, campaign, user, &entry, sessions.proofClient(of: slot, records), &sessions, &mailboxes, &records,
            &turn)
        if !entry.grant.isAdmitted {
            disconnectAll(user, because: .declined, &sessions, &mailboxes, &records, &turn)
            return
        }
        applyLevel(to: user, &sessions, mailboxes, &records, &turn)
        let isLast = openQuestion(to: user, records) == nil
        reply(isLast ? "Thank you." : "Thank you. One more:", to: user, &sessions, &mailboxes, &records, turn.wall)
    }

    /// Shows or changes whether a user gets help messages. Source: SM-52.
    private func answer(
        _ word: HelpWord, _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) {
        let wasOff = records.sheet(of: user).isHelpOff
        let isOff = word == .show ? wasOff : word == .off
        if wasOff != isOff { setHelp(isOff: isOff, of: user, &records) }
        reply(
            isOff
                ? "Help messages are off. Write 'help on' to get them again."
                : "Help messages are on. Write 'help off' for none.", to: user, &sessions, &mailboxes, &records, wall)
    }

    /// The place of the question that an answer without a name is for: what blocks comes first, else the one that was put
    /// last.
    private func openQuestion(to user: UInt32, _ records: borrowing Records<Port>) -> Int? {
        var found: Int?
        var latest: UInt64 = 0
        for place in 0..<campaigns.count where campaigns[place].number != 0 && campaigns[place].optionCount > 0 {
            let campaign = campaign(at: place, for: user, records)
            guard let entry = records.sheet(of: user).entry(campaign), entry.state == .asked,
                campaign.notice != .waiting
            else {
                continue
            }
            if campaign.blocks { return place }
            if found == nil || entry.at > latest {
                found = place
                latest = entry.at
            }
        }
        return found
    }

    /// Says how to answer, with the options once more: the question may be far above by now.
    private func explain(
        _ campaign: Campaign, to user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) {
        var text = InlineBytes<7000>()
        if campaign.mechanism.isEmpty {
            _ = text.append("Please answer with the number or the words of one option, and nothing else:")
            records.append(optionsOf: campaign, to: &text)
        } else {
            _ = text.append("This cannot be answered by a message.")
        }
        reply(text, to: user, &sessions, &mailboxes, &records, wall)
    }

    /// Says something that may be left out when the mailbox is full: nobody fills it by talking to the system.
    private func reply(
        _ words: StaticString, to user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) {
        var text = InlineBytes<7000>()
        _ = text.append(words)
        reply(text, to: user, &sessions, &mailboxes, &records, wall)
    }

    private func reply(
        _ text: InlineBytes<7000>, to user: UInt32, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ wall: WallTime
    ) {
        guard records.store.hasRoom, records.hasMailboxRoom(user, byteCount: UInt32(text.count)) else { return }
        sendFromSystem(text, to: user, &sessions, &mailboxes, &records, wall)
    }
}

extension Records where Port: ~Copyable {
    func headerFromSystem(_ byteCount: Int, to user: UInt32, _ wall: WallTime) -> MessageHeader {
        var header = MessageHeader()
        header.sender = settings.systemAddress
        header.sent = wall.storedSeconds
        header.contentByteCount = UInt32(byteCount)
        _ = header.contentType.append(ContentType.plainText)
        header.recipients[0] = user
        header.recipientCount = 1
        return header
    }

    /// The text, the lead-in, and the options with their numbers.
    mutating func question(_ campaign: Campaign) -> InlineBytes<7000> {
        var text = InlineBytes<7000>()
        loadText(of: campaign)
        _ = text.append(scratch.span)
        if campaign.hasLeadIn {
            loadLeadIn(of: campaign)
            _ = text.append(0x0A)
            _ = text.append(scratch.span)
        }
        append(optionsOf: campaign, to: &text)
        return text
    }

    func append(optionsOf campaign: Campaign, to text: inout InlineBytes<7000>) {
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            _ = text.append(0x0A)
            _ = text.append(Decimal.digits(of: UInt64(option.id)).span)
            _ = text.append(0x20)
            _ = text.append(option.text.span)
        }
    }
}

/// What somebody writes to the system address about help messages, in any case. Source: SM-52.
private enum HelpWord {
    case show, on, off

    init?(_ text: Span<UInt8>) {
        if text.equalsIgnoringCase("help") {
            self = .show
        } else if text.equalsIgnoringCase("help on") {
            self = .on
        } else if text.equalsIgnoringCase("help off") {
            self = .off
        } else {
            return nil
        }
    }
}
