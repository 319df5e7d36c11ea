import Octets

/// Where clients differ from the protocol: a switch for each way.
public struct Quirks: BitwiseCopyable, Equatable, Sendable {
    /// A bit for each switch.
    public var rawValue: UInt16

    /// The switches with these bits.
    public init(rawValue: UInt16 = 0) { self.rawValue = rawValue }

    /// Takes the first child of a ClientCapability-Response for the agreed list, so in 1.1 the list precedes ClientID.
    ///
    /// - Source: protocol/session.md §6.2.
    public static var capabilityListFirst: Quirks { Quirks(rawValue: 1) }
    /// Escapes the content of its messages as in XML, in WBXML too. Source: protocol/primitives.md §6.2, rule 13.
    public static var unescapeContent: Quirks { Quirks(rawValue: 2) }
    /// Opens its connection for calls again when the element CIR is false. Source: protocol/transport.md §7.
    public static var cirFalse: Quirks { Quirks(rawValue: 4) }
    /// Opens its connection for calls again when the element CIR is true. Source: protocol/transport.md §7.
    public static var cirTrue: Quirks { Quirks(rawValue: 8) }

    /// Speaks 1.3 and does not know System Messages, so it is asked by ordinary messages. Source: CL-20.
    public static var noSystemMessage: Quirks { Quirks(rawValue: 16) }
    /// Never confirms a message, so what was sent is delivered with its next request. Source: CL-31.
    public static var sentIsDelivered: Quirks { Quirks(rawValue: 32) }
    /// Writes texts in WBXML with the value tokens of 1.3, whatever version it speaks. Source: CL-15.
    public static var newValueTokens: Quirks { Quirks(rawValue: 64) }
    /// Reads names that have no token in WBXML, spelled out. Source: CL-18.
    public static var literalTags: Quirks { Quirks(rawValue: 128) }

    /// All names, for whoever wrote another one.
    public static var names: StaticString {
        "capability-list-first, unescape-content, cir-false, cir-true, no-system-message, sent-is-delivered, new-value-tokens or literal-tags"
    }

    /// Those of client A, whose User-Agent is known.
    static var android: Quirks {
        var quirks = Quirks.capabilityListFirst
        quirks.insert(.noSystemMessage)
        quirks.insert(.newValueTokens)
        quirks.insert(.literalTags)
        return quirks
    }

    /// The switch with this name; nil when there is none.
    public init?(_ name: Span<UInt8>) {
        var quirk = Quirks(rawValue: 1)
        while let other = quirk.name {
            if name.equals(other) {
                self = quirk
                return
            }
            quirk.rawValue <<= 1
        }
        return nil
    }

    /// The name of one switch; nil for any other value.
    private var name: StaticString? {
        switch self {
        case .capabilityListFirst: return "capability-list-first"
        case .unescapeContent: return "unescape-content"
        case .cirFalse: return "cir-false"
        case .cirTrue: return "cir-true"
        case .noSystemMessage: return "no-system-message"
        case .sentIsDelivered: return "sent-is-delivered"
        case .newValueTokens: return "new-value-tokens"
        case .literalTags: return "literal-tags"
        default: return nil
        }
    }

    /// Whether all of `quirks` are in it.
    public func contains(_ quirks: Quirks) -> Bool { rawValue & quirks.rawValue == quirks.rawValue }

    /// Adds switches.
    public mutating func insert(_ quirks: Quirks) { rawValue |= quirks.rawValue }

    /// The names with commas between them; `none` without any.
    var list: InlineBytes<160> {
        var list = InlineBytes<160>()
        for bit in 0..<16 {
            guard let name = Quirks(rawValue: rawValue & 1 << UInt16(bit)).name else { continue }
            if !list.isEmpty { _ = list.append(0x2C) }
            _ = list.append(name)
        }
        if list.isEmpty { _ = list.append("none") }
        return list
    }
}

/// Which clients have which quirks, by what they call themselves.
public struct QuirkTable: BitwiseCopyable, Sendable {
    private struct Rule {
        var agent = InlineBytes<64>()
        var quirks = Quirks()
    }

    private var rules = InlineArray<16, Rule>(repeating: Rule())
    private var count = 0

    /// Only the clients that are known anyway.
    public init() {}

    /// Adds a rule for clients whose User-Agent is like `agent`, in which `*` stands for any octets; it goes before those
    /// that follow and those that are known. False when there is no room; 16 are enough for a household.
    public mutating func add(_ agent: InlineBytes<64>, _ quirks: Quirks) -> Bool {
        guard count < rules.count else { return false }
        rules[count] = Rule(agent: agent, quirks: quirks)
        count += 1
        return true
    }

    /// The quirks of the first rule that a User-Agent is like.
    public func quirks(of agent: Span<UInt8>) -> Quirks {
        for index in 0..<count where QuirkTable.matches(agent, rules[index].agent.span) { return rules[index].quirks }
        let android: StaticString = "Android-Imps/*"
        return QuirkTable.matches(agent, android.octets) ? .android : Quirks()
    }

    /// Whether a name is like a pattern, in any case. Where the last `*` took too little it takes one octet more, so the
    /// work is bounded by the product of both lengths.
    private static func matches(_ name: Span<UInt8>, _ pattern: Span<UInt8>) -> Bool {
        var index = 0
        var place = 0
        var star: Int?
        var starred = 0
        while index < name.count {
            if place < pattern.count, pattern[place] == 0x2A {
                star = place
                starred = index
                place += 1
            } else if place < pattern.count, pattern[place].asciiLowercased == name[index].asciiLowercased {
                index += 1
                place += 1
            } else if let last = star {
                starred += 1
                index = starred
                place = last + 1
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == 0x2A { place += 1 }
        return place == pattern.count
    }
}
