import CSP
import Octets
import Wire

/// The two lists of whom a user lets through; the number is part of keys.
enum ScreeningList: UInt8 {
    /// Who is on it does not get through.
    case block = 1
    /// Only who is on it gets through.
    case grant = 2

    var tag: Tag { self == .block ? .blockList : .grantList }
    /// Where 1.3 says whether it is in use.
    var inUseTag: Tag { self == .block ? .blockListInUse : .grantListInUse }
}

/// Which of the two lists of a user are in use.
struct Screening {
    var blocks = false
    var grants = false

    init(_ value: UInt8) {
        blocks = value & 1 != 0
        grants = value & 2 != 0
    }

    var rawValue: UInt8 { (blocks ? 1 : 0) | (grants ? 2 : 0) }

    func isInUse(_ list: ScreeningList) -> Bool { list == .block ? blocks : grants }

    mutating func set(_ list: ScreeningList, isInUse: Bool) {
        switch list {
        case .block: blocks = isInUse
        case .grant: grants = isInUse
        }
    }
}

extension Records where Port: ~Copyable {
    func screening(of user: UInt32) -> Screening { Screening(number(for: Key.screening(user)) ?? 0) }

    /// Whether a user's block and grant lists let somebody through to him.
    ///
    /// - Source: protocol/primitives.md §5, rule 3.
    @inline(never)
    func letsThrough(_ other: UInt32, to user: UInt32) -> Bool {
        let screening = screening(of: user)
        guard screening.blocks || screening.grants else { return true }
        guard let address = address(of: other) else { return false }
        return letsThrough(address.span, to: user)
    }

    /// The same for somebody with an address, whether he has an account or not.
    @inline(never)
    func letsThrough(_ address: Span<UInt8>, to user: UInt32) -> Bool {
        let screening = screening(of: user)
        if screening.grants, !isScreened(address, on: .grant, of: user) { return false }
        return !screening.blocks || !isScreened(address, on: .block, of: user)
    }

    private func isScreened(_ address: Span<UInt8>, on list: ScreeningList, of user: UInt32) -> Bool {
        let key = Key.screened(user, on: list, address)
        return store.value(for: key.span) != nil
    }

    func screenedCount(of user: UInt32) -> UInt32 {
        var count: UInt32 = 0
        var last = Key()
        let prefix = Key.screening(user)
        while let key = key(in: prefix, after: last) {
            last = key
            if key.count > prefix.count { count += 1 }
        }
        return count
    }
}
