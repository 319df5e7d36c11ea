import CLibC
import Files
import IMPSEngine
import Octets

/// Tells whoever supervises this process that it is ready, works and ends: systemd over its socket, and a watchdog
/// device, which resets the board when nobody feeds it.
struct Watchdog: ~Copyable {
    private let notify: Int32
    private var device: Int32 = -1
    /// Seconds that the device waits.
    private(set) var deviceSeconds = 0
    /// Milliseconds between two meals: half of what the most impatient waits; nil when nobody does.
    let interval: UInt64?

    /// - Parameter path: The device; empty for none.
    init(device path: Span<UInt8>) {
        notify = libc_open_notify()
        var least = notify < 0 ? 0 : libc_watchdog_microseconds() / 1000
        if path.count > 0 {
            device = unsafe File.withPath(path) { unsafe libc_open($0, O_WRONLY, 0) }
            deviceSeconds = device < 0 ? 0 : Int(libc_watchdog_timeout(device))
            // A device that does not tell is taken for one of a minute.
            let milliseconds = UInt64(deviceSeconds > 0 ? deviceSeconds : 60) * 1000
            if device >= 0 { least = least == 0 ? milliseconds : min(least, milliseconds) }
        }
        interval = least == 0 ? nil : max(200, least / 2)
    }

    /// True when there is a device that is fed.
    var hasDevice: Bool { device >= 0 }

    /// Says that requests are accepted.
    func ready() { tell("READY=1") }

    /// Says that a whole turn of the loop went well.
    func feed() {
        tell("WATCHDOG=1")
        write("1")
    }

    /// Says that the process ends as it should; the device stops then.
    func end() {
        tell("STOPPING=1")
        // The letter that drivers take as a farewell.
        write("V")
    }

    private func tell(_ words: StaticString) {
        guard notify >= 0 else { return }
        _ = unsafe words.octets.withUnsafeBufferPointer { unsafe libc_send(notify, $0.baseAddress, UInt($0.count)) }
    }

    private func write(_ letter: StaticString) {
        guard device >= 0 else { return }
        _ = unsafe letter.octets.withUnsafeBufferPointer { unsafe CLibC.write(device, $0.baseAddress, $0.count) }
    }
}
