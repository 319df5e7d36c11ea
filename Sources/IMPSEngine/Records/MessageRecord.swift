import Octets

/// What lies in a mailbox.
enum ItemKind: UInt8 {
    case message = 1
    case report = 2
    /// A System Message on its way.
    case service = 3
    /// The question whether somebody may see the user's presence.
    case presenceAuth = 4
    /// What a session wants to be notified of.
    case notification = 5
}

/// The header of a stored message; its content follows in the same piece and in the next ones.
struct MessageHeader {
    var wantsReport = false
    /// The content is Base64.
    var isBase64 = false
    /// Seconds since 1970 when it was accepted; 0 while the clock is not trusted.
    var sent: UInt64 = 0
    /// `sent` is the time when the clock became trusted, not the time when the message came.
    var isSentGuessed = false
    /// Seconds that the sender lets it live; 0 for no limit of his own.
    var validity: UInt32 = 0
    var contentByteCount: UInt32 = 0
    /// The sender's address as it is shown.
    var sender = InlineBytes<100>()
    /// The number of the sender's account; 0 for the system address.
    var senderNumber: UInt32 = 0
    var contentType = InlineBytes<100>()
    /// The campaign or notice that a message from the system address asks; 0 for none.
    var campaign: UInt32 = 0
    var generation: UInt16 = 0
    /// Of a message that came by XMPP: what its sender calls it, and when he wrote it; empty and 0 for unknown.
    var remoteID = InlineBytes<64>()
    var written: UInt64 = 0
    var recipientCount = 0
    var recipients = InlineArray<64, UInt32>(repeating: 0)
    /// Octets of the header in the first piece.
    var byteCount = 0

    init() {}

    /// Reads the first piece of a message; nil when it is broken or something else.
    init?(_ piece: Span<UInt8>) {
        var reader = RecordReader(piece)
        guard reader.integer(UInt8.self) == ItemKind.message.rawValue else { return nil }
        let flags: UInt8 = reader.integer()
        wantsReport = flags & 1 != 0
        isBase64 = flags & 2 != 0
        isSentGuessed = flags & 4 != 0
        sent = reader.integer()
        validity = reader.integer()
        contentByteCount = reader.integer()
        sender = reader.counted()
        if flags & 16 != 0 { senderNumber = reader.integer() }
        contentType = reader.counted()
        if flags & 8 != 0 {
            campaign = reader.integer()
            generation = reader.integer()
        }
        if flags & 32 != 0 {
            remoteID = reader.counted()
            written = reader.integer()
        }
        recipientCount = Int(reader.integer(UInt8.self))
        guard recipientCount <= recipients.count else { return nil }
        for index in 0..<recipientCount { recipients[index] = reader.integer() }
        guard !reader.isBroken else { return nil }
        byteCount = piece.count - reader.rest.count
    }

    /// Whether the first piece of a message says that its sender wants a report, without reading the rest.
    static func wantsReport(_ piece: Span<UInt8>) -> Bool {
        piece.count > 1 && piece[0] == ItemKind.message.rawValue && piece[1] & 1 != 0
    }

    func write(into record: inout FixedBytes) {
        record.append(ItemKind.message.rawValue)
        record.append(
            (wantsReport ? 1 : 0) | (isBase64 ? 2 : 0) | (isSentGuessed ? 4 : 0) | (campaign != 0 ? 8 : 0)
                | (senderNumber != 0 ? 16 : 0) | (isRemote ? 32 : 0))
        record.append(bigEndian: sent)
        record.append(bigEndian: validity)
        record.append(bigEndian: contentByteCount)
        record.append(counted: sender.span)
        if senderNumber != 0 { record.append(bigEndian: senderNumber) }
        record.append(counted: contentType.span)
        if campaign != 0 {
            record.append(bigEndian: campaign)
            record.append(bigEndian: generation)
        }
        if isRemote {
            record.append(counted: remoteID.span)
            record.append(bigEndian: written)
        }
        record.append(UInt8(recipientCount))
        for index in 0..<recipientCount { record.append(bigEndian: recipients[index]) }
    }

    private var isRemote: Bool { !remoteID.isEmpty || written > 0 }

    /// When it was written, as far as anybody knows; 0 for an unknown time.
    var shownTime: UInt64 { written > 0 ? written : isSentGuessed ? 0 : sent }

    /// Octets that count for the sender's share of the store: the content and about what there is beside it.
    var share: UInt64 { UInt64(contentByteCount) + 256 }

    /// When the message expires, in seconds since 1970; nil while it is not known when it was sent.
    func expiry(lifetime: UInt64) -> UInt64? {
        guard sent > 0 else { return nil }
        return sent + (validity > 0 ? min(UInt64(validity), lifetime) : lifetime)
    }
}

