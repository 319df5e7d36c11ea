import CLibC
import Configuration
import Files
import Octets
import Setup
import Store
import Transport

/// `dump --save`: the store as text into the data folder, whole or not at all.
func saveDump(_ options: borrowing Options, _ configuration: Configuration) -> ExitCode {
    let folder = configuration.dataFolder
    let part = File.path(folder.span, "/store.dump.new")
    let target = File.path(folder.span, "/store.dump")
    do throws(File.Failure) {
        let descriptor = try File.openNew(part.span)
        defer { _ = close(descriptor) }
        File.giveToOwner(descriptor, of: folder.span)
        let code = perform(options, configuration, to: descriptor)
        guard code == .success else {
            File.remove(part.span)
            return code
        }
        guard fsync(descriptor) == 0 else { throw .failed(libc_errno()) }
        try File.replace(target.span, by: part.span, in: folder.span)
        return .success
    } catch {
        File.remove(part.span)
        Terminal.printError("impsctl: store.dump cannot be written in the data folder\n")
        return .inputOutput
    }
}

/// `--offline factory-reset`: takes away what the engine keeps, which must not run.
func resetOffline(_ configuration: Configuration) -> ExitCode {
    do throws(SetupError) {
        let folder = try openDataFolder(configuration)
        do throws(StoreOpenError) {
            try folder.removeAll()
        } catch {
            throw .store(error)
        }
        return .success
    } catch {
        return explain(error, configuration)
    }
}
