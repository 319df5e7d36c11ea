import Octets

/// Where a request of ours goes: what an address by `http:` or `https:` says.
public struct Target: BitwiseCopyable, Sendable {
    /// By TLS.
    public let isSealed: Bool
    /// The name or the numeric address, without brackets.
    public let host: InlineBytes<128>
    /// The port.
    public let port: UInt16
    /// The path with what follows it.
    public let path: InlineBytes<512>

    /// Nowhere.
    public static var none: Target { Target() }

    /// Whether a connection to one is a connection to the other.
    func isSamePlace(as other: Target) -> Bool {
        isSealed == other.isSealed && port == other.port && host.span.equals(other.host.span)
    }

    private init() {
        isSealed = false
        host = InlineBytes()
        port = 0
        path = InlineBytes()
    }

    /// What a URL names: `http://host`, a port and a path if it has them; nil for anything else, and with a name or password
    /// in it.
    public init?(_ url: Span<UInt8>) {
        let isSealed = url.count > 8 && url.extracting(0..<8).equalsIgnoringCase("https://")
        guard isSealed || url.count > 7 && url.extracting(0..<7).equalsIgnoringCase("http://") else { return nil }
        let rest = url.extracting((isSealed ? 8 : 7)..<url.count)
        let end = rest.firstIndex(of: 0x2F) ?? rest.count
        let authority = rest.extracting(0..<end)
        for index in url.indices where url[index] <= 0x20 || url[index] >= 0x7F { return nil }
        guard authority.count > 0, authority.firstIndex(of: 0x40) == nil else { return nil }
        var hostEnd = authority.firstIndex(of: 0x3A) ?? authority.count
        var hostStart = 0
        if authority[0] == 0x5B {
            guard let bracket = authority.firstIndex(of: 0x5D) else { return nil }
            (hostStart, hostEnd) = (1, bracket)
        }
        let portStart = hostStart + hostEnd
        var port: UInt64 = isSealed ? 443 : 80
        if portStart < authority.count {
            guard authority[portStart] == 0x3A,
                let number = Decimal.parse(authority.extracting(portStart + 1..<authority.count)),
                (1...65_535).contains(number)
            else { return nil }
            port = number
        }
        let slash: StaticString = "/"
        guard hostEnd > hostStart, let host = InlineBytes<128>(authority.extracting(hostStart..<hostEnd)),
            let path = InlineBytes<512>(end == rest.count ? slash.octets : rest.extracting(end..<rest.count))
        else { return nil }
        self.isSealed = isSealed
        self.host = host
        self.port = UInt16(port)
        self.path = path
    }

    /// Adds what the field Host says.
    public func writeHost(into octets: inout FixedBytes) {
        let isVersion6 = host.span.firstIndex(of: 0x3A) != nil
        if isVersion6 { octets.append(0x5B) }
        octets.append(host.span)
        if isVersion6 { octets.append(0x5D) }
        guard port != (isSealed ? 443 : 80) else { return }
        octets.append(0x3A)
        octets.append(decimal: UInt64(port))
    }
}
