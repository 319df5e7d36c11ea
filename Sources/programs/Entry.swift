import CLibC
import Octets
import imps
import impsctl
import impsd

/// The C entry point, under the name that SwiftPM gives it.
@c(programs_main)
public func entry(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
    guard count > 0, let first = unsafe arguments[0] else { return unsafe impsd.entry(count, arguments) }
    let path = unsafe Span(
        _unsafeStart: UnsafeRawPointer(first).assumingMemoryBound(to: UInt8.self), count: Int(strlen(first)))
    switch Program(calledBy: path) {
    case .impsd: return unsafe impsd.entry(count, arguments)
    case .impsctl: return unsafe impsctl.entry(count, arguments)
    case .imps: return unsafe imps.entry(count, arguments)
    }
}
