import Octets

/// What the operator sees of the proof: how far a message is, where each user is with it, all that happened, and whether
/// it still is what was written.
extension Records where Port: ~Copyable {
    /// Where each user is, in all generations, and in deleted campaigns of the name too.
    func listResults(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        while true {
            let number = UInt32(command.position)
            if number > 0 {
                while let (_, proof, generation) = nextProof(of: number, &command) {
                    write(proof, generation, into: &output)
                    guard output.freeCapacity > 1024 else { return .more }
                }
            }
            guard try nextCampaign(name, &command) else { return .done }
        }
    }

    private func write(_ proof: Proof, _ generation: UInt16, into output: inout FixedBytes) {
        output.field("user", proof.user.span)
        output.field("generation", UInt64(generation))
        output.field("sent", proof.sent)
        output.field("shown", proof.shown)
        output.field("answered", proof.answered)
        output.field("state", proof.state.name.octets)
        output.field("option", UInt64(proof.option))
        output.field("verified", proof.has(Proof.wasVerified) ? 1 : 0)
        output.field("tries", UInt64(proof.tries))
        output.field("by_operator", proof.has(Proof.wasByOperator) ? 1 : 0)
        output.field("events", UInt64(proof.count))
        output.field("omitted", UInt64(proof.omitted))
        output.endRecord()
    }

    /// All that happened, in order, with the hash that chains it.
    func listEvents(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        while true {
            let campaign = UInt32(command.position)
            while campaign > 0, let number = eventNumber(after: command.count, of: campaign) {
                guard output.freeCapacity > 2048 else { return .more }
                command.count = UInt64(number)
                guard let event = proofEvent(number, of: campaign) else { continue }
                event.writeLine(number, of: campaign, into: &output)
                output.append(" hash=")
                output.append(hexadecimal: event.hash.span)
                output.endRecord()
            }
            guard try nextCampaign(name, &command) else { return .done }
        }
    }

    // MARK: Verification

    /// Reads all events and states once more, some in each part of the answer, and tells what is not as it was written.
    mutating func verifyProof(
        _ name: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        for _ in 0..<200 {
            guard output.freeCapacity > 1024 else { return .more }
            let campaign = UInt32(command.position)
            if campaign > 0 {
                if let number = eventNumber(after: command.count, of: campaign) {
                    verify(number, of: campaign, &command, into: &output)
                    continue
                }
                if let (user, proof, generation) = nextProof(of: campaign, &command) {
                    command.tally.sent += 1
                    if !isProven(proof, campaign, user, generation) {
                        tell(
                            "the state of a user is not what the journal says", proof.user.span, &command, into: &output
                        )
                    }
                    continue
                }
                endJournal(of: campaign, &command, into: &output)
            }
            guard try !nextCampaign(name, &command) else { continue }
            guard command.findings == 0 else { throw .proofBroken }
            return .done
        }
        return .more
    }

    private mutating func verify(
        _ number: UInt32, of campaign: UInt32, _ command: inout ControlCommand, into output: inout FixedBytes
    ) {
        let digits = Decimal.digits(of: UInt64(number))
        if UInt64(number) != command.count + 1 {
            tell("events before this one are missing", digits.span, &command, into: &output)
        }
        command.count = UInt64(number)
        guard let event = proofEvent(number, of: campaign) else {
            return tell("an event cannot be read", digits.span, &command, into: &output)
        }
        if !hash(of: event, number, of: campaign, after: command.chain).span.equals(event.hash.span) {
            tell("an event was changed, or the one before", digits.span, &command, into: &output)
        }
        command.chain = event.hash
        if event.user != 0 {
            if proof(campaign, event.user, event.generation) == nil {
                tell("the state of the user is missing or broken", digits.span, &command, into: &output)
            }
        } else if event.kind.tellsText, var campaign = firstCampaign(from: campaign) {
            chooseEdition(of: &campaign, event.generation)
            if !digestOfWords(campaign).span.equals(event.words.span) {
                tell("the words of the message were changed since", digits.span, &command, into: &output)
            }
        }
    }

    /// Whether the last event that changed a state left it as it is.
    private func isProven(_ proof: Proof, _ campaign: UInt32, _ user: UInt32, _ generation: UInt16) -> Bool {
        // What was not kept cannot be compared.
        if proof.omitted > 0 { return true }
        if proof.last == 0 { return proof.state == .asked }
        guard let event = proofEvent(proof.last, of: campaign), event.user == user, event.generation == generation,
            event.address.span.equals(proof.user.span), Proof.state(after: event) == proof.state
        else { return false }
        switch event.kind {
        case .sent: return event.at == proof.sent
        case .shown: return event.at == proof.shown
        case .answered, .declined:
            return event.at == proof.answered && event.option == proof.option
                && event.isVerified == proof.has(Proof.wasVerified)
                && event.isByOperator == proof.has(Proof.wasByOperator)
        case .started, .renewed, .ended, .deleted, .wrongKey, .denied, .timedOut, .notUnderstood, .tooLate, .sentAgain,
            .carried:
            return true
        }
    }

