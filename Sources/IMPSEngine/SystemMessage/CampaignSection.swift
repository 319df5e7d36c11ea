import CSP
import Octets

/// Looks whether a section of the configuration makes a campaign, line by line and without a store.
public struct CampaignSection {
    private(set) var campaign = Campaign()
    private var textLength: Int? = 0
    private var hasAudience = false
    private var ids = InlineArray<16, UInt16>(repeating: 0)

    /// A section without a line.
    public init() {}

    /// Takes an option or list of the section; the words say what is allowed when the value is not. nil when it is.
    ///
    /// A text counts from its beginning to its end; the engine gets it in pieces and counts them itself.
    public mutating func take(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        do throws(OperatorError) {
            if key.equals("text") {
                textLength = UTF8.scalarCount(value)
            } else if key.equals("lead_in") {
                guard let count = UTF8.scalarCount(value), count <= 128 else {
                    return "the lead-in has at most 128 characters"
                }
            } else if key.equals("option") {
                return takeOption(try CampaignOption(word: value))
            } else {
                try campaign.set(key, value)
                if key.equals("audience") { hasAudience = true }
                // A welcome is for those who come, unless the operator says otherwise.
                if !hasAudience { campaign.audience = campaign.kind == .welcome ? .new : .all }
            }
            return nil
        } catch {
            if case .usage = error { return "unknown key" }
            return error.explanation
        }
    }

    private mutating func takeOption(_ option: CampaignOption) -> StaticString? {
        guard campaign.optionCount < Limits.optionCountMax else { return "at most 16 options" }
        for place in 0..<Int(campaign.optionCount) where ids[place] == option.id {
            return "the identifier of each option is its own"
        }
        ids[Int(campaign.optionCount)] = option.id
        campaign.optionCount += 1
        return nil
    }

    /// All keys of a section.
    public static var keys: StaticString {
        """
        audience blocking from kind lead_in legacy option policy reoffer required text timeout try_again until verify
        """
    }

    /// Whether a section has such a key.
    public static func hasKey(_ key: Span<UInt8>) -> Bool {
        NearestWord.of(key, in: keys).map { $0.span.equals(key) } ?? false
    }

    /// What is wrong with the section as a whole; nil when nothing is.
    public func finish(name: Span<UInt8>) -> StaticString? {
        guard Campaign.isName(name) else { return "a name has 1 to 24 letters, digits, '-' or '_'" }
        do throws(OperatorError) {
            try campaign.check(textLength: textLength)
            return nil
        } catch {
            return error.explanation
        }
    }

    /// Looks at a section of help: its name is the code of an error or that of a notice, its only option the text.
    public static func checkHelp(_ name: Span<UInt8>, _ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        guard helpCode(name) != nil else {
            return "the name is a code of the protocol, 400 to 999, or level, quota, added, privacy or waiting"
        }
        guard key.equals("text") else { return "unknown key" }
        guard UTF8.scalarCount(value) != nil, (1...Limits.noticeTextByteCountMax).contains(value.count) else {
            return "1 to 400 octets of UTF-8"
        }
        return nil
    }

    /// Under which number the text of a help section is kept; nil for a name that there is not.
    static func helpCode(_ name: Span<UInt8>) -> UInt16? {
        if let notice = Notice(name: name) { return UInt16(notice.rawValue) }
        guard let code = Decimal.parse(name), (400...999).contains(code) else { return nil }
        return UInt16(code)
    }
}

/// What the sections of the configuration say, kept in the store; nothing is written when it says so already.
extension SystemMessages where Port: ~Copyable {
    /// Whether a section was taken already as it is, whatever became of its campaign.
    func hasTaken(section name: Span<UInt8>, _ hash: UInt64, _ records: borrowing Records<Port>) -> Bool {
        guard let campaign = campaign(named: name, records) else { return false }
        return campaign.section == hash
    }

    /// Takes away the campaigns of sections that are not there any more.
    ///
    /// - Parameter isThere: Whether the configuration has a section with this name.
    mutating func endSections(
        _ sessions: inout Sessions<Port>, _ records: inout Records<Port>, _ turn: inout Turn,
        _ isThere: (Span<UInt8>) -> Bool
    ) {
        for place in operatorPlaces where campaigns[place].section != 0 {
            var campaign = campaigns[place]
            // Deleted, it can come back as it was.
            if !isThere(campaign.name.span) { delete(&campaign, &sessions, &records, &turn) }
        }
    }
}

extension Records where Port: ~Copyable {
    /// Keeps the text of a help section.
    mutating func setHelp(_ name: Span<UInt8>, _ text: Span<UInt8>) {
        guard let code = CampaignSection.helpCode(name), text.count <= Limits.noticeTextByteCountMax else { return }
        setNoticeText(code, text)
    }

    /// Forgets the texts of help sections that are not there any more.
    ///
    /// - Parameter isThere: Whether the configuration has a section with this name.
    mutating func endHelp(_ isThere: (Span<UInt8>) -> Bool) {
        var next: UInt16 = 0
        while let code = firstNoticeText(from: next) {
            next = code + 1
            var isKept = false
            if code >= 400 {
                let digits = Decimal.digits(of: UInt64(code))
                isKept = isThere(digits.span)
            } else if let notice = Notice(rawValue: UInt8(truncatingIfNeeded: code)) {
                isKept = isThere(notice.name.octets)
            }
            if !isKept { store.delete(Key.noticeText(code).span) }
        }
    }
}
