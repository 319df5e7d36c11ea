import Octets
import Transport

/// Where a server is: `http://host:port/path`, or by https; without either it is the first.
struct ServerAddress {
    var host = InlineBytes<200>()
    var port = InlineBytes<8>()
    var path = InlineBytes<512>()
    /// By TLS.
    var isSealed = false
    private var target: Target?

    /// Takes a URL apart; false when it is none.
    mutating func read(_ url: Span<UInt8>) -> Bool {
        var text = Memory.buffer(1024)
        if !url.contains("://") { text.append("http://") }
        text.append(url)
        guard !text.isOverflowed, let target = Target(text.span) else { return false }
        self.target = target
        host = InlineBytes(prefix: target.host.span)
        port = InlineBytes(prefix: Decimal.digits(of: UInt64(target.port)).span)
        path = target.path
        isSealed = target.isSealed
        return true
    }

    /// Adds what the field Host says.
    func writeHost(into octets: inout FixedBytes) { target?.writeHost(into: &octets) }
}
