import CSP
import Octets
import Wire

/// A System Message on its way to the sessions of a user: an entry of the mailbox, so that it is sent again until a
/// client answers, across sessions and restarts. Source: protocol/system-message.md §5.1, §5.4.
struct ServiceMessage {
    /// The user in whose mailbox it lies.
    var owner: UInt32
    /// The number of a campaign or notice, and which instance of it.
    var campaign: UInt32
    var generation: UInt16

    init(owner: UInt32, campaign: UInt32, generation: UInt16) {
        self.owner = owner
        self.campaign = campaign
        self.generation = generation
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        guard reader.integer(UInt8.self) == ItemKind.service.rawValue else { return nil }
        owner = reader.integer()
        campaign = reader.integer()
        generation = reader.integer()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(ItemKind.service.rawValue)
        record.append(bigEndian: owner)
        record.append(bigEndian: campaign)
        record.append(bigEndian: generation)
    }
}

extension SystemMessages where Port: ~Copyable {
    /// Has a message wait for the next poll of a user; one that waits already is not put there twice.
    @inline(never)
    func enqueueService(
        _ campaign: Campaign, for user: UInt32, _ sessions: inout Sessions<Port>,
        _ mailboxes: borrowing Mailboxes<Port>, _ records: inout Records<Port>
    ) {
        guard !records.isWaiting(campaign, for: user) else { return }
        let sequence = records.takeSequence()
        let message = ServiceMessage(owner: user, campaign: campaign.number, generation: campaign.generation)
        records.store(message, sequence)
        mailboxes.enqueue(MailboxEntry(kind: .service, byteCount: 0), sequence, for: user, &sessions, &records)
    }

    /// What an entry stands for; nil when it is over: answered, renewed, ended.
    func openCampaign(_ message: ServiceMessage, _ records: borrowing Records<Port>, _ wall: WallTime) -> Campaign? {
        guard let place = place(of: message.campaign), campaigns[place].isDue(wall) else { return nil }
        let campaign = campaign(at: place, for: message.owner, records)
        guard campaign.generation == message.generation,
            records.sheet(of: message.owner).entry(campaign)?.state == .asked
        else {
            return nil
        }
        return campaign
    }

    /// Writes SystemMessage-Request for an entry; false when there is nothing to ask any more.
    func sendService(
        _ sequence: UInt64, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>,
        _ turn: borrowing Turn, into writer: inout Writer
    ) -> Bool {
        guard let message = records.serviceMessage(sequence), let campaign = openCampaign(message, records, turn.wall)
        else {
            return false
        }
        writer.open(.systemMessageRequest)
        writer.open(.systemMessageList)
        records.writeSystemMessage(campaign, for: message.owner, isRequired: campaign.isRequired, into: &writer)
        writer.close(.systemMessageList)
        writer.close(.systemMessageRequest)
        records.noteSent(campaign, message.owner, sessions.proofClient(of: slot, records), turn)
        return true
    }

    /// Makes an ordinary message out of an entry, for a session that does not know System Messages; false when there is
    /// nothing to ask any more.
    @inline(never)
    func turnIntoMessage(
        _ sequence: UInt64, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: borrowing Turn
    ) -> Bool {
        guard let message = records.serviceMessage(sequence), let campaign = openCampaign(message, records, turn.wall)
        else {
            return false
        }
        let header = storeQuestion(campaign, sequence, for: message.owner, &mailboxes, &records, turn.wall)
        records.changeEntry(
            sequence, of: message.owner, to: MailboxEntry(kind: .message, byteCount: header.contentByteCount))
        records.noteSent(campaign, message.owner, sessions.proofClient(of: slot, records), turn)
        return true
    }

    /// Has a message wait for the next poll of a user as an ordinary one, whatever his quota says.
    func enqueueQuestion(
        _ campaign: Campaign, for user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) {
        let sequence = records.takeSequence()
        let header = storeQuestion(campaign, sequence, for: user, &mailboxes, &records, wall)
        mailboxes.enqueue(
            MailboxEntry(kind: .message, byteCount: header.contentByteCount), sequence, for: user, &sessions, &records)
    }

