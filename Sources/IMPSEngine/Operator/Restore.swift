import CSP
import Octets

/// Why a dump cannot be taken.
public enum DumpError: Error, Equatable {
    /// It does not begin as a dump does.
    case notADump
    /// It is one of a later version, which this one cannot read.
    case laterSchema(UInt64)
    /// A line is no record; the number is that of the line, from 1.
    case brokenLine(UInt64)
    /// Its end is missing.
    case cutOff
}

/// Takes a dump into an empty store, in whatever parts it arrives.
public struct DumpReader: ~Copyable {
    /// Octets of the longest line: each octet of a key and a value as four characters.
    public static var lineByteCountMax: Int { 4 * (112 + 2048) + 16 }

    private var line: FixedBytes
    private var lineNumber: UInt64 = 0
    private var isComplete = false
    private var schema: UInt64 = 0
    /// Records that were taken.
    public private(set) var recordCount: UInt64 = 0

    /// A reader over lent memory of `lineByteCountMax` octets.
    public init(line: consuming FixedBytes) {
        self.line = line
    }

    /// Takes the next part into the store; the caller commits when it likes.
    public mutating func take<Port: StorePort & ~Copyable>(
        _ part: Span<UInt8>, into engine: inout Engine<Port>
    ) throws(DumpError) {
        for index in part.indices {
            let octet = part[index]
            if octet == 0x0A {
                lineNumber += 1
                try takeLine(into: &engine)
                line.removeAll()
            } else {
                line.append(octet)
            }
        }
    }

    private mutating func takeLine<Port: StorePort & ~Copyable>(into engine: inout Engine<Port>) throws(DumpError) {
        guard !isComplete, !line.isOverflowed else { throw .brokenLine(lineNumber) }
        if lineNumber == 1 {
            let head: StaticString = "impsd-dump schema="
            guard line.span.starts(with: head),
                let schema = Decimal.parse(line.span(head.utf8CodeUnitCount..<line.count))
            else { throw .notADump }
            guard schema <= Engine<Port>.schema else { throw .laterSchema(schema) }
            self.schema = schema
            return
        }
        let end: StaticString = "end records="
        if line.span.starts(with: end) {
            isComplete = Decimal.parse(line.span(end.utf8CodeUnitCount..<line.count)) == recordCount
            guard isComplete else { throw .brokenLine(lineNumber) }
            return
        }
        recordCount += 1
        guard engine.records.restore(line: line.span) else { throw .brokenLine(lineNumber) }
    }

    /// Sets right what a dump of a working store may have half.
    ///
    /// - Returns: the number of records that were left out.
    public func finish<Port: StorePort & ~Copyable>(_ engine: inout Engine<Port>) throws(DumpError) -> UInt64 {
        guard isComplete else { throw lineNumber == 0 ? .notADump : .cutOff }
        // Older ones get their journal when the store gets this version's schema.
        if schema >= 3 { engine.records.repairProof() }
        return engine.records.repair()
    }
}

extension Records where Port: ~Copyable {
    /// Takes one line of a dump into the store.
    ///
    /// - Returns: false when it is no line of a dump.
    fileprivate mutating func restore(line: Span<UInt8>) -> Bool {
        guard let space = line.firstIndex(of: 0x20) else { return false }
        var key = Key()
        scratch.removeAll()
        guard Records.unescape(line.extracting(0..<space), { key.append($0) }), !key.isEmpty,
            key.span[0] >= RecordKind.fact,
            key.count <= Key.byteCountMax,
            Records.unescape(
                line.extracting(space + 1..<line.count),
                { octet in
                    scratch.append(octet)
                    return !scratch.isOverflowed
                })
        else { return false }
        store.put(key.span, scratch)
        return true
    }

    private static func unescape(_ text: Span<UInt8>, _ take: (UInt8) -> Bool) -> Bool {
        var index = 0
        while index < text.count {
            if text[index] == 0x5C {
                guard index + 3 < text.count, text[index + 1] == 0x78, let high = Hexadecimal.value(text[index + 2]),
                    let low = Hexadecimal.value(text[index + 3]), take(high << 4 | low)
                else { return false }
                index += 4
            } else {
                guard take(text[index]) else { return false }
                index += 1
            }
        }
        return true
    }

