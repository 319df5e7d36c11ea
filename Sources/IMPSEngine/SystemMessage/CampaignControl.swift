import CSP
import Octets
import Wire

/// The operator's commands about System Messages. A campaign is made in steps, of which only the last shows it to
/// anybody: so each command stays short, whatever the texts are.
///
///     sysmsg draft NAME key=value ...
///     sysmsg text NAME piece            adds to the text
///     sysmsg lead-in NAME text
///     sysmsg option NAME id grant text
///     sysmsg start NAME
///     sysmsg renew|end NAME
///     sysmsg key NAME USER
///     sysmsg list | show NAME | results NAME
extension Engine where Port: ~Copyable {
    mutating func changeCampaign(
        _ action: Span<UInt8>, _ name: Span<UInt8>, _ words: inout Words, _ turn: inout Turn,
        into output: inout FixedBytes
    ) throws(OperatorError) {
        if action.equals("draft") { return try draft(name, &words, &turn) }
        guard var campaign = campaign(named: name) else { throw .campaignUnknown }
        if action.equals("renew") {
            try renew(&campaign, &turn)
        } else if action.equals("end") {
            try end(&campaign, &turn)
        } else if action.equals("key") {
            try writeKey(campaign, words.next().span, into: &output)
        } else {
            guard !campaign.isActive, !campaign.isEnded else { throw .campaignExists }
            if action.equals("text") {
                let piece = words.next()
                guard Int(campaign.textByteCount) + piece.count <= Limits.systemTextByteCountMax else {
                    throw .campaignRefused("the text has at most 512 characters")
                }
                appendText(piece.span, to: &campaign)
            } else if action.equals("lead-in") {
                try setLeadIn(words.next().span, &campaign)
            } else if action.equals("option") {
                try addOption(&words, &campaign)
            } else if action.equals("start") {
                try start(&campaign, &turn)
            } else {
                throw .usage("sysmsg add|list|show|renew|end|results")
            }
        }
    }

    // MARK: Drafts

    private mutating func draft(
        _ name: Span<UInt8>, _ words: inout Words, _ turn: inout Turn
    ) throws(OperatorError) {
        if let former = campaign(named: name) {
            if former.isActive || former.isEnded { throw .campaignExists }
            remove(former)
        }
        guard let copy = InlineBytes<32>(name), Engine.isName(name) else {
            throw .campaignRefused("a name has 1 to 32 letters, digits, '-' or '_'")
        }
        guard store.hasRoom else { throw .storeFull }
        var campaign = Campaign()
        campaign.name = copy
        while true {
            let word = words.next()
            guard !word.isEmpty else { break }
            try set(word.span, &campaign)
        }
        campaign.number = takeCampaignNumber()
        campaign.created = turn.wall.storedSeconds
        campaign.secret = turn.entropy.take()
        keep(campaign)
    }

    private static func isName(_ name: Span<UInt8>) -> Bool {
        for index in name.indices {
            let octet = name[index]
            let letter = octet.asciiLowercased
            guard octet.isASCIIDigit || octet == 0x2D || octet == 0x5F || letter >= 0x61 && letter <= 0x7A else {
                return false
            }
        }
        return name.count > 0
    }

    private func set(_ word: Span<UInt8>, _ campaign: inout Campaign) throws(OperatorError) {
        guard let equals = word.firstIndex(of: 0x3D) else { throw .usage("sysmsg draft NAME key=value ...") }
        let key = word.extracting(0..<equals)
        let value = word.extracting(equals + 1..<word.count)
        if key.equals("kind") {
            guard let kind = CampaignKind.named(value) else {
                throw .campaignRefused("kind is login")
            }
            campaign.kind = kind
        } else if key.equals("policy") {
            guard let policy = CampaignPolicy.named(value) else {
                throw .campaignRefused("policy is once, every-login or until-answered")
            }
            campaign.policy = policy
        } else if key.equals("legacy") {
            guard let legacy = LegacyPolicy.named(value) else { throw .campaignRefused("legacy is limited or deny") }
            campaign.legacy = legacy
        } else if key.equals("audience") {
            try setAudience(value, &campaign)
        } else if key.equals("required") || key.equals("blocking") {
            guard value.equals("1") || value.equals("0") else {
                throw .campaignRefused("required and blocking are 0 or 1")
            }
            if key.equals("required") {
                campaign.isRequired = value.equals("1")
            } else {
                campaign.isBlocking = value.equals("1")
            }
        } else if key.equals("verify") {
            guard let mechanism = InlineBytes<16>(value) else {
                throw .campaignRefused("verify names the way of the key in at most 16 characters")
            }
            campaign.mechanism = mechanism
        } else {
            try setNumber(key, value, &campaign)
        }
    }

