import CLibC
import Transport

/// Does what the program is called for.
///
/// - Returns: The exit code.
public func entry(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
    unsafe start(count, arguments)
}

private func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    switch unsafe Options.read(count, arguments) {
    case .run(let options): return run(options).rawValue
    case .stop(let code): return code.rawValue
    }
}
