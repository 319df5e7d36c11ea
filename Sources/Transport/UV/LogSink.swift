import CLibC
import IMPSEngine
import Octets

/// Takes the records of the journal out of the process: to standard error, and to the system's log when wanted.
public struct LogSink: ~Copyable {
    private var line: FixedBytes
    private var syslog: Int32 = -1
    private let usesSyslog: Bool

    /// A sink for standard error.
    ///
    /// - Parameter usesSyslog: Whether `/dev/log` gets the records too; when nobody listens there they are only lost
    ///   there.
    public init(usesSyslog: Bool) {
        line = Memory.buffer(Journal.recordByteCountMax + 16)
        self.usesSyslog = usesSyslog
    }

    /// Writes out what the journal has got since the last time.
    public mutating func drain(_ journal: inout Journal) {
        while let number = journal.takeNext() {
            if usesSyslog { sendToSyslog(journal, number) }
            line.removeAll()
            line.append(journal.record(number))
            line.append(0x0A)
            unsafe line.span.withUnsafeBufferPointer { buffer in
                unsafe libc_write_error(buffer.baseAddress, UInt(buffer.count))
            }
        }
    }

    private mutating func sendToSyslog(_ journal: borrowing Journal, _ number: UInt64) {
        if syslog < 0 { syslog = libc_open_syslog() }
        guard syslog >= 0 else { return }
        line.removeAll()
        // Facility daemon (3), and the level of the record.
        line.append(0x3C)
        line.append(decimal: UInt64(3 << 3 | journal.level(of: number)))
        line.append(">imps: ")
        line.append(journal.record(number))
        let sent = unsafe line.span.withUnsafeBufferPointer { buffer in
            unsafe libc_send(syslog, buffer.baseAddress, UInt(buffer.count))
        }
        if sent < 0 {
            close(syslog)
            syslog = -1
        }
    }
}
