import CLibC
import Transport

// SwiftPM renames the entry point of an executable on hosted systems, so that tests can link it.
#if os(Linux) || os(macOS)
    /// The C entry point.
    @c(impsd_main)
    public func entry(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        unsafe start(count, arguments)
    }
#else
    /// The C entry point.
    @c(main)
    public func entry(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Int32 {
        unsafe start(count, arguments)
    }
#endif

private func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    switch unsafe Options.read(count, arguments) {
    case .run(let options): return run(options).rawValue
    case .stop(let code): return code.rawValue
    }
}
