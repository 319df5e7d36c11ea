import CSP
import Octets
import Wire

/// The operator's commands about System Messages.
///
///     sysmsg add NAME key=value ...     text may come in several pieces, option for each option
///     sysmsg member NAME USER ...       adds to the list of the audience
///     sysmsg renew|end|del NAME
///     sysmsg answer NAME USER option    what a user said by another way
///     sysmsg key NAME USER
///     sysmsg list | show NAME | progress NAME | results NAME | journal NAME | verify NAME
extension SystemMessages where Port: ~Copyable {
    mutating func changeCampaign(
        _ action: Span<UInt8>, _ name: Span<UInt8>, _ words: inout Words, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        into output: inout FixedBytes
    ) throws(OperatorError) {
        if action.equals("add") { return try addCampaign(name, words, &sessions, &records, &turn) }
        guard var campaign = campaign(named: name, records) else { throw .campaignUnknown }
        if action.equals("renew") {
            try renew(&campaign, &sessions, &records, &turn)
        } else if action.equals("end") {
            guard campaign.isActive else { throw .campaignRefused("it is not active") }
            end(&campaign, &sessions, &records, &turn)
        } else if action.equals("del") {
            delete(&campaign, &sessions, &records, &turn)
        } else if action.equals("member") {
            try addMembers(&words, campaign, &sessions, &records, &turn, into: &output)
        } else if action.equals("answer") {
            try answer(campaign, &words, &sessions, &mailboxes, &records, &turn)
        } else if action.equals("key") {
            try writeKey(campaign, words.next().span, records, into: &output)
        } else {
            throw .usage("sysmsg add|list|show|renew|end|del|answer|key|progress|results|journal|verify")
        }
    }

    // MARK: Making one

    private mutating func addCampaign(
        _ name: Span<UInt8>, _ words: Words, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn
    ) throws(OperatorError) {
        guard let copy = InlineBytes<24>(name), Campaign.isName(name) else {
            throw .campaignRefused("a name has 1 to 24 letters, digits, '-' or '_'")
        }
        guard records.store.hasRoom else { throw .storeFull }
        var campaign = try check(words, &records)
        campaign.name = copy
        let former = self.campaign(named: name, records)
        if let former, former.section == 0 || campaign.section == 0 { throw .campaignExists }
        try findAudience(&campaign, records)
        guard former?.isActive ?? false || hasRoomForCampaign else { throw .campaignsFull }
        if let former {
            // What a section of the configuration says replaces what it said before; the answers set the level until
            // there are new ones.
            campaign.number = former.number
            campaign.generation = try generation(after: former)
            campaign.edition = campaign.generation
            if hasProof(former, records) { records.removeMembers(of: former) } else { records.remove(former) }
        } else {
            campaign.number = records.takeCampaignNumber()
        }
        campaign.created = turn.wall.storedSeconds
        campaign.secret = turn.entropy.take()
        campaign.sequence = records.takeSequence()
        write(words, of: &campaign, &records)
        keep(campaign, &records)
        records.note(former == nil ? .started : .renewed, campaign, turn)
        campaignsChanged(&sessions)
        watchDates(&sessions, turn)
        log(.campaign, "started", campaign, &turn)
    }

    /// Reads the fields, and changes nothing.
    private func check(_ words: Words, _ records: inout Records<Port>) throws(OperatorError) -> Campaign {
        var section = CampaignSection()
        var number: UInt64 = 0
        var words = words
        records.scratch.removeAll()
        while let (word, equals) = nextField(&words) {
            let field = word.span.extracting(0..<equals)
            let value = word.span.extracting(equals + 1..<word.count)
            if field.equals("text") {
                records.scratch.append(value)
            } else if field.equals("section") {
                number = Decimal.parse(value) ?? 0
            } else if let words = section.take(field, value) {
                throw .campaignRefused(words)
            }
        }
        guard words.isAtEnd else { throw .campaignRefused("a field is no key=value, or has more than 512 octets") }
        let length = records.scratch.isOverflowed ? nil : UTF8.scalarCount(records.scratch.span)
        try section.campaign.check(textLength: length, most: records.settings.systemTextMax)
        var campaign = section.campaign
        campaign.section = number
        // They are counted as they are written.
        campaign.optionCount = 0
        return campaign
    }

    private func nextField(_ words: inout Words) -> (word: InlineBytes<520>, equals: Int)? {
        let word = words.next()
        guard let equals = word.span.firstIndex(of: 0x3D) else { return nil }
        return (word, equals)
    }

    /// Keeps text, lead-in and options of a campaign whose fields were checked.
    private func write(_ words: Words, of campaign: inout Campaign, _ records: inout Records<Port>) {
        var words = words
        while let (word, equals) = nextField(&words) {
            let field = word.span.extracting(0..<equals)
            let value = word.span.extracting(equals + 1..<word.count)
            if field.equals("text") {
                records.appendText(value, to: &campaign)
            } else if field.equals("lead_in") {
                records.setLeadIn(value, of: &campaign)
            } else if field.equals("option"), let option = try? CampaignOption(word: value) {
                records.append(option, to: &campaign)
            }
        }
    }