    private func setAudience(_ value: Span<UInt8>, _ campaign: inout Campaign) throws(OperatorError) {
        let user: StaticString = "user:"
        if value.equals("all") {
            campaign.audience = .all
        } else if value.equals("new") {
            campaign.audience = .new
            campaign.audienceUser = nextUserNumber
        } else if value.starts(with: user) {
            let address = try localAddress(value.extracting(user.utf8CodeUnitCount..<value.count))
            guard let account = account(address.canonical) else { throw .userUnknown }
            campaign.audience = .user
            campaign.audienceUser = account.number
        } else {
            throw .campaignRefused("audience is all, new or user:NAME")
        }
    }

    private func setNumber(
        _ key: Span<UInt8>, _ value: Span<UInt8>, _ campaign: inout Campaign
    ) throws(OperatorError) {
        guard let number = Decimal.parse(value) else { throw .campaignRefused("a number is expected") }
        if key.equals("timeout") {
            guard (10...86_400).contains(number) else { throw .campaignRefused("timeout is 10 to 86400 seconds") }
            campaign.timeout = UInt32(number)
        } else if key.equals("try-again") {
            guard number <= 2_592_000 else { throw .campaignRefused("try-again is 0 to 2592000 seconds") }
            campaign.tryAgain = UInt32(number)
        } else if key.equals("from") {
            campaign.from = number
        } else if key.equals("until") {
            campaign.until = number
        } else {
            throw .usage(
                "kind, required, blocking, audience, policy, timeout, try-again, legacy, verify, from or until")
        }
    }

    private mutating func setLeadIn(_ text: Span<UInt8>, _ campaign: inout Campaign) throws(OperatorError) {
        guard let copy = InlineBytes<200>(text), let count = UTF8.scalarCount(text), count <= 128 else {
            throw .campaignRefused("the lead-in has at most 128 characters")
        }
        campaign.leadIn = copy
        keep(campaign)
    }

    private mutating func addOption(_ words: inout Words, _ campaign: inout Campaign) throws(OperatorError) {
        var option = CampaignOption()
        guard let id = Decimal.parse(words.next().span), (1...65_535).contains(id) else {
            throw .campaignRefused("the identifier of an option is 1 to 65535")
        }
        option.id = UInt16(id)
        guard let grant = Grant(words.next().span) else {
            throw .campaignRefused("a grant is full, deny, or limited: with features and functions")
        }
        option.grant = grant
        option.text = words.next()
        guard let count = UTF8.scalarCount(option.text.span), (1...64).contains(count) else {
            throw .campaignRefused("the text of an option has 1 to 64 characters")
        }
        guard campaign.optionCount < Limits.optionCountMax else { throw .campaignRefused("at most 16 options") }
        guard self.option(id: option.id, of: campaign) == nil else {
            throw .campaignRefused("the identifier of each option is its own")
        }
        append(option, to: &campaign)
    }

    private mutating func start(_ campaign: inout Campaign, _ turn: inout Turn) throws(OperatorError) {
        loadText(of: campaign)
        guard let count = UTF8.scalarCount(scratch.span), (1...512).contains(count) else {
            throw .campaignRefused("the text has 1 to 512 characters of UTF-8")
        }
        guard !campaign.isRequired || campaign.optionCount > 0 else {
            throw .campaignRefused("a required answer needs an option")
        }
        guard !campaign.isBlocking || campaign.isRequired else {
            throw .campaignRefused("blocking needs required")
        }
        guard hasRoomForCampaign else { throw .campaignsFull }
        campaign.isActive = true
        keep(campaign)
        log(.campaign, "started", campaign, &turn)
    }

    // MARK: Later

