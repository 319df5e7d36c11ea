import CSP
import Octets
import Wire

/// What the operator sees of campaigns and of the answers to them.
extension Records where Port: ~Copyable {
    func listCampaigns(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let campaign = firstCampaign(from: UInt32(command.position) + 1) else { return .done }
            command.position = UInt64(campaign.number)
            if campaign.state != .deleted { write(campaign, into: &output) }
        }
        return .more
    }

    func write(_ campaign: Campaign, into output: inout FixedBytes) {
        output.field("name", campaign.name.span)
        output.field("state", campaign.state.name.octets)
        output.field("kind", campaign.kind.name.octets)
        output.field("required", campaign.isRequired ? 1 : 0)
        output.field("blocking", campaign.isBlocking ? 1 : 0)
        output.field("audience", campaign.audience.name.octets)
        if !campaign.audienceName.isEmpty { output.field("of", campaign.audienceName.span) }
        output.field("policy", campaign.policy.name.octets)
        output.field("generation", UInt64(campaign.generation))
        output.field("options", UInt64(campaign.optionCount))
        output.field("timeout_s", UInt64(campaign.timeout))
        output.field("legacy", (campaign.legacy ?? settings.legacyPolicy).name.octets)
        if campaign.from > 0 { output.field("from", campaign.from) }
        if campaign.until > 0 { output.field("until", campaign.until) }
        if campaign.section != 0 { output.field("section", 1) }
        output.endRecord()
    }
}

extension SystemMessages where Port: ~Copyable {
    /// What a message asks, or asked in an earlier generation: what the proof is about. A deleted one is shown as long as
    /// no other has its name.
    func showCampaign(
        _ name: Span<UInt8>, _ generation: Span<UInt8>, _ records: inout Records<Port>, into output: inout FixedBytes
    ) throws(OperatorError) {
        guard var campaign = campaign(named: name, records) ?? lastCampaign(named: name, records) else {
            throw .campaignUnknown
        }
        if !generation.isEmpty {
            guard let number = Decimal.parse(generation), (1...UInt64(campaign.generation)).contains(number) else {
                throw .campaignRefused("it has no such generation")
            }
            records.chooseEdition(of: &campaign, UInt16(number))
        }
        records.write(campaign, into: &output)
        records.loadText(of: campaign)
        output.field("text", records.scratch.span)
        output.endRecord()
        records.loadLeadIn(of: campaign)
        if records.scratch.count > 0 {
            output.field("lead_in", records.scratch.span)
            output.endRecord()
        }
        for place in 0..<campaign.optionCount {
            guard let option = records.option(place, of: campaign) else { continue }
            output.field("option", UInt64(option.id))
            output.field("text", option.text.span)
            output.field("grant", option.grant.name.octets)
            if option.action != .none { output.field("action", option.action.name.octets) }
            output.endRecord()
        }
    }

    private func lastCampaign(named name: Span<UInt8>, _ records: borrowing Records<Port>) -> Campaign? {
        var last: Campaign?
        while let next = records.firstCampaign(named: name, from: (last?.number ?? 0) + 1) { last = next }
        return last
    }
}

extension Grant {
    /// The word for the operator.
    var name: StaticString { !isAdmitted ? "deny" : isFull ? "full" : "limited" }
}