    private func findAudience(_ campaign: inout Campaign, _ records: borrowing Records<Port>) throws(OperatorError) {
        if campaign.audience == .new { campaign.audienceUser = records.nextUserNumber }
        guard campaign.audience == .user else { return }
        let address = try records.localAddress(campaign.audienceName.span)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        campaign.audienceUser = account.number
    }

    /// Names that nobody has are told, and the others are taken: a list is often older than the accounts.
    private mutating func addMembers(
        _ words: inout Words, _ campaign: Campaign, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>,
        _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) {
        guard campaign.audience == .list else { throw .campaignRefused("members need the audience list:FILE") }
        var taken: UInt64 = 0
        var unknown: UInt64 = 0
        while true {
            let name = words.next()
            guard !name.isEmpty else { break }
            if let address = Address(name.span, homeDomain: records.settings.domain.span),
                let account = records.account(address.canonical)
            {
                records.addMember(account.number, of: campaign)
                taken += 1
            } else {
                unknown += 1
                guard output.freeCapacity > 1024 else { continue }
                output.field("unknown", name.span)
                output.endRecord()
            }
        }
        campaignsChanged(&sessions)
        guard turn.journal.begin(.campaign, turn.now, turn.wall) else { return }
        turn.journal.text("name", campaign.name.span)
        turn.journal.word("is", "listed")
        turn.journal.number("users", taken)
        turn.journal.number("unknown", unknown)
        turn.journal.end()
    }

    // MARK: Later

    private mutating func renew(
        _ campaign: inout Campaign, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(OperatorError) {
        guard campaign.isActive || hasRoomForCampaign else { throw .campaignsFull }
        campaign.generation = try generation(after: campaign)
        campaign.state = .active
        campaign.sequence = records.takeSequence()
        keep(campaign, &records)
        records.note(.renewed, campaign, turn)
        campaignsChanged(&sessions)
        watchDates(&sessions, turn)
        log(.campaign, "renewed", campaign, &turn)
    }

    private func generation(after campaign: Campaign) throws(OperatorError) -> UInt16 {
        guard campaign.generation < .max else { throw .campaignRefused("it was renewed too often; add another one") }
        return campaign.generation + 1
    }

    mutating func end(
        _ campaign: inout Campaign, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        campaign.state = .ended
        keep(campaign, &records)
        records.note(.ended, campaign, turn)
        campaignsChanged(&sessions)
        log(.campaign, "ended", campaign, &turn)
    }

    /// Takes a campaign away; what anybody was asked stays, with the text, as the proof.
    mutating func delete(
        _ campaign: inout Campaign, _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) {
        records.removeMembers(of: campaign)
        campaign.state = .deleted
        keep(campaign, &records)
        if hasProof(campaign, records) { records.note(.deleted, campaign, turn) } else { records.remove(campaign) }
        campaignsChanged(&sessions)
        log(.campaign, "deleted", campaign, &turn)
    }

    private func hasProof(_ campaign: Campaign, _ records: borrowing Records<Port>) -> Bool {
        let first = Key.proof(campaign.number, 0, 0)
        guard let entry = records.store.entry(atOrAfter: first.span) else { return false }
        return entry.key.count == 11 && entry.key.starts(with: first.span.extracting(0..<5))
    }

    /// Takes what a user told the operator for his answer, so that his next login passes. Source: SM-54,
    /// protocol/system-message.md §4.6.
    private mutating func answer(
        _ campaign: Campaign, _ words: inout Words, _ sessions: inout Sessions<Port>,
        _ mailboxes: inout Mailboxes<Port>, _ records: inout Records<Port>, _ turn: inout Turn
    ) throws(OperatorError) {
        let address = try records.localAddress(words.next().span)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        guard campaign.isActive else { throw .campaignRefused("it is not active") }
        guard campaign.policy != .everyLogin else {
            throw .campaignRefused("every-login asks at each login; nothing can be answered before")
        }
        guard let id = Decimal.parse(words.next().span), id <= UInt64(UInt16.max),
            let option = records.option(id: UInt16(id), of: campaign)
        else { throw .campaignRefused("an option of the message by its identifier") }
        var entry = SheetEntry(campaign: campaign.number, generation: campaign.generation)
        entry.at = turn.wall.storedSeconds
        // It closes what was asked, whose answer may be on its way.
        entry.instance = records.sheet(of: account.number).entry(campaign)?.instance ?? 0
        record(
            option, campaign, account.number, &entry, ProofClient(), isByOperator: true, &sessions, &mailboxes,
            &records, &turn)
        if !entry.grant.isAdmitted {
            disconnectAll(account.number, because: .declined, &sessions, &mailboxes, &records, &turn)
        } else {
            applyLevel(to: account.number, &sessions, mailboxes, &records, &turn)
        }
    }

    private func log(_ code: LogCode, _ what: StaticString, _ campaign: Campaign, _ turn: inout Turn) {
        guard turn.journal.begin(code, turn.now, turn.wall) else { return }
        turn.journal.text("name", campaign.name.span)
        turn.journal.word("is", what)
        turn.journal.number("generation", UInt64(campaign.generation))
        turn.journal.end()
    }

    private func writeKey(
        _ campaign: Campaign, _ name: Span<UInt8>, _ records: borrowing Records<Port>, into output: inout FixedBytes
    ) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        output.field("key", verificationKey(campaign, account.number).span)
        output.endRecord()
    }
}
