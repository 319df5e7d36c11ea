import Octets

/// By what somebody who is offline is told that a message waits for him. Source: protocol/system-message.md §6.2.
public enum Bearer: UInt8, BitwiseCopyable, Sendable {
    /// A short message, by the interface of Kannel's `sendsms`.
    case sms
    /// A Service Indication with a link, by the Push Access Protocol.
    case wapPush
    /// A request to a server of the operator, or to one for notifications.
    case webhook
    /// A short message by a modem on a serial line.
    case modem

    /// By its word in the configuration.
    init?(_ word: Span<UInt8>) {
        guard let place = word.place(among: "sms wap-push webhook modem") else { return nil }
        self.init(rawValue: UInt8(place))
    }
}

/// What a webhook is sent.
enum WebhookForm: UInt8, BitwiseCopyable {
    /// An object with all that is known.
    case json
    /// A text with a title and a link, as ntfy takes it.
    case ntfy
    /// The object of `json`, to the endpoint that the user's phone gave him.
    case unifiedPush

    /// By its word in the configuration.
    init?(_ word: Span<UInt8>) {
        guard let place = word.place(among: "json ntfy unifiedpush") else { return nil }
        self.init(rawValue: UInt8(place))
    }
}

/// One way of telling those who are offline: a `notify` section of the configuration.
///
/// It is looked at line by line, without a store, and then lent to the engine.
public struct NotifySection: ConfiguredSection, Sendable {
    var name = InlineBytes<24>()
    var bearer: Bearer?
    var form = WebhookForm.json
    /// The least seconds between two notifications of one user.
    var every: UInt32 = 3600
    /// Minutes of the day between which nobody is told; the same for never.
    var quietFrom: UInt16 = 0
    var quietTo: UInt16 = 0
    /// The user has to have agreed to OFFNOTIF, or his account says so.
    var needsConsent = false
    var url = InlineBytes<480>()
    /// The SHA-256 of the server's certificate, in hexadecimal digits; empty when authorities vouch for it.
    var pin = InlineBytes<100>()
    var username = InlineBytes<64>()
    var password = InlineBytes<64>()
    /// What a webhook is signed with.
    var secret = InlineBytes<64>()
    /// Who a short message comes from.
    var from = InlineBytes<64>()
    var link = InlineBytes<480>()
    /// The modem that sends it; without a device for other bearers.
    public private(set) var modem = ModemOrder()
    var text = InlineBytes<200>()
    /// The text in other languages.
    var texts = InlineArray<4, InlineBytes<200>>(repeating: InlineBytes())
    var languages = InlineArray<4, InlineBytes<8>>(repeating: InlineBytes())
    var languageCount = 0

    /// A section without a line.
    public init() { _ = text.append("%sender wrote to you. %link") }

    /// All keys of a section; `text_` goes on with a language.
    public static var keys: StaticString {
        "baud bearer consent device every form from link mode password pin quiet secret sim_pin text text_ url username"
    }

    /// Takes a line of the section; the words say what is allowed when the value is not, and nil that it is.
    public mutating func take(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        if key.equals("bearer") {
            guard let word = Bearer(value) else { return "sms, wap-push, modem or webhook" }
            bearer = word
        } else if key.equals("form") {
            guard let word = WebhookForm(value) else { return "json, ntfy or unifiedpush" }
            form = word
        } else if key.equals("consent") {
            guard value.equals("account") || value.equals("client") else {
                return "account (a number is enough) or client (it has agreed to OFFNOTIF)"
            }
            needsConsent = value.equals("client")
        } else if key.equals("every") {
            guard let seconds = Decimal.parse(value), (60...86_400).contains(seconds) else {
                return "60 to 86400 seconds"
            }
            every = UInt32(seconds)
        } else if key.equals("quiet") {
            return takeQuiet(value)
        } else if key.equals("device") || key.equals("baud") || key.equals("sim_pin") || key.equals("mode") {
            return takeModem(key, value)
        } else {
            return takeText(key, value)
        }
        return nil
    }

    private mutating func takeModem(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        if key.equals("device") {
            guard value.count > 1, value.count <= 64, value[0] == 0x2F else { return "a path that begins with /" }
            modem.device = InlineBytes(value) ?? InlineBytes()
        } else if key.equals("baud") {
            guard let number = Decimal.parse(value),
                number == 9600 || number == 19_200 || number == 38_400 || number == 57_600 || number == 115_200
            else {
                return "9600, 19200, 38400, 57600 or 115200"
            }
            modem.baud = UInt32(number)
        } else if key.equals("sim_pin") {
            for index in value.indices where !value[index].isASCIIDigit { return "4 to 8 digits" }
            guard (4...8).contains(value.count) else { return "4 to 8 digits" }
            modem.cardPIN = InlineBytes(value) ?? InlineBytes()
        } else {
            guard value.equals("pdu") || value.equals("text") else { return "pdu or text" }
            modem.isText = value.equals("text")
        }
        return nil
    }

