import CSP
import Octets
import Wire

/// System Messages for clients that do not know them: an ordinary message from the system address asks, and an ordinary
/// message to it answers. Source: protocol/system-message.md §4.6.
extension Engine where Port: ~Copyable {
    /// The address that asks; no account can have it.
    var systemAddress: InlineBytes<100> {
        var address = InlineBytes<100>()
        _ = address.append("wv:system@")
        _ = address.append(settings.domain.span)
        return address
    }

    func isSystemAddress(_ text: Span<UInt8>) -> Bool {
        guard let address = Address(text, homeDomain: settings.domain.span) else { return false }
        return address.canonical.equalsIgnoringCase(systemAddress.span)
    }

    /// Whether a message came from the system address.
    func isFromSystem(_ sequence: UInt64) -> Bool {
        guard let header = messageHeader(sequence) else { return false }
        return header.sender.span.equals(systemAddress.span)
    }

    /// Puts a text into a user's mailbox, whatever its quota says.
    mutating func sendFromSystem(_ text: InlineBytes<7000>, to user: UInt32, _ turn: borrowing Turn) {
        var header = MessageHeader()
        header.sender = systemAddress
        header.sent = turn.wall.storedSeconds
        header.contentByteCount = UInt32(text.count)
        _ = header.contentType.append(ContentType.plainText)
        header.recipients[0] = user
        header.recipientCount = 1
        let sequence = takeSequence()
        storeMessage(header, sequence, text.span)
        enqueue(MailboxEntry(kind: .message, byteCount: header.contentByteCount), sequence, for: user)
    }

    // MARK: Asking

    /// Asks what is due by ordinary messages; one that is still unread is not asked twice.
    mutating func askByMessage(_ due: DueCampaigns, _ user: UInt32, _ turn: borrowing Turn) {
        let hasUnread = hasUnreadQuestion(user)
        let sheet = sheet(of: user)
        for index in 0..<due.count {
            let campaign = campaigns[due[index]]
            if hasUnread, let entry = sheet.entry(campaign), entry.state == .asked { continue }
            sendFromSystem(question(campaign), to: user, turn)
            noteSent(campaign, user, turn.wall)
        }
        noteAsked(due, user, turn.wall)
    }

    private func hasUnreadQuestion(_ user: UInt32) -> Bool {
        var sequence: UInt64 = 0
        while let next = entryNumber(after: sequence, of: user) {
            sequence = next
            if isFromSystem(next) { return true }
        }
        return false
    }

    /// The text, the lead-in, and the options with their numbers.
    private mutating func question(_ campaign: Campaign) -> InlineBytes<7000> {
        var text = InlineBytes<7000>()
        loadText(of: campaign)
        _ = text.append(scratch.span)
        if !campaign.leadIn.isEmpty {
            _ = text.append(0x0A)
            _ = text.append(campaign.leadIn.span)
        }
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            _ = text.append(0x0A)
            _ = text.append(Decimal.digits(of: UInt64(option.id)).span)
            _ = text.append(0x20)
            _ = text.append(option.text.span)
        }
        return text
    }

    // MARK: Answers

    /// Takes a message to the system address as the answer to the first question that is open.
    mutating func messageToSystem(_ text: Span<UInt8>, from slot: UInt16, _ turn: inout Turn) {
        let user = sessions[slot].user
        let sheet = sheet(of: user)
        guard let place = openQuestion(sheet, user) else {
            reply("Nothing is asked of you.", to: user, turn)
            return
        }
        let campaign = campaigns[place]
        guard let option = chosenOption(text.trimmed(), campaign), campaign.mechanism.isEmpty else {
            reply("Please answer with the number of an option.", to: user, turn)
            return
        }
        guard var proof = proof(campaign, user), var entry = sheet.entry(campaign) else { return }
        entry.at = turn.wall.storedSeconds
        record(option, campaign, user, &entry, &proof, sheet, &turn)
        if !entry.grant.isAdmitted, campaign.blocks {
            disconnectAll(user, &turn)
            return
        }
        applyLevel(to: user)
        reply(openQuestion(self.sheet(of: user), user) == nil ? "Thank you." : "Thank you. One more:", to: user, turn)
    }

    /// The place of the first question that was put to a user and not answered; what blocks comes first.
    func openQuestion(_ sheet: AnswerSheet, _ user: UInt32) -> Int? {
        var found: Int?
        for place in 0..<campaigns.count where campaigns[place].number != 0 && campaigns[place].optionCount > 0 {
            guard campaigns[place].isFor(user), sheet.entry(campaigns[place])?.state == .asked else { continue }
            if campaigns[place].blocks { return place }
            found = found ?? place
        }
        return found
    }

    /// The option that a text names: by its number in front, or by its words.
    private func chosenOption(_ text: Span<UInt8>, _ campaign: Campaign) -> CampaignOption? {
        var digits = 0
        while digits < text.count, text[digits].isASCIIDigit { digits += 1 }
        if digits > 0 {
            guard let id = Decimal.parse(text.extracting(0..<digits)), id <= UInt64(UInt16.max) else { return nil }
            return option(id: UInt16(id), of: campaign)
        }
        for place in 0..<campaign.optionCount {
            if let option = option(place, of: campaign), option.text.span.equalsIgnoringCase(text) { return option }
        }
        return nil
    }

    /// Says something that may be left out when the mailbox is full: nobody fills it by talking to the system.
    private mutating func reply(_ words: StaticString, to user: UInt32, _ turn: borrowing Turn) {
        guard store.hasRoom, hasMailboxRoom(user, byteCount: UInt32(words.utf8CodeUnitCount)) else { return }
        var text = InlineBytes<7000>()
        _ = text.append(words)
        sendFromSystem(text, to: user, turn)
    }
}
