import CLibC
import Files
import IMPSEngine
import Octets
import Setup
import Store
import Transport
import Wire

/// A dump of the store to the volume every some hours, for when nothing of the store can be read: `dump_hours`.
struct ScheduledDump: ~Copyable {
    private var hours: UInt64
    /// When the next part of it is due; nil without dumps.
    private(set) var at: Instant?
    /// How far it is.
    var command = ControlCommand(line: Memory.buffer(1))
    /// The file that is being written; negative for none.
    var descriptor: Int32 = -1
    var byteCount: UInt64 = 0
    /// Changes of the store when the last one began: without others there is nothing to write.
    var changeCount: UInt64 = 0

    init(hours: UInt32, _ now: Instant) {
        self.hours = UInt64(hours)
        at = hours > 0 ? now.adding(seconds: self.hours * 3600) : nil
    }

    /// Takes another configuration.
    mutating func set(hours: UInt32, _ now: Instant) {
        guard UInt64(hours) != self.hours else { return }
        self.hours = UInt64(hours)
        end(now)
    }

    /// The next part is written when the others had their turn.
    mutating func goOn(_ now: Instant) { at = now.adding(milliseconds: 1) }

    /// This one is over.
    mutating func end(_ now: Instant) {
        if descriptor >= 0 { File.close(descriptor) }
        descriptor = -1
        at = hours > 0 ? now.adding(seconds: hours * 3600) : nil
    }
}

extension Service {
    private var newDump: File.Path { File.path(folder.path.span, "/store.dump.new") }

    /// Begins a dump, or writes its next part: whole or not at all, and in parts so that nobody waits.
    func dumpOn(_ turn: inout Turn) {
        do throws(File.Failure) {
            if dump.descriptor < 0 {
                guard engine.store.changeCount != dump.changeCount else { return dump.end(turn.now) }
                dump.descriptor = try File.openNew(newDump.span)
                File.giveToOwner(dump.descriptor, of: folder.path.span)
                dump.changeCount = engine.store.changeCount
                dump.byteCount = 0
                dump.command.reset()
            }
            writer.output.removeAll()
            let progress = engine.dump(&dump.command, into: &writer.output)
            try File.write(dump.descriptor, writer.output.span)
            dump.byteCount += UInt64(writer.output.count)
            writer.output.wipe()
            guard case .done = progress else { return dump.goOn(turn.now) }
            guard fsync(dump.descriptor) == 0 else { throw .failed(libc_errno()) }
            try File.replace(folder.dump.span, by: newDump.span, in: folder.path.span)
            tellDump(nil, &turn)
        } catch {
            File.remove(newDump.span)
            tellDump(error, &turn)
        }
        dump.end(turn.now)
    }

    private func tellDump(_ failure: File.Failure?, _ turn: inout Turn) {
        noteWear(dump.byteCount, &turn)
        guard turn.journal.begin(.storeDump, turn.now, turn.wall) else { return }
        turn.journal.number("kb", (dump.byteCount + 1023) / 1024)
        if let failure {
            turn.journal.sentence("why", "the dump could not be written; the one before is still there")
            if case .failed(let code) = failure { turn.journal.number("code", UInt64(code.magnitude)) }
        }
        turn.journal.end()
    }
}
