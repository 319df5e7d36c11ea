import CSP
import Octets
import Wire

/// Repeated requests get the answer that the first one got, and nothing is done twice.
///
/// Only answers to requests that changed something are kept: a request that changed nothing gives its answer again by
/// itself. They are in the store with the change, so a client may repeat a request across a restart too.
///
/// Source: protocol/transport.md §1.3.
extension Sessions where Port: ~Copyable {
    /// Writes the kept answer to this request; false when there is none.
    mutating func replayAnswer(
        _ hash: UInt64, in slot: UInt16, _ records: borrowing Records<Port>, now: Instant, into writer: inout Writer
    ) -> Bool {
        for index in 0..<Int(Limits.answerCount) {
            let kept = table[slot].answers[index]
            guard kept.sequence != 0, kept.hash == UInt32(truncatingIfNeeded: hash),
                now.seconds &- kept.at <= records.settings.answerSeconds
            else { continue }
            let key = Key.answer(fullSequence(kept.sequence, records))
            guard let record = records.store.value(for: key.span) else { continue }
            var reader = RecordReader(record)
            let owner: UInt64 = reader.integer()
            let fullHash: UInt64 = reader.integer()
            let page: UInt8 = reader.integer()
            guard !reader.isBroken, owner == table[slot].number, fullHash == hash else { continue }
            writer.replay(reader.rest, page: page)
            counters.repeatedRequests += 1
            return true
        }
        return false
    }

    /// Keeps an answer of a session; the oldest one makes room.
    ///
    /// An answer that is too large for one value is not kept: only lists of failed recipients grow that far, and there
    /// a repeat is refused by the recipients' mailboxes at worst.
    mutating func keepAnswer(
        _ hash: UInt64, in slot: UInt16, _ records: inout Records<Port>, now: Instant, _ answer: Span<UInt8>,
        page: UInt8
    ) {
        guard answer.count + 17 <= Int(Limits.valueByteCountMax) else { return }
        let place = Int(table[slot].nextAnswer)
        let displaced = table[slot].answers[place].sequence
        if displaced != 0 { records.store.delete(Key.answer(fullSequence(displaced, records)).span) }
        let sequence = records.takeSequence()
        records.scratch.removeAll()
        records.scratch.append(bigEndian: table[slot].number)
        records.scratch.append(bigEndian: hash)
        records.scratch.append(page)
        records.scratch.append(answer)
        records.store.put(Key.answer(sequence).span, records.scratch)
        note(
            KeptAnswer(
                hash: UInt32(truncatingIfNeeded: hash), sequence: UInt32(truncatingIfNeeded: sequence), at: now.seconds),
            in: slot)
    }

    /// Takes the answers of a session out of the store.
    mutating func forgetAnswers(of slot: UInt16, _ records: inout Records<Port>) {
        for index in 0..<Int(Limits.answerCount) {
            let kept = table[slot].answers[index]
            if kept.sequence != 0 { records.store.delete(Key.answer(fullSequence(kept.sequence, records)).span) }
        }
    }

    /// Finds the kept answers of all sessions in the store.
    mutating func reloadAnswers(_ records: borrowing Records<Port>, _ now: Instant) {
        var sequence: UInt64 = 0
        while let answer = storedAnswer(after: sequence, records) {
            sequence = answer.sequence
            guard let slot = slot(ofSession: answer.session) else { continue }
            note(
                KeptAnswer(
                    hash: UInt32(truncatingIfNeeded: answer.hash), sequence: UInt32(truncatingIfNeeded: sequence),
                    at: now.seconds), in: slot)
        }
    }

    private func storedAnswer(after sequence: UInt64, _ records: borrowing Records<Port>) -> (
        sequence: UInt64, session: UInt64, hash: UInt64
    )? {
        let key = Key.answer(sequence + 1)
        guard let entry = records.store.entry(atOrAfter: key.span), entry.key.count == 9,
            entry.key[0] == RecordKind.answer
        else {
            return nil
        }
        var keyReader = RecordReader(entry.key.extracting(1..<9))
        var reader = RecordReader(entry.value)
        return (keyReader.integer(), reader.integer(), reader.integer())
    }

    private mutating func note(_ answer: KeptAnswer, in slot: UInt16) {
        let place = Int(table[slot].nextAnswer)
        table[slot].answers[place] = answer
        table[slot].nextAnswer = UInt8((place + 1) % Int(Limits.answerCount))
    }

    private func slot(ofSession number: UInt64) -> UInt16? {
        for slot in 0..<table.end {
            if table[slot].isOpen, table[slot].number == number { return slot }
        }
        return nil
    }

    /// The whole sequence number of which the low half is kept: the highest one that was given out already.
    private func fullSequence(_ low: UInt32, _ records: borrowing Records<Port>) -> UInt64 {
        let next = records.sequences.next
        let candidate = next & ~UInt64(UInt32.max) | UInt64(low)
        return candidate < next ? candidate : candidate - 1 << 32
    }
}

extension Engine where Port: ~Copyable {
    /// The key of a request: its TransactionID together with everything that it says.
    func answerHash(transactionID: Span<UInt8>, body: Span<UInt8>) -> UInt64 {
        var hash = Hash64(transactionID)
        hash.combine(body)
        return hash.value
    }
}
