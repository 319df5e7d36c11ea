import Digests
import Octets

/// What becomes of somebody who asks for the operator's page.
public enum AdminAdmission: Sendable {
    /// He knows the password.
    case open
    /// He says none, or a wrong one.
    case closed
    /// Wrong ones came before it; it was not looked at.
    case later
}

/// The password of the operator's page, as far as it has to be kept.
public struct AdminPassword: Sendable {
    /// How many octets it may have: few enough to be said with a name.
    public static var byteCounts: ClosedRange<Int> { 8...200 }

    fileprivate let digest: InlineBytes<32>

    /// A password; nil for one that is too short or too long.
    public init?(_ password: Span<UInt8>) {
        guard AdminPassword.byteCounts.contains(password.count) else { return nil }
        digest = DigestAlgorithm.sha256.digest(password)
    }
}

extension Engine where Port: ~Copyable {
    /// Whether somebody knows the password of the operator's page, by what he says for HTTP's Basic scheme.
    ///
    /// Any name goes with it. Who guesses waits as he does at a login.
    public mutating func admitAdmin(
        _ authorization: Span<UInt8>, _ password: AdminPassword, _ client: Client, _ turn: inout Turn
    ) -> AdminAdmission {
        // A browser asks without it first; nobody has guessed then.
        guard authorization.count > 0 else { return .closed }
        let name: Span<UInt8> = .constant("the operator's page")
        // Here somebody waits even where users do not.
        let failuresMax = settings.loginFailuresMax == 0 ? Settings().loginFailuresMax : settings.loginFailuresMax
        let wait = accounts.throttles.waitSeconds(
            name, from: client.network.span, turn.now, failuresMax: failuresMax)
        guard wait == 0 else { return .later }
        if let said = AdminPassword(basic: authorization),
            equalsInConstantTime(said.digest.span, password.digest.span)
        {
            accounts.throttles.noteSuccess(name, from: client.network.span, turn.now)
            return .open
        }
        accounts.noteFailure(name, client, turn.now)
        if turn.journal.begin(.authFail, turn.now, turn.wall) {
            turn.journal.text("ip", client.address.span)
            turn.journal.text("user", name)
            turn.journal.word("why", "badpass")
            turn.journal.end()
        }
        return .closed
    }
}

extension AdminPassword {
    /// The one in the value of an Authorization field.
    fileprivate init?(basic value: Span<UInt8>) {
        guard value.count > 6, value.extracting(0..<6).equalsIgnoringCase("Basic ") else { return nil }
        guard let words: InlineBytes<256> = Base64.decode(value.extracting(6..<value.count).trimmed()),
            let colon = words.span.firstIndex(of: 0x3A)
        else { return nil }
        self.init(words.span.extracting(colon + 1..<words.count))
    }
}

extension ControlCommand {
    /// Whether the operator's page may send it: what only tells, and System Messages that begin and end.
    ///
    /// Accounts, their passwords and what is stored are left to who has the machine.
    public var isForPage: Bool {
        var words = Words(line.span)
        let verb = words.next()
        if verb.span.place(among: "status sessions notifications log metrics") != nil { return true }
        let action = words.next()
        if verb.span.equals("user") { return action.span.equals("list") }
        return verb.span.equals("sysmsg")
            && action.span.place(among: "list show progress results journal verify add end") != nil
    }
}