    /// Sets right what a dump of a working store may have half: entries without message, totals.
    ///
    /// - Returns: the number of records that were taken away.
    mutating func repair() -> UInt64 {
        var removed: UInt64 = 0
        var key = Key.kind(RecordKind.mailbox)
        while let entry = mailboxKey(atOrAfter: key) {
            key = entry.sequence.map { Key.mailboxEntry(entry.user, $0 + 1) } ?? Key.mailboxEntry(entry.user, 0)
            guard let sequence = entry.sequence else { continue }
            let piece = Key.message(sequence, piece: 0)
            let isWhole = store.value(for: piece.span) != nil && account(of: entry.user) != nil
            if !isWhole {
                store.delete(Key.mailboxEntry(entry.user, sequence).span)
                removed += 1
            }
        }
        removed += repairAuthorizations()
        recount()
        return removed
    }

    /// Takes away what waits for a decision and asks nobody: the next subscription asks.
    private mutating func repairAuthorizations() -> UInt64 {
        var removed: UInt64 = 0
        var last = Key()
        while let key = key(in: Key.kind(RecordKind.authorization), after: last) {
            last = key
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            guard let authorization = authorization(of: user, for: reader.integer()), authorization.state == .pending,
                mailboxEntry(user, authorization.entry) == nil
            else { continue }
            store.delete(key.span)
            removed += 1
        }
        return removed
    }

    /// Lets each account be found by its number again.
    mutating func repairNames() {
        var last = Key()
        while let key = key(in: Key.kind(RecordKind.account), after: last) {
            last = key
            let address = key.span.extracting(1..<key.count)
            guard let account = account(address), self.address(of: account.number) == nil else { continue }
            name(account.number, address)
        }
    }

    /// Ends the journals where their events end, and carries over the states that are of later ones.
    mutating func repairProof() {
        var next: UInt32 = 0
        while let campaign = journal(from: next) {
            var head = proofHead(of: campaign)
            // Only what follows the end that was noted can have come later.
            if head.count == 0 || proofEvent(head.count, of: campaign)?.hash.span.equals(head.hash.span) ?? false {
                while let event = proofEvent(head.count + 1, of: campaign) {
                    head.count += 1
                    head.hash = event.hash
                }
                keep(head, of: campaign)
                carryLater(than: head.count, of: campaign)
            }
            guard campaign < .max else { return }
            next = campaign + 1
        }
    }

    /// The campaign with the lowest number from `number` on that has a journal.
    private func journal(from number: UInt32) -> UInt32? {
        let key = Key.proofHead(number)
        guard let entry = store.entry(atOrAfter: key.span), entry.key.count >= 5, entry.key[0] == key.span[0] else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<5))
        return reader.integer()
    }

    private mutating func carryLater(than last: UInt32, of campaign: UInt32) {
        var key = Key()
        while let (user, proof, generation) = proof(after: key, of: campaign) {
            key = Key.proof(campaign, user, generation)
            if proof.last > last { carry(proof, campaign, user, generation) }
        }
    }

    /// Computes the totals of all mailboxes anew.
    mutating func recount() {
        var key = Key.kind(RecordKind.mailbox)
        while let entry = mailboxKey(atOrAfter: key) {
            recount(entry.user)
            key = Key.mailbox(entry.user &+ 1)
            if entry.user == .max { return }
        }
    }

    private func mailboxKey(atOrAfter key: Key) -> (user: UInt32, sequence: UInt64?)? {
        guard let entry = store.entry(atOrAfter: key.span), entry.key[0] == RecordKind.mailbox else { return nil }
        var reader = RecordReader(entry.key.extracting(1..<entry.key.count))
        let user: UInt32 = reader.integer()
        return (user, entry.key.count == 13 ? reader.integer() : nil)
    }
}
