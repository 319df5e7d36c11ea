import CLibC
import IMPSEngine
import Octets
import Setup
import Store
import Transport
import Wire

/// What is told of the process: `status`, and the same for who gathers figures.
extension Service {
    /// What `status` says, for who gathers figures; nothing ends it.
    func writeMetrics(
        _ pools: borrowing PoolTable, _ turn: inout Turn, into output: inout FixedBytes
    ) -> ControlProgress {
        writer.output.removeAll()
        writeStatus(pools, &turn, into: &writer.output)
        engine.writeStatus(&turn, into: &writer.output)
        Metrics.write(writer.output, into: &output)
        return .done
    }

    /// What is known of the process and its memory; the engine adds its own.
    func writeStatus(_ pools: borrowing PoolTable, _ turn: inout Turn, into output: inout FixedBytes) {
        output.field("version", Release.version.octets)
        output.field("pid", UInt64(getpid()))
        output.field("last_exit", lastExit.why.octets)
        output.field("mode", folder.mode.name.octets)
        output.field("confined_calls", confinement.calls.name.octets)
        output.field("confined_places", confinement.places.name.octets)
        output.field("written_kb", wear.total / 1024)
        output.field("written_kb_day", wear.ofDay(turn.now) / 1024)
        output.field("flash_budget_kb_day", flashBudget / 1024)
        output.field("volume_kb", volumeByteCount / 1024)
        output.field("cpu_us", libc_cpu_microseconds())
        output.field("heap_bytes", UInt64(libc_heap_bytes()))
        if let resident = ResidentMemory() {
            output.field("own_kb", resident.own)
            output.field("map_kb", resident.map)
            output.field("program_kb", resident.program)
        }
        let facts = engine.store.facts
        output.field("commits", facts.commitCount)
        output.field("store_commits", facts.storeCommitCount)
        output.field("commits_failed", facts.failedCommitCount)
        output.field("commit_ms_most", slowestCommit)
        output.field("changes", facts.changeCount)
        output.field("page_bytes", facts.pageByteCount)
        output.field("log_bytes", facts.logByteCount)
        output.field("log_bytes_max", facts.logByteCountMax)
        output.field("pages", facts.pageCount)
        output.field("pages_max", facts.pageCountMax)
        output.endRecord()
        for index in 0..<pools.count {
            var pool = pools[index]
            count(&pool)
            guard pool.isCounted else { continue }
            output.field("pool", pool.name.octets)
            output.field("count", UInt64(pool.count))
            output.field("bytes", UInt64(pool.byteCount))
            output.field("used", UInt64(pool.used))
            output.field("most", UInt64(pool.most))
            output.field("refused", pool.refused)
            output.endRecord()
        }
        output.field("record", ("memory" as StaticString).octets)
        for index in 0..<pools.count {
            var pool = pools[index]
            count(&pool)
            if !pool.isCounted { output.field(pool.name, UInt64(pool.count * pool.byteCount)) }
        }
        output.endRecord()
    }
}
