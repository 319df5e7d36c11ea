import CSP
import Octets
import Wire

/// A command of the operator on its way: the line that was sent, and how far its answer is.
public struct ControlCommand: ~Copyable {
    /// The longest command in octets: a System Message with everything, each octet of its texts as four characters.
    public static var lineByteCountMax: Int { 49_152 }

    /// The words of the command, separated by spaces; within a word what is no printable ASCII is `\xNN`.
    public var line: FixedBytes

    /// The last key that the answer told of; the next part begins after it.
    var lastKey = Key()
    var position: UInt64 = 0
    var count: UInt64 = 0
    var tally = ProofTally()
    /// The hash of the last event that was verified.
    var chain = InlineBytes<32>()
    /// What was found wrong, or refused.
    var findings: UInt64 = 0

    /// A command over lent memory of `lineByteCountMax` octets.
    public init(line: consuming FixedBytes) {
        self.line = line
    }

    /// Prepares for another command.
    public mutating func reset() {
        // A line may hold a password.
        line.wipe()
        lastKey = Key()
        position = 0
        count = 0
        tally = ProofTally()
        findings = 0
    }
}

/// How far the answer to a command is.
public enum ControlProgress: Sendable {
    /// The answer is complete.
    case done
    /// The output is full: send it and ask again.
    case more
}

/// The words of a command, unescaped one after the other.
struct Words: ~Escapable {
    private var rest: Span<UInt8>
    private var isTooLong = false

    @_lifetime(copy line)
    init(_ line: Span<UInt8>) {
        rest = line
    }

    /// Octets that no word was taken from yet.
    var leftCount: Int { rest.count }

    /// Every word was given out; false when one was too long.
    var isAtEnd: Bool { !isTooLong && rest.trimmed().count == 0 }

    /// The next word; empty at the end, and when it is too long.
    mutating func next() -> InlineBytes<520> {
        while rest.count > 0, rest[0] == 0x20 { rest = rest.extracting(1..<rest.count) }
        let end = rest.firstIndex(of: 0x20) ?? rest.count
        let word = rest.extracting(0..<end)
        rest = rest.extracting(end..<rest.count)
        var text = InlineBytes<520>()
        var index = 0
        while index < word.count {
            if word[index] == 0x5C, index + 3 < word.count, word[index + 1] == 0x78,
                let high = Hexadecimal.value(word[index + 2]), let low = Hexadecimal.value(word[index + 3])
            {
                guard text.append(high << 4 | low) else {
                    isTooLong = true
                    return InlineBytes()
                }
                index += 4
            } else {
                guard text.append(word[index]) else {
                    isTooLong = true
                    return InlineBytes()
                }
                index += 1
            }
        }
        return text
    }
}

/// Commands of the operator's tool, the same through the control socket and on the store alone.
///
/// An answer is lines of `key=value` and then one line, `ok` or `error code words`. Long answers come in parts, so that
/// a listing of 100,000 users needs no more memory than one of ten and never holds a turn up.
extension Engine where Port: ~Copyable {
    /// Does a command, or goes on with its answer.
    ///
    /// - Parameter output: Takes the next part of the answer; it is empty before, with room for 4 KB at least.
    public mutating func control(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) -> ControlProgress {
        defer { tellPeople(&turn) }
        do throws(OperatorError) {
            guard
                try execute(&command, &turn, into: &output)
                    == .done
            else { return .more }
            output.append("ok\n")
        } catch {
            output.append("error ")
            output.append(error.code)
            output.append(0x20)
            output.append(error.explanation)
            output.append(0x0A)
        }
        return .done
    }

