import Files
import IMPSEngine
import Octets
import Transport

/// How the process before this one ended, as the next start tells it.
public struct LastExit: Sendable {
    /// One word.
    public var why: StaticString = "none"
    /// What it said itself, when it was a defect.
    public var record = InlineBytes<240>()

    /// It is not known.
    public init() {}

    /// What the store and the file of the last words tell; the file is taken away.
    ///
    /// - Parameters:
    ///   - run: What the store says.
    ///   - path: Where a fatal record was left.
    public init(_ run: PreviousRun, recordAt path: File.Path) {
        var text = Memory.buffer(FatalRecord.byteCountMax + 1)
        do throws(File.Failure) {
            try File.read(path.span, into: &text)
        } catch {}
        File.remove(path.span)
        let end = text.span.firstIndex(of: 0x0A) ?? text.count
        record = InlineBytes(text.span(0..<end)) ?? InlineBytes()
        switch run {
        case .ended: why = record.isEmpty ? "ended" : "defect"
        case .died: why = record.isEmpty ? "killed" : "defect"
        case .powerCut: why = "power-cut"
        }
    }
}

/// What the kernel calls the time since it started; empty when it does not tell.
public func bootID() -> InlineBytes<40> {
    var text = Memory.buffer(64)
    let path: StaticString = "/proc/sys/kernel/random/boot_id"
    do throws(File.Failure) {
        try File.read(path.octets, into: &text)
    } catch {
        return InlineBytes()
    }
    return InlineBytes(text.span.trimmed()) ?? InlineBytes()
}
