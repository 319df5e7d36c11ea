import CSP
import Octets
import Wire

/// Campaigns in the store, and the active ones in memory.
extension Engine where Port: ~Copyable {
    /// The first part of the text, and of the options.
    private static var textPart: UInt8 { 1 }
    private static var optionPart: UInt8 { 16 }
    /// Octets of a part of the text.
    private static var partByteCount: Int { 1024 }

    /// Reads the active campaigns; at start and after a turn that was not kept.
    mutating func reloadCampaigns() {
        for index in 0..<campaigns.count { campaigns[index] = Campaign() }
        var place = 0
        var next: UInt32 = 1
        while let campaign = firstCampaign(from: next) {
            next = campaign.number + 1
            guard campaign.isActive, place < campaigns.count else { continue }
            campaigns[place] = campaign
            place += 1
        }
    }

    /// The campaign with the lowest number from `number` on.
    func firstCampaign(from number: UInt32) -> Campaign? {
        let key = Key.campaign(number)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 5, entry.key[0] == 0x50 else {
            return nil
        }
        return Campaign(entry.value)
    }

    /// The latest campaign with a name; nil when there is none.
    func campaign(named name: Span<UInt8>) -> Campaign? {
        for index in 0..<campaigns.count where campaigns[index].number != 0 {
            if campaigns[index].name.span.equals(name) { return campaigns[index] }
        }
        var found: Campaign?
        var next: UInt32 = 1
        while let campaign = firstCampaign(from: next) {
            next = campaign.number + 1
            if campaign.name.span.equals(name) { found = campaign }
        }
        return found
    }

    /// The active campaign with a number.
    func activeCampaign(_ number: UInt32) -> Campaign? {
        for index in 0..<campaigns.count where campaigns[index].number == number && number != 0 {
            return campaigns[index]
        }
        return nil
    }

    /// Keeps a campaign, and has it among the active ones as long as it is.
    mutating func keep(_ campaign: Campaign) {
        scratch.removeAll()
        campaign.write(into: &scratch)
        store.put(Key.campaign(campaign.number).span, scratch)
        for index in 0..<campaigns.count where campaigns[index].number == campaign.number {
            campaigns[index] = campaign.isActive ? campaign : Campaign()
            return
        }
        guard campaign.isActive else { return }
        for index in 0..<campaigns.count where campaigns[index].number == 0 {
            campaigns[index] = campaign
            return
        }
    }

    /// True when one more campaign can be active.
    var hasRoomForCampaign: Bool {
        for index in 0..<campaigns.count where campaigns[index].number == 0 { return true }
        return false
    }

    /// A number that no campaign had before.
    mutating func takeCampaignNumber() -> UInt32 {
        let key = Key.fact("campaign")
        var next: UInt32 = 1
        if let value = store.value(for: key.span) {
            var reader = RecordReader(value)
            next = reader.integer()
        }
        scratch.removeAll()
        scratch.append(bigEndian: next + 1)
        store.put(key.span, scratch)
        return next
    }

    // MARK: Text

    /// Adds to the text of a draft, which has at most 2,048 octets in all.
    mutating func appendText(_ piece: Span<UInt8>, to campaign: inout Campaign) {
        var offset = 0
        while offset < piece.count {
            let used = Int(campaign.textByteCount)
            let key = Key.campaign(campaign.number, part: Engine.textPart + UInt8(used / Engine.partByteCount))
            let room = Engine.partByteCount - used % Engine.partByteCount
            let count = min(room, piece.count - offset)
            scratch.removeAll()
            Engine.append(key, in: store, skipping: 0, to: &scratch)
            scratch.append(piece.extracting(offset..<offset + count))
            store.put(key.span, scratch)
            campaign.textByteCount += UInt16(count)
            offset += count
        }
        keep(campaign)
    }

    /// Puts the text into `scratch`.
    mutating func loadText(of campaign: Campaign) {
        scratch.removeAll()
        var part = Engine.textPart
        while scratch.count < Int(campaign.textByteCount), part < Engine.optionPart {
            Engine.append(Key.campaign(campaign.number, part: part), in: store, skipping: 0, to: &scratch)
            part += 1
        }
    }

    // MARK: Options

    /// The option at a place of a campaign, from 0.
    func option(_ place: UInt8, of campaign: Campaign) -> CampaignOption? {
        guard place < campaign.optionCount else { return nil }
        let key = Key.campaign(campaign.number, part: Engine.optionPart + place)
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

    /// Adds an option to a draft.
    mutating func append(_ option: CampaignOption, to campaign: inout Campaign) {
        scratch.removeAll()
        option.write(into: &scratch)
        store.put(Key.campaign(campaign.number, part: Engine.optionPart + campaign.optionCount).span, scratch)
        campaign.optionCount += 1
        keep(campaign)
    }

    /// Takes a draft away with its parts.
    mutating func remove(_ campaign: Campaign) {
        for part in Engine.textPart..<Engine.optionPart + Limits.optionCountMax {
            store.delete(Key.campaign(campaign.number, part: part).span)
        }
        store.delete(Key.campaign(campaign.number).span)
    }

    // MARK: Users

    /// What a user was asked and answered.
    func sheet(of user: UInt32) -> AnswerSheet {
        let key = Key.answerSheet(user)
        guard let record = store.value(for: key.span) else { return AnswerSheet() }
        return AnswerSheet(record)
    }

    /// Keeps what a user was asked and answered, of the active campaigns.
    mutating func keep(_ sheet: AnswerSheet, of user: UInt32) {
        var kept = sheet
        kept.keep { number in
            for index in 0..<campaigns.count where campaigns[index].number == number { return true }
            return false
        }
        scratch.removeAll()
        kept.write(into: &scratch)
        if scratch.count == 0 {
            store.delete(Key.answerSheet(user).span)
        } else {
            store.put(Key.answerSheet(user).span, scratch)
        }
    }
}
