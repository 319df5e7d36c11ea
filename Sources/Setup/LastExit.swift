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
    /// How many processes have died so, one soon after the other; 0 when the last one did not.
    public private(set) var deaths = 0
    /// It ended because it could not work with the store.
    private var blamesStore = false

    /// It is not known.
    public init() {}

    /// What the file of the last words tells, which is taken away; the store has not been asked yet.
    ///
    /// - Parameter path: Where a fatal record was left.
    public init(recordAt path: File.Path) {
        var text = Memory.buffer(FatalRecord.byteCountMax + 3)
        // Others may put files there too.
        if File.kind(of: path.span) == .own {
            do throws(File.Failure) {
                try File.read(path.span, into: &text)
            } catch {}
        }
        File.remove(path.span)
        let end = text.span.firstIndex(of: 0x0A) ?? text.count
        guard end > 2, text.span[0] >= UInt8(ascii: "0"), text.span[0] <= UInt8(ascii: "9") else { return }
        record = InlineBytes(text.span(2..<end)) ?? InlineBytes()
        deaths = Int(text.span[0] - UInt8(ascii: "0"))
        blamesStore = deaths == 0
    }

    /// The store is left for another one before anything is done with it: the last process could not work with it, or it was
    /// the second one in a row that died. That a third one dies says that the store was not to blame.
    public var wantsMending: Bool { blamesStore || deaths == 2 }

    /// Takes what the store says, too.
    ///
    /// - Parameter run: How the process before ended, by the store.
    public mutating func take(_ run: PreviousRun) {
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
