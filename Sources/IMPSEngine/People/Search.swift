import CSP
import Octets
import Wire

/// What accounts can be searched by. Source: protocol/primitives.md §9.
enum SearchField: UInt8 {
    case id = 1
    case alias, number, firstName, lastName, email, online

    init?(_ word: Span<UInt8>) {
        self.init(
            place: word.place(
                among:
                    "USER_ID USER_ALIAS USER_MOBILE_NUMBER USER_FIRST_NAME USER_LAST_NAME USER_EMAIL_ADDRESS USER_ONLINE_STATUS"
            ))
    }

    /// The field that a word of the configuration names.
    fileprivate init?(name: Span<UInt8>) {
        self.init(place: name.place(among: "id alias number first_name last_name email online"))
    }

    private init?(place: Int?) {
        guard let place else { return nil }
        self.init(rawValue: UInt8(place) + 1)
    }
}

/// What accounts can be searched by, as the operator chose.
public struct SearchFields: BitwiseCopyable, Sendable {
    private var bits: UInt16 = 0

    /// Everything.
    static var all: SearchFields {
        var fields = SearchFields()
        fields.bits = .max
        return fields
    }

    private init() {}

    /// The fields that words separated by blanks name, `off` for none; nil when one of them is none.
    public init?(_ words: Span<UInt8>) {
        self.init()
        if words.equals("off") { return }
        var rest = words.trimmed()
        guard rest.count > 0 else { return nil }
        while rest.count > 0 {
            let end = rest.firstIndex(of: 0x20) ?? rest.count
            guard let field = SearchField(name: rest.extracting(0..<end)) else { return nil }
            bits |= 1 << UInt16(field.rawValue)
            rest = rest.extracting(end..<rest.count).trimmed()
        }
    }

    @inline(never)
    func contains(_ field: SearchField) -> Bool { bits & 1 << UInt16(field.rawValue) != 0 }
}

/// One condition of a search.
struct SearchPair: BitwiseCopyable {
    var field = SearchField.id
    var text = InlineBytes<48>()
}

/// A search that can go on.
public struct SearchSession: ZeroInitializable {
    /// What names it; 0 for a free place.
    fileprivate var id: UInt32 = 0
    fileprivate var session: UInt64 = 0
    fileprivate var until = Instant(milliseconds: 0)
    fileprivate var pairCount = 0
    fileprivate var pairs = InlineArray<4, SearchPair>(repeating: SearchPair())
    fileprivate var limit: UInt64 = 0
    /// Whoever was told of last, by the number of the account, and how many before him and with him.
    fileprivate var position: UInt32 = 0
    fileprivate var told: UInt64 = 0
    /// The same before the last answer, in case that was lost.
    fileprivate var formerPosition: UInt32 = 0
    fileprivate var formerTold: UInt64 = 0
    fileprivate var isComplete = false

    /// A free place.
    public init() {}
}

/// Searching accounts: all conditions hold, each anywhere in the text and in any case of letters; of a number at least the
/// last seven digits, of an address for mail all of it.
///
/// Nothing is kept for it. A request looks at so many accounts that the loop is held up for a few milliseconds; in a store
/// with more, the answer says that it is not complete, and the client goes on as it does with many results.
extension People where Port: ~Copyable {
    /// Records that one request reads.
    private var readCountMax: Int { 3000 }
    /// Seconds until a search that nobody goes on with is over.
    private var searchSeconds: UInt64 { 300 }

    /// Search-Request: begins a search, or goes on with one.
    ///
    /// - Throws: 402 without conditions or with one that is none, 405 when the operator allows no search by it, 424 and 425
    ///   for what is no search of this session or not where it is, 501 for criteria of 1.3, 537 for an empty text.
    mutating func search(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, _ turn: borrowing Turn,
        into writer: inout Writer
    ) throws(Refusal) {
        let user = sessions[slot].user
        if let id = document.first(.searchID, in: element) {
            guard let place = find(document.word(of: id), sessions[slot].number, turn.now) else {
                throw Refusal(.invalidSearchID)
            }
            var search = searches[place]
            if let index = document.first(.searchIndex, in: element) {
                let index = Decimal.parse(document.word(of: index))
                // The same again: the last answer did not arrive.
                if index == search.formerTold + 1, index != search.told + 1 {
                    search.position = search.formerPosition
                    search.told = search.formerTold
                    search.isComplete = false
                }
                guard index == search.told + 1 else { throw Refusal(.invalidSearchIndex) }
            }
            guard !search.isComplete else { throw Refusal(.invalidSearchIndex) }
            search.isComplete = go(on: &search, for: user, sessions, records, into: &writer)
            search.until = turn.now.adding(seconds: searchSeconds)
            searches[place] = search
            return
        }
        guard document.first(.advancedCriteria, in: element) == nil else { throw Refusal(.notImplemented) }
        var search = SearchSession()
        search.session = sessions[slot].number
        search.limit = min(50, max(1, document.integer(.searchLimit, in: element) ?? 50))
        guard try readPairs(document, element, into: &search, records) else {
            // There are no groups to be found.
            return write(SearchSession(), findings: 0, isComplete: true, into: &writer)
        }
        search.id = nextID()
        let isComplete = go(on: &search, for: user, sessions, records, into: &writer)
        guard !isComplete else { return }
        search.until = turn.now.adding(seconds: searchSeconds)
        searches[freePlace(turn.now)] = search
    }

