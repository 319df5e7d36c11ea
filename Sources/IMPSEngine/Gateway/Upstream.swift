import CSP
import Octets
import Wire

/// A service behind this one, to which the users of a domain belong: an `upstream` section of the configuration, and how
/// it is with its addresses.
///
/// It is looked at line by line, without a store, and then lent to the engine. Source: protocol/system-message.md §4.4.
public struct Upstream: ConfiguredSection, Sendable {
    var name = InlineBytes<24>()
    /// The domain of its users, in lower case.
    var domain = InlineBytes<64>()
    var urls = InlineArray<3, InlineBytes<200>>(repeating: InlineBytes())
    var urlCount = 0
    /// The version that is spoken there; nil for that of each client.
    var version: Version?
    var syntax = Syntax.xml
    /// Seconds between two looks whether something waits there for a client that is called.
    var pollSeconds: UInt32 = 5
    /// Seconds for an answer.
    var timeoutSeconds: UInt32 = 10
    /// The SHA-256 of its certificate, in hexadecimal digits; empty when authorities vouch for it.
    var pin = InlineBytes<100>()
    /// The file with the secret that this server proves to an XMPP server; empty for a service that is none.
    var secretPath = InlineBytes<100>()
    /// It is an XMPP server, to which this one is a component.
    public private(set) var isXMPP = false
    private var health = InlineArray<3, UpstreamHealth>(repeating: UpstreamHealth())

    /// A section without a line.
    public init() {}

    /// All keys of a section.
    public static var keys: StaticString { "domain pin poll secret_file syntax timeout url version" }

    /// Takes a line of the section; the words say what is allowed when the value is not, and nil that it is.
    public mutating func take(_ key: Span<UInt8>, _ value: Span<UInt8>) -> StaticString? {
        if key.equals("domain") {
            var lower = InlineBytes<64>()
            for index in value.indices { _ = lower.append(value[index].asciiLowercased) }
            let isAll = value.equals("*")
            guard isAll || lower.count == value.count && Address(.constant("a"), homeDomain: lower.span) != nil else {
                return "a domain of at most 64 letters, digits, '.' and '-'"
            }
            domain = lower
        } else if key.equals("url"), value.starts(with: "xmpp-component://") {
            guard urlCount == 0, let url = Upstream.componentURL(value.extracting(17..<value.count)) else {
                return "xmpp-component://, a host and perhaps a port, and no other url"
            }
            urls[0] = url
            urlCount = 1
            isXMPP = true
        } else if key.equals("secret_file") {
            guard value.count > 0, let path = InlineBytes<100>(value) else { return "a path of at most 100 octets" }
            secretPath = path
        } else if key.equals("url") {
            guard !isXMPP, value.starts(with: "http://") || value.starts(with: "https://"),
                let url = InlineBytes<200>(value),
                urlCount < urls.count
            else { return "http://, https:// or xmpp-component://, at most 200 octets, and three of them" }
            urls[urlCount] = url
            urlCount += 1
        } else if key.equals("version") {
            guard let place = value.place(among: "1.1 1.2 1.3") else { return "1.1, 1.2 or 1.3" }
            version = Version(rawValue: UInt8(place) + 1)
        } else if key.equals("syntax") {
            guard let place = value.place(among: "xml wbxml") else { return "xml or wbxml" }
            syntax = place == 0 ? .xml : .wbxml
        } else if key.equals("poll") {
            guard let seconds = Decimal.parse(value), (1...3600).contains(seconds) else { return "1 to 3600 seconds" }
            pollSeconds = UInt32(seconds)
        } else if key.equals("timeout") {
            guard let seconds = Decimal.parse(value), (1...60).contains(seconds) else { return "1 to 60 seconds" }
            timeoutSeconds = UInt32(seconds)
        } else if key.equals("pin") {
            guard let text = NotifySection.pin(value) else { return "the 64 digits of a SHA-256" }
            pin = text
        } else {
            return "unknown key"
        }
        return nil
    }

    /// What is wrong with the section as a whole; nil when nothing is.
    public func finish(name: Span<UInt8>) -> StaticString? {
        guard Campaign.isName(name) else { return "a name has 1 to 24 letters, digits, '-' or '_'" }
        guard !domain.isEmpty else { return "the section needs a domain" }
        guard urlCount > 0 else { return "the section needs a url" }
        if isXMPP { return secretPath.isEmpty ? "an XMPP server needs a secret_file" : nil }
        guard secretPath.isEmpty else { return "a secret_file is for an XMPP server" }
        return domain.span.equals("*") ? "all domains are only reached by XMPP" : nil
    }

    /// The address of an XMPP server in the form of the others; components have a port of their own.
    private static func componentURL(_ place: Span<UInt8>) -> InlineBytes<200>? {
        var end = place.count
        if end > 0, place[end - 1] == 0x2F { end -= 1 }
        var url = InlineBytes<200>()
        let bracket = place.firstIndex(of: 0x5D) ?? 0
        guard end > 0, place.firstIndex(of: 0x2F) ?? end == end, url.append("http://"),
            url.append(place.extracting(0..<end)),
            place.firstIndex(of: 0x3A, from: bracket) != nil || url.append(":5347")
        else { return nil }
        return url
    }

    /// Whether requests to it go by TLS.
    public var isSealed: Bool {
        for place in 0..<urlCount where urls[place].span.starts(with: "https:") { return true }
        return false
    }

    // MARK: Health

    /// The first of its addresses that is not left alone; nil when all are.
    @inline(never)
    func usableURL(_ now: Instant) -> Int? {
        for place in 0..<urlCount where health[place].restsUntil <= now { return place }
        return nil
    }

    /// An address answered; true when it had been left alone.
    mutating func noteAnswer(_ place: Int) -> Bool {
        defer { health[place] = UpstreamHealth() }
        return health[place].rests > 0
    }

    /// Nothing usable came from an address. It is left alone for a while, the longer the more often that was so.
    ///
    /// - Parameter isDown: Nobody could have been answered; else it takes three in a row.
    /// - Returns: Seconds that it is left alone; 0 when it is not.
    mutating func noteFailure(_ place: Int, isDown: Bool, _ now: Instant) -> UInt64 {
        // Others that were under way to it when it was left alone say nothing new.
        guard health[place].restsUntil <= now else { return 0 }
        if health[place].failures < 3 { health[place].failures += 1 }
        guard isDown || health[place].failures >= 3 else { return 0 }
        let seconds = UInt64(1) << UInt64(health[place].rests)
        if health[place].rests < 6 { health[place].rests += 1 }
        health[place].failures = 0
        health[place].restsUntil = now.adding(seconds: min(seconds, 60))
        return min(seconds, 60)
    }
}

/// How it is with one address of an upstream.
private struct UpstreamHealth: BitwiseCopyable, Sendable {
    /// Failures in a row.
    var failures: UInt8 = 0
    /// How often it was left alone, one time after the other.
    var rests: UInt8 = 0
    var restsUntil = Instant(milliseconds: 0)
}
