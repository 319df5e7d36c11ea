import IMPSEngine
import Octets
import Store
import Transport

/// What becomes of the store at the end of a turn, and of its copy.
extension Service {
    /// - Parameter settles: The store itself gets everything, else the log is enough.
    func makeDurable(_ turn: inout Turn, settles: Bool) -> StoreError? {
        if engine.store.hasDamage { engine.setAsideDamage(&turn) }
        let isChanged = settles ? !engine.store.isSettled : engine.store.isChanged
        let start = clock.now
        do throws(StoreError) {
            if settles { try engine.store.settle() } else { try engine.store.commit() }
        } catch {
            if settles { settlesAt = nil }
            engine.reload(&turn)
            noteRoom(&turn)
            noteDamage(error, &turn)
            return error
        }
        if isChanged {
            damageCount = 0
            noteDuration(clock.now.milliseconds - start.milliseconds, &turn)
            noteChange(&turn)
        }
        if !engine.store.hasRoom, !isChanged, turn.now >= looksAt {
            looksAt = turn.now.adding(seconds: 1)
            engine.store.lookForRoom()
        }
        noteRoom(&turn)
        return nil
    }

    /// How long nothing changes before the store gets what is in its log: a commit of the store writes many pages, and
    /// what is worth one waits for company.
    private static var quietSeconds: UInt64 { 600 }

    /// Counts what was written to the volume; a store in memory is to be copied there some time.
    private func noteChange(_ turn: inout Turn) {
        if folder.mode == .memory {
            checkpointsAt = checkpointsAt ?? turn.now.adding(seconds: checkpointHours * 3600)
        } else {
            settlesAt = engine.store.isSettled ? nil : turn.now.adding(seconds: Service.quietSeconds)
        }
        let written = engine.store.facts.writtenByteCount
        noteWear(written - countedByteCount, &turn)
        countedByteCount = written
    }

    func noteWear(_ byteCount: UInt64, _ turn: inout Turn) {
        wear.add(byteCount, turn.now)
        guard wear.exceeds(flashBudget, turn.now), turn.journal.begin(.flashBudget, turn.now, turn.wall) else { return }
        turn.journal.number("mb_day", wear.ofDay(turn.now) >> 20)
        turn.journal.number("budget", flashBudget >> 20)
        turn.journal.sentence("means", "the flash wears faster than planned; batch_ms makes commits fewer")
        turn.journal.end()
    }

    /// What cannot be confirmed goes out again and again. So when LMDB can do nothing with its pages, the engine ends, and the
    /// next start mends the store; where that has just been done, it stays.
    private func noteDamage(_ error: StoreError, _ turn: inout Turn) {
        guard error.isDamage, case .failed(let code) = error else { return }
        damageCount += 1
        guard isUnusable, damageCount == Service.damageCountMax else { return }
        FatalRecord.leave(.storeFail, number: UInt64(code.magnitude))
        guard turn.journal.begin(.storeFail, turn.now, turn.wall) else { return }
        turn.journal.number("code", UInt64(code.magnitude))
        turn.journal.word("ends", "yes")
        turn.journal.end()
    }

    private func noteRoom(_ turn: inout Turn) {
        let hasRoom = engine.store.hasRoom
        guard hasRoom != hadRoom else { return }
        hadRoom = hasRoom
        guard turn.journal.begin(hasRoom ? .storeRoom : .storeFull, turn.now, turn.wall) else { return }
        turn.journal.number("pages", engine.store.facts.pageCount)
        turn.journal.number("of", engine.store.facts.pageCountMax)
        turn.journal.sentence("means", hasRoom ? "messages are accepted again" : "new messages are refused with 507")
        turn.journal.end()
    }

    private func noteDuration(_ milliseconds: UInt64, _ turn: inout Turn) {
        slowestCommit = max(slowestCommit, milliseconds)
        guard milliseconds > 250, turn.journal.begin(.storeSlow, turn.now, turn.wall) else { return }
        turn.journal.number("ms", milliseconds)
        turn.journal.end()
    }

    /// Copies the store in memory to the volume; when that fails, it is tried again in an hour.
    func checkpoint(_ turn: inout Turn) -> StoreError? {
        // A copy is one of what the store itself has.
        makeDurable(&turn, settles: true) ?? copy(&turn)
    }

    func copy(_ turn: inout Turn) -> StoreError? {
        let start = clock.now
        do throws(StoreError) {
            let byteCount = try folder.checkpoint(&engine.store)
            checkpointsAt = nil
            copyFailed = false
            noteWear(byteCount, &turn)
            if turn.journal.begin(.checkpoint, turn.now, turn.wall) {
                turn.journal.number("kb", (byteCount + 1023) / 1024)
                turn.journal.number("ms", clock.now.milliseconds - start.milliseconds)
                turn.journal.end()
            }
            return nil
        } catch {
            checkpointsAt = turn.now.adding(seconds: 3600)
            copyFailed = true
            if turn.journal.begin(.checkpoint, turn.now, turn.wall) {
                turn.journal.sentence("why", "the copy could not be written; the one before is still there")
                if case .failed(let code) = error { turn.journal.number("code", UInt64(code.magnitude)) }
                turn.journal.end()
            }
            return error
        }
    }
}
