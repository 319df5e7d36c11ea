import CSP
import Octets
import Transport
import Wire

/// How somebody is, as far as he lets it be seen.
struct Mood: Equatable, BitwiseCopyable {
    enum State: BitwiseCopyable {
        /// Nothing may be seen, or nothing is known yet.
        case unknown
        case offline, available, away, busy
    }

    var state = State.unknown

    var words: StaticString {
        switch state {
        case .unknown: return "unknown"
        case .offline: return "offline"
        case .available: return "available"
        case .away: return "away"
        case .busy: return "busy"
        }
    }

    var isThere: Bool { state != .unknown && state != .offline }
}

/// Somebody the user has on a list, has written to or has heard of.
struct Person: ZeroInitializable {
    var address = InlineBytes<100>()
    /// What the user calls him, or what he calls himself.
    var nickname = InlineBytes<64>()
    var mood = Mood()
    var statusText = InlineBytes<100>()
    var sentCount: UInt64 = 0
    var receivedCount: UInt64 = 0
    /// Messages that came since the user last wrote to him.
    var unreadCount: UInt64 = 0
    /// He is on a contact list.
    var isContact = false
    /// The user is asked whether he may see him.
    var asks = false
}

/// The people of a conversation.
struct Roster: ~Copyable {
    private var people = Memory.slab(256, Person.self)
    private(set) var count = 0
    var homeDomain = InlineBytes<100>()
    /// The list that new contacts go to.
    var standardList = InlineBytes<100>()

    subscript(place: Int) -> Person {
        get { people[place] }
        set { people[place] = newValue }
    }

    /// The place of a person, who comes into it; nil when it is full.
    mutating func find(_ address: Span<UInt8>) -> Int? {
        let canonical = Address(address, homeDomain: homeDomain.span).flatMap { InlineBytes<100>($0.canonical) }
        guard let name = canonical ?? InlineBytes<100>(address) else { return nil }
        for place in 0..<count where people[place].address.span.equals(name.span) { return place }
        guard count < people.count else { return nil }
        people[count] = Person()
        people[count].address = name
        count += 1
        return count - 1
    }

    /// The first who asks to see the user.
    var asking: Int? {
        for place in 0..<count where people[place].asks { return place }
        return nil
    }

    /// Contacts in all, and those who are there.
    var contacts: (all: UInt64, there: UInt64) {
        var contacts: (all: UInt64, there: UInt64) = (0, 0)
        for place in 0..<count where people[place].isContact {
            contacts.all += 1
            if people[place].mood.isThere { contacts.there += 1 }
        }
        return contacts
    }

    mutating func forgetContacts() {
        for place in 0..<count { people[place].isContact = false }
        standardList = InlineBytes()
    }

    /// Takes what a notification says of somebody, `Presence`; his place and whether it is news.
    ///
    /// - Source: protocol/primitives.md §4.3.
    mutating func take(_ presence: Document.Element, _ document: borrowing Document) -> (place: Int, isNews: Bool)? {
        guard let id = document.first(.userID, in: presence), let place = find(document.word(of: id)),
            let list = document.first(.presenceSubList, in: presence)
        else { return nil }
        let former = people[place]
        var person = former
        person.mood = Roster.mood(document, list)
        person.statusText = InlineBytes(prefix: Roster.value(.statusText, document, list))
        let alias = Roster.value(.alias, document, list)
        if person.nickname.isEmpty, alias.count > 0 { person.nickname = InlineBytes(prefix: alias) }
        people[place] = person
        let isNews = former.mood != person.mood || !former.statusText.span.equals(person.statusText.span)
        return (place, isNews)
    }

    private static func mood(_ document: borrowing Document, _ list: Document.Element) -> Mood {
        guard let online = document.first(.onlineStatus, in: list), document.flag(.qualifier, in: online) == true else {
            return Mood()
        }
        guard document.flag(.presenceValue, in: online) == true else { return Mood(state: .offline) }
        let availability = value(.userAvailability, document, list)
        if availability.equals("NOT_AVAILABLE") { return Mood(state: .away) }
        if availability.equals("DISCREET") { return Mood(state: .busy) }
        return Mood(state: .available)
    }

    /// The text of an attribute that is valid; empty when it is not, or is not there.
    @_lifetime(borrow document)
    private static func value(
        _ tag: Tag, _ document: borrowing Document, _ list: Document.Element
    ) -> Span<UInt8> {
        guard let attribute = document.first(tag, in: list), document.flag(.qualifier, in: attribute) == true,
            let value = document.first(.presenceValue, in: attribute)
        else { return Span() }
        return document.word(of: value)
    }

    // MARK: Names

    /// The name without what goes without saying: the schema and the domain of the user.
    func shortName(_ address: InlineBytes<100>) -> InlineBytes<100> {
        var name = address.span
        if name.starts(with: "wv:") { name = name.extracting(3..<name.count) }
        if let at = name.firstIndex(of: 0x40), name.extracting((at + 1)..<name.count).equals(homeDomain.span) {
            name = name.extracting(0..<at)
        }
        return InlineBytes(name) ?? address
    }

    /// Adds how somebody is called: his name, and what he is called besides when that is something else.
    func writeName(_ place: Int, into text: inout FixedBytes) {
        let name = shortName(people[place].address)
        text.append(printable: name.span, lineBreak: " ")
        let nickname = people[place].nickname
        guard !nickname.isEmpty, !nickname.span.equalsIgnoringCase(name.span) else { return }
        text.append(" (")
        text.append(printable: nickname.span, lineBreak: " ")
        text.append(")")
    }

    /// Adds how somebody is.
    func writeMood(_ place: Int, into text: inout FixedBytes) {
        text.append(people[place].mood.words)
        guard people[place].mood.isThere, !people[place].statusText.isEmpty else { return }
        text.append(": ")
        text.append(printable: people[place].statusText.span, lineBreak: " ")
    }
}
