import Digests
import Octets

/// Links by which a user answers the question before the door, when his client cannot: they open nothing else.
///
/// Nothing of them is stored. What one proves itself by is made of what it is for, so it ends with the password, and with the
/// question when that is renewed; where nothing is asked any more it does nothing. Source: protocol/system-message.md §4.6.
enum AnswerLink {
    /// What a password that is such a link begins with.
    static var prefix: StaticString { "ask:" }
    /// Hexadecimal digits: few enough to be typed, too many to be guessed by who has to wait after each try.
    static var digitCount: Int { 16 }
}

extension Accounts where Port: ~Copyable {
    /// What a link to a question proves itself by.
    func answerToken(of account: Account, _ campaign: Campaign) -> InlineBytes<16> {
        var facts = InlineBytes<200>()
        for place in 0..<4 {
            let shift = UInt32(24 - 8 * place)
            _ = facts.append(UInt8(truncatingIfNeeded: account.number >> shift))
            _ = facts.append(UInt8(truncatingIfNeeded: campaign.number >> shift))
            _ = facts.append(UInt8(truncatingIfNeeded: UInt32(campaign.generation) >> shift))
        }
        _ = facts.append(account.credential.span)
        let hash = vault.hashKey.hash(5, facts.span)
        var digits = InlineBytes<16>()
        for place in 0..<AnswerLink.digitCount {
            _ = digits.append(Hexadecimal.digit(UInt8(truncatingIfNeeded: hash >> UInt64(4 * place))))
        }
        return digits
    }

    /// A link to a question for who cannot answer it where he is; empty where there is no page, or no room in a reason.
    func answerLink(_ campaign: Campaign, _ user: UInt32, _ records: borrowing Records<Port>) -> InlineBytes<170> {
        guard !records.settings.pageURL.isEmpty, campaign.number != 0, campaign.blocks,
            // What is asked at each login is asked again, whatever was answered before.
            campaign.policy != .everyLogin,
            let account = records.account(of: user) ?? records.guestAccount(user)
        else { return InlineBytes() }
        let link = records.pageLink("q/", answerToken(of: account, campaign).span, of: account.display.span)
        return InlineBytes(link.span) ?? InlineBytes()
    }
}
