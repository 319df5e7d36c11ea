import Octets

/// The keys of the store. The first octet is the kind, numbers are big-endian, so that order is time.
///
/// | Key | Value |
/// |---|---|
/// | `!name` | facts about the store itself |
/// | `A` address | account |
/// | `C` slot | pending login challenge |
/// | `D` user | what was seen of his clients |
/// | `G` user | answers to System Messages |
/// | `H` code | text of a notice or of the help with an error, from the configuration |
/// | `J` campaign | how far its journal is |
/// | `J` campaign, number | an event of the journal |
/// | `K` slot | content types and other lists of a session's capabilities |
/// | `L` campaign, user | who is on the list of a campaign's audience |
/// | `M` sequence, piece | message, report or service message, the first piece with its header |
/// | `P` campaign | a campaign of System Messages |
/// | `P` campaign, edition, part | its text, from part 1, its lead-in, 15, and its options, from part 16 |
/// | `Q` user | totals of a mailbox |
/// | `Q` user, sequence | an entry of a mailbox, in the order of delivery |
/// | `R` sequence | answer to a request that changed something |
/// | `S` slot | session |
/// | `U` user | address of a user number |
/// | `V` campaign, user, generation | the state that the journal leaves a user in |
/// | `W` slot | pending login |
/// | `X` time, user, sequence | a message that expires before its mailbox's lifetime |
typealias Key = InlineBytes<112>

extension InlineBytes where capacity == 112 {
    private init(_ kind: UInt8) {
        self.init()
        _ = append(kind)
    }

    /// A fact about the store: `schema`, `running`, `sequence`, `user`.
    static func fact(_ name: StaticString) -> Key {
        var key = Key(0x21)
        _ = key.append(name)
        return key
    }

    /// All keys that begin with this one are of the kind `letter`.
    static func kind(_ letter: UInt8) -> Key { Key(letter) }

    static func account(_ address: Span<UInt8>) -> Key {
        var key = Key(0x41)
        _ = key.append(address)
        return key
    }

    static func challenge(_ slot: UInt16) -> Key { numbered(0x43, slot) }

    static func knownClients(_ user: UInt32) -> Key { numbered(0x44, user) }

    static func answerSheet(_ user: UInt32) -> Key { numbered(0x47, user) }

    static func campaign(_ number: UInt32) -> Key { numbered(0x50, number) }

    static func campaign(_ number: UInt32, edition: UInt16, part: UInt8) -> Key {
        var key = numbered(0x50, number)
        _ = key.append(bigEndian: edition)
        _ = key.append(part)
        return key
    }

    static func noticeText(_ code: UInt16) -> Key { numbered(0x48, code) }

    /// What all members of a campaign's audience begin with.
    static func members(_ campaign: UInt32) -> Key { numbered(0x4C, campaign) }

    static func member(_ campaign: UInt32, _ user: UInt32) -> Key {
        var key = members(campaign)
        _ = key.append(bigEndian: user)
        return key
    }

    static func proof(_ campaign: UInt32, _ user: UInt32, _ generation: UInt16) -> Key {
        var key = numbered(0x56, campaign)
        _ = key.append(bigEndian: user)
        _ = key.append(bigEndian: generation)
        return key
    }

    static func proofHead(_ campaign: UInt32) -> Key { numbered(0x4A, campaign) }

    static func proofEvent(_ campaign: UInt32, _ number: UInt32) -> Key {
        var key = proofHead(campaign)
        _ = key.append(bigEndian: number)
        return key
    }

    static func pendingLogin(_ slot: UInt16) -> Key { numbered(0x57, slot) }

    static func capabilityLists(_ slot: UInt16) -> Key { numbered(0x4B, slot) }

    static func message(_ sequence: UInt64, piece: UInt8) -> Key {
        var key = numbered(0x4D, sequence)
        _ = key.append(piece)
        return key
    }

    static func mailbox(_ user: UInt32) -> Key { numbered(0x51, user) }

    static func mailboxEntry(_ user: UInt32, _ sequence: UInt64) -> Key {
        var key = numbered(0x51, user)
        _ = key.append(bigEndian: sequence)
        return key
    }

    static func answer(_ sequence: UInt64) -> Key { numbered(0x52, sequence) }

    static func session(_ slot: UInt16) -> Key { numbered(0x53, slot) }

    static func user(_ number: UInt32) -> Key { numbered(0x55, number) }

    static func expiry(at seconds: UInt64, _ user: UInt32, _ sequence: UInt64) -> Key {
        var key = numbered(0x58, seconds)
        _ = key.append(bigEndian: user)
        _ = key.append(bigEndian: sequence)
        return key
    }

    private static func numbered<Number: FixedWidthInteger>(_ kind: UInt8, _ number: Number) -> Key {
        var key = Key(kind)
        _ = key.append(bigEndian: number)
        return key
    }
}
