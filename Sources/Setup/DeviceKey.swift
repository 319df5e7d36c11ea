import Digests
import Files
import Octets
import Transport

extension Vault {
    /// The vault of this device; nil when its key cannot be read or made.
    ///
    /// The key is made at the first start and lies beside the store, in `device.key`, never in it: whoever gets a dump
    /// of the store has no password.
    ///
    /// - Parameter folder: The data folder.
    public static func ofDevice(folder: Span<UInt8>) -> Vault? {
        var path = Memory.buffer(256)
        path.append(folder)
        path.append("/device.key")
        var key = Memory.buffer(keyByteCount)
        do throws(File.Failure) {
            try File.read(path.span, into: &key)
        } catch {
            switch error {
            // It fills the buffer to the last octet.
            case .tooLarge: break
            case .failed: return nil
            case .missing:
                let random = Clock.randomKey()
                key.append(random.span)
                do throws(File.Failure) {
                    try File.create(path.span, key.span)
                } catch {
                    return nil
                }
            }
        }
        return open(key: key.span)
    }
}
