import Octets
import Wire

extension Writer {
    /// Result with its code and, when it is no success, words for people: the given ones or those of the code.
    ///
    /// - Source: protocol/session.md §1.5.
    public mutating func result(_ code: StatusCode, _ description: StaticString? = nil) {
        open(.result)
        integer(.code, UInt64(code.rawValue))
        if code != .success || description != nil { text(.description, description ?? code.meaning) }
        close(.result)
    }

    /// Status with a Result, the answer to every primitive without one of its own.
    public mutating func status(_ code: StatusCode, _ description: StaticString? = nil) {
        open(.status)
        result(code, description)
        close(.status)
    }
}
