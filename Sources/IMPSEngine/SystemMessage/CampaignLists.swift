import CSP
import Octets
import Wire

/// What the operator sees of campaigns and of the answers to them.
extension Engine where Port: ~Copyable {
    func listCampaigns(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let campaign = firstCampaign(from: UInt32(command.position) + 1) else { return .done }
            command.position = UInt64(campaign.number)
            if campaign.state != .deleted { write(campaign, into: &output) }
        }
        return .more
    }

    private func write(_ campaign: Campaign, into output: inout FixedBytes) {
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

    /// What a message asks, or asked in an earlier generation: what the proof is about. A deleted one is shown as long as
    /// no other has its name.
    mutating func showCampaign(
        _ name: Span<UInt8>, _ generation: Span<UInt8>, into output: inout FixedBytes
    ) throws(OperatorError) {
        guard var campaign = campaign(named: name) ?? lastCampaign(named: name) else { throw .campaignUnknown }
        if !generation.isEmpty {
            guard let number = Decimal.parse(generation), (1...UInt64(campaign.generation)).contains(number) else {
                throw .campaignRefused("it has no such generation")
            }
            chooseEdition(of: &campaign, UInt16(number))
        }
        write(campaign, into: &output)
        loadText(of: campaign)
        output.field("text", scratch.span)
        output.endRecord()
        loadLeadIn(of: campaign)
        if scratch.count > 0 {
            output.field("lead_in", scratch.span)
            output.endRecord()
        }
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            output.field("option", UInt64(option.id))
            output.field("text", option.text.span)
            output.field("grant", option.grant.name.octets)
            if option.action != .none { output.field("action", option.action.name.octets) }
            output.endRecord()
        }
    }

    // MARK: Proof

    /// How far a campaign is with those it is for: counted from the proof, some of it in each part of the answer.
    func showProgress(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        guard let campaign = campaign(named: name) else { throw .campaignUnknown }
        for _ in 0..<1000 {
            guard let (proof, generation) = nextProof(of: campaign.number, &command) else {
                writeProgress(campaign, command.tally, into: &output)
                return .done
            }
            guard generation == campaign.generation else { continue }
            command.tally.sent += proof.has(Proof.wasSent) ? 1 : 0
            command.tally.shown += proof.has(Proof.wasShown) ? 1 : 0
            command.tally.answered += proof.has(Proof.wasAnswered) ? 1 : 0
            command.tally.denied += proof.has(Proof.wasDenied) ? 1 : 0
        }
        return .more
    }

    private func writeProgress(_ campaign: Campaign, _ tally: ProofTally, into output: inout FixedBytes) {
        var toPoll: UInt64 = 0
        for slot in 0..<sessions.end where sessions[slot].isOpen && sessions[slot].closing == 0 {
            if sessions[slot].epoch != campaignEpoch { toPoll += 1 }
        }
        output.field("name", campaign.name.span)
        output.field("generation", UInt64(campaign.generation))
        output.field("sent", tally.sent)
        output.field("shown", tally.shown)
        output.field("answered", tally.answered)
        output.field("denied", tally.denied)
        output.field("sessions", UInt64(sessions.count))
        output.field("sessions_to_poll", toPoll)
        output.endRecord()
    }

    /// The proof, of all generations, and of deleted campaigns of the name too.
    func listResults(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        while true {
            let number = UInt32(command.position)
            if number > 0 {
                while let (proof, generation) = nextProof(of: number, &command) {
                    write(proof, generation, into: &output)
                    guard output.freeCapacity > 1024 else { return .more }
                }
            }
            guard let next = firstCampaign(named: name, from: number + 1) else {
                guard number > 0 else { throw .campaignUnknown }
                return .done
            }
            command.position = UInt64(next.number)
            command.lastKey = Key()
        }
    }

    private func lastCampaign(named name: Span<UInt8>) -> Campaign? {
        var last: Campaign?
        while let next = firstCampaign(named: name, from: (last?.number ?? 0) + 1) { last = next }
        return last
    }

    private func firstCampaign(named name: Span<UInt8>, from number: UInt32) -> Campaign? {
        var next = number
        while let campaign = firstCampaign(from: next) {
            if campaign.name.span.equals(name) { return campaign }
            next = campaign.number + 1
        }
        return nil
    }

    /// The proof after the last one that the command told of.
    private func nextProof(of campaign: UInt32, _ command: inout ControlCommand) -> (Proof, UInt16)? {
        var key = command.lastKey
        if key.isEmpty { key = Key.proof(campaign, 0, 0) } else { _ = key.append(0) }
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 11, entry.key[0] == 0x56,
            let proof = Proof(entry.value)
        else { return nil }
        var reader = RecordReader(entry.key.extracting(1..<11))
        guard reader.integer(UInt32.self) == campaign else { return nil }
        _ = reader.integer(UInt32.self)
        command.lastKey = Key(entry.key) ?? Key()
        return (proof, reader.integer(UInt16.self))
    }

    private func write(_ proof: Proof, _ generation: UInt16, into output: inout FixedBytes) {
        output.field("user", proof.user.span)
        output.field("generation", UInt64(generation))
        output.field("sent", proof.sent)
        output.field("shown", proof.shown)
        output.field("answered", proof.answered)
        let state: StaticString =
            proof.has(Proof.wasDenied)
            ? "denied" : proof.has(Proof.wasAnswered) ? "answered" : proof.has(Proof.wasShown) ? "shown" : "sent"
        output.field("state", state.octets)
        output.field("option", UInt64(proof.option))
        output.field("verified", proof.has(Proof.wasVerified) ? 1 : 0)
        output.field("tries", UInt64(proof.tries))
        output.field("by_operator", proof.has(Proof.wasByOperator) ? 1 : 0)
        output.endRecord()
    }
}

/// Counts of what became of a message.
struct ProofTally: BitwiseCopyable {
    var sent: UInt64 = 0
    var shown: UInt64 = 0
    var answered: UInt64 = 0
    var denied: UInt64 = 0
}

extension Grant {
    /// The word for the operator.
    var name: StaticString { !isAdmitted ? "deny" : isFull ? "full" : "limited" }
}
