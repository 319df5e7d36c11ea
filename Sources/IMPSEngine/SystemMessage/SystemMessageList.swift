import CSP
import Octets
import Wire

/// Which campaigns are due for somebody, by their places in the table.
struct DueCampaigns: BitwiseCopyable {
    private var places = InlineArray<40, UInt8>(repeating: 0)
    private(set) var count = 0
    /// One of them keeps the login waiting.
    var blocks = false

    subscript(index: Int) -> Int { Int(places[index]) }

    mutating func append(_ place: Int) {
        guard count < places.count else { return }
        places[count] = UInt8(place)
        count += 1
    }
}

/// Names an instance of a message for a user: what the operator calls it, and the numbers of campaign, generation with
/// instance, and user in hexadecimal, between points. The same at every resend; at most 48 octets.
///
/// A client knows by the name in front which message it is, and can be told beforehand what to answer.
///
/// - Source: protocol/system-message.md §3.2.
struct SystemMessageID {
    private(set) var name = InlineBytes<24>()
    var campaign: UInt32
    var generation: UInt16
    var instance: UInt16
    var user: UInt32

    init(_ campaign: Campaign, instance: UInt16, _ user: UInt32) {
        self.instance = instance
        if let notice = campaign.notice { _ = name.append(notice.name) } else { name = campaign.name }
        self.campaign = campaign.number
        generation = campaign.generation
        self.user = user
    }

    init?(_ text: Span<UInt8>) {
        guard let first = text.firstIndex(of: 0x2E), let name = InlineBytes<24>(text.extracting(0..<first)),
            let second = text.firstIndex(of: 0x2E, from: first + 1),
            let third = text.firstIndex(of: 0x2E, from: second + 1),
            let campaign: UInt32 = Hexadecimal.parse(text.extracting(first + 1..<second)),
            let edition: UInt32 = Hexadecimal.parse(text.extracting(second + 1..<third)),
            let user: UInt32 = Hexadecimal.parse(text.extracting(third + 1..<text.count))
        else { return nil }
        self.name = name
        self.campaign = campaign
        generation = UInt16(truncatingIfNeeded: edition)
        instance = UInt16(truncatingIfNeeded: edition >> 16)
        self.user = user
    }

    var text: InlineBytes<48> {
        var text = InlineBytes<48>()
        _ = text.append(name.span)
        _ = text.append(0x2E)
        _ = text.append(Hexadecimal.digits(of: campaign).span)
        _ = text.append(0x2E)
        _ = text.append(Hexadecimal.digits(of: UInt32(instance) << 16 | UInt32(generation)).span)
        _ = text.append(0x2E)
        _ = text.append(Hexadecimal.digits(of: user).span)
        return text
    }
}

extension Records where Port: ~Copyable {
    /// One SystemMessage. Source: protocol/system-message.md §3.2.
    mutating func writeSystemMessage(
        _ campaign: Campaign, for user: UInt32, isRequired: Bool, into writer: inout Writer
    ) {
        writer.open(.systemMessage)
        let instance = sheet(of: user).entry(campaign)?.instance ?? 0
        writer.text(.systemMessageID, SystemMessageID(campaign, instance: instance, user).text.span)
        loadText(of: campaign)
        writer.text(.systemMessageText, scratch.span)
        if campaign.hasLeadIn {
            loadLeadIn(of: campaign)
            writer.text(.answerOptionsText, scratch.span)
        }
        if campaign.optionCount > 0 {
            writer.open(.answerOptions)
            for place in 0..<campaign.optionCount {
                guard let option = option(place, of: campaign) else { continue }
                writer.open(.answerOption)
                writer.integer(.answerOptionID, UInt64(option.id))
                writer.text(.answerOptionText, option.text.span)
                writer.close(.answerOption)
            }
            writer.close(.answerOptions)
        }
        if !campaign.mechanism.isEmpty { writer.text(.verificationMechanism, campaign.mechanism.span) }
        writer.flag(.requiresResponse, isRequired)
        writer.close(.systemMessage)
    }

    /// Writes the reason of a refusal: the first 200 characters of a message's text. Source: SM-54.
    ///
    /// - Parameter link: Where it can be answered; empty for none.
    mutating func writeReason(
        _ campaign: Campaign, _ code: StatusCode, link: Span<UInt8> = Span(), into writer: inout Writer
    ) {
        loadText(of: campaign)
        var count = link.count > 0 ? link.count + 1 : 0
        var end = 0
        while count < 200, end < scratch.count, let scalar = UTF8.scalar(in: scratch.span, at: end) {
            end += scalar.byteCount
            count += 1
        }
        writer.open(.result)
        writer.integer(.code, UInt64(code.rawValue))
        scratch.truncate(to: end)
        if link.count > 0 {
            scratch.append(0x20)
            scratch.append(link)
        }
        writer.text(.description, scratch.span)
        writer.close(.result)
    }
}

extension SystemMessages where Port: ~Copyable {
    /// Writes SystemMessageList with as many of the due messages as there is room for; what is left stays due.
    ///
    /// Each that is written counts as sent.
    @inline(never)
    func writeSystemMessages(
        _ due: DueCampaigns, for user: UInt32, at client: ProofClient, _ records: inout Records<Port>,
        _ turn: borrowing Turn, into writer: inout Writer
    ) {
        writer.open(.systemMessageList)
        for index in 0..<due.count {
            let mark = writer.mark
            let campaign = campaign(at: due[index], for: user, records)
            records.writeSystemMessage(
                campaign, for: user, isRequired: campaign.isRequired || blocks(due[index], records), into: &writer)
            if writer.isOverflowed || writer.output.freeCapacity < 1024 {
                writer.rewind(to: mark)
                break
            }
            records.noteSent(campaign, user, client, turn)
        }
        writer.close(.systemMessageList)
    }
}
