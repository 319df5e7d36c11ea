import CSP
import Octets
import Wire

/// What the user sees and says of people.
extension Chat {
    // MARK: What comes

    mutating func loadContacts(_ session: inout Session) {
        // Servers without contact lists are talked with all the same.
        guard case .answered(200) = session.loadContacts(into: &roster) else { return }
        tellsContacts = roster.contacts.all > 0
    }

    /// Says once after a login how many of the contacts are there.
    mutating func tellContacts() {
        guard tellsContacts else { return }
        tellsContacts = false
        let contacts = roster.contacts
        beginNote()
        text.append(decimal: contacts.there)
        text.append(" of your ")
        text.append(decimal: contacts.all)
        text.append(contacts.all == 1 ? " contact is online" : " contacts are online")
        text.append("; /contacts lists them.")
        editor.print(text)
    }

    mutating func showPresence(_ session: borrowing Session) {
        guard let primitive = session.primitive else { return }
        var next = session.document.first(.presence, in: primitive)
        while let presence = next {
            next = session.document.next(after: presence)
            guard let (place, isNews) = roster.take(presence, session.document), isNews, !tellsContacts else {
                continue
            }
            beginNote()
            roster.writeName(place, into: &text)
            text.append(" is ")
            roster.writeMood(place, into: &text)
            editor.print(text)
        }
    }

    mutating func showPermission(_ address: InlineBytes<100>) {
        guard let place = roster.find(address.span), !roster[place].asks else { return }
        roster[place].asks = true
        beginNote()
        roster.writeName(place, into: &text)
        text.append(" wants to see whether you are there and how you are.\u{7}")
        editor.print(text)
    }

    /// Takes a line as the answer whether somebody may see the user.
    mutating func decide(_ place: Int, _ line: Span<UInt8>, _ session: inout Session) {
        let isYes = line.equalsIgnoringCase("yes") || line.equalsIgnoringCase("y")
        guard isYes || line.equalsIgnoringCase("no") || line.equalsIgnoringCase("n") else {
            return note("Answer yes or no.")
        }
        let outcome = session.allow(roster[place].address, isYes)
        guard tell(outcome, session) else { return }
        roster[place].asks = false
        beginNote()
        roster.writeName(place, into: &text)
        text.append(isYes ? " sees you." : " does not see you.")
        editor.print(text)
    }

    // MARK: What the user wants

    /// Does a command about people; false when it is none.
    mutating func changePeople(_ word: Span<UInt8>, _ rest: Span<UInt8>, _ session: inout Session) -> Bool {
        if word.equals("/status") {
            setStatus(rest, &session)
            return true
        }
        if word.equals("/alias") {
            setAlias(rest, &session)
            return true
        }
        guard let command = word.place(among: "/add /remove /block /unblock") else { return false }
        let end = rest.firstIndex(of: 0x20) ?? rest.count
        guard let place = person(rest.extracting(0..<end)) else { return true }
        let address = roster[place].address
        switch command {
        case 0:
            let nickname = InlineBytes<64>(prefix: rest.extracting(end..<rest.count).trimmed())
            guard tell(session.change(.add, address, nickname: nickname, &roster), session) else { return true }
            roster[place].isContact = true
            if !nickname.isEmpty { roster[place].nickname = nickname }
            say(place, "is on your list.")
        case 1:
            guard roster[place].isContact, !roster.standardList.isEmpty else {
                note("He is not on your list.")
                return true
            }
            guard tell(session.change(.remove, address, nickname: InlineBytes(), &roster), session) else { return true }
            roster[place].isContact = false
            roster[place].mood = Mood()
            say(place, "is off your list.")
        default:
            guard tell(session.block(address, command == 2), session) else { return true }
            say(place, command == 2 ? "is blocked." : "is not blocked.")
        }
        return true
    }

    private mutating func say(_ place: Int, _ words: StaticString) {
        beginNote()
        roster.writeName(place, into: &text)
        text.append(" ")
        text.append(words)
        editor.print(text)
    }

    private mutating func setStatus(_ rest: Span<UInt8>, _ session: inout Session) {
        let end = rest.firstIndex(of: 0x20) ?? rest.count
        let words = rest.extracting(end..<rest.count).trimmed()
        let availability: StaticString?
        switch rest.extracting(0..<end).place(among: "available away busy invisible") {
        case 0: availability = "AVAILABLE"
        case 1: availability = "NOT_AVAILABLE"
        case 2: availability = "DISCREET"
        case 3: availability = nil
        default: return note("/status available, away, busy or invisible, and what you want to say.")
        }
        guard tell(session.update(availability, text: InlineBytes<100>(prefix: words)), session) else { return }
        note(availability == nil ? "Nobody sees you now." : "Whoever may see you sees that now.")
    }

    private mutating func setAlias(_ name: Span<UInt8>, _ session: inout Session) {
        guard name.count > 0, let alias = InlineBytes<64>(name) else { return note("/alias NAME, at most 64 octets.") }
        if tell(session.update(alias: alias), session) { note("Whoever may see you sees that name now.") }
    }

    /// Says what became of a request that was not done; true when it was.
    private mutating func tell(_ outcome: Outcome, _ session: borrowing Session) -> Bool {
        switch outcome {
        case .answered(200): return true
        case .answered:
            beginNote()
            text.append("Not done: ")
            session.writeResult(into: &text)
            editor.print(text)
        case .nothing, .unreachable: note("The server does not answer; try again.")
        }
        return false
    }

    /// The place of somebody whom the user names; nil when it is no name, which is told.
    mutating func person(_ name: Span<UInt8>) -> Int? {
        // Who logged in without a domain leaves it to the server to know names.
        let isName = roster.homeDomain.isEmpty || Address(name, homeDomain: roster.homeDomain.span)?.kind == .user
        guard isName, name.count > 0, name.count <= 100 else {
            note("That is no name: write bob, or wv:bob@home.test.")
            return nil
        }
        guard let place = roster.find(name) else {
            note("The list of people is full.")
            return nil
        }
        return place
    }

    /// Contacts first, those who are there before those who are not; then whom else the user talks with.
    mutating func showPeople() {
        guard roster.count > 0 else { return note("Nobody yet; /msg NAME TEXT begins, /add NAME keeps somebody.") }
        for group in 0..<3 {
            for place in 0..<roster.count {
                let person = roster[place]
                guard group == (person.isContact ? person.mood.isThere ? 0 : 1 : 2) else { continue }
                text.removeAll()
                text.append(place == partner ? "* " : "  ")
                roster.writeName(place, into: &text)
                if person.isContact {
                    text.append(", ")
                    roster.writeMood(place, into: &text)
                }
                if person.unreadCount > 0 {
                    text.append(", ")
                    text.append(decimal: person.unreadCount)
                    text.append(" unanswered")
                }
                if !person.isContact {
                    text.append(", ")
                    text.append(decimal: person.sentCount)
                    text.append(" sent, ")
                    text.append(decimal: person.receivedCount)
                    text.append(" received")
                }
                editor.print(text)
            }
        }
    }
}
