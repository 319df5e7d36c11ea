import Files
import IMPSEngine
import Octets
import Transport

extension AdminPassword {
    /// The first line of a file.
    ///
    /// - Returns: the password, or nil and why there is none.
    static func read(_ path: Span<UInt8>) -> (password: AdminPassword?, why: StaticString) {
        guard !File.isOpenToOthers(path) else { return (nil, "others may read the file; chmod 600 it") }
        var text = Memory.buffer(512)
        defer { text.wipe() }
        do throws(File.Failure) {
            try File.read(path, into: &text)
        } catch {
            return (nil, "the file cannot be read, or has more than 511 octets")
        }
        let end = text.span.firstIndex(of: 0x0A) ?? text.count
        let password = AdminPassword(text.span.extracting(0..<end).trimmed())
        return (password, "its first line has fewer than 8 octets, or more than 200")
    }
}
