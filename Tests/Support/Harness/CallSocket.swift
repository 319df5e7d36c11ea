import Foundation

/// A socket on which datagrams arrive.
public final class CallSocket: @unchecked Sendable {
    private let descriptor: Int32
    /// The port that it got.
    public let port: UInt16

    /// - Parameters:
    ///   - host: The last octet of its address, 127.0.0.host.
    ///   - port: 0 for any that is free.
    public init(host: UInt32 = 1, port wanted: UInt16 = 0) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0000 + host).bigEndian
        address.sin_port = wanted.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard code == 0 else { throw HarnessError("bind: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// The next datagram as text; nil when none comes in time.
    public func receive(seconds: Double = 10) -> String? {
        receiveOctets(seconds: seconds).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The next datagram; nil when none comes in time.
    public func receiveOctets(seconds: Double = 10) -> [UInt8]? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000 * Programs.slowness)) == 1 else { return nil }
        var octets = [UInt8](repeating: 0, count: 2000)
        let count = recv(descriptor, &octets, octets.count, 0)
        return count < 0 ? nil : Array(octets[0..<count])
    }
}