    private mutating func execute(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        var words = Words(command.line.span)
        let verb = words.next()
        if verb.span.equals("user") { return try executeUser(&command, &turn, into: &output) }
        if verb.span.equals("status") {
            writeStatus(&turn, into: &output)
            return .done
        }
        if verb.span.equals("sessions") {
            return listSessions(&command, turn.now, into: &output)
        }
        if verb.span.equals("disconnect") {
            try disconnectUser(words.next().span, &turn)
            return .done
        }
        if verb.span.equals("log-level") {
            try setLogLevel(words.next().span, &turn, into: &output)
            return .done
        }
        if verb.span.equals("log") { return listRecords(&command, turn, into: &output) }
        if verb.span.equals("check") { return listSetAside(&command, into: &output) }
        if verb.span.equals("dump") { return records.dump(&command, into: &output) }
        if verb.span.equals("sysmsg") { return try executeSystemMessage(&command, &turn, into: &output) }
        if verb.span.equals("import") { return importRows(&command, &turn, into: &output) }
        if verb.span.equals("contacts") { return try executeContacts(&command, &turn, into: &output) }
        if verb.span.equals("presence") {
            try showPresence(words.next().span, into: &output)
            return .done
        }
        if verb.span.equals("notifications") { return listNotifications(&command, turn.wall, into: &output) }
        if verb.span.equals("accounting") { return listAccounting(&command, into: &output) }
        if verb.span.equals("watchers") { return try listWatchers(words.next().span, &command, into: &output) }
        if verb.span.equals("ping") {
            guard records.answers() else { throw .storeUnreadable }
            return .done
        }
        throw .usage(
            "user, contacts, import, presence, watchers, notifications, accounting, sysmsg, status, sessions, disconnect, log-level, log, clock, ping, check, dump, checkpoint, factory-reset"
        )
    }

    private mutating func executeUser(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        var words = Words(command.line.span)
        _ = words.next()
        let action = words.next()
        if action.span.equals("list") { return listUsers(&command, into: &output) }
        if action.span.equals("set") {
            try setProfile(&words)
            return .done
        }
        let name = words.next()
        if action.span.equals("show") {
            try showUser(name.span, into: &output)
        } else if action.span.equals("del") {
            let number = try operatorAccount(name.span).number
            try accounts.deleteUser(name.span, &sessions, &mailboxes, systemMessages, &records, &turn)
            tellPeople(&turn)
            people.removeUser(number, sessions, &records)
        } else if action.span.equals("forget") {
            try forgetClients(name.span, &turn)
        } else {
            let kind = try kind(words.next().span)
            let password = words.next()
            if action.span.equals("add") {
                let number = words.next()
                if !number.isEmpty { try check(.number, number.span) }
                try accounts.addUser(name.span, kind: kind ?? .digest, password: password.span, &records, &turn)
                if !number.isEmpty {
                    records.setProfile(try operatorAccount(name.span).number, .number, number.span)
                }
            } else if action.span.equals("passwd") {
                try accounts.setPassword(name.span, kind: kind, password: password.span, &records, &turn)
            } else {
                throw .usage("user add|del|forget|list|passwd|set|show")
            }
        }
        return .done
    }

    private mutating func executeSystemMessage(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) -> ControlProgress {
        var words = Words(command.line.span)
        _ = words.next()
        let action = words.next()
        let name = words.next()
        if action.span.equals("list") { return records.listCampaigns(&command, into: &output) }
        if action.span.equals("progress") {
            return try systemMessages.showProgress(name.span, &command, sessions, records, into: &output)
        }
        if action.span.equals("results") { return try records.listResults(name.span, &command, into: &output) }
        if action.span.equals("journal") { return try records.listEvents(name.span, &command, into: &output) }
        if action.span.equals("verify") { return try records.verifyProof(name.span, &command, into: &output) }
        if action.span.equals("show") {
            try systemMessages.showCampaign(name.span, words.next().span, &records, into: &output)
        } else {
            try systemMessages.changeCampaign(
                action.span, name.span, &words, &sessions, &mailboxes, &records, &turn, into: &output)
        }
        return .done
    }

    @inline(never)
    func kind(_ word: Span<UInt8>) throws(OperatorError) -> AccountKind? {
        if word.equals(AccountKind.digest.name) { return .digest }
        if word.equals(AccountKind.passwordOnly.name) { return .passwordOnly }
        if word.equals("same") { return nil }
        throw .usage("the kind of an account is digest or password-only")
    }

    // MARK: Users

    private func listUsers(_ command: inout ControlCommand, into output: inout FixedBytes) -> ControlProgress {
        while output.freeCapacity > 2048 {
            guard let address = nextAccount(&command) else { return .done }
            if let account = records.account(address.span) { write(account, isInList: true, into: &output) }
        }
        return .more
    }

    /// The address of the account after the last one that was told.
    private func nextAccount(_ command: inout ControlCommand) -> InlineBytes<100>? {
        var start = command.lastKey
        if start.isEmpty { start = Key.kind(RecordKind.account) } else { _ = start.append(0) }
        guard let entry = records.store.entry(atOrAfter: start.span), entry.key[0] == RecordKind.account else {
            return nil
        }
        command.lastKey = Key(entry.key) ?? Key()
        return InlineBytes<100>(entry.key.extracting(1..<entry.key.count))
    }

