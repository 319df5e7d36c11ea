import Configuration
import Files
import Octets
import Transport

/// Reads a configuration; nil when the file cannot be read.
public func readConfiguration(_ path: InlineBytes<200>, _ diagnostics: inout Diagnostics) -> Configuration? {
    var text = Memory.buffer(65_536)
    do throws(File.Failure) {
        try File.read(path.span, into: &text)
    } catch {
        return nil
    }
    return Configuration.read(text.span, &diagnostics)
}
