import CSP
import Octets

/// What a row of an import says, as words `KEY=VALUE`.
private struct ImportRow: ~Escapable {
    private let text: Span<UInt8>

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
    }

    /// The value of a key; empty when it has none.
    @inline(never)
    func value(_ key: StaticString) -> InlineBytes<520> {
        var words = Words(text)
        while words.leftCount > 0 {
            let word = words.next()
            let keyCount = key.utf8CodeUnitCount
            if word.count > keyCount, word.span.starts(with: key), word.span[keyCount] == UInt8(ascii: "=") {
                return InlineBytes(prefix: word.span.extracting(keyCount + 1..<word.count))
            }
        }
        return InlineBytes()
    }
}

/// `import [check] KEY=VALUE KEY=VALUE . KEY=VALUE .`: accounts and contacts as another server or a list of the operator
/// has them, a point behind each. With `check` nothing is changed, and each row is looked at by itself.
///
/// A row with an `owner` puts `user` on one of his lists; one with a `password` makes an account, and one without changes
/// what is known of it. Which cannot be done is told with its reason, and the others are done.
extension Engine where Port: ~Copyable {
    mutating func importRows(
        _ command: inout ControlCommand, _ turn: inout Turn, into output: inout FixedBytes
    ) -> ControlProgress {
        var words = Words(command.line.span)
        _ = words.next()
        let start = command.line.count - words.leftCount
        let isRehearsal = words.next().span.equals("check")
        if command.position == 0 {
            command.position = UInt64(isRehearsal ? command.line.count - words.leftCount : start)
        }
        // A turn has random octets for four accounts, and time for one whose password is hashed many times.
        var budget = 16
        var (count, findings) = (command.count, command.findings)
        defer { (command.count, command.findings) = (count, findings) }
        while budget > 0 {
            let start = Int(command.position)
            guard let end = rowEnd(command.line, from: start) else {
                output.field("added", count)
                output.field("refused", findings)
                output.endRecord()
                return .done
            }
            command.position = UInt64(end)
            let row = ImportRow(command.line.span(start..<end))
            do throws(OperatorError) {
                budget -= try take(row, isRehearsal: isRehearsal, &turn)
                count += 1
            } catch {
                budget -= 1
                findings += 1
                output.field("row", row.value("row").span)
                output.field("user", InlineBytes<100>(prefix: row.value("user").span).span)
                output.field("refused", error.code.octets)
                output.field("why", error.explanation.octets)
                output.endRecord()
            }
        }
        return .more
    }

    /// Behind the point of the row that begins at `start`; nil when there is none.
    private func rowEnd(_ line: borrowing FixedBytes, from start: Int) -> Int? {
        var words = Words(line.span(start..<line.count))
        while words.leftCount > 0 {
            if words.next().span.equals(".") { return line.count - words.leftCount }
        }
        return nil
    }

    /// Does what a row says.
    ///
    /// - Returns: What it cost, of what a turn has.
    private mutating func take(
        _ row: borrowing ImportRow, isRehearsal: Bool, _ turn: inout Turn
    ) throws(OperatorError) -> Int {
        let owner = row.value("owner")
        let name = row.value("user")
        guard owner.isEmpty else {
            try addContact(
                name.span, row.value("nickname").span, to: row.value("list").span, row.value("display_name").span,
                of: operatorAccount(owner.span), isRehearsal: isRehearsal, &turn)
            return 1
        }
        try checkProfile(row)
        let password = row.value("password")
        var cost = 1
        if password.isEmpty {
            _ = try operatorAccount(name.span)
        } else {
            let word = row.value("kind")
            let kind = try word.isEmpty ? AccountKind.digest : kind(word.span) ?? .digest
            if isRehearsal {
                _ = try accounts.checkNewUser(name.span, password: password.span, records)
                return 1
            }
            try accounts.addUser(name.span, kind: kind, password: password.span, &records, &turn)
            cost = kind == .digest ? 4 : 16
        }
        if !isRehearsal { setProfile(of: try operatorAccount(name.span).number, row) }
        return cost
    }

    private func checkProfile(_ row: borrowing ImportRow) throws(OperatorError) {
        var raw: UInt8 = 1
        while let field = ProfileField(rawValue: raw) {
            raw += 1
            try check(field, row.value(field.name).span)
        }
    }

    /// A field that a row does not have stays as it is.
    private mutating func setProfile(of user: UInt32, _ row: borrowing ImportRow) {
        var raw: UInt8 = 1
        while let field = ProfileField(rawValue: raw) {
            raw += 1
            let value = row.value(field.name)
            if !value.isEmpty { records.setProfile(user, field, value.span) }
        }
    }
}
