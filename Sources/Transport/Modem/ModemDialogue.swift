import IMPSEngine
import Octets

/// Why a modem sent nothing.
public enum ModemFailure: Equatable, BitwiseCopyable, Sendable {
    /// The device cannot be opened; the number of the system's error.
    case noDevice(Int32)
    /// It does not answer.
    case silent
    /// It refused; its number for the reason, 0 for none.
    case refused(UInt16)
    /// The card wants a PIN that nobody gave, refused the one that there is, or wants something else.
    case card

    /// What is wrong and what would be right, for people.
    public var explanation: StaticString {
        switch self {
        case .noDevice: return "the modem's device cannot be opened"
        case .silent: return "the modem does not answer"
        case .refused: return "the modem refused it"
        case .card: return "the card needs its PIN (sim_pin), refused it, or is not there"
        }
    }
}

/// How far a dialogue is.
enum ModemProgress: Equatable {
    case waits
    case done
    case failed(ModemFailure)
}

/// What is said to a modem, and what it answers: one order from the first word to the last.
///
/// Source: 3GPP TS 27.007 (CPIN), TS 27.005 (CMGF, CMGS).
struct ModemDialogue: BitwiseCopyable {
    private enum Step: BitwiseCopyable {
        case attention, echo, askCard, unlock, format, command, text
    }

    private enum Card: BitwiseCopyable {
        case unknown, ready, wantsPIN, other
    }

    private let order: ModemOrder
    private var step = Step.attention
    private var card = Card.unknown
    private var line = InlineBytes<100>()
    /// Where the part begins that is sent next.
    private var offset = 0
    private var attempts = 0

    init(_ order: ModemOrder) { self.order = order }

    /// Seconds that an answer may take.
    var patience: UInt64 {
        switch step {
        case .attention: return 2
        case .echo, .askCard, .unlock, .format, .command: return 10
        case .text: return 60
        }
    }

    /// It has said a PIN to the card and does not know yet what that made of it: one more wrong one may lock it.
    var saysPIN: Bool { step == .unlock }

    /// Begins, or calls a modem again that did not hear.
    ///
    /// - Returns: false when it was called often enough.
    mutating func call(into output: inout FixedBytes) -> Bool {
        guard step == .attention, attempts < 3 else { return false }
        attempts += 1
        // An escape ends what somebody before left open.
        output.append(0x1B)
        output.append("AT\r")
        return true
    }

    /// Takes an octet that the modem said.
    mutating func take(_ octet: UInt8, _ parts: borrowing FixedBytes, into output: inout FixedBytes) -> ModemProgress {
        guard octet == 0x0D || octet == 0x0A else {
            if line.isEmpty, octet == 0x20 { return .waits }
            _ = line.append(octet)
            if step == .command, line.span.equals(">") {
                line = InlineBytes()
                writeText(parts, into: &output)
            }
            return .waits
        }
        let whole = line
        line = InlineBytes()
        return whole.isEmpty ? .waits : take(whole, parts, into: &output)
    }

    private mutating func take(
        _ line: InlineBytes<100>, _ parts: borrowing FixedBytes, into output: inout FixedBytes
    ) -> ModemProgress {
        let words = line.span
        if words.equals("OK") { return goOn(parts, into: &output) }
        if words.starts(with: "+CPIN:") {
            card = words.equals("+CPIN: READY") ? .ready : words.equals("+CPIN: SIM PIN") ? .wantsPIN : .other
            return .waits
        }
        let isNumbered = words.starts(with: "+CMS ERROR:") || words.starts(with: "+CME ERROR:")
        guard isNumbered || words.equals("ERROR") else { return .waits }
        // Some have no echo to switch off.
        if step == .echo { return goOn(parts, into: &output) }
        if step == .askCard || step == .unlock { return .failed(.card) }
        let number = isNumbered ? Decimal.parse(words.extracting(11..<words.count).trimmed()) ?? 0 : 0
        return .failed(.refused(UInt16(clamping: number)))
    }

    /// The next thing to say, after what was said last was well received.
    private mutating func goOn(_ parts: borrowing FixedBytes, into output: inout FixedBytes) -> ModemProgress {
        switch step {
        case .attention:
            step = .echo
            output.append("ATE0\r")
        case .echo:
            step = .askCard
            output.append("AT+CPIN?\r")
        case .askCard where card == .wantsPIN && !order.cardPIN.isEmpty:
            step = .unlock
            output.append("AT+CPIN=\"")
            output.append(order.cardPIN.span)
            output.append("\"\r")
        case .askCard where card != .ready: return .failed(.card)
        case .askCard, .unlock:
            step = .format
            output.append(order.isText ? "AT+CMGF=1\r" : "AT+CMGF=0\r")
        case .format: return beginPart(parts, into: &output)
        // An answer to something else.
        case .command: break
        case .text: return beginPart(parts, into: &output)
        }
        return .waits
    }

    /// Where the head of the part at `offset` ends, and the part itself.
    private func borders(_ parts: borrowing FixedBytes) -> (head: Int, end: Int)? {
        let octets = parts.span
        guard offset < octets.count, let end = octets.firstIndex(of: 0x0A, from: offset),
            let head = octets.firstIndex(of: order.isText ? 0x09 : 0x20, from: offset), head < end
        else { return nil }
        return (head, end)
    }

    private mutating func beginPart(_ parts: borrowing FixedBytes, into output: inout FixedBytes) -> ModemProgress {
        guard let borders = borders(parts) else { return .done }
        step = .command
        output.append("AT+CMGS=")
        if order.isText { output.append(0x22) }
        output.append(copy: parts, offset..<borders.head)
        if order.isText { output.append(0x22) }
        output.append(0x0D)
        return .waits
    }

    /// The modem waits for the message itself, which ends with the octet 26.
    private mutating func writeText(_ parts: borrowing FixedBytes, into output: inout FixedBytes) {
        guard let borders = borders(parts) else { return }
        step = .text
        output.append(copy: parts, borders.head + 1..<borders.end)
        output.append(0x1A)
        offset = borders.end + 1
    }
}
