import CLibC
import Transport

// SwiftPM renames the entry point of an executable on hosted systems, so that tests can link it.
#if os(Linux) || os(macOS)
    /// The C entry point.
    @c(imps_main)
    public func entry(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        unsafe start(count, arguments).rawValue
    }
#else
    /// The C entry point.
    @c(main)
    public func entry(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        unsafe start(count, arguments).rawValue
    }
#endif

private func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> ExitCode {
    switch unsafe Options.read(count, arguments) {
    case .run(let options): return perform(options)
    case .stop(let code): return code
    }
}
