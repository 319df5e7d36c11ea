import CSP
import Octets
import Wire

/// Campaigns in the store, and the active ones in memory.
extension Records where Port: ~Copyable {
    /// The first part of the text, and of the options.
    private static var textPart: UInt8 { 1 }
    private static var leadInPart: UInt8 { 15 }
    private static var optionPart: UInt8 { 16 }
    /// Octets of a part of the text.
    private static var partByteCount: Int { 1024 }

    /// The campaign with the lowest number from `number` on.
    func firstCampaign(from number: UInt32) -> Campaign? {
        let key = Key.campaign(number)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 5, entry.key[0] == RecordKind.campaign
        else {
            return nil
        }
        return Campaign(entry.value)
    }

    /// A number that no campaign had before.
    mutating func takeCampaignNumber() -> UInt32 {
        let key = Key.fact("campaign")
        // What was used last may be gone, and its proof is not: when nobody knows any more, it goes on far behind.
        let used: UInt32 = max(end(ofKind: RecordKind.campaign), end(ofKind: RecordKind.proofEvent))
        let next: UInt32 = number(for: key) ?? (used > 0 ? used + 1 << 16 : 1)
        scratch.removeAll()
        scratch.append(bigEndian: next + 1)
        store.put(key.span, scratch)
        return next
    }

    // MARK: Text

    /// Adds to the text of a new campaign, which has at most 2,048 octets in all.
    mutating func appendText(_ piece: Span<UInt8>, to campaign: inout Campaign) {
        var offset = 0
        while offset < piece.count {
            let used = Int(campaign.textByteCount)
            let key = partKey(campaign, Records.textPart + UInt8(used / Records.partByteCount))
            let room = Records.partByteCount - used % Records.partByteCount
            let count = min(room, piece.count - offset)
            scratch.removeAll()
            Records.append(key, in: store, skipping: 0, to: &scratch)
            scratch.append(piece.extracting(offset..<offset + count))
            store.put(key.span, scratch)
            campaign.textByteCount += UInt16(count)
            offset += count
        }
    }

    /// Puts the text into `scratch`.
    mutating func loadText(of campaign: Campaign) {
        scratch.removeAll()
        if let notice = campaign.notice {
            writeText(of: notice, campaign.argument)
            return
        }
        var part = Records.textPart
        while scratch.count < Int(campaign.textByteCount), part < Records.leadInPart {
            Records.append(partKey(campaign, part), in: store, skipping: 0, to: &scratch)
            part += 1
        }
    }

    /// Puts the lead-in of the options into `scratch`.
    mutating func loadLeadIn(of campaign: Campaign) {
        scratch.removeAll()
        Records.append(partKey(campaign, Records.leadInPart), in: store, skipping: 0, to: &scratch)
    }

    /// Gives a new campaign its lead-in.
    mutating func setLeadIn(_ text: Span<UInt8>, of campaign: inout Campaign) {
        scratch.removeAll()
        scratch.append(text)
        store.put(partKey(campaign, Records.leadInPart).span, scratch)
        campaign.hasLeadIn = true
    }

    /// Turns a campaign into what it was in an earlier generation, as far as its texts go.
    func chooseEdition(of campaign: inout Campaign, _ generation: UInt16) {
        campaign.generation = generation
        guard generation < campaign.edition else { return }
        campaign.edition = generation
        while campaign.edition > 1, store.value(for: partKey(campaign, Records.textPart).span) == nil {
            campaign.edition -= 1
        }
        // How much there is of it is seen as it is read.
        campaign.textByteCount = .max
        campaign.optionCount = Limits.optionCountMax
        while campaign.optionCount > 0, option(campaign.optionCount - 1, of: campaign) == nil {
            campaign.optionCount -= 1
        }
    }

    // MARK: Options

    /// The option at a place of a campaign, from 0.
    func option(_ place: UInt8, of campaign: Campaign) -> CampaignOption? {
        if let notice = campaign.notice { return notice.option(place, isAskedFirst: settings.announcement == .prompt) }
        guard place < campaign.optionCount else { return nil }
        let key = partKey(campaign, Records.optionPart + place)
        guard let record = store.value(for: key.span) else { return nil }
        return CampaignOption(record)
    }

    /// The option with an identifier.
    func option(id: UInt16, of campaign: Campaign) -> CampaignOption? {
        for place in 0..<campaign.optionCount {
            if let option = option(place, of: campaign), option.id == id { return option }
        }
        return nil
    }

    /// Adds an option to a new campaign.
    mutating func append(_ option: CampaignOption, to campaign: inout Campaign) {
        scratch.removeAll()
        option.write(into: &scratch)
        store.put(partKey(campaign, Records.optionPart + campaign.optionCount).span, scratch)
        campaign.optionCount += 1
    }

    private func partKey(_ campaign: Campaign, _ part: UInt8) -> Key {
        Key.campaign(campaign.number, edition: campaign.edition, part: part)
    }

    /// Takes a campaign away with the texts of all its editions, and with its journal: nobody was asked it.
    mutating func remove(_ campaign: Campaign) {
        removeAll(in: Key.campaign(campaign.number))
        removeAll(in: Key.proofHead(campaign.number))
        removeMembers(of: campaign)
    }

    /// Adds a user to the list of a campaign's audience.
    mutating func addMember(_ user: UInt32, of campaign: Campaign) {
        scratch.removeAll()
        store.put(Key.member(campaign.number, user).span, scratch)
    }

