import Octets

/// The figures of `status` in the text form of Prometheus, by its customs: seconds and octets, and `_total` behind what only
/// rises.
struct Metrics: ~Copyable {
    /// What only rises while the process lives.
    private static var counters: StaticString {
        """
        written_kb cpu_us commits store_commits commits_failed changes logins auth_failures requests repeated calls accepted delivered refused \
        expired notified not_notified relayed not_relayed upstream_logins
        """
    }
    /// What is told of the process by others, and says nothing as a number.
    private static var leftOut: StaticString { "pid" }
    /// What stands in the records of pools.
    private static var ofPools: StaticString { "count bytes used most refused" }

    /// Writes what is in an answer to `status`.
    static func write(_ answer: borrowing FixedBytes, into output: inout FixedBytes) {
        let status = answer.span
        var facts = InlineBytes<400>()
        Metrics.forEachLine(of: status) { line in
            guard !line.starts(with: "pool="), !line.starts(with: "record=") else { return }
            Metrics.forEachField(of: line) { key, value in
                guard let number = Decimal.parse(value) else {
                    Metrics.addFact(key, value, to: &facts)
                    return
                }
                guard key.place(among: Metrics.leftOut) == nil else { return }
                Metrics.write(key, number, isCounter: key.place(among: Metrics.counters) != nil, into: &output)
            }
        }
        output.append("# TYPE impsd_info gauge\nimpsd_info{")
        output.append(facts.span)
        output.append("} 1\n")
        for place in 0..<5 { Metrics.writePools(status, place, into: &output) }
    }

    private static func write(_ key: Span<UInt8>, _ number: UInt64, isCounter: Bool, into output: inout FixedBytes) {
        var name = InlineBytes<64>()
        let divisor = Metrics.name(key, into: &name)
        if isCounter { _ = name.append("_total") }
        Metrics.declare(name.span, isCounter: isCounter, into: &output)
        output.append("impsd_")
        output.append(name.span)
        output.append(0x20)
        Metrics.append(number, divisor, into: &output)
    }

    private static func declare(_ name: Span<UInt8>, isCounter: Bool, into output: inout FixedBytes) {
        output.append("# TYPE impsd_")
        output.append(name)
        output.append(isCounter ? " counter\n" : " gauge\n")
    }

    /// The name of a figure, with its unit in full; what the number has to be divided by, 0 for KB.
    private static func name(_ key: Span<UInt8>, into name: inout InlineBytes<64>) -> UInt64 {
        var divisor: UInt64 = 1
        var start = 0
        while start <= key.count {
            let end = key.firstIndex(of: 0x5F, from: start) ?? key.count
            let part = key.extracting(start..<end)
            if start > 0 { _ = name.append(0x5F) }
            if let place = part.place(among: "kb us ms s") {
                divisor = place == 0 ? 0 : place == 1 ? 1_000_000 : place == 2 ? 1000 : 1
                _ = name.append(place == 0 ? "bytes" : "seconds")
            } else {
                _ = name.append(part)
            }
            start = end + 1
        }
        return divisor
    }

    /// A number in its unit, and the end of its line.
    private static func append(_ number: UInt64, _ divisor: UInt64, into output: inout FixedBytes) {
        guard divisor > 1 else {
            output.append(decimal: divisor == 0 ? number * 1024 : number)
            output.append(0x0A)
            return
        }
        output.append(decimal: number / divisor)
        output.append(0x2E)
        var rest = number % divisor
        var place = divisor / 10
        while place > 0 {
            output.append(UInt8(ascii: "0") + UInt8(rest / place))
            rest %= place
            place /= 10
        }
        output.append(0x0A)
    }

    /// What is no number goes into one figure, which is always 1.
    private static func addFact(_ key: Span<UInt8>, _ value: Span<UInt8>, to facts: inout InlineBytes<400>) {
        guard InlineBytes<400>.capacity - facts.count > key.count + 2 * value.count + 4 else { return }
        if !facts.isEmpty { _ = facts.append(",") }
        _ = facts.append(key)
        _ = facts.append("=\"")
        // What `status` escapes has a backslash, which is one here too.
        for index in value.indices {
            if value[index] == 0x5C || value[index] == 0x22 { _ = facts.append(0x5C) }
            _ = facts.append(value[index])
        }
        _ = facts.append("\"")
    }

    /// One figure of all pools, which stand together.
    private static func writePools(_ status: Span<UInt8>, _ place: Int, into output: inout FixedBytes) {
        let names: [5 of StaticString] = ["places", "place_bytes", "used", "used_most", "refused_total"]
        var name = InlineBytes<64>(prefix: ("pool_" as StaticString).octets)
        _ = name.append(names[place].octets)
        Metrics.declare(name.span, isCounter: place == 4, into: &output)
        Metrics.forEachLine(of: status) { line in
            guard line.starts(with: "pool=") else { return }
            let end = line.firstIndex(of: 0x20) ?? line.count
            Metrics.forEachField(of: line) { key, value in
                guard key.place(among: Metrics.ofPools) == place else { return }
                output.append("impsd_")
                output.append(name.span)
                output.append("{pool=\"")
                output.append(line.extracting(5..<end))
                output.append("\"} ")
                output.append(value)
                output.append(0x0A)
            }
        }
    }

    private static func forEachLine(of text: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        var start = 0
        while let end = text.firstIndex(of: 0x0A, from: start) {
            body(text.extracting(start..<end))
            start = end + 1
        }
    }

    private static func forEachField(of line: Span<UInt8>, _ body: (Span<UInt8>, Span<UInt8>) -> Void) {
        var start = 0
        while start < line.count {
            let end = line.firstIndex(of: 0x20, from: start) ?? line.count
            let field = line.extracting(start..<end)
            if let equals = field.firstIndex(of: 0x3D) {
                body(field.extracting(0..<equals), field.extracting(equals + 1..<field.count))
            }
            start = end + 1
        }
    }
}