    /// The place of a search of a session; nil when it has none with this SearchID.
    func find(_ word: Span<UInt8>, _ session: UInt64, _ now: Instant) -> Int? {
        guard let id = Decimal.parse(word), id > 0 else { return nil }
        for place in 0..<searches.count
        where UInt64(searches[place].id) == id && searches[place].session == session && searches[place].until > now {
            return place
        }
        return nil
    }

    /// A place for another search: one that is over, or the one that would be over first.
    private func freePlace(_ now: Instant) -> Int {
        var oldest = 0
        for place in 0..<searches.count {
            if searches[place].id == 0 || searches[place].until <= now { return place }
            if searches[place].until < searches[oldest].until { oldest = place }
        }
        return oldest
    }

    private func nextID() -> UInt32 {
        var highest: UInt32 = 0
        for place in 0..<searches.count { highest = max(highest, searches[place].id) }
        return highest < 1_000_000 ? highest + 1 : 1
    }

    // MARK: Conditions

    /// Reads the conditions of a search; false when they are about groups.
    private func readPairs(
        _ document: borrowing Document, _ element: Document.Element, into search: inout SearchSession,
        _ records: borrowing Records<Port>
    ) throws(Refusal) -> Bool {
        var groupCount = 0
        var next = document.first(.searchPairList, in: element)
        while let pair = next {
            next = document.next(after: pair)
            guard let name = document.word(.searchElement, in: pair), let text = document.word(.searchString, in: pair)
            else { throw Refusal(.badParameter, "SearchElement and SearchString") }
            if name.starts(with: "GROUP_") {
                groupCount += 1
                continue
            }
            guard let field = SearchField(name) else { throw Refusal(.badParameter, "SearchElement is not known") }
            guard records.settings.searchFields.contains(field) else {
                throw Refusal(.serviceNotSupported, "no search by this here")
            }
            guard text.count > 0 else { throw Refusal(.tooBroadSearchCriteria) }
            guard search.pairCount < search.pairs.count, let text = InlineBytes<48>(text) else {
                throw Refusal(.badParameter, "too many conditions, or too long")
            }
            search.pairs[search.pairCount] = SearchPair(field: field, text: text)
            search.pairCount += 1
        }
        guard groupCount == 0 || search.pairCount == 0 else {
            throw Refusal(.badParameter, "users or groups, not both")
        }
        guard groupCount + search.pairCount > 0 else { throw Refusal(.badParameter, "SearchPairList missing") }
        return groupCount == 0
    }

    // MARK: Results

    /// Goes on with a search and writes the answer; true when it is complete.
    private func go(
        on search: inout SearchSession, for searcher: UInt32, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) -> Bool {
        writer.open(.searchResponse)
        var next = search
        var findings = search.told
        var reads = 0
        var last = search.position
        var isAtEnd = false
        let before = search.told
        // What is found is counted first: the number comes before the names.
        while reads < readCountMax {
            guard let user = records.user(after: last) else {
                isAtEnd = true
                break
            }
            last = user
            guard matches(user, search, for: searcher, sessions, records, &reads) else {
                if findings - before < search.limit { next.position = user }
                continue
            }
            findings += 1
            if findings - before <= search.limit {
                next.position = user
                next.told = findings
            }
        }
        let isComplete = isAtEnd && next.told == findings
        write(
            next, findings: findings, isComplete: isComplete, after: search, for: searcher, sessions, records, &writer)
        next.formerPosition = search.position
        next.formerTold = search.told
        search = next
        return isComplete
    }

    private func write(
        _ search: SearchSession, findings: UInt64, isComplete: Bool, into writer: inout Writer
    ) {
        writer.open(.searchResponse)
        writeHead(search, findings: findings, isComplete: isComplete, into: &writer)
        writer.close(.searchResponse)
    }

    private func writeHead(
        _ search: SearchSession, findings: UInt64, isComplete: Bool, into writer: inout Writer
    ) {
        if search.id != 0 { writer.integer(.searchID, UInt64(search.id)) }
        writer.integer(.searchFindings, findings)
        writer.flag(.completionFlag, isComplete)
        writer.integer(.searchIndex, search.told)
    }