    mutating func removeMembers(of campaign: Campaign) {
        removeAll(in: Key.members(campaign.number))
    }

    // MARK: Users

    /// Forgets what a user was asked and answered; the proof stays.
    mutating func removeSheet(of user: UInt32) { store.delete(Key.answerSheet(user).span) }

    /// What a user was asked and answered.
    @_lifetime(borrow self)
    func sheet(of user: UInt32) -> AnswerSheet {
        let key = Key.answerSheet(user)
        guard let record = store.value(for: key.span) else { return AnswerSheet(Span()) }
        return AnswerSheet(record)
    }
}

extension SystemMessages where Port: ~Copyable {
    /// The places of the operator's campaigns; the server's own notices have those behind.
    var operatorPlaces: Range<Int> { 0..<EngineMemory.campaignCount - Notice.count }

    /// Reads the active campaigns; at start and after a turn that was not kept.
    mutating func reloadCampaigns(_ sessions: inout Sessions<Port>, _ records: borrowing Records<Port>) {
        for index in operatorPlaces { campaigns[index] = Campaign() }
        for place in operatorPlaces.upperBound..<campaigns.count {
            let notice = Notice(rawValue: UInt8(place - operatorPlaces.upperBound + 1))
            campaigns[place] = notice?.campaign ?? Campaign()
        }
        var place = 0
        var next: UInt32 = 1
        while let campaign = records.firstCampaign(from: next) {
            next = campaign.number + 1
            guard campaign.isActive, operatorPlaces.contains(place) else { continue }
            campaigns[place] = campaign
            place += 1
        }
        campaignsChanged(&sessions)
    }

    /// The campaign with a name; nil when there is none, or none any more.
    func campaign(named name: Span<UInt8>, _ records: borrowing Records<Port>) -> Campaign? {
        for index in operatorPlaces where campaigns[index].number != 0 {
            if campaigns[index].name.span.equals(name) { return campaigns[index] }
        }
        var found: Campaign?
        var next: UInt32 = 1
        while let campaign = records.firstCampaign(from: next) {
            next = campaign.number + 1
            if campaign.state != .deleted, campaign.name.span.equals(name) { found = campaign }
        }
        return found
    }

    /// The place of an active campaign or of a notice; nil when there is none with this number.
    func place(of number: UInt32) -> Int? {
        for index in 0..<campaigns.count where campaigns[index].number == number && number != 0 { return index }
        return nil
    }

    /// What is at a place, for one user: a notice gets its instance and what it is about from the user's sheet.
    func campaign(at place: Int, for user: UInt32, _ records: borrowing Records<Port>) -> Campaign {
        var campaign = campaigns[place]
        if campaign.kind == .notice, let entry = records.sheet(of: user).entry(of: campaign.number) {
            campaign.generation = entry.generation
            campaign.argument = entry.argument
        }
        return campaign
    }

    /// Keeps a campaign, and has it among the active ones as long as it is.
    mutating func keep(_ campaign: Campaign, _ records: inout Records<Port>) {
        records.scratch.removeAll()
        campaign.write(into: &records.scratch)
        records.store.put(Key.campaign(campaign.number).span, records.scratch)
        for index in operatorPlaces where campaigns[index].number == campaign.number {
            campaigns[index] = campaign.isActive ? campaign : Campaign()
            return
        }
        guard campaign.isActive else { return }
        for index in operatorPlaces where campaigns[index].number == 0 {
            campaigns[index] = campaign
            return
        }
    }

    /// True when one more campaign can be active.
    var hasRoomForCampaign: Bool {
        for index in operatorPlaces where campaigns[index].number == 0 { return true }
        return false
    }

    // MARK: Audience

    /// Whether a campaign is for a user.
    @inline(never)
    func isFor(_ campaign: borrowing Campaign, _ user: UInt32, _ sheet: AnswerSheet, _ records: borrowing Records<Port>)
        -> Bool
    {
        switch campaign.audience {
        case .all: return true
        case .new: return user >= campaign.audienceUser
        case .user: return user == campaign.audienceUser
        case .list:
            let key = Key.member(campaign.number, user)
            return records.store.value(for: key.span) != nil
        case .level: return level(sheet).isFull == campaign.isForFullLevel
        }
    }

    /// Keeps what is known of a user and a campaign; what belongs to no active campaign is forgotten with it.
    func set(_ entry: SheetEntry, of user: UInt32, _ records: inout Records<Port>) {
        let isHelpOff = records.sheet(of: user).isHelpOff
        writeSheet(of: user, isHelpOff: isHelpOff, without: entry.campaign, &records)
        entry.write(into: &records.scratch)
        records.store.put(Key.answerSheet(user).span, records.scratch)
    }

    /// Keeps whether a user wants help messages.
    func setHelp(isOff: Bool, of user: UInt32, _ records: inout Records<Port>) {
        writeSheet(of: user, isHelpOff: isOff, without: 0, &records)
        records.store.put(Key.answerSheet(user).span, records.scratch)
    }

    /// Puts a user's sheet into `scratch`, as far as its campaigns are active, without one of them.
    private func writeSheet(of user: UInt32, isHelpOff: Bool, without number: UInt32, _ records: inout Records<Port>) {
        records.scratch.removeAll()
        records.scratch.append(isHelpOff ? 1 : 0)
        for index in 0..<records.sheet(of: user).count {
            guard let entry = records.sheet(of: user)[index], entry.campaign != number, place(of: entry.campaign) != nil
            else {
                continue
            }
            entry.write(into: &records.scratch)
        }
    }
}