    private mutating func renew(_ campaign: inout Campaign, _ turn: inout Turn) throws(OperatorError) {
        guard campaign.isActive || campaign.isEnded else { throw .campaignRefused("it is not started yet") }
        guard campaign.isActive || hasRoomForCampaign else { throw .campaignsFull }
        campaign.generation += 1
        campaign.isActive = true
        campaign.isEnded = false
        keep(campaign)
        log(.campaign, "renewed", campaign, &turn)
    }

    private mutating func end(_ campaign: inout Campaign, _ turn: inout Turn) throws(OperatorError) {
        guard campaign.isActive else { throw .campaignRefused("it is not active") }
        campaign.isActive = false
        campaign.isEnded = true
        keep(campaign)
        log(.campaign, "ended", campaign, &turn)
    }

    private func log(_ code: LogCode, _ what: StaticString, _ campaign: Campaign, _ turn: inout Turn) {
        guard turn.journal.begin(code, turn.now, turn.wall) else { return }
        turn.journal.text("name", campaign.name.span)
        turn.journal.word("is", what)
        turn.journal.number("generation", UInt64(campaign.generation))
        turn.journal.end()
    }

    private func writeKey(
        _ campaign: Campaign, _ name: Span<UInt8>, into output: inout FixedBytes
    ) throws(OperatorError) {
        let address = try localAddress(name)
        guard let account = account(address.canonical) else { throw .userUnknown }
        output.field("key", verificationKey(campaign, account.number).span)
        output.endRecord()
    }

    // MARK: Lists

    func listCampaigns(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 1024 {
            guard let campaign = firstCampaign(from: UInt32(command.position) + 1) else { return .done }
            command.position = UInt64(campaign.number)
            write(campaign, into: &output)
        }
        return .more
    }

    private func write(_ campaign: Campaign, into output: inout FixedBytes) {
        output.field("name", campaign.name.span)
        output.field(
            "state", (campaign.isActive ? "active" : campaign.isEnded ? "ended" : "draft" as StaticString).octets)
        output.field("kind", campaign.kind.name.octets)
        output.field("required", campaign.isRequired ? 1 : 0)
        output.field("blocking", campaign.isBlocking ? 1 : 0)
        output.field("policy", campaign.policy.name.octets)
        output.field("generation", UInt64(campaign.generation))
        output.field("options", UInt64(campaign.optionCount))
        output.field("timeout_s", UInt64(campaign.timeout))
        output.field("legacy", campaign.legacy.name.octets)
        output.endRecord()
    }

    mutating func showCampaign(_ name: Span<UInt8>, into output: inout FixedBytes) throws(OperatorError) {
        guard let campaign = campaign(named: name) else { throw .campaignUnknown }
        write(campaign, into: &output)
        loadText(of: campaign)
        output.field("text", scratch.span)
        output.endRecord()
        if !campaign.leadIn.isEmpty {
            output.field("lead_in", campaign.leadIn.span)
            output.endRecord()
        }
        for place in 0..<campaign.optionCount {
            guard let option = option(place, of: campaign) else { continue }
            output.field("option", UInt64(option.id))
            output.field("text", option.text.span)
            output.field("grant", option.grant.name.octets)
            output.endRecord()
        }
    }

    /// The proof, of all generations.
    func listResults(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        guard let campaign = campaign(named: name) else { throw .campaignUnknown }
        var key = command.lastKey
        if key.isEmpty { key = Key.proof(campaign.number, 0, 0) } else { _ = key.append(0) }
        while output.freeCapacity > 1024 {
            guard let entry = store.entry(atOrAfter: key.span), entry.key.count == 11, entry.key[0] == 0x56 else {
                return .done
            }
            var reader = RecordReader(entry.key.extracting(1..<11))
            guard reader.integer(UInt32.self) == campaign.number else { return .done }
            _ = reader.integer(UInt32.self)
            let generation = reader.integer(UInt16.self)
            command.lastKey = Key(entry.key) ?? Key()
            key = command.lastKey
            _ = key.append(0)
            if let proof = Proof(entry.value) { write(proof, generation, into: &output) }
        }
        return .more
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
        output.endRecord()
    }
}

extension Grant {
    /// The word for the operator.
    var name: StaticString { !isAdmitted ? "deny" : isFull ? "full" : "limited" }
}
