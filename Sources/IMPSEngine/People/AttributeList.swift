import CSP
import Octets
import Wire

/// For whom an attribute list is. Source: protocol/primitives.md §3.
enum PresenceAudience {
    /// Everybody for whom there is no other.
    case everybody
    /// Who is on one of the user's contact lists.
    case list(UInt8)
    case user(UInt32)

    /// What keys have of it.
    var rawValue: UInt8 {
        switch self {
        case .everybody: return 0
        case .list: return 1
        case .user: return 2
        }
    }

    var number: UInt32 {
        switch self {
        case .everybody: return 0
        case .list(let list): return UInt32(list)
        case .user(let user): return user
        }
    }
}

extension Records where Port: ~Copyable {
    /// What of a user's presence an audience may see without asking; nil when he never said.
    @inline(never)
    func attributeList(of user: UInt32, for audience: PresenceAudience) -> PresenceAttributes? {
        number(for: Key.attributeList(user, for: audience), UInt32.self).map { PresenceAttributes(rawValue: $0) }
    }

    /// The user behind `last` for whom there is an attribute list of his own; nil when there is none.
    func userWithAttributeList(of user: UInt32, after last: UInt32?) -> UInt32? {
        var prefix = Key.attributeLists(user)
        _ = prefix.append(PresenceAudience.user(0).rawValue)
        return number(in: prefix, after: last)
    }
}
