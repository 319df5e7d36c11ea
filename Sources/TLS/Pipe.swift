import CMbedTLS
import Octets

/// Where the library finds octets of the peer and leaves octets for it. One serves all connections, which take turns.
@safe
struct Pipe: ~Copyable {
    /// What came from the peer and was not read yet.
    private var input: UnsafeBufferPointer<UInt8>
    /// What is to be sent to the peer.
    var output: FixedBytes

    init(output: consuming FixedBytes) {
        unsafe input = UnsafeBufferPointer(start: nil, count: 0)
        self.output = output
    }

    /// Lends what came from a peer. It has to stay where it is until `takeBack`.
    mutating func lend(_ octets: UnsafeBufferPointer<UInt8>) { unsafe input = octets }

    /// Forgets what was lent; how many octets nobody read.
    mutating func takeBack() -> Int {
        let count = unsafe input.count
        unsafe input = UnsafeBufferPointer(start: nil, count: 0)
        return count
    }

    fileprivate mutating func read(into target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int32 {
        let taken = unsafe min(count, input.count)
        guard taken > 0, let start = unsafe input.baseAddress else { return MBEDTLS_ERR_SSL_WANT_READ }
        unsafe target.update(from: start, count: taken)
        unsafe input = UnsafeBufferPointer(start: start + taken, count: input.count - taken)
        return Int32(taken)
    }

    fileprivate mutating func write(_ octets: UnsafeBufferPointer<UInt8>) -> Int32 {
        unsafe output.append(Span(_unsafeElements: octets))
        return output.isOverflowed ? MBEDTLS_ERR_SSL_ALLOC_FAILED : Int32(octets.count)
    }

    /// Has a connection of the library read and write here.
    static func connect(_ ssl: UnsafeMutablePointer<mbedtls_ssl_context>, to pipe: UnsafeMutablePointer<Pipe>) {
        unsafe mbedtls_ssl_set_bio(
            ssl, pipe,
            { pipe, octets, count in
                guard let pipe = unsafe pipe else { return MBEDTLS_ERR_SSL_BAD_INPUT_DATA }
                return unsafe pipe.assumingMemoryBound(to: Pipe.self).pointee.write(
                    UnsafeBufferPointer(start: octets, count: count))
            },
            { pipe, target, count in
                guard let pipe = unsafe pipe, let target = unsafe target else { return MBEDTLS_ERR_SSL_BAD_INPUT_DATA }
                return unsafe pipe.assumingMemoryBound(to: Pipe.self).pointee.read(into: target, count)
            }, nil)
    }
}