    private func write(_ account: Account, isInList: Bool = false, into output: inout FixedBytes) {
        let totals = records.totals(of: account.number)
        var sessionCount: UInt64 = 0
        var slot = sessions.first(of: account.number)
        while let current = slot {
            sessionCount += 1
            slot = sessions.next(after: current)
        }
        output.field("user", account.display.span)
        output.field("kind", account.kind.name.octets)
        output.field("sessions", sessionCount)
        output.field("waiting", UInt64(totals.count))
        output.field("waiting_bytes", totals.byteCount)
        output.field("created", account.created)
        writeProfile(of: account.number, isInList: isInList, into: &output)
        output.endRecord()
    }

    private func showUser(_ name: Span<UInt8>, into output: inout FixedBytes) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        write(account, into: &output)
        let clients = records.knownClients(of: account.number)
        for index in 0..<clients.count {
            output.field("client", clients[index].agent.span)
            output.field("confirms", word(clients[index].confirms, clients[index].neverConfirms).octets)
            output.field("system_messages", word(clients[index].answers, clients[index].ignoresSystemMessages).octets)
            output.endRecord()
        }
    }

    /// What was seen: that a client does something, or that it does not, or neither.
    private func word(_ does: Bool, _ doesNot: Bool) -> StaticString { does ? "yes" : doesNot ? "no" : "unknown" }

    /// Forgets what was seen of a user's clients, in case it was wrong; they are watched anew.
    private mutating func forgetClients(_ name: Span<UInt8>, _ turn: inout Turn) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        records.forgetClients(of: account.number)
        var next = sessions.first(of: account.number)
        while let slot = next {
            next = sessions.next(after: slot)
            mailboxes.takeKnowledge(slot, &sessions, records)
            systemMessages.takeKnowledge(slot, &sessions, &records)
        }
    }

    // MARK: Sessions

    private func listSessions(
        _ command: inout ControlCommand, _ now: Instant, into output: inout FixedBytes
    ) -> ControlProgress {
        while command.position < UInt64(sessions.end) {
            guard output.freeCapacity > 1024 else { return .more }
            let slot = UInt16(command.position)
            command.position += 1
            guard sessions[slot].isOpen else { continue }
            if let account = records.account(of: sessions[slot].user) { output.field("user", account.display.span) }
            output.field("slot", UInt64(slot))
            output.field("version", sessions[slot].version.name.octets)
            output.field(
                "idle_s", (now.milliseconds - min(now.milliseconds, sessions[slot].lastSeen.milliseconds)) / 1000)
            output.field("keepalive_s", UInt64(sessions[slot].keepAliveSeconds))
            output.field("method", sessions[slot].delivery.method.letter.octets)
            output.field("call", callName(slot).octets)
            output.field("quirks", sessions[slot].quirks.list.span)
            let known = sessions.knownClient(of: slot, records) ?? KnownClient()
            output.field("confirms", word(known.confirms, known.neverConfirms).octets)
            output.field(
                "system_messages",
                word(known.answers, !systemMessages.knowsSystemMessages(slot, sessions, records)).octets)
            output.field("agent", records.clientRecord(of: slot).agent.span)
            output.field(
                "level", (sessions[slot].access.level.rawValue == .max ? "full" : "limited" as StaticString).octets)
            output.field("asked", sessions[slot].access.isRestricted ? 1 : 0)
            output.field("closing", UInt64(sessions[slot].closing))
            if sessions[slot].isRelayed { output.field("upstream", gateway.name(of: slot, sessions).span) }
            output.endRecord()
        }
        return .done
    }

    /// How a client would be called now.
    private func callName(_ slot: UInt16) -> StaticString {
        if sessions[slot].calling.hasChannel { return "stcp" }
        let methods = sessions[slot].capabilities.cirMethods
        if methods.hasDatagrams { return methods.contains(.sudp) ? "sudp" : "wapudp" }
        if methods.hasShortMessages { return methods.contains(.ssms) ? "ssms" : "wapsms" }
        return methods.contains(.shttp) ? "shttp" : "none"
    }

    /// Ends all sessions of a user with Disconnect 601.
    private mutating func disconnectUser(_ name: Span<UInt8>, _ turn: inout Turn) throws(OperatorError) {
        let address = try records.localAddress(name)
        guard let account = records.account(address.canonical) else { throw .userUnknown }
        guard sessions.first(of: account.number) != nil else { throw .sessionUnknown }
        var next = sessions.first(of: account.number)
        while let slot = next {
            next = sessions.next(after: slot)
            sessions.disconnect(slot, .forcedLogout, &mailboxes, &records, &turn)
        }
    }

    // MARK: Log

    private func setLogLevel(
        _ word: Span<UInt8>, _ turn: inout Turn, into output: inout FixedBytes
    ) throws(OperatorError) {
        if word.count > 0 {
            guard let level = LogLevel(name: word) else { throw .usage("log-level err|warning|notice|info|debug") }
            turn.journal.level = level
        }
        output.field("level", turn.journal.level.name.octets)
        output.endRecord()
    }

    private func listRecords(
        _ command: inout ControlCommand, _ turn: borrowing Turn, into output: inout FixedBytes
    ) -> ControlProgress {
        command.position = max(command.position, turn.journal.firstKept)
        while command.position < turn.journal.recordCount {
            guard output.freeCapacity > 1024 else { return .more }
            output.field("record", turn.journal.record(command.position))
            output.endRecord()
            command.position += 1
        }
        return .done
    }

    // MARK: Status

    /// Sessions that are open now, that were at once at most, and that were refused for want of a place.
    public var sessionUse: (open: Int, most: Int, refused: UInt64) {
        (sessions.count, sessions.table.countMost, sessions.table.refusedCount)
    }

    /// What the engine knows of itself; the shell adds what it knows of the process.
    public func writeStatus(_ turn: inout Turn, into output: inout FixedBytes) {
        output.field("uptime_s", turn.now.milliseconds / 1000)
        output.field("clock", (turn.wall.isTrusted ? "trusted" : "untrusted" as StaticString).octets)
        output.field("sessions", UInt64(sessions.count))
        output.field("logins", sessions.counters.logins)
        output.field("auth_failures", accounts.authFailures)
        output.field("requests", sessions.counters.requests)
        output.field("repeated", sessions.counters.repeatedRequests)
        output.field("calls", sessions.counters.calls)
        output.field("accepted", mailboxes.counters.accepted)
        output.field("delivered", mailboxes.counters.delivered)
        output.field("refused", mailboxes.counters.refused)
        output.field("expired", mailboxes.counters.expired)
        output.field("notified", notifier.counters.sent)
        output.field("not_notified", notifier.counters.failed)
        output.field("relayed", gateway.counters.relayed)
        output.field("not_relayed", gateway.counters.failed)
        output.field("upstream_logins", gateway.counters.logins)
        if component.isUsed {
            output.field("xmpp", (component.isOpen ? "open" : "closed" as StaticString).octets)
            output.field("xmpp_sent", component.counters.sent)
            output.field("xmpp_received", component.counters.received)
            output.field("xmpp_refused", component.counters.refused)
            output.field("xmpp_streams", component.counters.streams)
        }
        output.field("room", records.store.hasRoom ? 1 : 0)
        output.field("set_aside", records.setAsideCount)
        output.endRecord()
    }
}

