import CLibC
import Transport

/// The C entry point, under the name that SwiftPM gives it.
@c(impsd_main)
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
