import CLibC
import CUV
import IMPSEngine
import Octets

/// The clocks and the randomness of the system, which nobody else asks.
public struct Clock: Sendable {
    private let start: UInt64

    /// A clock that begins now.
    public init() {
        start = uv_hrtime()
    }

    /// The moment, counted from the start.
    public var now: Instant { Instant(milliseconds: (uv_hrtime() - start) / 1_000_000) }

    /// What the wall clock shows.
    ///
    /// - Parameter isTrusted: nil asks the kernel whether the clock is synchronised.
    public func wall(isTrusted: Bool?) -> WallTime {
        WallTime(
            secondsSince1970: libc_seconds_since_1970(),
            isTrusted: isTrusted ?? (libc_clock_is_synchronised() != 0))
    }

    /// Microseconds that only go forward, from some time on.
    public static var microseconds: UInt64 { uv_hrtime() / 1000 }

    /// Fresh random octets for a request.
    public static func entropy() -> Entropy { Entropy(random()) }

    /// A fresh device key.
    public static func randomKey() -> InlineArray<32, UInt8> { random() }

    /// Waits for the system's generator, which may take a moment after a cold start.
    private static func random<let count: Int>() -> InlineArray<count, UInt8> {
        var octets = InlineArray<count, UInt8>(repeating: 0)
        var span = octets.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { buffer in
            var count = 0
            while count < buffer.count {
                let got = unsafe getrandom(buffer.baseAddress?.advanced(by: count), buffer.count - count, 0)
                if got > 0 { count += got }
            }
        }
        return octets
    }
}
