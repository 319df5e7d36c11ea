import CSP
import Octets
import Wire

/// What the store keeps of an answer in front of its text.
struct AnswerRecord: BitwiseCopyable {
    @_transparent static var byteCount: Int { 19 }

    /// The number of the session, and its slot.
    var session: UInt64
    var slot: UInt16
    /// The hash over TransactionID and body of the request.
    var hash: UInt64
    /// The code page of WBXML that it begins in.
    var page: UInt8

    init(session: UInt64, slot: UInt16, hash: UInt64, page: UInt8) {
        self.session = session
        self.slot = slot
        self.hash = hash
        self.page = page
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        session = reader.integer()
        slot = reader.integer()
        hash = reader.integer()
        page = reader.integer()
        if reader.isBroken { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: session)
        record.append(bigEndian: slot)
        record.append(bigEndian: hash)
        record.append(page)
    }
}

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
        var place = table[slot].answers.last
        for _ in 0..<table[slot].answers.count {
            let kept = answers.answer(after: place)
            place = kept.place
            guard kept.answer.hash == UInt32(truncatingIfNeeded: hash),
                now.seconds &- kept.answer.at <= records.settings.answerSeconds
            else { continue }
            let key = Key.answer(fullSequence(kept.answer.sequence, records))
            guard let record = records.store.value(for: key.span), let answer = AnswerRecord(record),
                answer.session == table[slot].number, answer.hash == hash
            else { continue }
            writer.replay(record.extracting(AnswerRecord.byteCount..<record.count), page: answer.page)
            counters.repeatedRequests += 1
            return true
        }
        return false
    }

    /// Keeps an answer of a session; the oldest one makes room.
    ///
    /// An answer that is too large for one value is not kept: only lists of failed recipients grow that far, and there
    /// a repeat is refused by the recipients' mailboxes at worst.
    @inline(never)
    mutating func keepAnswer(
        _ hash: UInt64, in slot: UInt16, _ records: inout Records<Port>, now: Instant, _ answer: Span<UInt8>,
        page: UInt8
    ) {
        guard answer.count + AnswerRecord.byteCount <= Int(Limits.valueByteCountMax) else { return }
        let sequence = records.takeSequence()
        let kept = KeptAnswer(hash: hash, sequence: sequence, at: now.seconds)
        let displaced = answers.keep(kept, in: &table[slot].answers)
        if displaced != 0 { records.store.delete(Key.answer(fullSequence(displaced, records)).span) }
        records.scratch.removeAll()
        AnswerRecord(session: table[slot].number, slot: slot, hash: hash, page: page).write(into: &records.scratch)
        records.scratch.append(answer)
        records.store.put(Key.answer(sequence).span, records.scratch)
    }

    /// Takes the answers of a session out of the store.
    mutating func forgetAnswers(of slot: UInt16, _ records: inout Records<Port>) {
        while let sequence = answers.removeFirst(of: &table[slot].answers) {
            records.store.delete(Key.answer(fullSequence(sequence, records)).span)
        }
    }

    /// Finds the kept answers of all sessions in the store; those of others are taken away.
    mutating func reloadAnswers(_ records: inout Records<Port>, _ now: Instant) {
        answers.removeAll()
        var sequence: UInt64 = 0
        while let (next, answer) = storedAnswer(after: sequence, records) {
            sequence = next
            guard let answer, answer.slot < table.end, table[answer.slot].isOpen,
                table[answer.slot].number == answer.session
            else {
                records.store.delete(Key.answer(sequence).span)
                continue
            }
            let displaced = answers.keep(
                KeptAnswer(hash: answer.hash, sequence: sequence, at: now.seconds), in: &table[answer.slot].answers,
                isStored: true)
            if displaced != 0 { records.store.delete(Key.answer(fullSequence(displaced, records)).span) }
        }
    }

    private func storedAnswer(
        after sequence: UInt64, _ records: borrowing Records<Port>
    ) -> (sequence: UInt64, answer: AnswerRecord?)? {
        let key = Key.answer(sequence + 1)
        guard let entry = records.store.entry(atOrAfter: key.span), entry.key.count == 9,
            entry.key[0] == RecordKind.answer
        else {
            return nil
        }
        var reader = RecordReader(entry.key.extracting(1..<9))
        return (reader.integer(), AnswerRecord(entry.value))
    }

    /// The whole sequence number of which the low half is kept: the highest one that was given out already.
    private func fullSequence(_ low: UInt32, _ records: borrowing Records<Port>) -> UInt64 {
        let next = records.sequences.next
        let candidate = next & ~UInt64(UInt32.max) | UInt64(low)
        return candidate < next ? candidate : candidate &- 1 << 32
    }
}
