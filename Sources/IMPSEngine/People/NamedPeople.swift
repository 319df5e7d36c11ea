import CSP
import Octets
import Wire

/// The users and contact lists that a request names, one after the other, in whatever form clients write them.
struct NamedPeople<Port: StorePort & ~Copyable> {
    enum Target {
        case user(UInt32)
        case list(UInt8)
        /// A list that nobody made and that is there all the same, empty.
        case premade(InlineBytes<100>)
    }

    private var next: Document.Element?
    private let user: UInt32
    private var visitedCount = 0
    private var failure: StatusCode?
    private var isAnybody = false

    /// - Parameter user: Whose lists they are.
    init(_ document: borrowing Document, in element: Document.Element, of user: UInt32) {
        next = document.firstChild(of: element)
        self.user = user
    }

    /// The next of them; nil at the end. Who is not there is passed over.
    ///
    /// - Throws: 402 and 403 for the name of a list, 402 when the lists have more contacts than a request may look at.
    @inline(never)
    mutating func take(
        _ document: borrowing Document, _ records: borrowing Records<Port>
    ) throws(Refusal) -> Target? {
        while let element = next {
            next = document.nextSibling(of: element)
            let tag = document.tag(of: element)
            if tag == .user || tag == .userID, let named = records.user(document, in: element) {
                if case .known(let other) = named {
                    isAnybody = true
                    return .user(other)
                }
                failure = failure ?? named.code
            } else if tag == .contactList {
                let named = try records.named(document, element, of: user)
                if let list = named.number {
                    visitedCount += Int(records.contactList(list, of: user)?.contactCount ?? 0)
                    guard visitedCount <= Limits.visitedCountMax else { throw Refusal(.badParameter, "too many lists") }
                    isAnybody = true
                    return .list(list)
                }
                if records.isPremade(named.name.span) {
                    isAnybody = true
                    return .premade(named.name)
                }
                failure = failure ?? .contactListDoesNotExist
            }
        }
        return nil
    }

    /// Nobody was named so far, there or not.
    var isEmpty: Bool { !isAnybody && failure == nil }

    /// Refuses a request, at the end, that names nobody who is there: with the code of the first, or 402.
    func refuseIfNobody() throws(Refusal) {
        if isAnybody { return }
        throw failure.map { Refusal($0) } ?? Refusal(.badParameter, "names nobody")
    }

    /// Looks at all of them before anything is changed, so that what is refused leaves everything as it was.
    ///
    /// - Throws: as `take`.
    /// - Returns: whoever went through them, for `refuseIfNobody`.
    @discardableResult
    static func check(
        _ document: borrowing Document, in element: Document.Element, of user: UInt32,
        _ records: borrowing Records<Port>
    ) throws(Refusal) -> NamedPeople {
        var people = NamedPeople(document, in: element, of: user)
        while try people.take(document, records) != nil {}
        return people
    }
}