    private mutating func takeQuiet(_ value: Span<UInt8>) -> StaticString? {
        guard value.count == 11, value[5] == UInt8(ascii: "-"),
            let from = NotifySection.minute(value.extracting(0..<5)),
            let to = NotifySection.minute(value.extracting(6..<11))
        else { return "two times of the day, as 22:00-07:00" }
        (quietFrom, quietTo) = (from, to)
        return nil
    }

    private static func minute(_ text: Span<UInt8>) -> UInt16? {
        guard text[2] == UInt8(ascii: ":"), let hour = Decimal.parse(text.extracting(0..<2)), hour < 24,
            let minute = Decimal.parse(text.extracting(3..<5)), minute < 60
        else { return nil }
        return UInt16(hour * 60 + minute)
    }

    private mutating func takeText(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        if key.equals("url") {
            guard value.starts(with: "http://") || value.starts(with: "https://") else {
                return "http:// or https:// and where to, at most 480 octets"
            }
            return NotifySection.set(&url, value, allowing: "un", "at most 480 octets, with %user and %number in it")
        }
        if key.equals("link") {
            return NotifySection.set(&link, value, allowing: "um", "at most 480 octets, with %user and %message in it")
        }
        if key.equals("text") { return NotifySection.setTemplate(&text, value) }
        if key.starts(with: "text_") {
            return takeText(language: key.extracting(5..<key.count), value)
        }
        if key.equals("username") { return NotifySection.set(&username, value, "1 to 64 octets") }
        if key.equals("password") { return NotifySection.set(&password, value, "1 to 64 octets") }
        if key.equals("secret") { return NotifySection.set(&secret, value, "1 to 64 octets") }
        if key.equals("from") { return NotifySection.set(&from, value, "1 to 64 octets") }
        if key.equals("pin") { return takePin(value) }
        return "unknown key"
    }

    private mutating func takePin(_ value: Span<UInt8>) -> StaticString? {
        guard let pin = NotifySection.pin(value) else { return "the 64 digits of a SHA-256" }
        self.pin = pin
        return nil
    }

    /// The SHA-256 of a certificate as people write it; nil when it is none.
    static func pin(_ value: Span<UInt8>) -> InlineBytes<100>? {
        var digits = 0
        for index in value.indices where value[index] != UInt8(ascii: ":") {
            guard Hexadecimal.value(value[index]) != nil else { return nil }
            digits += 1
        }
        return digits == 64 ? InlineBytes(value) : nil
    }

    private mutating func takeText(language: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        guard (2...8).contains(language.count), languageCount < languages.count else {
            return "four languages, each of two to eight letters, as text_de"
        }
        languages[languageCount] = InlineBytes(language) ?? InlineBytes()
        let words = NotifySection.setTemplate(&texts[languageCount], value)
        if words == nil { languageCount += 1 }
        return words
    }

    private static func setTemplate(_ field: inout InlineBytes<200>, _ value: Span<UInt8>) -> StaticString? {
        guard UTF8.scalarCount(value) != nil else { return "UTF-8" }
        return set(&field, value, allowing: "scul", "at most 200 octets, with %sender, %user, %count and %link in it")
    }

    private static func set<let capacity: Int>(
        _ field: inout InlineBytes<capacity>, _ value: Span<UInt8>, allowing letters: StaticString = "",
        _ allowed: StaticString
    ) -> StaticString? {
        guard let text = InlineBytes<capacity>(value) else { return allowed }
        for index in value.indices where value[index] < 0x20 || value[index] == 0x7F { return allowed }
        if letters.utf8CodeUnitCount > 0 {
            guard Template.isValid(value, letters) else { return allowed }
        }
        field = text
        return nil
    }

    /// What is wrong with the section as a whole; nil when nothing is.
    public func finish(name: Span<UInt8>) -> StaticString? {
        guard Campaign.isName(name) else { return "a name has 1 to 24 letters, digits, '-' or '_'" }
        guard bearer != nil else { return "the section needs a bearer: sms, wap-push, modem or webhook" }
        if bearer == .modem { return modem.device.isEmpty ? "the section needs a device" : nil }
        guard !url.isEmpty || bearer == .webhook && form == .unifiedPush else { return "the section needs a url" }
        return nil
    }

    /// Whether requests of it go by TLS; where users have places of their own, these may.
    public var isSealed: Bool { url.span.starts(with: "https:") || bearer == .webhook }

    /// The text in a language, or the one for all.
    func text(in language: Span<UInt8>) -> InlineBytes<200> {
        for index in 0..<languageCount where languages[index].span.equalsIgnoringCase(language) { return texts[index] }
        return text
    }

    /// Minutes until nobody is to be left alone any more; 0 when it is not quiet now.
    ///
    /// - Parameter minute: The minute of the local day.
    func quietMinutes(at minute: UInt16) -> UInt16 {
        guard quietFrom != quietTo else { return 0 }
        let sinceStart = (minute + 1440 - quietFrom) % 1440
        let length = (quietTo + 1440 - quietFrom) % 1440
        return sinceStart < length ? length - sinceStart : 0
    }
}