extension FixedBytes {
    /// Adds `key=value` of an answer to the operator; what is no printable ASCII, and the space, become `\xNN`.
    @inline(never)
    public mutating func field(_ key: StaticString, _ value: Span<UInt8>) { field(key.octets, value) }

    /// Adds `key=value` with a key that is not known before.
    @inline(never)
    public mutating func field(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        separate()
        append(key)
        append(0x3D)
        append(escaped: value)
    }

    /// Adds `key=value` with a number.
    @inline(never)
    public mutating func field(_ key: StaticString, _ value: UInt64) {
        separate()
        append(key)
        append(0x3D)
        append(decimal: value)
    }

    /// Ends a record of fields.
    public mutating func endRecord() { append(0x0A) }

    /// Adds text in printable ASCII without spaces; the rest, and the backslash, as `\xNN`.
    @inline(never)
    public mutating func append(escaped text: Span<UInt8>) {
        for index in text.indices {
            let octet = text[index]
            if octet > 0x20, octet < 0x7F, octet != 0x5C {
                append(octet)
            } else {
                append("\\x")
                append(Hexadecimal.digit(octet >> 4))
                append(Hexadecimal.digit(octet))
            }
        }
    }

    @inline(never)
    private mutating func separate() {
        if count > 0, self[count - 1] != 0x0A { append(0x20) }
    }
}
