import Octets
import Transport

/// `status` for people: what is not well, then what there is, in less than 24 lines of 80 columns.
struct Status: ~Copyable {
    private var line = Memory.buffer(1024)
    private var rest = Memory.buffer(1024)

    /// How often a block of flash may be erased: what eMMC bears, which bears least of what gateways have.
    private static var erasures: UInt64 { 3000 }

    /// How long the volume lasts at the rate of the last day, or, in the first one, of all that was.
    private mutating func writeLife(_ records: borrowing Records) {
        let up = records.number("uptime_s")
        let perDay =
            up < 86_400 ? records.number("written_kb") * 86_400 / max(1, up) : records.number("written_kb_day")
        let volume = records.number("volume_kb")
        guard volume > 0, up >= 600 else { return }
        let years = volume * Status.erasures / max(1, perDay) / 365
        line.append("; at this rate flash of ")
        Quantity.size(volume * 1024, into: &line)
        line.append(" lasts ")
        line.append(decimal: min(100, years))
        line.append(years > 100 ? "+ years" : " years")
    }

    mutating func write(_ records: borrowing Records, width: Int, into output: inout Output) {
        writeTroubles(records, into: &output)
        begin("Engine")
        line.append("version ")
        line.append(readable: records.value("version"))
        line.append(", up ")
        Quantity.duration(records.number("uptime_s") * 1000, into: &line)
        line.append(", process ")
        line.append(decimal: records.number("pid"))
        line.append(", CPU ")
        Quantity.duration(records.number("cpu_us") / 1000, into: &line)
        end(width, into: &output)
        begin("Clock")
        line.append(readable: records.value("clock"))
        line.append("; system calls confined: ")
        line.append(readable: records.value("confined_calls"))
        line.append(", writing: ")
        line.append(readable: records.value("confined_places"))
        end(width, into: &output)
        begin("Store")
        let page = records.number("page_bytes")
        Quantity.size(records.number("pages") * page, into: &line)
        line.append(" of ")
        Quantity.size(records.number("pages_max") * page, into: &line)
        line.append(", ")
        line.append(readable: records.value("mode"))
        line.append("; written ")
        Quantity.size(records.number("written_kb_day") * 1024, into: &line)
        line.append(" today, ")
        Quantity.size(records.number("written_kb") * 1024, into: &line)
        line.append(" since the start")
        end(width, into: &output)
        begin("")
        counted("commits", records.number("commits"))
        line.append(", the longest ")
        Quantity.duration(records.number("commit_ms_most"), into: &line)
        writeLife(records)
        end(width, into: &output)
        begin("Sessions")
        counted("open", records.number("sessions"))
        line.append("; ")
        counted("logins", records.number("logins"))
        line.append(", ")
        counted("refused", records.number("auth_failures"))
        end(width, into: &output)
        begin("Messages")
        counted("accepted", records.number("accepted"))
        line.append(", ")
        counted("delivered", records.number("delivered"))
        line.append(", ")
        counted("refused", records.number("refused"))
        line.append(", ")
        counted("expired", records.number("expired"))
        end(width, into: &output)
        begin("Requests")
        line.append(decimal: records.number("requests"))
        line.append(", ")
        counted("repeated", records.number("repeated"))
        line.append("; ")
        counted("calls", records.number("calls"))
        end(width, into: &output)
        writeMemory(records, width, into: &output)
    }

    private mutating func writeMemory(_ records: borrowing Records, _ width: Int, into output: inout Output) {
        begin("Memory")
        Quantity.size(fixedMemory(records), into: &line)
        line.append(" fixed")
        // Not every C library counts it.
        if records.number("heap_bytes") > 0 {
            line.append(", heap ")
            Quantity.size(records.number("heap_bytes"), into: &line)
        }
        end(width, into: &output)
        // Not every kernel tells it.
        guard records.number("own_kb") > 0 else { return }
        begin("Resident")
        Quantity.size(records.number("own_kb") * 1024, into: &line)
        line.append(" own, ")
        Quantity.size(records.number("map_kb") * 1024, into: &line)
        line.append(" of the store, ")
        Quantity.size(records.number("program_kb") * 1024, into: &line)
        line.append(" of the program")
        end(width, into: &output)
    }

    private mutating func counted(_ what: StaticString, _ number: UInt64) {
        line.append(decimal: number)
        line.append(0x20)
        line.append(what)
    }

    private func fixedMemory(_ records: borrowing Records) -> UInt64 {
        var sum: UInt64 = 0
        var record = records.next(after: -1)
        while let current = record {
            sum += (records.number("count", in: current) ?? 0) * (records.number("bytes", in: current) ?? 0)
            record = records.next(after: current.upperBound)
        }
        return sum + records.sumOfMemory
    }

    // MARK: What is not well

    private mutating func writeTroubles(_ records: borrowing Records, into output: inout Output) {
        var count = 0
        let end = records.value("last_exit")
        if end.count > 0, !end.equals("ended"), !end.equals("none") {
            trouble(&count)
            line.append("the run before did not end as it should: ")
            line.append(readable: end)
            line.append("; look at LAST-EXIT in the log")
            finish(into: &output)
        }
        if records.number("room") == 0 {
            trouble(&count)
            line.append("the store has no room: new messages are refused; raise db_kb")
            finish(into: &output)
        }
        if records.number("commits_failed") > 0 {
            trouble(&count)
            counted("commits failed: look at the volume", records.number("commits_failed"))
            finish(into: &output)
        }
        if records.value("clock").equals("untrusted") {
            trouble(&count)
            line.append("nobody has told the clock the time: nothing expires, no time is told")
            finish(into: &output)
        }
        if records.value("xmpp").equals("closed") {
            trouble(&count)
            line.append("no stream to the XMPP server: look at XMPP-CLOSED in the log")
            finish(into: &output)
        }
        var record = records.next(after: -1)
        while let current = record {
            record = records.next(after: current.upperBound)
            let refused = records.number("refused", in: current) ?? 0
            guard !records.value("pool", in: current).isEmpty, refused > 0 else { continue }
            trouble(&count)
            line.append(readable: records.value("pool", in: current))
            line.append(": ")
            counted("were refused for want of one more", refused)
            finish(into: &output)
        }
        guard count == 0 else { return }
        begin("State")
        line.append("all is well")
        finish(into: &output)
    }

    private mutating func trouble(_ count: inout Int) {
        begin(count == 0 ? "NOT WELL" : "")
        count += 1
    }

    // MARK: Lines

    private mutating func begin(_ title: StaticString) {
        line.removeAll()
        line.append(title)
        while line.count < 10 { line.append(0x20) }
    }

    /// Ends a line, in two when the terminal is narrow.
    private mutating func end(_ width: Int, into output: inout Output) {
        guard Cells.columns(of: line.span) > width else { return finish(into: &output) }
        rest.removeAll()
        var cut = min(width, line.count - 1)
        while cut > 11, line[cut] != 0x20 { cut -= 1 }
        while rest.count < 10 { rest.append(0x20) }
        rest.append(copy: line, cut + 1..<line.count)
        line.truncate(to: cut)
        finish(into: &output)
        line.removeAll()
        line.append(copy: rest, 0..<rest.count)
        end(width, into: &output)
    }

    private mutating func finish(into output: inout Output) {
        line.append(0x0A)
        output.take(line)
    }
}
