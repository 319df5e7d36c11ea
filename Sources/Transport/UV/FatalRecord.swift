import CLibC
import CUV
import Files
import IMPSEngine
import Octets

/// Says why the process ends when a defect leaves nothing else to do: on standard error, and in a file of the runtime
/// folder, where the next start finds it.
///
/// Everything here has to work in a handler of a fatal signal: memory is taken when it is installed, and only `open`,
/// `write` and `close` are called.
public enum FatalRecord {
    /// Octets of the longest record.
    public static var byteCountMax: Int { 240 }
    private static var stackByteCount: Int { 65_536 }

    /// Has every broken invariant and every fatal signal written as a record of the log.
    public static func install(_ clock: Clock) {
        unsafe FatalRecord.clock = clock
        unsafe line.removeAll()
        unsafe LastWords.hook = { text, count in
            FatalRecord.begin()
            unsafe FatalRecord.line.append("why=\"")
            unsafe FatalRecord.line.append(Span(_unsafeStart: text, count: count))
            unsafe FatalRecord.line.append("\" ")
            FatalRecord.end()
        }
        unsafe libc_catch_fatal(Memory.zeros(stackByteCount), UInt(stackByteCount)) { number, place, address in
            // A broken invariant has said why it ends with this signal.
            guard unsafe !FatalRecord.isSaid else { return }
            FatalRecord.begin()
            unsafe FatalRecord.line.append("signal=")
            unsafe FatalRecord.line.append(FatalRecord.name(number))
            unsafe FatalRecord.line.append(" pc=0x")
            unsafe FatalRecord.line.append(hexadecimal: UInt64(place))
            unsafe FatalRecord.line.append(" address=0x")
            unsafe FatalRecord.line.append(hexadecimal: UInt64(address))
            unsafe FatalRecord.line.append(0x20)
            FatalRecord.end()
        }
    }

    /// Has the record kept in a file, behind the number of processes that have died by now, one soon after the other.
    ///
    /// - Parameter deaths: How many did before this one.
    public static func keep(at path: File.Path, deaths: Int) {
        unsafe FatalRecord.path = path
        unsafe FatalRecord.deaths = deaths
    }

    /// Leaves a record there for the next start, of a store that this process cannot go on with.
    ///
    /// - Parameters:
    ///   - code: The record's code, as in the log.
    ///   - number: Goes with it.
    public static func leave(_ code: LogCode, number: UInt64) {
        unsafe line.removeAll()
        appendTime()
        unsafe line.append(" E ")
        unsafe line.append(code.name)
        unsafe line.append(" code=")
        unsafe line.append(decimal: number)
        unsafe line.append(0x0A)
        // No death.
        writeFile(deaths: 0)
    }

    private static func begin() {
        unsafe isSaid = true
        unsafe line.removeAll()
        appendTime()
        unsafe line.append(" E FATAL ")
    }

    private static func appendTime() {
        unsafe line.append("up=")
        let now = unsafe clock.now.milliseconds
        unsafe line.append(decimal: now / 1000)
        unsafe line.append(0x2E)
        unsafe line.append(decimal: now % 1000, width: 3)
    }

    private static func end() {
        unsafe line.append("build=")
        unsafe line.append(build.text.span)
        unsafe line.append(0x0A)
        unsafe line.span.withUnsafeBufferPointer { unsafe libc_write_error($0.baseAddress, UInt($0.count)) }
        let before = unsafe clock.now.milliseconds < seriesMilliseconds ? deaths : 0
        writeFile(deaths: min(before + 1, 9))
    }

    /// How long a process lives that does not die soon after the one before.
    private static var seriesMilliseconds: UInt64 { 3_600_000 }

    private static func writeFile(deaths: Int) {
        guard unsafe !path.isEmpty else { return }
        var count = InlineBytes<2>()
        _ = count.append(UInt8(ascii: "0") + UInt8(deaths))
        _ = count.append(0x20)
        do throws(File.Failure) {
            let descriptor = try unsafe File.openNew(path.span)
            defer { _ = close(descriptor) }
            try File.write(descriptor, count.span)
            try unsafe File.write(descriptor, line.span)
        } catch {}
    }

    private static func name(_ number: Int32) -> StaticString {
        switch number {
        case SIGSEGV: return "SIGSEGV"
        case SIGBUS: return "SIGBUS"
        case SIGILL: return "SIGILL"
        case SIGTRAP: return "SIGTRAP"
        case SIGFPE: return "SIGFPE"
        default: return "SIGABRT"
        }
    }

    nonisolated(unsafe) private static var clock = Clock()
    nonisolated(unsafe) private static var line = Memory.buffer(byteCountMax)
    nonisolated(unsafe) private static var path = File.Path()
    nonisolated(unsafe) private static var deaths = 0
    nonisolated(unsafe) private static var isSaid = false
    nonisolated(unsafe) private static var build = BuildID()
}

/// The identity of this build; the symbols of its files are named after it.
public struct BuildID: Sendable {
    /// In hexadecimal; empty when the linker gave none.
    public private(set) var text = InlineBytes<40>()

    /// Reads it from the program in memory.
    public init() {
        var octets = InlineArray<20, UInt8>(repeating: 0)
        var span = octets.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe libc_build_id(buffer.baseAddress, UInt(buffer.count))
        }
        for index in 0..<Int(count) {
            _ = text.append(Hexadecimal.digit(octets[index] >> 4))
            _ = text.append(Hexadecimal.digit(octets[index]))
        }
    }
}
