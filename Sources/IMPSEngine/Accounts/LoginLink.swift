import Digests
import Octets

/// Links that log in, kept as hashes: who reads the store cannot use them. Each holds once, for one user, for a time.
///
/// Source: protocol/system-message.md §6.2 (OM-16).
struct LoginLinks {
    /// Links of one user that hold at once; one more ends the oldest.
    @_transparent static var countMax: Int { 4 }
    /// What a password that is a link begins with.
    static var prefix: StaticString { "link:" }

    struct Link: BitwiseCopyable {
        var hash = InlineBytes<32>()
        /// Seconds since 1970.
        var expires: UInt64 = 0
    }

    private var links = InlineArray<4, Link>(repeating: Link())
    private(set) var count = 0

    init() {}

    init(_ record: Span<UInt8>) {
        var reader = RecordReader(record)
        while !reader.isAtEnd, count < LoginLinks.countMax {
            var link = Link()
            link.expires = reader.integer()
            link.hash = reader.counted()
            guard !reader.isBroken else { return }
            links[count] = link
            count += 1
        }
    }

    func write(into record: inout FixedBytes) {
        for index in 0..<count {
            record.append(bigEndian: links[index].expires)
            record.append(counted: links[index].hash.span)
        }
    }

    mutating func add(_ link: Link) {
        if count == LoginLinks.countMax { remove(0) }
        links[count] = link
        count += 1
    }

    private mutating func remove(_ place: Int) {
        for index in place..<count - 1 { links[index] = links[index + 1] }
        count -= 1
    }

    /// Takes out the link with this hash; false when there is none that still holds.
    mutating func take(_ hash: InlineBytes<32>, _ wall: WallTime) -> Bool {
        for index in 0..<count where equalsInConstantTime(links[index].hash.span, hash.span) {
            let holds = !wall.isTrusted || links[index].expires > wall.secondsSince1970
            remove(index)
            return holds
        }
        return false
    }
}

extension Records where Port: ~Copyable {
    private func links(of user: UInt32) -> LoginLinks {
        let key = Key.loginLinks(user)
        guard let record = store.value(for: key.span) else { return LoginLinks() }
        return LoginLinks(record)
    }

    private mutating func store(_ links: LoginLinks, of user: UInt32) {
        guard links.count > 0 else {
            removeLinks(of: user)
            return
        }
        scratch.removeAll()
        links.write(into: &scratch)
        store.put(Key.loginLinks(user).span, scratch)
    }

    /// A new link of a user: 32 hexadecimal digits that nobody can guess.
    mutating func addLink(for user: UInt32, _ turn: inout Turn) -> InlineBytes<32> {
        let octets: InlineArray<16, UInt8> = turn.entropy.take()
        var digits = InlineBytes<32>()
        for index in octets.indices {
            _ = digits.append(Hexadecimal.digit(octets[index] >> 4))
            _ = digits.append(Hexadecimal.digit(octets[index]))
        }
        var links = links(of: user)
        var link = LoginLinks.Link()
        link.hash = DigestAlgorithm.sha256.digest(digits.span)
        link.expires = turn.wall.secondsSince1970 + settings.linkSeconds
        links.add(link)
        store(links, of: user)
        return digits
    }

    /// Whether a password is a link of a user that still holds; it does not any more.
    mutating func takeLink(_ password: Span<UInt8>, of user: UInt32, _ wall: WallTime) -> Bool {
        let prefix = LoginLinks.prefix
        guard password.starts(with: prefix) else { return false }
        var links = links(of: user)
        let count = links.count
        let hash = DigestAlgorithm.sha256.digest(password.extracting(prefix.utf8CodeUnitCount..<password.count))
        let holds = links.take(hash, wall)
        if links.count != count { store(links, of: user) }
        return holds
    }

    /// No link of a user holds any more.
    mutating func removeLinks(of user: UInt32) { store.delete(Key.loginLinks(user).span) }
}
