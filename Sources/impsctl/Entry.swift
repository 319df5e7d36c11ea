import CLibC
import Transport

/// Does what the program is called for.
///
/// - Returns: The exit code.
public func entry(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
    unsafe start(count, arguments).rawValue
}

private func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> ExitCode {
    Cells.prepare()
    switch unsafe Options.read(count, arguments) {
    case .run(var options): return perform(&options)
    case .stop(let code): return code
    }
}