/// What a sender is told about one recipient of a message. Source: protocol/primitives.md §6.2, rule 7.
struct DeliveryReportRecord {
    /// The user in whose mailbox it lies.
    var owner: UInt32 = 0
    var code: UInt16 = 0
    /// Seconds since 1970; 0 for an unknown time.
    var time: UInt64 = 0
    /// The message, by its sequence number.
    var message: UInt64 = 0
    var sent: UInt64 = 0
    var isBase64 = false
    var contentByteCount: UInt32 = 0
    var recipient = InlineBytes<100>()
    var contentType = InlineBytes<100>()

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        guard reader.integer(UInt8.self) == ItemKind.report.rawValue else { return nil }
        owner = reader.integer()
        code = reader.integer()
        time = reader.integer()
        message = reader.integer()
        sent = reader.integer()
        isBase64 = reader.integer(UInt8.self) != 0
        contentByteCount = reader.integer()
        recipient = reader.counted()
        contentType = reader.counted()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(ItemKind.report.rawValue)
        record.append(bigEndian: owner)
        record.append(bigEndian: code)
        record.append(bigEndian: time)
        record.append(bigEndian: message)
        record.append(bigEndian: sent)
        record.append(isBase64 ? 1 : 0)
        record.append(bigEndian: contentByteCount)
        record.append(counted: recipient.span)
        record.append(counted: contentType.span)
    }
}

/// What waits for a user in all; confirmed entries that other sessions of the user still wait for do not count.
struct MailboxTotals {
    var count: UInt32 = 0
    var byteCount: UInt64 = 0
    /// Entries that one session confirmed and another still waits for.
    var lingering: UInt32 = 0
    /// Of those that wait, the messages of people: what a login tells of.
    var messages: UInt32 = 0

    init() {}

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        count = reader.integer()
        byteCount = reader.integer()
        lingering = reader.integer()
        messages = reader.integer()
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(bigEndian: count)
        record.append(bigEndian: byteCount)
        record.append(bigEndian: lingering)
        record.append(bigEndian: messages)
    }

    /// Counts an entry that comes.
    mutating func add(_ entry: MailboxEntry) {
        if entry.confirmationCount > 0 {
            lingering += 1
        } else if entry.counts {
            count += 1
            byteCount += UInt64(entry.byteCount)
            if entry.isOfPerson { messages += 1 }
        }
    }

    /// Counts an entry that goes.
    mutating func remove(_ entry: MailboxEntry) {
        if entry.confirmationCount > 0 {
            lingering -= min(lingering, 1)
        } else if entry.counts {
            count -= min(count, 1)
            byteCount -= min(byteCount, UInt64(entry.byteCount))
            if entry.isOfPerson { messages -= min(messages, 1) }
        }
    }
}

/// An entry of a mailbox.
struct MailboxEntry {
    /// Sessions that may have confirmed an entry while others still wait.
    static var confirmationCountMax: Int { 16 }

    var kind = ItemKind.message
    /// It can be listed and fetched, and is not sent by itself.
    var isQuiet = false
    /// The server of its recipient has it; he may say so himself yet.
    var isHandedOver = false
    var byteCount: UInt32 = 0
    /// The number of the sender's account, the highest there is for one that is not known any more; 0 for what the server
    /// says.
    var sender: UInt32 = 0
    /// How often it went out in vain to clients that may have no way to confirm it.
    var deliveries: UInt8 = 0
    var confirmationCount = 0
    /// The numbers of the sessions that confirmed it.
    var confirmations = InlineArray<16, UInt64>(repeating: 0)

    init(kind: ItemKind, byteCount: UInt32, sender: UInt32 = 0) {
        self.kind = kind
        self.byteCount = byteCount
        self.sender = sender
    }

    init?(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        let first: UInt8 = reader.integer()
        guard let kind = ItemKind(rawValue: first & 0x3F) else { return nil }
        self.kind = kind
        isQuiet = first & 0x80 != 0
        isHandedOver = first & 0x40 != 0
        byteCount = reader.integer()
        sender = reader.integer()
        deliveries = reader.integer()
        while !reader.isAtEnd, confirmationCount < MailboxEntry.confirmationCountMax {
            confirmations[confirmationCount] = reader.integer()
            confirmationCount += 1
        }
        guard !reader.isBroken else { return nil }
    }

    func write(into record: inout FixedBytes) {
        record.append(kind.rawValue | (isQuiet ? 0x80 : 0) | (isHandedOver ? 0x40 : 0))
        record.append(bigEndian: byteCount)
        record.append(bigEndian: sender)
        record.append(deliveries)
        for index in 0..<confirmationCount { record.append(bigEndian: confirmations[index]) }
    }

    /// Whether it takes room of the mailbox; what the server says by itself does not.
    var counts: Bool { (kind == .message || kind == .report) && !isQuiet && !isHandedOver }

    /// A message of a person, and not from the system address.
    var isOfPerson: Bool { kind == .message && sender != 0 }

    func isConfirmed(by session: UInt64) -> Bool {
        for index in 0..<confirmationCount where confirmations[index] == session { return true }
        return false
    }
}
