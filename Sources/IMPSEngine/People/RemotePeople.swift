import CSP
import Octets
import Wire

extension UInt32 {
    /// What the numbers of users of XMPP servers have.
    static var remoteUserBit: UInt32 { 0x4000_0000 }

    /// It is the number of a user who is reached by XMPP; those of guests have a higher bit.
    var isRemoteUser: Bool { self >> 30 == 1 }
}

/// What the XMPP server says of somebody who is there.
public struct RemotePerson: ZeroInitializable {
    /// The place of UserAvailability among its values.
    var availability: UInt8 = 0
    /// The resource that said so last.
    var resource: UInt32 = 0
    var text = InlineBytes<64>()

    /// Nobody.
    public init() {}
}

/// Who of those that are reached by XMPP is there, as long as the stream lasts; and of whom XMPP has to be told.
///
/// Nothing of it is stored: with a new stream the server is asked.
struct RemotePeople: ~Copyable {
    private var people: HashMap<RemotePerson>
    private var count = 0
    /// Users who changed, until those who watch them by XMPP are told.
    private var changed = InlineArray<32, UInt32>(repeating: 0)
    private var changedCount = 0
    /// Everybody is looked at, from this number on; nil when nobody is.
    private(set) var sweepsFrom: UInt32?

    init(_ people: consuming Slab<HashMapPlace<RemotePerson>>) { self.people = HashMap(people) }

    /// nil for who is not there.
    @inline(never)
    func person(_ user: UInt32) -> RemotePerson? {
        guard count > 0, let place = people.find(user) else { return nil }
        return people[place]
    }

    /// False when nothing has changed, or there is no room for more.
    mutating func set(_ user: UInt32, _ person: RemotePerson) -> Bool {
        if let place = people.find(user) {
            let former = people[place]
            people[place] = person
            return former.availability != person.availability || !former.text.span.equals(person.text.span)
        }
        guard 2 * count < people.count else { return false }
        _ = people.find(user, orPut: person)
        count += 1
        return true
    }

    /// False when he was not there.
    mutating func remove(_ user: UInt32) -> Bool {
        guard count > 0, let place = people.find(user) else { return false }
        people.remove(at: place)
        count -= 1
        return true
    }

    mutating func removeAll() {
        people.removeAll()
        count = 0
        changedCount = 0
        sweepsFrom = nil
    }

    // MARK: Whom XMPP is to be told of

    @inline(never)
    mutating func note(_ user: UInt32) {
        guard people.count > 2 else { return }
        for place in 0..<changedCount where changed[place] == user { return }
        guard changedCount < changed.count else { return beginSweep() }
        changed[changedCount] = user
        changedCount += 1
    }

    mutating func takeChanged() -> UInt32? {
        guard changedCount > 0 else { return nil }
        changedCount -= 1
        return changed[changedCount]
    }

    /// All that is known is said, and asked, anew.
    mutating func beginSweep() { sweepsFrom = 0 }

    mutating func endSweep(before next: UInt32?) { sweepsFrom = next }

    /// Somebody is still to be told of.
    var hasChanges: Bool { changedCount > 0 || sweepsFrom != nil }
}

extension Sessions where Port: ~Copyable {
    /// What the XMPP server says of somebody is another: those who watch him are told.
    ///
    /// - Parameter person: nil when he is not there.
    @inline(never)
    mutating func remoteChanged(_ user: UInt32, _ person: RemotePerson?, _ records: borrowing Records<Port>) {
        let isChanged = person.map { remotes.set(user, $0) } ?? remotes.remove(user)
        guard isChanged else { return }
        markWatchers(of: user, changed: RemotePerson.attributes, records)
    }

    /// Nobody has to do with somebody any more.
    mutating func forgetRemote(_ user: UInt32) { _ = remotes.remove(user) }

    /// Nothing is known of anybody any more.
    mutating func forgetRemotes() {
        remotes.removeAll()
        sweepAll()
    }
}

extension RemotePerson {
    /// Writes what he says of himself; false when that is nothing.
    func write(_ attribute: PresenceAttribute, into writer: inout Writer) -> Bool {
        switch attribute {
        case .userAvailability:
            let words: InlineArray<3, StaticString> = ["AVAILABLE", "NOT_AVAILABLE", "DISCREET"]
            write(attribute, words[Int(availability)].octets, into: &writer)
        case .statusText:
            guard !text.isEmpty else { return false }
            write(attribute, text.span, into: &writer)
        case .onlineStatus, .registration, .clientInfo, .timeZone, .geoLocation, .address, .freeTextLocation, .plmn,
            .commCap, .preferredContacts, .preferredLanguage, .statusMood, .alias, .statusContent, .contactInfo,
            .infoLink:
            return false
        }
        return true
    }

    private func write(_ attribute: PresenceAttribute, _ value: Span<UInt8>, into writer: inout Writer) {
        writer.open(attribute.tag)
        writer.flag(.qualifier, true)
        writer.text(.presenceValue, value)
        writer.close(attribute.tag)
    }
}
