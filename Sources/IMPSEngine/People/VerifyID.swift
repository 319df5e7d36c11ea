import CSP
import Octets
import Wire

extension People where Port: ~Copyable {
    /// VerifyID-Request: which of the names in an IDList name something. 200 when all do, else 201 with those that do not
    /// by code; a single code when it is so of all.
    ///
    /// - Throws: 402 without IDList or anything in it, the code of all.
    /// - Source: protocol/primitives.md §10.
    func verifyID(
        _ document: borrowing Document, _ element: Document.Element, in slot: UInt16,
        _ sessions: borrowing Sessions<Port>, _ records: borrowing Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        guard let list = document.first(.idList, in: element), let first = document.firstChild(of: list) else {
            throw Refusal(.badParameter, "IDList missing")
        }
        let user = sessions[slot].user
        var failures = 0
        var count = 0
        var common: StatusCode?
        var isMixed = false
        var next: Document.Element? = first
        while let id = next {
            next = document.nextSibling(of: id)
            count += 1
            let code = code(document, id, user, records)
            guard code != .success else { continue }
            failures += 1
            if let common, common != code { isMixed = true }
            common = code
        }
        guard failures > 0, let common else { return writer.status(.success) }
        if failures == count { throw Refusal(isMixed ? .multipleErrors : common) }
        writer.open(.status)
        writer.open(.result)
        writer.integer(.code, UInt64(StatusCode.partialSuccess.rawValue))
        writer.text(.description, StatusCode.partialSuccess.meaning)
        write(.unknownUser, document, first, user, records, into: &writer)
        write(.contactListDoesNotExist, document, first, user, records, into: &writer)
        write(.groupDoesNotExist, document, first, user, records, into: &writer)
        write(.domainNotSupported, document, first, user, records, into: &writer)
        writer.close(.result)
        writer.close(.status)
    }

    @inline(never)
    private func write(
        _ code: StatusCode, _ document: borrowing Document, _ first: Document.Element, _ user: UInt32,
        _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        var isOpen = false
        var next: Document.Element? = first
        while let id = next {
            next = document.nextSibling(of: id)
            guard self.code(document, id, user, records) == code else { continue }
            if !isOpen {
                isOpen = true
                writer.open(.detailedResult)
                writer.integer(.code, UInt64(code.rawValue))
                writer.text(.description, code.meaning)
            }
            if document.firstChild(of: id) == nil { writer.text(document.tag(of: id), document.word(of: id)) }
        }
        if isOpen { writer.close(.detailedResult) }
    }

    /// What is wrong with a name; success when nothing is.
    @inline(never)
    private func code(
        _ document: borrowing Document, _ id: Document.Element, _ user: UInt32, _ records: borrowing Records<Port>
    ) -> StatusCode {
        switch document.tag(of: id) {
        case .userID, .user: return records.user(document, in: id)?.code ?? .unknownUser
        case .contactList:
            do throws(Refusal) {
                let named = try records.named(document, id, of: user)
                return named.number != nil || records.isPremade(named.name.span) ? .success : .contactListDoesNotExist
            } catch { return .contactListDoesNotExist }
        case .groupID, .screenName: return .groupDoesNotExist
        case .domain:
            return document.word(of: id).equalsIgnoringCase(records.settings.domain.span)
                ? .success
                : .domainNotSupported
        default: return .success
        }
    }
}
