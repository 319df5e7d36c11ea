import Files
import IMPSEngine
import Octets
import Transport

/// Files that only their owner may read, with a secret in their first line.
enum SecretFile {
    /// The secret; nil and why there is none.
    static func read(_ path: Span<UInt8>) -> (secret: InlineBytes<200>?, why: StaticString) {
        guard !File.isOpenToOthers(path) else { return (nil, "others may read the file; chmod 600 it") }
        var text = Memory.buffer(512)
        defer { text.wipe() }
        do throws(File.Failure) {
            try File.read(path, into: &text)
        } catch {
            return (nil, "the file cannot be read, or has more than 511 octets")
        }
        let end = text.span.firstIndex(of: 0x0A) ?? text.count
        return (InlineBytes<200>(text.span.extracting(0..<end).trimmed()), "its first line is too long")
    }
}

extension AdminPassword {
    /// The first line of a file.
    ///
    /// - Returns: the password, or nil and why there is none.
    static func read(_ path: Span<UInt8>) -> (password: AdminPassword?, why: StaticString) {
        let (secret, why) = SecretFile.read(path)
        guard var secret else { return (nil, why) }
        defer { secret.wipe() }
        return (AdminPassword(secret.span), "its first line has fewer than 8 octets, or more than 200")
    }
}
