import CSP
import Octets

/// Changes the records of an older schema to those of this one, in the transaction that notes the new number: so a power
/// cut repeats it, or it is done.
extension Records where Port: ~Copyable {
    mutating func migrate(from schema: UInt64) {
        guard schema > 0, schema < 3 else { return }
        // Logins that were under way begin again.
        deleteAll(Key.kind(RecordKind.challenge))
        deleteAll(Key.kind(RecordKind.pendingLogin))
        rewriteAll(Key.kind(RecordKind.answerSheet), sheetOfSchema2)
        rewriteAll(Key.kind(RecordKind.mailbox), entryOfSchema2)
        rewriteAll(Key.kind(RecordKind.session), sessionOfSchema2)
        // How an answer is found again is another way, so a repeat of what was asked before is not recognised.
        deleteAll(Key.kind(RecordKind.answer))
        nameSenders()
        recount()
        carryProofs()
    }

    /// Entries of mailboxes tell who sent what they are about, which their messages know by address.
    private mutating func nameSenders() {
        var start = Key.kind(RecordKind.mailbox)
        while let key = firstKey(atOrAfter: start), key.span[0] == start.span[0] {
            start = key
            _ = start.append(0)
            guard key.count == 13 else { continue }
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let user: UInt32 = reader.integer()
            let sequence: UInt64 = reader.integer()
            guard var entry = mailboxEntry(user, sequence), entry.kind == .message,
                let header = messageHeader(sequence), !header.sender.span.equals(settings.systemAddress.span)
            else { continue }
            let sender = Address(header.sender.span, homeDomain: settings.domain.span)
            entry.sender = sender.flatMap { account($0.canonical)?.number } ?? .max
            storeEntry(entry, sequence, of: user)
        }
    }

    /// The proof was one record for each user and generation, whose first refusal was never taken back; its journal begins
    /// with what is known.
    private mutating func carryProofs() {
        var start = Key.kind(RecordKind.proof)
        while let key = firstKey(atOrAfter: start), key.span[0] == start.span[0] {
            var reader = RecordReader(key.span.extracting(1..<key.count))
            let campaign: UInt32 = reader.integer()
            let user: UInt32 = reader.integer()
            let generation: UInt16 = reader.integer()
            let former = proofOfSchema2(at: key)
            if var proof = former {
                if proof.has(Proof.wasAnswered), let admits = admits(proof.option, campaign, generation) {
                    proof.state = admits ? .answered : .denied
                    if admits { proof.events |= Proof.wasAdmitted }
                }
                carry(proof, campaign, user, generation)
            }
            start = key
            _ = start.append(0)
        }
    }

    private func proofOfSchema2(at key: Key) -> Proof? {
        guard let value = store.value(for: key.span) else { return nil }
        return Proof(schema2: value)
    }

    /// Whether an option of a message let its user in; nil when it is not known any more.
    private func admits(_ option: UInt16, _ number: UInt32, _ generation: UInt16) -> Bool? {
        guard var campaign = firstCampaign(from: number), campaign.number == number else { return nil }
        chooseEdition(of: &campaign, generation)
        return self.option(id: option, of: campaign)?.grant.isAdmitted
    }

    private mutating func deleteAll(_ kind: Key) {
        while let key = firstKey(atOrAfter: kind), key.span[0] == kind.span[0] { store.delete(key.span) }
    }

    @inline(never)
    private mutating func rewriteAll(
        _ kind: Key, _ rewrite: (Span<UInt8>, Span<UInt8>, inout FixedBytes) -> Void
    ) {
        var start = kind
        while let key = firstKey(atOrAfter: start), key.span[0] == kind.span[0] {
            scratch.removeAll()
            if let value = store.value(for: key.span) { rewrite(key.span, value, &scratch) }
            store.put(key.span, scratch)
            start = key
            _ = start.append(0)
        }
    }

    func firstKey(atOrAfter key: Key) -> Key? {
        guard let entry = store.entry(atOrAfter: key.span) else { return nil }
        return Key(entry.key)
    }
}

// MARK: - Records of schema 2

extension Proof {
    fileprivate init?(schema2 record: Span<UInt8>) {
        self.init()
        var reader = RecordReader(record)
        sent = reader.integer()
        shown = reader.integer()
        answered = reader.integer()
        events = reader.integer()
        option = reader.integer()
        tries = reader.integer()
        user = reader.counted()
        let denied: UInt8 = 16
        if has(denied) {
            state = .denied
        } else if has(Proof.wasAnswered) {
            state = .answered
        } else if has(Proof.wasShown) {
            state = .shown
        } else if has(Proof.wasSent) {
            state = .sent
        }
        events &= ~denied
        if reader.isBroken { return nil }
    }
}

/// Each entry of an answer sheet tells how often it was asked anew, not yet, and which login it was given to.
private func sheetOfSchema2(_ key: Span<UInt8>, _ value: Span<UInt8>, _ record: inout FixedBytes) {
    let former = 31
    guard value.count > 0 else { return }
    record.append(value[0])
    for start in stride(from: 1, through: value.count - former, by: former) {
        record.append(value.extracting(start..<start + 6))
        record.append(bigEndian: UInt16(0))
        record.append(value.extracting(start + 6..<start + 19))
        record.append(bigEndian: UInt32(0))
        record.append(value.extracting(start + 19..<start + former))
    }
}

/// An entry of a mailbox tells who sent it, here nobody that is known, and how often it went out in vain.
private func entryOfSchema2(_ key: Span<UInt8>, _ value: Span<UInt8>, _ record: inout FixedBytes) {
    guard key.count == 13, value.count >= 5 else {
        record.append(value)
        return
    }
    record.append(value.extracting(0..<5))
    record.append(bigEndian: UInt32(0))
    record.append(0)
    record.append(value.extracting(5..<value.count))
}

/// A session has more quirks, the network of its client, and the client's User-Agent, which is not known.
private func sessionOfSchema2(_ key: Span<UInt8>, _ value: Span<UInt8>, _ record: inout FixedBytes) {
    let quirks = Session.fixedByteCount - 6
    guard value.count > quirks else { return }
    record.append(value.extracting(0..<quirks))
    record.append(0)
    record.append(value[quirks])
    let rest = value.extracting(quirks + 1..<value.count)
    let client = ClientRecord(rest)
    record.append(bigEndian: Client(address: client.address).networkHash)
    record.append(rest)
    record.append(0)
}
