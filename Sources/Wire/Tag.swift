import Octets

/// The name of an element, the same for every version and syntax. The names are in `Generated/Tag+Names.swift`.
public struct Tag: Equatable, BitwiseCopyable, Sendable {
    let rawValue: UInt16

    /// The hash by which a name is found, computed octet by octet while it is read.
    struct NameHash {
        private var value: UInt32 = 0

        mutating func combine(_ octet: UInt8) { value = value &* 33 ^ UInt32(octet) }

        var slot: Int { Int(truncatingIfNeeded: value ^ value >> 15) }
    }

    /// The tag with this spelling, a canonical one or one seen in the field; nil when the protocol has no such name.
    ///
    /// - Source: protocol/wbxml.md §7, protocol/wbxml-aliases.tsv.
    public init?(name: Span<UInt8>) {
        var hash = NameHash()
        for index in name.indices { hash.combine(name[index]) }
        self.init(name: name, hash)
    }

    init?(name: Span<UInt8>, _ hash: NameHash) {
        let mask = TagNames.slots.count - 1
        var slot = hash.slot & mask
        while TagNames.slots[slot] != 0 {
            let index = Int(TagNames.slots[slot]) - 1
            if name.equals(TagNames.spellings[index].name) {
                self = Tag(rawValue: TagNames.spellings[index].rawValue)
                return
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The canonical spelling.
    public var name: StaticString { TagNames.spellings[Int(rawValue) - 1].name }
}

/// One spelling of an element name.
struct TagSpelling: Sendable {
    let name: StaticString
    let rawValue: UInt16

    init(_ name: StaticString, _ rawValue: UInt16) {
        self.name = name
        self.rawValue = rawValue
    }
}