    @inline(never)
    private func storeQuestion(
        _ campaign: Campaign, _ sequence: UInt64, for user: UInt32, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ wall: WallTime
    ) -> MessageHeader {
        let text = records.question(campaign)
        var header = records.headerFromSystem(text.count, to: user, wall)
        header.campaign = campaign.number
        header.generation = campaign.generation
        mailboxes.storeMessage(header, sequence, MessageContent(text.span), &records)
        return header
    }

    /// A client has answered the transaction: the message was received and shown. Source: SM-69.
    func serviceShown(
        _ sequence: UInt64, in slot: UInt16, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        if let message = records.serviceMessage(sequence) {
            noteShown(message, sessions.proofClient(of: slot, records), &records, turn)
        }
        mailboxes.removeEntry(sequence, of: sessions[slot].user, &records)
    }

    /// Takes an answered message out of the mailbox, whether or not a client closed the transaction.
    func closeService(
        _ campaign: Campaign, _ user: UInt32, _ sessions: inout Sessions<Port>, _ mailboxes: inout Mailboxes<Port>,
        _ records: inout Records<Port>
    ) {
        var sequence: UInt64 = 0
        while let next = records.entryNumber(after: sequence, of: user) {
            sequence = next
            guard let message = records.serviceMessage(next) ?? records.questionByMessage(next, of: user),
                message.campaign == campaign.number
            else { continue }
            mailboxes.removeEntry(next, of: user, &records)
            var slot = sessions.first(of: user)
            while let current = slot {
                sessions.forget(next, in: current)
                slot = sessions.next(after: current)
            }
        }
    }

    /// Whether an ordinary message asks what is over: answered, renewed, ended.
    func isOverAsked(_ sequence: UInt64, of user: UInt32, _ records: borrowing Records<Port>, _ wall: WallTime) -> Bool
    {
        guard let message = records.questionByMessage(sequence, of: user) else { return false }
        return openCampaign(message, records, wall) == nil
    }

    /// The same for a question that came as an ordinary message.
    func questionShown(
        _ sequence: UInt64, in slot: UInt16, _ sessions: borrowing Sessions<Port>, _ records: inout Records<Port>,
        _ turn: borrowing Turn
    ) {
        guard let message = records.questionByMessage(sequence, of: sessions[slot].user) else { return }
        noteShown(message, sessions.proofClient(of: slot, records), &records, turn)
    }

    private func noteShown(
        _ message: ServiceMessage, _ client: ProofClient, _ records: inout Records<Port>, _ turn: borrowing Turn
    ) {
        guard let campaign = openCampaign(message, records, turn.wall) else { return }
        records.noteShown(campaign, message.owner, client, turn)
        // What asks nothing is done with when it was shown.
        guard campaign.optionCount == 0 else { return }
        guard var entry = records.sheet(of: message.owner).entry(campaign) else { return }
        entry.state = .answered
        set(entry, of: message.owner, &records)
    }
}

extension Records where Port: ~Copyable {
    func serviceMessage(_ sequence: UInt64) -> ServiceMessage? {
        let key = Key.message(sequence, piece: 0)
        guard let record = store.value(for: key.span) else { return nil }
        return ServiceMessage(record)
    }

    /// Whether a message lies in the mailbox of a user, as itself or as an ordinary message.
    func isWaiting(_ campaign: Campaign, for user: UInt32) -> Bool {
        var sequence: UInt64 = 0
        while let next = entryNumber(after: sequence, of: user) {
            sequence = next
            guard let message = serviceMessage(next) ?? questionByMessage(next, of: user) else { continue }
            if message.campaign == campaign.number, message.generation == campaign.generation { return true }
        }
        return false
    }

    /// What an ordinary message from the system address asks, if it does.
    func questionByMessage(_ sequence: UInt64, of user: UInt32) -> ServiceMessage? {
        // Nobody's account is the system address.
        guard let entry = mailboxEntry(user, sequence), entry.sender == 0, entry.confirmationCount == 0,
            let header = messageHeader(sequence), header.campaign != 0,
            header.sender.span.equals(settings.systemAddress.span)
        else { return nil }
        return ServiceMessage(owner: user, campaign: header.campaign, generation: header.generation)
    }
}