    private func write(
        _ next: SearchSession, findings: UInt64, isComplete: Bool, after search: SearchSession, for searcher: UInt32,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, _ writer: inout Writer
    ) {
        writeHead(next, findings: findings, isComplete: isComplete, into: &writer)
        if next.told > search.told {
            writer.open(.searchResult)
            writer.open(.userList)
            var last = search.position
            var reads = 0
            var count = next.told - search.told
            while count > 0, let user = records.user(after: last) {
                last = user
                guard matches(user, search, for: searcher, sessions, records, &reads),
                    let account = records.account(of: user)
                else { continue }
                count -= 1
                writer.open(.user)
                writer.text(.userID, account.display.span)
                writer.close(.user)
            }
            writer.close(.userList)
            writer.close(.searchResult)
        }
        writer.close(.searchResponse)
    }

    /// Whether all conditions hold for an account that can be found.
    @inline(never)
    private func matches(
        _ user: UInt32, _ search: SearchSession, for searcher: UInt32, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, _ reads: inout Int
    ) -> Bool {
        reads += 1
        for index in 0..<search.pairCount {
            guard matches(user, search.pairs[index], for: searcher, sessions, records, &reads) else { return false }
        }
        reads += 3
        if records.account(of: user)?.isOwn != true { return false }
        if let searchable = records.profile(user, .searchable), searchable.span.equals("no") { return false }
        return records.letsThrough(searcher, to: user)
    }

    @inline(never)
    private func matches(
        _ user: UInt32, _ pair: SearchPair, for searcher: UInt32, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, _ reads: inout Int
    ) -> Bool {
        reads += 1
        switch pair.field {
        case .id:
            guard let address = records.address(of: user) else { return false }
            // The domain and the schema are the same for all.
            let text = pair.text.span
            let whole = address.span
            if text.firstIndex(of: 0x40) != nil || text.starts(with: "wv:") {
                return whole.containsIgnoringCase(text)
            }
            return whole.extracting(3..<(whole.firstIndex(of: 0x40) ?? whole.count)).containsIgnoringCase(text)
        case .alias:
            reads += 3
            let key = Key.presence(user, .alias)
            if let record = records.store.value(for: key.span), let alias = PresenceValue.text(record),
                records.permission(of: searcher, for: user).contains(.alias)
            {
                return alias.containsIgnoringCase(pair.text.span)
            }
            guard let account = records.account(of: user) else { return false }
            return account.alias.containsIgnoringCase(pair.text.span)
        case .online:
            reads += 3
            let isOnline =
                records.permission(of: searcher, for: user).contains(.onlineStatus) && sessions.isOnline(user, records)
            return pair.text.span.equalsIgnoringCase(Span.constant(isOnline ? "T" : "F"))
        // Digit by digit nobody finds out a number that he does not know. Source: CL-37.
        case .number: return endsWith(user, pair, records)
        case .firstName: return contains(user, .firstName, pair, records)
        case .lastName: return contains(user, .lastName, pair, records)
        case .email: return records.profile(user, .email)?.span.equalsIgnoringCase(pair.text.span) == true
        }
    }

    @inline(never)
    private func contains(
        _ user: UInt32, _ field: ProfileField, _ pair: SearchPair, _ records: borrowing Records<Port>
    ) -> Bool {
        guard let value = records.profile(user, field) else { return false }
        return value.span.containsIgnoringCase(pair.text.span)
    }

    private func endsWith(_ user: UInt32, _ pair: SearchPair, _ records: borrowing Records<Port>) -> Bool {
        guard pair.text.count >= 7, let value = records.profile(user, .number), value.count >= pair.text.count else {
            return false
        }
        return value.span.extracting(value.count - pair.text.count..<value.count).equals(pair.text.span)
    }
}

extension Records where Port: ~Copyable {
    /// The user with the next number behind `last`, 0 for the first; nil when there is none.
    func user(after last: UInt32) -> UInt32? {
        let user: UInt32? = number(in: Key.kind(RecordKind.user), after: last)
        // Guests come behind all users, and are nobody yet.
        return user.flatMap { SystemMessages<Port>.isGuest($0) ? nil : $0 }
    }
}

extension Span<UInt8> {
    /// Whether a text is in it, in any case of ASCII letters.
    @inline(never)
    func containsIgnoringCase(_ text: Span<UInt8>) -> Bool {
        guard text.count <= count else { return false }
        for start in 0...(count - text.count)
        where extracting(start..<start + text.count).equalsIgnoringCase(text) { return true }
        return false
    }
}
