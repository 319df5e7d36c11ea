import Octets

/// What a browser says of the page that a request comes from. Handsets say nothing.
enum Origin {
    /// Whether the page is this server's own, reached by a numeric address, as localhost, or by the name that the operator
    /// gave it.
    ///
    /// Any other page may belong to anybody, and so may any other name: whoever owns a name can let it point to this
    /// machine while his page is open.
    ///
    /// - Parameter page: That name; empty for none.
    static func isOwn(_ origin: Span<UInt8>, host: Span<UInt8>, page: Span<UInt8>) -> Bool {
        let scheme: StaticString = origin.starts(with: "https://") ? "https://" : "http://"
        guard origin.starts(with: scheme) else { return false }
        let name = origin.extracting(scheme.utf8CodeUnitCount..<origin.count)
        guard name.equalsIgnoringCase(host) else { return false }
        let ownName = name.extracting(0..<(name.firstIndex(of: 0x3A) ?? name.count))
        return isNumericOrLocal(name) || page.count > 0 && ownName.equalsIgnoringCase(page)
    }

    private static func isNumericOrLocal(_ host: Span<UInt8>) -> Bool {
        if host.count > 0, host[0] == 0x5B { return true }
        let name = host.extracting(0..<(host.firstIndex(of: 0x3A) ?? host.count))
        if name.equalsIgnoringCase("localhost") { return true }
        // A name of digits and points alone is no name.
        for index in name.indices where !name[index].isASCIIDigit && name[index] != 0x2E { return false }
        return name.count > 0
    }
}
