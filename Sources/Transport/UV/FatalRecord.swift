import CLibC
import CUV
import IMPSEngine
import Octets

/// Says on standard error why the process ends, when a broken invariant leaves nothing else to do.
public enum FatalRecord {
    /// Has every broken invariant written as a record of the log.
    public static func install(_ clock: Clock) {
        unsafe FatalRecord.clock = clock
        unsafe LastWords.hook = { text, count in
            var line = FixedBytes(Memory.octets(240))
            line.append("up=")
            let now = unsafe FatalRecord.clock.now.milliseconds
            line.append(decimal: now / 1000)
            line.append(0x2E)
            line.append(decimal: now % 1000, width: 3)
            line.append(" E FATAL why=\"")
            unsafe line.append(Span(_unsafeStart: text, count: count))
            line.append("\"\n")
            unsafe line.span.withUnsafeBufferPointer { unsafe libc_write_error($0.baseAddress, UInt($0.count)) }
        }
    }

    nonisolated(unsafe) private static var clock = Clock()
}