    /// Compares the end of a journal, and tells what it comes to.
    private func endJournal(
        of campaign: UInt32, _ command: inout ControlCommand, into output: inout FixedBytes
    ) {
        let head = proofHead(of: campaign)
        if UInt64(head.count) != command.count || !command.chain.span.equals(head.hash.span) {
            let digits = Decimal.digits(of: UInt64(head.count))
            tell("the journal ends otherwise than was noted", digits.span, &command, into: &output)
        }
        output.field("campaign", UInt64(campaign))
        output.field("events", UInt64(head.count))
        output.field("users", command.tally.sent)
        output.append(" head=")
        output.append(hexadecimal: head.hash.span)
        output.endRecord()
    }

    private func tell(
        _ finding: StaticString, _ place: Span<UInt8>, _ command: inout ControlCommand, into output: inout FixedBytes
    ) {
        command.findings += 1
        output.field("at", place)
        output.field("finding", finding.octets)
        output.endRecord()
    }

    // MARK: Going through

    /// The number of the event after one; nil behind the last. What is missing is passed over.
    private func eventNumber(after number: UInt64, of campaign: UInt32) -> UInt32? {
        guard number < UInt64(UInt32.max) else { return nil }
        let first = Key.proofEvent(campaign, UInt32(number) + 1)
        guard let entry = store.entry(atOrAfter: first.span), entry.key.count == first.count,
            entry.key.starts(with: Key.proofHead(campaign).span)
        else { return nil }
        var reader = RecordReader(entry.key.extracting(5..<9))
        return reader.integer()
    }

    /// Goes on to the next campaign of a name, the deleted ones too; false when there is no other.
    private func nextCampaign(_ name: Span<UInt8>, _ command: inout ControlCommand) throws(OperatorError) -> Bool {
        guard let next = firstCampaign(named: name, from: UInt32(command.position) + 1) else {
            guard command.position > 0 else { throw .campaignUnknown }
            return false
        }
        command.position = UInt64(next.number)
        command.lastKey = Key()
        command.count = 0
        command.chain = ProofHead().hash
        command.tally = ProofTally()
        return true
    }

    func firstCampaign(named name: Span<UInt8>, from number: UInt32) -> Campaign? {
        var next = number
        while let campaign = firstCampaign(from: next) {
            if campaign.name.span.equals(name) { return campaign }
            next = campaign.number + 1
        }
        return nil
    }

    /// The proof after the last one that the command told of.
    func nextProof(
        of campaign: UInt32, _ command: inout ControlCommand
    ) -> (user: UInt32, proof: Proof, generation: UInt16)? {
        guard let next = proof(after: command.lastKey, of: campaign) else { return nil }
        command.lastKey = Key.proof(campaign, next.user, next.generation)
        return next
    }

    /// The proof of a campaign behind a key of one; the first behind an empty key.
    func proof(after key: Key, of campaign: UInt32) -> (user: UInt32, proof: Proof, generation: UInt16)? {
        var start = key
        if start.isEmpty { start = Key.proof(campaign, 0, 0) } else { _ = start.append(0) }
        guard let entry = store.entry(atOrAfter: start.span), entry.key.count == 11, entry.key[0] == RecordKind.proof,
            let proof = Proof(entry.value)
        else { return nil }
        var reader = RecordReader(entry.key.extracting(1..<11))
        guard reader.integer(UInt32.self) == campaign else { return nil }
        let user: UInt32 = reader.integer()
        return (user, proof, reader.integer(UInt16.self))
    }
}

extension SystemMessages where Port: ~Copyable {
    /// How far a campaign is with those it is for: counted from the proof, some of it in each part of the answer.
    func showProgress(
        _ name: Span<UInt8>, _ command: inout ControlCommand, _ sessions: borrowing Sessions<Port>,
        _ records: borrowing Records<Port>, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        guard let campaign = campaign(named: name, records) else { throw .campaignUnknown }
        for _ in 0..<1000 {
            guard let (_, proof, generation) = records.nextProof(of: campaign.number, &command) else {
                writeProgress(campaign, command.tally, sessions, into: &output)
                return .done
            }
            guard generation == campaign.generation else { continue }
            command.tally.sent += proof.has(Proof.wasSent) ? 1 : 0
            command.tally.shown += proof.has(Proof.wasShown) ? 1 : 0
            command.tally.answered += proof.has(Proof.wasAnswered) ? 1 : 0
            command.tally.denied += proof.state == .denied ? 1 : 0
        }
        return .more
    }

    private func writeProgress(
        _ campaign: Campaign, _ tally: ProofTally, _ sessions: borrowing Sessions<Port>, into output: inout FixedBytes
    ) {
        var toPoll: UInt64 = 0
        for slot in 0..<sessions.end where sessions[slot].isOpen && sessions[slot].closing == 0 {
            if sessions[slot].access.epoch != campaignEpoch { toPoll += 1 }
        }
        output.field("name", campaign.name.span)
        output.field("generation", UInt64(campaign.generation))
        output.field("sent", tally.sent)
        output.field("shown", tally.shown)
        output.field("answered", tally.answered)
        output.field("denied", tally.denied)
        output.field("sessions", UInt64(sessions.count))
        output.field("sessions_to_poll", toPoll)
        output.endRecord()
    }
}

/// Counts of what became of a message.
struct ProofTally: BitwiseCopyable {
    var sent: UInt64 = 0
    var shown: UInt64 = 0
    var answered: UInt64 = 0
    var denied: UInt64 = 0
}
